/** The system behind the gateways: answers every GET at once with one kilobyte of JSON, on bare sockets, so that it takes as little as possible of the processors. */
import { createServer } from "node:net";

const body = JSON.stringify({
  sku: "SKU-1000",
  description: "Stainless shackle, bow type, 12 mm, with safety pin. ".repeat(12),
  stock: Array.from({ length: 8 }, (_, index) => ({ site: `harbour-${index}`, free: 12 * index, held: index })),
});
const response = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);

const server = createServer((socket) => {
  socket.setNoDelay(true);
  let rest = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    rest += chunk.toString("latin1");
    for (;;) {
      const head = rest.indexOf("\r\n\r\n");
      if (head < 0) return;
      rest = rest.slice(head + 4);
      socket.write(response);
    }
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on("disconnect", () => process.exit(0));

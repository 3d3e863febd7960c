/**
 * The systems of the benchmark, in one process: answers every POST at once with a fixed JSON document. Written on bare sockets, so
 * that it takes as little as possible of the two processors that it shares with what is measured.
 */
import { createServer } from "node:net";

const answers: Readonly<Record<string, string>> = {
  "/reserve": JSON.stringify({ hold: "H-1", until: "2026-12-01T00:00:00Z" }),
  "/authorize": JSON.stringify({ id: "P-1", status: "authorized" }),
  "/sales-orders": JSON.stringify({ number: "SO-1" }),
  "/capture": JSON.stringify({ id: "P-1", status: "captured" }),
};
const responses = new Map(
  Object.entries(answers).map(([path, body]) => [
    path,
    Buffer.from(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  ]),
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
      const length = /\r\ncontent-length: *(\d+)/i.exec(rest.slice(0, head));
      const end = head + 4 + Number(length?.[1] ?? 0);
      if (rest.length < end) return;
      const path = rest.slice(rest.indexOf(" ") + 1, rest.indexOf(" ", rest.indexOf(" ") + 1));
      rest = rest.slice(end);
      socket.write(responses.get(path) ?? "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    }
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on("disconnect", () => process.exit(0));

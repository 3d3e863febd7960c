/**
 * The system behind the attacked server, and the ledger: every request that reaches it stands there with all of its bytes. It reads them
 * itself, from a bare socket, so that nothing of them is lost or made tidy on the way.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface Entry {
  readonly method: string;
  readonly target: string;
  /** The head as it came, without its first line; names as they were written. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export interface Upstream {
  readonly url: string;
  readonly port: number;
  /** Requests in the order in which they came. */
  readonly ledger: Entry[];
  /** Entries in whose target or body this stands. */
  about(text: string): readonly Entry[];
  /** What comes instead of the usual answer: written to the socket by it. `undefined`: the usual one. */
  lie: ((entry: Entry, socket: Socket) => void) | undefined;
  /** Connections that were opened. */
  connections: number;
}

export async function openUpstream(t: TestContext): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    upstream.connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (;;) {
        const end = bytes.indexOf("\r\n\r\n");
        if (end < 0) return;
        const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
        const headers = lines.map((line) => {
          const cut = line.indexOf(":");
          return [line.slice(0, cut), line.slice(cut + 1).trim()] as const;
        });
        const length = Number(headers.find(([name]) => name.toLowerCase() === "content-length")?.[1] ?? 0);
        if (bytes.length < end + 4 + length) return;
        const [method = "", target = ""] = first.split(" ");
        const entry = { method, target, headers, body: bytes.subarray(end + 4, end + 4 + length).toString("utf8") };
        bytes = bytes.subarray(end + 4 + length);
        upstream.ledger.push(entry);
        if (upstream.lie === undefined) socket.write(usual(entry));
        else upstream.lie(entry, socket);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const upstream: Upstream = {
    url: `http://127.0.0.1:${port}`,
    port,
    ledger: [],
    about: (text) => upstream.ledger.filter(({ target, body }) => target.includes(text) || body.includes(text)),
    lie: undefined,
    connections: 0,
  };
  return upstream;
}

/** An answer with these bytes. */
export function answering(status: string, body: string | Uint8Array, headers = ""): Buffer {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), typeof body === "string" ? Buffer.from(body) : body]);
}

/** `book` books, `getStock` has seven of everything, and `echo` gives back what it got. */
export function usual({ method, target, body }: Entry): Buffer {
  if (method === "POST" && target === "/bookings") return answering("201 Created", '{"id":"booked"}');
  if (method === "POST" && target === "/echo") return answering("200 OK", body);
  if (method === "GET" && target.startsWith("/stock/")) return answering("200 OK", '{"onHand":7}');
  if (method === "HEAD") return Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  return answering("404 Not Found", "{}");
}

/** The load: a fixed number of reads over so many connections on bare sockets, one in flight on each. Every answer is checked; each item is asked for once. */
import { connect } from "node:net";

export interface Load {
  readonly port: number;
  /** The item's id comes behind it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly connections: number;
  readonly prefix: string;
}
export interface LoadResult {
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

process.on("message", (load: Load) => {
  run(load).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));

async function run(load: Load): Promise<LoadResult> {
  const times: number[] = [];
  let next = 0;
  const head = Object.entries({ host: "127.0.0.1", ...load.headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: load.connections }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const socket = connect({ port: load.port, host: "127.0.0.1", noDelay: true });
      let sent = 0;
      let rest = "";
      const send = () => {
        if (next === load.requests) {
          socket.end();
          resolve();
          return;
        }
        sent = performance.now();
        socket.write(`GET ${load.path}${load.prefix}-${next++} HTTP/1.1\r\n${head}\r\n`);
      };
      socket.on("connect", send);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("the connection was closed")));
      socket.on("data", (chunk) => {
        rest += chunk.toString("latin1");
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(rest.slice(0, end + 2))?.[1]);
        if (rest.length < end + 4 + length) return;
        if (!rest.startsWith("HTTP/1.1 200") || !rest.includes('"sku":"SKU-1000"') || !(length > 900)) {
          reject(new Error(rest.slice(0, 2000)));
          socket.destroy();
          return;
        }
        rest = rest.slice(end + 4 + length);
        times.push(performance.now() - sent);
        send();
      });
      return promise;
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { seconds, p50: at(0.5), p99: at(0.99) };
}

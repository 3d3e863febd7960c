/** The load: a fixed number of orders, so many in flight, over as many connections on bare sockets. Every answer is checked. */
import { connect } from "node:net";
import { performance } from "node:perf_hooks";

export interface Load {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly orders: number;
  readonly inFlight: number;
  /** Prefix of the order ids, so that no id comes twice. */
  readonly prefix: string;
  /** Orders a second, evenly; each connection takes its turn. Default: as fast as they are answered. */
  readonly perSecond?: number;
}
export interface LoadResult {
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

function order(id: string): string {
  const lines = Array.from({ length: 6 }, (_, index) => ({
    sku: `SKU-${1000 + index}`,
    description: "Stainless shackle, bow type, 12 mm, with safety pin",
    quantity: index + 1,
    price: "12.50",
  }));
  return JSON.stringify({ id, customerId: "C-42", total: "262.50", currency: "EUR", cardToken: "tok_visa", lines });
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
  let turn = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: load.inFlight }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const socket = connect({ port: load.port, host: "127.0.0.1", noDelay: true });
      const extra = Object.entries(load.headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("");
      let sent = 0;
      let rest = "";
      const sendInTurn = () => {
        if (load.perSecond === undefined || next === load.orders) return send();
        const due = begun + (turn++ * 1000) / load.perSecond;
        setTimeout(send, Math.max(0, due - performance.now()));
      };
      const send = () => {
        if (next === load.orders) {
          socket.end();
          resolve();
          return;
        }
        const body = order(`${load.prefix}-${next++}`);
        sent = performance.now();
        socket.write(
          `POST ${load.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${extra}content-length: ${body.length}\r\n\r\n${body}`,
        );
      };
      socket.on("connect", sendInTurn);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("the connection was closed")));
      socket.on("data", (chunk) => {
        rest += chunk.toString("latin1");
        const head = rest.indexOf("\r\n\r\n");
        if (head < 0) return;
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(rest.slice(0, head))?.[1]);
        if (rest.length < head + 4 + length) return;
        if (!rest.startsWith("HTTP/1.1 20") || !rest.includes('"salesOrder":"SO-1"')) {
          reject(new Error(rest.slice(0, 2000)));
          socket.destroy();
          return;
        }
        rest = rest.slice(head + 4 + length);
        times.push(performance.now() - sent);
        sendInTurn();
      });
      return promise;
    }),
  );
  const seconds = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] as number;
  return { seconds, p50: at(0.5), p99: at(0.99) };
}

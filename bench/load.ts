/** What the loads share: a fixed number of requests over so many connections on bare sockets, one in flight on each. Every answer is checked. */
import { connect } from "node:net";

export interface LoadResult {
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Course {
  readonly port: number;
  readonly requests: number;
  readonly connections: number;
  /** Requests a second, evenly; each connection takes its turn. Default: as fast as they are answered. */
  readonly perSecond?: number | undefined;
  /** The n-th request, as it is sent. */
  readonly request: (n: number) => string;
  /** Whether this is the right answer, head and body. */
  readonly right: (answer: string) => boolean;
}

/** Answers each load that the parent sends with its result. */
export function serveLoads<L>(run: (load: L) => Promise<LoadResult>): void {
  process.on("message", (load: L) => {
    run(load).then(
      (result) => process.send?.({ result }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on("disconnect", () => process.exit(0));
}

/** Rejects with the first wrong answer, and where a connection is closed. */
export async function loadWith({
  port,
  requests,
  connections,
  perSecond,
  request,
  right,
}: Course): Promise<LoadResult> {
  const times: number[] = [];
  let next = 0;
  let turn = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: connections }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      let sent = 0;
      let rest = "";
      const send = () => {
        if (next === requests) {
          socket.end();
          resolve();
          return;
        }
        const text = request(next++);
        sent = performance.now();
        socket.write(text);
      };
      const sendInTurn = () => {
        if (perSecond === undefined || next === requests) return send();
        const due = begun + (turn++ * 1000) / perSecond;
        setTimeout(send, Math.max(0, due - performance.now()));
      };
      socket.on("connect", sendInTurn);
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("the connection was closed")));
      socket.on("data", (chunk) => {
        rest += chunk.toString("latin1");
        const head = rest.indexOf("\r\n\r\n");
        if (head < 0) return;
        const end = head + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(rest.slice(0, head))?.[1]);
        if (rest.length < end) return;
        if (!right(rest)) {
          reject(new Error(rest.slice(0, 2000)));
          socket.destroy();
          return;
        }
        rest = rest.slice(end);
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

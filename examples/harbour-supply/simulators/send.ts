/** One HTTP request from a simulator to somewhere else, on `node:http`, and the pause between two tries. */
import { request } from "node:http";

export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Sends once. Rejects on a connection error, and when no answer came within `timeoutMs` (default 10 s). */
export function send(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly timeoutMs?: number;
  } = {},
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: options.method ?? "GET",
        headers: options.headers,
        agent: false,
        signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.once("end", () => {
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      },
    );
    outgoing.on("error", reject); // a request can fail twice: refused, then torn down
    outgoing.end(options.body);
  });
}

/** Pause in milliseconds before try number `attempt` (from 1): doubles from 100 ms to at most 3 s, and is spread at random. */
export function pauseBefore(attempt: number): number {
  return Math.min(3000, 100 * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random() / 2);
}

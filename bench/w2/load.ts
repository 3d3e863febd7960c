/** The load: a fixed number of reads, one in flight on each connection. Each item is asked for once. */
import { loadWith, serveLoads } from "../load.ts";

export interface Load {
  readonly port: number;
  /** The item's id comes behind it. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly connections: number;
  readonly prefix: string;
}
serveLoads((load: Load) => {
  const head = Object.entries({ host: "127.0.0.1", ...load.headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  return loadWith({
    port: load.port,
    requests: load.requests,
    connections: load.connections,
    request: (n) => `GET ${load.path}${load.prefix}-${n} HTTP/1.1\r\n${head}\r\n`,
    right: (answer) =>
      answer.startsWith("HTTP/1.1 200") &&
      answer.includes('"sku":"SKU-1000"') &&
      answer.length - answer.indexOf("\r\n\r\n") > 900,
  });
});

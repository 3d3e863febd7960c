/** The load: a fixed number of orders, so many in flight, over as many connections. */
import { loadWith, serveLoads } from "../load.ts";

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
function order(id: string): string {
  const lines = Array.from({ length: 6 }, (_, index) => ({
    sku: `SKU-${1000 + index}`,
    description: "Stainless shackle, bow type, 12 mm, with safety pin",
    quantity: index + 1,
    price: "12.50",
  }));
  return JSON.stringify({ id, customerId: "C-42", total: "262.50", currency: "EUR", cardToken: "tok_visa", lines });
}

serveLoads((load: Load) => {
  const extra = Object.entries(load.headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const head = `POST ${load.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${extra}content-length: `;
  return loadWith({
    port: load.port,
    requests: load.orders,
    connections: load.inFlight,
    perSecond: load.perSecond,
    request(n) {
      const body = order(`${load.prefix}-${n}`);
      return `${head}${body.length}\r\n\r\n${body}`;
    },
    right: (answer) => answer.startsWith("HTTP/1.1 20") && answer.includes('"salesOrder":"SO-1"'),
  });
});

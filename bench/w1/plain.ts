/**
 * The baseline: the same order-to-cash in plain Node, without durability. It parses and answers the same JSON; no key check, no
 * validation. node:http in, undici's dispatcher out.
 */
import { createServer } from "node:http";
import { Pool } from "undici";

interface Order {
  readonly id: string;
  readonly total: string;
  readonly cardToken: string;
  readonly lines: readonly unknown[];
}

const pool = new Pool(process.argv[2] as string, { connections: 64, pipelining: 1 });

function call(path: string, body: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    pool.dispatch(
      { method: "POST", path, headers: ["content-type", "application/json"], body: JSON.stringify(body) },
      {
        onRequestStart: () => {},
        onResponseStart(_controller, code) {
          status = code;
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          if (status === 200)
            resolve(JSON.parse(chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString()));
          else reject(new Error(`status ${status}`));
        },
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

async function orderToCash(order: Order): Promise<unknown> {
  const hold = (await call("/reserve", { reference: order.id, lines: order.lines })) as { hold: string };
  const payment = (await call("/authorize", { amount: order.total, token: order.cardToken })) as { id: string };
  const sale = (await call("/sales-orders", { reference: order.id, hold: hold.hold, lines: order.lines })) as {
    number: string;
  };
  await call("/capture", { id: payment.id });
  return { salesOrder: sale.number, payment: payment.id };
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    orderToCash(JSON.parse(Buffer.concat(chunks).toString()) as Order).then(
      (result) => {
        const body = JSON.stringify(result);
        response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
        response.end(body);
      },
      (error: unknown) => {
        response.writeHead(500);
        response.end(String(error));
      },
    );
  });
});
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on("disconnect", () => process.exit(0));

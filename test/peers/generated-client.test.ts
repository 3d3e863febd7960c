/**
 * A client that another project's generator (oazapfts) makes from the OpenAPI document that a running Harbour Supply serves: it is made anew, its
 * types are checked strictly, and it is used.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Order } from "../../examples/harbour-supply/simulators/orders.ts";
import { type Harbour, startHarbour } from "../harbour.ts";
import { root } from "../tree/sources.ts";

let folder: string;
let harbour: Harbour;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "mortise-generated-"));
  harbour = await startHarbour(folder);
});
after(async () => {
  await harbour?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function node(file: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const program = join(root, "node_modules", file);
    execFile(process.execPath, [program, ...args], { cwd: folder, timeout: 120_000 }, (error, out, words) =>
      error === null ? resolve(out) : reject(new Error(`${file} ${args.join(" ")}\n${out}\n${words}`)),
    );
  });
}

/** What a consumer's developer writes with the client. The marked lines are wrong on purpose: each must be an error of its types. */
const consumer = `import { defaults, getOrder, getStock, placeOrderAndWait, type Order, type Problem } from "./client.ts";

export function connect(url: string, key: string): void {
  defaults.baseUrl = url;
  defaults.headers = { authorization: "Bearer " + key };
}

export async function buy(order: Order, key: string): Promise<{ salesOrder: string; tracking: string }> {
  const answer = await placeOrderAndWait(key, order);
  if (answer.status === 200 || answer.status === 201) return answer.data;
  throw new Error(answer.status === 202 ? "it takes longer: " + answer.data.key : answer.data.detail);
}

export async function statusOf(key: string): Promise<"unknown" | "open" | "done"> {
  const answer = await getOrder(key);
  if (answer.status === 404) return "unknown";
  if (answer.status !== 200) throw new Error(answer.data.type);
  return answer.data.status === "completed" ? "done" : "open";
}

export async function problemOf(order: Order, key: string): Promise<Problem | undefined> {
  const answer = await placeOrderAndWait(key, order);
  return answer.status === 400 ? answer.data : undefined;
}

export async function available(sku: string): Promise<number | undefined> {
  const answer = await getStock(sku);
  return answer.status === 200 ? answer.data?.available : undefined;
}

export async function mistakes(order: Order): Promise<void> {
  // @ts-expect-error the key is required
  await placeOrderAndWait(order);
  // @ts-expect-error a line has a quantity
  const lines: Order["lines"] = [{ sku: "a", unitPrice: "1.00" }];
  const answer = await getOrder("a");
  // @ts-expect-error a problem has no business key
  if (answer.status === 404) answer.data.key;
  // @ts-expect-error it may not have completed yet
  if (answer.status === 200) answer.data.output.salesOrder;
  // @ts-expect-error no such state
  if (answer.status === 200 && answer.data.status === "lost") lines.pop();
}
`;

interface Consumer {
  connect(url: string, key: string): void;
  buy(order: Order, key: string): Promise<{ readonly salesOrder: string; readonly tracking: string }>;
  statusOf(key: string): Promise<string>;
  problemOf(
    order: Order,
    key: string,
  ): Promise<{ readonly errors?: readonly { readonly pointer: string }[] } | undefined>;
  available(sku: string): Promise<number | undefined>;
}

test("a client generated from openapi.json passes strict types, places an order, reads it, and has its problems typed (PD-7)", async () => {
  const document = await (await fetch(`${harbour.url}/orders/v1/openapi.json`)).text();
  writeFileSync(join(folder, "openapi.json"), document);
  await node("oazapfts/dist/cli.js", "openapi.json", "client.ts");
  const generated = readFileSync(join(folder, "client.ts"), "utf8");
  for (const operation of ["placeOrder", "placeOrderAndWait", "getOrder", "getStock"])
    assert.match(generated, new RegExp(`export function ${operation}\\(`));

  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, "consumer.ts"), consumer);
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, noEmit: true },
    ...{ module: "NodeNext", target: "ES2024", lib: ["ES2024", "DOM"], types: [], allowImportingTsExtensions: true },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  await node("typescript/bin/tsc", "-p", ".");

  const client = (await import(pathToFileURL(join(folder, "consumer.ts")).href)) as Consumer;
  const key = await harbour.key("web-shop", ["orders:write", "orders:read", "stock:read"]);
  client.connect(`${harbour.url}/orders/v1`, key);
  const order = harbour.newOrder("plain");
  assert.equal(await client.statusOf(order.id), "unknown");
  const bought = await client.buy(order, `"${order.id}"`);
  assert.deepEqual(
    (await harbour.facts(order.id)).sales.map(({ number }) => number),
    [bought.salesOrder],
    "the ERP has the sales order that the client was told of",
  );
  assert.equal(await client.statusOf(order.id), "done");
  assert.ok(Number(await client.available(order.lines[0]!.sku)) >= 0);
  const problem = await client.problemOf({ ...order, id: "" }, '"wrong"');
  assert.deepEqual(
    problem?.errors?.map(({ pointer }) => pointer),
    ["/id"],
  );
  client.connect(`${harbour.url}/orders/v1`, "mtz_live_wrong");
  await assert.rejects(client.statusOf(order.id), /urn:mortise:error:/);
});

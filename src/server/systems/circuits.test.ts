/** A system that goes away and comes back, seen from outside: its runs, its health, the log, the metrics, a restart. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { request } from "undici";
import { createServer } from "../../http.ts";
import type { RunDetail } from "../../process/engine.ts";
import { loadProject } from "../project/project.ts";
import { type RunningServer, startServer } from "../server.ts";
import { testContract, testContractTs, testProject } from "../test-project.ts";

const files = (shop: string) => ({
  "package.json": '{"name":"harbour","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise"; export default defineConfig({ api: { port: 0 }, admin: { port: 0 } });`,
  "systems/shop/contract.json": testContract("shop").replace('"webhook"', '"file"'),
  "systems/shop/contract.ts": testContractTs,
  "systems/shop/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
    export const shop = rest(contract, { connection: "${shop}", retry: { backoff: "5ms" }, retryBudget: { floor: 1000 },
      circuit: { failures: 3, pause: "20ms", maxPause: "40ms" } });`,
  "processes/booking.ts": `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts";
    export const booking = defineProcess({ name: "booking", key: (order: any) => order.order, on: shop.paid as any,
      input: { kind: "schema", json: true } as any,       run: async (flow, order: any) => ((await flow.call(shop.book, { sku: order.order })) as any).id });`,
});

interface Shop {
  readonly url: string;
  open: boolean;
  asked: number;
}

async function openShop(t: TestContext): Promise<Shop> {
  const shop = { url: "", open: false, asked: 0 };
  const server = createServer((asked, answer) => {
    shop.asked += 1;
    asked.resume();
    answer.writeHead(shop.open ? 201 : 503, { "content-type": "application/json" });
    answer.end(JSON.stringify({ id: "booked" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  shop.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return shop;
}

async function admin<T>(server: RunningServer, path: string, body?: unknown): Promise<T> {
  const answer = await request(`${server.adminUrl}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${server.adminToken}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.body.text();
  return (text.startsWith("{") ? JSON.parse(text) : text) as T;
}

/** Looks until it is as wanted. */
async function until<T>(look: () => Promise<T>, wanted: (seen: T) => boolean): Promise<T> {
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((next) => setTimeout(next, 10))) {
    const seen = await look();
    if (wanted(seen)) return seen;
  }
  throw new Error(`what is wanted did not come: ${JSON.stringify(await look())}`);
}

const pay = (server: RunningServer, order: string) =>
  admin(server, "/signals", {
    system: "shop",
    event: "paid",
    payload: { type: "paid", order },
    delivery: order,
    reason: "test",
  });
const runs = async (server: RunningServer) => (await admin<{ runs: RunDetail[] }>(server, "/runs")).runs;
interface SystemHealth {
  readonly health: {
    readonly state: string;
    readonly circuit: { readonly state: string; readonly since?: number; readonly reason?: string };
  };
}
const circuit = async (server: RunningServer) =>
  (await admin<{ systems: SystemHealth[] }>(server, "/systems")).systems[0]?.health.circuit;

test("a system that is away pauses its runs, which say so; they end once it is back, also after a restart", async (t) => {
  const shop = await openShop(t);
  const folder = testProject(files(shop.url));
  const lines: { msg: string; system?: string; reason?: string; level: string }[] = [];
  const servers: RunningServer[] = [];
  t.after(async () => {
    for (const server of servers) await server.stop();
    folder.remove();
  });
  const start = async () => {
    const project = await loadProject(folder.folder);
    const server = await startServer(project, { environment: {}, log: (line) => lines.push(JSON.parse(line)) });
    servers.push(server);
    return server;
  };
  const one = await start();
  for (const order of ["o-1", "o-2", "o-3", "o-4"]) await pay(one, order);
  const open = await until(
    () => circuit(one),
    (seen) => seen?.state !== "closed",
  );
  assert.ok(Number(open?.since) <= Date.now() && Number(open?.since) > Date.now() - 60_000);
  await until(
    () => circuit(one),
    (seen) => /status 503/.test(String(seen?.reason)),
  );
  await pay(one, "o-5");
  // One step at a time looks whether it is back, and that may be any of them; the others wait, and say for what.
  await until(
    () => runs(one),
    (all) =>
      all.every(({ reason }) => reason !== undefined) &&
      all.some(({ reason }) => /^shop is away: shop\.book is tried again from /.test(String(reason))),
  );
  assert.match(await admin(one, "/metrics"), /mortise_circuit_open\{system="shop"\} 1/);
  // It is looked for again and again, and all stay under way.
  const before = shop.asked;
  await until(
    async () => shop.asked,
    (asked) => asked > before + 10,
  );
  assert.deepEqual(new Set((await runs(one)).map(({ status }) => status)), new Set(["running"]));
  await one.stop();
  const two = await start();
  await until(
    () => circuit(two),
    (seen) => seen?.state !== "closed",
  );
  shop.open = true;
  await until(
    () => runs(two),
    (all) => all.length === 5 && all.every(({ status }) => status === "completed"),
  );
  await until(
    () => circuit(two),
    (seen) => seen?.state === "closed",
  );
  const told = lines.filter(({ msg }) => msg.startsWith("system is")).map(({ msg, level }) => `${level} ${msg}`);
  assert.equal(told[0], "warn system is away");
  assert.equal(told.at(-1), "info system is back");
});

test("straight calls are refused at once while their system is away, with a time to come again, and steps of runs know of it", async (t) => {
  const shop = await openShop(t);
  const folder = testProject({
    ...files(shop.url),
    "systems/shop/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
      export const shop = rest(contract, { connection: "${shop.url}", circuit: { failures: 3, pause: "1m", maxPause: "1m" } });`,
    "apis/bookings.v1.ts": `import { defineApi, post, published } from "mortise"; import { shop } from "../systems/shop/index.ts";
      export default defineApi({ name: "bookings", version: "1.0.0", base: "/bookings/v1", lifecycle: published(), access: [], limits: [],
        operations: { book: post("/bookings", { access: "public", calls: shop.book }) } });`,
  });
  const server = await startServer(await loadProject(folder.folder), { log: () => {} });
  t.after(async () => {
    await server.stop();
    folder.remove();
  });
  const book = async (sku: string) => {
    const { statusCode, headers, body } = await request(`${server.apiUrl}/bookings/v1/bookings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sku }),
    });
    const { type } = (await body.json()) as { type?: string };
    return { statusCode, code: type, retryAfter: Number(headers["retry-after"]) };
  };
  // A bare 503 does not say that nothing was done.
  for (const sku of ["a", "b", "c"]) assert.ok((await book(sku)).statusCode >= 503);
  const { asked } = shop;
  assert.ok(asked >= 3 && asked <= 6, `${asked}`);
  shop.open = true;
  const refused = await Promise.all(Array.from({ length: 20 }, (_, at) => book(`d-${at}`)));
  for (const { statusCode, code, retryAfter } of refused) {
    assert.deepEqual([statusCode, code], [503, "urn:mortise:error:system-unavailable"]);
    assert.ok(retryAfter >= 30 && retryAfter <= 90, String(retryAfter));
  }
  assert.equal(shop.asked, asked, "nothing is sent");
  assert.equal((await circuit(server))?.state, "open");
  // A run that needs it says so, although no step of a run has failed.
  await pay(server, "o-1");
  await until(
    () => runs(server),
    ([one]) => /^shop is away/.test(String(one?.reason)),
  );
});

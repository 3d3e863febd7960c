import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { request } from "undici";
import { openWebhookSecret, signWebhook } from "../connectors/webhook.ts";
import { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import type { RunDetail } from "../process/engine.ts";
import { loadProject } from "./project/project.ts";
import { type RunningServer, startServer } from "./server.ts";
import { type TestProject, testContract, testContractTs, testProject } from "./test-project.ts";

const webhookSecret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

function processText(mark: string, before = ""): string {
  return `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts"; ${before}
    export const booking = defineProcess({ name: "booking", key: (order: any) => order.order,
      input: { kind: "schema", json: { type: "object", properties: { order: { type: "string" } }, required: ["order"] } } as any,
      async run(flow, order: any) {
        const booked: any = await flow.call(shop.book, { sku: order.order });
        flow.log("booked", { as: booked.id });
        flow.state({ booked: booked.id, mark: "${mark}" });
        const paid: any = await flow.receive(shop.paid, { key: order.order });
        return { id: booked.id, paid: paid.order, mark: "${mark}" };
      } });`;
}

function files(shop: string): Readonly<Record<string, string>> {
  return {
    "package.json": '{"name":"harbour","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "5s" } });`,
    "secrets/shop-webhook": `${webhookSecret}\n`,
    "systems/shop/contract.json": testContract("shop"),
    "systems/shop/contract.ts": testContractTs,
    "systems/shop/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
      export const shop = rest(contract, { connection: "${shop}", webhookSecret: secret("shop-webhook"), sensitive: ["book.output.id"] });`,
    "processes/booking.ts": processText("one"),
    "apis/orders.v1.ts": `import { apiKey, defineApi, get, post, published } from "mortise"; import { booking } from "../processes/booking.ts";
      import { shop } from "../systems/shop/index.ts";
      export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()],
        operations: { placeOrder: post("/orders", { scope: "orders:write", starts: booking }),
          book: post("/bookings", { scope: "orders:write", calls: shop.book }),
          getOrder: get("/orders/{key}", { scope: "orders:write", run: booking, allow: () => true }) } });`,
  };
}

/** The shop: books, and remembers the keys under which it was asked. */
async function openShop(t: TestContext): Promise<{ url: string; keys: string[] }> {
  const keys: string[] = [];
  const server = createServer((asked, answer) => {
    keys.push(String(asked.headers["idempotency-key"]));
    asked.resume();
    answer.writeHead(201, { "content-type": "application/json" });
    answer.end(JSON.stringify({ id: "booked-1" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys };
}

interface Running {
  readonly folder: TestProject;
  readonly lines: string[];
  start(): Promise<RunningServer>;
  shop: { readonly keys: readonly string[] };
}

async function setUp(t: TestContext, change: Readonly<Record<string, string>> = {}): Promise<Running> {
  const shop = await openShop(t);
  const folder = testProject({ ...files(shop.url), ...change });
  chmodSync(join(folder.folder, "secrets/shop-webhook"), 0o600);
  const lines: string[] = [];
  const servers: RunningServer[] = [];
  t.after(async () => {
    for (const server of servers) await server.stop();
    folder.remove();
  });
  return {
    folder,
    lines,
    shop,
    async start() {
      const project = await loadProject(folder.folder);
      const server = await startServer(project, { environment: {}, log: (line) => lines.push(line) });
      servers.push(server);
      return server;
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function send(url: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await request(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: text ?? null,
  });
  const received = await answer.body.text();
  return { status: answer.statusCode, body: received.startsWith("{") ? JSON.parse(received) : { text: received } };
}

function admin(server: RunningServer, path: string, body?: unknown): Promise<Answer> {
  return send(`${server.adminUrl}${path}`, { authorization: `Bearer ${server.adminToken}` }, body);
}

async function keyOf(server: RunningServer): Promise<Record<string, string>> {
  const { body } = await admin(server, "/keys", { consumer: "acme", scopes: ["orders:write"] });
  return { authorization: `Bearer ${String(body.key)}` };
}

function paid(server: RunningServer, order: string, id: string, secret = webhookSecret): Promise<Answer> {
  const body = JSON.stringify({ type: "paid", order });
  const timestamp = Math.floor(Date.now() / 1000);
  const headers = signWebhook({ id, timestamp, body, secrets: [openWebhookSecret(secret, "shop")] });
  return send(`${server.apiUrl}/webhooks/shop`, headers, body);
}

/** Looks until the run is there as wanted; the run itself is what is waited for. */
async function runOf(server: RunningServer, key: string, wanted: (run: RunDetail) => boolean): Promise<RunDetail> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await new Promise((next) => setTimeout(next, 10))) {
    const { body } = await admin(server, `/runs?key=${key}`);
    const [summary] = body.runs as { id: string }[];
    if (summary === undefined) continue;
    const run = (await admin(server, `/runs/${summary.id}`)).body as unknown as RunDetail;
    if (wanted(run)) return run;
  }
  throw new Error(`the run ${key} did not come to what is wanted`);
}

const waits = (run: RunDetail) => run.steps.some((step) => step.kind === "receive");
const ended = (run: RunDetail) => run.status === "completed";

test("an order comes in by the API, calls a system, waits for a webhook, and ends", async (t) => {
  const { start, lines, shop } = await setUp(t);
  const server = await start();
  const key = await keyOf(server);
  assert.equal((await send(`${server.apiUrl}/orders/v1/orders`, {}, { order: "o-1" })).status, 401);
  assert.equal((await send(`${server.apiUrl}/orders/v1/orders`, key, { order: 1 })).status, 400);
  const placed = await send(`${server.apiUrl}/orders/v1/orders`, key, { order: "o-1" });
  assert.equal(placed.status, 202, JSON.stringify(placed.body));
  await runOf(server, "o-1", waits);
  assert.equal((await paid(server, "o-1", "m1")).status, 204);
  const run = await runOf(server, "o-1", ended);
  assert.deepEqual(run.output, { id: "•••", paid: "o-1", mark: "one" });
  assert.equal(run.version, server.version);
  assert.equal(shop.keys.length, 1);
  // What a process shows of itself is seen by whom it concerns, without what is sensitive in it.
  const seen = await send(`${server.apiUrl}/orders/v1/orders/o-1`, key);
  assert.deepEqual([seen.body.state, run.state], Array(2).fill({ booked: "•••", mark: "one" }));
  assert.deepEqual(run.steps.find(({ kind }) => kind === "log")?.output, { as: "•••" });
  assert.equal(seen.body.status, "completed");
  const straight = await send(`${server.apiUrl}/orders/v1/bookings`, key, { sku: "s-1" });
  assert.deepEqual(straight, { status: 200, body: { id: "booked-1" } });
  const { body } = await admin(server, "/metrics");
  assert.match(String(body.text), /mortise_runs_settled_total\{process="booking",status="completed"\} 1/);
  assert.match(String(body.text), /mortise_triggers_total\{system="shop",event="paid",result="matched"\} 1/);
  assert.ok(lines.some((line) => JSON.parse(line).msg === "run ended"));
  assert.ok(!lines.join("").includes(webhookSecret) && !lines.join("").includes(String(key.authorization).slice(7)));
});

test("a webhook that is not signed rightly, or fits no event, leaves nothing", async (t) => {
  const { start } = await setUp(t);
  const server = await start();
  const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
  assert.equal((await paid(server, "o-1", "m1", other)).status, 401);
  assert.equal((await send(`${server.apiUrl}/webhooks/shop`, {}, { type: "paid", order: "o-1" })).status, 401);
  assert.equal((await send(`${server.apiUrl}/webhooks/none`, {}, {})).status, 404);
  assert.equal((await send(`${server.apiUrl}/webhooks/shop`, {})).status, 405);
  const body = '{"type":"paid"}';
  const timestamp = Math.floor(Date.now() / 1000);
  const signed = signWebhook({ id: "m2", timestamp, body, secrets: [openWebhookSecret(webhookSecret, "shop")] });
  assert.equal((await send(`${server.apiUrl}/webhooks/shop`, signed, body)).status, 422);
  assert.equal((await paid(server, "o-1", "m3")).status, 204);
  assert.equal((await paid(server, "o-1", "m3")).status, 204);
  const { body: page } = await admin(server, "/metrics");
  assert.match(String(page.text), /result="kept"\} 1/);
  assert.match(String(page.text), /result="duplicate"\} 1/);
});

test("a run ends on the code that it started on, beside runs of newer code; drained code is removed", async (t) => {
  const { start, folder } = await setUp(t);
  const first = await start();
  const key = await keyOf(first);
  await send(`${first.apiUrl}/orders/v1/orders`, key, { order: "old" });
  await runOf(first, "old", waits);
  await first.stop();

  folder.write({ "processes/booking.ts": processText("two") });
  const second = await start();
  assert.notEqual(second.version, first.version);
  await send(`${second.apiUrl}/orders/v1/orders`, key, { order: "new" });
  await runOf(second, "new", waits);
  const { body } = await admin(second, "/versions");
  const versions = body.versions as { id: string; current: boolean; openRuns: number; worker: string }[];
  assert.deepEqual(
    versions
      .map(({ id, current, openRuns }) => ({ id, current, openRuns }))
      .sort((a, b) => Number(a.current) - Number(b.current)),
    [
      { id: first.version, current: false, openRuns: 1 },
      { id: second.version, current: true, openRuns: 1 },
    ],
  );
  await paid(second, "old", "m-old");
  await paid(second, "new", "m-new");
  assert.equal(((await runOf(second, "old", ended)).output as { mark: string }).mark, "one");
  assert.equal(((await runOf(second, "new", ended)).output as { mark: string }).mark, "two");
  await second.stop();

  const third = await start();
  assert.equal(third.version, second.version);
  // The one before stays for a rollback, until another one takes its place.
  assert.equal(existsSync(join(folder.folder, ".mortise/versions", first.version)), true);
  await third.stop();
  folder.write({ "processes/booking.ts": processText("three") });
  await start();
  assert.equal(existsSync(join(folder.folder, ".mortise/versions", second.version)), true);
  assert.equal(existsSync(join(folder.folder, ".mortise/versions", first.version)), false);
});

test("a worker that dies is started again, and its runs go on", async (t) => {
  const { start, lines } = await setUp(t, {
    "processes/booking.ts": processText(
      "one",
      `import { existsSync, writeFileSync } from "node:fs"; import { isMainThread } from "node:worker_threads";
       const mark = new URL(["..", "..", "..", "..", "died"].join("/"), import.meta.url);
       if (!isMainThread && !existsSync(mark)) { writeFileSync(mark, ""); setTimeout(() => { throw new Error("worker blew up"); }, 1); await new Promise(() => setTimeout(() => {}, 10_000)); }`,
    ),
  });
  const server = await start();
  const key = await keyOf(server);
  const placed = await send(`${server.apiUrl}/orders/v1/orders`, key, { order: "o-1" });
  assert.equal(placed.status, 202);
  await paid(server, "o-1", "m1");
  await runOf(server, "o-1", ended);
  const died = lines.map((line) => JSON.parse(line)).find(({ event }) => event === "died");
  assert.match(died.reason, /worker blew up/);
});

test("a file that is dropped into a folder starts a run for each row, once", async (t) => {
  const carrier = {
    format: 1,
    name: "carrier",
    source: { language: "csv", languageVersion: "1", files: [] },
    servers: [],
    schemas: {},
    operations: {},
    events: {
      row: {
        name: "row",
        payload: { type: "object", properties: { order: { type: "string", minLength: 2 } }, required: ["order"] },
        correlation: "/order",
        binding: {
          protocol: "csv",
          files: "*.csv",
          delimiter: ",",
          quote: '"',
          header: true,
          columns: [{ titles: ["Order"], property: "order", as: "text", required: true, empty: [] }],
        },
      },
    },
  };
  const { folder, start, lines } = await setUp(t, {
    "systems/carrier/contract.json": JSON.stringify(carrier),
    "systems/carrier/contract.ts": testContractTs,
    "systems/carrier/index.ts": `import { files } from "mortise"; import { contract } from "./contract.ts";
      export const carrier: any = files(contract as any, { connection: "inbox" });`,
    "processes/booking.ts": processText("one", `import { carrier } from "../systems/carrier/index.ts";`).replace(
      "defineProcess({",
      "defineProcess({ on: carrier.row,",
    ),
  });
  mkdirSync(join(folder.folder, "inbox"));
  const server = await start();
  folder.write({ "inbox/a.csv": "Order\no-1\nx\no-2\no-1\n" });
  await runOf(server, "o-1", waits);
  await runOf(server, "o-2", waits);
  const archived = join(folder.folder, "inbox/archive/a.csv");
  for (const deadline = Date.now() + 5000; !existsSync(archived) && Date.now() < deadline; )
    await new Promise((next) => setTimeout(next, 20));
  assert.ok(existsSync(archived));
  assert.match(readFileSync(join(folder.folder, "inbox/rejected/a.csv"), "utf8"), /^Order\r?\nx\r?\n$/);
  assert.equal(((await admin(server, "/runs")).body.runs as unknown[]).length, 2);
  assert.equal(
    ((await admin(server, "/systems")).body.systems as { health: { state: string } }[])[0]?.health.state,
    "healthy",
  );
  assert.ok(lines.some((line) => JSON.parse(line).msg === "file"));
});

test("stopping ends what is under way, and leaves no lock, no token and no port behind", async (t) => {
  const { start, folder } = await setUp(t);
  const server = await start();
  const file = join(folder.folder, ".mortise/admin.json");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(JSON.parse(readFileSync(file, "utf8")).url, server.adminUrl);
  const project = await loadProject(folder.folder);
  await assert.rejects(startServer(project, { environment: {}, log: () => {} }), (error: MortiseError) => {
    assert.ok(error instanceof MortiseError);
    assert.equal(error.code, "store-in-use");
    assert.match(error.message, new RegExp(`process ${process.pid}`));
    return true;
  });
  await server.stop();
  assert.equal(existsSync(file), false);
  await assert.rejects(send(`${server.apiUrl}/orders/v1/orders`, {}));
  await (await start()).stop();
});

test("a start that can't work says why, and leaves nothing running", async (t) => {
  const { folder, start } = await setUp(t, {});
  chmodSync(join(folder.folder, "secrets/shop-webhook"), 0o644);
  await assert.rejects(start(), /chmod 600/);
  chmodSync(join(folder.folder, "secrets/shop-webhook"), 0o600);
  folder.write({ "secrets/shop-webhook": "short" });
  await assert.rejects(start(), (error: MortiseError) => error.code === "webhook-secret");
  folder.write({ "secrets/shop-webhook": webhookSecret });
  const server = await start();
  const project = await loadProject(folder.folder);
  const port = Number(new URL(server.apiUrl).port);
  await server.stop();
  const blocker = createServer().listen(port, "127.0.0.1");
  t.after(() => blocker.close());
  for (const [option, given] of [
    ["api", { apiPort: port }],
    ["admin", { adminPort: port }],
  ] as const)
    await assert.rejects(startServer(project, { environment: {}, log: () => {}, ...given }), {
      code: "server-failed",
      message: new RegExp(`the port ${port} of ${option}\\.port is taken by another program \\(.*EADDRINUSE`),
    });
});

test("a database file that is removed while the server runs: it says so, and takes nothing more", async (t) => {
  if (process.platform === "win32") return t.skip("Windows keeps an open file from being removed");
  const { start, folder, lines } = await setUp(t);
  const server = await start();
  rmSync(join(folder.folder, ".mortise", "mortise.db"));
  // The answer changes within a second. A worker that has just started may have noticed before.
  const reasons = async () => (await send(`${server.adminUrl}/ready`, {})).body.reasons as readonly string[];
  while (!(await reasons()).includes("the store failed"));
  assert.match(lines.join(""), /mortise\.db was removed or replaced/);
});

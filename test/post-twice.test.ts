/**
 * Did it post twice? A real server as a process of its own, clients over HTTP, and a system that writes down all that it receives. What `mortise trace`
 * says of a key is held against that ledger: over repeats, lost answers, and a server that is killed between the sending and the record.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { mortise } from "../src/cli/test-terminal.ts";
import { createServer } from "../src/http.ts";
import { type TestProject, testContract, testProject } from "../src/server/test-project.ts";
import type { Chain, TraceAnswer } from "../src/server/tracing/answer.ts";

const binary = fileURLToPath(new URL("../bin/mortise.mjs", import.meta.url));

// --- the system -------------------------------------------------------------------------------------------------------

interface Received {
  readonly path: string;
  readonly sku: string;
  readonly key: string | undefined;
}
/** All that came in and changes something, in order. */
const ledger: Received[] = [];
const of = (sku: string): readonly Received[] => ledger.filter((one) => one.sku === sku);
/**
 * The first request of an SKU that begins with `cut` is taken, and never answered: the line is cut (`cut2`: the first two). With `hang` it is left
 * hanging, and `hangs` is told of it.
 */
const hangs = new Map<string, PromiseWithResolvers<void>>();

function openSystem(): Server {
  return createServer((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on("data", (part: Buffer) => parts.push(part));
    asked.on("end", () => {
      const json = (status: number, body: unknown) => {
        answer.writeHead(status, { "content-type": "application/json" });
        answer.end(JSON.stringify(body));
      };
      const { pathname, searchParams } = new URL(asked.url ?? "", "http://system");
      if (asked.method === "GET") {
        const found = of(searchParams.get("sku") ?? "").length;
        json(200, found === 0 ? null : { id: "found" });
        return;
      }
      const { sku } = JSON.parse(Buffer.concat(parts).toString()) as { sku: string };
      ledger.push({ path: pathname, sku, key: asked.headers["idempotency-key"] as string | undefined });
      const unanswered = sku.startsWith("cut2") ? 2 : 1;
      if (of(sku).length > unanswered || !/^(cut|hang)/.test(sku)) json(201, { id: `${sku}-1` });
      else if (sku.startsWith("cut")) asked.socket.destroy();
      else hangs.get(sku)?.resolve();
    });
  });
}

// --- the project ------------------------------------------------------------------------------------------------------

function contract(): string {
  const model = JSON.parse(testContract("shop"));
  const { book } = model.operations;
  const { key: _, ...ship } = structuredClone(book);
  Object.assign(ship, { name: "ship", effect: "unrepeatable" });
  ship.binding.path = "/shipments";
  const find = {
    ...structuredClone(ship),
    name: "findShipment",
    effect: "read",
    output: { type: ["object", "null"] },
    binding: {
      ...ship.binding,
      method: "GET",
      parameters: [{ name: "sku", in: "query", property: "sku", required: true, style: "form", explode: true }],
      success: [{ status: "200", mediaType: "application/json" }],
    },
  };
  delete find.binding.body;
  return JSON.stringify({ ...model, operations: { book, ship, findShipment: find }, events: {} });
}

function files(shop: string): Readonly<Record<string, string>> {
  return {
    "package.json": '{"name":"posting","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "2s" } });`,
    "systems/shop/contract.json": contract(),
    "systems/shop/contract.ts": `import { pinnedContract } from "mortise";
      type Sku = { sku: string }; type Made = { id: string };
      interface Types { events: {}; schemas: {}; operations: { book: { input: Sku; output: Made; faults: {} };
        ship: { input: Sku; output: Made; faults: {} }; findShipment: { input: Sku; output: Made | null; faults: {} } } }
      export const contract = pinnedContract<Types>(import.meta.url);`,
    "systems/shop/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
      export const shop = rest(contract, { connection: "${shop}", retry: { backoff: "10ms" },
        effects: { ship: { effect: "unrepeatable", probe: { call: "findShipment", with: ({ input }) => input, settle: "10ms" } } } });`,
    "processes/order.ts": `import { defineProcess, t } from "mortise"; import { shop } from "../systems/shop/index.ts";
      export const order = defineProcess({ name: "order", key: (input) => input.id,
        input: t.object({ id: t.string(), sku: t.string(), by: t.string() }),
        async run(flow, { sku, by }) {
          if (by === "ship") await flow.call(shop.ship, { sku });
          else await flow.call(shop.book, { sku });
        } });`,
    "apis/orders.v1.ts": `import { apiKey, defineApi, post, published } from "mortise"; import { order } from "../processes/order.ts";
      import { shop } from "../systems/shop/index.ts";
      export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()],
        operations: { placeOrder: post("/orders", { scope: "w", starts: order }), place: post("/now", { scope: "w", starts: order, wait: "30s" }),
          book: post("/bookings", { scope: "w", calls: shop.book }) } });`,
  };
}

let system: Server;
let project: TestProject;
let child: ChildProcess | undefined;
let place: { readonly api: string; readonly admin: string };

/** Starts the server as a process of its own, and waits until it says so. */
async function start(): Promise<void> {
  const started = spawn(process.execPath, [binary, "start", "--project", project.folder], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  child = started;
  const lines = createInterface({ input: started.stdout });
  place = await new Promise((resolve, reject) => {
    const said: string[] = [];
    started.stderr.on("data", (text: Buffer) => said.push(String(text)));
    lines.on("line", (line) => {
      said.push(line);
      if (line.includes('"msg":"started"')) resolve(JSON.parse(line) as typeof place);
    });
    started.once("exit", () => reject(new Error(`the server ended:\n${said.join("\n")}`)));
  });
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

before(async () => {
  system = openSystem();
  await new Promise<void>((resolve) => system.listen(0, "127.0.0.1", resolve));
  project = testProject(files(`http://127.0.0.1:${(system.address() as AddressInfo).port}`));
  await start();
});
after(async () => {
  await stop("SIGTERM");
  system?.closeAllConnections();
  system?.close();
  project?.remove();
});

// --- what clients and operators do ------------------------------------------------------------------------------------

const keys = new Map<string, string>();
async function keyOf(consumer: string): Promise<string> {
  const known = keys.get(consumer);
  if (known !== undefined) return known;
  const { out } = await mortise(["keys", "create", consumer, "--scope", "w", "--json"], { folder: project.folder });
  const { key } = JSON.parse(out) as { key: string };
  keys.set(consumer, key);
  return key;
}

async function post(path: string, key: string, body: object, consumer = "acme"): Promise<Response> {
  const response = await fetch(`${place.api}/orders/v1${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await keyOf(consumer)}`,
      "content-type": "application/json",
      "idempotency-key": `"${key}"`,
    },
    body: JSON.stringify(body),
  });
  await response.clone().arrayBuffer();
  return response;
}

async function trace(key: string, ...options: string[]): Promise<TraceAnswer> {
  const { code, out, err } = await mortise(["trace", key, "--json", ...options], { folder: project.folder });
  assert.equal(code, 0, err);
  return JSON.parse(out) as TraceAnswer;
}

async function chainOf(key: string, ...options: string[]): Promise<Chain> {
  const { chains } = await trace(key, ...options);
  assert.equal(chains.length, 1, JSON.stringify(chains));
  return chains[0] as Chain;
}

const shown = async (key: string): Promise<string> =>
  (await mortise(["trace", key], { folder: project.folder, tty: true, env: { NO_COLOR: "1" } })).out;

/** Looks until the run of a business key is at its end. */
async function ended(key: string): Promise<Chain> {
  for (let tries = 0; ; tries++) {
    assert.ok(tries < 2000, `${key} does not end`);
    const chain = await chainOf(key);
    if (chain.runs[0]?.status === "completed") return chain;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// --- the tests --------------------------------------------------------------------------------------------------------

test("IK-2 IK-4 IK-8: one key fifty times at once is one run and one call downstream with one key, and the trace says so", async () => {
  const body = { id: "o-50", sku: "rope", by: "book" };
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => (await post("/now", "fifty", body)).status),
  );
  assert.ok(
    statuses.every((status) => [200, 201, 409].includes(status)),
    statuses.join(),
  );
  assert.equal((await post("/now", "fifty", body)).headers.get("idempotency-replayed"), "true");
  assert.equal((await post("/now", "fifty", { ...body, sku: "other" })).status, 422);
  assert.equal(of("rope").length, 1);

  const chain = await chainOf("fifty");
  assert.deepEqual(chain.matched, ["idempotency-key"]);
  assert.equal(chain.verdict.kind, "no");
  const [request, ...others] = chain.requests;
  assert.equal(others.length, 0);
  assert.deepEqual(
    [request?.consumer, request?.api, request?.version, request?.operation, request?.key, request?.did],
    ["acme", "orders", "1.0.0", "place", "fifty", "started"],
  );
  assert.deepEqual([request?.state, request?.status, request?.refusedReused], ["answered", 201, 1]);
  assert.equal((request?.replayed ?? 0) + (request?.refusedInFlight ?? 0), 50);
  assert.equal(chain.runs.length, 1);
  const [call] = chain.runs[0]?.calls ?? [];
  assert.deepEqual([call?.verdict.kind, call?.keys.map(({ key }) => key)], ["once", of("rope").map(({ key }) => key)]);
  // From any end of the chain to the same.
  for (const key of ["o-50", chain.runs[0]?.run ?? "", of("rope")[0]?.key ?? "", '"fifty"']) {
    const same = await chainOf(key);
    assert.deepEqual([same.runs[0]?.run, same.requests[0]?.key], [chain.runs[0]?.run, "fifty"], key);
  }
  assert.match(await shown("fifty"), /No: everything that took effect was sent once\.[\s\S]*came 51 more times: /);
});

test("IK-8: a lost answer at a system that takes the key: two sends under one key, and the trace says that it counts once", async () => {
  assert.equal((await post("/now", "lost", { id: "o-lost", sku: "cut-1", by: "book" })).status, 201);
  const sent = of("cut-1");
  assert.equal(sent.length, 2);
  assert.equal(sent[0]?.key, sent[1]?.key);
  const chain = await chainOf(sent[0]?.key ?? "");
  assert.equal(chain.verdict.kind, "no-by-key");
  const call = chain.runs[0]?.calls.find(({ asked }) => asked === true);
  assert.deepEqual([call?.verdict.kind, call?.verdict.most, call?.keys[0]?.key], ["counted-once", 1, sent[0]?.key]);
  assert.match(
    call?.verdict.text ?? "",
    /^May have been sent twice, always under this key: shop takes the key and counts it once\.$/,
  );
});

test("IK-8: a lost answer at a system that takes no key: its probe decides, and the trace says what it said", async () => {
  assert.equal((await post("/now", "probed", { id: "o-probed", sku: "cut-2", by: "ship" })).status, 201);
  assert.deepEqual(
    of("cut-2").map(({ path, key }) => [path, key]),
    [["/shipments", undefined]],
  );
  const chain = await chainOf("probed");
  assert.equal(chain.verdict.kind, "no");
  const [call] = chain.runs[0]?.calls ?? [];
  assert.deepEqual([call?.effect, call?.keys[0]?.state, call?.verdict.kind], ["unrepeatable", "found", "once"]);
  assert.match(call?.verdict.text ?? "", /its probe shop\.findShipment found that it had happened/);
});

test("IK-4: the server is killed between the sending and the record: the trace tells of the second sending, and that one counts", async () => {
  for (const [by, sku] of [
    ["book", "hang-1"],
    ["ship", "hang-2"],
  ] as const) {
    const reached = Promise.withResolvers<void>();
    hangs.set(sku, reached);
    const accepted = await post("/orders", `killed-${by}`, { id: `o-${by}`, sku, by });
    assert.equal(accepted.status, 202);
    await reached.promise;
    const now = await chainOf(`o-${by}`);
    assert.deepEqual([now.verdict.kind, now.runs[0]?.calls[0]?.verdict.kind], ["under-way", "under-way"]);
  }
  await stop("SIGKILL");
  await start();

  const booked = await ended("o-book");
  assert.deepEqual(new Set(of("hang-1").map(({ key }) => key)), new Set([booked.runs[0]?.calls[0]?.keys[0]?.key]));
  assert.equal(of("hang-1").length, 2);
  assert.deepEqual([booked.verdict.kind, booked.runs[0]?.calls[0]?.verdict.kind], ["no-by-key", "counted-once"]);
  assert.equal(booked.runs[0]?.calls[0]?.keys[0]?.cut.length, 1);
  assert.match(booked.runs[0]?.calls[0]?.verdict.text ?? "", /sent twice, always under this key.* A server began at /);

  const shipped = await ended("o-ship");
  assert.equal(of("hang-2").length, 1);
  assert.deepEqual([shipped.verdict.kind, shipped.runs[0]?.calls[0]?.verdict.kind], ["no", "once"]);
  assert.match(await shown("o-ship"), /the server stopped[\s\S]*its probe found that it had happened/i);
  // The record of the key is still the same, and so is the run.
  assert.equal(
    (await post("/orders", "killed-book", { id: "o-book", sku: "hang-1", by: "book" })).headers.get(
      "idempotency-replayed",
    ),
    "true",
  );
  const { requests } = await chainOf("killed-book");
  assert.deepEqual([requests[0]?.did, requests[0]?.replayed, requests[0]?.run], ["started", 1, booked.runs[0]?.run]);
});

test("IK-8: a straight call is a chain too: its record, the effect key that was sent, and what the record says of it", async () => {
  // Sent once more within the request, since that is harmless; and again with the request after it.
  assert.equal((await post("/bookings", "once-more", { sku: "cut-3" })).status, 200);
  assert.equal((await post("/bookings", "straight", { sku: "cut2-4" })).status, 504);
  const open = await chainOf("straight");
  assert.deepEqual([open.requests[0]?.state, open.verdict.kind], ["open", "not-known"]);
  assert.equal((await post("/bookings", "straight", { sku: "cut2-4" })).status, 200);
  for (const [sku, times, own] of [
    ["cut-3", 2, "once-more"],
    ["cut2-4", 3, "straight"],
  ] as const) {
    const sent = of(sku).map(({ key }) => key);
    assert.deepEqual([sent.length, new Set(sent).size], [times, 1]);
    for (const key of [own, sent[0] ?? ""]) {
      const { straight, runs, verdict, requests } = await chainOf(key);
      assert.deepEqual([straight?.operation, straight?.key, runs.length], ["shop.book", sent[0], 0]);
      assert.deepEqual([straight?.verdict.kind, verdict.kind], ["counted-once", "no-by-key"]);
      assert.deepEqual([requests[0]?.consumer, requests[0]?.operation], ["acme", "book"]);
    }
  }
  assert.equal((await post("/bookings", "plain", { sku: "bolt" })).status, 200);
  assert.equal((await chainOf("plain")).straight?.verdict.kind, "once");
});

test("IK-3: one key of two consumers is two chains; who joined a run is in its chain; a filter leaves one", async () => {
  assert.equal((await post("/bookings", "same", { sku: "a" }, "acme")).status, 200);
  assert.equal((await post("/bookings", "same", { sku: "b" }, "beta")).status, 200);
  const { chains, more } = await trace("same");
  assert.deepEqual([chains.map(({ requests }) => requests[0]?.consumer).sort(), more], [["acme", "beta"], false]);
  assert.equal((await chainOf("same", "--consumer", "beta")).requests[0]?.consumer, "beta");
  assert.match(await shown("same"), /2 chains fit this key\. One of them: --consumer, --api, --process\./);

  const order = { id: "o-joined", sku: "shackle", by: "book" };
  assert.equal((await post("/orders", "first", order, "acme")).status, 202);
  assert.equal((await post("/orders", "second", order, "beta")).status, 202);
  const joined = await ended("o-joined");
  assert.deepEqual(
    joined.requests.map(({ consumer, key, did }) => [consumer, key, did]),
    [
      ["acme", "first", "started"],
      ["beta", "second", "joined"],
    ],
  );
  assert.equal((await chainOf("second")).runs[0]?.run, joined.runs[0]?.run);
  assert.equal(of("shackle").length, 1);
});

test("a key of which nothing is on record says so, and what else to ask by", async () => {
  for (const args of [["nothing"], ["same", "--consumer", "nobody"]]) {
    const { code, err } = await mortise(["trace", ...args], { folder: project.folder });
    assert.equal(code, 1);
    assert.match(err, /Nothing is on record of .* \(trace-unknown\)/);
  }
});

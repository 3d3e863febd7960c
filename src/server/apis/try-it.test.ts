/** Trying a published API out: answers that are made up from its contract, for anybody, at no cost to anybody. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openBench } from "../../publish/harness.test.ts";
import type { OpenApiDocument } from "../../publish/openapi.ts";
import { loadProject } from "../project/project.ts";
import { startServer } from "../server.ts";
import { testProject } from "../test-project.ts";
import { makeUp } from "./try-it.ts";

const api = (docs: string) => `import { apiKey, defineApi, get, post, published, t } from "mortise";
import { fulfil } from "../processes/fulfil.ts";
export default defineApi({
  name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()], ${docs}
  operations: {
    placeOrder: post("/orders", { scope: "orders:write", starts: fulfil, wait: "5s", idempotency: { required: true } }),
    beginOrder: post("/begun", { scope: "orders:write", starts: fulfil }),
    getOrder: get("/orders/{key}", { scope: "orders:read", run: fulfil, etag: true, allow: () => true }),
    followOrder: get("/orders/{key}/events", { scope: "orders:read", follows: fulfil, allow: () => true }),
  },
});`;

async function open(t: TestContext, docs = "") {
  const project = testProject({
    "package.json": '{"name":"harbour","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise"; export default defineConfig({ api: { port: 0 }, admin: { port: 0 } });`,
    "processes/fulfil.ts": `import { defineProcess, t } from "mortise";
export const fulfil = defineProcess({ name: "fulfil", input: t.object({ id: t.string({ minLength: 1 }), pieces: t.integer({ minimum: 1 }) }),
  output: t.object({ number: t.string({ minLength: 1 }) }), key: ({ id }) => id, run: async () => ({ number: "N" }) });`,
    "apis/orders.v1.ts": api(docs),
  });
  const lines: string[] = [];
  let stop = async (): Promise<void> => {};
  t.after(async () => {
    await stop();
    project.remove();
  });
  const server = await startServer(await loadProject(project.folder), {
    environment: {},
    log: (line) => lines.push(line),
  });
  stop = () => server.stop();
  const base = `${server.apiUrl}/orders/v1`;
  return {
    base,
    lines,
    async ask(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
      const answer = await fetch(`${base}/docs/try${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.text();
      const json = text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {};
      return { status: answer.status, headers: answer.headers, text, json };
    },
    async runs(): Promise<number> {
      const headers = { authorization: `Bearer ${server.adminToken}` };
      const found = (await (await fetch(`${server.adminUrl}/runs`, { headers })).json()) as { runs: unknown[] };
      return found.runs.length;
    },
  };
}

const json = { "content-type": "application/json", "idempotency-key": '"a"' };
const order = JSON.stringify({ id: "o-1", pieces: 2 });

test("what fits the contract is answered as the contract says, without a key, marked as made up, and nothing happens", async (t) => {
  const { ask, runs } = await open(t);
  const placed = await ask("POST", "/orders", json, order);
  assert.equal(placed.status, 201, "it is new, and has completed: 200 is for one that was there before");
  assert.ok(typeof placed.json.number === "string" && placed.json.number !== "");
  assert.equal(placed.headers.get("x-made-up"), "from the contract");
  assert.equal(placed.headers.get("cache-control"), "no-store");
  assert.match(placed.headers.get("content-security-policy") ?? "", /sandbox/);
  const seen = await ask("GET", "/orders/o-1");
  assert.equal(seen.status, 200);
  assert.ok(typeof seen.json.status === "string" && typeof seen.json.createdAt === "string", seen.text);
  assert.equal(await runs(), 0, "no run was started");
  // What one sends is not there for the next one: the same question has the same answer.
  await ask("POST", "/orders", json, JSON.stringify({ id: "somebody's secret", pieces: 2 }));
  assert.equal((await ask("GET", "/orders/o-1")).text, seen.text);
});

test("what does not fit is refused as the API refuses it (PD-7)", async (t) => {
  const { ask } = await open(t);
  const wrong = await ask("POST", "/orders", json, JSON.stringify({ id: "o-1", pieces: 0 }));
  assert.deepEqual([wrong.status, wrong.headers.get("content-type")], [400, "application/problem+json"]);
  assert.equal(wrong.json.type, "urn:mortise:error:input-invalid");
  assert.deepEqual(
    (wrong.json.errors as { pointer: string }[]).map(({ pointer }) => pointer),
    ["/pieces"],
  );
  const empty = await ask("POST", "/orders", json, "{}");
  assert.deepEqual(
    empty.json.errors,
    ["id", "pieces"].map((name) => ({ pointer: "", message: `lacks the property "${name}"` })),
    "all that is missing is told",
  );
  const { "idempotency-key": _, ...without } = json;
  const keyless = await ask("POST", "/orders", without, order);
  assert.deepEqual([keyless.status, keyless.json.type], [400, "urn:mortise:error:idempotency-key-missing"]);
  assert.equal((await ask("POST", "/orders", json, "{")).status, 400);
  assert.equal((await ask("DELETE", "/orders")).status, 405);
  assert.equal((await ask("GET", "/nothing")).status, 404);
});

test("each declared answer can be asked for; one that is not declared is told", async (t) => {
  const { ask } = await open(t);
  for (const status of [200, 201, 202]) {
    const answer = await ask("POST", "/orders", { ...json, prefer: `code=${status}` }, order);
    assert.equal(answer.status, status);
    assert.equal(Object.hasOwn(answer.json, "links") || answer.json.status === "accepted", status === 202, answer.text);
  }
  const begun = await ask("POST", "/begun", json, order);
  assert.deepEqual(
    [begun.status, begun.json.status],
    [202, "accepted"],
    "what waits for nothing has this answer alone",
  );
  const missing = await ask("GET", "/orders/o-1", { prefer: "respond-async, code=404" });
  assert.deepEqual([missing.status, missing.json.status, missing.json.title], [404, 404, "Not Found"]);
  assert.equal(missing.json.type, "urn:mortise:error:resource-unknown");
  assert.equal((await ask("GET", "/orders/o-1", { prefer: "code=304" })).status, 304);
  const none = await ask("GET", "/orders/o-1", { prefer: "code=418" });
  assert.equal(none.status, 400);
  assert.match(String(none.json.detail), /no answer 418.*200/);
});

test("a stream is answered with an event and its end", async (t) => {
  const { ask } = await open(t);
  const stream = await ask("GET", "/orders/o-1/events");
  assert.deepEqual([stream.status, stream.headers.get("content-type")], [200, "text/event-stream"]);
  const [, data = ""] = /^id: 1\ndata: (.*)\n\nevent: end\n/.exec(stream.text) ?? [];
  assert.ok(Object.hasOwn(JSON.parse(data) as object, "createdAt"));
});

test("it is bounded: bodies above 64 KiB, and more than an address's share, are refused (OW-4, RL-1); credentials go nowhere", async (t) => {
  const { ask, lines } = await open(t);
  assert.equal((await ask("POST", "/orders", json, JSON.stringify({ id: "x".repeat(70_000), pieces: 1 }))).status, 413);
  const secret = "mtz_live_somebodys_key";
  const told = await ask("GET", "/orders/o-1", { authorization: `Bearer ${secret}`, "x-api-key": secret });
  assert.equal(told.status, 200, "it is neither checked nor refused");
  const statuses = await Promise.all(Array.from({ length: 40 }, async () => await ask("GET", "/orders/o-1")));
  const refused = statuses.filter(({ status }) => status === 429);
  assert.ok(refused.length > 5 && refused.length < 40, `${refused.length} of 40 are refused`);
  assert.ok(Number(refused[0]?.headers.get("retry-after")) >= 1);
  assert.ok(!lines.join("").includes(secret) && !told.text.includes(secret));
});

test("both can be switched off: docs: { tryIt: false } keeps the page, docs: false keeps openapi.json alone", async (t) => {
  const without = await open(t, "docs: { tryIt: false },");
  const page = await fetch(`${without.base}/docs`);
  assert.ok(!(await page.text()).includes("<script"));
  assert.ok(!page.headers.get("content-security-policy")?.includes("script-src"));
  assert.equal((await without.ask("GET", "/orders/o-1")).status, 404);
  const none = await open(t, "docs: false,");
  for (const [path, status] of [
    ["/docs", 404],
    ["/docs/changes", 404],
    ["/docs/try/orders/o-1", 404],
    ["/openapi.json", 200],
  ] as const)
    assert.equal((await fetch(`${none.base}${path}`)).status, status, path);
});

test("the page's one script is allowed by its hash, and it may send to where it comes from alone", async (t) => {
  const { base } = await open(t);
  const page = await fetch(`${base}/docs`);
  const text = await page.text();
  assert.equal(text.match(/<script/g)?.length, 1);
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(
    policy,
    /^default-src 'none'; style-src 'sha256-[^']+'; .*; script-src 'sha256-[^']+'; connect-src 'self'$/,
  );
  assert.ok(!/ on\w+=|javascript:|style="/.test(text), "nothing in it needs a looser policy");
});

test("docs that are to be shown in Swagger UI, which is not installed, keep the server from starting, and say what to install", async (t) => {
  await assert.rejects(open(t, 'docs: { renderer: "swagger-ui" },'), {
    message: /not installed; npm install @fastify\/swagger-ui/,
  });
});

test("a fault that an API gives a status is made up as it would come: with its name and its detail", async () => {
  await using bench = await openBench();
  const document = bench.publisher.openapi("orders", "1.0.0") as OpenApiDocument;
  const came = { method: "GET", path: "/stock/x", query: "", headers: {}, body: new Uint8Array() };
  const tried = await makeUp(document)({ ...came, wanted: 404 });
  const made = JSON.parse(String(tried.body));
  assert.deepEqual([tried.status, made.fault, made.status, made.title], [404, "UnknownSku", 404, "Not Found"]);
  assert.equal(made.type, "urn:mortise:error:fault-declared");
  assert.equal(typeof made.faultDetail.sku, "string");
  assert.match(made.detail, /refused: UnknownSku/);
});

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { compileSchema } from "../../contract/validate.ts";
import { request } from "../../http.ts";
import { openKeyring } from "../../publish/access/keyring.ts";
import { openConsumers } from "../../publish/consumers/consumers.ts";
import { listen } from "../../publish/listener.ts";
import { openStore } from "../../store/open.ts";
import type { Project } from "../project/project.ts";
import { testEngine, testRun } from "../test-engine.ts";
import { testProject } from "../test-project.ts";
import { createAdmin } from "./admin.ts";
import { openAudit } from "./audit.ts";
import { catalogueRoutes } from "./catalogue.ts";
import { consumerRoutes } from "./consumers.ts";
import { runRoutes, stateRoutes } from "./resources.ts";
import { openTokens } from "./tokens.ts";

const task = {
  id: "t1",
  run: "r1",
  process: "booking",
  key: "key-r1",
  name: "credit-check",
  title: "Check",
  assign: "finance",
  input: {},
  form: { type: "object", properties: { approved: { type: "boolean" } }, required: ["approved"] },
  status: "open",
  createdAt: 1,
} as const;

async function start(t: TestContext) {
  const folder = testProject({});
  const store = await openStore({
    file: join(folder.folder, "store.db"),
    parts: [
      new URL("./store-part.ts", import.meta.url).href,
      new URL("../../publish/store-part.ts", import.meta.url).href,
      new URL("../../publish/lifecycle/store-part.ts", import.meta.url).href,
      new URL("../../publish/consumers/store-part.ts", import.meta.url).href,
    ],
  });
  const engine = testEngine([testRun("r2", "completed"), testRun("r1", "parked")], [task]);
  const tokens = openTokens(store);
  const facts: unknown[] = [];
  const compile = (json: Parameters<typeof compileSchema>[0]["json"]) => compileSchema({ kind: "schema", json });
  const ready = { reasons: [] as string[] };
  const project = { systems: new Map(), processes: new Map(), apis: [], requirements: [] } as unknown as Project;
  const handler = createAdmin({
    routes: [
      ...runRoutes({
        engine,
        compile,
        maskValue: () => undefined,
        maskRun: (run) => ({ ...run, input: "***" }),
        maskSummary: (summary) => summary,
        maskTask: (one) => one,
        checkResult: (_, result) => (result === "wrong" ? [{ at: "/id", message: "must be string" }] : []),
        checkInput: (_, input) => (input === "wrong" ? [{ at: "/id", message: "must be string" }] : []),
        checkStart: (_, input) => (input === "wrong" ? [{ at: "/id", message: "must be string" }] : []),
        deliver: async (event) => ({ result: `took ${event.system}` }),
      }),
      ...stateRoutes({ notReady: () => ready.reasons, metrics: async () => ({ type: "text/plain", text: "up 1\n" }) }),
      ...consumerRoutes({
        consumers: openConsumers(store, Date.now),
        keyring: openKeyring(store),
        subscription: async () => [],
      }),
      ...catalogueRoutes({
        project: () => project,
        engine,
        address: () => "",
        health: () => ({ state: "unknown" }),
        keyring: openKeyring(store),
        subscription: async () => [],
        tokens,
        audit: openAudit(store.read),
      }),
    ],
    tokens,
    store,
    compile,
    version: "0.0.0",
    onRequest: (fact) => facts.push(fact),
  });
  const listener = await listen(handler, { port: 0 });
  t.after(async () => {
    await listener.close(0);
    await store.close();
    folder.remove();
  });
  return { url: listener.url, tokens, engine, facts, ready };
}

interface Sent {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** node:http, so that Host can be set. */
function send(
  url: string,
  { token, body, headers = {} }: Sent = {},
): Promise<{ status: number; json: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const sent = request(url, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let received = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        received += chunk;
      });
      response.on("end", () => {
        const json = received.startsWith("{") ? JSON.parse(received) : { text: received };
        resolve({ status: response.statusCode ?? 0, json });
      });
    });
    sent.end(text);
  });
}

test("who has no token, a wrong one or too low a role changes nothing, and the refusal is audited", async (t) => {
  const { url, tokens, engine } = await start(t);
  assert.equal((await send(`${url}/runs`)).status, 401);
  const wrong = tokens.local.replace(/.$/, (last) => (last === "x" ? "y" : "x"));
  assert.equal((await send(`${url}/runs`, { token: wrong })).status, 401);
  const made = await send(`${url}/tokens`, {
    token: tokens.local,
    body: { name: "board", role: "viewer", reason: "wall" },
  });
  assert.equal(made.status, 201);
  const token = String(made.json.token);
  assert.equal((await send(`${url}/runs`, { token })).status, 200);
  const refused = await send(`${url}/runs/r1/cancel`, { token, body: { reason: "x" } });
  assert.equal(refused.status, 403);
  assert.match(String(refused.json.detail), /needs the role operator, and the token board has the role viewer/);
  assert.deepEqual(engine.asked, []);
  await send(`${url}/tokens/board/revoke`, { token: tokens.local, body: {} });
  assert.equal((await send(`${url}/runs`, { token })).status, 401);
  const { json } = await send(`${url}/audit`, { token: tokens.local });
  const entries = json.entries as { by: string; action: string; target: string; result: string; reason: string }[];
  assert.deepEqual(
    entries.map(({ by, action, target, result }) => `${by} ${action} ${target} ${result}`),
    ["local token.revoke board done", "board run.cancel r1 admin-forbidden", "local token.create board done"],
  );
  assert.equal(entries.at(-1)?.reason, "wall");
});

test("a token is stored as a hash, and a taken name is refused with its entry in the audit", async (t) => {
  const { url, tokens } = await start(t);
  const body = { name: "ops", role: "operator" };
  assert.equal((await send(`${url}/tokens`, { token: tokens.local, body })).status, 201);
  assert.equal((await send(`${url}/tokens`, { token: tokens.local, body })).status, 400);
  const listed = await send(`${url}/tokens`, { token: tokens.local });
  assert.ok(!JSON.stringify(listed.json).includes("mta_"));
  const { json } = await send(`${url}/audit?limit=1`, { token: tokens.local });
  assert.equal((json.entries as { result: string }[])[0]?.result, "admin-request");
  const next = await send(`${url}/audit?before=${String(json.next)}`, { token: tokens.local });
  assert.equal((next.json.entries as { result: string }[])[0]?.result, "done");
});

test("a key and its entry in the audit are made and revoked together", async (t) => {
  const { url, tokens } = await start(t);
  const { token } = { token: tokens.local };
  const made = await send(`${url}/keys`, { token, body: { consumer: "acme", scopes: ["a"] } });
  const { id } = made.json.record as { id: string };
  assert.equal((await send(`${url}/keys/${id}/revoke`, { token, body: {} })).status, 200);
  assert.equal((await send(`${url}/keys/${id}/revoke`, { token, body: {} })).status, 404);
  const { json } = await send(`${url}/audit`, { token });
  assert.deepEqual(
    (json.entries as { action: string; target: string; result: string }[]).map(
      ({ action, target, result }) => `${action} ${target} ${result}`,
    ),
    [`key.revoke ${id} api-key-unknown`, `key.revoke ${id} done`, "key.create acme done"],
  );
});

test("web pages of others can neither read nor act", async (t) => {
  const { url, tokens, engine } = await start(t);
  const token = tokens.local;
  const { port } = new URL(url);
  const refused: readonly Sent[] = [
    { token, headers: { host: `evil.example:${port}` } },
    { token, headers: { origin: "https://evil.example" } },
    { token, headers: { origin: `http://127.0.0.1:${Number(port) + 1}` } },
    { token, headers: { "sec-fetch-site": "cross-site" } },
    { token, body: { reason: "x" }, headers: { "content-type": "text/plain" } },
  ];
  for (const one of refused) {
    const answer = await send(`${url}/runs${one.body === undefined ? "" : "/r1/cancel"}`, one);
    assert.equal(answer.status, 403, JSON.stringify(one.headers));
    assert.equal(answer.json.type, "urn:mortise:error:admin-origin");
  }
  assert.deepEqual(engine.asked, []);
  const own = { host: `localhost:${port}`, origin: `http://localhost:${port}` };
  assert.equal((await send(`${url}/runs`, { token, headers: own })).status, 200);
});

test("runs are listed, shown masked, and operated on with a reason", async (t) => {
  const { url, tokens, engine } = await start(t);
  const token = tokens.local;
  const { json: page } = await send(`${url}/runs?status=parked&limit=1&from=2026-01-01`, { token });
  assert.equal((page.runs as unknown[]).length, 1);
  assert.equal(page.next, "r1");
  assert.equal((await send(`${url}/runs/r1`, { token })).json.input, "***");
  assert.equal((await send(`${url}/runs/nope`, { token })).status, 404);
  const wrong = await send(`${url}/runs?status=open&limit=9999&colour=red`, { token });
  assert.equal(wrong.status, 400);
  assert.equal((wrong.json.errors as unknown[]).length, 3);
  assert.equal((await send(`${url}/runs/r1/retry`, { token, body: {} })).status, 400);
  const headers = { "x-mortise-by": "anna" };
  const done = await send(`${url}/runs/r1/happened`, { token, headers, body: { reason: "seen", result: { id: 7 } } });
  assert.equal(done.status, 200);
  assert.deepEqual(engine.asked, [
    [
      "operate",
      { run: "r1", operation: { kind: "happened", result: { id: 7 } }, actor: { by: "local:anna", reason: "seen" } },
    ],
  ]);
  assert.equal((await send(`${url}/runs/r2/retry`, { token, body: { reason: "x" } })).status, 409);
});

test("a task's answer must fit its form", async (t) => {
  const { url, tokens, engine } = await start(t);
  const token = tokens.local;
  const { tasks, next } = (await send(`${url}/tasks`, { token })).json;
  assert.deepEqual([(tasks as unknown[]).length, next], [1, null]);
  assert.equal((await send(`${url}/tasks?limit=1`, { token })).json.next, "1_t1");
  assert.equal((await send(`${url}/tasks?limit=1&after=1_t1`, { token })).status, 200);
  assert.equal((await send(`${url}/tasks?after=t1`, { token })).status, 400);
  const wrong = await send(`${url}/tasks/t1/answer`, { token, body: { answer: { approved: "yes" } } });
  assert.equal(wrong.status, 400);
  assert.match(String(wrong.json.detail), /\/answer\/approved/);
  assert.equal((await send(`${url}/tasks/t9/answer`, { token, body: { answer: {} } })).status, 404);
  assert.equal((await send(`${url}/tasks/t1/answer`, { token, body: { answer: { approved: true } } })).status, 200);
  assert.deepEqual(engine.asked, [["answer", ["t1", { approved: true }, { by: "local", reason: "" }]]]);
});

test("a consumer is set, disabled and enabled with its entry in the audit; one that only has a key is listed too", async (t) => {
  const { url, tokens } = await start(t);
  const token = tokens.local;
  await send(`${url}/keys`, { token, body: { consumer: "acme", scopes: ["orders:write"] } });
  const set = await send(`${url}/consumers/shop`, { token, body: { plan: "gold", reason: "signed" } });
  assert.deepEqual([set.status, set.json.plan], [200, "gold"]);
  assert.equal((await send(`${url}/consumers/shop/disable`, { token, body: {} })).status, 400);
  const off = await send(`${url}/consumers/shop/disable`, { token, body: { reason: "unpaid" } });
  assert.deepEqual([off.status, off.json.plan, off.json.reason], [200, "gold", "unpaid"]);
  const { json } = await send(`${url}/consumers`, { token });
  assert.deepEqual(
    (json.consumers as { name: string; disabledAt?: number }[]).map(({ name, disabledAt }) => [
      name,
      disabledAt !== undefined,
    ]),
    [
      ["acme", false],
      ["shop", true],
    ],
  );
  assert.equal((await send(`${url}/consumers/shop/enable`, { token, body: {} })).status, 200);
  assert.equal((await send(`${url}/consumers/nobody/enable`, { token, body: {} })).status, 404);
  const long = "x".repeat(201);
  assert.equal((await send(`${url}/consumers/${long}`, { token, body: { plan: "gold" } })).status, 400);
  const { json: audit } = await send(`${url}/audit`, { token });
  assert.deepEqual(
    (audit.entries as { action: string; target: string; result: string }[])
      .map(({ action, target, result }) => `${action} ${target} ${result}`)
      .toReversed(),
    [
      "key.create acme done",
      "consumer.set shop done",
      "consumer.disable shop done",
      "consumer.enable shop done",
      "consumer.enable nobody consumer-unknown",
      `consumer.set ${long} consumer-definition`,
    ],
  );
});

test("whoever a token may name can be disabled, whatever its issuer calls it", async (t) => {
  const { url, tokens } = await start(t);
  const token = tokens.local;
  for (const name of ["auth0|62f", "https://client.example/a?b#c", "CN=Acme Ltd, O=Ä%2F", "ACME\\anna"]) {
    const address = `${url}/consumers/${encodeURIComponent(name)}/disable`;
    const { status, json } = await send(address, { token, body: { reason: "stolen" } });
    assert.deepEqual([status, json.name, typeof json.disabledAt], [200, name, "number"]);
  }
  for (const name of ["a%00b", "a%0Ab", "a%2Eb", "%2%5C0"])
    assert.equal((await send(`${url}/consumers/${name}`, { token, body: {} })).status, 400, name);
});

test("keys are made, rotated and revoked; the key is shown once", async (t) => {
  const { url, tokens } = await start(t);
  const token = tokens.local;
  const made = await send(`${url}/keys`, { token, body: { consumer: "acme", scopes: ["orders:write"] } });
  assert.equal(made.status, 201);
  assert.match(String(made.json.key), /^mtz_live_/);
  const { id } = made.json.record as { id: string };
  const next = await send(`${url}/keys/${id}/rotate`, { token, body: { validUntil: Date.now() + 60_000 } });
  assert.equal(next.status, 201);
  assert.equal((next.json.record as { rotatedFrom: string }).rotatedFrom, id);
  assert.equal((await send(`${url}/keys/unknown/rotate`, { token, body: {} })).status, 404);
  assert.equal((await send(`${url}/keys/${id}/revoke`, { token, body: { reason: "leaked" } })).status, 200);
  const { json } = await send(`${url}/keys`, { token });
  const list = json.keys as { id: string; revokedBy?: string; expiresAt?: number }[];
  assert.equal(list.find((key) => key.id === id)?.revokedBy, "local");
  assert.equal(typeof list.find((key) => key.id === id)?.expiresAt, "number");
  assert.ok(!JSON.stringify(json).includes("mtz_"));
});

test("health, readiness, metrics and the description need no more than they should", async (t) => {
  const { url, tokens, ready, facts } = await start(t);
  assert.deepEqual((await send(`${url}/health`)).json, { status: "ok" });
  assert.equal((await send(`${url}/ready`)).status, 200);
  ready.reasons.push("stopping");
  assert.deepEqual(await send(`${url}/ready`), { status: 503, json: { ready: false, reasons: ["stopping"] } });
  assert.equal((await send(`${url}/metrics`)).status, 401);
  assert.equal((await send(`${url}/metrics`, { token: tokens.local })).json.text, "up 1\n");
  const { json } = await send(`${url}/openapi.json`);
  assert.equal(json.openapi, "3.1.0");
  assert.ok(Object.hasOwn(json.paths as object, "/runs/{id}/happened"));
  assert.equal((await send(`${url}/nothing`)).status, 404);
  assert.deepEqual(
    facts.map((fact) => (fact as { route: string }).route),
    ["GET /health", "GET /ready", "GET /ready", "GET /metrics", "GET /metrics", "GET /openapi.json", "none"],
  );
});

test("row 21: a member that is named twice is refused, whichever of the two would count", async (t) => {
  const { url, tokens } = await start(t);
  const body = '{"name":"d","role":"viewer","role":"admin"}';
  const twice = await send(`${url}/tokens`, { token: tokens.local, body });
  assert.equal(twice.status, 400);
  assert.match(String(twice.json.type), /json-invalid/);
});

test("a result that the call could not have answered, and an input that it does not take, are refused with their place", async (t) => {
  const { url, tokens, engine } = await start(t);
  const token = tokens.local;
  const wrong = await send(`${url}/runs/r1/happened`, { token, body: { reason: "seen", result: "wrong" } });
  assert.equal(wrong.status, 400);
  assert.match(JSON.stringify(wrong.json), /result\/id must be string/);
  const edited = await send(`${url}/runs/r1/edit`, { token, body: { reason: "seen", input: "wrong" } });
  assert.match(JSON.stringify(edited.json), /input\/id must be string/);
  assert.deepEqual(engine.asked, []);
});

test("what goes wrong inside is told with its request; the caller is shown that request alone", async (t) => {
  const { url, tokens, engine } = await start(t);
  const odd = new Error("an odd thing");
  Object.assign(engine, {
    tasks() {
      throw odd;
    },
  });
  const told: unknown[] = [];
  const on = (fact: unknown) => void told.push(fact);
  subscribe("mortise:publish:failure", on);
  t.after(() => unsubscribe("mortise:publish:failure", on));
  const { status, json } = await send(`${url}/tasks`, { token: tokens.local });
  assert.equal(status, 500);
  assert.deepEqual(told, [{ request: String(json.instance).replace("urn:mortise:request:", ""), error: odd }]);
  assert.ok(!JSON.stringify(json).includes("odd"));
  assert.equal((await send(`${url}/runs/nobody`, { token: tokens.local })).status, 404);
  assert.equal(told.length, 1);
});

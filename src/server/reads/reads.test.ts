import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { bindSystems } from "../../connectors/bind.ts";
import type { ResolvedSettings, SystemDefinition } from "../../connectors/system.ts";
import type { ContractModel } from "../../contract/model.ts";
import { readOpenApi } from "../../contract/read/openapi.ts";
import type { ContractFile } from "../../contract/read/source.ts";
import type { MortiseError } from "../../errors.ts";
import { createServer } from "../../http.ts";
import type { CallContext, Told } from "../../operation.ts";
import { createOutbound } from "../../outbound/client.ts";
import { openPermits } from "../../outbound/permits.ts";
import { shareSystems } from "../systems/shared.ts";
import { openReads } from "./reads.ts";

const contract = (more = "") => `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /stock/{sku}:
    get:
      operationId: getStock
      parameters: [{ name: sku, in: path, required: true, schema: { type: string } }]
      responses:
        "200": { description: ok, content: { application/json: { schema: { type: object, required: [sku, free], properties: { sku: { type: string }, free: { type: integer }${more} } } } } }
        "404": { description: unknown, content: { application/json: { schema: { type: object, properties: { reason: { type: string } } } } } }
`;

async function modelOf(text: string): Promise<ContractModel> {
  const bytes = Buffer.from(text);
  const entry: ContractFile = {
    path: "shop.yaml",
    text,
    bytes,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
  return readOpenApi({ entry, read: async () => entry, files: () => [entry] }, "shop");
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function setUp(t: TestContext, handler: Handler, concurrency = 16) {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const settingsOf = (path: string): ReadonlyMap<string, ResolvedSettings> =>
    new Map([
      [
        "shop",
        {
          name: "shop",
          connection: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
          timeoutMs: 5000,
          concurrency,
          maxResponseBytes: 1_000_000,
          internal: true,
          sensitive: [],
        },
      ],
    ]);
  let definitions: SystemDefinition[] = [
    { name: "shop", connector: "rest", contract: await modelOf(contract()), settings: {} as never },
  ];
  const shared = shareSystems(settingsOf(""));
  const outbound = createOutbound();
  const permits = openPermits(shared.now().permits, 0);
  const bound = bindSystems({
    definitions,
    settings: shared.now().settings,
    environment: { outbound, project: "." },
    permits,
  });
  const given = { away: true };
  const deaths: string[] = [];
  let thread: Worker | undefined;
  const reads = openReads({
    bound,
    project: ".",
    systems: () => definitions,
    shared: shared.now,
    share: { next: () => given.away },
    started: (started) => {
      thread = started;
    },
    died: (reason) => deaths.push(reason),
  });
  let asked = 0;
  const ask = (sku: string, whole = false): Promise<Told> => {
    const { signal } = new AbortController();
    const context: CallContext = { key: `read-${++asked}`, attempt: 1, deadline: Date.now() + 5000, signal };
    return reads.caller({ system: "shop", name: "getStock", effect: "read" }, { sku }, context, { whole });
  };
  t.after(async () => {
    await reads.close();
    await bound.close();
    await outbound.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    reads,
    ask,
    given,
    deaths,
    kill: () => thread?.terminate(),
    /** The first read starts the thread. */
    async running() {
      await ask("first").catch(() => {});
      while (!reads.running) await new Promise(setImmediate);
    },
    async change(path: string, more: string, odd = {}) {
      shared.update(settingsOf(path));
      const changed = { ...(await modelOf(contract(more))), ...odd };
      definitions = [{ name: "shop", connector: "rest", contract: changed, settings: {} as never }];
      bound.rebind({ definitions, settings: shared.now().settings });
      reads.rebind();
    },
  };
}

const json = (response: ServerResponse, value: unknown, status = 200, headers = {}): void =>
  void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
const skuOf = ({ url = "" }: IncomingMessage): string => decodeURIComponent(url.split("/").at(-1) ?? "");

test("a read that is given away comes back as text, without what the contract does not name; a fault and a failure as they are", async (t) => {
  const { ask, running, given } = await setUp(t, (request, response) => {
    const sku = skuOf(request);
    if (sku === "none") json(response, { reason: "no such article" }, 404);
    else if (sku === "later") json(response, {}, 503, { "retry-after": "7" });
    else if (sku === "wrong") json(response, { sku, free: "many" });
    else if (sku === "grown") json(response, { sku, free: 1, inner: "not for callers" });
    else
      response
        .writeHead(200, { "content-type": "application/json; charset=utf-8" })
        .end(`{"sku": "${sku}", "free": 3}`);
  });
  await running();
  const failing = async (sku: string): Promise<MortiseError> =>
    await ask(sku).then(
      () => assert.fail("it gave something"),
      (error: MortiseError) => error,
    );
  assert.deepEqual(await ask("tauwerk – 12 mm"), { ok: true, text: '{"sku": "tauwerk – 12 mm", "free": 3}' });
  assert.deepEqual(await ask("grown"), { ok: true, text: '{"sku":"grown","free":1}' });
  const fault = await ask("none");
  const away = [await failing("later"), await failing("wrong"), await failing("..")];
  given.away = false;
  assert.deepEqual(fault, await ask("none"));
  const here = [await failing("later"), await failing("wrong"), await failing("..")];
  const facts = ({ code, message, class: kind, outcome, retryAfterMs, details }: MortiseError) => ({
    code,
    message,
    kind,
    outcome,
    retryAfterMs,
    details: JSON.stringify(details),
  });
  assert.deepEqual(away.map(facts), here.map(facts));
  assert.deepEqual(
    away.map(({ code }) => code),
    ["rest-wait", "contract-output", "contract-input"],
  );
});

test("what is looked at here comes as a value, with all that the system sent, whoever read it", async (t) => {
  const { ask, running, given } = await setUp(t, (request, response) => {
    const sku = skuOf(request);
    if (sku === "none") json(response, { reason: "no such article" }, 404);
    else json(response, sku === "grown" ? { sku, free: 1, inner: { of: "the system" } } : { sku, free: 1 });
  });
  await running();
  const all = () => Promise.all(["plain", "grown", "none", "grün"].map((sku) => ask(sku, true)));
  const there = await all();
  given.away = false;
  assert.deepEqual(there, await all());
  assert.deepEqual(there.slice(0, 2), [
    { ok: true, output: { sku: "plain", free: 1 } },
    { ok: true, output: { sku: "grown", free: 1, inner: { of: "the system" } } },
  ]);
});

test("many at once: each read gets its own answer, and no more are under way than the system takes, here and there together", async (t) => {
  let open = 0;
  let most = 0;
  const { ask, running, given } = await setUp(
    t,
    (request, response) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        json(response, { sku: skuOf(request), free: 1 });
      });
    },
    5,
  );
  await running();
  const answers = await Promise.all(
    Array.from({ length: 500 }, async (_, at) => {
      given.away = at % 3 !== 0;
      const told = await ask(`s-${at}`);
      assert.ok(told.ok);
      return "text" in told ? (JSON.parse(told.text) as { sku: string }).sku : (told.output as { sku: string }).sku;
    }),
  );
  assert.deepEqual(
    answers,
    Array.from({ length: 500 }, (_, at) => `s-${at}`),
  );
  assert.ok(most > 1 && most <= 5, `${most}`);
});

test("reads go by the settings and the contract of when they were asked for", async (t) => {
  const { ask, running, change } = await setUp(t, (request, response) => {
    const place = (request.url ?? "").startsWith("/next/") ? "next" : "first";
    json(response, { sku: skuOf(request), free: 1, place });
  });
  await running();
  const before = Array.from({ length: 20 }, () => ask("a"));
  await change("/next", ", place: { type: string }");
  const after = Array.from({ length: 20 }, () => ask("a"));
  for (const told of await Promise.all(before)) assert.deepEqual(told, { ok: true, text: '{"sku":"a","free":1}' });
  for (const told of await Promise.all(after))
    assert.deepEqual(told, { ok: true, text: '{"sku":"a","free":1,"place":"next"}' });
});

test("a contract that can't be handed to a thread is read by in this one, and the change to it does not fail", async (t) => {
  const { ask, running, change, deaths } = await setUp(t, (request, response) =>
    json(response, { sku: skuOf(request), free: 1, place: request.url }),
  );
  await running();
  await change("/next", ", place: { type: string }", { odd: () => {} });
  assert.deepEqual(await ask("a"), { ok: true, text: '{"sku":"a","free":1,"place":"/next/stock/a"}' });
  while (deaths.length === 0) await new Promise(setImmediate);
  assert.deepEqual(await ask("b"), { ok: true, text: '{"sku":"b","free":1,"place":"/next/stock/b"}' });
});

test("what the thread was asking when it died is asked here, and it is not started again at once", async (t) => {
  const held: ServerResponse[] = [];
  const { ask, running, reads, deaths, kill } = await setUp(t, (request, response) => {
    if (skuOf(request) === "held" && held.length === 0) held.push(response);
    else json(response, { sku: skuOf(request), free: 1 });
  });
  await running();
  const asking = ask("held");
  while (held.length === 0) await new Promise(setImmediate);
  await kill();
  assert.deepEqual(await asking, { ok: true, text: '{"sku":"held","free":1}' });
  assert.equal(deaths.length, 1);
  assert.deepEqual(await ask("next"), { ok: true, text: '{"sku":"next","free":1}' });
  assert.equal(reads.running, false);
});

test("what is under way when the server stops fails, and nobody waits for it", async (t) => {
  let came = false;
  const { ask, running, reads } = await setUp(t, (request, response) => {
    if (skuOf(request) === "first") json(response, { sku: "first", free: 1 });
    else came = true;
  });
  await running();
  const asking = ask("held");
  asking.catch(() => {});
  while (!came) await new Promise(setImmediate);
  await reads.close();
  await assert.rejects(asking, { code: "outbound-aborted", outcome: "unknown" });
});

test("what is told of a read here is told of one there: requests to systems, and operations that end", async (t) => {
  const { ask, running } = await setUp(t, (request, response) =>
    json(response, { sku: skuOf(request), free: 1 }, 200, { deprecation: "@1767225600" }),
  );
  const told: Record<string, unknown[]> = { outbound: [], deprecated: [] };
  const seen = Promise.withResolvers<void>();
  const take = (name: "outbound" | "deprecated") => (fact: unknown) => {
    told[name]?.push(fact);
    if (Object.values(told).every((facts) => facts.length > 0)) seen.resolve();
  };
  const [outbound, deprecated] = [take("outbound"), take("deprecated")];
  await running();
  subscribe("mortise:server:outbound", outbound);
  subscribe("mortise:connectors:deprecated", deprecated);
  t.after(() => {
    unsubscribe("mortise:server:outbound", outbound);
    unsubscribe("mortise:connectors:deprecated", deprecated);
  });
  await Promise.all([ask("a"), ask("b")]);
  await seen.promise;
  const [{ ms, ...counts }] = told.outbound as [{ ms: number }];
  assert.ok(ms > 0);
  assert.deepEqual(counts, { class: "2xx", times: 2 });
  assert.deepEqual(told.deprecated, [{ system: "shop", operation: "getStock", deprecated: 1_767_225_600_000 }]);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { t } from "../../contract/shape.ts";
import { failure } from "../../errors.ts";
import { get as httpGet } from "../../http.ts";
import type { ApiDefinition } from "../define.ts";
import { defineApi } from "../define.ts";
import {
  anOrder,
  type Bench,
  event,
  getStock,
  type Order,
  openBench,
  ordersOptions,
  orderToCash,
} from "../harness.test.ts";
import { type Listener, listen } from "../listener.ts";
import { get, post, type Startable } from "../operations.ts";
import type { PublisherOptions } from "../publisher.ts";

const shop = "https://shop.example";
const stockChanged = event("stockChanged");
const stockSold = event("stockSold");
const followOrder = get("/orders/{key}/events", {
  scope: "orders:read",
  follows: orderToCash,
  allow: ({ caller, run }) => run.input.customerId === caller.id,
});
const operations = {
  placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash }),
  getOrder: get("/orders/{key}", {
    scope: "orders:read",
    run: orderToCash,
    allow: ({ caller, run }) => run.input.customerId === caller.id,
  }),
  followOrder,
  getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock }),
  watchStock: get("/stock/{sku}/events", {
    scope: "stock:read",
    calls: getStock,
    every: "100ms",
    faults: { UnknownSku: 404 },
    allow: ({ resource }) => resource?.onHand !== 99,
  }),
  shopWindow: get("/window/{sku}/events", { access: "public", calls: getStock, every: "100ms" }),
};
const followed: ApiDefinition = defineApi({ ...ordersOptions, cors: { origins: [shop] }, operations });

interface Served extends AsyncDisposable {
  readonly bench: Bench;
  readonly listener: Listener;
  open(path: string, headers?: Record<string, string>): Promise<Listening>;
  /** The run of `anOrder` shows this from now on. */
  show(change: object): void;
}
interface SentEvent {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
  readonly retry?: string;
  readonly comment?: true;
}
interface Listening {
  readonly response: IncomingMessage;
  /** The next event that is neither a comment nor a pause. */
  next(): Promise<SentEvent>;
  /** Everything, to the end. */
  rest(): Promise<SentEvent[]>;
  close(): void;
}

async function serve(options: Partial<PublisherOptions> = {}): Promise<Served> {
  const bench = await openBench({ apis: [followed], ...options, streams: { lookMs: 20, ...options.streams } });
  const listener = await listen((request) => bench.publisher.handle(request), { port: 0, bodyTimeoutMs: 2000 });
  const { backend, key } = bench;
  await backend.start({ process: "order-to-cash", key: "o-1", input: { ...anOrder }, origin: "test" });
  return {
    bench,
    listener,
    open: (path, headers = {}) => opened(`${listener.url}/orders/v1${path}`, { "x-api-key": key, ...headers }),
    show(change) {
      const run = backend.runs.get("order-to-cash/o-1");
      assert.ok(run);
      backend.runs.set("order-to-cash/o-1", { ...run, updatedAt: run.updatedAt + 5, ...change });
    },
    async [Symbol.asyncDispose]() {
      bench.publisher.drain();
      await listener.close(0);
      await bench[Symbol.asyncDispose]();
    },
  };
}

async function opened(url: string, headers: Record<string, string>): Promise<Listening> {
  const [response] = (await once(
    httpGet(url, { headers: { accept: "text/event-stream", ...headers }, agent: false }),
    "response",
  )) as [IncomingMessage];
  response.setEncoding("utf8");
  const events = parsed(response);
  const next = async () => {
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) throw new Error("the stream has ended");
      if (value.data !== undefined) return value;
    }
  };
  return {
    response,
    next,
    async rest() {
      const all: SentEvent[] = [];
      for await (const event of events) all.push(event);
      return all;
    },
    close: () => response.destroy(),
  };
}

/** The grammar of WHATWG HTML, section 9.2.5, as far as one writer uses it. */
async function* parsed(response: IncomingMessage): AsyncGenerator<SentEvent> {
  let text = "";
  for await (const chunk of response) {
    text += chunk;
    for (let cut = text.indexOf("\n\n"); cut >= 0; cut = text.indexOf("\n\n")) {
      const block = text.slice(0, cut);
      text = text.slice(cut + 2);
      if (block.startsWith(":")) yield { comment: true };
      else yield Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
    }
  }
  assert.equal(text, "", "an event was cut off");
}

const json = (event: SentEvent) => JSON.parse(event.data ?? "");
async function problemOf(listening: Listening) {
  let text = "";
  for await (const chunk of listening.response) text += chunk;
  return { status: listening.response.statusCode, code: JSON.parse(text).type.slice("urn:mortise:error:".length) };
}

test("a followed run sends each state that its caller may see, and ends with the run", async () => {
  await using served = await serve();
  const { response, next, rest } = await served.open("/orders/o-1/events");
  assert.equal(response.statusCode, 200);
  assert.equal(response.headers["content-type"], "text/event-stream");
  assert.equal(response.headers["cache-control"], "no-store");
  assert.equal(response.headers["x-accel-buffering"], "no");
  assert.equal(response.headers["x-content-type-options"], "nosniff");
  assert.equal(response.headers["content-encoding"], undefined);
  assert.equal(response.headers["content-length"], undefined);
  const first = await next();
  assert.deepEqual(Object.keys(json(first)), ["key", "status", "createdAt", "updatedAt"], "no input, no id, no steps");
  assert.equal(json(first).status, "running");
  assert.match(String(first.id), /^[\w-]{22}$/);
  served.show({ status: "parked", state: { phase: "packing" }, failure: { reason: "inner" } });
  const second = await next();
  assert.deepEqual([json(second).status, json(second).state], ["waiting", { phase: "packing" }]);
  served.show({ status: "completed", output: { salesOrder: "S-1", secret: 1 } });
  const [last, end] = (await rest()).filter(({ data }) => data !== undefined);
  assert.deepEqual([json(last ?? {}).status, json(last ?? {}).output.salesOrder], ["completed", "S-1"]);
  assert.equal(end?.event, "end");
  assert.deepEqual(json(end ?? {}), { reason: "final" });
});

test("the stream that the guide shows is the one that is sent, to the letter", async () => {
  const page = readFileSync(new URL("../../../docs/guide/streams.md", import.meta.url), "utf8");
  const shown = [...page.matchAll(/^id: (.*)\ndata: (.*)$/gm)].map(([, id, data]) => ({ id, data: String(data) }));
  assert.equal(shown.length, 2);
  const packing: Startable<Order, { readonly parcel: string }, { readonly phase: string }> = {
    ...orderToCash,
    name: "packing",
    output: t.object({ parcel: t.string() }),
    state: t.object({ phase: t.string() }),
  };
  const api = defineApi({
    ...ordersOptions,
    operations: { follow: get("/orders/{key}/events", { scope: "orders:read", follows: packing, allow: () => true }) },
  });
  await using served = await serve({ apis: [api] });
  const { backend } = served.bench;
  await backend.start({ process: "packing", key: "o-1", input: { ...anOrder }, origin: "test" });
  const started = backend.runs.get("packing/o-1");
  assert.ok(started);
  for (const event of shown) {
    const { createdAt, updatedAt, ...rest } = JSON.parse(event.data);
    const times = { createdAt: Date.parse(createdAt), updatedAt: Date.parse(updatedAt) };
    backend.runs.set("packing/o-1", { ...started, ...rest, ...times });
    const listening = await served.open("/orders/o-1/events");
    assert.deepEqual(await listening.next(), event);
    listening.close();
  }
});

test("Last-Event-ID resumes without loss and without repetition, also under a new publisher; 204 once all was seen", async () => {
  await using served = await serve();
  const before = await served.open("/orders/o-1/events");
  const { id } = await before.next();
  before.close();
  const again = await served.open("/orders/o-1/events", { "last-event-id": String(id) });
  // That it was touched is no news; what comes first is what has changed since.
  served.show({});
  await pause(60);
  served.show({ state: { phase: "packing" } });
  const news = await again.next();
  assert.deepEqual(json(news).state, { phase: "packing" });
  again.close();
  served.show({ status: "rejected", failure: { reason: "out of stock" } });
  const late = await served.open("/orders/o-1/events", { "last-event-id": String(news.id) });
  const [final, end] = (await late.rest()).filter(({ data }) => data !== undefined);
  assert.deepEqual([json(final ?? {}).status, json(final ?? {}).reason], ["rejected", "out of stock"]);
  assert.equal(end?.event, "end");
  for (const by of [served.bench.publisher, served.bench.restart()]) {
    const done = await served.bench.ask("GET", "/orders/v1/orders/o-1/events", {
      by,
      headers: { "last-event-id": String(final?.id) },
    });
    assert.deepEqual([done.status, done.text], [204, ""]);
  }
});

test("what a caller may not see looks like an unknown run, and a stream ends when its rule no longer lets it see", async () => {
  await using served = await serve();
  const other = await served.bench.publisher.keys.create({ consumer: "else", scopes: ["orders:read"], by: "test" });
  const headers = { "x-api-key": other.key };
  assert.deepEqual(await problemOf(await served.open("/orders/o-1/events", headers)), {
    status: 404,
    code: "resource-unknown",
  });
  assert.deepEqual(await problemOf(await served.open("/orders/o-2/events")), { status: 404, code: "resource-unknown" });
  const mine = await served.open("/orders/o-1/events");
  await mine.next();
  served.show({ input: { ...anOrder, customerId: "else" } satisfies Order, state: { phase: "sold" } });
  const [problem, end] = (await mine.rest()).filter(({ data }) => data !== undefined);
  assert.equal(problem?.event, "problem");
  assert.deepEqual([json(problem ?? {}).status, json(end ?? {})], [404, { reason: "refused" }]);
});

test("nobody who follows means no look at any run, and followers of one run share it", async () => {
  await using served = await serve();
  let looks = 0;
  const { backend } = served.bench;
  const { mark } = backend;
  backend.mark = (...given) => {
    looks++;
    return mark.apply(backend, given);
  };
  await pause(60);
  assert.equal(looks, 0);
  const both = await Promise.all([served.open("/orders/o-1/events"), served.open("/orders/o-1/events")]);
  for (const { next } of both) await next();
  looks = 0;
  await pause(200);
  assert.ok(looks >= 1 && looks <= 12, `${looks} looks`);
  for (const { close } of both) close();
  await until(() => served.listener.inFlight === 0);
  looks = 0;
  await pause(60);
  assert.equal(looks, 0);
});

test("changes of a system's answer are sent, once each, from one call for all who listen", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  let onHand = 7;
  backend.answer = (input) => ({ ok: true, output: { sku: (input as { sku: string }).sku, onHand, margin: 3 } });
  const listening = await Promise.all([1, 2, 3].map(() => served.open("/stock/rope/events")));
  for (const { next } of listening) assert.deepEqual(json(await next()), { sku: "rope", onHand: 7 });
  const called = backend.called.length;
  await pause(350);
  const since = backend.called.length - called;
  assert.ok(since >= 1 && since <= 4, `${since} calls for three who listen`);
  onHand = 6;
  const news = await Promise.all(listening.map(({ next }) => next()));
  for (const event of news) assert.equal(json(event).onHand, 6);
  assert.equal(new Set(news.map(({ id }) => id)).size, 1);
  // Who comes later gets the last answer, and who has it already gets nothing until it changes.
  const late = await served.open("/stock/rope/events", { "last-event-id": String(news[0]?.id) });
  onHand = 5;
  assert.equal(json(await late.next()).onHand, 5);
});

test("a system that fails is said once, is asked less often, and is said to be back", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  const good = backend.answer;
  const listening = await served.open("/stock/rope/events");
  await listening.next();
  backend.answer = () => Promise.reject(failure("outbound-timeout", { host: "10.0.0.7" }, { outcome: "unknown" }));
  const problem = await listening.next();
  assert.equal(problem.event, "problem");
  assert.equal(json(problem).type, "urn:mortise:error:system-unavailable");
  assert.ok(!String(problem.data).includes("10.0.0.7"));
  const called = backend.called.length;
  await pause(500);
  assert.ok(backend.called.length - called <= 2, "the pauses grow");
  backend.answer = good;
  assert.deepEqual(json(await listening.next()), { sku: "rope", onHand: 7 });
});

test("a stream begins with what a plain request would be refused with", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  const asked = async (path: string, headers?: Record<string, string>) => problemOf(await served.open(path, headers));
  assert.deepEqual(await asked("/stock/rope/events", { accept: "application/json" }), {
    status: 406,
    code: "not-acceptable",
  });
  assert.deepEqual(await asked("/stock/rope/events?limit=x"), { status: 400, code: "input-invalid" });
  assert.deepEqual(await asked("/stock/rope/events", { "x-api-key": "mtz_live_no" }), {
    status: 401,
    code: "api-key-invalid",
  });
  backend.answer = () => ({ ok: false, fault: { name: "UnknownSku", message: "none", detail: { sku: "rope" } } });
  assert.deepEqual(await asked("/stock/rope/events"), { status: 404, code: "resource-unknown" });
  backend.answer = () => ({ ok: true, output: { sku: "rope", onHand: 99 } });
  assert.deepEqual(await asked("/stock/rope/events"), { status: 404, code: "resource-unknown" });
  assert.equal(served.listener.inFlight, 0);
});

test("streams have bounds: of one consumer 429, of all 503, and a closed one makes room", async () => {
  await using served = await serve({ streams: { perConsumer: 2, atMost: 3 } });
  const first = await served.open("/stock/rope/events");
  await served.open("/stock/rope/events");
  const refused = await served.open("/stock/rope/events");
  assert.ok(Number(refused.response.headers["retry-after"]) >= 1);
  assert.deepEqual(await problemOf(refused), { status: 429, code: "streams-exceeded" });
  const other = await served.bench.publisher.keys.create({ consumer: "else", scopes: ["stock:read"], by: "test" });
  const theirs = { "x-api-key": other.key };
  await served.open("/stock/rope/events", theirs);
  assert.deepEqual(await problemOf(await served.open("/stock/rope/events", theirs)), {
    status: 503,
    code: "streams-full",
  });
  // A plain request is none of it.
  assert.equal((await served.bench.ask("GET", "/orders/v1/stock/rope")).status, 200);
  first.close();
  await until(() => served.listener.inFlight === 2);
  const { response } = await served.open("/stock/rope/events");
  assert.equal(response.statusCode, 200);
});

test("a public stream needs no header that a browser's EventSource can't send, and counts for its address", async () => {
  await using served = await serve({ streams: { perConsumer: 1 } });
  const headers = { origin: shop, "x-api-key": "" };
  const { response, next } = await served.open("/window/rope/events", headers);
  assert.equal(response.headers["access-control-allow-origin"], shop);
  assert.deepEqual(json(await next()), { sku: "rope", onHand: 7 });
  assert.deepEqual(await problemOf(await served.open("/window/rope/events", headers)), {
    status: 429,
    code: "streams-exceeded",
  });
  const preflight = await served.bench.ask("OPTIONS", "/orders/v1/stock/rope/events", {
    key: null,
    headers: { origin: shop, "access-control-request-method": "GET" },
  });
  assert.match(String(preflight.headers["access-control-allow-headers"]), /last-event-id/);
});

for (const [what, act, status] of [
  [
    "a revoked key",
    async ({ bench }: Served) => bench.publisher.keys.revoke(bench.publisher.keys.list()[0]?.id ?? "", "test"),
    401,
  ],
  [
    "a disabled consumer",
    async ({ bench }: Served) =>
      bench.publisher.consumers.set("shop", { disabled: true, reason: "contract ended", by: "test" }),
    403,
  ],
  [
    "a blocked version",
    async ({ bench }: Served) =>
      bench.publisher.lifecycle.blocks.block({
        api: "orders",
        version: "1.0.0",
        reason: "harm",
        by: "test",
        retryAfterMs: 60_000,
      }),
    503,
  ],
] as const)
  test(`${what} ends the stream that is open, within the time between two looks`, async () => {
    await using served = await serve({ streams: { recheckMs: 50 } });
    const listening = await served.open("/orders/o-1/events");
    await listening.next();
    await act(served);
    const [problem, ...more] = (await listening.rest()).filter((event) => event.comment !== true);
    assert.equal(problem?.event, "problem");
    assert.equal(json(problem ?? {}).status, status);
    const last = more.at(-1);
    if (status === 503) assert.ok(Number(last?.retry) >= 1000);
    else assert.deepEqual(json(last ?? {}), { reason: "refused" });
  });

test("a server that stops and a new publication end streams so that their clients come again", async () => {
  await using served = await serve();
  const { publisher } = served.bench;
  const first = await served.open("/orders/o-1/events");
  await first.next();
  served.bench.republish([followed]);
  const left = await first.rest();
  assert.deepEqual(
    left.map(({ event }) => event).filter((name) => name !== undefined),
    [],
  );
  assert.ok(Number(left.at(-1)?.retry) >= 1000);
  const second = await served.open("/orders/o-1/events");
  await second.next();
  publisher.drain();
  const closed = served.listener.close(5000);
  const begun = performance.now();
  assert.ok(Number((await second.rest()).at(-1)?.retry) >= 1000);
  await closed;
  assert.ok(performance.now() - begun < 2000, "the grace was not used up");
  const late = await served.bench.ask("GET", "/orders/v1/orders/o-1/events");
  assert.equal(late.json.type, "urn:mortise:error:streams-stopping");
});

test("a stream that was on its way while something else was published ends too, so that its client comes again", async () => {
  // Each call waits until the counts before it are on disk: there is time to publish between who calls and the stream.
  await using served = await serve({ usage: { mostHeld: 0 }, streams: { recheckMs: 20 } });
  const { bench } = served;
  await bench.ask("GET", "/orders/v1/orders/o-1");
  const [path, headers] = ["/orders/v1/orders/o-1/events", { "x-api-key": bench.key }];
  const asked = bench.publisher.handle({
    ...{ id: "r", method: "GET", path, query: "", headers, address: "127.0.0.1" },
    body: async () => new Uint8Array(),
  });
  bench.republish([followed]);
  const { status, stream } = await asked;
  assert.ok(status === 200 && stream);
  let told = "";
  for await (const chunk of stream) told += chunk;
  assert.match(told, /event: problem\ndata: .*streams-stopping.*\n\nretry: \d{4}\n\n$/);
  assert.doesNotMatch(told, /event: end/);
});

test("silence is broken by comments, and a stream has a longest life", async () => {
  await using served = await serve({ streams: { beatMs: 20, longestMs: 500, recheckMs: 20 } });
  const { rest } = await served.open("/orders/o-1/events");
  const all = await rest();
  assert.ok(Number(all[0]?.retry) >= 1000);
  assert.ok(all.filter(({ comment }) => comment === true).length >= 1);
  assert.ok(Number(all.at(-1)?.retry) >= 1000);
});

test("attack row 15: who does not read gets the newest state and no old ones; nothing piles up, and the connection is closed by a deadline", async () => {
  await using served = await serve();
  const { backend, key } = served.bench;
  let count = 0;
  const filler = "x".repeat(200_000);
  backend.answer = () => ({ ok: true, output: { sku: `${++count} ${filler}`, onHand: count } });
  const socket = connect(served.listener.port, "127.0.0.1");
  socket.write(`GET /orders/v1/window/rope/events HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\n\r\n`);
  socket.pause();
  const before = process.memoryUsage();
  await until(() => count >= 8);
  const after = process.memoryUsage();
  // Eight states of 200 kB: at most what the kernel took, one that goes out and one that waits.
  assert.ok(after.heapUsed + after.external - before.heapUsed - before.external < 20_000_000);
  await until(() => served.listener.inFlight === 0);
  let size = 0;
  socket.on("data", (chunk: Buffer) => (size += chunk.length));
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "close");
  assert.ok(size < count * 200_000, "fewer than there were");
});

test("a stream counts as one call of a rate, a quota and the usage, and as one under way while it is open", async () => {
  const limited = defineApi({
    ...ordersOptions,
    limits: [
      { per: "consumer", quota: 10, window: "day" },
      { per: "consumer", concurrency: 1 },
    ],
    operations,
  });
  await using served = await serve({ apis: [limited] });
  const listening = await served.open("/orders/o-1/events");
  assert.match(String(listening.response.headers.ratelimit), /"consumer-?2?";r=9/);
  await listening.next();
  assert.equal((await served.bench.ask("GET", "/orders/v1/stock/rope")).status, 429);
  served.show({ status: "completed", output: { salesOrder: "S-1" } });
  await listening.rest();
  await until(() => served.listener.inFlight === 0);
  const plain = await served.bench.ask("GET", "/orders/v1/stock/rope");
  assert.equal(plain.status, 200);
  await served.bench.publisher.lifecycle.flush();
  const used = served.bench.publisher.lifecycle.usage.rows("orders", 1, 0);
  assert.equal(used.find(({ operation }) => operation === "followOrder")?.calls, 1);
});

test("what answers with events is described, and what can't be is refused", async () => {
  await using served = await serve();
  const { paths } = served.bench.publisher.openapi("orders", "1.0.0") as unknown as {
    // biome-ignore lint/suspicious/noExplicitAny: a document is looked into
    readonly paths: Record<string, any>;
  };
  const { parameters, responses } = paths["/stock/{sku}/events"].get;
  assert.ok(parameters.some(({ name }: { name: string }) => name === "Last-Event-ID"));
  const { schema, "x-event-data": data } = responses["200"].content["text/event-stream"];
  assert.equal(schema.type, "string");
  assert.deepEqual(Object.keys(data.properties), ["sku", "onHand"]);
  assert.ok("204" in paths["/orders/{key}/events"].get.responses);
  const head = await fetch(`${served.listener.url}/orders/v1/window/rope/events`, { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-type"), await head.text()], [200, "text/event-stream", ""]);
  await until(() => served.listener.inFlight === 0);

  const define = (one: object) => defineApi({ ...ordersOptions, operations: { one: one as typeof followOrder } });
  assert.throws(
    () => define(get("/s/{sku}", { scope: "s", calls: getStock, every: "1s", cache: "1s" })),
    /every and cache/,
  );
  assert.throws(() => define(get("/s/{sku}", { scope: "s", calls: getStock, every: "1ms" })), /from 100ms to 1h/);
  assert.throws(() => define(post("/s", { scope: "s", calls: getStock, every: "1s" })), /is no GET/);
  assert.throws(() => define(get("/s/{sku}", { scope: "s", calls: getStock, every: "1s", etag: true })), /has an etag/);
  assert.throws(
    () => define(get("/s/{sku}", { scope: "s", calls: getStock, on: stockChanged })),
    /says on and no every/,
  );
  assert.throws(() => get("/s/{sku}", { scope: "s", calls: getStock, every: "1s", on: [] }), /name events of systems/);
  assert.throws(
    () =>
      served.bench.republish([define(get("/s/{sku}", { scope: "s", calls: getStock, every: "1s", on: stockSold }))]),
    /asked again on warehouse\.stockSold, an event that no contract has/,
  );
  assert.throws(() => define({ ...followOrder, allow: undefined }), /needs the object rule/);
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 500, "it did not come to that");
    await pause(10);
  }
}

/** Reads that are watched, and asked again when a system tells of an event: `on`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { failure } from "../../errors.ts";
import { defineApi } from "../define.ts";
import { event, getStock, openBench, ordersOptions } from "../harness.test.ts";
import { listen } from "../listener.ts";
import { get } from "../operations.ts";

const stockChanged = event("stockChanged");
const every = "1h";
const api = defineApi({
  ...ordersOptions,
  operations: {
    watchStock: get("/stock/{sku}/events", { access: "public", calls: getStock, every, on: stockChanged }),
    watchCount: get("/counts/{sku}/events", { access: "public", calls: getStock, every, on: [event("counted")] }),
  },
});

async function serve() {
  const bench = await openBench({ apis: [api] });
  const listener = await listen((request) => bench.publisher.handle(request), { port: 0 });
  let onHand = 7;
  bench.backend.answer = (input) => ({ ok: true, output: { sku: (input as { sku: string }).sku, onHand } });
  const leaving = new AbortController();
  return {
    bench,
    /** Both, in the order in which they happen: the stock is another, and the warehouse says so. */
    change(to: number) {
      onHand = to;
      bench.publisher.arrived(stockChanged);
    },
    /** The states of a stream, one after the other. */
    async open(path: string) {
      const { body } = await fetch(`${listener.url}/orders/v1${path}`, { signal: leaving.signal });
      const reader = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      return async (): Promise<{ readonly onHand?: number; readonly type?: string }> => {
        for (;;) {
          const found = /^data: (.*)\n\n/m.exec(text);
          if (found !== null) {
            text = text.slice(found.index + found[0].length);
            return JSON.parse(found[1] as string);
          }
          const { value, done } = await reader.read();
          if (done) throw new Error("the stream has ended");
          text += value;
        }
      };
    },
    async [Symbol.asyncDispose]() {
      leaving.abort();
      bench.publisher.drain();
      await listener.close(0);
      await bench[Symbol.asyncDispose]();
    },
  };
}

test("an event of a system has what is watched asked again at once, each input that somebody listens to, and nothing else", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  const [rope, same, sail, count] = await Promise.all(
    ["/stock/rope/events", "/stock/rope/events", "/stock/sail/events", "/counts/rope/events"].map(served.open),
  );
  for (const next of [rope, same, sail, count]) assert.equal((await next!()).onHand, 7);
  backend.called.length = 0;
  served.change(6);
  for (const next of [rope, same, sail]) assert.equal((await next!()).onHand, 6);
  assert.deepEqual(backend.called.map(({ input }) => (input as { sku: string }).sku).sort(), ["rope", "sail"]);
});

test("many events are few questions, and the last one is answered: an answer under way may be older than the event", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  const next = await served.open("/stock/rope/events");
  await next();
  backend.called.length = 0;
  // The system has read its answer, and sends it when the next event is here.
  let answerOld = (): void => {};
  const good = backend.answer;
  const asked = new Promise<void>((resolve) => {
    backend.answer = async () => {
      resolve();
      await new Promise<void>((go) => {
        answerOld = go;
      });
      return { ok: true, output: { sku: "rope", onHand: 6 } };
    };
  });
  served.change(6);
  await asked;
  backend.answer = good;
  for (let at = 0; at < 50; at++) served.change(5);
  answerOld();
  assert.equal((await next()).onHand, 6);
  assert.equal((await next()).onHand, 5);
  const begun = performance.now();
  for (let at = 0; at < 100; at++) {
    served.change(at % 2 === 0 ? 4 : 3);
    await pause(4);
  }
  const most = Math.ceil((performance.now() - begun) / 100) + 3;
  assert.ok(backend.called.length <= most, `${backend.called.length} questions, at most ${most}`);
});

test("an event that comes while a stream asks for the first time is not missed", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  const good = backend.answer;
  backend.answer = () => {
    backend.answer = good;
    served.change(5);
    return { ok: true, output: { sku: "rope", onHand: 7 } };
  };
  const next = await served.open("/stock/rope/events");
  assert.deepEqual([(await next()).onHand, (await next()).onHand], [7, 5]);
});

test("a system that fails is not asked more often for its events", async () => {
  await using served = await serve();
  const { backend } = served.bench;
  const next = await served.open("/stock/rope/events");
  await next();
  backend.answer = () => Promise.reject(failure("outbound-timeout", { host: "10.0.0.7" }, { outcome: "unknown" }));
  served.change(6);
  assert.equal((await next()).type, "urn:mortise:error:system-unavailable");
  const { length } = backend.called;
  for (let at = 0; at < 20; at++) served.change(5);
  await pause(250);
  assert.equal(backend.called.length, length);
});

test("after a new publication its own streams are woken, and nothing of the one before", async () => {
  await using served = await serve();
  const { bench } = served;
  await (await served.open("/stock/rope/events"))();
  bench.republish([api]);
  const next = await served.open("/stock/rope/events");
  await next();
  bench.backend.called.length = 0;
  served.change(4);
  assert.equal((await next()).onHand, 4);
  assert.equal(bench.backend.called.length, 1);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallResult } from "../../operation.ts";
import { defineApi } from "../define.ts";
import {
  allScopes,
  anOrder,
  assertProblem,
  getStock,
  openBench,
  ordersOptions,
  orderToCash,
  setPrice,
} from "../harness.test.ts";
import { get, post } from "../operations.ts";
import type { Limit } from "./limit.ts";

const stock = "/orders/v1/stock/rope";
const orders = "/orders/v1/orders";

/** The small API with these limits: its own, those of placing an order, and plans. */
function limited(limits: readonly Limit[], own: readonly Limit[] = [], plans = {}) {
  return defineApi({
    ...ordersOptions,
    limits,
    plans,
    operations: {
      getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock }),
      placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, limits: own }),
    },
  });
}

test("a concurrency bounds what is under way at a time, and a place is free again when the answer is there", async () => {
  await using bench = await openBench({ apis: [limited([{ per: "consumer", concurrency: 2 }])] });
  const gates: PromiseWithResolvers<CallResult>[] = [];
  bench.backend.answer = () => {
    const gate = Promise.withResolvers<CallResult>();
    gates.push(gate);
    return gate.promise;
  };
  const ask = (sku: string, key?: string) =>
    bench.ask("GET", `/orders/v1/stock/${sku}`, key === undefined ? {} : { key });
  const [first, second] = [ask("a"), ask("b")];
  while (gates.length < 2) await new Promise(setImmediate);
  const third = await ask("c");
  assertProblem(third, 429, "quota-exceeded");
  assert.equal(third.headers["retry-after"], "1");
  assert.equal(third.headers["ratelimit-policy"], '"consumer";q=2;qu="concurrent-requests"');
  assert.equal(third.headers.ratelimit, '"consumer";r=0');
  assert.deepEqual(third.json["violated-policies"], ["consumer"]);

  const other = await bench.publisher.keys.create({ consumer: "other", scopes: allScopes, by: "t" });
  const elsewhere = ask("d", other.key);
  while (gates.length < 3) await new Promise(setImmediate);
  for (const gate of gates) gate.resolve({ ok: true, output: { sku: "rope", onHand: 1 } });
  for (const answer of await Promise.all([first, second, elsewhere])) assert.equal(answer.status, 200);
  // Also after a failure.
  bench.backend.answer = () => Promise.reject(new Error("away"));
  for (let i = 0; i < 5; i++) assert.ok((await ask("e")).status >= 500);
});

test("a quota counts in a window of the calendar, is on disk, and is not used up by what is refused", async () => {
  const api = limited([
    { per: "consumer", rate: 3, every: "1s" },
    { per: "consumer", quota: 5, window: "day" },
  ]);
  await using bench = await openBench({ apis: [api] });
  bench.time.now = Date.UTC(2026, 10, 27, 23, 59, 0);
  const ask = async (by = bench.publisher) => (await bench.ask("GET", stock, { by })).status;
  assert.deepEqual([await ask(), await ask(), await ask(), await ask()], [200, 200, 200, 429]);
  bench.time.now += 1000;
  const fourth = await bench.ask("GET", stock);
  assert.equal(fourth.headers["ratelimit-policy"], '"consumer";q=3;w=1, "consumer-2";q=5;w=86400');
  assert.equal(fourth.headers.ratelimit, '"consumer";r=2;t=1, "consumer-2";r=1;t=59');

  await bench.publisher.close();
  const next = bench.restart();
  assert.equal(await ask(next), 200);
  const sixth = await bench.ask("GET", stock, { by: next });
  assertProblem(sixth, 429, "quota-exceeded");
  assert.equal(sixth.headers["retry-after"], "59");
  assert.deepEqual(sixth.json["violated-policies"], ["consumer-2"]);
  bench.time.now += 59_000;
  assert.equal(await ask(next), 200, "the next day");
});

test("a crash gives no small quota back: the count is on disk before the answer leaves", async () => {
  await using bench = await openBench({ apis: [limited([{ per: "consumer", quota: 5, window: "day" }])] });
  for (let i = 0; i < 5; i++) assert.equal((await bench.ask("GET", stock)).status, 200);
  // Nothing was closed: what was only in memory is gone for the next one.
  const next = bench.restart();
  assertProblem(await bench.ask("GET", stock, { by: next }), 429, "quota-exceeded");
});

test("a crash gives at most a hundredth of a large quota back, and most calls of it wait for no write", async () => {
  await using bench = await openBench({ apis: [limited([{ per: "consumer", quota: 1000, window: "day" }])] });
  const rest = async (by = bench.publisher) => {
    const { status, headers } = await bench.ask("GET", stock, { by });
    assert.equal(status, 200);
    return Number(/r=(\d+)/.exec(headers.ratelimit ?? "")?.[1]);
  };
  for (let i = 1; i < 10; i++) assert.equal(await rest(), 1000 - i);
  assert.equal(await rest(bench.restart()), 999, "nine are no hundredth yet");
  assert.equal(await rest(), 990);
  for (let i = 11; i < 20; i++) await rest();
  assert.equal(await rest(bench.restart()), 989, "the tenth wrote ten; nine after it were forgotten");
});

test("OW-6: a business limit counts what the input says, and only for valid input", async () => {
  const pieces = ({ input }: { readonly input: { readonly lines: readonly { readonly quantity: number }[] } }) =>
    input.lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const own: Limit[] = [{ per: "consumer", rate: 10, every: "1h", cost: pieces }];
  await using bench = await openBench({ apis: [limited([], own)] });
  const order = (id: string, quantity: number) =>
    bench.ask("POST", orders, { body: { ...anOrder, id, lines: [{ sku: "rope", quantity }] } });
  assert.equal((await order("1", 6)).status, 202);
  assert.equal((await order("bad", 0)).status, 400);
  const refused = await order("2", 5);
  assertProblem(refused, 429, "quota-exceeded");
  assert.deepEqual(refused.json["violated-policies"], ["placeOrder-consumer"]);
  assert.equal(refused.headers["retry-after"], "360");
  assert.equal((await order("3", 4)).status, 202);
  assert.equal(bench.backend.runs.size, 2);
  const never = await order("4", 11);
  assertProblem(never, 429, "quota-exceeded");
});

test("a cost that is no number lets nothing through", async () => {
  const own: Limit[] = [{ per: "consumer", rate: 10, every: "1h", cost: () => Number.NaN }];
  await using bench = await openBench({ apis: [limited([], own)] });
  assertProblem(await bench.ask("POST", orders, { body: anOrder }), 500, "internal");
  assert.equal(bench.backend.runs.size, 0);
});

test("a limit that queues accepts what is too much, to begin when its turn comes, and refuses what would wait too long", async () => {
  const own: Limit[] = [{ per: "all", rate: 1, every: "10s", queue: "25s" }];
  await using bench = await openBench({ apis: [limited([], own)] });
  const begins: (number | undefined)[] = [];
  for (const id of ["1", "2", "3"]) {
    assert.equal((await bench.ask("POST", orders, { body: { ...anOrder, id } })).status, 202);
    const at = bench.backend.started.at(-1)?.at;
    begins.push(at === undefined ? undefined : Number(at) - bench.time.now);
  }
  assert.deepEqual(begins, [undefined, 10_000, 20_000]);
  const fourth = await bench.ask("POST", orders, { body: { ...anOrder, id: "4" } });
  assertProblem(fourth, 429, "quota-exceeded");
  assert.equal(fourth.headers["retry-after"], "30");
  assert.equal(bench.backend.started.length, 3);
});

test("what refuses a caller takes nothing of what all share, nor of its quota: no turn of a queue, no rate; and what is invalid takes no turn", async () => {
  const pieces = ({ input }: { readonly input: { readonly lines: readonly { readonly quantity: number }[] } }) =>
    input.lines.reduce((sum, { quantity }) => sum + quantity, 0);
  // As they may be written down: what all share comes first.
  const own: Limit[] = [
    { per: "all", rate: 1, every: "10s", queue: "15s" },
    { per: "consumer", rate: 10, every: "1h", cost: pieces },
  ];
  const shared: Limit[] = [
    { per: "all", rate: 4, every: "1h" },
    { per: "consumer", quota: 3, window: "day" },
  ];
  await using bench = await openBench({ apis: [limited([{ per: "consumer", quota: 5, window: "day" }], own)] });
  const order = (id: string, quantity: number) =>
    bench.ask("POST", orders, { body: { ...anOrder, id, lines: [{ sku: "rope", quantity }] } });
  for (let at = 0; at < 6; at++) {
    assertProblem(await order("large", 11), 429, "quota-exceeded");
    assert.equal((await order("bad", 0)).status, 400);
  }
  const first = await order("1", 1);
  assert.equal(first.status, 202);
  assert.match(String(first.headers.ratelimit), /"consumer";r=4/);
  assert.equal((await order("2", 1)).status, 202);
  assert.deepEqual(
    bench.backend.started.map(({ at }) => (at === undefined ? 0 : Number(at) - bench.time.now)),
    [0, 10_000],
  );

  bench.republish([limited(shared)]);
  const { key } = await bench.publisher.keys.create({ consumer: "other", scopes: allScopes, by: "t" });
  const statuses = async (times: number, by = bench.key) => {
    const all: number[] = [];
    for (let at = 0; at < times; at++) all.push((await bench.ask("GET", stock, { key: by })).status);
    return all;
  };
  assert.deepEqual(await statuses(6), [200, 200, 200, 429, 429, 429]);
  const refused = await bench.ask("GET", stock);
  assert.deepEqual(refused.json["violated-policies"], ["consumer"]);
  assert.match(String(refused.headers.ratelimit), /^"consumer";r=0;t=\d+$/);
  assert.deepEqual(await statuses(2, key), [200, 429], "the last of four is the other's");
});

test("a repeat under an Idempotency-Key takes nothing of a business limit, no turn and no quota, and is answered where they are used up", async () => {
  const once: Limit[] = [{ per: "consumer", rate: 1, every: "1h", cost: () => 1 }];
  const api = defineApi({
    ...ordersOptions,
    limits: [{ per: "consumer", quota: 3, window: "day" }],
    operations: {
      placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, limits: once }),
      setPrice: post("/prices", { scope: "stock:write", calls: setPrice, limits: once }),
      mine: post("/mine", {
        scope: "orders:write",
        starts: orderToCash,
        allow: ({ caller, input }) => input.customerId === caller.id,
        limits: [{ per: "all", rate: 1, every: "10s", queue: "5s" }],
      }),
    },
  });
  await using bench = await openBench({ apis: [api] });
  const send = (path: string, body: object, key: string) =>
    bench.ask("POST", `/orders/v1/${path}`, { body, headers: { "idempotency-key": `"${key}"` } });
  for (const [path, body, status] of [
    ["orders", anOrder, 202],
    ["prices", { sku: "rope", price: "1.00" }, 200],
  ] as const) {
    assert.equal((await send(path, body, "k-1")).status, status);
    for (let at = 0; at < 3; at++) {
      const again = await send(path, body, "k-1");
      assert.deepEqual([again.status, again.headers["idempotency-replayed"]], [status, "true"], again.text);
    }
    assertProblem(await send(path, body, "k-2"), 429, "quota-exceeded");
  }
  assert.equal(bench.backend.called.length, 1);
  // What the object rule refuses takes no turn either.
  const mine = (customerId: string) =>
    bench.ask("POST", "/orders/v1/mine", { body: { ...anOrder, id: "o-9", customerId } });
  for (let at = 0; at < 3; at++) assertProblem(await mine("else"), 403, "not-allowed");
  const last = await mine("shop");
  assert.deepEqual([last.status, bench.backend.started.at(-1)?.at], [202, undefined]);
  assert.match(String(last.headers.ratelimit), /"consumer";r=0/, "three of three: an order, a price, an order");
});

test("a consumer's plan has limits of its own; without one, or with one that the API does not name, the API's hold", async () => {
  const api = limited([{ per: "consumer", rate: 1, every: "1h" }], [], {
    gold: { limits: [{ per: "consumer", rate: 3, every: "1h" }] },
  });
  await using bench = await openBench({ apis: [api] });
  const statuses = async (times: number) => {
    const all: number[] = [];
    for (let i = 0; i < times; i++) all.push((await bench.ask("GET", stock)).status);
    return all;
  };
  assert.deepEqual(await statuses(2), [200, 429]);
  await bench.publisher.consumers.set("shop", { plan: "gold", by: "test" });
  assert.deepEqual(await statuses(4), [200, 200, 200, 429]);
  await bench.publisher.consumers.set("shop", { plan: "of-another-api", by: "test" });
  assert.deepEqual(await statuses(1), [429]);
});

test("limits that did not change go on counting when the APIs are published again", async () => {
  const limits: Limit[] = [{ per: "consumer", rate: 2, every: "1h" }];
  await using bench = await openBench({ apis: [limited(limits)] });
  assert.equal((await bench.ask("GET", stock)).status, 200);
  bench.republish([limited(limits)]);
  assert.equal((await bench.ask("GET", stock)).status, 200);
  assert.equal((await bench.ask("GET", stock)).status, 429);
  bench.republish([limited([{ per: "consumer", rate: 3, every: "1h" }])]);
  assert.equal((await bench.ask("GET", stock)).status, 200);
});

test("a limit that can't be kept is refused where the API is defined", () => {
  const refused = (limits: readonly unknown[], own: readonly unknown[], sentence: RegExp) =>
    assert.throws(() => limited(limits as Limit[], own as Limit[]), sentence);
  refused([{ per: "plan", rate: 1, every: "1s" }], [], /per: "consumer"/);
  refused([{ per: "all" }], [], /one of rate, quota and concurrency/);
  refused([{ per: "all", rate: 1, every: "1s", quota: 5, window: "day" }], [], /one of rate, quota and concurrency/);
  refused([{ per: "all", quota: 5, window: "year" }], [], /window: "hour"/);
  refused([{ per: "all", concurrency: 1.5 }], [], /whole number/);
  refused([{ per: "all", rate: 1, every: "1s", cost: () => 1 }], [], /belongs to an operation/);
  refused([{ per: "all", rate: 1, every: "1s", queue: "1m" }], [], /queues only where a process is started/);
  refused([], [{ per: "all", rate: 0, every: "1s" }], /placeOrder: a limit needs a rate above 0/);
});

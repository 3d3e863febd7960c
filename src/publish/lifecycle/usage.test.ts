import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../store/store.ts";
import { defineApi } from "../define.ts";
import { allScopes, anOrder, openBench, ordersOptions } from "../harness.test.ts";
import { dayOf, dayText, openUsage } from "./usage.ts";

const called = (name: string) => ({ api: { name: "orders", version: "1.0.0" }, name, label: `orders 1.0.0 ${name}` });
const day = 86_400_000;

test("calls are counted exactly by consumer, key, version, operation and day, whatever comes of them; who was not let in is not counted", async () => {
  const next = defineApi({ ...ordersOptions, version: "2.0.0", base: "/orders/v2" });
  await using bench = await openBench({ apis: [defineApi(ordersOptions), next] });
  const start = Date.parse("2026-11-27T23:00:00Z");
  bench.time.now = start;
  const acme = await bench.publisher.keys.create({ consumer: "acme", scopes: ["stock:read"], by: "test" });
  const many = Array.from({ length: 200 }, () => bench.ask("GET", "/orders/v1/stock/rope"));
  await Promise.all([...many, ...many.map(() => bench.ask("GET", "/orders/v1/stock/rope", { key: acme.key }))]);
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: { id: 1 } })).status, 400);
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { key: acme.key, body: anOrder })).status, 403);
  assert.equal((await bench.ask("GET", "/orders/v1/stock/rope", { key: null })).status, 401);
  await bench.ask("HEAD", "/orders/v2/stock/rope");
  bench.time.now = start + 2 * 3_600_000;
  await bench.ask("GET", "/orders/v1/stock/rope", { key: acme.key });
  const { usage } = bench.publisher.lifecycle;
  await usage.flush();
  const shown = (major: number) =>
    usage
      .rows("orders", major, 0)
      .map(({ consumer, operation, day: on, calls, lastAt }) => [consumer, operation, dayText(on), calls, lastAt]);
  assert.deepEqual(shown(1), [
    ["acme", "getStock", "2026-11-27", 200, start],
    ["acme", "getStock", "2026-11-28", 1, start + 2 * 3_600_000],
    ["shop", "getStock", "2026-11-27", 200, start],
    ["shop", "placeOrder", "2026-11-27", 1, start],
  ]);
  assert.deepEqual(shown(2), [["shop", "getStock", "2026-11-27", 1, start]]);
  const keys = new Set(usage.rows("orders", 1, 0).map(({ key }) => key));
  assert.deepEqual([keys.size, keys.has(acme.record.id)], [2, true]);
});

test("an orderly stop loses no call; a crash loses what was counted since the last writing, and nothing before", async () => {
  await using bench = await openBench();
  const total = (publisher: typeof bench.publisher) =>
    publisher.lifecycle.usage.rows("orders", 1, 0).reduce((sum, { calls }) => sum + calls, 0);
  const ask = () => bench.ask("GET", "/orders/v1/stock/rope");
  await ask();
  await bench.publisher.lifecycle.tick();
  await ask();
  await ask();
  const after = bench.restart();
  assert.equal(total(after), 1, "as after a crash: two were held back");
  await bench.publisher.close();
  assert.equal(total(after), 3);
});

test("what is held back is bounded: above it, calls wait until it is written, and none is lost", async () => {
  await using bench = await openBench();
  const gates: (() => void)[] = [];
  let most = 0;
  const slow: Pick<Store, "submit" | "read"> = {
    read: bench.store.read,
    async submit(commands) {
      await new Promise<void>((resolve) => gates.push(resolve));
      return bench.store.submit(commands);
    },
  };
  const usage = openUsage({ store: slow, clock: () => bench.time.now, mostHeld: 10 });
  const waits: Promise<void>[] = [];
  for (let caller = 0; caller < 25; caller++) {
    for (let again = 0; again < 3; again++) {
      const wait = usage.count(called("getStock"), { id: `c${caller}` });
      if (wait !== undefined) waits.push(wait);
      most = Math.max(most, usage.held);
    }
  }
  assert.equal(most, 10);
  assert.ok(waits.length > 0);
  let open = true;
  const done = Promise.all(waits)
    .then(() => usage.flush())
    .then(() => {
      open = false;
    });
  while (open) {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  const rows = usage.rows("orders", 1, 0);
  assert.deepEqual([rows.length, rows.every(({ calls }) => calls === 3)], [25, true]);
});

test("counts that the store did not take are kept for the next time", async () => {
  await using bench = await openBench();
  let full = true;
  const store: Pick<Store, "submit" | "read"> = {
    read: bench.store.read,
    submit: (commands) => (full ? Promise.reject(new Error("no space")) : bench.store.submit(commands)),
  };
  const usage = openUsage({ store, clock: () => bench.time.now });
  void usage.count(called("a"), { id: "acme" });
  await assert.rejects(usage.flush(), /no space/);
  void usage.count(called("a"), { id: "acme" });
  full = false;
  await usage.flush();
  assert.deepEqual(
    usage.rows("orders", 1, 0).map(({ calls }) => calls),
    [2],
  );
});

test("counts go when they are older than their retention, in bounded batches", async () => {
  await using bench = await openBench();
  const usage = openUsage({ store: bench.store, clock: () => bench.time.now, retentionMs: 30 * day });
  for (let caller = 0; caller < 600; caller++) void usage.count(called("a"), { id: `c${caller}` });
  bench.time.now += day;
  void usage.count(called("a"), { id: "last" });
  await usage.flush();
  bench.time.now += 30 * day;
  await usage.sweep();
  assert.deepEqual(
    usage.rows("orders", 1, 0).map(({ consumer }) => consumer),
    ["last"],
  );
  assert.equal(usage.rows("orders", 1, dayOf(bench.time.now)).length, 0);
});

test("a version is told from those whose number begins alike", async () => {
  await using bench = await openBench();
  const usage = openUsage({ store: bench.store, clock: () => bench.time.now });
  for (const version of ["1.0.0", "1.20.3", "10.0.0", "11.1.0", "2.0.0"])
    void usage.count({ ...called("a"), api: { name: "orders", version }, label: version }, { id: "acme" });
  await usage.flush();
  const of = (major: number) => usage.rows("orders", major, 0).map(({ version }) => version);
  assert.deepEqual([of(1), of(10), of(2)], [["1.0.0", "1.20.3"], ["10.0.0"], ["2.0.0"]]);
});

test("a caller without the scope is not counted as using the operation", async () => {
  await using bench = await openBench();
  const { key } = await bench.publisher.keys.create({ consumer: "acme", scopes: allScopes.slice(0, 1), by: "test" });
  assert.equal((await bench.ask("GET", "/orders/v1/stock/rope", { key })).status, 403);
  assert.equal(bench.publisher.lifecycle.usage.held, 0);
});

test("sums say how many calls there were, when the last one was, and whether they grow", async () => {
  await using bench = await openBench();
  const today = Date.parse("2026-11-27T12:00:00Z");
  const usage = openUsage({ store: bench.store, clock: () => bench.time.now });
  for (const [ago, consumer, key] of [
    [0, "acme", "k1"],
    [6, "acme", "k1"],
    [7, "acme", "k2"],
    [13, "acme", "k1"],
    [14, "acme", "k1"],
    [40, "old", ""],
  ] as const) {
    bench.time.now = today - ago * day;
    void usage.count(called("a"), { id: consumer, key });
  }
  bench.time.now = today;
  await usage.flush();
  const plain = (days: number) =>
    usage
      .totals("orders", 1, dayOf(today) - days + 1)
      .map(({ consumer, key, calls, recent, before, lastAt }) => [
        consumer,
        key,
        calls,
        recent,
        before,
        (today - lastAt) / day,
      ]);
  assert.deepEqual(plain(30), [
    ["acme", "k1", 4, 2, 1, 0],
    ["acme", "k2", 1, 0, 1, 7],
  ]);
  assert.deepEqual(plain(1), [["acme", "k1", 1, 2, 1, 0]]);
  assert.deepEqual(plain(41).at(-1), ["old", "", 1, 0, 0, 40]);
});

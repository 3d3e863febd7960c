/** What is on record of keys, as people look it up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../errors.ts";
import { anOrder, openBench } from "./harness.test.ts";

const place = "/orders/v1/orders";
const keyed = (key: string) => ({ "idempotency-key": `"${key}"` });

test("the records of a key are found whoever sent it, and by no other key; each says who, and what it did", async () => {
  await using bench = await openBench();
  const { records, keys } = bench.publisher;
  const { key: other } = await keys.create({ consumer: "other", scopes: ["orders:write"], by: "test" });
  await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  await bench.ask("POST", place, { body: anOrder, headers: keyed("k1"), key: other });
  await bench.ask("POST", "/orders/v1/prices", { body: { sku: "a", price: "1" }, headers: keyed("k1") });
  await bench.ask("POST", place, { body: { ...anOrder, id: "o-2" }, headers: keyed("k2") });
  const found = records.ofKey("k1").toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
  assert.deepEqual(
    found
      .map(({ run, joined, through, state, status }) => [
        run,
        joined,
        through?.consumer,
        through?.operation,
        state,
        status,
      ])
      .sort(),
    [
      [undefined, false, "shop", "setPrice", "answered", 200],
      ["run-1", false, undefined, undefined, "answered", 202],
      ["run-1", true, "other", "placeOrder", "answered", 202],
    ].sort(),
  );
  assert.deepEqual([records.ofKey("k").length, records.ofKey("k2").length], [0, 1]);
  const straight = found.find(({ run }) => run === undefined);
  assert.equal(records.ofEffectKey(bench.backend.called[0]?.key ?? "")?.id, straight?.id);
  assert.equal(records.ofEffectKey("mortise-nothing"), undefined);
});

test("what a run was asked by is found by the run: also who joined it an hour later, and under a retention of its own", async () => {
  await using bench = await openBench();
  const { records, keys } = bench.publisher;
  const { key: other } = await keys.create({ consumer: "other", scopes: ["orders:write"], by: "test" });
  const createdAt = bench.time.now;
  await bench.ask("POST", place, { body: anOrder, headers: keyed("first") });
  bench.time.now += 3_600_000;
  await bench.ask("POST", place, { body: anOrder, headers: keyed("later"), key: other });
  await bench.ask("POST", place, { body: { ...anOrder, id: "o-2" }, headers: keyed("another") });
  const { records: found, complete } = await records.ofRun("run-1", createdAt);
  assert.deepEqual(
    [found.map(({ key, joined }) => [key, joined]).sort(), complete],
    [
      [
        ["first", false],
        ["later", true],
      ],
      true,
    ],
  );
  bench.time.now += 23 * 3_600_000 + 1;
  assert.deepEqual(
    (await records.ofRun("run-1", createdAt)).records.map(({ key }) => key),
    ["later"],
  );
});

test("runs are found among many more requests than are looked at in one turn", async () => {
  await using bench = await openBench();
  const commands = (from: number) =>
    Array.from({ length: 1000 }, (_, index) => {
      const id = (from + index).toString(16).padStart(32, "0");
      const expiresAt = bench.time.now + 86_400_000 + from + index;
      return {
        name: "publish.reserve",
        parameters: { id, fingerprint: id, key: `k${from + index}`, run: `r${from + index}`, expiresAt },
      };
    });
  for (let from = 0; from < 45_000; from += 1000) await bench.store.submit(commands(from));
  const { records } = bench.publisher;
  // As if it had begun long before its request came.
  const { records: found, complete } = await records.ofRun("r44321", bench.time.now - 40_000_000);
  assert.deepEqual([found.map(({ key }) => key), complete], [["k44321"], true]);
});

test("how often a key came again is counted, written down now and then, and known meanwhile", async () => {
  await using bench = await openBench();
  const { records } = bench.publisher;
  const ask = (body: object) => bench.ask("POST", place, { body, headers: keyed("k1") });
  await ask(anOrder);
  await ask(anOrder);
  await ask(anOrder);
  await ask({ ...anOrder, id: "o-2" });
  const counted = () => {
    const { replayed, inFlight, reused, lastAt } = records.ofKey("k1")[0]?.repeats ?? {};
    return [replayed, inFlight, reused, lastAt];
  };
  assert.deepEqual(counted(), [2, 0, 1, bench.time.now]);
  await bench.publisher.close();
  assert.deepEqual(counted(), [2, 0, 1, bench.time.now]);
  assert.deepEqual(bench.restart().records.ofKey("k1")[0]?.repeats.replayed, 2);
});

test("IK-4: a record that was left open stays open though the next call surely did not happen: its effect key is no other request's", async () => {
  await using bench = await openBench();
  const ask = (price: string) =>
    bench.ask("POST", "/orders/v1/prices", { body: { sku: "a", price }, headers: keyed("k1") });
  bench.backend.answer = () => {
    throw failure("contract-output", { operation: "x", problems: "y" }, { outcome: "unknown" });
  };
  assert.equal((await ask("1")).status, 504);
  bench.backend.answer = () => {
    throw failure("system-unavailable", {});
  };
  assert.equal((await ask("1")).status, 503);
  assert.equal(bench.publisher.records.ofKey("k1")[0]?.state, "open");
  assert.equal((await ask("2")).status, 422, "another request under the same effect key");
  bench.backend.answer = () => ({ ok: true, output: { price: "1" } });
  assert.equal((await ask("1")).status, 200);
  assert.equal(bench.publisher.records.ofKey("k1")[0]?.again, true);
  assert.equal(new Set(bench.backend.called.map(({ key }) => key)).size, 1);
});

test("the record of a straight call says what its system gave: an output, a fault, or nothing", async () => {
  await using bench = await openBench();
  const gave = async (key: string): Promise<string | undefined> => {
    await bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" }, headers: keyed(key) });
    return bench.publisher.records.ofKey(key)[0]?.gave;
  };
  bench.backend.answer = () => ({ ok: true, output: { hold: "h" } });
  assert.equal(await gave("output"), "output");
  bench.backend.answer = () => ({ ok: false, fault: { name: "SoldOut", message: "", detail: null } });
  assert.equal(await gave("fault"), "fault");
  bench.backend.answer = () => {
    throw failure("contract-output", { operation: "x", problems: "y" }, { outcome: "unknown" });
  };
  assert.equal(await gave("nothing"), undefined);
});

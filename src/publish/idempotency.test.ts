import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../errors.ts";
import { milliseconds } from "../operation.ts";
import { configOptions } from "../server/project/config.ts";
import { type ApiOptions, defineApi } from "./define.ts";
import {
  allScopes,
  anOrder,
  assertProblem,
  bookHold,
  openBench,
  ordersOptions,
  orderToCash,
  setPrice,
} from "./harness.test.ts";
import { keyOf } from "./idempotency.ts";
import { del, post } from "./operations.ts";

const place = "/orders/v1/orders";
const placeNow = "/orders/v1/orders/now";
const keyed = (key: string) => ({ "idempotency-key": `"${key}"` });

test("IK-1: a Structured Field string; a bare one by option", () => {
  const strict = { required: false, bare: false };
  const lax = { required: false, bare: true };
  assert.equal(keyOf('"a b"', strict), "a b");
  assert.equal(keyOf('"a\\"b\\\\"', strict), 'a"b\\');
  assert.equal(keyOf("8e03978e-40d5", lax), "8e03978e-40d5");
  assert.equal(keyOf(undefined, lax), undefined);
  for (const bad of ["bare", '"a', '"a";p=1', '"é"', '""', '"a", "b"']) {
    assert.throws(() => keyOf(bad, strict), { code: "idempotency-key-malformed" });
  }
  for (const bad of ["a b", "", '"a', "a,é"])
    assert.throws(() => keyOf(bad, lax), { code: "idempotency-key-malformed" });
});

test("IK-5: a key has at most 255 characters", () => {
  const lax = { required: false, bare: true };
  assert.equal(keyOf("k".repeat(254), lax)?.length, 254);
  assert.equal(keyOf("k".repeat(255), lax)?.length, 255);
  assert.throws(() => keyOf("k".repeat(256), lax), { code: "idempotency-key-malformed" });
});

test("IK-2 IK-6: the same request again gets the recorded answer, marked, and nothing starts", async () => {
  await using bench = await openBench();
  const first = await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  const reordered = { lines: anOrder.lines, customerId: "shop", id: "o-1" };
  const again = await bench.ask("POST", place, { body: reordered, headers: keyed("k1") });
  assert.equal(first.headers["idempotency-replayed"], undefined);
  assert.equal(again.headers["idempotency-replayed"], "true");
  assert.deepEqual(
    [again.status, again.text, again.headers.location],
    [first.status, first.text, first.headers.location],
  );
  assert.equal(bench.backend.started.length, 1);
});

test("IK-2: the same key with another payload or path is 422", async () => {
  await using bench = await openBench();
  await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  const other = await bench.ask("POST", place, { body: { ...anOrder, id: "o-2" }, headers: keyed("k1") });
  assertProblem(other, 422, "idempotency-key-reused");
  assert.equal(bench.backend.started.length, 1);
});

test("IK-2: the same key with another query is 422, where the query says what is asked for; the same one is repeated", async () => {
  const operations: ApiOptions["operations"] = { dropHold: del("/holds", { scope: "stock:write", calls: bookHold }) };
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, operations })] });
  bench.backend.answer = () => ({ ok: true, output: { hold: "gone" } });
  const drop = (reference: string) =>
    bench.ask("DELETE", `/orders/v1/holds?reference=${reference}`, { headers: keyed("k1") });
  assert.equal((await drop("H-1")).status, 200);
  assertProblem(await drop("H-2"), 422, "idempotency-key-reused");
  assert.equal((await drop("H-1")).headers["idempotency-replayed"], "true");
  assert.equal(JSON.stringify(bench.backend.called.map(({ input }) => input)), '[{"reference":"H-1"}]');
  const { json } = await bench.ask("GET", "/orders/v1/openapi.json", { key: null });
  assert.match(JSON.stringify(json), /the same method, path, query and body/);
});

test("IK-2: where a key is required, its absence is 400; refused requests leave no record", async () => {
  const operations: ApiOptions["operations"] = {
    placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, idempotency: { required: true } }),
  };
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, operations })] });
  assertProblem(await bench.ask("POST", place, { body: anOrder }), 400, "idempotency-key-missing");
  assertProblem(await bench.ask("POST", place, { body: {}, headers: keyed("k1") }), 400, "input-invalid");
  assert.equal((await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") })).status, 202);
});

test("IK-2 fault 15: fifty at once with one key: one run, one answer, the others 409", async () => {
  await using bench = await openBench();
  const all = await Promise.all(
    Array.from({ length: 50 }, () => bench.ask("POST", place, { body: anOrder, headers: keyed("k1") })),
  );
  assert.equal(all.filter(({ status }) => status === 202).length, 1);
  for (const answer of all) if (answer.status !== 202) assertProblem(answer, 409, "idempotency-in-flight");
  assert.equal(bench.backend.started.length, 1);
  assert.equal(
    (await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") })).headers["idempotency-replayed"],
    "true",
  );
});

test("IK-3: another consumer's key, or another operation's, is another key", async () => {
  await using bench = await openBench();
  const other = await bench.publisher.keys.create({ consumer: "other", scopes: allScopes, by: "t" });
  await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  const foreign = await bench.ask("POST", place, {
    body: { ...anOrder, id: "o-2" },
    headers: keyed("k1"),
    key: other.key,
  });
  assert.equal(foreign.status, 202);
  assert.equal(foreign.headers["idempotency-replayed"], undefined);
  const elsewhere = await bench.ask("POST", placeNow, { body: { ...anOrder, id: "o-3" }, headers: keyed("k1") });
  assert.equal(elsewhere.status, 201);
  assert.equal(bench.backend.started.length, 3);
});

test("IK-4: the reservation is in the start's own commit, so a crash after it still gives one effect and its answer", async () => {
  await using bench = await openBench();
  bench.backend.onStarted = async () => {
    throw new Error("the power went"); // the commit is done, the answer never left
  };
  assert.equal((await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") })).status, 500);
  assert.equal(
    (await bench.ask("POST", placeNow, { body: { ...anOrder, id: "o-2" }, headers: keyed("k2") })).status,
    500,
  );
  bench.backend.onStarted = async () => {};
  const by = bench.restart();
  const again = await bench.ask("POST", place, { body: anOrder, headers: keyed("k1"), by });
  assert.deepEqual([again.status, again.headers["idempotency-replayed"]], [202, "true"]);
  const waited = await bench.ask("POST", placeNow, { body: { ...anOrder, id: "o-2" }, headers: keyed("k2"), by });
  assert.deepEqual([waited.status, waited.json], [201, { salesOrder: "S-1" }]);
  assert.equal(bench.backend.started.length, 2);
});

test("IK-2: with `wait`, the end is on record too, errors included", async () => {
  await using bench = await openBench();
  bench.backend.end = { status: "rejected", failure: { reason: "credit refused" } };
  const first = await bench.ask("POST", placeNow, { body: anOrder, headers: keyed("k1") });
  assertProblem(first, 422, "run-not-completed");
  bench.backend.end = { status: "completed" };
  const again = await bench.ask("POST", placeNow, { body: anOrder, headers: keyed("k1"), by: bench.restart() });
  assert.deepEqual([again.status, again.text], [first.status, first.text]);
  assert.equal(again.headers["idempotency-replayed"], "true");
});

test("a key for a run that is there already is recorded as well", async () => {
  await using bench = await openBench();
  await bench.ask("POST", place, { body: anOrder });
  assert.equal((await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") })).status, 202);
  const replayed = await bench.ask("POST", place, { body: anOrder, headers: keyed("k1"), by: bench.restart() });
  assert.equal(replayed.headers["idempotency-replayed"], "true");
});

test("IK-7: after its time a key is new, and the sweep removes it", async () => {
  await using bench = await openBench({ clock: Date.now, idempotencyRetentionMs: 1 });
  const count = () => Number(bench.store.read.prepare("SELECT count(*) AS n FROM publish_idempotency").get()?.n);
  await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  assert.equal(count(), 1);
  const before = Date.now();
  while (Date.now() < before + 3);
  const other = await bench.ask("POST", place, { body: { ...anOrder, id: "o-2" }, headers: keyed("k1") });
  assert.equal(other.status, 202);
  assert.equal(bench.backend.started.length, 2);
  const after = Date.now();
  while (Date.now() < after + 3);
  await bench.store.submit([{ name: "publish.sweep", parameters: {} }]);
  assert.equal(count(), 0);
});

test("IK-7 limits: a key is remembered for as long as the configuration says, and not a millisecond longer", async () => {
  const { retention } = configOptions.idempotency;
  const keptMs = milliseconds(retention.default);
  const replays = async (afterMs: number) => {
    await using bench = await openBench({ idempotencyRetentionMs: keptMs });
    // The store has a clock of its own: to it each of these is long over.
    bench.time.now -= 2 * keptMs;
    await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
    bench.time.now += afterMs;
    const other = await bench.ask("POST", place, { body: anOrder, headers: keyed("k1"), by: bench.restart() });
    assert.equal(other.status, 202);
    return other.headers["idempotency-replayed"] === "true";
  };
  assert.deepEqual([await replays(keptMs - 1), await replays(keptMs), await replays(keptMs + 1)], [true, false, false]);
});

test("IK-8: a straight call gets an effect key made of the idempotency key, and its answer is replayed", async () => {
  await using bench = await openBench();
  const price = { sku: "rope", price: "9.50" };
  const ask = () => bench.ask("POST", "/orders/v1/prices", { body: price, headers: keyed("k1") });
  assert.equal((await ask()).status, 200);
  assert.equal((await ask()).headers["idempotency-replayed"], "true");
  assert.equal(bench.backend.called.length, 1);
  assert.match(bench.backend.called[0]?.key ?? "", /^mortise-[0-9a-f]{32}$/);
});

test("an idempotent call of unknown outcome is asked again under the same effect key", async () => {
  await using bench = await openBench();
  bench.backend.answer = () => {
    throw failure("contract-output", { operation: "x", problems: "y" }, { outcome: "unknown" });
  };
  const ask = () => bench.ask("POST", "/orders/v1/prices", { body: { sku: "a", price: "1" }, headers: keyed("k1") });
  assertProblem(await ask(), 504, "system-outcome-unknown");
  bench.backend.answer = () => ({ ok: true, output: { price: "1" } });
  assert.equal((await ask()).status, 200);
  assert.equal(bench.backend.called[0]?.key, bench.backend.called[1]?.key);
});

test("an idempotent call of unknown outcome is not asked again once its system has forgotten the effect key", async () => {
  const keyLifetimeMs = milliseconds("1h");
  const operations = {
    price: post("/prices", { scope: "stock:write", calls: { ...setPrice, keyLifetimeMs } }),
  };
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, operations })] });
  bench.backend.answer = () => {
    throw failure("contract-output", { operation: "x", problems: "y" }, { outcome: "unknown" });
  };
  const ask = () => bench.ask("POST", "/orders/v1/prices", { body: { sku: "a", price: "1" }, headers: keyed("k1") });
  assertProblem(await ask(), 504, "system-outcome-unknown");
  bench.time.now += keyLifetimeMs;
  assertProblem(await ask(), 504, "system-outcome-unknown");
  assert.equal(bench.backend.called.length, 2);
  bench.time.now += 1;
  assertProblem(await ask(), 409, "idempotency-outcome-unknown");
  assert.equal(bench.backend.called.length, 2);
});

test("an unrepeatable call of unknown outcome is never repeated: its problem is the recorded answer", async () => {
  await using bench = await openBench();
  bench.backend.answer = () => {
    throw failure("contract-output", { operation: "x", problems: "y" }, { outcome: "unknown" });
  };
  const ask = () => bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" }, headers: keyed("k1") });
  assertProblem(await ask(), 504, "system-outcome-unknown");
  const again = await ask();
  assertProblem(again, 504, "system-outcome-unknown");
  assert.equal(again.headers["idempotency-replayed"], "true");
  assert.equal(bench.backend.called.length, 1);
});

test("a call that surely did not happen leaves its key free", async () => {
  await using bench = await openBench();
  bench.backend.answer = () => {
    throw failure("system-unavailable", {}, { retryAfterMs: 4000 });
  };
  const ask = () => bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" }, headers: keyed("k1") });
  assert.equal((await ask()).status, 503);
  bench.backend.answer = () => ({ ok: true, output: { hold: "h" } });
  assert.equal((await ask()).status, 200);
});

test("a crash in an unrepeatable call is answered with 409 afterwards, never with a second call", async () => {
  await using bench = await openBench();
  const never = Promise.withResolvers<never>();
  const called = Promise.withResolvers<void>();
  bench.backend.answer = () => {
    called.resolve();
    return never.promise;
  };
  const ask = { body: { reference: "r" }, headers: keyed("k1") };
  const lost = bench.ask("POST", "/orders/v1/holds", ask);
  await called.promise;
  assertProblem(await bench.ask("POST", "/orders/v1/holds", ask), 409, "idempotency-in-flight");
  const after = await bench.ask("POST", "/orders/v1/holds", { ...ask, by: bench.restart() });
  assertProblem(after, 409, "idempotency-outcome-unknown");
  assert.equal(bench.backend.called.filter(({ operation }) => operation === bookHold.name).length, 1);
  never.reject(new Error("gone"));
  await lost;
});

test("a start that is refused for now says when to send it again, and leaves the idempotency key free", async () => {
  await using bench = await openBench();
  bench.backend.refuses = failure("start-queue-full", { process: "inner", limit: 9 }, { retryAfterMs: 4200 });
  const refused = await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  assertProblem(refused, 429, "start-queue-full");
  assert.equal(refused.headers["retry-after"], "5");
  assert.ok(!refused.text.includes("inner"));
  bench.backend.refuses = undefined;
  const taken = await bench.ask("POST", place, { body: anOrder, headers: keyed("k1") });
  assert.deepEqual([taken.status, taken.headers["idempotency-replayed"]], [202, undefined]);
});

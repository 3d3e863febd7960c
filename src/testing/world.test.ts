/** The kit itself, on small processes with operations made by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { t } from "../contract/shape.ts";
import type { EventType, Operation } from "../operation.ts";
import { defineProcess } from "../process/define.ts";
import { FlowTimeout, isFault } from "../process/flow.ts";
import { defineTask } from "../process/task.ts";
import { actsThenLoses, fails, fault, inOrder, testWorld } from "./index.ts";

type SoldOut = { readonly SoldOut: { readonly left: number } };
const reserve: Operation<{ sku: string }, { hold: string }, SoldOut> = Object.freeze({
  kind: "operation",
  system: "stock",
  name: "reserve",
  effect: "unrepeatable",
  probe: { call: "findHold", with: ({ key }: { key: string }) => ({ key }), settle: "1s" as const },
});
const findHold: Operation<{ key: string }, { hold: string } | null> = Object.freeze({
  kind: "operation",
  system: "stock",
  name: "findHold",
  effect: "read",
});
const release: Operation<{ key: string }, null> = Object.freeze({
  kind: "operation",
  system: "stock",
  name: "release",
  effect: "idempotent",
});
const pay: Operation<{ order: string }, { payment: string }> = Object.freeze({
  kind: "operation",
  system: "bank",
  name: "pay",
  effect: "idempotent",
});
const shipped: EventType<{ tracking: string }> = Object.freeze({ kind: "event", system: "carrier", name: "shipped" });
const approval = defineTask({
  name: "approval",
  title: "May they?",
  input: t.object({ id: t.string() }),
  answer: t.object({ yes: t.boolean() }),
});

const order = t.object({ id: t.string(), sku: t.string(), big: t.optional(t.boolean()) });
const sale = defineProcess({
  name: "sale",
  input: order,
  output: t.object({ payment: t.string(), tracking: t.string() }),
  key: ({ id }) => id,
  async run(flow, { id, sku, big }) {
    try {
      await flow.call(reserve, { sku }, { undo: { call: release, with: ({ key }) => ({ key }) } });
    } catch (error) {
      if (isFault(error, reserve, "SoldOut")) return flow.reject("sold out", { left: error.fault.detail.left });
      throw error;
    }
    if (big === true) {
      const { yes } = await flow.task(approval, { assign: "sales", input: { id }, within: "2d" });
      if (!yes) return flow.reject("not approved");
    }
    const { tracking } = await flow.receive(shipped, { key: id, within: "5d" });
    flow.pivot();
    const { payment } = await flow.call(pay, { order: id });
    return { payment, tracking };
  },
});

function small() {
  const world = testWorld({ processes: [sale] });
  const holds = new Map<string, string>();
  world.fake(reserve, (_input, { key, times }) => {
    holds.set(key, `H${times}`);
    return { hold: `H${times}` };
  });
  world.fake(findHold, ({ key }) => {
    const hold = holds.get(key);
    return hold === undefined ? null : { hold };
  });
  world.fake(release, ({ key }) => {
    holds.delete(key);
    return null;
  });
  world.fake(pay, ({ order: id }) => ({ payment: `P-${id}` }));
  return { world, holds };
}

test("a run goes as far as it can, waits, and ends with what the fakes answered", async () => {
  const { world } = small();
  const run = await world.start(sale, { id: "A-1", sku: "bolt" });
  assert.equal(run.status, "waiting");
  await assert.rejects(run.ended(), { code: "test-not-ended", message: /sale A-1: waiting, .*carrier\.shipped/ });
  assert.equal(await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } }), "matched");
  assert.deepEqual(await run.ended(), { status: "completed", output: { payment: "P-A-1", tracking: "T" } });
  assert.deepEqual(
    run.calls.map(({ operation, acted }) => [operation, acted]),
    [
      ["stock.reserve", true],
      ["bank.pay", true],
    ],
  );
  assert.deepEqual(world.calls(pay)[0]?.input.order, "A-1");
  assert.equal((await world.start(sale, { id: "A-1", sku: "bolt" })).id, run.id, "the same business key, the same run");
});

test("the clock moves by hand: a timer is due only then, and what was done is undone", async () => {
  const { world, holds } = small();
  const begin = world.now;
  const run = await world.start(sale, { id: "A-1", sku: "bolt" });
  await world.advance("4d");
  assert.equal(run.status, "waiting");
  await world.advance("1d");
  const { status, failure } = await run.ended();
  assert.equal(status, "undone");
  assert.match(failure?.reason ?? "", /carrier\.shipped/);
  assert.equal(world.now - begin, 5 * 86_400_000);
  assert.equal(world.acts(release).length, 1);
  assert.equal(holds.size, 0);
  assert.equal(FlowTimeout.name, "FlowTimeout");
});

test("a declared fault is typed, and reaches the process", async () => {
  const { world } = small();
  world.fake(reserve, () => fault("SoldOut", { left: 2 }));
  const run = await world.start(sale, { id: "A-1", sku: "bolt" });
  assert.deepEqual(await run.ended(), { status: "rejected", failure: { reason: "sold out", detail: { left: 2 } } });
  // @ts-expect-error a fault that the operation does not declare
  world.fake(reserve, () => fault("Nonsense", { left: 2 }));
  // @ts-expect-error a wrong field of an output
  world.fake(reserve, () => ({ holdId: "H" }));
  // @ts-expect-error a wrong field of an input
  world.fake(reserve, (input) => ({ hold: input.nothing }));
});

test("a failure that surely had no effect is tried again when the clock is moved", async () => {
  const { world } = small();
  world.fake(pay, inOrder(fails.none(), fails.wait("1h"), { payment: "P" }));
  const run = await world.start(sale, { id: "A-1", sku: "bolt" });
  await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } });
  assert.equal(world.calls(pay).length, 1);
  await world.advance("1m");
  assert.equal(world.calls(pay).length, 2);
  await world.advance("2h");
  assert.equal((await run.ended()).status, "completed");
  assert.equal(new Set(world.calls(pay).map(({ key }) => key)).size, 1, "one key for all attempts");
  assert.equal(world.acts(pay).length, 1);
});

test("an effect whose answer is lost is found by its probe, and not repeated", async () => {
  const { world, holds } = small();
  world.fake(
    reserve,
    actsThenLoses((_input, { key }) => {
      holds.set(key, "H");
      return { hold: "H" };
    }),
  );
  const run = await world.start(sale, { id: "A-1", sku: "bolt" });
  await world.advance("2s");
  assert.equal(world.calls(reserve).length, 1);
  assert.equal(world.acts(reserve)[0]?.outcome, "lost");
  await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } });
  assert.equal((await run.ended()).status, "completed");
});

test("a fake honours keys as its contract says: a repeat acts once, unless the test wants it otherwise", async () => {
  for (const keys of ["honoured", "ignored"] as const) {
    const { world } = small();
    world.fake(pay, inOrder(actsThenLoses({ payment: "P1" }), { payment: "P2" }), { keys });
    const run = await world.start(sale, { id: "A-1", sku: "bolt" });
    await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } });
    await world.advance("1m");
    const ended = await run.ended();
    assert.equal(ended.output?.payment, keys === "honoured" ? "P1" : "P2");
    assert.equal(world.acts(pay).length, keys === "honoured" ? 1 : 2);
  }
});

test("people answer tasks and parked questions", async () => {
  const { world } = small();
  const run = await world.start(sale, { id: "A-1", sku: "bolt", big: true });
  await assert.rejects(world.answer(run, approval, { yes: 1 as unknown as boolean }), { code: "test-value" });
  await world.answer(run, approval, { yes: true });
  await assert.rejects(world.answer(run, approval, { yes: true }), { code: "test-no-task" });
  world.fake(pay, fails.refused("the account is closed"));
  await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } });
  assert.equal(run.status, "parked");
  assert.equal(run.parked?.code, "step-gave-up");
  world.fake(pay, { payment: "P" });
  await run.operate({ kind: "retry" });
  assert.equal((await run.ended()).status, "completed");
});

test("after a crash a run goes on from its history, and repeats nothing", async () => {
  const { world } = small();
  const run = await world.start(sale, { id: "A-1", sku: "bolt" });
  await world.crash();
  assert.equal(run.status, "waiting");
  await world.crash();
  await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } });
  assert.equal((await run.ended()).status, "completed");
  assert.equal(world.calls(reserve).length, 1);
});

test("an operation without a fake, and a fake that throws, are told to the test", async () => {
  const { world } = small();
  const bare = testWorld({ processes: [sale] });
  await assert.rejects(bare.start(sale, { id: "A-1", sku: "bolt" }), {
    code: "fake-missing",
    message: /stock\.reserve/,
  });
  world.fake(reserve, () => {
    throw new TypeError("a slip in the test");
  });
  await assert.rejects(world.start(sale, { id: "A-1", sku: "bolt" }), {
    name: "TypeError",
    message: "a slip in the test",
  });
});

test("a wrong input is refused before anything happens, and a process that the world does not have too", async () => {
  const { world } = small();
  await assert.rejects(world.start(sale, { id: 1 as unknown as string, sku: "bolt" }), { code: "test-value" });
  const bare = testWorld({ processes: [] });
  await assert.rejects(bare.start(sale, { id: "A-1", sku: "bolt" }), { code: "test-process-unknown" });
});

test("the same test gives the same history, to the last id", async () => {
  const histories: unknown[] = [];
  for (let time = 0; time < 2; time++) {
    const { world } = small();
    world.fake(pay, inOrder(fails.unknown(), { payment: "P" }));
    const run = await world.start(sale, { id: "A-1", sku: "bolt" });
    await world.signal(shipped, { key: "A-1", payload: { tracking: "T" } });
    await world.advance("1h");
    histories.push(run.detail);
  }
  assert.deepEqual(histories[0], histories[1]);
});

test("a run that waits for one that is parked says so, however far below it that is", async () => {
  const label = defineProcess({
    name: "label",
    input: t.object({ id: t.string() }),
    key: ({ id }) => `${id}-label`,
    run: () => Promise.reject(new Error("a slip in the code")),
  });
  const parcel = defineProcess({
    name: "parcel",
    input: t.object({ id: t.string() }),
    key: ({ id }) => `${id}-parcel`,
    run: (flow, { id }) => flow.child(label, { id }),
  });
  const dispatch = defineProcess({
    name: "dispatch",
    input: t.object({ id: t.string() }),
    key: ({ id }) => id,
    run: (flow, { id }) => flow.child(parcel, { id }),
  });
  const run = await testWorld({ processes: [dispatch, parcel, label] }).start(dispatch, { id: "A-1" });
  await assert.rejects(run.ended(), {
    code: "test-not-ended",
    message: /dispatch A-1: waiting, waits for parcel A-1-parcel; label A-1-label: parked, .*a slip in the code/,
  });
});

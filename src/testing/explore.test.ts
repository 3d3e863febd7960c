import assert from "node:assert/strict";
import { test } from "node:test";
import { t } from "../contract/shape.ts";
import type { EventType, Operation } from "../operation.ts";
import { defineProcess } from "../process/define.ts";
import { defineTask } from "../process/task.ts";
import { comes, decides, type ExploreOptions, explore, type TestWorld } from "./index.ts";

const reserve: Operation<{ sku: string }, { hold: string }> = Object.freeze({
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
const pack: Operation<{ order: string }, null> = Object.freeze({
  kind: "operation",
  system: "stock",
  name: "pack",
  effect: "idempotent",
});
const shipped: EventType<{ tracking: string }> = Object.freeze({ kind: "event", system: "carrier", name: "shipped" });
const approval = defineTask({
  name: "approval",
  title: "May they?",
  input: t.object({ id: t.string() }),
  answer: t.object({ yes: t.boolean() }),
});
const order = t.object({ id: t.string() });

/** `right`: the money is taken when the goods are shipped. */
const saleOf = (right: boolean) =>
  defineProcess({
    name: "sale",
    input: order,
    key: ({ id }) => id,
    async run(flow, { id }) {
      await flow.call(reserve, { sku: "bolt" }, { undo: { call: release, with: ({ key }) => ({ key }) } });
      const { yes } = await flow.task(approval, { assign: "sales", input: { id }, within: "1d" });
      if (!yes) return flow.reject("not approved");
      await flow.call(pack, { order: id });
      if (!right) await flow.call(pay, { order: id });
      await flow.receive(shipped, { key: id, within: "5d" });
      flow.pivot();
      if (right) await flow.call(pay, { order: id });
      return flow.step("note", { effect: "idempotent" }, () => "noted");
    },
  });

function fakes(world: TestWorld, keys: "honoured" | "ignored" = "honoured"): void {
  const holds = new Map<string, string>();
  world.fake(reserve, (_input, { key }) => {
    holds.set(key, "H");
    return { hold: "H" };
  });
  world.fake(findHold, ({ key }) => (holds.has(key) ? { hold: "H" } : null));
  world.fake(release, ({ key }) => {
    holds.delete(key);
    return null;
  });
  world.fake(pay, { payment: "P" }, { keys });
  world.fake(pack, null);
}

const options: ExploreOptions<{ readonly id: string }, unknown> = {
  input: { id: "A-1" },
  fakes,
  outside: [
    decides(approval, { yes: true }, { yes: false }),
    comes(shipped, {
      payload: { tracking: "T" },
      key: "A-1",
      when: (world) => world.acts(pack).length > world.acts(release).length && world.now < Date.parse("2026-01-10"),
    }),
  ],
  invariants: {
    "paid if and only if shipped": ({ world }) => world.acts(pay).length === world.signals(shipped).length,
  },
  pairs: 40,
};

test("a right process withstands every single fault and many pairs, and the operator leaves nothing parked", async () => {
  const explored = await explore(saleOf(true), options);
  assert.ok(explored.points >= 12, String(explored.points));
  assert.ok(explored.histories > 60 && explored.pairsThereAre > 500);
  assert.deepEqual(explored.parked, {});
  assert.ok((explored.ended.completed ?? 0) > 40);
  assert.ok((explored.ended.rejected ?? 0) > 0 && (explored.ended.undone ?? 0) > 0);
});

test("a wrong process is found, with the shortest history, the books and the option that plays it alone", async () => {
  let message = "";
  await assert.rejects(explore(saleOf(false), options), (error: Error & { code?: string }) => {
    message = error.message;
    return error.code === "explore-failed";
  });
  assert.match(message, /broken: paid if and only if shipped/);
  assert.match(message, />> event carrier\.shipped (never comes|comes late)/);
  assert.match(message, /bank\.pay call 1 acts/);
  assert.match(message, /What the systems' books show:\n.*stock\.reserve under/);
  const only = JSON.parse(/only: (\[.*\])/.exec(message)?.[1] ?? "[]") as string[];
  assert.equal(only.length, 1);
  await assert.rejects(explore(saleOf(false), { ...options, only }), { code: "explore-failed" });
  await explore(saleOf(false), { ...options, only: [] });
});

test("exploring twice tells the same, letter for letter", async () => {
  const told: string[] = [];
  for (let time = 0; time < 2; time++)
    await explore(saleOf(false), options).catch((error: Error) => void told.push(error.message));
  assert.equal(told.length, 2);
  assert.equal(told[0], told[1]);
});

test("a system that does not honour the keys of its contract is found without any invariant of the test", async () => {
  await assert.rejects(
    explore(saleOf(true), { ...options, fakes: (world) => fakes(world, "ignored"), invariants: {} }),
    { code: "explore-failed", message: /no effect twice under one key: bank\.pay/ },
  );
});

test("an undo that is left out is found by what the test says of the books", async () => {
  const forgetful = defineProcess({
    name: "forgetful",
    input: order,
    key: ({ id }) => id,
    async run(flow, { id }) {
      await flow.call(pay, { order: id });
      await flow.receive(shipped, { key: id, within: "1d" });
    },
  });
  const given = {
    ...options,
    invariants: {
      "paid only for goods": ({ world }: { world: TestWorld }) =>
        world.acts(pay).length <= world.signals(shipped).length,
    },
  };
  await assert.rejects(explore(forgetful, given), { code: "explore-failed", message: /paid only for goods/ });
});

test("a mistake of the test itself is its own error, not a finding", async () => {
  await assert.rejects(explore(saleOf(true), { ...options, fakes: () => {} }), { code: "fake-missing" });
});

test("a run that parks where nothing goes wrong is found: a test that never gets to its point would prove nothing", async () => {
  const parent = defineProcess({
    name: "parent",
    input: order,
    key: ({ id }) => id,
    run: async (flow, { id }) => flow.child(child, { id }),
  });
  const child = defineProcess({
    name: "child",
    input: order,
    output: t.object({ payment: t.string() }),
    key: ({ id }) => id,
    async run(flow, { id }) {
      const payment = (await flow.call(pay, { order: id })).payment;
      if (payment === "P") throw new Error("a mistake in the mapping");
      return { payment };
    },
  });
  await assert.rejects(explore(parent, { input: { id: "A-1" }, fakes, processes: [child] }), {
    code: "explore-failed",
    message: /where nothing goes wrong, no run stays parked: child A-1: parked, .*a mistake in the mapping/,
  });
});

test("a run that waits for ever where nothing goes wrong is found when invariants are to be judged at its end", async () => {
  const given = { ...options, outside: [comes(shipped, { payload: { tracking: "T" }, key: "A-1" })] };
  const waiting = defineProcess({
    name: "waiting",
    input: order,
    key: ({ id }) => id,
    async run(flow, { id }) {
      await flow.task(approval, { assign: "sales", input: { id } });
    },
  });
  await assert.rejects(explore(waiting, given), {
    code: "explore-failed",
    message: /the run ends, or its invariants are never judged: waiting A-1: waiting, waits for people: approval/,
  });
  const { ended } = await explore(waiting, { ...given, invariants: {}, pairs: 0 });
  assert.equal(ended.completed, undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnyProcess, defineProcess } from "../../define.ts";
import { ChildFailed } from "../../flow.ts";
import { anything, FakeSystem, fault, type Rig } from "../engine-harness.ts";
import { endRigs, open, restarted } from "../operating-rig.ts";

endRigs();

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const actor = { by: "olivia", reason: "test" };
const idOf = (input: unknown) => (input as { id: string }).id;
type Run = Parameters<typeof defineProcess>[0]["run"];
const process = (name: string, run: Run) => defineProcess({ name, input: anything, key: idOf, run });

async function start({ engine }: Rig, process: string, key = "K1"): Promise<string> {
  return ((await engine.start({ process, key, input: { id: key }, origin: "test" })) as { run: string }).run;
}
const signal = ({ engine }: Rig, key: string) =>
  engine.signal({ system: "carrier", event: "shipped", key, payload: `shipped ${key}`, delivery: `d-${key}` });

/** Waits for its event, after one step that can be taken back. */
function shipping(system: FakeSystem) {
  const book = system.operation("book", "idempotent", () => "booked");
  const unbook = system.operation("unbook", "idempotent");
  return process("shipping", async (flow, input) => {
    await flow.call(book, {}, { undo: { call: unbook, with: () => ({}) } });
    return flow.receive(event, { key: idOf(input) });
  });
}

test("a child run is started, waited for, and its output given; both show each other", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const parent = process("order", async (flow, input) => [
    await flow.child(own, { id: `${idOf(input)}-s` }),
    flow.run.key,
  ]);
  const one = await open({ processes: [own, parent], system });
  const run = await start(one, "order");
  const waiting = await one.until(run, "waiting");
  assert.equal(waiting.reason, "waits for shipping K1-s");
  const [shown] = waiting.children ?? [];
  assert.deepEqual([shown?.process, shown?.key], ["shipping", "K1-s"]);
  const there = await one.until(shown?.run as string, "waiting");
  assert.equal(there.parent, run);
  assert.equal(there.version, waiting.version);
  await signal(one, "K1-s");
  assert.deepEqual((await one.until(run, "completed")).output, ["shipped K1-s", "K1"]);
  assert.equal(one.engine.run(run)?.children?.[0]?.status, "completed");
});

test("a child's end finds its parent after both were stopped, in whatever order", async () => {
  for (const between of [true, false]) {
    const system = new FakeSystem();
    const own = shipping(system);
    const parent = process("order", async (flow, input) => flow.child(own, { id: `${idOf(input)}-s` }));
    const one = await open({ processes: [own, parent], system });
    const run = await start(one, "order");
    const child = (await one.until(run, "waiting")).children?.[0]?.run as string;
    await one.until(child, "waiting");
    const two = await restarted(one, { processes: [own, parent], system });
    await signal(two, "K1-s");
    if (between) await two.until(child, "completed");
    const three = await restarted(two, { processes: [own, parent], system });
    assert.equal((await three.until(run, "completed")).output, "shipped K1-s");
    assert.equal(system.calls("book").length, 1);
  }
});

test("started and forgotten: the parent goes on at once with the child's id", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const parent = process("order", async (flow) => flow.child(own, { id: "S" }, { wait: false }));
  const one = await open({ processes: [own, parent], system });
  const run = await start(one, "order");
  const { output } = await one.until(run, "completed");
  const { run: child, key } = output as { run: string; key: string };
  assert.equal(key, "S");
  await one.until(child, "waiting");
  await signal(one, "S");
  await one.until(child, "completed");
});

test("a child that ends otherwise is thrown, with how; nobody catches it: the parent is undone", async () => {
  const system = new FakeSystem();
  const charge = system.operation("charge", "idempotent", () => fault("Declined", { code: 7 }));
  const a = system.operation("a", "idempotent");
  const undoA = system.operation("undoA", "idempotent");
  const pay = process("pay", async (flow) => flow.call(charge, {}));
  const refuse = process("refuse", async (flow) => flow.reject("no", { why: "so" }));
  const caught = process("caught", async (flow, input) => {
    try {
      return await flow.child(refuse, { id: `${idOf(input)}-r` });
    } catch (error) {
      assert.ok(error instanceof ChildFailed);
      const { run: _, ...rest } = { ...error };
      return rest;
    }
  });
  const parent = process("order", async (flow) => {
    await flow.call(a, {}, { undo: { call: undoA, with: () => ({}) } });
    return flow.child(pay, { id: "P" });
  });
  const one = await open({ processes: [pay, refuse, caught, parent], system });
  const first = await start(one, "caught");
  assert.deepEqual((await one.until(first, "completed")).output, {
    name: "ChildFailed",
    process: "refuse",
    status: "rejected",
    reason: "no",
    detail: { why: "so" },
  });
  const second = await one.until(await start(one, "order"), "undone");
  assert.equal(second.failure?.reason, "pay was undone: fake.charge: Declined");
  assert.match(JSON.stringify(second.failure?.detail), /"status":"undone"/);
  assert.equal(system.calls("undoA").length, 1);
});

test("one run per key: the same input finds the run there is, also an ended one; another input parks the parent", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const parent = process("order", async (flow) => flow.child(own, { id: "S" }));
  const other = process("other", async (flow) => flow.child(own, { id: "S", more: 1 }));
  const one = await open({ processes: [own, parent, other], system });
  const [a, b] = [await start(one, "order", "A"), await start(one, "order", "B")];
  await one.until(a, "waiting");
  await one.until(b, "waiting");
  const child = one.engine.runByKey("shipping", "S")?.id as string;
  assert.equal(one.engine.run(b)?.children?.[0]?.run, child);
  await signal(one, "S");
  for (const run of [a, b]) assert.equal((await one.until(run, "completed")).output, "shipped S");
  const late = await start(one, "order", "C");
  assert.equal((await one.until(late, "completed")).output, "shipped S");
  const parked = await one.until(await start(one, "other"), "parked");
  assert.equal(parked.parked?.code, "child-conflict");
  assert.match(parked.parked?.message ?? "", new RegExp(`shipping with the key S, which run ${child} has`));
  await one.engine.operate(parked.id, { kind: "happened", result: "by hand" }, actor);
  assert.equal((await one.until(parked.id, "completed")).output, "by hand");
  assert.equal(system.calls("book").length, 1);
});

test("a child that is completed and whose history was removed asks a person", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const parent = process("order", async (flow) => flow.child(own, { id: "S" }));
  const one = await open({ processes: [own, parent], system });
  await one.until(await start(one, "shipping", "S"), "waiting");
  await signal(one, "S");
  await one.until(one.engine.runByKey("shipping", "S")?.id as string, "completed");
  await one.engine.retain(Date.now() + 1000, 0);
  const parked = await one.until(await start(one, "order"), "parked");
  assert.equal(parked.parked?.code, "child-gone");
  await one.engine.operate(parked.id, { kind: "undo" }, actor);
  await one.until(parked.id, "undone");
});

test("an input that does not fit, a key that is none or the run's own, and an unknown process stop the parent, and start nothing", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const keyless = defineProcess({ name: "keyless", input: anything, key: () => "", run: async () => null });
  const parents: Readonly<Record<"input" | "key" | "itself" | "unknown", AnyProcess>> = {
    input: process("input", async (flow) => flow.child(own, { id: "S", bad: true })),
    key: process("key", async (flow) => flow.child(keyless, {})),
    itself: process("itself", async (flow, input): Promise<unknown> => flow.child(parents.itself, input)),
    unknown: process("unknown", async (flow) =>
      flow.child(
        process("nowhere", async () => null),
        { id: "N" },
      ),
    ),
  };
  const one = await open({
    processes: [own, keyless, ...Object.values(parents)],
    system,
    validateInput: () => (value) =>
      (value as { bad?: boolean }).bad === true ? [{ at: "bad", message: "is bad" }] : [],
  });
  for (const [name, code] of [
    ["input", "child-input"],
    ["key", "child-input"],
    ["itself", "child-input"],
    ["unknown", "child-unknown"],
  ] as const) {
    const parked = await one.until(await start(one, name), "parked");
    assert.equal(parked.parked?.code, code);
    await one.engine.operate(parked.id, { kind: "cancel" }, actor);
    await one.until(parked.id, "cancelled");
  }
  assert.equal(one.engine.runs({ process: "shipping" }).length, 0);
});

for (const restart of [false, true]) {
  test(`undo: an open child is cancelled and undone first${restart ? ", also when the server stops meanwhile" : ""}`, async () => {
    const system = new FakeSystem();
    const own = shipping(system);
    let broken = restart;
    system.behave("unbook", () => (broken ? fault("NotNow") : null));
    const a = system.operation("a", "idempotent");
    const undoA = system.operation("undoA", "idempotent");
    const parent = process("order", async (flow, input) => {
      await flow.call(a, {}, { undo: { call: undoA, with: () => ({}) } });
      return flow.child(own, { id: idOf(input) }, { undo: { call: undoA, with: () => ({ of: "child" }) } });
    });
    let one = await open({ processes: [own, parent], system });
    const run = await start(one, "order");
    const child = (await one.until(run, "waiting")).children?.[0]?.run as string;
    await one.until(child, "waiting");
    await one.engine.operate(run, { kind: "cancel" }, actor);
    if (restart) {
      await one.until(child, "parked");
      await one.until(run, "undoing");
      assert.equal(system.calls("undoA").length, 0);
      broken = false;
      one = await restarted(one, { processes: [own, parent], system });
      await one.engine.operate(child, { kind: "retry" }, actor);
    }
    await one.until(run, "cancelled");
    const ended = await one.until(child, "cancelled");
    assert.match(ended.failure?.reason ?? "", /^order K1, which started it, undoes$/);
    assert.deepEqual(
      system.received.map(({ operation }) => operation).filter((name, at, all) => name !== all[at - 1]),
      ["a", "book", "unbook", "undoA"],
    );
    assert.equal(system.calls("undoA").length, 1);
  });
}

test("undo: a completed child is taken back by its undo; one that is to be left, or is another's, goes on", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const unship = system.operation("unship", "idempotent");
  const parent = process("order", async (flow) => {
    await flow.child(own, { id: "done" }, { undo: { call: unship, with: ({ output }) => output } });
    return flow.all([
      flow.child(own, { id: "left" }, { whenUndone: "leave" }),
      flow.child(own, { id: "other" }),
      flow.child(own, { id: "own" }),
    ]);
  });
  const one = await open({ processes: [own, parent], system });
  const other = await start(one, "shipping", "other");
  const run = await start(one, "order");
  await one.when(run, ({ children }) => children !== undefined);
  await signal(one, "done");
  await one.when(run, ({ children }) => children?.length === 4);
  await one.engine.operate(run, { kind: "undo" }, actor);
  await one.until(run, "undone");
  assert.deepEqual(
    system.calls("unship").map(({ input }) => input),
    ["shipped done"],
  );
  await one.until(one.engine.runByKey("shipping", "own")?.id as string, "cancelled");
  for (const key of ["left", "other"]) {
    const left = one.engine.runByKey("shipping", key)?.id as string;
    await one.until(left, "waiting");
    await signal(one, key);
    await one.until(left, "completed");
  }
  assert.equal(one.engine.run(other)?.status, "completed");
});

test("a child that is past its pivot goes on; the parent's undo waits for it, and takes it back", async () => {
  const system = new FakeSystem();
  const unship = system.operation("unship", "idempotent");
  const own = process("shipping", async (flow) => {
    flow.pivot();
    return flow.receive(event, { key: "S" });
  });
  const parent = process("order", async (flow) =>
    flow.child(own, { id: "S" }, { undo: { call: unship, with: ({ output }) => output } }),
  );
  const one = await open({ processes: [own, parent], system });
  const run = await start(one, "order");
  const child = (await one.until(run, "waiting")).children?.[0]?.run as string;
  await one.until(child, "waiting");
  await one.engine.operate(run, { kind: "cancel" }, actor);
  await one.when(child, ({ steps }) => steps.some(({ kind }) => kind === "operator"));
  await signal(one, "S");
  await one.until(child, "completed");
  await one.until(run, "cancelled");
  assert.deepEqual(
    system.calls("unship").map(({ input }) => input),
    ["shipped S"],
  );
});

test("terminating the parent leaves the child alone; its end later finds nobody, and does no harm", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const parent = process("order", async (flow) => flow.child(own, { id: "S" }));
  const one = await open({ processes: [own, parent], system });
  const run = await start(one, "order");
  const child = (await one.until(run, "waiting")).children?.[0]?.run as string;
  await one.until(child, "waiting");
  await one.engine.operate(run, { kind: "terminate" }, actor);
  await one.until(run, "terminated");
  await signal(one, "S");
  await one.until(child, "completed");
});

test("a queued run that is cancelled before it began tells the run that waits for it", async () => {
  const own = shipping(new FakeSystem());
  const parent = process("order", async (flow) => flow.child(own, { id: "S" }));
  const one = await open({ processes: [own, parent] });
  const at = Date.now() + 3_600_000;
  const queued = await one.engine.start({ process: "shipping", key: "S", input: { id: "S" }, origin: "test", at });
  const run = await start(one, "order");
  await one.until(run, "waiting");
  await one.engine.operate((queued as { run: string }).run, { kind: "cancel" }, actor);
  assert.equal((await one.until(run, "undone")).failure?.reason, "shipping was cancelled: test");
});

test("children of a process with limits wait for their turn, also where its queue is full", async () => {
  const system = new FakeSystem();
  let underWay = 0;
  let most = 0;
  const work = system.operation("work", "idempotent", async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return "done";
  });
  const own = defineProcess({
    name: "limited",
    input: anything,
    key: idOf,
    limits: { concurrency: 1, queue: 0 },
    run: async (flow) => flow.call(work, {}),
  });
  const parent = process("order", async (flow) => flow.all(["a", "b", "c"].map((id) => flow.child(own, { id }))));
  const one = await open({ processes: [own, parent], system });
  const run = await start(one, "order");
  assert.deepEqual((await one.until(run, "completed")).output, ["done", "done", "done"]);
  assert.equal(most, 1);
});

test("a child that loses a race goes on: its end is recorded, and taken back when the parent undoes", async () => {
  const system = new FakeSystem();
  const own = shipping(system);
  const unship = system.operation("unship", "idempotent");
  const parent = process("order", async (flow) => {
    const child = flow.child(own, { id: "S" }, { undo: { call: unship, with: ({ output }) => output } });
    const { winner } = await flow.race({ child, tired: flow.sleep("1ms") });
    await flow.receive(event, { key: "go" });
    return flow.reject(winner);
  });
  const one = await open({ processes: [own, parent], system });
  const run = await start(one, "order");
  await one.when(run, ({ steps }) => steps.length === 3);
  await signal(one, "S");
  await one.when(run, ({ steps }) => steps[0]?.status === "done");
  await signal(one, "go");
  assert.equal((await one.until(run, "rejected")).failure?.reason, "tired");
  assert.equal(system.calls("unship").length, 1);
});

/** A run that goes back to before a step: what it asks anew, what it keeps, and what an undo still knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, failing } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const signal = { system: "carrier", event: "shipped", key: "k", payload: "S", delivery: "d" };

test("a rewind asks the step and those after it anew, under new keys; the history marks what is superseded", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "unrepeatable", () => "A");
  const b = system.operation("b", "unrepeatable", (_input, _context, times) => `B${times}`);
  const c = system.operation("c", "unrepeatable", () => {
    if (broken) throw failing("none", "give-up");
    return "C";
  });
  const p = processOf(async (flow) => {
    const done = [await flow.call(a, {}), await flow.call(b, {}), await flow.call(c, {})];
    await flow.receive(event, { key: "k" });
    return done;
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "parked");
  await assert.rejects(act(one, run, { kind: "rewind", to: "fake.d" }), {
    code: "run-step-unknown",
    message: /fake\.a, fake\.b, fake\.c/,
  });
  broken = false;
  await act(one, run, { kind: "rewind", to: "fake.b" });
  await one.until(run, "waiting");
  assert.deepEqual(
    system.received.map(({ operation, key }) => [operation, key]),
    [
      ["a", `${run}-1`],
      ["b", `${run}-2`],
      ["c", `${run}-3`],
      ["b", `${run}-4`],
      ["c", `${run}-5`],
    ],
  );
  one = await restarted(one, options);
  await one.engine.signal(signal);
  const ended = await one.until(run, "completed");
  assert.deepEqual(ended.output, ["A", "B2", "C"]);
  assert.deepEqual(
    ended.steps.filter(({ superseded }) => superseded).map(({ id, n }) => [id, n]),
    [
      ["fake.b", 2],
      ["fake.c", 3],
    ],
  );
  assert.equal(system.received.length, 5);
});

test("what superseded steps did is undone with the rest, last first, also after a restart", async () => {
  for (const between of [false, true]) {
    const system = new FakeSystem();
    const back = system.operation("back", "idempotent", () => null);
    const a = system.operation("a", "idempotent", (_input, _context, times) => `A${times}`);
    const lost = system.operation("lost", "unrepeatable", (_input, _context, times) => {
      if (times === 1) throw failing("unknown");
      return "L";
    });
    const undo = { call: back, with: ({ output, key }: { output: unknown; key: string }) => `${output ?? "?"} ${key}` };
    const p = processOf(async (flow) => {
      await flow.call(a, {}, { undo });
      await flow.call(lost, {}, { undo });
      await flow.receive(event, { key: "k" });
    });
    const options = { processes: [p], system };
    let one = await open(options);
    const run = await begin(one);
    await one.until(run, "parked");
    await act(one, run, { kind: "rewind", to: "fake.a" });
    await one.until(run, "waiting");
    if (between) one = await restarted(one, options);
    await act(one, run, "cancel");
    await one.until(run, "cancelled");
    assert.deepEqual(
      system.calls("back").map(({ input }) => input),
      [`L ${run}-4`, `A2 ${run}-3`, `? ${run}-2`, `A1 ${run}-1`],
    );
  }
});

test("a result of a step before the rewound one is kept, though it came after it", async () => {
  const system = new FakeSystem();
  const slow = gate("slow");
  const a = system.operation("a", "unrepeatable", slow.behaviour);
  const b = system.operation("b", "unrepeatable", (_input, _context, times) => `B${times}`);
  const c = system.operation("c", "unrepeatable", (_input, _context, times) => {
    if (times === 1) throw failing("none", "give-up");
    return "C";
  });
  const p = processOf(async (flow) => {
    const log: unknown[] = [];
    const first = flow.call(a, {}).then((result) => log.push(result));
    log.push(await flow.call(b, {}));
    await first;
    log.push(await flow.call(c, { log }));
    await flow.receive(event, { key: "k" });
    return log;
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await one.when(run, ({ steps }) => steps[1]?.status === "done");
  slow.open();
  await one.until(run, "parked");
  await act(one, run, { kind: "rewind", to: "fake.b" });
  await one.until(run, "waiting");
  assert.equal(system.calls("a").length, 1);
  for (let times = 0; times < 2; times++) one = await restarted(one, options);
  await one.engine.signal(signal);
  // Given again as soon as the code awaits it: before the new call of b.
  assert.deepEqual((await one.until(run, "completed")).output, ["slow", "B2", "C"]);
});

test("events that superseded receives took are kept for the new ones; open waits, timers and tasks of theirs are over", async () => {
  const ask = defineTask({ name: "check", title: "Check", input: anything, answer: anything });
  const system = new FakeSystem();
  let broken = true;
  const c = system.operation("c", "unrepeatable", () => {
    if (broken) throw failing("none", "give-up");
    return "C";
  });
  const p = processOf(async (flow) => {
    const came = await flow.receive(event, { key: "k", within: "1h" });
    return flow.all([came, flow.call(c, {}), flow.task(ask, { assign: "x", input: null })]);
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "waiting");
  await one.engine.signal(signal);
  await one.until(run, "parked");
  assert.equal(one.engine.tasks({ status: "open" }).length, 1);
  one = await restarted(one, options);
  broken = false;
  await act(one, run, { kind: "rewind", to: "carrier.shipped" });
  await one.when(run, ({ steps }) =>
    steps.some(({ id, superseded, status }) => id === "fake.c" && superseded !== true && status === "done"),
  );
  const tasks = one.engine.tasks({ status: "open" });
  assert.equal(tasks.length, 1);
  assert.equal(one.engine.tasks({ status: "closed" }).length, 1);
  await one.engine.answer(String(tasks[0]?.id), "yes", { by: "anna", reason: "" });
  assert.deepEqual((await one.until(run, "completed")).output, ["S", "C", "yes"]);
});

test("events that a rewind gives back keep their places before those that came meanwhile", async () => {
  const system = new FakeSystem();
  let broken = true;
  const c = system.operation("c", "unrepeatable", () => {
    if (broken) throw failing("none", "give-up");
    return "C";
  });
  const p = processOf(async (flow) => {
    const got = [await flow.receive(event, { key: "k" }), await flow.receive(event, { key: "k" })];
    await flow.call(c, {});
    return [...got, await flow.receive(event, { key: "k" })];
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  const tell = (number: number) => one.engine.signal({ ...signal, payload: number, delivery: `d${number}` });
  for (const number of [1, 2]) await tell(number);
  await one.until(run, "parked");
  await tell(3);
  broken = false;
  await act(one, run, { kind: "rewind", to: "carrier.shipped" });
  assert.deepEqual((await one.until(run, "completed")).output, [1, 2, 3]);
  assert.equal(await tell(1), "duplicate");
});

test("an event that lies in the inbox of a paused run is kept when the run goes back to before its receive", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => `A${times}`);
  const p = processOf(async (flow) => [await flow.call(a, {}), await flow.receive(event, { key: "k" })]);
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "waiting");
  await act(one, run, "pause");
  await one.until(run, "paused");
  await one.engine.signal(signal);
  one = await restarted(one, options);
  await act(one, run, { kind: "rewind", to: "fake.a" });
  await one.when(run, ({ steps }) => steps.some(({ superseded }) => superseded));
  assert.equal(one.engine.run(run)?.status, "paused");
  await act(one, run, "resume");
  assert.deepEqual((await one.until(run, "completed")).output, ["A2", "S"]);
});

test("a pivot that was passed stays passed after a rewind to before it", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const c = system.operation("c", "unrepeatable", () => {
    throw failing("none", "give-up");
  });
  const p = processOf(async (flow) => {
    await flow.call(a, {});
    flow.pivot();
    return flow.call(c, {});
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  const first = await one.until(run, "parked");
  await act(one, run, { kind: "rewind", to: "fake.a" });
  const again = await one.when(run, ({ parked }) => parked !== undefined && parked.number !== first.parked?.number);
  assert.deepEqual(
    again.steps.filter(({ kind }) => kind === "pivot").map(({ superseded }) => superseded),
    [true, undefined],
  );
  assert.ok(!again.parked?.answers.some(({ kind }) => kind === "cancel"));
});

test("a run whose code stopped goes back too, and its code runs anew from there", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", (_input, _context, times) => ({ price: times === 1 ? null : 5 }));
  const p = processOf(async (flow) => {
    const { price } = (await flow.call(a, {})) as { price: number };
    return price.toFixed(2);
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  assert.equal((await one.until(run, "parked")).parked?.code, "process-threw");
  one = await restarted(one, options);
  await act(one, run, { kind: "rewind", to: "fake.a" });
  assert.equal((await one.until(run, "completed")).output, "5.00");
});

test("a rewind goes to before a race, not into it: a wait that lost would be open again, and nobody would end it", async () => {
  const system = new FakeSystem();
  const before = system.operation("before", "idempotent", () => "B");
  const quick = system.operation("quick", "idempotent", () => "Q");
  const after = system.operation("after", "idempotent", () => {
    throw failing("none", "give-up");
  });
  const p = processOf(async (flow) => {
    await flow.call(before, {});
    const shipped = flow.receive(event, { key: "k" });
    const { winner } = await flow.race({ shipped, quick: flow.call(quick, {}) });
    await flow.call(after, {});
    return winner;
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  const parked = await one.until(run, "parked");
  assert.deepEqual(
    parked.steps.filter(({ inRace }) => inRace).map(({ id }) => id),
    ["fake.quick"],
  );
  await assert.rejects(act(one, run, { kind: "rewind", to: "fake.quick" }), { code: "run-step-unknown" });
  await act(one, run, { kind: "rewind", to: "fake.before" });
  await one.when(run, ({ status, steps }) => status === "parked" && steps.length > 8);
  assert.deepEqual(
    system.received.map(({ operation }) => operation),
    ["before", "quick", "after", "before", "quick", "after"],
  );
});

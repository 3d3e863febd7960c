/** Pause, resume, and the next attempt at once: what an operator does to a run that is under way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeSystem, failing } from "../engine-harness.ts";
import { act, anna, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const signal = { system: "carrier", event: "shipped", key: "k", payload: "S", delivery: "d" };
endRigs();

test("a pause lets the call under way end and be recorded; the code gets it at the resume, also after a restart", async () => {
  const system = new FakeSystem();
  const slow = gate("A");
  const a = system.operation("a", "unrepeatable", slow.behaviour);
  const b = system.operation("b", "unrepeatable", () => "B");
  const options = { processes: [processOf(async (flow) => [await flow.call(a, {}), await flow.call(b, {})])], system };
  let one = await open(options);
  const run = await begin(one);
  await slow.begun;
  await act(one, run, "pause");
  const paused = await one.until(run, "paused");
  assert.equal(paused.reason, "paused by anna: the ERP is being moved");
  slow.open();
  await one.when(run, ({ steps }) => steps[0]?.status === "done");
  one = await restarted(one, options);
  assert.equal(one.engine.run(run)?.status, "paused");
  assert.equal(system.calls("b").length, 0);
  await assert.rejects(act(one, run, "retry"), { code: "run-operation" });
  await act(one, run, "resume");
  assert.deepEqual((await one.until(run, "completed")).output, ["A", "B"]);
  assert.equal(system.calls("a").length, 1);
  const acts = one.engine.run(run)?.steps.filter(({ kind }) => kind === "operator");
  assert.deepEqual(
    acts?.map(({ id, note }) => [id, note]),
    [
      ["pause", "anna: the ERP is being moved"],
      ["resume", "anna: the ERP is being moved"],
    ],
  );
});

test("signals and timers that come during a pause are taken at the resume", async () => {
  const options = {
    processes: [
      processOf((flow) =>
        flow.all([flow.receive(event, { key: "k" }), flow.sleep("1ms").then(() => flow.sleep("1ms"))]),
      ),
    ],
  };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "waiting");
  await act(one, run, "pause");
  await one.until(run, "paused");
  assert.equal(await one.engine.signal(signal), "matched");
  one = await restarted(one, options);
  assert.equal(one.engine.run(run)?.status, "paused");
  assert.equal(await one.engine.signal({ ...signal, delivery: "d" }), "duplicate");
  await act(one, run, "resume");
  assert.deepEqual((await one.until(run, "completed")).output, ["S", null]);
});

test("no attempt begins during a pause; at the resume the call has all its attempts again", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "idempotent", () => {
    if (broken) throw failing("unknown");
    return "A";
  });
  const options = {
    processes: [processOf((flow) => flow.call(a, {}), { retry: { backoff: "1h", maxBackoff: "1h" } })],
    system,
  };
  const one = await open(options);
  const run = await begin(one);
  await one.when(run, ({ steps }) => steps[0]?.nextAttemptAt !== undefined);
  await act(one, run, "pause");
  await one.until(run, "paused");
  broken = false;
  assert.equal(system.calls("a").length, 1);
  await act(one, run, "resume");
  assert.equal((await one.until(run, "completed")).output, "A");
  assert.equal(new Set(system.calls("a").map(({ key }) => key)).size, 1);
});

test("a retry of a run that pauses between attempts makes the next one at once", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", (_input, _context, times) => {
    if (times === 1) throw failing("none");
    return "A";
  });
  const one = await open({
    processes: [processOf((flow) => flow.call(a, {}), { retry: { backoff: "1h", maxBackoff: "1h" } })],
    system,
  });
  const run = await begin(one);
  await one.when(run, ({ steps }) => steps[0]?.nextAttemptAt !== undefined);
  await act(one, run, "retry");
  assert.equal((await one.until(run, "completed")).output, "A");
});

test("a paused run is cancelled with its undo, or ended at once", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent", () => null);
  const a = system.operation("a", "idempotent", () => "A");
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: back, with: ({ output }) => ({ id: output as string }) } });
    await flow.receive(event, { key: "k" });
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const first = await begin(one, "1");
  const second = await begin(one, "2");
  for (const run of [first, second]) {
    await one.until(run, "waiting");
    await act(one, run, "pause");
    await one.until(run, "paused");
  }
  one = await restarted(one, options);
  await act(one, first, "cancel");
  await one.until(first, "cancelled");
  assert.deepEqual(
    system.calls("back").map(({ input }) => input),
    [{ id: "A" }],
  );
  await act(one, second, "terminate");
  await one.until(second, "terminated");
  assert.equal(system.calls("back").length, 1);
});

test("an undo pauses too, and goes on with the next step at the resume", async () => {
  const system = new FakeSystem();
  const slow = gate(null);
  const backA = system.operation("backA", "idempotent", () => null);
  const backB = system.operation("backB", "idempotent", slow.behaviour);
  const a = system.operation("a", "idempotent", () => "A");
  const b = system.operation("b", "idempotent", () => "B");
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: backA, with: () => null } });
    await flow.call(b, {}, { undo: { call: backB, with: () => null } });
    return flow.reject("no");
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await slow.begun;
  await act(one, run, "pause");
  await one.until(run, "paused");
  slow.open();
  await one.when(run, ({ steps }) => steps.some(({ id, status }) => id === "undo fake.b" && status === "done"));
  one = await restarted(one, options);
  assert.equal(system.calls("backA").length, 0);
  await act(one, run, "resume");
  assert.equal((await one.until(run, "rejected")).failure?.reason, "no");
  assert.equal(system.calls("backA").length, 1);
  assert.equal(system.calls("backB").length, 1);
});

test("a parked run that is paused asks its question again at the resume, and can be answered then", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => {
    throw failing("unknown");
  });
  const options = { processes: [processOf((flow) => flow.call(a, {}))], system };
  let one = await open(options);
  const run = await begin(one);
  await one.until(run, "parked");
  await act(one, run, "pause");
  await one.until(run, "paused");
  one = await restarted(one, options);
  await act(one, run, "resume");
  assert.equal((await one.until(run, "parked")).parked?.code, "step-unknown");
  await act(one, run, { kind: "happened", result: "A" });
  assert.equal((await one.until(run, "completed")).output, "A");
});

test("an undo that asks, is paused and then cancelled asks the same again: it is not tried behind anybody's back", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent", () => {
    throw failing("none", "give-up");
  });
  const a = system.operation("a", "idempotent");
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: back, with: ({ key }) => ({ key }) } });
    flow.reject("no");
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "parked");
  await act(one, run, "pause");
  await one.until(run, "paused");
  await act(one, run, "cancel");
  const parked = await one.until(run, "parked");
  assert.deepEqual([parked.parked?.code, parked.parked?.number], ["undo-failed", 1]);
  assert.equal(system.calls("back").length, 1);
  await act(one, run, { kind: "happened", result: null });
  assert.equal((await one.until(run, "cancelled")).failure?.reason, anna.reason);
  assert.equal(system.calls("back").length, 1);
});

test("results that end together in a stop are given in their order at the next start, and at the one after", async () => {
  const system = new FakeSystem();
  const slow = [gate("A"), gate("B")] as const;
  const a = system.operation("a", "unrepeatable", slow[0].behaviour);
  const b = system.operation("b", "unrepeatable", slow[1].behaviour);
  const next = system.operation("next", "unrepeatable", (input) => input);
  const p = processOf(async (flow) => {
    const branches = await flow.all([
      flow.call(a, {}).then((result) => flow.call(next, { after: result })),
      flow.call(b, {}).then((result) => flow.call(next, { after: result })),
    ]);
    await flow.receive(event, { key: "k" });
    return branches;
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const run = await begin(one);
  await Promise.all(slow.map(({ begun }) => begun));
  const over = restarted(one, options);
  for (const { open: release } of slow) release();
  one = await over;
  await one.until(run, "waiting");
  one = await restarted(one, options);
  await one.engine.signal(signal);
  assert.deepEqual((await one.until(run, "completed")).output, [{ after: "A" }, { after: "B" }]);
  assert.equal(system.received.length, 4);
});

/** Restart: a new run in the place of one that has ended or is parked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, failing } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

test("a final run is restarted: the key means the new run, the two name each other, and there is one live run of the key", async () => {
  const options = { processes: [processOf(async (_flow, input) => ({ got: input as Json }))] };
  let one = await open(options);
  const first = await begin(one, "k", { id: 1 });
  await one.until(first, "completed");
  const { run: second } = await act(one, first, { kind: "restart" });
  assert.notEqual(second, first);
  assert.deepEqual((await one.until(second, "completed")).output, { got: { id: 1 } });
  one = await restarted(one, options);
  const { run: third } = await act(one, second, { kind: "restart", input: { id: 2 } });
  const ended = await one.until(third, "completed");
  assert.deepEqual(ended.output, { got: { id: 2 } });
  assert.deepEqual([ended.restartOf, ended.restartedAs], [second, undefined]);
  assert.equal(ended.origin, "restart:anna");
  assert.ok(ended.steps.some(({ kind, note }) => kind === "operator" && note === "anna: the ERP is being moved"));
  const before = one.engine.run(second);
  assert.deepEqual([before?.restartOf, before?.restartedAs], [first, third]);
  assert.equal(one.engine.runByKey("p", "k")?.id, third);
  assert.deepEqual(
    one.engine.runs({ key: "k" }).map(({ id }) => id),
    [third, second, first],
  );
  await assert.rejects(act(one, first, { kind: "restart" }), { code: "run-restarted" });
  // What is delivered twice finds the newest run; its input is what counts.
  const start = { process: "p", key: "k", origin: "test" };
  assert.deepEqual(await one.engine.start({ ...start, input: { id: 2 } }), {
    kind: "exists",
    run: third,
    status: "completed",
  });
  await assert.rejects(one.engine.start({ ...start, input: { id: 1 } }), { code: "run-key-conflict" });
});

test("a parked run is cancelled first: the new run begins when the undo is done, also after a restart in between", async () => {
  const system = new FakeSystem();
  const undo = gate(null);
  const back = system.operation("back", "idempotent", undo.behaviour);
  const a = system.operation("a", "idempotent", () => "A");
  const b = system.operation("b", "unrepeatable", (_input, _context, times) => {
    if (times === 1) throw failing("none", "give-up");
    return "B";
  });
  const p = processOf(async (flow) => {
    await flow.call(a, {}, { undo: { call: back, with: () => null } });
    return flow.call(b, {});
  });
  const options = { processes: [p], system };
  let one = await open(options);
  const first = await begin(one);
  await one.until(first, "parked");
  const { run: second } = await act(one, first, { kind: "restart" });
  await undo.begun;
  assert.equal(one.engine.run(second), undefined);
  const over = restarted(one, options);
  undo.open();
  one = await over;
  await one.until(first, "cancelled");
  assert.equal((await one.until(second, "completed")).output, "B");
  assert.equal(one.engine.run(first)?.restartedAs, second);
  assert.equal(one.engine.run(second)?.restartOf, first);
  assert.equal(system.calls("a").length, 2);
});

test("a parked run past its pivot is terminated first, when that is said", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "unrepeatable", () => {
    if (broken) throw failing("none", "give-up");
    return "A";
  });
  const p = processOf(async (flow) => {
    flow.pivot();
    return flow.call(a, {});
  });
  const one = await open({ processes: [p], system });
  const first = await begin(one);
  await one.until(first, "parked");
  await assert.rejects(act(one, first, { kind: "restart" }), { code: "run-operation", message: /terminate first/ });
  broken = false;
  const { run: second } = await act(one, first, { kind: "restart", first: "terminate" });
  assert.equal((await one.until(first, "terminated")).failure?.reason, "the ERP is being moved");
  assert.equal((await one.until(second, "completed")).output, "A");
});

test("a run that is under way is not restarted", async () => {
  const one = await open({ processes: [processOf((flow) => flow.sleep("1h"))] });
  const run = await begin(one);
  await one.until(run, "waiting");
  await assert.rejects(act(one, run, { kind: "restart" }), { code: "run-operation" });
});

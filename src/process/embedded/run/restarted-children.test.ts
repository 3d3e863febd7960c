/** A child that an operator starts anew: who waits for it waits for the new run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf } from "../operating-rig.ts";

endRigs();
const shipped = { kind: "event", system: "carrier", name: "shipped" } as const;
const ship = ({ engine }: Rig) =>
  engine.signal({ system: "carrier", event: "shipped", key: "k", payload: null, delivery: "d" });
const idOf = ({ engine }: Rig) => engine.runByKey("child", "c")?.id as string;

/** A run that waits for a child whose code has a bug, which is mended by then. */
async function setUp() {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent");
  let broken = true;
  const child = defineProcess({
    name: "child",
    input: anything,
    key: () => "c",
    async run(flow) {
      if (broken) throw new Error("a bug");
      await flow.receive(shipped, { key: "k" });
      return "label";
    },
  });
  const p = processOf(async (flow) => {
    const label = await flow.child(child, null, { undo: { call: back, with: ({ output }) => ({ output }) } });
    await flow.receive(shipped, { key: "never" });
    return label;
  });
  const one = await open({ processes: [p, child], system });
  const run = await begin(one);
  await one.until(run, "waiting");
  const old = idOf(one);
  await one.until(old, "parked");
  broken = false;
  return { one, run, old, system };
}

for (const first of ["cancel", "terminate"] as const)
  test(`who waits for a child gets the output of the run that it was restarted as (${first} first), and takes that back`, async () => {
    const { one, run, old, system } = await setUp();
    const anew = (await act(one, old, { kind: "restart", first })).run;
    await one.until(old, first === "cancel" ? "cancelled" : "terminated");
    const fresh = await one.until(anew, "waiting");
    assert.deepEqual([fresh.parent, fresh.restartOf], [run, old]);
    assert.equal(one.engine.run(run)?.status, "waiting");
    await ship(one);
    await one.until(anew, "completed");
    await one.when(run, ({ steps }) => steps.some(({ id, output }) => id === "child" && output === "label"));
    await act(one, run, "cancel");
    await one.until(run, "cancelled");
    assert.deepEqual(
      system.calls("back").map(({ input }) => input),
      [{ output: "label" }],
    );
  });

test("a run that is cancelled cancels the run that its child was restarted as", async () => {
  const { one, run, old, system } = await setUp();
  assert.match(
    one.engine.preview(old, { kind: "restart" }).happens,
    /waits for this one as its child waits for the new/,
  );
  const anew = (await act(one, old, { kind: "restart" })).run;
  await one.until(anew, "waiting");
  await act(one, run, "cancel");
  await one.until(anew, "cancelled");
  await one.until(run, "cancelled");
  assert.deepEqual(system.received, []);
});

test("a run that was paused in its undo cancels the run that its child was restarted as meanwhile", async () => {
  const system = new FakeSystem();
  const reserve = system.operation("reserve", "idempotent");
  const free = system.operation("free", "idempotent", () => {
    throw failing("none", "give-up");
  });
  const child = defineProcess({
    name: "child",
    input: anything,
    key: () => "c",
    async run(flow) {
      await flow.call(reserve, null, { undo: { call: free, with: () => null } });
      await flow.receive(shipped, { key: "k" });
    },
  });
  const p = processOf((flow) => flow.child(child, null));
  const one = await open({ processes: [p, child], system });
  const run = await begin(one);
  await one.until(run, "waiting");
  const old = idOf(one);
  await one.until(old, "waiting");
  await act(one, run, "cancel");
  await one.until(old, "parked");
  await act(one, run, "pause");
  await one.until(run, "paused");
  const anew = (await act(one, old, { kind: "restart", first: "terminate" })).run;
  await one.until(anew, "waiting");
  await act(one, run, "resume");
  await one.until(anew, "parked");
  await act(one, anew, "terminate");
  await one.until(run, "cancelled");
});

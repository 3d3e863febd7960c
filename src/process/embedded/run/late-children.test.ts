/** Children that end when the code does not wait for them any more: what they did is known to the undo all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";

endRigs();
const shipped = { kind: "event", system: "carrier", name: "shipped" } as const;
const late = { kind: "event", system: "shop", name: "late" } as const;
const tell = ({ engine }: Rig, { system, name }: { system: string; name: string }) =>
  engine.signal({ system, event: name, key: "k", payload: null, delivery: "d" });
const child = defineProcess({
  name: "child",
  input: anything,
  key: () => "c",
  async run(flow) {
    await flow.receive(shipped, { key: "k" });
    return "label";
  },
});
const childOf = ({ engine }: Rig) => engine.runByKey("child", "c")?.id as string;

for (const restarts of [false, true])
  test(`a child that lost a race in an item of a map is taken back once it has ended, also after the item${restarts ? ", and after a restart" : ""}`, async () => {
    const system = new FakeSystem();
    const back = system.operation("back", "idempotent");
    const p = processOf(async (flow) => {
      await flow.map([1], (_, flow) =>
        flow.race({
          label: flow.child(child, null, { undo: { call: back, with: ({ output }) => ({ output: output ?? "?" }) } }),
          late: flow.receive(late, { key: "k" }),
        }),
      );
      await flow.receive(late, { key: "never" });
    });
    const options = { processes: [p, child], system };
    let one = await open(options);
    const run = await begin(one);
    await one.until(run, "waiting");
    await tell(one, late);
    await one.when(run, ({ status, steps }) => status === "waiting" && steps.some(({ itemsOver }) => itemsOver === 1));
    if (restarts) one = await restarted(one, options);
    await tell(one, shipped);
    await one.until(childOf(one), "completed");
    await act(one, run, "cancel");
    await one.until(run, "cancelled");
    assert.deepEqual(
      system.calls("back").map(({ input }) => input),
      // Its code is not called again for an item that is over: the undo is the one that was made with the intent.
      [{ output: restarts ? "?" : "label" }],
    );
  });

test("a child whose step a rewind superseded, and that the code does not ask for again, is taken back once it has ended", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent");
  const refused = system.operation("refused", "idempotent", () => {
    throw failing("none", "give-up");
  });
  let asks = true;
  const p = processOf(async (flow) => {
    const branches: Promise<unknown>[] = [flow.call(refused, null)];
    if (asks) branches.push(flow.child(child, null, { undo: { call: back, with: ({ key }) => ({ key }) } }));
    await flow.all(branches);
  });
  const one = await open({ processes: [p, child], system });
  const run = await begin(one);
  await one.until(run, "parked");
  asks = false;
  await act(one, run, { kind: "rewind", to: "fake.refused" });
  await one.when(run, ({ status }) => status === "parked" && system.calls("refused").length === 2);
  await tell(one, shipped);
  await one.until(childOf(one), "completed");
  await act(one, run, "undo");
  await one.until(run, "undone");
  assert.deepEqual(
    system.calls("back").map(({ input }) => input),
    [{ key: `${run}-2` }],
  );
});

test("a child that had ended before the undo, and whose history is gone by then, is taken back with what was known of it", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent");
  const p = processOf((flow) =>
    flow.child(child, null, { undo: { call: back, with: ({ output, key }) => ({ key, output: output ?? "?" }) } }),
  );
  const one = await open({ processes: [p, child], system });
  const run = await begin(one);
  await one.until(run, "waiting");
  await act(one, run, "pause");
  await one.until(run, "paused");
  await tell(one, shipped);
  await one.until(childOf(one), "completed");
  await one.engine.retain(Date.now() + 1000, 0);
  await act(one, run, "cancel");
  await one.until(run, "cancelled");
  assert.deepEqual(
    system.calls("back").map(({ input }) => input),
    [{ key: `${run}-1`, output: "?" }],
  );
});

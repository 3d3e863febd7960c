/** What children tell a run that undoes, in whatever order it comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf } from "../operating-rig.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const tell = ({ engine }: Rig) =>
  engine.signal({ system: "carrier", event: "shipped", key: "S", payload: "S", delivery: "d" });
const child = (run: Parameters<typeof defineProcess>[0]["run"]) =>
  defineProcess({ name: "child", input: anything, key: () => "c", run });
const undoBy = (call: ReturnType<FakeSystem["operation"]>) => ({
  undo: { call, with: ({ key }: { readonly key: string }) => key },
});

test("a child that ends while a call is under way lets no undo begin before that call has ended", async () => {
  const system = new FakeSystem();
  const slow = gate("slow");
  const a = system.operation("a", "unrepeatable", slow.behaviour);
  const back = system.operation("back", "idempotent");
  const own = child((flow) => flow.receive(event, { key: "S" }));
  const p = processOf((flow) =>
    flow.all([flow.call(a, {}, undoBy(back)), flow.child(own, {}, { whenUndone: "leave" })]),
  );
  const one = await open({ processes: [p, own], system });
  const run = await begin(one);
  await slow.begun;
  await act(one, run, "cancel");
  await one.until(run, "undoing");
  await tell(one);
  await one.when(run, ({ steps }) => steps.some(({ id, status }) => id === "child" && status === "done"));
  slow.open();
  await one.until(run, "cancelled");
  assert.deepEqual(
    system.calls("back").map(({ input }) => input),
    [`${run}-1`],
  );
});

test("two steps that waited for the same child: each is undone once, after its intent is on disk", async () => {
  const system = new FakeSystem();
  const back = system.operation("back", "idempotent");
  const own = child((flow) => {
    flow.pivot();
    return flow.receive(event, { key: "S" });
  });
  const p = processOf((flow) =>
    flow.all([flow.child(own, {}, undoBy(back)), flow.child(own, {}, { whenUndone: "leave", ...undoBy(back) })]),
  );
  const one = await open({ processes: [p, own], system });
  const run = await begin(one);
  await one.until(run, "waiting");
  await act(one, run, "cancel");
  await one.until(run, "undoing");
  await tell(one);
  await one.until(run, "cancelled");
  assert.deepEqual(
    system
      .calls("back")
      .map(({ input }) => input)
      .sort(),
    [`${run}-1`, `${run}-2`],
  );
});

test("a child that stopped after its pivot still asks when its parent's undo has told it to cancel", async () => {
  const system = new FakeSystem();
  const own = child(async (flow) => {
    flow.pivot();
    throw new Error("a bug");
  });
  const p = processOf((flow) => flow.child(own, {}));
  const one = await open({ processes: [p, own], system });
  const run = await begin(one);
  await one.until(run, "waiting");
  const id = one.engine.runByKey("child", "c")?.id as string;
  await one.until(id, "parked");
  await act(one, run, "cancel");
  const asked = await one.when(id, ({ steps }) => steps.some(({ kind }) => kind === "operator"));
  assert.equal(asked.status, "parked");
  assert.equal(asked.parked?.code, "process-threw");
  await act(one, id, "terminate");
  await one.until(run, "cancelled");
});

for (const waits of [true, false])
  test(`a child that a rewind asked for again is taken back once${waits ? "" : ", also where the code asks for it no more"}`, async () => {
    const system = new FakeSystem();
    const back = system.operation("back", "idempotent");
    const refused = system.operation("refused", "idempotent", () => {
      throw failing("none", "give-up");
    });
    const own = child(async () => "done");
    let asks = true;
    const p = processOf(async (flow) => {
      if (asks) await flow.child(own, {}, undoBy(back));
      await flow.call(refused, {});
    });
    const one = await open({ processes: [p, own], system });
    const run = await begin(one);
    for (const times of [2, 3]) {
      await one.until(run, "parked");
      asks = waits || times === 2;
      await act(one, run, { kind: "rewind", to: "child" });
      await one.when(run, ({ status }) => status === "parked" && system.calls("refused").length === times);
      if (!asks) break;
    }
    assert.deepEqual(
      one.engine.preview(run, { kind: "undo" }).undoes.map((undo) => [undo.step, undo.with, undo.sure]),
      [["child", "fake.back", true]],
    );
    await act(one, run, "undo");
    await one.until(run, "undone");
    assert.equal(system.calls("back").length, 1);
    assert.equal(one.engine.runs({ process: "child" }).length, 1);
  });

/** Code that does not follow its history parks the run: it never fails it, and never goes on (P4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { DeclaredFault, type Flow } from "../../flow.ts";
import { anything, FakeSystem, fault, remove, rig } from "../engine-harness.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const actor = { by: "olivia", reason: "test" };
type Run = (flow: Flow, input: unknown) => Promise<unknown>;
const process = (run: Run) =>
  defineProcess({ name: "p", input: anything, key: (input) => (input as { id: string }).id, run });

const system = new FakeSystem();
const a = system.operation("a", "idempotent", () => "A");
const b = system.operation("b", "idempotent", () => "B");
const refused = system.operation("refused", "idempotent", () => fault("NoStock", { left: 0 }));

const original: Run = async (flow, input) => {
  const first = await flow.call(a, { n: 1 });
  const shipped = await flow.receive(event, { key: (input as { id: string }).id });
  return [first, shipped, await flow.call(b, {})];
};

const changed: Readonly<Record<string, Run>> = {
  "another order": async (flow) => {
    await flow.call(b, {});
    return flow.call(a, { n: 1 });
  },
  "a removed step": async (flow, input) => flow.receive(event, { key: (input as { id: string }).id }),
  "an added step": async (flow) => {
    await flow.call(a, { n: 1 });
    return flow.call(b, {});
  },
  "another input": async (flow) => flow.call(a, { n: 2 }),
  "another verb": async (flow) => flow.step("fake.a", { effect: "idempotent" }, () => 1),
  "another key": async (flow) => {
    await flow.call(a, { n: 1 });
    return flow.receive(event, { key: "other" });
  },
  "an end": async () => "done",
  "an error": async () => {
    throw new Error("new bug");
  },
};

for (const [what, code] of Object.entries(changed)) {
  test(`${what} parks the run, which goes on once the code follows again`, async () => {
    const one = await rig({ processes: [process(original)], system });
    const { run } = (await one.engine.start({ process: "p", key: "K", input: { id: "K" }, origin: "test" })) as {
      run: string;
    };
    await one.until(run, "waiting");
    await one.stop();
    const calls = system.received.length;
    const two = await rig({ processes: [process(code)], system, folder: one.folder });
    await two.engine.signal({ system: "carrier", event: "shipped", key: "K", payload: "S", delivery: "d" });
    const parked = await two.until(run, "parked");
    assert.equal(parked.parked?.code, "process-diverged");
    assert.match(parked.parked?.message ?? "", /mend the code, deploy it, and move the run there/);
    assert.ok(parked.parked?.recorded !== undefined && parked.parked.asked !== undefined);
    assert.equal(system.received.length, calls, "nothing is called");
    await two.stop();
    const three = await rig({ processes: [process(original)], system, folder: one.folder });
    await three.engine.operate(run, { kind: "retry" }, actor);
    assert.deepEqual((await three.until(run, "completed")).output, ["A", "S", "B"]);
    await three.stop();
    remove(one.folder);
  });
}

test("what a caught error says is the same at every replay", async () => {
  const seen: string[] = [];
  const code: Run = async (flow, input) => {
    const said = await flow.call(refused, {}).catch((error: unknown) => {
      assert.ok(error instanceof DeclaredFault);
      return `${error.name}: ${error.message}`;
    });
    seen.push(String(said));
    await flow.call(a, { said });
    return flow.receive(event, { key: (input as { id: string }).id });
  };
  const one = await rig({ processes: [process(code)], system });
  const { run } = (await one.engine.start({ process: "p", key: "K", input: { id: "K" }, origin: "test" })) as {
    run: string;
  };
  await one.until(run, "waiting");
  await one.stop();
  const two = await rig({ processes: [process(code)], system, folder: one.folder });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "K", payload: "S", delivery: "d" });
  assert.equal((await two.until(run, "completed")).output, "S");
  assert.equal(new Set(seen).size, 1);
  await two.stop();
  remove(one.folder);
});

test("a child of another process, or one that is not waited for, is told as what differs", async () => {
  const other = defineProcess({ name: "other", input: anything, key: () => "o", run: async () => null });
  const child = defineProcess({
    name: "child",
    input: anything,
    key: () => "c",
    run: (flow) => flow.receive(event, { key: "C" }),
  });
  const waits: Run = (flow) => flow.child(child, {}, { name: "part" });
  const told: Readonly<Record<string, Run>> = {
    "part is asked again, with another process.": (flow) => flow.child(other, {}, { name: "part" }),
    "part is asked again, with another wait.": (flow) => flow.child(child, {}, { name: "part", wait: false }),
  };
  for (const [message, code] of Object.entries(told)) {
    const one = await rig({ processes: [process(waits), child, other], system });
    const { run } = (await one.engine.start({ process: "p", key: "K", input: { id: "K" }, origin: "test" })) as {
      run: string;
    };
    await one.until(run, "waiting");
    await one.stop();
    const two = await rig({ processes: [process(code), child, other], system, folder: one.folder });
    await two.engine.signal({ system: "carrier", event: "shipped", key: "C", payload: "S", delivery: "c" });
    const { parked } = await two.until(run, "parked");
    assert.ok(parked?.message.includes(message), parked?.message);
    assert.deepEqual(parked?.recorded, { asked: "child", id: "part", process: "child", input: {} });
    await two.stop();
    remove(one.folder);
  }
});

test("what passed its pivot is not undone, also where the code leaves the history before it comes there again", async () => {
  const undo = system.operation("undo", "idempotent");
  const through: Run = async (flow, input) => {
    await flow.call(a, { n: 1 }, { undo: { call: undo, with: ({ key }) => ({ key }) } });
    flow.pivot();
    return flow.receive(event, { key: (input as { id: string }).id });
  };
  const one = await rig({ processes: [process(through)], system });
  const { run } = (await one.engine.start({ process: "p", key: "P", input: { id: "P" }, origin: "test" })) as {
    run: string;
  };
  await one.until(run, "waiting");
  await one.stop();
  const two = await rig({ processes: [process(changed["another input"] as Run)], system, folder: one.folder });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "P", payload: "S", delivery: "p" });
  const parked = await two.until(run, "parked");
  assert.deepEqual(
    parked.parked?.answers.map(({ kind }) => kind),
    ["retry", "terminate"],
  );
  await assert.rejects(two.engine.operate(run, { kind: "cancel" }, actor), { code: "run-operation" });
  // Nor by whoever asks the worker past the front.
  const body = JSON.stringify({ operation: { kind: "cancel" }, actor });
  await two.submit([{ name: "process.operate", parameters: { run, body, stored: body } }]);
  await two.when(run, ({ steps }) => steps.at(-1)?.kind === "operator");
  assert.equal(two.engine.run(run)?.status, "parked");
  await two.engine.operate(run, { kind: "terminate" }, actor);
  await two.until(run, "terminated");
  assert.deepEqual(system.calls("undo"), []);
  await two.stop();
  remove(one.folder);
});

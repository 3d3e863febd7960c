import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, type Rig, rigFor } from "../engine-harness.ts";

const actor = { by: "olivia", reason: "not wanted" };
const day = 86_400_000;

function echo(system: FakeSystem) {
  const act = system.operation("act", "unrepeatable", (input) => input);
  return defineProcess({
    name: "p",
    input: anything,
    key: (input) => (input as { id: string }).id,
    run: async (flow, input) => ({ began: flow.now(), got: await flow.call(act, input) }),
  });
}
const start = ({ engine }: Rig, key: string, at: number) =>
  engine.start({ process: "p", key, input: { id: key }, origin: "test", at });

async function withRig(t: TestContext, body: (rig: Rig, system: FakeSystem) => Promise<void>): Promise<void> {
  const system = new FakeSystem();
  await body(await rigFor(t, { processes: [echo(system)], system }), system);
}

test("a start for later is on disk at once, does nothing before its time, and begins then", async (t) => {
  await withRig(t, async (one, system) => {
    const at = Date.now() + 250;
    const answer = await start(one, "later", at);
    assert.equal(answer.kind, "started");
    const { run } = answer as { run: string };
    const queued = one.engine.run(run);
    assert.equal(queued?.status, "queued");
    assert.equal(queued?.reason, `starts at ${new Date(at).toISOString()}`);
    assert.deepEqual([queued?.input, queued?.steps, system.received.length], [{ id: "later" }, [], 0]);
    const ended = await one.until(run, "completed");
    const { began } = ended.output as { began: number };
    assert.ok(began >= at, "the run's clock says when it began, not when it was accepted");
    assert.deepEqual(
      ended.steps.map(({ id, kind }) => `${kind} ${id}`),
      ["begin begin", "call fake.act", "end completed"],
    );
    assert.equal(ended.reason, undefined);
  });
});

test("a start for a time that has passed begins at once", async (t) => {
  await withRig(t, async (one) => {
    const { run } = (await start(one, "past", Date.now() - 1000)) as { run: string };
    assert.deepEqual(
      (await one.until(run, "completed")).steps.map(({ kind }) => kind),
      ["call", "end"],
    );
  });
});

test("a queued start is found by its business key, like any other", async (t) => {
  await withRig(t, async (one) => {
    const { run } = (await start(one, "K", Date.now() + day)) as { run: string };
    assert.deepEqual(await start(one, "K", Date.now() + 2 * day), { kind: "exists", run, status: "queued" });
    await assert.rejects(one.engine.start({ process: "p", key: "K", input: { id: "x" }, origin: "test" }), {
      code: "run-key-conflict",
    });
    assert.deepEqual(one.engine.openVersions(), ["v1"]);
  });
});

test("a queued run can be cancelled or terminated, and then never begins", async (t) => {
  await withRig(t, async (one, system) => {
    const { run: first } = (await start(one, "a", Date.now() + day)) as { run: string };
    const { run: second } = (await start(one, "b", Date.now() + day)) as { run: string };
    await assert.rejects(one.engine.operate(first, { kind: "retry" }, actor), { code: "run-operation" });
    const waiting = one.engine.settled(first, 60_000);
    await one.engine.operate(first, { kind: "cancel" }, actor);
    await one.engine.operate(second, { kind: "terminate" }, actor);
    assert.equal((await waiting).status, "cancelled");
    const ended = one.engine.run(first);
    assert.deepEqual([ended?.status, ended?.failure], ["cancelled", { reason: "not wanted" }]);
    assert.deepEqual(
      ended?.steps.map(({ kind, note }) => `${kind} ${note}`),
      ["operator olivia: not wanted", "end not wanted"],
    );
    assert.equal(one.engine.run(second)?.status, "terminated");
    await assert.rejects(one.engine.operate(first, { kind: "cancel" }, actor), { code: "run-ended" });
    assert.equal(system.received.length, 0);
  });
});

test("a start for later survives restarts, and begins once, also when its time passed meanwhile", async (t) => {
  const system = new FakeSystem();
  const processes = [echo(system)];
  const one = await rigFor(t, { processes, system });
  const at = Date.now() + 150;
  const { run } = (await start(one, "later", at)) as { run: string };
  const { run: far } = (await start(one, "far", at + day)) as { run: string };
  await one.stop();
  while (Date.now() <= at) await new Promise((resolve) => setImmediate(resolve));
  const two = await rigFor(t, { processes, system, folder: one.folder });
  await two.until(run, "completed");
  await two.stop();
  const three = await rigFor(t, { processes, system, folder: one.folder });
  assert.equal(three.engine.run(run)?.status, "completed");
  assert.equal(three.engine.run(far)?.status, "queued");
  assert.equal(system.calls("act").length, 1);
});

test("a run that began from the queue replays after a stop in the middle", async (t) => {
  const system = new FakeSystem();
  const act = system.operation("act", "unrepeatable", () => "A");
  const event = { kind: "event", system: "carrier", name: "shipped" } as const;
  const p = defineProcess({
    name: "p",
    input: anything,
    key: (input) => (input as { id: string }).id,
    run: async (flow) => [flow.now(), await flow.call(act, {}), await flow.receive(event, { key: "K" })],
  });
  const one = await rigFor(t, { processes: [p], system });
  const { run } = (await start(one, "K", Date.now() + 30)) as { run: string };
  await one.until(run, "waiting");
  const began = one.engine.run(run)?.steps[0]?.at;
  await one.stop();
  const two = await rigFor(t, { processes: [p], system, folder: one.folder });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "K", payload: "S", delivery: "d" });
  assert.deepEqual((await two.until(run, "completed")).output, [began, "A", "S"]);
  assert.equal(system.calls("act").length, 1);
});

test("a time that is none, or too far away, is refused, and nothing is started", async (t) => {
  await withRig(t, async (one) => {
    for (const at of [Number.NaN, -1, 0.5, Date.now() + 4000 * day])
      await assert.rejects(start(one, "K", at), { code: "start-time" });
    assert.equal(one.engine.runByKey("p", "K"), undefined);
  });
});

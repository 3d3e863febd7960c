import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, failing, fault, type Rig, remove, rig } from "../engine-harness.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const actor = { by: "olivia", reason: "test" };
const idOf = (input: unknown) => (input as { id: string }).id;
const process = (run: Parameters<typeof defineProcess>[0]["run"], more = {}) =>
  defineProcess({ name: "p", input: anything, key: idOf, run, ...more });

async function start({ engine }: Rig, key = "K1"): Promise<string> {
  const answer = await engine.start({ process: "p", key, input: { id: key }, origin: "test" });
  return (answer as { run: string }).run;
}

test("a stopped server goes on at the next unfinished step, and repeats nothing", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => "A");
  const b = system.operation("b", "unrepeatable", () => "B");
  const p = process(async (flow, input) => {
    const first = await flow.call(a, {});
    const shipped = await flow.receive(event, { key: idOf(input) });
    return [first, shipped, await flow.call(b, {})];
  });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.until(run, "waiting");
  await one.stop();
  const two = await rig({ processes: [p], system, folder: one.folder });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "K1", payload: "S", delivery: "d" });
  assert.deepEqual((await two.until(run, "completed")).output, ["A", "S", "B"]);
  assert.equal(system.calls("a").length, 1);
  await two.stop();
  remove(one.folder);
});

test("a stop lets the call under way end, records it, and begins no other", async () => {
  const system = new FakeSystem();
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const a = system.operation("a", "unrepeatable", async () => {
    begun.resolve();
    await release.promise;
    return "A";
  });
  const b = system.operation("b", "unrepeatable", () => "B");
  const p = process(async (flow) => [await flow.call(a, {}), await flow.call(b, {})]);
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await begun.promise;
  const stopped = one.stop();
  release.resolve();
  await stopped;
  assert.equal(system.calls("b").length, 0);
  const two = await rig({ processes: [p], system, folder: one.folder });
  assert.deepEqual((await two.until(run, "completed")).output, ["A", "B"]);
  assert.equal(system.calls("a").length, 1);
  await two.stop();
  remove(one.folder);
});

test("a call that was pausing after a harmless failure is not taken for an unknown one after a restart", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "unrepeatable", () => {
    if (broken) throw failing("none");
    return "A";
  });
  const p = process(async (flow) => flow.call(a, {}), { retry: { backoff: "1h", maxBackoff: "1h" } });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.when(run, ({ steps }) => steps[0]?.failure !== undefined);
  await one.stop();
  broken = false;
  const two = await rig({ processes: [p], system, folder: one.folder });
  assert.equal((await two.until(run, "completed")).output, "A");
  await two.stop();
  remove(one.folder);
});

test("a parked run stays parked through restarts, and takes its answer afterwards", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => {
    throw failing("unknown");
  });
  const p = process(async (flow) => flow.call(a, {}));
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.until(run, "parked");
  await one.stop();
  const two = await rig({ processes: [p], system, folder: one.folder });
  assert.equal(two.engine.run(run)?.status, "parked");
  await two.engine.operate(run, { kind: "happened", result: "by hand" }, actor);
  assert.equal((await two.until(run, "completed")).output, "by hand");
  assert.equal(system.calls("a").length, 1);
  await two.stop();
  remove(one.folder);
});

test("an undo that fails parks the run; retried after a restart it goes on, last first", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const b = system.operation("b", "idempotent", () => "B");
  const undoA = system.operation("undoA", "idempotent");
  let broken = true;
  const undoB = system.operation("undoB", "idempotent", () => (broken ? fault("NotNow") : null));
  const p = process(async (flow) => {
    await flow.call(a, {}, { undo: { call: undoA, with: ({ output }) => output } });
    await flow.call(b, {}, { undo: { call: undoB, with: ({ output }) => output } });
    return flow.reject("no");
  });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  const parked = await one.until(run, "parked");
  assert.equal(parked.parked?.code, "undo-failed");
  assert.equal(system.calls("undoA").length, 0);
  await one.stop();
  broken = false;
  const two = await rig({ processes: [p], system, folder: one.folder });
  await two.engine.operate(run, { kind: "retry" }, actor);
  const detail = await two.until(run, "rejected");
  assert.equal(detail.failure?.reason, "no");
  assert.deepEqual(
    system.received.slice(-2).map(({ operation }) => operation),
    ["undoB", "undoA"],
  );
  await two.stop();
  remove(one.folder);
});

test("an unknown step is undone with the input that was computed before its output", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "unrepeatable", () => {
    throw failing("unknown");
  });
  // There is nothing under this reference: the undo's fault means so.
  const undoA = system.operation("undoA", "idempotent", () => fault("NotFound"), { notFound: ["NotFound"] });
  const p = process(async (flow) =>
    flow.call(a, {}, { undo: { call: undoA, with: ({ output, key }) => ({ output: output ?? null, key }) } }),
  );
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.until(run, "parked");
  await one.engine.operate(run, { kind: "cancel" }, actor);
  await one.until(run, "cancelled");
  assert.deepEqual(
    system.calls("undoA").map(({ input }) => input),
    [{ output: null, key: `${run}-1` }],
  );
  await one.stop();
  remove(one.folder);
});

test("cancel ends a waiting run, closes its task, and undoes", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const undoA = system.operation("undoA", "idempotent");
  const ask = defineTask({ name: "ask", title: "Ask", input: anything, answer: anything });
  const p = process(async (flow) => {
    await flow.call(a, {}, { undo: { call: undoA, with: () => "x" } });
    return flow.task(ask, { input: null, assign: "ops", within: "1d" });
  });
  const one = await rig({ processes: [p], system });
  const run = await start(one);
  await one.until(run, "waiting");
  await one.engine.operate(run, { kind: "cancel" }, actor);
  await one.until(run, "cancelled");
  assert.equal(system.calls("undoA").length, 1);
  assert.deepEqual(one.engine.tasks({ status: "open" }), []);
  await one.stop();
  remove(one.folder);
});

test("two code versions with runs in flight work side by side, each run on its own", async () => {
  const system = new FakeSystem();
  const v1 = process(async (flow, input) => `v1 ${String(await flow.receive(event, { key: idOf(input) }))}`);
  const v2 = process(async (flow, input) => {
    await flow.sleep("1ms");
    return `v2 ${String(await flow.receive(event, { key: idOf(input) }))}`;
  });
  const versions = { v1: [v1], v2: [v2] };
  const one = await rig({ processes: [v1], versions, system, version: "v1" });
  const old = await start(one, "old");
  await one.until(old, "waiting");
  one.engine.promote("v2");
  const young = await start(one, "young");
  await one.until(young, "waiting");
  assert.deepEqual([...one.engine.openVersions()].sort(), ["v1", "v2"]);
  await one.stop();
  const two = await rig({ processes: [v2], versions, system, folder: one.folder, version: "v2" });
  for (const key of ["old", "young"]) {
    await two.engine.signal({ system: "carrier", event: "shipped", key, payload: key, delivery: key });
  }
  assert.equal((await two.until(old, "completed")).output, "v1 old");
  assert.equal((await two.until(young, "completed")).output, "v2 young");
  assert.deepEqual(two.engine.openVersions(), []);
  await two.stop();
  remove(one.folder);
});

test("changed code under the same version is stopped, not followed", async () => {
  const system = new FakeSystem();
  const a = system.operation("a", "idempotent", () => "A");
  const b = system.operation("b", "idempotent", () => "B");
  const before = process(async (flow, input) => [
    await flow.call(a, {}),
    await flow.receive(event, { key: idOf(input) }),
  ]);
  const after = process(async (flow, input) => [
    await flow.call(b, {}),
    await flow.receive(event, { key: idOf(input) }),
  ]);
  const one = await rig({ processes: [before], system });
  const run = await start(one);
  await one.until(run, "waiting");
  await one.stop();
  const two = await rig({ processes: [after], system, folder: one.folder });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "K1", payload: null, delivery: "d" });
  const parked = await two.until(run, "parked");
  assert.equal(parked.parked?.code, "process-diverged");
  assert.equal(system.calls("b").length, 0);
  await two.stop();
  // With the code that it began on it goes on.
  const three = await rig({ processes: [before], system, folder: one.folder });
  await three.engine.operate(run, { kind: "retry" }, actor);
  assert.deepEqual((await three.until(run, "completed")).output, ["A", null]);
  await three.stop();
  remove(one.folder);
});

test("retention removes the history, then the key", async () => {
  const p = process(async () => "done");
  const one = await rig({ processes: [p] });
  const run = await start(one);
  await one.until(run, "completed");
  const future = Date.now() + 1000;
  assert.ok((await one.engine.retain(future, 0)) > 0);
  const gone = one.engine.run(run);
  assert.equal(gone?.historyGone, true);
  assert.deepEqual(gone?.steps, []);
  assert.deepEqual(await one.engine.start({ process: "p", key: "K1", input: { id: "K1" }, origin: "test" }), {
    kind: "exists",
    run,
    status: "completed",
  });
  await one.engine.retain(future, future);
  assert.equal(one.engine.run(run), undefined);
  assert.notEqual(await start(one), run);
  await one.stop();
  remove(one.folder);
});

test("who waits for the end of a run is answered when the server is about to stop", async () => {
  const p = process(async (flow, input) => flow.receive(event, { key: idOf(input) }));
  const one = await rig({ processes: [p] });
  const run = await start(one);
  await one.until(run, "waiting");
  const settled = one.engine.settled(run, 3_600_000);
  one.engine.answerWaiters();
  assert.equal((await settled).status, "waiting");
  assert.equal((await one.engine.settled(run, 3_600_000)).status, "waiting");
  await one.stop();
  remove(one.folder);
});

test("row 30: a backup that is put back goes on from where it has its runs, under the same keys", async (t) => {
  const system = new FakeSystem();
  const first = system.operation("first", "idempotent", () => 1);
  const then = system.operation("then", "idempotent", () => 2);
  const p = process(async (flow) => {
    await flow.call(first, {});
    await flow.receive(event, { key: "k" });
    return flow.call(then, {});
  });
  const one = await rig({ processes: [p], system });
  t.after(() => remove(one.folder));
  const run = await start(one);
  await one.until(run, "waiting");
  await one.stop();
  const backup = `${one.folder}-backup`;
  cpSync(one.folder, backup, { recursive: true });
  t.after(() => remove(backup));
  for (const folder of [one.folder, backup]) {
    const again = await rig({ processes: [p], system, folder });
    await again.engine.signal({ system: "carrier", event: "shipped", key: "k", payload: null, delivery: "d" });
    await again.until(run, "completed");
    await again.stop();
  }
  // What was done before the backup is not done again; what was done after it is, and a system that honours keys knows it.
  assert.deepEqual(
    system.received.map(({ operation, key }) => [operation, key]),
    [
      ["first", `${run}-1`],
      ["then", `${run}-3`],
      ["then", `${run}-3`],
    ],
  );
});

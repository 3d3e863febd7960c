/** Values of more than 128 kB stand beside the history: written with it, named by it, loaded when they are needed, gone with it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import type { Json } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, type Rig, remove, rig } from "../engine-harness.ts";
import { largestInline } from "./named.ts";
import { Vault } from "./vault.ts";

const big = (name: string, size = 300_000) => ({ name, text: "🙂ä".repeat(size / 6) });
const small = { name: "small", text: "x".repeat(1000) };
const event = { kind: "event", system: "s", name: "e" } as const;
const form = defineTask({ name: "look", title: "Look", input: anything, answer: anything });
const by = { by: "test", reason: "because" };

async function started({ engine }: Rig, input: Json): Promise<string> {
  return ((await engine.start({ process: "p", key: "k", input, origin: "test" })) as { run: string }).run;
}

/** What the database file holds of a run, read by another connection. */
function stored({ folder }: Rig, sql: string): Readonly<Record<string, unknown>>[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

test("every large value of a run stands beside its history, and is the same after a restart", async () => {
  const system = new FakeSystem();
  const twice = system.operation("twice", "idempotent", (input) => ({ got: input }));
  const fails = system.operation("fails", "read", () => ({
    ok: false,
    fault: { name: "No", message: "", detail: big("fault") },
  }));
  const back = system.operation("back", "idempotent");
  const seen: Json[] = [];
  const process = defineProcess({
    name: "p",
    input: anything,
    key: () => "k",
    run: async (flow, input) => {
      seen.length = 0;
      seen.push(input as Json);
      seen.push((await flow.call(twice, input, { undo: { call: back, with: ({ output }) => output } })) as Json);
      seen.push(await flow.step("own", { effect: "read" }, () => big("own")));
      seen.push((await flow.attempt(fails, small)) as Json);
      seen.push((await flow.receive(event, { key: "c" })) as Json);
      seen.push((await flow.task(form, { assign: "x", input: big("task") })) as Json);
      seen.push((await flow.receive(event, { key: "d" })) as Json);
      return big("output");
    },
  });
  const options = { processes: [process], system };
  const first = await rig(options);
  const input = big("input");
  const run = await started(first, input);
  await first.engine.signal({ system: "s", event: "e", key: "c", delivery: "1", payload: big("signal") });
  await first.when(run, () => first.engine.tasks({ status: "open" }).length === 1);
  const [task] = first.engine.tasks({ status: "open" });
  assert.ok((task?.inputReference?.bytes ?? 0) > largestInline);
  assert.deepEqual(first.engine.value(run, task?.inputReference?.hash ?? ""), big("task"));
  await first.engine.answer(task?.id ?? "", big("answer"), by);
  await first.when(run, ({ steps }) => steps.some(({ n, status }) => n === 6 && status === "open"));
  await first.stop();

  for (const { body } of stored(first, "select body from history")) assert.ok((body as string).length < 20_000);
  for (const { input: text } of stored(first, "select input from tasks")) assert.ok((text as string).length < 200);
  const second = await rig({ ...options, folder: first.folder });
  try {
    await second.engine.signal({ system: "s", event: "e", key: "d", delivery: "2", payload: 1 });
    const done = await second.until(run, "completed");
    assert.deepEqual(seen, [
      input,
      { got: input },
      big("own"),
      { ok: false, fault: { name: "No", message: "", detail: big("fault") } },
      big("signal"),
      big("answer"),
      1,
    ]);
    assert.equal(system.calls("twice").length, 1);
    assert.equal(done.input, null);
    assert.equal(done.output, undefined);
    assert.deepEqual(second.engine.value(run, done.inputReference?.hash ?? ""), input);
    assert.deepEqual(second.engine.value(run, done.outputReference?.hash ?? ""), big("output"));
    // Who waits for the end gets it whole.
    assert.deepEqual((await second.engine.settled(run, 1000)).output, big("output"));
    const again = await second.engine.start({ process: "p", key: "k", input, origin: "test" });
    assert.deepEqual(again, { kind: "exists", run, status: "completed" });
    // The input of the run and of its first call are one value.
    const values = stored(second, "select hash, count(*) as parts from stored_values group by hash");
    assert.equal(new Set(values.map(({ hash }) => hash)).size, values.length);
    assert.equal(done.steps[0]?.inputReference?.hash, done.inputReference?.hash);

    await second.engine.retain(Date.now() + 1000, 0);
    assert.equal(stored(second, "select 1 from stored_values").length, 0);
  } finally {
    await second.stop();
    remove(first.folder);
  }
});

test("replay finds that another large input is asked for", async () => {
  const system = new FakeSystem();
  const act = system.operation("act", "idempotent");
  let text = "a";
  const process = defineProcess({
    name: "p",
    input: anything,
    key: () => "k",
    run: async (flow) => {
      await flow.call(act, text.repeat(200_000));
      await flow.receive(event, { key: "c" });
    },
  });
  const options = { processes: [process], system };
  const first = await rig(options);
  const run = await started(first, 1);
  await first.until(run, "waiting");
  await first.stop();
  text = "b";
  const second = await rig({ ...options, folder: first.folder });
  try {
    await second.engine.signal({ system: "s", event: "e", key: "c", delivery: "2", payload: 1 });
    assert.equal((await second.until(run, "parked")).parked?.code, "process-diverged");
  } finally {
    await second.stop();
    remove(first.folder);
  }
});

test("an undo is called with a large output", async () => {
  const system = new FakeSystem();
  const make = system.operation("make", "idempotent", () => big("made"));
  const back = system.operation("back", "idempotent");
  const process = defineProcess({
    name: "p",
    input: anything,
    key: () => "k",
    run: async (flow) => {
      await flow.call(make, 1, { undo: { call: back, with: ({ output }) => output ?? null } });
      await flow.receive(event, { key: "c" });
      flow.reject("no");
    },
  });
  const options = { processes: [process], system };
  const first = await rig(options);
  const run = await started(first, 1);
  await first.until(run, "waiting");
  await first.stop();
  const second = await rig({ ...options, folder: first.folder });
  try {
    await second.engine.signal({ system: "s", event: "e", key: "c", delivery: "2", payload: 1 });
    await second.until(run, "rejected");
    assert.deepEqual(system.calls("back")[0]?.input, big("made"));
  } finally {
    await second.stop();
    remove(first.folder);
  }
});

for (const [what, harm] of [
  ["missing", "delete from stored_values where part = 1"],
  ["changed", "update stored_values set body = replace(body, 'ä', 'ö') where part = 0"],
] as const) {
  test(`a run with a ${what} value parks and asks; it goes on once the value is back`, async () => {
    const system = new FakeSystem();
    const make = system.operation("make", "idempotent", () => big("made", 600_000));
    let given: Json = null;
    const process = defineProcess({
      name: "p",
      input: anything,
      key: () => "k",
      run: async (flow) => {
        given = (await flow.call(make, 1)) as Json;
        await flow.receive(event, { key: "c" });
        return 1;
      },
    });
    const options = { processes: [process], system };
    const first = await rig(options);
    const run = await started(first, 1);
    await first.until(run, "waiting");
    await first.stop();
    const db = new DatabaseSync(join(first.folder, "mortise.db"));
    db.exec(`create table saved as select * from stored_values; ${harm}`);
    db.close();
    const second = await rig({ ...options, folder: first.folder });
    try {
      await second.engine.signal({ system: "s", event: "e", key: "c", delivery: "2", payload: 1 });
      const { parked } = await second.until(run, "parked");
      assert.equal(parked?.code, "process-unreadable");
      assert.match(parked?.message ?? "", /can't be read: it is not/);
    } finally {
      await second.stop();
    }
    const mended = new DatabaseSync(join(first.folder, "mortise.db"));
    mended.exec("delete from stored_values; insert into stored_values select * from saved; drop table saved");
    mended.close();
    const third = await rig({ ...options, folder: first.folder });
    try {
      await third.engine.operate(run, { kind: "retry" }, by);
      await third.until(run, "completed");
      assert.deepEqual(given, big("made", 600_000));
      assert.equal(system.received.length, 1);
    } finally {
      await third.stop();
      remove(first.folder);
    }
  });
}

test("who waits for a run with an input that can't be read is told so: the server goes on", async () => {
  const process = defineProcess({
    name: "p",
    input: anything,
    key: (input) => (input as { readonly name: string }).name,
    run: (flow) => flow.receive(event, { key: "c" }),
  });
  const one = await rig({ processes: [process] });
  try {
    const run = await started(one, big("input"));
    await one.until(run, "waiting");
    const db = new DatabaseSync(join(one.folder, "mortise.db"));
    db.exec("delete from stored_values");
    db.close();
    // Both are answered out of a timer, where nobody would catch what is thrown.
    const waiters = [one.engine.settled(run, 10), one.engine.settled(run, 10)];
    for (const waiter of waiters) await assert.rejects(waiter, { code: "value-unreadable" });
    const other = one.engine.settled(run, 3_600_000);
    one.engine.answerWaiters();
    await assert.rejects(other, { code: "value-unreadable" });
  } finally {
    await one.stop();
    remove(one.folder);
  }
});

test("a value of a user that looks like a name is a value", async () => {
  const text = JSON.stringify([{ t: "start", at: 1, input: { names: [[0, "in", "h", 1]], records: [] } }]);
  const vault = new Vault(undefined, undefined);
  const { body, values } = vault.start("r", text);
  assert.equal(body, text);
  assert.equal(values, undefined);
  assert.deepEqual(vault.records("r", [{ seq: 0, body, sum: undefined }]).records, JSON.parse(text));
});

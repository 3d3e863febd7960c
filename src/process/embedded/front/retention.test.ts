/** Retention by age and by count, in portions that let other work pass; a key outlives its history. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import type { Json } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, type Rig, remove, rig } from "../engine-harness.ts";

const event = { kind: "event", system: "s", name: "e" } as const;
const make = (name: string) =>
  defineProcess({
    name,
    input: anything,
    key: String,
    run: async (flow, input) => {
      if (input === "waits") await flow.receive(event, { key: "never" });
      return flow.step("own", { effect: "read" }, () => (input === "large" ? "x".repeat(7_000_000) : "small"));
    },
  });
const options = { processes: [make("a"), make("b")], system: new FakeSystem() };

async function run(one: Rig, process: string, input: Json): Promise<string> {
  const answer = await one.engine.start({ process, key: String(input), input, origin: "test" });
  return (answer as { run: string }).run;
}
async function ended(one: Rig, process: string, input: Json): Promise<string> {
  const id = await run(one, process, input);
  await one.until(id, "completed");
  return id;
}
async function withRig(body: (one: Rig) => Promise<void>): Promise<void> {
  const one = await rig(options);
  try {
    await body(one);
  } finally {
    await one.stop();
    remove(one.folder);
  }
}
function count({ folder }: Rig, table: string): number {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  try {
    return Number(db.prepare(`select count(*) as n from ${table}`).get()?.n);
  } finally {
    db.close();
  }
}
const future = () => Date.now() + 1000;

test("of each process the newest histories stay, and open runs whatever their age", async () => {
  await withRig(async (one) => {
    const waiting = await run(one, "a", "waits");
    await one.until(waiting, "waiting");
    const ids: string[] = [];
    for (let number = 0; number < 5; number++) {
      ids.push(await ended(one, "a", number));
      // So that it is known which is the newer one.
      const now = Date.now();
      while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve));
    }
    const other = await ended(one, "b", 1);
    await one.engine.retain(0, 0, { atMost: 2 });
    assert.deepEqual(
      ids.map((id) => one.engine.run(id)?.historyGone ?? false),
      [true, true, true, false, false],
    );
    assert.equal(one.engine.run(other)?.historyGone, undefined);
    await one.engine.retain(future(), 0);
    assert.equal(one.engine.run(waiting)?.steps.length, 1);
    assert.equal(one.engine.run(other)?.historyGone, true);
  });
});

test("of runs that ended in one commit no fewer stay than may be kept; with none to be kept, all go", async () => {
  await withRig(async (one) => {
    const ids: string[] = [];
    for (let number = 0; number < 6; number++) ids.push(await run(one, "a", number));
    for (const id of ids) await one.until(id, "completed");
    const db = new DatabaseSync(join(one.folder, "mortise.db"));
    db.exec("update runs set ended = 1000; update runs set ended = 999 where key = '0'");
    db.close();
    const gone = () => ids.map((id) => one.engine.run(id)?.historyGone ?? false);
    await one.engine.retain(0, 0, { atMost: 2 });
    assert.deepEqual(gone(), [true, false, false, false, false, false]);
    await one.engine.retain(0, 0, { atMost: 5 });
    assert.deepEqual(gone(), [true, false, false, false, false, false]);
    await one.engine.retain(0, 0, { atMost: 0 });
    assert.deepEqual(gone(), [true, true, true, true, true, true]);
  });
});

test("a process says its own; a key outlives its history, and gives the run there was until it goes", async () => {
  await withRig(async (one) => {
    const a = await ended(one, "a", 1);
    const b = await ended(one, "b", 1);
    await one.engine.retain(0, 0, { own: (process) => (process === "a" ? { historyBefore: future() } : {}) });
    assert.equal(one.engine.run(a)?.historyGone, true);
    assert.equal(one.engine.run(b)?.historyGone, undefined);
    const start = () => one.engine.start({ process: "a", key: "1", input: 1, origin: "test" });
    assert.deepEqual(await start(), { kind: "exists", run: a, status: "completed" });
    await one.engine.retain(0, 0, { own: (process) => (process === "a" ? { keyBefore: future() } : {}) });
    assert.equal(one.engine.run(a), undefined);
    assert.equal((await start()).kind, "started");
  });
});

test("a large run goes in several portions, and nothing of it is left; events that nobody took go with their time", async () => {
  await withRig(async (one) => {
    const id = await ended(one, "a", "large");
    await ended(one, "a", "small");
    await one.engine.signal({ system: "s", event: "e", key: "nobody", delivery: "1", payload: 1 });
    assert.ok(count(one, "stored_values") > 20);
    const touched = await one.engine.retain(future(), future());
    assert.ok(touched > 20);
    for (const table of ["history", "stored_values", "signals", "runs"]) assert.equal(count(one, table), 0, table);
    assert.equal(one.engine.run(id), undefined);
    assert.equal(await one.engine.retain(future(), future()), 0);
  });
});

test("what a process says of its history is checked where it is written", () => {
  const given = { name: "p", input: anything, key: String, run: async () => null };
  assert.throws(
    () => defineProcess({ ...given, history: { retention: "soon" as "1s" } }),
    /history\.retention is a dur/,
  );
  assert.throws(() => defineProcess({ ...given, history: { atMost: -1 } }), /history\.atMost is a whole number/);
});

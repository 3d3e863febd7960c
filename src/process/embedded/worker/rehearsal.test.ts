import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, failing, remove, rig } from "../engine-harness.ts";
import { defaultLimits } from "../history/json-text.ts";
import type { HistoryRecord } from "../history/records.ts";
import { differences } from "../run/divergence.ts";
import type { Verdict } from "../verdict.ts";
import { rehearse } from "./rehearsal.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const approve = defineTask({ name: "approve", title: "Approve?", input: anything, answer: anything });
const idOf = (input: unknown) => (input as { id: string }).id;
type Run = Parameters<typeof defineProcess>[0]["run"];
const process = (run: Run) => defineProcess({ name: "p", input: anything, key: idOf, run });

const system = new FakeSystem();
const reserve = system.operation("reserve", "idempotent", () => ({ hold: "H" }));
const release = system.operation("release", "idempotent");
const pay = system.operation("pay", "idempotent", () => "P");
const lost = system.operation("lost", "unrepeatable", () => {
  throw failing("unknown");
});

/** The history of a run of this code, once it waits, parks or has ended. */
async function historyOf(run: Run): Promise<readonly HistoryRecord[]> {
  const one = await rig({ processes: [process(run)], system });
  const { run: id } = (await one.engine.start({
    process: "p",
    key: "K",
    input: { id: "K" },
    origin: "test",
  })) as { run: string };
  await one.until(id, "waiting", "parked", "completed");
  await one.stop();
  const db = new DatabaseSync(join(one.folder, "mortise.db"), { readOnly: true });
  const rows = db
    .prepare("select body from history where run = (select number from runs where id = ?) order by seq")
    .all(id) as { body: string }[];
  db.close();
  remove(one.folder);
  return rows.flatMap(({ body }) => JSON.parse(body) as HistoryRecord[]);
}

/** What this code makes of the history. `operations`: those that the version has. */
function rehearsed(records: readonly HistoryRecord[], run: Run | undefined, operations = true): Promise<Verdict> {
  const calls = system.received.length;
  return rehearse({
    identity: { id: "run", key: "K", process: "p", version: "v2" },
    process: run && process(run),
    validateState: () => [],
    validateOutput: (value) => (value === "bad" ? [{ at: "", message: "must be good" }] : []),
    records,
    valueLimits: defaultLimits,
    operation: (name) => (operations ? system.find(name) : undefined),
    where: (stack) => /rehearsal\.test\.ts:\d+/.exec(stack)?.[0],
    now: Date.now,
    soon: (act) => void setImmediate(act),
  }).finally(() => assert.equal(system.received.length, calls, "a rehearsal calls nothing"));
}

const original: Run = async (flow) => {
  const hold = await flow.call(reserve, { sku: "A", lines: [{ qty: 1 }] });
  const ok = await flow.task(approve, { assign: "sales", input: {} });
  await flow.call(pay, { hold, ok });
  return "good";
};

test("code that asks the same continues; what comes next is listed with its place, and nothing is performed", async () => {
  const records = await historyOf(original);
  const same = await rehearsed(records, original);
  assert.deepEqual(same, { kind: "continues", comes: "steps", next: [{ step: "task approve", fresh: false }] });
  const more = (await rehearsed(records, async (flow) => {
    await flow.call(reserve, { sku: "A", lines: [{ qty: 1 }] });
    const asked = flow.task(approve, { assign: "finance", input: {} });
    const shipped = flow.receive(event, { key: "K" });
    return flow.all([asked, shipped]);
  })) as Verdict & { kind: "continues" };
  assert.deepEqual(
    more.next.map(({ step, fresh }) => ({ step, fresh })),
    [
      { step: "task approve", fresh: false },
      { step: "receive carrier.shipped", fresh: true },
    ],
  );
  assert.match(more.next[1]?.at ?? "", /rehearsal\.test\.ts:\d+/);
});

test("another order, a removed step, an added one and another input are named, each with both sides and its place", async () => {
  const records = await historyOf(original);
  const verdict = async (run: Run) => (await rehearsed(records, run)) as Verdict & { kind: "diverges" };
  const order = await verdict(async (flow) => {
    await flow.call(pay, {});
    return flow.call(reserve, { sku: "A", lines: [{ qty: 1 }] });
  });
  assert.equal(order.step, "fake.reserve");
  assert.match(order.message, /asks for call fake\.reserve next, and the code asks for call fake\.pay/);
  assert.match(order.at ?? "", /rehearsal\.test\.ts:\d+/);

  const input = await verdict(async (flow) => flow.call(reserve, { sku: "A", lines: [{ qty: 2 }] }));
  assert.match(input.message, /fake\.reserve is asked again, with another input: it differs at \/lines\/0\/qty/);
  assert.deepEqual(input.recorded, {
    asked: "call",
    id: "fake.reserve",
    operation: "fake.reserve",
    input: { sku: "A", lines: [{ qty: 1 }] },
  });
  assert.deepEqual((input.asked as { input: unknown }).input, { sku: "A", lines: [{ qty: 2 }] });

  const removed = await verdict(async (flow) => flow.task(approve, { assign: "sales", input: {} }));
  assert.match(removed.message, /asks for call fake\.reserve next, and the code asks for task approve/);
  const added = await verdict(async (flow) => {
    const hold = flow.call(reserve, { sku: "A", lines: [{ qty: 1 }] });
    return flow.all([hold, flow.sleep("1h")]);
  });
  assert.match(added.message, /gives the result of fake\.reserve next, and the code asks for sleep sleep/);
  const ended = await verdict(async () => "good");
  assert.match(ended.message, /asks for call fake\.reserve next, and the code has ended/);
  const key = await historyOf(async (flow) => flow.receive(event, { key: "K" }));
  const other = (await rehearsed(key, async (flow) => flow.receive(event, { key: "L" }))) as typeof order;
  assert.match(other.message, /carrier\.shipped is asked again, with another key/);
});

test("code that throws, awaits something else, gives a wrong output, or is not there stops, with its place", async () => {
  const records = await historyOf(original);
  const stops = async (run: Run | undefined) => (await rehearsed(records, run)) as Verdict & { kind: "stops" };
  const threw = await stops(async (flow) => {
    await flow.call(reserve, { sku: "A", lines: [{ qty: 1 }] });
    const task = flow.task(approve, { assign: "sales", input: {} });
    void task;
    throw new Error("no rate");
  });
  assert.equal(threw.code, "process-threw");
  assert.match(threw.message, /no rate/);
  assert.match(threw.at ?? "", /rehearsal\.test\.ts:\d+/);
  const short = await historyOf(async () => "good");
  const fresh = short.filter(({ t }) => t === "start");
  const wrong = (await rehearsed(fresh, async () => {
    throw new Error("no rate");
  })) as Verdict & { kind: "stops" };
  assert.equal(wrong.code, "process-threw");
  assert.equal(((await rehearsed(fresh, async () => "bad")) as typeof wrong).code, "process-output");
  const foreign = (await rehearsed(fresh, () => new Promise(() => {}))) as typeof wrong;
  assert.equal(foreign.code, "process-foreign-await");
  assert.equal((await stops(undefined)).code, "process-missing");
  assert.deepEqual(await rehearsed(fresh, async () => "good"), { kind: "continues", comes: "the end", next: [] });
});

test("a run that is parked is rehearsed as if it went on, and an open question stays one", async () => {
  const threw = await historyOf(async (flow) => {
    await flow.call(reserve, { sku: "A" });
    throw new Error("a bug");
  });
  const mended = await rehearsed(threw, async (flow) => {
    await flow.call(reserve, { sku: "A" });
    return flow.call(pay, {});
  });
  assert.deepEqual(
    (mended as Verdict & { kind: "continues" }).next.map(({ step, fresh }) => ({ step, fresh })),
    [{ step: "call fake.pay", fresh: true }],
  );
  const unknown = await historyOf(async (flow) => flow.call(lost, {}));
  const asking = await rehearsed(unknown, async (flow) => flow.call(lost, {}));
  assert.deepEqual(asking, { kind: "continues", comes: "steps", next: [{ step: "call fake.lost", fresh: false }] });
});

test("a version without the operation of an undo could not take back what was done, so it stops", async () => {
  const run: Run = async (flow) => {
    await flow.call(reserve, { sku: "A" }, { undo: { call: release, with: ({ output }) => output } });
    return flow.task(approve, { assign: "sales", input: {} });
  };
  const records = await historyOf(run);
  assert.equal((await rehearsed(records, run)).kind, "continues");
  const missing = (await rehearsed(records, run, false)) as Verdict & { kind: "stops" };
  assert.equal(missing.code, "operation-missing");
  assert.match(missing.message, /The undo of fake\.reserve calls fake\.release/);
});

test("differences are places, never values, and a bounded number of them", () => {
  assert.deepEqual(differences({ a: 1, "b/c": [1, { d: 2 }] }, { a: 1, "b/c": [1, { d: 3 }] }), ["/b~1c/1/d"]);
  assert.deepEqual(differences([1], { 0: 1 }), ["the whole of it"]);
  assert.deepEqual(differences({ a: 1 }, undefined), ["the whole of it"]);
  assert.equal(differences({ a: [1, 2, 3, 4, 5, 6, 7] }, { a: [2, 3, 4, 5, 6, 7, 8] }).length, 5);
});

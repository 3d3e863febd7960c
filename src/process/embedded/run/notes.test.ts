/** What a run shows of itself: its state and its log. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Json, Schema } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import type { RunDetail } from "../../engine.ts";
import { anything, FakeSystem, failing, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, gate, open, processOf, restarted } from "../operating-rig.ts";

endRigs();

const go = { kind: "event", system: "shop", name: "go" } as const;
let deliveries = 0;
const signal = ({ engine }: Rig, payload: Json = null) =>
  engine.signal({ system: "shop", event: "go", key: "k", payload, delivery: `d${deliveries++}` });

const atGo = ({ status, steps }: RunDetail) =>
  status === "waiting" && steps.some(({ operation }) => operation === "shop.go");

function batches({ folder }: Rig, run: string): string[] {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const rows = db
    .prepare("select body from history where run = (select number from runs where id = ?) order by seq")
    .all(run) as { body: string }[];
  db.close();
  return rows.map(({ body }) => body);
}

test("the state is what the code showed last, on disk with what the same turn brought, and gone with the history", async () => {
  const system = new FakeSystem();
  const slow = gate("packed");
  const pack = system.operation("pack", "idempotent", slow.behaviour);
  const p = processOf(async (flow) => {
    flow.state({ at: "nothing" });
    flow.state({ at: "packing", done: 0 });
    await flow.call(pack, {});
    flow.state({ at: "packed", done: 1 });
    await flow.receive(go, { key: "k" });
    return "gone";
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await slow.begun;
  assert.deepEqual(one.engine.run(run)?.state, { at: "packing", done: 0 });
  slow.open();
  assert.deepEqual((await one.until(run, "waiting")).state, { at: "packed", done: 1 });
  await signal(one);
  const ended = await one.until(run, "completed");
  assert.deepEqual([ended.state, ended.output], [{ at: "packed", done: 1 }, "gone"]);
  assert.ok(ended.steps.every(({ kind }) => kind !== "log"));
  await one.engine.retain(Date.now() + 1e6, 0);
  assert.equal(one.engine.run(run)?.state, undefined);
});

test("a log line stands in the history once, with its fields, at its place", async () => {
  const p = processOf(async (flow) => {
    flow.log("begins");
    await flow.sleep("1ms");
    flow.log("waits", { for: "go", times: 2 });
    flow.log("x".repeat(5000));
    await flow.receive(go, { key: "k" });
    flow.log("ends");
    return null;
  });
  let one = await open({ processes: [p] });
  const run = await begin(one);
  await one.when(run, atGo);
  for (let times = 0; times < 2; times++) one = await restarted(one, { processes: [p] });
  await signal(one);
  const { steps } = await one.until(run, "completed");
  assert.deepEqual(
    steps.map(({ kind, note, output }) => [kind, (note ?? "").slice(0, 6), kind === "log" ? output : undefined]),
    [
      ["log", "begins", undefined],
      ["sleep", "", undefined],
      ["log", "waits", { for: "go", times: 2 }],
      ["log", "xxxxxx", undefined],
      ["receive", "", undefined],
      ["log", "ends", undefined],
      ["end", "", undefined],
    ],
  );
  assert.equal(steps[3]?.note?.length, 4096);
});

test("a replay writes neither state nor log anew, also what was noted last before the server ended", async () => {
  const p = processOf(async (flow) => {
    flow.log("one");
    flow.state(1);
    await flow.sleep("1ms");
    const parcel = flow.receive(go, { key: "k" });
    flow.log("two");
    flow.state(2);
    flow.log("three");
    flow.state(3);
    await parcel;
    flow.state(4);
    return null;
  });
  let one = await open({ processes: [p] });
  const run = await begin(one);
  await one.when(run, atGo);
  const before = batches(one, run);
  one = await restarted(one, { processes: [p] });
  await act(one, run, "pause");
  await one.until(run, "paused");
  await act(one, run, "resume");
  await one.when(run, atGo);
  const since = batches(one, run).slice(before.length).join();
  assert.match(since, /resume/);
  assert.doesNotMatch(since, /"t":"(log|state)"/);
  assert.equal(one.engine.run(run)?.state, 3);
  await signal(one);
  const ended = await one.until(run, "completed");
  assert.equal(ended.state, 4);
  assert.deepEqual(
    ended.steps.filter(({ kind }) => kind === "log").map(({ note }) => note),
    ["one", "two", "three"],
  );
});

test("another version may note more or less: it is followed all the same, and what is new is noted", async () => {
  const of = (notes: number) =>
    processOf(async (flow) => {
      for (let n = 0; n < notes; n++) flow.log(`before ${n}`);
      await flow.sleep("1ms");
      const parcel = flow.receive(go, { key: "k" });
      for (let n = 0; n < notes; n++) flow.log(`between ${n}`);
      await parcel;
      flow.log("after");
      return null;
    });
  for (const [was, is] of [
    [3, 1],
    [1, 3],
  ] as const) {
    let one = await open({ processes: [of(was)] });
    const run = await begin(one);
    await one.when(run, atGo);
    one = await restarted(one, { processes: [of(is)] });
    await signal(one);
    const ended = await one.until(run, "completed", "parked");
    assert.equal(ended.status, "completed", ended.parked?.message);
    const logged = ended.steps.filter(({ kind }) => kind === "log").map(({ note }) => note);
    assert.equal(logged.at(-1), "after");
    assert.equal(logged.filter((note) => note?.startsWith("between")).length, 3);
  }
});

test("after a rewind the log of what is asked anew is written anew, and no other", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "idempotent");
  const b = system.operation("b", "idempotent", () => {
    if (broken) throw failing("none", "give-up");
    return "B";
  });
  const p = processOf(async (flow) => {
    await flow.call(a, {});
    flow.log("after a");
    await flow.call(a, {});
    flow.log("after a again");
    return flow.call(b, {});
  });
  const one = await open({ processes: [p], system });
  const run = await begin(one);
  await one.until(run, "parked");
  broken = false;
  await act(one, run, { kind: "rewind", to: "fake.a#2" });
  const ended = await one.until(run, "completed");
  assert.deepEqual(
    ended.steps.filter(({ kind }) => kind === "log").map(({ note }) => note),
    ["after a", "after a again", "after a again"],
  );
});

test("a state that does not fit, or is no JSON, throws where it is shown: live and at replay", async () => {
  const seen: string[] = [];
  const p = processOf(async (flow) => {
    for (const state of ["bad", 1n, "good"]) {
      try {
        flow.state(state);
      } catch (error) {
        seen.push((error as { code: string }).code);
      }
    }
    await flow.receive(go, { key: "k" });
    return null;
  });
  const options = {
    processes: [p],
    validateState: (value: unknown) => (value === "bad" ? [{ at: "", message: "is bad" }] : []),
  };
  let one = await open(options);
  const run = await begin(one);
  assert.equal((await one.until(run, "waiting")).state, "good");
  one = await restarted(one, options);
  await signal(one);
  await one.until(run, "completed");
  assert.deepEqual(seen, ["state-invalid", "value-not-json", "state-invalid", "value-not-json"]);
});

test("the state's type is that of the process's schema", () => {
  const state: Schema<{ done: number }> = { kind: "schema", json: true };
  defineProcess({
    name: "typed",
    input: anything,
    key: () => "k",
    state,
    async run(flow) {
      flow.state({ done: 1 });
      // @ts-expect-error: not in the schema
      flow.state({ dun: 1 });
    },
  });
});

test("a run's mark is another whenever what it shows is, and stays when nothing is to be seen", async () => {
  const system = new FakeSystem();
  const slow = gate("packed");
  const pack = system.operation("pack", "idempotent", slow.behaviour);
  const p = processOf(async (flow) => {
    flow.state({ packed: 0 });
    await flow.call(pack, {});
    flow.state({ packed: 1 });
    await flow.receive(go, { key: "k" });
  });
  const one = await open({ processes: [p], system });
  const mark = () => one.engine.mark(p.name, "k");
  assert.equal(mark(), undefined);
  const run = await begin(one);
  await slow.begun;
  const marks = [mark(), mark()];
  slow.open();
  await one.until(run, "waiting");
  marks.push(mark(), mark());
  await signal(one);
  await one.until(run, "completed");
  marks.push(mark());
  assert.ok(marks.every((one) => typeof one === "string"));
  assert.equal(new Set(marks).size, 3);
});

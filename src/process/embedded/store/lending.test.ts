/** Places that are lent: a run never waits for ever for a child that waits for its place. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import type { ProcessLimits } from "../../limits.ts";
import { anything, FakeSystem, type Rig } from "../engine-harness.ts";
import { act, begin, endRigs, open } from "../operating-rig.ts";

endRigs();
const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const tell = ({ engine }: Rig, key: string) =>
  engine.signal({ system: "carrier", event: "shipped", key, payload: key, delivery: key });
interface Input {
  readonly id: string;
  readonly children?: readonly string[];
}
type Run = Parameters<typeof defineProcess<Input, unknown>>[0]["run"];
const limited = (name: string, limits: ProcessLimits<Input>, run: Run) =>
  defineProcess<Input, unknown>({ name, input: anything as never, key: ({ id }) => id, limits, run });

/** Counts the calls that are under way at a time. */
function counted(system: FakeSystem) {
  const count = { now: 0, most: 0, calls: 0 };
  const work = system.operation("work", "idempotent", async () => {
    count.now += 1;
    count.calls += 1;
    count.most = Math.max(count.most, count.now);
    await new Promise((resolve) => setImmediate(resolve));
    count.now -= 1;
    return null;
  });
  return { work, count };
}

function assertIdle({ folder }: Rig): void {
  const db = new DatabaseSync(join(folder, "mortise.db"), { readOnly: true });
  const left = db.prepare("select queued, taken from gates where queued <> 0 or taken <> 0").all();
  assert.deepEqual(left, []);
  assert.deepEqual(db.prepare("select * from lanes").all(), []);
  db.close();
}

test("a process under a limit of one calls itself, as deep as it likes", async () => {
  for (const limits of [{ concurrency: 1 }, { per: { key: () => "all", concurrency: 1 } }]) {
    const system = new FakeSystem();
    const p = limited("p", limits, async (flow, { id }) =>
      id.length === 5 ? [id] : [id, ...((await flow.child(p, { id: `${id}x` })) as string[])],
    );
    const one = await open({ processes: [p], system });
    const run = await begin(one, "x", { id: "x" });
    assert.deepEqual((await one.until(run, "completed")).output, ["x", "xx", "xxx", "xxxx", "xxxxx"]);
    assertIdle(one);
  }
});

test("many children of a run share the place that it lends: one is at work at a time, and others wait for it", async () => {
  const system = new FakeSystem();
  const { work, count } = counted(system);
  const p = limited("p", { concurrency: 1 }, async (flow, { children }) => {
    if (children === undefined) return flow.call(work, {});
    await flow.receive(event, { key: "go" });
    return flow.all(children.map((id) => flow.child(p, { id })));
  });
  const one = await open({ processes: [p], system });
  const parent = await begin(one, "parent", { id: "parent", children: ["a", "b", "c", "d"] });
  await one.until(parent, "waiting");
  const other = await begin(one, "other", { id: "other" });
  assert.equal(one.engine.run(other)?.status, "queued");
  await tell(one, "go");
  await one.until(parent, "completed");
  await one.until(other, "completed");
  assert.deepEqual([count.calls, count.most], [5, 1]);
  const ended = (id: string) => one.engine.runByKey("p", id)?.updatedAt ?? 0;
  assert.ok(ended("other") >= ended("d"), "it began when the place was given back");
  assertIdle(one);
});

test("two runs whose children wait for each other's places go on", async () => {
  const system = new FakeSystem();
  const { work } = counted(system);
  const p = limited("p", { concurrency: 1 }, async (flow, { id, children }) => {
    if (children === undefined) return flow.call(work, {});
    await flow.receive(event, { key: id });
    return flow.child(q, { id: children[0] as string });
  });
  const q = limited("q", { concurrency: 1 }, async (flow, { id, children }) => {
    if (children === undefined) return flow.call(work, {});
    await flow.receive(event, { key: id });
    return flow.child(p, { id: children[0] as string });
  });
  const one = await open({ processes: [p, q], system });
  const a = await begin(one, "a", { id: "a", children: ["of-a"] }, "p");
  const b = await begin(one, "b", { id: "b", children: ["of-b"] }, "q");
  for (const run of [a, b]) await one.until(run, "waiting");
  await tell(one, "a");
  await one.when(a, ({ reason }) => reason === "waits for q of-a");
  assert.equal(one.engine.runByKey("q", "of-a")?.status, "queued", "its place is not lent as long as b may go on");
  await tell(one, "b");
  for (const run of [a, b]) await one.until(run, "completed");
  assertIdle(one);
});

test("a run that takes its place again lends it to the child that was queued behind another", async () => {
  const system = new FakeSystem();
  const { work } = counted(system);
  const p = limited("p", { concurrency: 1 }, async (flow, { id, children }) => {
    if (id === "other") return flow.receive(event, { key: id });
    if (children === undefined) return flow.call(work, {});
    await flow.receive(event, { key: id });
    return flow.child(p, { id: children[0] as string });
  });
  const one = await open({ processes: [p], system });
  const parent = await begin(one, "parent", { id: "parent", children: ["child"] });
  await one.until(parent, "waiting");
  await act(one, parent, "pause");
  await one.until(parent, "paused");
  // It has the place that a paused run gives to others.
  const other = await begin(one, "other", { id: "other" });
  await one.until(other, "waiting");
  await act(one, parent, "resume");
  await one.until(parent, "waiting");
  await tell(one, "parent");
  await one.when(parent, ({ reason }) => reason === "waits for p child");
  assert.equal(one.engine.runByKey("p", "child")?.status, "queued");
  await tell(one, "other");
  await one.until(parent, "completed");
  assertIdle(one);
});

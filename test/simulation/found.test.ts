/** What the simulation found, each as a small test of its own, so that it stays found when seeds come to mean something else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventType, Json, Operation } from "../../src/operation.ts";
import { defineProcess } from "../../src/process/define.ts";
import { anything } from "../../src/process/embedded/engine-harness.ts";
import { fails } from "../../src/testing/answers.ts";
import type { Interference } from "../../src/testing/fakes.ts";
import { World } from "../../src/testing/world.ts";

const operation = (name: string, more: Partial<Operation<Json, Json>>): Operation<Json, Json> =>
  Object.freeze({ kind: "operation", system: "fake", name, effect: "idempotent", ...more });
const told: EventType<Json> = Object.freeze({ kind: "event", system: "fake", name: "told" });

test("a refused attempt does not hide that the one before a crash may have happened", async () => {
  const find = operation("find", { effect: "read" });
  const book = operation("book", {
    keyLifetimeMs: 60_000,
    probe: { call: "find", with: ({ key }: { readonly key: string }) => ({ key }), settle: "1s" },
  });
  const process = defineProcess({
    name: "booking",
    input: anything,
    key: () => "k",
    retry: { backoff: "90s", maxBackoff: "90s" },
    run: (flow) => flow.call(book, null),
  });
  // It acts, and the server dies before the answer; the next attempt is refused, and the server dies again. By then the key has no memory.
  const course: (Interference | undefined)[] = [
    { kind: "crash", point: "after" },
    { kind: "fails", with: fails.none() },
  ];
  const world = new World(
    { processes: [process] },
    { interfere: ({ operation: name }) => (name === "fake.book" ? course.shift() : undefined) },
  );
  const booked = new Map<string, string>();
  world.fake(book, (_input, { key, times }) => {
    booked.set(key, `B${times}`);
    return `B${times}`;
  });
  world.fake(find, (input) => booked.get((input as { key: string }).key) ?? null);
  const run = await world.start(process, null);
  assert.equal(world.calls(book).length, 2);
  await world.crash();
  await world.advance("5m");
  assert.deepEqual((await run.ended()).output, "B1");
  assert.equal(world.acts(book).length, 1, "found by its probe, and not booked twice");
});

test("a key that the system may have forgotten is not sent again after an attempt that may have happened", async () => {
  const book = operation("book", { keyLifetimeMs: 60_000 });
  const process = defineProcess({
    name: "booking",
    input: anything,
    key: () => "k",
    retry: { backoff: "40s", maxBackoff: "90s" },
    run: (flow) => flow.call(book, null),
  });
  const course: (Interference | undefined)[] = [{ kind: "loses" }, { kind: "fails", with: fails.none() }];
  const world = new World({ processes: [process] }, { interfere: () => course.shift(), chance: () => 1 });
  world.fake(book, "B");
  const run = await world.start(process, null);
  await world.advance("10m");
  assert.equal(run.parked?.code, "step-unknown");
  assert.equal(world.acts(book).length, 1);
});

test("a run that was stopped with a question is parked again after a pause", async () => {
  const process = defineProcess({
    name: "stopping",
    input: anything,
    key: () => "k",
    run: async (flow) => {
      flow.pivot();
      await Promise.all([flow.receive(told, { key: "k", within: "1s" }), flow.sleep("1h")]);
    },
  });
  const world = new World({ processes: [process] });
  const run = await world.start(process, null);
  await world.advance("2s");
  assert.equal(run.parked?.code, "process-after-pivot");
  await run.operate({ kind: "pause" });
  await run.operate({ kind: "resume" });
  assert.equal(run.status, "parked");
  await world.crash();
  assert.equal(run.status, "parked");
  assert.equal(run.parked?.code, "process-after-pivot");
});

test("what was asked before the pivot can't be undone after it, and stays asked", async () => {
  const pay = operation("pay", {});
  const process = defineProcess({
    name: "paying",
    input: anything,
    key: () => "k",
    run: async (flow) => {
      const paid = flow.call(pay, null);
      await flow.receive(told, { key: "k" });
      flow.pivot();
      return paid;
    },
  });
  const world = new World({ processes: [process] });
  world.fake(pay, fails.refused());
  const run = await world.start(process, null);
  assert.ok(run.parked?.answers.some(({ kind }) => kind === "cancel"));
  await world.signal(told, { key: "k", payload: 1 });
  assert.equal(run.status, "parked");
  assert.deepEqual(
    run.parked?.answers.filter(({ kind }) => kind === "cancel" || kind === "undo"),
    [],
  );
  await assert.rejects(run.operate({ kind: "cancel" }), { code: "run-operation" });
  world.fake(pay, "paid");
  await run.operate({ kind: "retry" });
  assert.deepEqual(await run.ended(), { status: "completed", output: "paid" });
});

test("a clock that jumps ahead does not make a probe's too early word believed", async () => {
  const find = operation("find", { effect: "read" });
  const book = operation("book", {
    effect: "unrepeatable",
    probe: { call: "find", with: ({ key }: { readonly key: string }) => ({ key }), settle: "10s" },
  });
  const process = defineProcess({
    name: "booking",
    input: anything,
    key: () => "k",
    run: (flow) => flow.call(book, null),
  });
  const course: Interference[] = [{ kind: "acts-later", ms: 5000 }];
  const world = new World(
    { processes: [process] },
    { interfere: ({ operation: name }) => (name === "fake.book" ? course.shift() : undefined) },
  );
  const booked = new Map<string, string>();
  world.fake(book, (_input, { key, times }) => {
    booked.set(key, `B${times}`);
    return `B${times}`;
  });
  world.fake(find, (input) => booked.get((input as { key: string }).key) ?? null);
  const run = await world.start(process, null);
  world.time.jump(86_400_000);
  await world.crash();
  await world.advance("1m");
  assert.equal((await run.ended()).output, "B1");
  assert.equal(world.acts(book).length, 1);
});

test("nor does it for a step that is to be undone: what comes late all the same is taken back", async () => {
  const find = operation("find", { effect: "read" });
  const free = operation("free", {});
  const book = operation("book", {
    probe: { call: "find", with: ({ key }: { readonly key: string }) => ({ key }), settle: "10s" },
  });
  const process = defineProcess({
    name: "booking",
    input: anything,
    key: () => "k",
    retry: { backoff: "1h", maxBackoff: "1h" },
    run: (flow) => flow.call(book, null, { undo: { call: free, with: ({ key }) => ({ key }) } }),
  });
  const course: Interference[] = [{ kind: "acts-later", ms: 5000 }];
  const world = new World(
    { processes: [process] },
    { interfere: ({ operation: name }) => (name === "fake.book" ? course.shift() : undefined) },
  );
  const booked = new Set<string>();
  world.fake(book, (_input, { key }) => {
    booked.add(key);
    return "B1";
  });
  world.fake(free, (input) => {
    booked.delete((input as { key: string }).key);
    return null;
  });
  world.fake(find, (input) => (booked.has((input as { key: string }).key) ? "B1" : null));
  const run = await world.start(process, null);
  world.time.jump(86_400_000);
  await run.operate({ kind: "cancel" });
  await world.advance("1m");
  assert.equal((await run.ended()).status, "cancelled");
  assert.equal(world.acts(book).length, 1);
  assert.deepEqual([...booked], [], "taken back");
});

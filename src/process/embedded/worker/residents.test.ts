/** Waiting runs leave memory and come back when something comes for them; no more than a bounded number are in memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, realClock } from "../../../clock.ts";
import type { EventType, Json, Schema } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import { defineTask } from "../../task.ts";
import { anything, FakeSystem, failing, remove, rig } from "../engine-harness.ts";

const arrived: EventType<Json> = { kind: "event", system: "carrier", name: "arrived" };
const approval = defineTask({ name: "approval", title: "Approve?", input: anything, answer: anything });

/** Counts how often the code of each run was begun: once more for each time it was loaded. */
function waiting(begun: Map<string, number>, system: FakeSystem) {
  const before = system.operation("before", "idempotent");
  const after = system.operation("after", "idempotent");
  return defineProcess({
    name: "waiting",
    input: anything as Schema<{ id: string }>,
    key: ({ id }) => id,
    async run(flow, { id }) {
      begun.set(id, (begun.get(id) ?? 0) + 1);
      await flow.call(before, { id });
      const signal = await flow.receive(arrived, { key: id });
      await flow.call(after, { id, signal });
      return { id, signal };
    },
  });
}

const id = (number: number): string => `r-${number}`;

test("a run that waits leaves memory, and goes on from the store when its signal comes", async (t) => {
  const begun = new Map<string, number>();
  const system = new FakeSystem();
  const restMs = 60_000;
  let later = 0;
  const sweeps: (() => void)[] = [];
  const clock: Clock = {
    ...realClock,
    now: () => Date.now() + later,
    later(ms, act, background) {
      if (ms !== restMs) return realClock.later(ms, act, background);
      sweeps.push(act);
      return () => {};
    },
  };
  const { engine, folder, stop, until } = await rig({
    processes: [waiting(begun, system)],
    system,
    worker: { restMs, clock },
  });
  t.after(() => remove(folder));
  t.after(stop);
  const answer = await engine.start({ process: "waiting", key: "r-1", input: { id: "r-1" }, origin: "test" });
  const { run } = answer as { run: string };
  while (sweeps.length === 0) await new Promise((resolve) => setImmediate(resolve));
  later = restMs;
  for (const sweep of sweeps.splice(0)) sweep();
  await engine.signal({ system: "carrier", event: "arrived", key: "r-1", payload: 7, delivery: "d" });
  assert.deepEqual((await until(run, "completed")).output, { id: "r-1", signal: 7 });
  assert.equal(begun.get("r-1"), 2, "its code was begun again from the history");
  assert.equal(system.calls("before").length, 1);
});

test("many more runs wait than have a place in memory; each gets its signal, and no effect is doubled", async (t) => {
  const begun = new Map<string, number>();
  const system = new FakeSystem();
  const started = await rig({ processes: [waiting(begun, system)], system, worker: { residentRuns: 8 } });
  t.after(() => remove(started.folder));
  t.after(started.stop);
  const { engine } = started;
  const runs = await Promise.all(
    Array.from({ length: 300 }, async (_, number) => {
      const answer = await engine.start({
        process: "waiting",
        key: id(number),
        input: { id: id(number) },
        origin: "test",
      });
      return (answer as { run: string }).run;
    }),
  );
  for (const run of runs) await started.until(run, "waiting");
  await Promise.all(
    runs.map((_, number) =>
      engine.signal({ system: "carrier", event: "arrived", key: id(number), payload: number, delivery: id(number) }),
    ),
  );
  for (const [number, run] of runs.entries())
    assert.deepEqual((await started.until(run, "completed")).output, { id: id(number), signal: number });
  assert.equal(system.calls("before").length, 300);
  assert.equal(system.calls("after").length, 300);
  assert.ok([...begun.values()].filter((times) => times > 1).length > 250, "most had left memory");
});

test("runs that were open at the end are taken up within the same bound", async (t) => {
  const begun = new Map<string, number>();
  const system = new FakeSystem();
  let away = true;
  system.operation("before", "idempotent");
  const definition = waiting(begun, system);
  system.behave("before", () => {
    if (away) throw failing("none");
    return null;
  });
  const first = await rig({ processes: [definition], system });
  t.after(() => remove(first.folder));
  for (let number = 0; number < 50; number += 1) {
    await first.engine.start({ process: "waiting", key: id(number), input: { id: id(number) }, origin: "test" });
    await first.engine.signal({
      system: "carrier",
      event: "arrived",
      key: id(number),
      payload: 1,
      delivery: id(number),
    });
  }
  await first.stop();
  away = false;
  const second = await rig({ processes: [definition], system, folder: first.folder, worker: { residentRuns: 3 } });
  t.after(second.stop);
  for (let number = 0; number < 50; number += 1) {
    const run = second.engine.runByKey("waiting", id(number));
    await second.until(run?.id ?? "", "completed");
  }
});

test("parked runs leave memory too, and take their answer", async (t) => {
  const system = new FakeSystem();
  const refuse = system.operation("refuse", "idempotent", () => {
    throw failing("none", "give-up");
  });
  let begun = 0;
  const definition = defineProcess({
    name: "parking",
    input: anything as Schema<{ id: string }>,
    key: ({ id }) => id,
    async run(flow, { id }) {
      begun += 1;
      const both = await flow.all([flow.call(refuse, { id }), flow.task(approval, { assign: "a", input: { id } })]);
      return both as Json;
    },
  });
  const { engine, folder, stop, until } = await rig({ processes: [definition], system, worker: { residentRuns: 1 } });
  t.after(() => remove(folder));
  t.after(stop);
  const runs: string[] = [];
  for (let number = 0; number < 10; number += 1) {
    const answer = await engine.start({ process: "parking", key: id(number), input: { id: id(number) }, origin: "t" });
    runs.push((answer as { run: string }).run);
  }
  for (const run of runs) await until(run, "parked");
  const actor = { by: "test", reason: "looked it up" };
  for (const run of runs) {
    await engine.operate(run, { kind: "happened", result: { found: run } }, actor);
    const [task] = engine.tasks({ run });
    await engine.answer(task?.id ?? "", { yes: true }, actor);
  }
  for (const run of runs) assert.deepEqual((await until(run, "completed")).output, [{ found: run }, { yes: true }]);
  assert.ok(begun > 10);
});

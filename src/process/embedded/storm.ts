/** Test seam: many runs that want something at the same moment. Used by the short tests with few, by the long ones with many. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { realClock } from "../../clock.ts";
import type { Schema } from "../../operation.ts";
import { defineProcess } from "../define.ts";
import { anything, FakeSystem, type Rig, remove, rig } from "./engine-harness.ts";
import type { RunFact } from "./facts.ts";

const id = (number: number): string => `r-${number}`;
interface Input {
  readonly id: string;
  readonly at: number;
}

/** Waits until its moment, then calls once. */
function waker(system: FakeSystem) {
  const book = system.operation("book", "idempotent");
  return defineProcess({
    name: "waker",
    input: anything as Schema<Input>,
    key: (input) => input.id,
    async run(flow, input) {
      await flow.until(input.at);
      await flow.call(book, { id: input.id });
      return { id: input.id };
    },
  });
}

/** Resolves when so many runs have completed. */
function completed(count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const take = (fact: unknown) => {
      const { kind, status } = fact as RunFact;
      if (kind !== "settled" || status !== "completed") return;
      left -= 1;
      if (left > 0) return;
      unsubscribe("mortise:process:run", take);
      resolve();
    };
    subscribe("mortise:process:run", take);
  });
}

async function startAll({ engine }: Rig, count: number, at: number): Promise<void> {
  // Not all at once: each start that waits for its commit is held in memory.
  for (let from = 0; from < count; from += 500) {
    await Promise.all(
      Array.from({ length: Math.min(500, count - from) }, (_, number) =>
        engine.start({
          process: "waker",
          key: id(from + number),
          input: { id: id(from + number), at },
          origin: "test",
        }),
      ),
    );
  }
}

/** So many runs sleep until one and the same moment; at most `residentRuns` are in memory. Each calls once, and ends. */
export async function timersInOneMoment(count: number, residentRuns: number): Promise<void> {
  const system = new FakeSystem();
  const process = waker(system);
  const first = await rig({ processes: [process], system, worker: { residentRuns } });
  try {
    const begun = realClock.now();
    // Long enough that all of them sleep by then, however slow the machine: the moment is moved to the end of the starts.
    const at = begun + 3_600_000;
    await startAll(first, count, at);
    for (let number = 0; number < count; number += 1)
      await first.until(first.engine.runByKey("waker", id(number))?.id ?? "", "waiting");
    await first.stop();
    await due(first.folder, count);
    const all = completed(count);
    const second = await rig({ processes: [process], system, folder: first.folder, worker: { residentRuns } });
    await all;
    assert.equal(system.calls("book").length, count);
    assert.equal(new Set(system.calls("book").map(({ key }) => key)).size, count);
    await second.stop();
  } finally {
    remove(first.folder);
  }
}

/** Sets every timer to a moment that has passed: six hours of outage need not be waited for. */
async function due(folder: string, count: number): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const { join } = await import("node:path");
  const db = new DatabaseSync(join(folder, "mortise.db"));
  assert.equal(Number(db.prepare("update timers set due = 1000").run().changes), count);
  db.close();
}

/** So many runs were accepted and not begun when the server ended. All of them end after the restart, each called once. */
export async function backlogAtRestart(count: number, residentRuns: number): Promise<void> {
  const system = new FakeSystem();
  const process = waker(system);
  const first = await rig({ processes: [process], system, startsNoWorker: true });
  try {
    await startAll(first, count, 0);
    await first.stop();
    // The new one with them: it may well be done before the last of those.
    const all = completed(count + 1);
    const begun = performance.now();
    const second = await rig({ processes: [process], system, folder: first.folder, worker: { residentRuns } });
    // It takes new work at once, however much there is from before.
    const answer = await second.engine.start({
      process: "waker",
      key: "new",
      input: { id: "new", at: 0 },
      origin: "test",
    });
    assert.equal(answer.kind, "started");
    assert.ok(performance.now() - begun < 30_000);
    await all;
    const { run } = answer as { run: string };
    await second.until(run, "completed");
    assert.equal(new Set(system.calls("book").map(({ key }) => key)).size, count + 1);
    await second.stop();
  } finally {
    remove(first.folder);
  }
}

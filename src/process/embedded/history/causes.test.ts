/** Parked runs in groups of the same cause. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../../operation.ts";
import { FakeSystem, failing } from "../engine-harness.ts";
import { act, begin, endRigs, open, processOf, restarted } from "../operating-rig.ts";
import { alike } from "./causes.ts";

endRigs();

test("what differs from run to run is taken out of a message, and what tells causes apart stays", () => {
  const same: readonly [string, string][] = [
    ["Order S-100 is locked by user 17.", "Order S-2041 is locked by user 3."],
    ["no stock of '4711-A' in hall 3", "no stock of '12-B' in hall 9"],
    ["at 2026-11-23T08:30:00.123Z: 12.5 s too late", "at 2026-11-24T09:00:00Z: 3 s too late"],
    ["unknown 01j9zq6k3v01j9zq6k3v-4-g2, 2, 3", "unknown 01j9zq7a1b01j9zq7a1b-7, 9"],
    ["duplicate f47ac10b-58cc-4372-a567-0e02b2c3d479", "duplicate 9b2d7c1e-58cc-4372-a567-0e02b2c3d479"],
  ];
  for (const [one, other] of same) assert.equal(alike(one, []), alike(other, []), one);
  assert.equal(alike("HTTP 503 of order 17", []), "HTTP 503 of order …");
  assert.notEqual(alike("HTTP 503", []), alike("HTTP 401", []));
  assert.equal(alike('"quantity" must be integer', []), '"quantity" must be integer');
  assert.equal(alike("customer alice has no credit", ["alice"]), "customer … has no credit");
  assert.ok(alike("x".repeat(5000), []).length <= 200);
});

/** Ids of runs that begin in one millisecond are in no order. */
async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve));
}

test("parked runs are grouped by cause; a group is a filter of lists, and empties when its runs go on", async () => {
  const system = new FakeSystem();
  let broken = true;
  const a = system.operation("a", "unrepeatable", (input) => {
    if (!broken) return "A";
    const { id } = input as { id: number };
    const error = failing(id % 3 === 0 ? "unknown" : "none", "give-up");
    error.message = `order ${id} is locked`;
    throw error;
  });
  const options = {
    processes: [
      processOf((flow, input) => flow.call(a, { id: input as Json })),
      processOf((flow) => flow.call(a, { id: 1 }), { name: "q" }),
    ],
    system,
  };
  let one = await open(options);
  const runs: string[] = [];
  for (let id = 0; id < 5; id++) {
    runs.push(await begin(one, `order-${id}`, id));
    await nextMillisecond();
  }
  runs.push(await begin(one, "other", null, "q"));
  for (const run of runs) await one.until(run, "parked");
  one = await restarted(one, options);
  const groups = one.engine.causes();
  assert.deepEqual(
    groups.map(({ process, code, step, message, runs: many, example }) => [
      process,
      code,
      step,
      message,
      many,
      example,
    ]),
    [
      ["p", "step-gave-up", "fake.a", "order … is locked", 3, runs[1]],
      ["p", "step-unknown", "fake.a", "order … is locked", 2, runs[0]],
      ["q", "step-gave-up", "fake.a", "order … is locked", 1, runs[5]],
    ],
  );
  const ids = (filter: Parameters<typeof one.engine.runs>[0]) => one.engine.runs(filter).map(({ id }) => id);
  const [largest] = groups;
  assert.deepEqual(ids({ cause: largest?.cause as string, process: "p" }), [runs[4], runs[2], runs[1]]);
  assert.deepEqual(ids({ cause: "step-unknown" }), [runs[3], runs[0]]);
  assert.deepEqual(ids({ cause: "step-gave-up", process: "q", step: "fake.a" }), [runs[5]]);
  assert.deepEqual(ids({ cause: "step-gave-up", key: "order-2" }), [runs[2]]);
  assert.deepEqual(ids({ step: "fake.b" }), []);
  assert.deepEqual(ids({ keyPrefix: "order-", limit: 2 }), [runs[4], runs[3]]);
  assert.deepEqual(ids({ version: "v2" }), []);
  assert.equal(ids({ version: "v1", keyPrefix: "o" }).length, 6);
  broken = false;
  for (const run of [runs[1], runs[2], runs[4]] as string[]) await act(one, run, "retry");
  await act(one, runs[0] as string, "terminate");
  await act(one, runs[3] as string, "pause");
  for (const run of [runs[1], runs[2], runs[4]] as string[]) await one.until(run, "completed");
  await one.until(runs[0] as string, "terminated");
  await one.until(runs[3] as string, "paused");
  assert.deepEqual(
    one.engine.causes().map(({ process, runs: many }) => [process, many]),
    [["q", 1]],
  );
  await act(one, runs[3] as string, "resume");
  await one.until(runs[3] as string, "parked");
  assert.equal(one.engine.causes().length, 2);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, type Rig, remove, rig } from "../engine-harness.ts";

const process = (run: Parameters<typeof defineProcess>[0]["run"], more = {}) =>
  defineProcess({ name: "p", input: anything, key: (input) => (input as { id: string }).id, run, ...more });

async function withRig(options: Parameters<typeof rig>[0], body: (rig: Rig) => Promise<void>): Promise<void> {
  const one = await rig(options);
  try {
    await body(one);
  } finally {
    await one.stop();
    remove(one.folder);
  }
}

async function start({ engine }: Rig, key = "K1", input: object = {}): Promise<string> {
  const answer = await engine.start({ process: "p", key, input: { id: key, ...input } as never, origin: "test" });
  return (answer as { run: string }).run;
}

test("until waits for a moment; one that is past goes on at once, and is recorded", async () => {
  const p = process(async (flow) => {
    const due = flow.now() + 20;
    await flow.until(new Date(due));
    const late = flow.now() - due;
    await flow.until("2020-01-01");
    await flow.until(0);
    return late;
  });
  await withRig({ processes: [p] }, async (one) => {
    const detail = await one.until(await start(one), "completed");
    assert.ok((detail.output as number) >= 0);
    assert.deepEqual(
      detail.steps.map(({ id, kind, status }) => [id, kind, status]),
      [
        ["until", "sleep", "done"],
        ["until#2", "sleep", "done"],
        ["until#3", "sleep", "done"],
        ["completed", "end", "done"],
      ],
    );
  });
});

test("a waiting until says for when, outlives a restart, and a moment that is none is a clear error", async () => {
  const p = process(async (flow) => {
    try {
      await flow.until("tomorrow");
    } catch (error) {
      if ((error as { code?: string }).code !== "instant-invalid") throw error;
    }
    await flow.until("2199-01-01T00:00Z");
  });
  const one = await rig({ processes: [p] });
  const run = await start(one);
  assert.equal((await one.until(run, "waiting")).reason, "sleeps until 2199-01-01T00:00:00.000Z");
  await one.stop();
  const two = await rig({ processes: [p], folder: one.folder });
  await two.engine.operate(run, { kind: "cancel" }, { by: "olivia", reason: "long enough" });
  assert.equal((await two.until(run, "cancelled", "parked")).status, "cancelled");
  await two.stop();
  remove(one.folder);
});

test("an until that names another moment at replay is a divergence, with both shown", async () => {
  const of = (when: string) =>
    process(async (flow) => {
      await flow.until(when);
    });
  const one = await rig({ processes: [of("2199-01-01")] });
  const run = await start(one);
  await one.until(run, "waiting");
  await one.stop();
  const two = await rig({ processes: [of("2198-01-01")], folder: one.folder });
  await two.engine.operate(run, { kind: "cancel" }, { by: "olivia", reason: "wakes it" });
  const detail = await two.until(run, "parked", "cancelled");
  const park = detail.steps.find(({ kind }) => kind === "park");
  assert.match(String(park?.note), /does not follow/);
  await two.stop();
  remove(one.folder);
});

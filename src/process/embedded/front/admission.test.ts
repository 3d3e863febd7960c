import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProcess } from "../../define.ts";
import { anything, FakeSystem, rigFor } from "../engine-harness.ts";
import type { DiskState } from "./admission.ts";

const event = { kind: "event", system: "carrier", name: "shipped" } as const;
const key = (input: unknown) => (input as { id: string }).id;
const quick = defineProcess({ name: "p", input: anything, key, run: async () => "done" });
const waits = defineProcess({
  name: "w",
  input: anything,
  key,
  run: (flow, input) => flow.receive(event, { key: key(input) }),
});
const command = (id: string, process = "p") => ({ process, key: id, input: { id }, origin: "test" });

test("of a flood no more is held than the bound; what is refused says when to come again, and leaves nothing", async (t) => {
  const one = await rigFor(t, { processes: [quick], admission: { underWay: 50 } });
  const answers = await Promise.allSettled(
    Array.from({ length: 100_000 }, (_, index) => one.engine.start(command(`k${index}`))),
  );
  const refused = answers.filter((answer) => answer.status === "rejected");
  assert.equal(answers.length - refused.length, 50);
  for (const { reason } of refused.slice(0, 3)) {
    assert.deepEqual(
      [reason.code, reason.class, reason.status, reason.retryAfterMs],
      ["start-overload", "wait", 503, 2000],
    );
  }
  assert.equal(one.engine.runByKey("p", "k99999"), undefined);
  // The next ones are taken again.
  const { run } = (await one.engine.start(command("k99999"))) as { run: string };
  await one.until(run, "completed");
});

test("inputs under way are bounded by their size too; one alone is always taken", async (t) => {
  const one = await rigFor(t, { processes: [quick], admission: { underWayText: 1000 } });
  const large = (id: string) => one.engine.start({ ...command(id), input: { id, text: "x".repeat(2000) } });
  const [first, second] = await Promise.allSettled([large("a"), large("b")]);
  assert.equal(first?.status, "fulfilled");
  assert.equal((second as PromiseRejectedResult).reason.code, "start-overload");
  await large("b");
});

test("no more runs are open than the bound, also after a restart; signals are taken, and an end makes room", async (t) => {
  const processes = [quick, waits];
  const one = await rigFor(t, { processes, admission: { openRuns: 2 } });
  const { run } = (await one.engine.start(command("a", "w"))) as { run: string };
  await one.engine.start(command("b", "w"));
  await assert.rejects(one.engine.start(command("c")), { code: "start-open-runs", retryAfterMs: 10_000 });
  await one.stop();
  const two = await rigFor(t, { processes, admission: { openRuns: 2 }, folder: one.folder });
  await assert.rejects(two.engine.start(command("c")), { code: "start-open-runs" });
  await two.engine.signal({ system: "carrier", event: "shipped", key: "a", payload: 1, delivery: "d" });
  await two.engine.settled(run, 60_000);
  const done = (await two.engine.start(command("c"))) as { run: string };
  await two.until(done.run, "completed");
});

test("row 6: with too little space on the disk starts are refused, and runs under way go on and end", async (t) => {
  let disk: DiskState = "ok";
  const system = new FakeSystem();
  const one = await rigFor(t, { processes: [quick, waits], system, admission: { disk: () => disk } });
  const { run } = (await one.engine.start(command("a", "w"))) as { run: string };
  for (const state of ["low", "full"] as const) {
    disk = state;
    await assert.rejects(one.engine.start(command("b")), { code: "store-full", class: "wait", status: 503 });
  }
  await one.engine.signal({ system: "carrier", event: "shipped", key: "a", payload: 1, delivery: "d" });
  await one.until(run, "completed");
  disk = "ok";
  await one.engine.start(command("b"));
});

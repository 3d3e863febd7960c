/** Durable waits and a wall clock that is set while nothing runs; clock-jumps.long-test.ts sets it while they wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { installation } from "./clock-jumps.ts";

const hour = 3_600_000;

test("a clock that was set ahead while the server was down: what is due by it is over at the start, once", async (t) => {
  const one = await installation(t);
  assert.equal(await one.start(`sleep-${hour}`), "waiting");
  assert.equal(await one.start(`receive-${hour}`), "waiting");
  await one.stop();
  one.move(2 * hour);
  await one.open();
  const slept = await one.ended(`sleep-${hour}`);
  assert.deepEqual([slept.status, slept.calls], ["completed", 1]);
  assert.ok(Number(slept.output) >= 2 * hour, `its code sees the clock: ${slept.output}`);
  assert.deepEqual(await one.ended(`receive-${hour}`), { status: "completed", output: true, calls: 1 });
});

test("a clock that was set back while the server was down: the wait lasts until the clock says so, and is over once", async (t) => {
  const one = await installation(t);
  assert.equal(await one.start("sleep-2000"), "waiting");
  await one.stop();
  one.move(-hour);
  await one.open();
  assert.deepEqual(await one.state("sleep-2000"), { status: "waiting", calls: 0 });
  await one.stop();
  // Right again, and the time of the wait is over.
  one.move(hour + 2000);
  await one.open();
  const slept = await one.ended("sleep-2000");
  assert.deepEqual([slept.status, slept.calls], ["completed", 1]);
  await one.stop();
  // What was done is not done again when its time comes another time.
  one.move(-hour);
  await one.open();
  one.move(hour);
  assert.equal((await one.state("sleep-2000")).calls, 1);
});

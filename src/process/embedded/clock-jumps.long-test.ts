/** Durable waits and a wall clock that is set while they wait: it is noticed within ten seconds of running time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { installation } from "./clock-jumps.ts";

const hour = 3_600_000;
/** The clock is looked at every ten seconds (src/store/writer-thread.ts). */
const noticedMs = 15_000;

test("set ahead, the wait is over within seconds; set back, it lasts until the clock says so", async (t) => {
  const one = await installation(t);
  assert.equal(await one.start(`sleep-${hour}`), "waiting");
  assert.equal(await one.start(`receive-${hour}`), "waiting");
  one.move(2 * hour);
  const began = performance.now();
  assert.equal((await one.ended(`sleep-${hour}`)).calls, 1);
  assert.deepEqual(await one.ended(`receive-${hour}`), { status: "completed", output: true, calls: 1 });
  assert.ok(performance.now() - began < noticedMs, `after ${performance.now() - began} ms`);

  assert.equal(await one.start("sleep-2000"), "waiting");
  one.move(-hour);
  // Longer than the wait was, by the running time: its timer was armed for a moment that is not there yet.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  assert.deepEqual(await one.state("sleep-2000"), { status: "waiting", calls: 0 });
  // Wrong for a few seconds only, in which its timer was armed for the wrong moment.
  one.move(hour);
  const right = performance.now();
  assert.equal((await one.ended("sleep-2000")).calls, 1);
  assert.ok(performance.now() - right < noticedMs, `after ${performance.now() - right} ms`);
});

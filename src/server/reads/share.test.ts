import assert from "node:assert/strict";
import { test } from "node:test";
import { createShare, lookEveryMs } from "./share.ts";

/** Of a hundred reads after each look: how many are given away. */
function following() {
  let at = 0;
  let utilization = 0;
  const share = createShare(
    () => utilization,
    () => at,
  );
  return (worked: number) => {
    utilization = worked;
    at += lookEveryMs;
    return Array.from({ length: 100 }, () => share.next()).filter(Boolean).length;
  };
}

test("nothing is given away while the thread has time, all of it once it is busy", () => {
  const given = following();
  assert.deepEqual([given(0.1), given(0.5), given(0.59)], [0, 0, 0]);
  assert.deepEqual([given(0.95), given(0.95), given(0.95)], [50, 100, 100]);
});

test("what is given away is taken back slowly, and not while it is what keeps the thread from being busy", () => {
  const given = following();
  given(1);
  given(1);
  assert.deepEqual([given(0.5), given(0.4)], [100, 100]);
  assert.deepEqual([given(0.3), given(0.3), given(0.3)], [87, 75, 63]);
  assert.deepEqual([given(0.7)], [100]);
  for (let looks = 0; looks < 8; looks++) given(0);
  assert.equal(given(0), 0);
});

test("between two looks nothing changes", () => {
  let at = 0;
  let looks = 0;
  const share = createShare(
    () => {
      looks += 1;
      return 1;
    },
    () => at,
  );
  for (let reads = 0; reads < 1000; reads++) share.next();
  assert.equal(looks, 0);
  at = lookEveryMs;
  for (let reads = 0; reads < 1000; reads++) share.next();
  assert.equal(looks, 1);
});

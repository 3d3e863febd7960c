/** That a seed repeats what it found. A slice of the seeds is in simulate.slice-test.ts, the 10,000 are in simulate.long-test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "./simulate.ts";

test("a seed does the same every time, to the last record", async () => {
  for (const seed of [3, 268]) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    assert.equal(first.story, second.story);
    assert.equal(first.histories, second.histories);
  }
});

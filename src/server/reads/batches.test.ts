import assert from "node:assert/strict";
import { test } from "node:test";
import { batches } from "./batches.ts";

test("a batch leaves when it is full, what is left at the end of the turn, and nothing twice", async () => {
  const posted: number[][] = [];
  const { add, flush } = batches<number>((batch) => posted.push(batch));
  for (let one = 0; one < 35; one++) add(one, -one);
  assert.deepEqual(
    posted.map((batch) => batch.length),
    [32, 32],
  );
  await new Promise(setImmediate);
  assert.deepEqual(posted.flat().length, 70);
  assert.deepEqual(posted[2], [32, -32, 33, -33, 34, -34]);
  await new Promise(setImmediate);
  assert.equal(posted.length, 3);
  add(1);
  flush();
  flush();
  await new Promise(setImmediate);
  assert.deepEqual(posted.slice(3), [[1]]);
});

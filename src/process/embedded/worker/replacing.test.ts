import assert from "node:assert/strict";
import { test } from "node:test";
import type { Execution } from "../run/execution.ts";
import { Replacing } from "./replacing.ts";

const execution = (underWay: number) =>
  ({ journal: { underWay } }) as unknown as Execution & { journal: { underWay: number } };

test("a new execution is not read before what the old one has sent is there, and the old one writes no more from the start", () => {
  const replacing = new Replacing();
  const old = execution(2);
  assert.equal(replacing.has(old), false);
  assert.equal(replacing.begin(old), false);
  assert.equal(replacing.has(old), true);
  old.journal.underWay = 1;
  assert.equal(replacing.sent(old), false);
  old.journal.underWay = 0;
  assert.equal(replacing.sent(old), true);
  assert.equal(replacing.begin(old), true);
  assert.deepEqual([replacing.sent(old), replacing.has(old)], [false, true]);
});

test("with nothing on its way it is read at once; a run that was lost meanwhile is not waited for", () => {
  const replacing = new Replacing();
  assert.equal(replacing.begin(execution(0)), true);
  const lost = execution(1);
  replacing.begin(lost);
  replacing.drop(lost);
  lost.journal.underWay = 0;
  assert.equal(replacing.sent(lost), false);
});

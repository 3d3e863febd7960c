import assert from "node:assert/strict";
import { test } from "node:test";
import { keptAnswers } from "./kept-answers.ts";

test("an answer is kept for its time, and the oldest make room for number and for size", () => {
  let now = 0;
  const kept = keptAnswers<string>(1000, () => now, { most: 3, mostSize: 80 });
  const all = () => ["a", "b", "c", "d", "e"].filter((id) => kept.get(id) !== undefined).join("");
  for (const id of ["a", "b", "c", "d"]) kept.keep(id, id, 4);
  assert.equal(all(), "bcd");
  kept.keep("b", "again", 4);
  kept.keep("e", "e", 4);
  assert.equal(all(), "bde", "what came again is young");
  assert.equal(kept.get("b"), "again");
  kept.keep("a", "large", 10);
  assert.equal(kept.get("a"), undefined, "no single one takes much of the whole");
  now = 1000;
  assert.equal(all(), "");
  kept.keep("c", "c", 0);
  now = 1999;
  assert.equal(all(), "c");

  const sized = keptAnswers<number>(1000, () => now, { mostSize: 80 });
  for (let at = 0; at < 100; at++) sized.keep(`k${String(at).padStart(2, "0")}`, at, 5);
  const left = Array.from({ length: 100 }, (_, at) => sized.get(`k${String(at).padStart(2, "0")}`)).filter(
    (one) => one !== undefined,
  );
  assert.deepEqual(left, [90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
});

test("without a time nothing is kept", () => {
  const kept = keptAnswers<number>(0, () => 0);
  kept.keep("a", 1, 1);
  assert.equal(kept.get("a"), undefined);
});

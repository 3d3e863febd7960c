import assert from "node:assert/strict";
import { test } from "node:test";
import { lost } from "./own-failures.ts";
import { anotherRow, failedIn, newPast, type Past } from "./past.ts";
import { countFor, policyOf } from "./policy.ts";

const refused = { code: "rest-refused", message: "no", class: "retry", outcome: "none" } as const;
const counted = (past: Past, attempts?: number) =>
  countFor(policyOf(attempts === undefined ? undefined : { attempts }), "unknown", past.counts);

test("that the server ended says little of the system: of five attempts that it cut off the first counts", () => {
  const past = newPast(0);
  const course: number[] = [];
  for (let a = 1; a <= 11; a++) {
    failedIn(past, { a, at: a, f: lost });
    course.push(counted(past));
  }
  assert.deepEqual(course, [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]);
  assert.equal(past.attempts, 11, "the next one has the number after them all");
  assert.equal(past.maybe, true);
  failedIn(past, { a: 12, at: 12, f: refused });
  assert.equal(counted(past), 4, "a failure of the system counts as ever");
  anotherRow(past, 13, true);
  failedIn(past, { a: 13, at: 14, f: lost });
  assert.equal(counted(past), 1, "a person's retry begins anew");
});

test("with one attempt in all, one that was cut off was the one", () => {
  const past = newPast(0);
  failedIn(past, { a: 1, at: 1, f: lost });
  assert.ok(counted(past, 1) >= policyOf({ attempts: 1 }).unknown.attempts);
});

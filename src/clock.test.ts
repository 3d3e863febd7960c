import assert from "node:assert/strict";
import { test } from "node:test";
import { realClock } from "./clock.ts";

const hour = 3_600_000;
const day = 24 * hour;

test("what is longer than a timer of Node may be is waited for all the same, and can be cancelled at any time", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let acted = 0;
  realClock.later(60 * day, () => (acted += 1));
  const early = realClock.later(60 * day, () => assert.fail("cancelled at the start"));
  const late = realClock.later(60 * day, () => assert.fail("cancelled on the way"), true);
  early();
  // In small steps: a part that ends within a step begins the next at the step's end.
  const pass = (hours: number) => {
    for (let passed = 0; passed < hours; passed += 1) t.mock.timers.tick(hour);
  };
  pass(59 * 24);
  late();
  assert.equal(acted, 0);
  pass(27);
  assert.equal(acted, 1);
});

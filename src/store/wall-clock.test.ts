import assert from "node:assert/strict";
import { test } from "node:test";
import { watchWallClock } from "./wall-clock.ts";

test("a clock that is set, and a machine that slept, are noticed once each; a clock that is a little off is not", () => {
  let wall = 1_000_000;
  let running = 0;
  let look = () => {};
  let jumps = 0;
  watchWallClock({
    clock: {
      now: () => wall,
      later(_, given) {
        look = given;
        return () => {};
      },
    },
    running: () => running,
    jumped: () => {
      jumps += 1;
    },
  });
  const pass = (wallMs: number, runningMs: number) => {
    wall += wallMs;
    running += runningMs;
    look();
    return jumps;
  };
  assert.equal(pass(10_000, 10_000), 0);
  assert.equal(pass(10_300, 10_000), 0);
  assert.equal(pass(40 * 86_400_000, 10_000), 1, "ahead");
  assert.equal(pass(10_000, 10_000), 1);
  assert.equal(pass(-20 * 86_400_000, 10_000), 2, "back");
  assert.equal(pass(8 * 3_600_000, 10_000), 3, "slept");
});

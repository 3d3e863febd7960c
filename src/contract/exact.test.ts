import assert from "node:assert/strict";
import { test } from "node:test";
import { compareExact } from "./exact.ts";

test("decimals are compared by their digits, however many there are", () => {
  const ordered = [
    "-10",
    "-9.99",
    "-0.1",
    "0",
    "0.0999",
    "0.1",
    "00.11",
    "9007199254740992.9",
    "9007199254740993",
    "+12345678901234567890.1",
  ];
  for (const [i, a] of ordered.entries())
    for (const [j, b] of ordered.entries()) assert.equal(Math.sign(compareExact(a, b)), Math.sign(i - j), `${a} ${b}`);
  for (const [a, b] of [
    ["1", "1.00"],
    ["-0", "0"],
    ["+3", "003"],
    [".5", "0.50"],
  ] as const)
    assert.equal(compareExact(a, b), 0, `${a} ${b}`);
});

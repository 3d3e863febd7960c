import assert from "node:assert/strict";
import { test } from "node:test";
import { addDecimals, compareDecimals, decimal, int64, milliseconds } from "./operation.ts";

test("decimals are kept and added exactly", () => {
  assert.equal(decimal("12.50"), "12.50");
  assert.equal(addDecimals(decimal("0.1"), decimal("0.2")), "0.3");
  assert.equal(addDecimals(decimal("1.10"), decimal("2"), decimal("-4.115")), "-1.015");
  assert.equal(addDecimals(decimal("-0.5"), decimal("+.5")), "0.0");
  assert.equal(addDecimals(decimal("99999999999999999999.99"), decimal("0.01")), "100000000000000000000.00");
  assert.equal(addDecimals(), "0");
  assert.equal(compareDecimals(decimal("1.0"), decimal("1")), 0);
  assert.equal(compareDecimals(decimal("-2"), decimal("1.999")), -1);
  for (const wrong of ["", ".", "1e3", "0x1", "1,5", "NaN", " 1"]) assert.throws(() => decimal(wrong), RangeError);
});

test("64-bit integers are kept within their range", () => {
  assert.equal(int64("9007199254740993"), "9007199254740993");
  assert.equal(int64(-5), "-5");
  assert.equal(int64(2n ** 63n - 1n), "9223372036854775807");
  for (const wrong of ["9223372036854775808", "1.5", "", 2 ** 60, 0.5]) assert.throws(() => int64(wrong), RangeError);
});

test("durations are numbers with a unit", () => {
  assert.equal(milliseconds("1.5s"), 1500);
  assert.equal(milliseconds("2d"), 172_800_000);
  assert.throws(() => milliseconds("soon" as never), RangeError);
  assert.equal(milliseconds("36500d"), 3_153_600_000_000);
  for (const wrong of ["36501d", 1e308, Number.POSITIVE_INFINITY, Number.NaN, -1] as const)
    assert.throws(() => milliseconds(wrong), { name: "RangeError", message: /not a duration/ });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { epochOf } from "./instant.ts";

test("a moment is a Date, epoch milliseconds, or ISO text with its zone", () => {
  const noon = Date.UTC(2026, 11, 24, 12);
  assert.equal(epochOf(new Date(noon)), noon);
  assert.equal(epochOf(noon), noon);
  for (const text of [
    "2026-12-24T12:00Z",
    "2026-12-24T12:00:00Z",
    "2026-12-24T12:00:00.000Z",
    "2026-12-24T13:00+01:00",
  ])
    assert.equal(epochOf(text), noon, text);
  assert.equal(epochOf("2026-12-24"), Date.UTC(2026, 11, 24));
  assert.equal(epochOf("2028-02-29"), Date.UTC(2028, 1, 29));
});

test("what names no moment, or not the same one everywhere, is refused", () => {
  const bad = [
    "",
    "tomorrow",
    "2026-12-24T12:00", // whose noon?
    "2026-02-30",
    "2026-02-30T12:00Z",
    "2026-13-01",
    "2026-12-24T25:00Z",
    "24.12.2026",
    new Date("nonsense"),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    9e15,
    undefined,
    {},
  ];
  for (const value of bad) assert.throws(() => epochOf(value as never), { code: "instant-invalid" }, String(value));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { windowAround } from "./quota.ts";

test("windows are those of the calendar in UTC; a week begins on Monday", () => {
  const shown = (at: string, window: "hour" | "day" | "week" | "month") => {
    const { from, to } = windowAround(Date.parse(at), window);
    return [new Date(from).toISOString(), new Date(to).toISOString()].map((text) => text.slice(0, 16));
  };
  assert.deepEqual(shown("2026-11-27T23:59:59.999Z", "hour"), ["2026-11-27T23:00", "2026-11-28T00:00"]);
  assert.deepEqual(shown("2026-11-27T23:59:59.999Z", "day"), ["2026-11-27T00:00", "2026-11-28T00:00"]);
  assert.deepEqual(shown("2026-11-27T12:00:00Z", "week"), ["2026-11-23T00:00", "2026-11-30T00:00"]);
  assert.deepEqual(shown("2026-11-30T00:00:00Z", "week"), ["2026-11-30T00:00", "2026-12-07T00:00"]);
  assert.deepEqual(shown("2026-11-29T23:59:59Z", "week"), ["2026-11-23T00:00", "2026-11-30T00:00"]);
  assert.deepEqual(shown("2026-12-31T12:00:00Z", "month"), ["2026-12-01T00:00", "2027-01-01T00:00"]);
});

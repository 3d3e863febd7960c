import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CatchUp } from "../../process/schedule.ts";
import { dueTicks, graceMs, type Pattern, patternOf } from "./ticks.ts";

const hour = 3_600_000;
const texts = (pattern: Pattern, from: string, count: number) => {
  const list: string[] = [];
  let at = Date.parse(from);
  while (list.length < count) {
    at = pattern.next(at) ?? assert.fail("no more ticks");
    list.push(new Date(at).toISOString().slice(0, 16));
  }
  return list;
};

test("row 9: a night tick that the change to summer time leaves out fires once, at the change", () => {
  const nightly = patternOf("30 2 * * *", "Europe/Berlin");
  assert.deepEqual(texts(nightly, "2026-03-27T12:00:00Z", 3), [
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]);
});

test("row 9: a night tick that comes twice in autumn fires once", () => {
  const nightly = patternOf("30 2 * * *", "Europe/Berlin");
  assert.deepEqual(texts(nightly, "2026-10-24T12:00:00Z", 2), ["2026-10-25T00:30", "2026-10-26T01:30"]);
});

test("an hourly tick fires in every hour that passes, also in those nights", () => {
  const hourly = patternOf("0 * * * *", "Europe/Berlin");
  for (const night of ["2026-03-29T00:30:00Z", "2026-10-24T23:30:00Z"]) {
    let at = Date.parse(night);
    for (let count = 0; count < 5; count += 1) {
      const next = hourly.next(at) as number;
      assert.ok(next - at <= hour);
      at = next;
    }
  }
});

test("seconds come first where there are six fields; what is no pattern says what is wrong", () => {
  assert.deepEqual(texts(patternOf("30 0 6 * * 1-5", "UTC"), "2026-11-27T07:00:00Z", 1), ["2026-11-30T06:00"]);
  assert.throws(() => patternOf("* * *", "UTC"), /^RangeError: cron "\* \* \*" must have five fields/);
  assert.throws(() => patternOf("61 * * * *", "UTC"), /^RangeError: cron "61 \* \* \* \*" can't be read: .*61/);
  assert.throws(() => patternOf("0 6 * * *", "Mars/Olympus"), /^RangeError: timeZone "Mars\/Olympus"/);
});

/** Every tick in (after, upTo], by going through them one by one. */
function every(pattern: Pattern, after: number, upTo: number): number[] {
  const list: number[] = [];
  for (let at = pattern.next(after); at !== undefined && at <= upTo; at = pattern.next(at)) list.push(at);
  return list;
}

test("whatever passed: each tick in time is due, missed ones by the rule, none twice, none from the future", () => {
  const cron = fc.constantFrom("0 6 * * *", "*/5 * * * *", "*/20 * * * * *", "30 2 * * *", "0 0 * * 1", "*/30 2 * * *");
  const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe");
  const moment = fc.constantFrom("2026-03-29T00:40:00Z", "2026-10-25T00:10:00Z", "2026-07-01T04:00:00Z");
  const arbitrary = fc.record({
    cron,
    zone,
    moment,
    shift: fc.integer({ min: -4 * hour, max: 4 * hour }),
    away: fc.oneof(fc.integer({ min: 0, max: 2 * graceMs }), fc.integer({ min: 0, max: 12 * hour })),
    catchUp: fc.constantFrom<CatchUp>("one", "all", "none"),
    limit: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ cron: text, zone: timeZone, moment: at, shift, away, catchUp, limit }) => {
      const pattern = patternOf(text, timeZone);
      const last = Date.parse(at) + shift;
      const now = last + away;
      const all = every(pattern, last, now);
      const inTime = all.filter((tick) => tick > now - graceMs);
      const missed = all.filter((tick) => tick <= now - graceMs);
      const wanted = catchUp === "all" ? limit : catchUp === "one" && inTime.length === 0 ? 1 : 0;
      const made = wanted === 0 ? [] : missed.slice(-wanted);
      const due = dueTicks(pattern, { last, now, catchUp, limit });
      assert.deepEqual(due.ticks, [
        ...made.map((tick) => ({ at: tick, late: true })),
        ...inTime.map((tick) => ({ at: tick, late: false })),
      ]);
      assert.equal(due.skipped, made.length < missed.length);
      // Once they are handled nothing is due any more.
      const handled = due.ticks.at(-1)?.at ?? now;
      assert.deepEqual(dueTicks(pattern, { last: handled, now, catchUp, limit }).ticks, []);
    }),
    { numRuns: 120 },
  );
});

test("a clock that jumps by forty days finds one tick to make up for, or a bounded number, not all of them", () => {
  const pattern = patternOf("* * * * * *", "Europe/Berlin");
  const last = Date.parse("2026-01-01T00:00:00Z");
  const now = last + 40 * 24 * hour;
  const grace = graceMs / 1000;
  for (const [catchUp, ticks] of [
    ["one", grace],
    ["none", grace],
    ["all", grace + 100],
  ] as const) {
    const due = dueTicks(pattern, { last, now, catchUp, limit: 100 });
    assert.deepEqual([due.ticks.length, due.skipped], [ticks, true]);
  }
});

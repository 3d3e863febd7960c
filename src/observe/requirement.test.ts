import assert from "node:assert/strict";
import test from "node:test";
import { defineRequirement, type RequirementOptions } from "./requirement.ts";

const good: RequirementOptions = {
  process: "order-to-cash",
  purpose: "Every order of the shop is delivered and paid.",
  owner: "sales operations",
  systems: { erp: { sourceOfTruthFor: ["sales orders"] }, carrier: { sourceOfTruthFor: [] } },
  volume: { runs: 500, per: "hour", peak: 2000 },
  turnaround: { within: "2d", percent: 95 },
  data: { classification: "confidential", personal: true },
};

test("a requirement is frozen data", () => {
  const requirement = defineRequirement(good);
  assert.equal(requirement.kind, "requirement");
  assert.ok(Object.isFrozen(requirement));
});

test("a field that does not fit is named", () => {
  const wrong: readonly (readonly [Partial<RequirementOptions>, RegExp])[] = [
    [{ owner: " " }, /owner must be text/],
    [{ volume: { runs: 0, per: "hour" } }, /volume\.runs must be/],
    [{ volume: { runs: 10, per: "hour", peak: 5 } }, /volume\.peak must be at least/],
    [{ turnaround: { within: "2d", percent: 101 } }, /turnaround\.percent must be/],
    [{ turnaround: { within: "0s", percent: 95 } }, /turnaround\.within must be a duration/],
  ];
  for (const [change, expected] of wrong) assert.throws(() => defineRequirement({ ...good, ...change }), expected);
});

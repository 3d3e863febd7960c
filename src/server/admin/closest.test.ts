import assert from "node:assert/strict";
import { test } from "node:test";
import { closest } from "./closest.ts";

test("a slip of one letter or two is seen through, another word is not", () => {
  const known = ["daily", "gold", "parcels:read", "parcels:write"];
  for (const [given, meant] of [
    ["dayly", "daily"],
    ["dialy", "daily"],
    ["parcels:reed", "parcels:read"],
    ["parcel:rad", "parcels:read"],
    ["glod", "gold"],
    ["silver", undefined],
    ["go", undefined],
    ["", undefined],
  ] as const)
    assert.equal(closest(given, known), meant, given);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleFor } from "./pattern-sample.ts";

test("the sample of a pattern is one that the pattern takes", () => {
  const expected: Readonly<Record<string, string>> = {
    "^C-[0-9]{4}$": "C-0000",
    "^[A-Z]{3}$": "EUR",
    "^[A-Z]{5}$": "AAAAA",
    "^[A-Za-z0-9-]{1,60}$": "id",
    "^\\d{3}\\.\\d{2}$": "000.00",
    "^[^a-z]+$": "12.50",
    "^(yes|no)$": "id",
    "^(a|b)$": "a",
    "^\\d+(\\.\\d+)?$": "12.50",
    "^[^A-Z]*_$": "_",
  };
  for (const [pattern, sample] of Object.entries(expected)) assert.equal(sampleFor(pattern, "id"), sample, pattern);
});

test("what is no pattern, or would be endless, gives the wish", () => {
  for (const pattern of ["[", "(?=x)", "x{999}", "^.{61}$", `^${"a".repeat(300)}$`])
    assert.equal(sampleFor(pattern, "id"), "id", pattern);
});

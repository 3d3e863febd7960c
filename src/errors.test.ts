/** What errors say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "./errors.ts";

test("a sentence that is filled in brings its own full stop, and gets no second one", () => {
  const { message } = failure("test-not-ended", { run: "sale A-1: parked, nothing was sent; mend the mapping." });
  assert.match(message, /mend the mapping\. Signal/);
  assert.match(failure("test-not-ended", { run: "sale A-1: waiting" }).message, /waiting\. Signal/);
});

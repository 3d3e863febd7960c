import assert from "node:assert/strict";
import { test } from "node:test";
import { Pieces } from "./pieces.ts";

test("pieces are one body, in their order; one alone is not copied; what came in is not changed", () => {
  const pieces = new Pieces();
  assert.equal(pieces.whole().length, 0);
  const first = Buffer.from("first");
  pieces.add(first);
  assert.equal(pieces.whole().buffer, first.buffer);
  let all = "first";
  for (let n = 0; n < 1000; n += 1) {
    const text = "x".repeat(n % 7) + n;
    pieces.add(Buffer.from(text));
    all += text;
  }
  assert.equal(pieces.whole().toString(), all);
  assert.equal(pieces.size, all.length);
  assert.equal(first.toString(), "first");
});

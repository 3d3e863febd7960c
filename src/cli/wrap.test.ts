import assert from "node:assert/strict";
import { test } from "node:test";
import { paragraphs } from "./wrap.ts";

const stream = (columns: number, isTTY = true) => ({ write: () => true, isTTY, columns });

test("a paragraph is folded to the terminal, with an indent; a long word has a line of its own", () => {
  const lines = paragraphs(stream(30))(
    "warehouse.reserveStock  was sent once, and answered by a-word-that-is-longer-than-the-line",
    2,
    4,
  );
  assert.deepEqual(lines, [
    "  warehouse.reserveStock  was",
    "    sent once, and answered by",
    "    a-word-that-is-longer-than-the-line",
  ]);
});

test("where nobody looks a paragraph is one line, and so is one that is narrower than can be read", () => {
  assert.deepEqual(paragraphs(stream(20, false))("one two  three four five six", 2), [
    "  one two  three four five six",
  ]);
  assert.equal(paragraphs(stream(3))("one two three four", 0).length, 1);
});

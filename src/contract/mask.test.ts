import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../operation.ts";
import { maskAt, pathsBelow } from "./mask.ts";

test("values at the paths are masked, in lists and maps too, and the original stays", () => {
  const value: Json = {
    card: { number: "4111", name: "A" },
    lines: [{ note: "x", sku: "1" }, { sku: "2" }],
    meta: { a: 1, b: { c: 2 } },
  };
  const copy = structuredClone(value);
  const mask = maskAt(["card.number", "lines.*.note", "meta.*", "not.there"]);
  assert.deepEqual(mask(value), {
    card: { number: "•••", name: "A" },
    lines: [{ note: "•••", sku: "1" }, { sku: "2" }],
    meta: { a: "•••", b: "•••" },
  });
  assert.deepEqual(value, copy);
});

test("paths that meet all count, an empty path is everything, an index is a name", () => {
  assert.deepEqual(maskAt(["a.b.c", "a.*.d"])({ a: { b: { c: 1, d: 2, e: 3 } } }), {
    a: { b: { c: "•••", d: "•••", e: 3 } },
  });
  assert.equal(maskAt([""])({ a: 1 }), "•••");
  assert.deepEqual(maskAt(["0"])(["x", "y"]), ["•••", "y"]);
});

test("without paths the very same value comes back, and __proto__ stays data", () => {
  const value = { a: 1 };
  assert.equal(maskAt([])(value), value);
  const odd = JSON.parse('{"__proto__":{"x":1},"s":2}');
  assert.equal(JSON.stringify(maskAt(["s"])(odd)), '{"__proto__":{"x":1},"s":"•••"}');
});

test("a system's paths are cut to one operation", () => {
  const all = ["authorize.input.token", "*.output.secret", "authorize.output", "capture.input.x"];
  assert.deepEqual(pathsBelow(all, "authorize.input"), ["token"]);
  assert.deepEqual(pathsBelow(all, "authorize.output"), ["secret", ""]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { NamedSlots, Slots } from "./slots.ts";

test("a number finds its value until it is taken, and is then used again", () => {
  const slots = new Slots<string>();
  const [a, b] = [slots.put("a"), slots.put("b")];
  assert.equal(slots.take(a), "a");
  assert.equal(slots.take(a), undefined);
  assert.equal(slots.put("c"), a);
  assert.deepEqual([slots.get(a), slots.get(b), slots.size], ["c", "b", 2]);
  assert.deepEqual(slots.entries(), [
    [a, "c"],
    [b, "b"],
  ]);
});

test("a name finds its newest value until it is deleted", () => {
  const slots = new NamedSlots<number>();
  slots.set("a", 1);
  slots.set("__proto__", 2);
  slots.set("a", 3);
  assert.deepEqual([slots.get("a"), slots.get("__proto__"), slots.get("b"), slots.size], [3, 2, undefined, 2]);
  slots.delete("a");
  slots.delete("a");
  assert.deepEqual([slots.has("a"), slots.values()], [false, [2]]);
});

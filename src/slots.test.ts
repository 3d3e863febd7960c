import assert from "node:assert/strict";
import { test } from "node:test";
import { lastFound, NamedSlots, Slots } from "./slots.ts";

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

test("50,000 names that come and go, some of them alike, are found as a map finds them", () => {
  const slots = new NamedSlots<number>();
  const map = new Map<string, number>();
  let chance = 7;
  for (let number = 0; number < 50_000; number++) {
    chance = (Math.imul(chance, 1103515245) + 12345) & 0x7fffffff;
    const about = (chance >> 8) % 3000;
    const long = "x".repeat(about % 2000);
    const name = about % 3 === 0 ? `${about}` : about % 3 === 1 ? `${long}${about}` : `${about}ü${long}`;
    if ((chance >> 5) % 5 < 2) {
      slots.delete(name);
      map.delete(name);
    } else {
      slots.set(name, number);
      map.set(name, number);
    }
    assert.equal(slots.get(name), map.get(name));
    assert.equal(slots.size, map.size);
  }
  for (let about = 0; about < 3000; about++) assert.equal(slots.get(`${about}`), map.get(`${about}`));
  assert.deepEqual(slots.values().sort(), [...map.values()].sort());
});

test("a name finds what the map holds, whatever was looked up before it", () => {
  const map = new Map([
    ["a", 1],
    ["b", 2],
  ]);
  const find = lastFound(map);
  assert.deepEqual(["a", "a", "b", "c", "b", "__proto__", "a"].map(find), [1, 1, 2, undefined, 2, undefined, 1]);
  map.set("c", 3);
  assert.equal(find("c"), 3);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { bareRecord } from "./bare.ts";

test("attack 25: a bare record inherits nothing, and a name such as __proto__ is one like any other", () => {
  const record = bareRecord<unknown>();
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]) {
    assert.equal(record[name], undefined, name);
    assert.equal(name in record, false, name);
  }
  const given: readonly (readonly [string, unknown])[] = [
    ["__proto__", { admin: true }],
    ["constructor", 1],
  ];
  for (const [name, value] of given) record[name] = value;
  assert.equal(record.admin, undefined);
  assert.deepEqual(Object.keys(record), ["__proto__", "constructor"]);
  assert.equal(JSON.stringify(record), '{"__proto__":{"admin":true},"constructor":1}');
  assert.deepEqual(Object.keys(bareRecord()), [], "and the next one knows nothing of it");
});

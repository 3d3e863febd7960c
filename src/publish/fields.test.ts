import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, JsonSchema } from "../operation.ts";
import { fieldsOf } from "./fields.ts";
import { shapeOf } from "./schemas.ts";

const fields = (json: JsonSchema) => fieldsOf({ kind: "schema", json });
const text = { type: "string" } as const;

test("OW-3: fields that a schema does not name are dropped and found, at every depth", () => {
  const { drop, unknown } = fields({
    type: "object",
    properties: {
      id: text,
      lines: { type: "array", items: { $ref: "#/$defs/Line" } },
      pair: { type: "array", prefixItems: [{ $ref: "#/$defs/Line" }, true] },
    },
    $defs: { Line: { type: "object", properties: { sku: text, next: { $ref: "#/$defs/Line" } } } },
  });
  const value = {
    id: "1",
    margin: 0.4,
    lines: [{ sku: "a" }, { sku: "b", cost: 3, next: { sku: "c", cost: 4 } }],
    pair: [{ sku: "d", cost: 5 }, { any: 1 }],
  };
  assert.deepEqual(drop(value), {
    id: "1",
    lines: [{ sku: "a" }, { sku: "b", next: { sku: "c" } }],
    pair: [{ sku: "d" }, { any: 1 }],
  });
  assert.deepEqual(
    unknown(value as unknown as Json).map(({ at }) => at),
    ["/margin", "/lines/1/cost", "/lines/1/next/cost", "/pair/0/cost"],
  );
  const clean = { id: "1", lines: [{ sku: "a" }] };
  assert.equal(drop(clean), clean, "nothing is copied where there is nothing to drop");
});

test("OW-3: what a schema leaves open stays open", () => {
  const value = { id: "1", more: { x: 1 }, "x-note": "n" };
  for (const open of [
    true,
    {},
    { type: "object" },
    { type: "object", properties: { id: text }, additionalProperties: true },
    { type: "object", properties: { id: text }, patternProperties: { "^x-": text } },
    { anyOf: [{ type: "object", properties: { id: text } }, { type: "object" }] },
    { anyOf: [{ type: "object", properties: { id: text } }, {}] },
  ] as JsonSchema[]) {
    assert.equal(fields(open).drop(value), value, JSON.stringify(open));
    assert.deepEqual(fields(open).unknown(value), []);
  }
  const map = fields({ type: "object", properties: { id: text }, additionalProperties: { properties: { x: text } } });
  assert.deepEqual(map.drop({ id: "1", any: { x: "1", y: "2" } }), { id: "1", any: { x: "1" } });
});

test("OW-3: what several parts of a schema name is named", () => {
  const value = { a: "1", b: "2", c: "3", d: "4" };
  for (const join of [
    { allOf: [{ properties: { a: text } }, { properties: { b: text } }] },
    { properties: { a: text }, anyOf: [{ properties: { b: text } }, { type: "null" }] },
    {
      oneOf: [{ $ref: "#/$defs/A" }, { $ref: "#/$defs/B" }],
      $defs: { A: { properties: { a: text } }, B: { properties: { b: text } } },
    },
    { properties: { a: text, b: text }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    { properties: { a: text }, if: { required: ["a"] }, else: { properties: { b: text } } },
    { properties: { a: text }, dependentSchemas: { a: { properties: { b: text } } } },
  ] as JsonSchema[])
    assert.deepEqual(fields(join).drop(value), { a: "1", b: "2" }, JSON.stringify(join));
});

test("OW-3: what stands beside a reference is named as well", () => {
  const $defs = { A: { type: "object", properties: { a: text }, required: ["a"] }, Any: { type: "object" } };
  const value = { a: "1", b: "2", c: "3" };
  for (const beside of [
    { $ref: "#/$defs/A", properties: { b: text }, required: ["b"], $defs },
    { anyOf: [{ $ref: "#/$defs/A", properties: { b: text } }, { type: "null" }], $defs },
    { $ref: "#/$defs/Any", properties: { a: text, b: text }, $defs },
  ] as JsonSchema[]) {
    assert.deepEqual(fields(beside).drop(value), { a: "1", b: "2" }, JSON.stringify(beside));
    assert.deepEqual(
      fields(beside)
        .unknown(value)
        .map(({ at }) => at),
      ["/c"],
    );
  }
  const shape = shapeOf({ $ref: "#/$defs/A", properties: { b: text }, required: ["b"], $defs });
  assert.deepEqual(
    [[...(shape?.properties.keys() ?? [])], [...(shape?.required ?? [])]],
    [
      ["a", "b"],
      ["a", "b"],
    ],
  );
  const heirs: Record<string, JsonSchema> = { T0: { properties: { p0: text } } };
  for (let n = 1; n <= 15; n++)
    heirs[`T${n}`] = { allOf: [{ $ref: `#/$defs/T${n - 1}` }], properties: { [`p${n}`]: text } };
  assert.equal(shapeOf({ $ref: "#/$defs/T15", $defs: heirs })?.properties.size, 16);
  for (let n = 16; n <= 25; n++) heirs[`T${n}`] = { allOf: Array(2).fill({ $ref: `#/$defs/T${n - 1}` }) };
  assert.deepEqual(fields({ $ref: "#/$defs/T25", $defs: heirs }).drop({ p0: "1", secret: "2" }), { p0: "1" });
  assert.deepEqual(shapeOf({ $ref: "#/$defs/Any", $defs })?.properties.size, 0);
  assert.equal(shapeOf({ $ref: "#/$defs/Ring", $defs: { Ring: { $ref: "#/$defs/Ring" } } }), undefined);
  const ring = { $ref: "#/$defs/Ring" };
  const wide = { ...ring, allOf: Array(20).fill(ring), properties: { a: text } };
  assert.equal(shapeOf({ ...ring, $defs: { Ring: wide } })?.properties.size, 1);
});

test("OW-3: a field that has to be there is named by that, though no property says what it is", () => {
  for (const needs of [
    { type: "object", properties: { a: text }, required: ["a", "b"] },
    { properties: { a: text }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    { properties: { a: text }, dependentRequired: { a: ["b"] } },
  ] as JsonSchema[]) {
    const { drop, unknown } = fields(needs);
    assert.deepEqual(drop({ a: "1", b: { any: 1 }, c: "3" }), { a: "1", b: { any: 1 } }, JSON.stringify(needs));
    assert.deepEqual(unknown({ a: "1", b: "2" }), []);
  }
  const others = fields({
    properties: { a: text },
    required: ["b"],
    additionalProperties: { properties: { x: text } },
  });
  assert.deepEqual(others.drop({ a: "1", b: { x: "1", y: "2" } }), { a: "1", b: { x: "1" } });
});

test("attack 25: names such as __proto__ are fields like any other", () => {
  const { drop, unknown } = fields({ type: "object", properties: { id: text } });
  const value = JSON.parse('{"id":"1","__proto__":{"admin":true},"constructor":1}') as Json;
  assert.equal(JSON.stringify(drop(value)), '{"id":"1"}');
  assert.deepEqual(
    unknown(value).map(({ at }) => at),
    ["/__proto__", "/constructor"],
  );
  const named = fields({
    type: "object",
    properties: JSON.parse('{"__proto__":{"type":"object"}}') as Record<string, JsonSchema>,
  });
  assert.equal(JSON.stringify(named.drop(value)), '{"__proto__":{"admin":true}}');
});

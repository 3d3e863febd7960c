import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, JsonSchema } from "../../operation.ts";
import { compileSchema } from "../validate.ts";
import { type ExampleOptions, exampleOf } from "./example.ts";

/** An example for each of some seeds, all checked by the compiled validator. */
function examplesOf(
  schema: JsonSchema,
  definitions: Record<string, JsonSchema> = {},
  options: ExampleOptions = {},
): Json[] {
  const json = typeof schema === "boolean" ? schema : { ...schema, $defs: definitions };
  const validate = compileSchema({ kind: "schema", json });
  return [1, 2, 3, 4, 5].map((seed) => {
    const value = exampleOf(schema, definitions, { ...options, seed });
    assert.notEqual(value, undefined, `no example of ${JSON.stringify(schema)}`);
    assert.deepEqual(validate(value), [], `${JSON.stringify(value)} of ${JSON.stringify(schema)}`);
    return value!;
  });
}

test("examples satisfy what a schema asks of texts, numbers, lists and objects", () => {
  const schemas: JsonSchema[] = [
    true,
    {},
    { type: "string", minLength: 40, maxLength: 40 },
    { type: "string", maxLength: 2 },
    { type: "string", maxLength: 0 },
    { type: "string", format: "email", minLength: 30 },
    { type: "string", format: "uri", minLength: 60, maxLength: 61 },
    { type: "string", format: "date-time" },
    { type: "string", format: "date", pattern: "^20" },
    { type: "string", format: "uuid" },
    { type: "string", format: "decimal" },
    { type: "string", format: "decimal", formatMinimum: "9007199254740993.5" },
    { type: "string", format: "decimal", formatExclusiveMinimum: "0", formatMaximum: "0.1" },
    { type: "string", format: "int64", formatExclusiveMaximum: "-5" },
    { type: "string", format: "integer", formatMinimum: "123456789012345678901234567890" },
    { type: "string", format: "int64", minLength: 8 },
    { type: "string", contentEncoding: "base64", minLength: 20 },
    { type: "integer", minimum: 5, maximum: 5 },
    { type: "integer", exclusiveMinimum: 5, exclusiveMaximum: 7 },
    { type: "integer", maximum: -3 },
    { type: "integer", multipleOf: 7, minimum: 20 },
    { type: "number", multipleOf: 0.01, minimum: 0.05, maximum: 0.15 },
    { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 0.001 },
    { type: "number", minimum: 1e12, maximum: 1e12 + 1 },
    { type: "array", items: { type: "integer" }, minItems: 3, maxItems: 3, uniqueItems: true },
    { type: "array", items: { enum: ["a", "b", "c"] }, minItems: 3, uniqueItems: true },
    { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false, minItems: 2 },
    { type: "array", items: { type: ["string", "integer"] }, contains: { const: 7 }, minContains: 2 },
    { type: "object", minProperties: 3, additionalProperties: { type: "integer" } },
    {
      type: "object",
      patternProperties: { "^x-[a-z]{3}$": { type: "boolean" } },
      additionalProperties: false,
      minProperties: 2,
    },
    {
      type: "object",
      propertyNames: { pattern: "^[A-Z]{4}$" },
      minProperties: 1,
      additionalProperties: { type: "null" },
    },
    { type: "object", properties: { a: { type: "integer" }, b: {} }, required: ["a", "c"], maxProperties: 2 },
    { type: "object", properties: { card: {}, address: { type: "string" } }, dependentRequired: { card: ["address"] } },
    { type: ["null", "integer"], minimum: 4 },
    { const: { a: [1, null] } },
    { enum: [null, "x", 4] },
    { type: "string", enum: [1, "only this"] },
  ];
  for (const schema of schemas) examplesOf(schema);
});

test("examples satisfy schemas that are put together", () => {
  const definitions: Record<string, JsonSchema> = {
    Base: {
      type: "object",
      properties: { id: { type: "string" }, kind: { type: "string" } },
      required: ["id", "kind"],
    },
    Cat: {
      allOf: [
        { $ref: "#/$defs/Base" },
        { properties: { kind: { const: "cat" }, lives: { type: "integer", maximum: 9 } }, required: ["lives"] },
      ],
    },
    Dog: {
      allOf: [
        { $ref: "#/$defs/Base" },
        { properties: { kind: { const: "dog" }, bark: { type: "string", maxLength: 4 } } },
      ],
    },
  };
  const pet: JsonSchema = { oneOf: [{ $ref: "#/$defs/Cat" }, { $ref: "#/$defs/Dog" }] };
  examplesOf(pet, definitions);
  examplesOf({ type: "array", items: pet, minItems: 2 }, definitions);
  examplesOf({
    allOf: [
      { type: "number", minimum: 3 },
      { type: "integer", maximum: 4 },
    ],
  });
  examplesOf({ allOf: [{ pattern: "^[a-f]+$" }, { pattern: "^[d-z]+$" }, { type: "string", minLength: 3 }] });
  examplesOf({ anyOf: [{ type: "string", minLength: 5 }, { type: "integer" }], not: { type: "string" } });
  examplesOf({ oneOf: [{ type: "number" }, { type: "integer", minimum: 10 }] });
  examplesOf({
    allOf: [
      { oneOf: [{ required: ["a"] }, { required: ["b"] }] },
      { anyOf: [{ required: ["c"] }, { required: ["d"] }] },
    ],
    type: "object",
  });
  examplesOf(
    JSON.parse(
      `{ "properties": { "kind": { "enum": ["a", "b"] } }, "required": ["kind"],
         "if": { "properties": { "kind": { "const": "b" } } }, "then": { "required": ["more"] } }`,
    ) as JsonSchema,
  );
});

test("a pattern is solved, also with classes, groups, counts and lengths", () => {
  const patterns: [string, object?][] = [
    ["^[A-Z]{2}\\d{3,5}(-[a-z]+)?$"],
    ["^(?:foo|ba[rz])+$", { minLength: 12 }],
    ["[0-9]{4}", { minLength: 12 }],
    ["^[^a-z0-9]+$"],
    ["^\\p{Lu}\\p{Ll}*$", { minLength: 6, maxLength: 6 }],
    ["^([0-9a-f]{2})*$", { minLength: 7, maxLength: 9 }],
    ["^\\+?[1-9]\\d{1,14}$"],
    ["^[\\w.+-]+@[\\w-]+\\.[\\w.-]+$"],
    ["^(?<year>\\d{4})-\\d{2}$"],
    ["^-?(0|[1-9]\\d*)(\\.\\d+)?$"],
    ["^\\S+ \\S+$"],
    ["^.{128}$"],
    ["^(a|b|c){3}\\u0041\\x42$"],
    ["^arn:aws:[a-z0-9-]+:[a-z0-9-]*:\\d{12}:.+$"],
  ];
  for (const [pattern, more] of patterns) {
    for (const value of examplesOf({ type: "string", pattern, ...more })) assert.equal(typeof value, "string");
  }
});

test("what ends is cut off where it refers to itself, and what never ends has no example", () => {
  const definitions: Record<string, JsonSchema> = {
    Tree: {
      type: "object",
      properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#/$defs/Tree" } } },
      required: ["name", "children"],
    },
    Expression: { anyOf: [{ $ref: "#/$defs/Sum" }, { type: "integer" }] },
    Sum: {
      type: "object",
      properties: { left: { $ref: "#/$defs/Expression" }, right: { $ref: "#/$defs/Expression" } },
      required: ["left", "right"],
      additionalProperties: false,
    },
    Endless: { type: "object", properties: { next: { $ref: "#/$defs/Endless" } }, required: ["next"] },
  };
  for (const value of examplesOf({ $ref: "#/$defs/Tree" }, definitions)) assert.ok(JSON.stringify(value).length < 500);
  examplesOf({ $ref: "#/$defs/Expression" }, definitions);
  assert.equal(exampleOf({ $ref: "#/$defs/Endless" }, definitions), undefined);
  assert.equal(exampleOf({ oneOf: [{ type: "string" }, { type: "string" }] }, {}), undefined);
  assert.equal(exampleOf({ type: "string", minLength: 4, maxLength: 3 }, {}), undefined);
  assert.equal(exampleOf(false, {}), undefined);
});

test("the contract's own examples and defaults come first, where they are valid", () => {
  const schema: JsonSchema = {
    type: "object",
    properties: {
      name: { type: "string", examples: ["Rope"] },
      price: { type: "number", examples: ["12.50"], default: 3 },
      unit: { type: "string", default: "m" },
    },
  };
  for (const value of examplesOf(schema)) assert.deepEqual(value, { name: "Rope", price: 3, unit: "m" });
  assert.notDeepEqual(exampleOf(schema, {}, { stated: false }), { name: "Rope", price: 3, unit: "m" });
});

test("examples are stable by their seed, and a value does not depend on what stands beside it", () => {
  const schema = { type: "object", properties: { a: { type: "string" }, b: { type: "integer" } } };
  const more = { type: "object", properties: { c: { type: "boolean" }, ...schema.properties } };
  assert.deepEqual(exampleOf(schema, {}, { seed: 7 }), exampleOf(schema, {}, { seed: 7 }));
  assert.notDeepEqual(exampleOf(schema, {}, { seed: 7 }), exampleOf(schema, {}, { seed: 8 }));
  const { a, b } = exampleOf(more, {}, { seed: 7 }) as { a: string; b: number };
  assert.deepEqual({ a, b }, exampleOf(schema, {}, { seed: 7 }));
});

test("an input leaves out what only the answer has, and the other way round", () => {
  const schema = {
    type: "object",
    properties: { id: { type: "string", readOnly: true }, secret: { type: "string", writeOnly: true } },
  };
  assert.deepEqual(Object.keys(exampleOf(schema, {}, { side: "input" }) as object), ["secret"]);
  assert.deepEqual(Object.keys(exampleOf(schema, {}, { side: "output" }) as object), ["id"]);
  assert.deepEqual(exampleOf(schema, {}, { optional: "none" }), {});
});

test("a hostile schema takes bounded time and memory", () => {
  const wide: Record<string, JsonSchema> = {};
  for (let i = 0; i < 60; i++)
    wide[`N${i}`] = {
      type: "object",
      properties: { l: { $ref: `#/$defs/N${i + 1}` }, r: { $ref: `#/$defs/N${i + 1}` } },
      required: ["l", "r"],
    };
  wide.N60 = { type: "integer" };
  const started = performance.now();
  assert.equal(exampleOf({ $ref: "#/$defs/N0" }, wide), undefined);
  exampleOf({ type: "string", pattern: "^(((((a?){99}){99}){99}){99}){99}b$" }, {});
  exampleOf({ type: "array", items: { type: "integer" }, minItems: 1_000_000_000 }, {});
  exampleOf({ type: "string", minLength: 1_000_000_000 }, {});
  exampleOf({ anyOf: Array.from({ length: 30 }, () => ({ anyOf: Array.from({ length: 30 }, () => false) })) }, {});
  assert.ok(performance.now() - started < 5_000);
});

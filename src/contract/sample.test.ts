import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../operation.ts";
import { sampleOf } from "./sample.ts";
import { compileSchema } from "./validate.ts";

const definitions: { [name: string]: JsonSchema } = {
  Amount: { type: "string", format: "decimal" },
  Tree: { type: "object", required: ["left"], properties: { left: { $ref: "#/$defs/Tree" } } },
  Named: { type: "object", required: ["name"], properties: { name: { type: "string", minLength: 6 } } },
};

test("an example fits its schema", () => {
  const schemas: JsonSchema[] = [
    { type: "string", minLength: 8, maxLength: 9 },
    { type: "string", format: "date-time" },
    { type: "integer", minimum: 5, maximum: 9 },
    { type: "number", exclusiveMaximum: 0 },
    { type: "integer", multipleOf: 4, exclusiveMinimum: 4 },
    { enum: ["open", "closed"] },
    { const: 7 },
    { type: ["string", "null"] },
    { type: "array", minItems: 2, items: { type: "integer" } },
    { type: "object", required: ["a", "b"], properties: { a: { $ref: "#/$defs/Amount" }, b: true } },
    {
      allOf: [
        { $ref: "#/$defs/Named" },
        { type: "object", required: ["age"], properties: { age: { type: "integer" } } },
      ],
    },
    { type: "object", required: ["id"], properties: { id: { type: "string" } }, oneOf: [{ $ref: "#/$defs/Named" }] },
    { anyOf: [{ type: "boolean" }, { type: "string" }] },
    true,
  ];
  for (const json of schemas) {
    const value = sampleOf(json, definitions);
    const whole = typeof json === "boolean" ? json : { ...json, $defs: definitions };
    assert.deepEqual(compileSchema({ kind: "schema", json: whole })(value), [], JSON.stringify([json, value]));
  }
});

test("a schema that holds itself is cut off", () => {
  assert.ok(JSON.stringify(sampleOf({ $ref: "#/$defs/Tree" }, definitions)).length < 500);
});

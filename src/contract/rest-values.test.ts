import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../operation.ts";
import { pairsOf, pairValue } from "./rest-values.ts";
import { modelValidator } from "./validate.ts";

const schemas = { Small: { type: "integer", maximum: 9 } };

/** What is wrong with a text of a query, as it is told; the value, where it is right. */
function asked(text: string, schema: JsonSchema): unknown {
  const parameter = { name: "q", style: "form", explode: true } as const;
  const value = pairValue(parameter, pairsOf(text), schema, schemas, new Set());
  const [problem] = modelValidator({ schemas } as never, schema)(value);
  return problem === undefined ? value : `${problem.at} ${problem.message}`.trim();
}

test("a text that is of the right type and wrong otherwise is told so, and not that it is of another type", () => {
  const whole = { type: "integer", minimum: 1 };
  const list = { type: "array", items: whole, maxItems: 2 };
  for (const [text, schema, expected] of [
    ["q=1", whole, 1],
    ["q=0", whole, "must be >= 1"],
    ["q=1.5", whole, "must be integer"],
    ["q=x", whole, "must be integer"],
    ["q=0", { type: "number", exclusiveMinimum: 0 }, "must be > 0"],
    ["q=10", { $ref: "#/$defs/Small" }, "must be <= 9"],
    ["q=10", { allOf: [{ $ref: "#/$defs/Small" }] }, "must be <= 9"],
    ["q=maybe", { type: "boolean" }, "must be boolean"],
    ["q=true", { type: "boolean", const: false }, "must be false"],
    ["q=1&q=0", list, "/1 must be >= 1"],
    ["q=0", list, "/0 must be >= 1"],
    ["q=x", list, "/0 must be integer"],
    ["q=123", { type: "string", maxLength: 2 }, "must have at most 2 characters"],
  ] as const)
    assert.equal(asked(text, schema), expected, `${text} as ${JSON.stringify(schema)}`);
  assert.deepEqual(asked("q=1&q=2", list), [1, 2]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, JsonSchema } from "../operation.ts";
import { scalarOf } from "./soap-scalars.ts";

function read(schema: JsonSchema, text: string): Json | undefined {
  const scalar = scalarOf(schema, () => undefined);
  assert.ok(scalar);
  return scalar.read(text);
}

test("each type takes its own forms and no others", () => {
  const decimal = { type: "string", format: "decimal" };
  const long = { type: "string", format: "int64" };
  const cases: readonly (readonly [JsonSchema, string, Json | undefined])[] = [
    [{ type: "boolean" }, " 1 ", true],
    [{ type: "boolean" }, "false", false],
    [{ type: "boolean" }, "True", undefined],
    [{ type: "integer" }, "\n+007\t", 7],
    [{ type: "integer" }, "1.0", undefined],
    [{ type: "integer" }, "0x10", undefined],
    [{ type: "integer" }, "", undefined],
    [{ type: "number" }, "-1.5E+3", -1500],
    [{ type: "number" }, ".5", 0.5],
    [{ type: "number" }, "INF", undefined],
    [{ type: "number" }, "NaN", undefined],
    [{ type: "number" }, "1e999", undefined],
    [{ type: "number" }, "1,5", undefined],
    [decimal, " 12345678901234567890.120 ", "12345678901234567890.120"],
    [decimal, "+.5", "0.5"],
    [decimal, "-5.", "-5"],
    [decimal, "1e3", undefined],
    [long, "+9007199254740993", "9007199254740993"],
    [long, "12.0", undefined],
    [{ type: "string" }, " a\n b ", " a\n b "],
    [{ type: "string", xml: { space: "collapse" } }, " a\n  b ", "a b"],
    [{ type: "string", xml: { space: "replace" } }, " a\n b", " a  b"],
    [{ type: "string", contentEncoding: "base64", xml: { space: "collapse" } }, " AAE\r\n C ", "AAEC"],
    [{ type: "array", items: { type: "integer" }, xml: { list: true } }, " 1  2\n3 ", [1, 2, 3]],
    [{ type: "array", items: { type: "integer" }, xml: { list: true } }, "", []],
    [{ type: "array", items: { type: "integer" }, xml: { list: true } }, "1 x", undefined],
    [{ anyOf: [{ type: "integer" }, { type: "string", enum: ["many"] }] }, "7", 7],
    [{ anyOf: [{ type: "integer" }, { type: "string", enum: ["many"] }] }, "many", "many"],
    [{ anyOf: [{ type: "integer" }, { type: "string", enum: ["many"] }] }, "few", undefined],
    [{ type: "boolean", default: true }, "", true],
  ];
  for (const [schema, text, expected] of cases)
    assert.deepEqual(read(schema, text), expected, `${JSON.stringify(schema)} ${JSON.stringify(text)}`);
});

test("what is no simple type has no scalar", () => {
  for (const schema of [
    true,
    { type: "object" },
    { type: "array", items: { type: "string" } },
    { $ref: "#/$defs/Gone" },
  ])
    assert.equal(
      scalarOf(schema, () => undefined),
      undefined,
    );
});

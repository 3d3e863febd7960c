import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../operation.ts";
import { NotJson, pairsOf, pairValue, plainValue } from "./rest-values.ts";
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

test("a number is one as JSON writes it, and never becomes another one", () => {
  const whole = { type: "integer" };
  for (const [text, schema, expected] of [
    ["q=1e2", whole, 100],
    ["q=1.0", whole, 1],
    ["q=9007199254740991", whole, 9007199254740991],
    ["q=9007199254740993", whole, "must be integer"],
    ["q=007", whole, "must be integer"],
    ["q=007", { type: ["integer", "string"] }, "007"],
    ["q=1e999", { type: "number" }, "must be number"],
  ] as const)
    assert.equal(asked(text, schema), expected, text);
});

test("JSON in a parameter is read as a body is: no member twice, no number without end, no depth without end", () => {
  const schema = { type: "object", properties: { lat: { type: "number" } } };
  const near = (json: string) =>
    pairValue(
      { name: "near", style: "form", explode: true, json: true },
      [["near", encodeURIComponent(json)]],
      schema,
      {},
      new Set(),
    );
  assert.deepEqual(near('{"lat":1.5}'), { lat: 1.5 });
  for (const json of ['{"lat":1e999}', '{"lat":1,"lat":2}', `${"[".repeat(100)}${"]".repeat(100)}`])
    assert.throws(() => near(json), NotJson);
});

test("JSON in a parameter has one reading: half an object is no text, whatever the schema allows, and a text stands in quotes", () => {
  const read = (json: string, schema: JsonSchema) => [
    pairValue(
      { name: "q", style: "form", explode: true, json: true },
      [["q", encodeURIComponent(json)]],
      schema,
      {},
      new Set(),
    ),
    plainValue(
      { name: "q", property: "q", in: "path", style: "simple", explode: false, required: true, json: true },
      encodeURIComponent(json),
      schema,
      {},
    ),
  ];
  for (const schema of [{ type: ["object", "string"] }, true, { type: "string" }] as const) {
    for (const json of ['{"a":', "abc", "'abc'", "", "[1", "01", "NaN"])
      assert.throws(() => read(json, schema), NotJson, json);
    assert.deepEqual(read('"abc"', schema), ["abc", "abc"]);
    assert.deepEqual(read('{"a":1}', schema), [{ a: 1 }, { a: 1 }]);
  }
});

test("nothing of an object is lost: a name without a value, one that comes twice, one with something behind it", () => {
  const schema = { type: "object", properties: { from: { type: "integer" } }, additionalProperties: false };
  const read = (style: "form" | "deepObject", explode: boolean, text: string) => {
    const value = pairValue({ name: "q", style, explode }, pairsOf(text), schema, {}, new Set());
    const [problem] = modelValidator({ schemas: {} } as never, schema)(value);
    return problem === undefined ? value : "refused";
  };
  assert.deepEqual(read("form", false, "q=from,1"), { from: 1 });
  assert.deepEqual(read("deepObject", true, "q[from]=1"), { from: 1 });
  for (const text of ["q=1", "q=from,1,2", "q=from,1,from,2"]) assert.equal(read("form", false, text), "refused", text);
  for (const text of [
    "q=1",
    "q[from]x=1",
    "q[from=1",
    "q[from]=1&q[from][a]=2",
    "q[from][a]=1&q[from]=2",
    "q[=1",
    "q[]=1",
  ])
    assert.equal(read("deepObject", true, text), "refused", text);
});

/** Texts of a query as the values that they stand for: what is wrong with one is said of the value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "../contract/validate.ts";
import type { JsonSchema } from "../operation.ts";
import type { HttpRequest } from "./http.ts";
import { planInput, readInput } from "./input.ts";
import type { ProblemError } from "./problem.ts";

const properties: Readonly<Record<string, JsonSchema>> = {
  whole: { type: "integer", minimum: 1, maximum: 9 },
  part: { type: "number", exclusiveMinimum: 0, multipleOf: 0.5 },
  large: { type: "integer" },
  flag: { type: "boolean" },
  yes: { const: true },
  few: { enum: [1, 2] },
  both: { allOf: [{ type: "integer", minimum: 1 }] },
  either: { anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] },
  many: { type: "array", items: { type: "integer", minimum: 1 }, maxItems: 2 },
  flags: { type: "array", items: { type: "boolean" } },
  text: { type: "string", maxLength: 2 },
  limit: { anyOf: [{ type: "integer", minimum: 1 }, { const: "all" }] },
  named: { enum: [1, "x"] },
  switch: { oneOf: [{ type: "boolean" }, { enum: ["auto"] }] },
  limits: { type: "array", items: { anyOf: [{ type: "integer" }, { const: "all" }] } },
  loose: { type: ["integer", "string"] },
  digits: { enum: ["1", 2] },
  ids: { anyOf: [{ type: "array", items: { type: "string" } }, { const: "all" }] },
  truth: { anyOf: [{ type: "boolean" }, { const: "true" }] },
};

/** The value that was read, or what is wrong with it. */
async function ask(query: string): Promise<unknown> {
  const schema = { kind: "schema", json: { type: "object", properties, additionalProperties: false } } as const;
  const plan = planInput("GET", [], schema, "x");
  const request = { query, headers: {} } as HttpRequest;
  try {
    return Object.values((await readInput(plan, compileSchema(schema), request, {}, 0)).input as object)[0];
  } catch (error) {
    return (error as ProblemError).extras.errors?.[0]?.message;
  }
}

test("a text of a query is the number or the truth that it stands for before it is checked", async () => {
  for (const [query, expected] of [
    ["whole=1", 1],
    ["whole=0", "must be >= 1"],
    ["whole=-3", "must be >= 1"],
    ["whole=10", "must be <= 9"],
    ["whole=1.5", "must be integer"],
    ["whole=one", "must be integer"],
    ["whole=", "must be integer"],
    ["part=0.5", 0.5],
    ["part=0", "must be > 0"],
    ["part=0.7", "must be multiple of 0.5"],
    ["limit=5", 5],
    ["limit=all", "all"],
    ["limit=0", "must be >= 1 (the nearest of 2 options: number 1)"],
    ["named=1", 1],
    ["named=x", "x"],
    ["switch=true", true],
    ["switch=auto", "auto"],
    ["loose=5", "5"],
    ["digits=1", "1"],
    ["ids=all", "all"],
    ["truth=true", "true"],
    ["part=half", "must be number"],
    ["flag=false", false],
    ["flag=no", "must be boolean"],
    ["yes=true", true],
    ["yes=false", "must be true"],
    ["large=9007199254740991", 9007199254740991],
    ["large=9007199254740993", "must be integer"],
    ["large=007", "must be integer"],
    ["few=2", 2],
    ["few=3", "must be one of 1, 2"],
    ["both=1", 1],
    ["both=0", "must be >= 1"],
    ["either=1", 1],
    ["either=0", "must be >= 1"],
    ["many=0", "must be >= 1"],
    ["many=1&many=x", "must be integer"],
    ["flags=maybe", "must be boolean"],
    ["text=123", "must have at most 2 characters"],
    ["text=12", "12"],
  ] as const)
    assert.equal(await ask(query), expected, query);
  assert.deepEqual(await ask("many=1&many=2"), [1, 2]);
  assert.deepEqual(await ask("limits=5&limits=all"), [5, "all"]);
  assert.deepEqual(await ask("flags=true&flags=false"), [true, false]);
});

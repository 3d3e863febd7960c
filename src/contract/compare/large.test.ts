/** Large contracts in which everything changed: the work is counted, not timed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonSchema } from "../../operation.ts";
import type { ContractModel, OperationModel } from "../model.ts";
import { compareContracts } from "./compare.ts";
import type { Work } from "./schema/walk.ts";

const to = (n: number): JsonSchema => ({ $ref: `#/$defs/S${n}` });

function operation(name: string, output: JsonSchema): OperationModel {
  return {
    name,
    effect: "read",
    input: { type: "object", properties: { id: { type: "string" } } },
    output,
    faults: {},
    binding: {
      protocol: "rest",
      method: "GET",
      path: `/${name}`,
      parameters: [{ property: "id", in: "query", name: "id", required: false, style: "form", explode: true }],
      success: [{ status: "200", mediaType: "application/json" }],
      faults: [],
    },
  };
}

function model(operations: readonly OperationModel[], schemas: ContractModel["schemas"]): ContractModel {
  return {
    format: 1,
    name: "x",
    source: { language: "openapi", languageVersion: "3.1.0", files: [] },
    operations: Object.fromEntries(operations.map((each) => [each.name, each])),
    events: {},
    schemas,
    servers: [],
  };
}

/** Each schema leads to three others: by itself, in a list, and as an id or the thing itself, so that all of them are in rings. */
function web(size: number, leaf: JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries(
    Array.from({ length: size }, (_, n) => [
      `S${n}`,
      {
        type: "object",
        required: ["id", "kind"],
        properties: {
          id: leaf,
          kind: { const: `S${n}` },
          note: leaf,
          next: to((n * 7 + 1) % size),
          list: { type: "array", items: to((n * 11 + 3) % size) },
          owner: { anyOf: [leaf, to((n * 5 + 2) % size)] },
        },
      },
    ]),
  );
}

function compared(
  schemas: number,
  operations: number,
): { readonly work: Work; readonly findings: number; readonly places: number } {
  const made = Array.from({ length: operations }, (_, n) =>
    operation(`op${n}`, { type: "object", properties: { data: { type: "array", items: to((n * 3) % schemas) } } }),
  );
  const work: Work = { steps: 0, tries: 0 };
  const { verdict, findings } = compareContracts(
    model(made, web(schemas, { type: "string" })),
    model(made, web(schemas, { type: "string", maxLength: 1 })),
    work,
  );
  assert.equal(verdict, "safe");
  assert.ok(
    findings.every(({ rule, also }) => rule === "text-length" && also.length <= 100),
    JSON.stringify(findings[0]),
  );
  return {
    work,
    findings: findings.length,
    places: findings.reduce((sum, { also, more = 0 }) => sum + 1 + also.length + more, 0),
  };
}

test("each pair of named schemas is looked at once, however many operations and rings lead to it", () => {
  const small = compared(100, 50);
  // Two texts by themselves and one among alternatives in each schema, each seen from each operation; none is lost.
  assert.equal(small.findings, 300);
  assert.equal(small.places, 300 * 50);
  const moreOperations = compared(100, 200);
  assert.equal(moreOperations.places, 300 * 200);
  const moreSchemas = compared(200, 50);
  assert.equal(moreSchemas.places, 600 * 50);
  // Per schema: itself and its alternatives, in both directions. Per operation: its answer, in both directions.
  for (const [{ work }, schemas, operations] of [
    [small, 100, 50],
    [moreOperations, 100, 200],
    [moreSchemas, 200, 50],
  ] as const) {
    assert.ok(
      work.steps <= 12 * schemas + 4 * operations,
      `${work.steps} steps for ${schemas} schemas, ${operations} operations`,
    );
    assert.ok(work.tries <= 40 * schemas, `${work.tries} values for ${schemas} schemas`);
  }
});

test("what one operation is told does not depend on those that were asked before it", () => {
  const size = 8;
  const leaf = fc.constantFrom<JsonSchema>({ type: "string" }, { type: "string", maxLength: 5 }, { type: "integer" });
  const node = fc.record({
    at: fc.integer({ min: 0, max: size - 1 }),
    other: fc.integer({ min: 0, max: size - 1 }),
    how: fc.integer({ min: 0, max: 4 }),
    leaf,
  });
  const schemas = fc.array(node, { minLength: size, maxLength: size }).map((nodes) =>
    Object.fromEntries(
      nodes.map(({ at, other, how, leaf: text }, n) => {
        const inner: JsonSchema =
          how === 0
            ? to(at)
            : how === 1
              ? { anyOf: [to(at), { type: "null" }] }
              : how === 2
                ? { oneOf: [to(at), to(other)] }
                : how === 3
                  ? { type: "array", items: { anyOf: [to(at), to(other), { type: "string" }] } }
                  : { allOf: [to(at)], properties: { more: to(other) } };
        const schema: JsonSchema = {
          type: "object",
          required: ["kind"],
          properties: { kind: { const: `S${n}` }, leaf: text, inner },
        };
        return [`S${n}`, schema];
      }),
    ),
  );
  fc.assert(
    fc.property(schemas, schemas, (old, now) => {
      // Of the old ones, only the leaves change.
      const changed = Object.fromEntries(
        Object.entries(old).map(([name, schema]) => {
          const { properties } = schema as { properties: Record<string, JsonSchema> };
          const leafNow = (now[name] as { properties: Record<string, JsonSchema> }).properties.leaf!;
          return [name, { ...(schema as object), properties: { ...properties, leaf: leafNow } }];
        }),
      );
      const operations = Object.keys(old).map((_, n) => operation(`op${n}`, to(n)));
      const all = compareContracts(model(operations, old), model(operations, changed)).findings;
      for (const each of operations) {
        const alone = compareContracts(model([each], old), model([each], changed)).verdict;
        const told = all.filter(({ places }) => places.some(({ member }) => member === each.name));
        // A value that shows it at one place is as good for another.
        const unsafe = told.some(({ verdict }) => verdict !== "safe");
        assert.equal(unsafe, alone !== "safe", `${each.name}: ${JSON.stringify(told)}`);
      }
    }),
    { numRuns: 60 },
  );
});

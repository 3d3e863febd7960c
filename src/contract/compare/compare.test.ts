import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonSchema } from "../../operation.ts";
import type { ContractModel, OperationModel } from "../model.ts";
import { modelValidator } from "../validate.ts";
import { compareContracts } from "./compare.ts";
import type { Comparison, Finding } from "./finding.ts";
import { contractRules } from "./rules/index.ts";
import { schemaRules } from "./schema/rules/index.ts";

type Defs = { readonly [name: string]: JsonSchema };
const object = (properties: Defs, required: readonly string[] = [], more: object = {}): JsonSchema => ({
  type: "object",
  properties,
  ...(required.length === 0 ? {} : { required }),
  ...more,
});

function operation(input: JsonSchema, output: JsonSchema = { type: "null" }): OperationModel {
  return {
    name: "act",
    effect: "unrepeatable",
    input,
    output,
    faults: {},
    binding: {
      protocol: "soap",
      version: "1.1",
      action: "act",
      style: "document",
      use: "literal",
      request: { namespace: "urn:x", local: "act" },
      response: { namespace: "urn:x", local: "actResponse" },
      wrapped: true,
      faults: [],
    },
  };
}

function model(act: OperationModel | undefined, schemas: Defs = {}): ContractModel {
  return {
    format: 1,
    name: "x",
    source: { language: "wsdl", languageVersion: "1.1", files: [] },
    operations: act === undefined ? {} : { act },
    events: {},
    schemas,
    servers: [],
  };
}

const requests = (old: JsonSchema, now: JsonSchema, oldDefs: Defs = {}, nowDefs: Defs = oldDefs): Comparison =>
  compareContracts(model(operation(old), oldDefs), model(operation(now), nowDefs));
const answers = (old: JsonSchema, now: JsonSchema, oldDefs: Defs = {}, nowDefs: Defs = oldDefs): Comparison =>
  compareContracts(model(operation(true, old), oldDefs), model(operation(true, now), nowDefs));
const brief = ({ findings }: Comparison): string[] => findings.map(({ rule, verdict }) => `${rule} ${verdict}`);

/** Old to new, the rule that has to speak, the verdict for a request, the verdict for an answer. */
const changes: readonly [JsonSchema, JsonSchema, string, Finding["verdict"], Finding["verdict"]][] = [
  [{ type: "string" }, { type: "integer" }, "type", "breaking", "breaking"],
  [{ type: ["string", "null"] }, { type: "string" }, "type", "breaking", "safe"],
  [{ type: "number" }, { type: "integer" }, "type", "breaking", "safe"],
  [{ enum: ["a", "b"] }, { enum: ["a"] }, "allowed-values", "breaking", "safe"],
  [{ type: "string" }, { type: "string", enum: ["a"] }, "allowed-values", "breaking", "safe"],
  [{ const: 1 }, { const: 2 }, "allowed-values", "breaking", "breaking"],
  [{ type: "integer", minimum: 1 }, { type: "integer", minimum: 2 }, "number-range", "breaking", "safe"],
  [{ type: "number", maximum: 9 }, { type: "number", exclusiveMaximum: 9 }, "number-range", "breaking", "safe"],
  [{ type: "integer" }, { type: "integer", multipleOf: 5 }, "multiple-of", "breaking", "safe"],
  [{ type: "string" }, { type: "string", maxLength: 3 }, "text-length", "breaking", "safe"],
  [{ type: "string" }, { type: "string", minLength: 1 }, "text-length", "breaking", "safe"],
  [{ type: "string" }, { type: "string", pattern: "^[a-z]+$" }, "pattern", "breaking", "safe"],
  [{ type: "integer", format: "int64" }, { type: "integer", format: "int32" }, "format", "breaking", "safe"],
  [{ type: "string" }, { type: "string", format: "date" }, "format", "breaking", "safe"],
  [{ type: "array" }, { type: "array", maxItems: 1 }, "list-length", "breaking", "safe"],
  [
    { type: "array", items: { type: "string" } },
    { type: "array", items: { type: "integer" } },
    "type",
    "breaking",
    "breaking",
  ],
  [{ type: "array" }, { type: "array", contains: { type: "integer" } }, "condition", "breaking", "safe"],
  [
    object({ a: { type: "string" } }),
    object({ a: { type: "string" } }, ["a"]),
    "required-property",
    "breaking",
    "safe",
  ],
  [
    object({ a: true, b: true }),
    object({ a: true }, [], { additionalProperties: false }),
    "unknown-property",
    "breaking",
    "safe",
  ],
  [object({}), object({}, [], { additionalProperties: { type: "integer" } }), "property-values", "breaking", "safe"],
  [
    object({ a: true, b: true }),
    object({ a: true, b: true }, [], { maxProperties: 1 }),
    "property-count",
    "breaking",
    "safe",
  ],
  [object({}), object({}, [], { propertyNames: { pattern: "^x" } }), "property-names", "breaking", "safe"],
  [
    object({ a: true, b: true }),
    object({ a: true, b: true }, [], { dependentRequired: { a: ["b"] } }),
    "dependent-properties",
    "breaking",
    "safe",
  ],
  [
    { anyOf: [{ type: "string" }, object({ a: { type: "string" } }, ["a"])] },
    { anyOf: [{ type: "string" }] },
    "alternative",
    "breaking",
    "safe",
  ],
  [true, { not: { type: "string" } }, "condition", "breaking", "safe"],
];

for (const [old, now, rule, request, answer] of changes) {
  const shown = `${JSON.stringify(old)} to ${JSON.stringify(now)}`;
  test(`${rule}: ${shown}`, () => {
    for (const [side, { verdict, findings }, wanted] of [
      ["request", requests(old, now), request],
      ["answer", answers(old, now), answer],
    ] as const) {
      assert.equal(verdict, wanted, `${side}: ${JSON.stringify(findings)}`);
      assert.ok(
        findings.some((each) => each.side === side && (wanted !== "breaking" || each.rule === rule)),
        `${side}: ${JSON.stringify(findings)}`,
      );
      for (const { verdict: of, example } of findings) if (of === "breaking") assert.ok(example !== undefined, shown);
    }
  });
}

test("what breaks is shown by a value that one validator accepts and the other refuses", () => {
  const old = object({ lines: { type: "array", items: object({ sku: { type: "string" } }, ["sku"]) } }, ["lines"]);
  const now = object({ lines: { type: "array", items: object({ sku: { type: "string", maxLength: 3 } }, ["sku"]) } }, [
    "lines",
  ]);
  const [finding] = requests(old, now).findings;
  assert.equal(finding?.at, "act: input /lines/*/sku");
  const { value, proven } = finding.example!;
  assert.ok(proven);
  const nothing = model(undefined);
  assert.deepEqual(modelValidator(nothing, old)(value), []);
  assert.notDeepEqual(modelValidator(nothing, now)(value), []);
});

test("what can't be decided is for review, never safe", () => {
  assert.deepEqual(brief(requests({ type: "string", format: "sku" }, { type: "string", format: "article" })), [
    "format review",
  ]);
  const [old, now] = ["^(a|b)+$", "^[ab]+$"].map((pattern) => ({ type: "string", pattern }));
  assert.deepEqual(brief(requests(old!, now!)), ["pattern review"]);
  assert.deepEqual(brief(requests(object({ a: true }, ["a"]), object({}))), [
    "ignored-property review",
    "required-property safe",
  ]);
});

test("every rule is documented", () => {
  const page = readFileSync(new URL("../../../docs/reference/contract-changes.md", import.meta.url), "utf8");
  const ids = [...schemaRules.map(({ id }) => id), ...contractRules.flatMap((rule) => rule.ids)];
  for (const id of ids) assert.ok(page.includes(`\`${id}\``), `${id} is not in docs/reference/contract-changes.md`);
});

test("members that only one version names", () => {
  assert.deepEqual(brief(requests(object({}), object({ a: { type: "string" } }))), ["property-added safe"]);
  assert.deepEqual(brief(answers(object({}), object({ a: { type: "string" } }))), ["property-added safe"]);
  assert.deepEqual(brief(answers(object({ a: { type: "string" } }), object({}))), ["property-removed safe"]);
  assert.deepEqual(brief(requests(object({ a: { type: "string" } }), object({}))), ["ignored-property safe"]);
  assert.equal(answers(object({ a: { type: "string" } }, ["a"]), object({})).verdict, "breaking");
});

test("a member that has to be there is any value, where nothing says what it is", () => {
  const any = { type: "object", required: ["a"] };
  const said = object({ a: { type: "string" } }, ["a"]);
  assert.deepEqual(brief(answers(said, any)), ["type breaking"]);
  assert.deepEqual(brief(requests(any, said)), ["type breaking"]);
  assert.equal(answers(any, said).verdict, "safe");
  assert.equal(
    requests({ anyOf: [any, { type: "string" }] }, { anyOf: [said, { type: "string" }] }).verdict,
    "breaking",
  );
});

test("rings of schemas are compared, and each change of a named schema is told once", () => {
  const node = (text: JsonSchema): Defs => ({
    Node: object({ text, next: { $ref: "#/$defs/Node" }, all: { type: "array", items: { $ref: "#/$defs/Node" } } }),
    Other: object({ one: { $ref: "#/$defs/Node" }, two: { $ref: "#/$defs/Node" } }),
  });
  const { findings } = requests(
    { $ref: "#/$defs/Other" },
    { $ref: "#/$defs/Other" },
    node({ type: "string" }),
    node({ type: "string", maxLength: 3 }),
  );
  assert.deepEqual(
    findings.map(({ rule, at, also }) => [rule, at, also.length]),
    [["text-length", "act: input /one/text", 0]],
  );
});

test("alternatives keep their meaning under another name and in another order; one that goes breaks", () => {
  const pets: Defs = {
    Cat: object({ kind: { const: "cat" }, lives: { type: "integer" } }, ["kind"]),
    Dog: object({ kind: { const: "dog" }, bark: { type: "string" } }, ["kind"]),
  };
  const renamed: Defs = { Cat: pets.Cat!, Hound: pets.Dog! };
  const union = (...names: string[]): JsonSchema => ({ oneOf: names.map((name) => ({ $ref: `#/$defs/${name}` })) });
  assert.deepEqual(requests(union("Cat", "Dog"), union("Hound", "Cat"), pets, renamed).findings, []);
  const gone = requests(union("Cat", "Dog"), union("Cat"), pets).findings[0]!;
  assert.deepEqual([gone.rule, gone.verdict, gone.example?.proven], ["alternative", "breaking", true]);
  assert.equal(requests(union("Cat"), union("Cat", "Dog"), pets).verdict, "safe");
  assert.equal(answers(union("Cat"), union("Cat", "Dog"), pets).verdict, "breaking");
});

test("a wide schema in many turns ends soon, and is for review where it was too large", { timeout: 20_000 }, () => {
  const defs = (more: JsonSchema): Defs =>
    Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [
        `S${n}`,
        object({
          next: { anyOf: Array.from({ length: 6 }, (__, m) => ({ $ref: `#/$defs/S${(n * 7 + m * 11) % 40}` })) },
          leaf: more,
        }),
      ]),
    );
  const { verdict } = requests(
    { $ref: "#/$defs/S0" },
    { $ref: "#/$defs/S0" },
    defs({ type: "string" }),
    defs({ type: "integer" }),
  );
  assert.notEqual(verdict, "safe");
});

const leaf = fc.oneof(
  fc.record({ type: fc.constant("string"), maxLength: fc.integer({ min: 0, max: 9 }) }, { requiredKeys: ["type"] }),
  fc.record({ type: fc.constant("integer"), minimum: fc.integer({ min: -5, max: 5 }) }, { requiredKeys: ["type"] }),
  fc.record({ enum: fc.uniqueArray(fc.constantFrom("a", "b", 1, null, true), { minLength: 1 }) }),
  fc.constantFrom<JsonSchema>({ type: ["string", "null"] }, { type: "boolean" }, { type: "string", format: "date" }),
) as fc.Arbitrary<JsonSchema>;
const schema = fc.letrec<{ node: JsonSchema }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ type: fc.constant("array"), items: tie("node") }) as fc.Arbitrary<JsonSchema>,
    fc
      .tuple(fc.dictionary(fc.constantFrom("a", "b", "c"), tie("node")), fc.subarray(["a", "b", "c"]), fc.boolean())
      .map(([properties, required, closed]) =>
        object(
          properties,
          required.filter((name) => name in properties),
          closed ? { additionalProperties: false } : {},
        ),
      ),
    fc.record({ anyOf: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }) as fc.Arbitrary<JsonSchema>,
  ),
})).node;

test("a contract compared with itself gives nothing", () => {
  fc.assert(
    fc.property(schema, (one) => {
      assert.deepEqual(requests(one, structuredClone(one) as JsonSchema).findings, []);
      assert.deepEqual(answers(one, structuredClone(one) as JsonSchema).findings, []);
    }),
    { numRuns: 40 },
  );
});

test("another order of members and of alternatives gives nothing", () => {
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned).reverse();
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, inner]) => [name, turned(inner)]),
    );
  };
  fc.assert(
    fc.property(schema, (one) => {
      assert.deepEqual(requests(one, turned(one) as JsonSchema).findings, []);
    }),
    { numRuns: 30 },
  );
});

test("what a request may do from old to new, an answer may do from new to old", () => {
  fc.assert(
    fc.property(schema, schema, (one, other) => {
      const forth = requests(one, other).findings.filter(({ verdict }) => verdict === "breaking");
      const back = answers(other, one).findings.filter(({ verdict }) => verdict === "breaking");
      assert.deepEqual(
        forth.map(({ rule, example }) => [rule, example?.value]),
        back.map(({ rule, example }) => [rule, example?.value]),
      );
    }),
    { numRuns: 30 },
  );
});

test("a safe verdict holds: no value that the giver allows is refused; a proven break is real", () => {
  fc.assert(
    fc.property(schema, schema, (one, other) => {
      const { verdict, findings } = requests(one, other);
      const [takes, took] = [other, one].map((each) => modelValidator(model(undefined), each));
      for (const { example } of findings)
        if (example?.proven === true && findings[0]!.verdict === "breaking") {
          assert.deepEqual(took!(example.value), []);
          assert.notDeepEqual(takes!(example.value), []);
        }
      if (verdict !== "safe") return;
      for (const value of [
        "a",
        "",
        "abcdefghijkl",
        1,
        -9,
        null,
        true,
        [],
        {},
        ["a"],
        { a: 1 },
        { a: "a", b: null },
      ] as const) {
        // A member that only the new version names is the one convention.
        if (typeof value === "object" && value !== null && !Array.isArray(value)) continue;
        if (took!(value).length === 0) assert.deepEqual(takes!(value), [], JSON.stringify([one, other, value]));
      }
    }),
    { numRuns: 60 },
  );
});

test("two safe changes after each other are one safe change", () => {
  fc.assert(
    fc.property(schema, fc.integer({ min: 0, max: 2 }), (one, how) => {
      const wider: JsonSchema = { anyOf: [one, { type: "string" }] };
      const widest: JsonSchema = {
        anyOf: [one, { type: "string" }, how === 0 ? { type: "null" } : { type: ["boolean", "number"] }],
      };
      assert.equal(requests(one, wider).verdict, "safe");
      assert.equal(requests(wider, widest).verdict, "safe");
      assert.equal(requests(one, widest).verdict, "safe");
    }),
    { numRuns: 20 },
  );
});

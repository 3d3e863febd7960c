import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema, Schema } from "../operation.ts";
import { type ContractModel, frozen, type OperationModel } from "./model.ts";
import { compileSchema, operationValidators } from "./validate.ts";

const $defs: { readonly [name: string]: JsonSchema } = {
  Cat: {
    type: "object",
    properties: { kind: { const: "cat" }, lives: { type: "integer" } },
    required: ["kind", "lives"],
    additionalProperties: false,
  },
  Dog: {
    type: "object",
    properties: { kind: { const: "dog" }, bark: { type: "string" }, toy: { $ref: "#/$defs/Toy" } },
    required: ["kind", "bark"],
    additionalProperties: false,
  },
  Fish: { type: "object", properties: { kind: { enum: ["fish"] } }, required: ["kind"] },
  Toy: {
    anyOf: [
      { title: "Ball", type: "object", properties: { size: { type: "integer" } }, required: ["size"] },
      { type: "object", properties: { bone: { type: "string" }, age: { type: "integer" } }, required: ["bone", "age"] },
      { type: "null" },
    ],
  },
  Pet: { oneOf: [{ $ref: "#/$defs/Cat" }, { $ref: "#/$defs/Dog" }, { $ref: "#/$defs/Fish" }] },
};
const problems = (schema: object, value: unknown) =>
  compileSchema(frozen({ kind: "schema", json: { ...schema, $defs } }) as Schema)(value).map(
    ({ at, message }) => `${at}: ${message}`,
  );
const pet = { $ref: "#/$defs/Pet" };

test("a value that fits no option gets the complaints of the one that its discriminator names, and how many there are", () => {
  assert.deepEqual(problems(pet, { kind: "cat", lives: "nine" }), [
    '/lives: must be integer (the nearest of 3 options: Cat, by its kind "cat")',
  ]);
  assert.deepEqual(problems({ type: "array", items: pet }, [{ kind: "fish" }, { kind: "dog", bark: 1, lives: 1 }]), [
    '/1: has the property "lives", which the schema does not know (the nearest of 3 options: Dog, by its kind "dog")',
    '/1/bark: must be string (the nearest of 3 options: Dog, by its kind "dog")',
  ]);
});

test("what tells the options apart is asked for where it is missing, or has a value of none of them", () => {
  const one = 'must be one of "cat", "dog", "fish"';
  assert.deepEqual(problems({ properties: { pet } }, { pet: { kind: "cow", lives: 1 } }), [`/pet/kind: ${one}`]);
  assert.deepEqual(problems({ properties: { pet } }, { pet: { lives: 1 } }), [
    `/pet: lacks the property "kind", which ${one}`,
  ]);
  assert.deepEqual(problems(pet, "a cat"), [": must be object"]);
});

test("without a discriminator the option with the fewest and deepest errors is the nearest, also inside of another", () => {
  const toy = (value: unknown) => problems(pet, { kind: "dog", bark: "x", toy: value });
  const dog = '(the nearest of 3 options: Dog, by its kind "dog")';
  assert.deepEqual(toy({ size: "large" }), [`/toy/size: must be integer (the nearest of 3 options: Ball) ${dog}`]);
  assert.deepEqual(toy({ bone: "x", age: "y" }), [
    `/toy/age: must be integer (the nearest of 3 options: number 2) ${dog}`,
  ]);
  assert.deepEqual(toy(1), [`/toy: must be object or null ${dog}`]);
  assert.deepEqual(toy(null), []);
});

test("types and values are told as one list, and null beside one option is no choice", () => {
  assert.deepEqual(problems({ anyOf: [{ type: "integer" }, { type: "null" }] }, "x"), [": must be integer or null"]);
  assert.deepEqual(problems({ anyOf: [{ const: "a" }, { enum: ["b", "c"] }] }, 1), [': must be one of "a", "b", "c"']);
  assert.deepEqual(problems({ anyOf: [{ const: "a" }, { type: "integer" }] }, true), [
    ': must be integer, or one of "a"',
  ]);
  assert.deepEqual(problems({ anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }] }, 0), [": must be >= 1"]);
  assert.deepEqual(problems({ oneOf: [{ type: "integer" }, { type: "number" }, { type: "string" }] }, 1), [
    ": fits more than one of its 3 options, and must fit one only",
  ]);
});

test("what is wrong beside a choice is told too, before and behind it", () => {
  const schema = {
    type: "object",
    required: ["id"],
    properties: { pet, name: { type: "string" } },
    anyOf: [{ required: ["a"] }, { required: ["b", "c"] }],
  };
  assert.deepEqual(problems(schema, { pet: { kind: "dog" }, name: 1 }).toSorted(), [
    "/name: must be string",
    '/pet: lacks the property "bark" (the nearest of 3 options: Dog, by its kind "dog")',
    ': lacks the property "a" (the nearest of 2 options: number 1)',
    ': lacks the property "id"',
  ]);
});

test("an option that nothing fits, and hundreds of them, are no trouble", () => {
  assert.match(problems({ anyOf: [false, { required: ["a"] }] }, {})[0]!, /lacks the property "a"/);
  const many = Array.from({ length: 300 }, (_, at) => ({
    type: "object",
    properties: { kind: { const: `k${at}` }, value: { type: "integer" } },
    required: ["kind", "value"],
  }));
  assert.deepEqual(problems({ type: "array", items: { oneOf: many } }, [{ kind: "k7", value: 1 }, { kind: "k250" }]), [
    '/1: lacks the property "value" (the nearest of 300 options: that with kind "k250")',
  ]);
  assert.ok(problems({ oneOf: many }, { kind: "x" })[0]!.length < 300);
});

test("what would take long to tell is told by its place alone, and a tree of choices is not told of all of them", () => {
  const many = Array.from({ length: 300 }, (_, at) => ({
    type: "object",
    properties: { kind: { const: `k${at}` }, value: { type: "integer" } },
    required: ["kind", "value"],
  }));
  const wrong = Array.from({ length: 1600 }, (_, at) => ({ kind: "k1", value: at < 3 ? 1 : "x" }));
  assert.deepEqual(problems({ type: "array", items: { oneOf: many } }, wrong), ["/3: fits none of several options"]);
  const inner = {
    properties: { next: { $ref: "#/$defs/Tree" }, leaf: { type: "integer" } },
    additionalProperties: false,
  };
  const tree = {
    Tree: {
      oneOf: [
        { ...inner, required: ["leaf"] },
        { type: "object", required: ["other"], properties: { other: true } },
      ],
    },
  };
  let value: object = { leaf: "x" };
  for (let depth = 0; depth < 100; depth++) value = { leaf: 1, next: value };
  const json = { $ref: "#/$defs/Tree", $defs: tree } as JsonSchema;
  const [problem, ...others] = compileSchema(frozen({ kind: "schema", json }) as Schema)(value);
  assert.equal(problem?.at, `${"/next".repeat(100)}/leaf`);
  assert.match(problem?.message ?? "", /^must be integer( \(the nearest of 2 options: number 1\)){2}$/);
  assert.deepEqual(others, []);
});

test("a system's answer is told of in the same way", () => {
  const model = { schemas: $defs } as unknown as ContractModel;
  const operation = { output: { type: "array", items: pet }, input: true, faults: {} } as unknown as OperationModel;
  const [first, ...others] = operationValidators(model, operation).output([{ kind: "cat", lives: 9 }, { kind: "cat" }]);
  assert.equal(first?.message, 'lacks the property "lives" (the nearest of 3 options: Cat, by its kind "cat")');
  assert.equal(first?.at, "/1");
  assert.deepEqual(others, []);
});

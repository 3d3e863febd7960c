/** Contracts that mean harm (attacks 20 to 26): each ends in an error that names the place, or is read as plain data, soon. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { schemaOf } from "../contract.ts";
import { serialise } from "../model.ts";
import { compileSchema } from "../validate.ts";
import { writeContract } from "../write/typescript.ts";
import { one, read, refused } from "./openapi-harness.test.ts";

const head = { openapi: "3.1.0", info: { title: "T", version: "1" } };
const json = (rest: object) => read({ "a.json": JSON.stringify({ ...head, ...rest }) });
let begun = process.cpuUsage();

beforeEach(() => {
  begun = process.cpuUsage();
});
afterEach(() => {
  // The processor's time: a busy machine is no fault of the reader's.
  const { user, system } = process.cpuUsage(begun);
  assert.ok(user + system < 15_000_000, "it took too long");
  assert.deepEqual(Object.keys(Object.prototype), []);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test("attack 21: depth, duplicates, endless and huge numbers, lone surrogates", async () => {
  const text = (body: string) => read({ "a.json": `{"openapi":"3.1.0","paths":{},"x":${body}}` });
  await assert.rejects(text(`${"[".repeat(100_000)}${"]".repeat(100_000)}`), refused(/depth/));
  await assert.rejects(text('{"a":1,"a":2}'), refused(/twice/));
  await assert.rejects(text("1e999"), refused(/too large/));
  await assert.rejects(text('"\\ud800"'), refused(/surrogate/));
  await assert.rejects(
    read({ "a.json": `{"openapi":"3.1.0","paths":{},"x":[${"0,".repeat(2_100_000)}0]}` }),
    refused(/number of values/),
  );
});

test("attack 24: rings of references, long lines of them, and branches without end", async () => {
  const schemas = (of: (index: number) => object, count: number) =>
    json({
      paths: {},
      components: { schemas: Object.fromEntries(Array.from({ length: count }, (_, at) => [`S${at}`, of(at)])) },
    });
  const ref = (at: number) => ({ $ref: `#/components/schemas/S${at}` });
  const ring = await schemas((at) => ({ type: "object", properties: { next: ref((at + 1) % 5000) } }), 5000);
  assert.equal(Object.keys(ring.schemas).length, 5000);
  const line = await schemas(
    (at) => (at === 4999 ? { type: "string", readOnly: true } : { type: "object", properties: { n: ref(at + 1) } }),
    5000,
  );
  assert.equal(Object.keys(line.schemas).length, 5000);
  await assert.rejects(
    schemas((at) => ref((at + 1) % 1000), 1000),
    refused(/defined by itself/),
  );
  await assert.rejects(
    schemas((at) => (at >= 58 ? { type: "string" } : { allOf: [ref(at + 2 - (at % 2)), ref(at + 3 - (at % 2))] }), 60),
    refused(/branches into more than/),
  );
  await assert.rejects(
    schemas((at) => ({ discriminator: { propertyName: "k" }, ...(at === 0 ? {} : { allOf: [ref(at - 1)] }) }), 3000),
    refused(/inherit from each other more than/),
  );
  await assert.rejects(json({ paths: { "/a": { $ref: "#/paths/~1a" } } }), refused(/ring/));
});

test("attack 25: names that objects have anyway are names like any other", async () => {
  const names = ["__proto__", "constructor", "prototype", "toString", "then", "hasOwnProperty"];
  const schema = (inner: object) =>
    JSON.parse(`{${names.map((name) => `"${name}": ${JSON.stringify(inner)}`).join(",")}}`) as object;
  const model = await json({
    paths: Object.fromEntries(
      names.map((name) => [
        `/${name}/{${name}}`,
        {
          post: {
            operationId: name,
            parameters: [
              { name, in: "path", required: true, schema: { type: "string" } },
              { name, in: "query", schema: {} },
            ],
            requestBody: {
              content: {
                "application/json": {
                  schema: { type: "object", properties: schema({ type: "integer" }), polluted: 1 },
                },
              },
            },
            responses: JSON.parse('{"200":{"description":"","__proto__":{"polluted":1}}}'),
          },
        },
      ]),
    ),
    components: { schemas: schema({ type: "object", properties: schema({ type: "string" }) }) },
  });
  assert.equal(Object.keys(model.operations).length, names.length);
  const { properties } = Object.values(model.schemas)[0] as { properties: object };
  assert.deepEqual(Object.keys(properties), names);
  const validate = compileSchema(schemaOf(model, { $ref: `#/$defs/${Object.keys(model.schemas)[0]!}` }));
  assert.deepEqual(validate({}), []);
  assert.notDeepEqual(validate({ toString: 5 }), []);
  assert.equal(JSON.parse(serialise(model)).operations.then, undefined, "a system must be no promise");
  assert.match(writeContract(model)["contract.ts"], /readonly __proto__\?: string;/);
});

test("attack 26: patterns that others never finish are checked at once, whatever they repeat", async () => {
  const patterns = ["^(a|a)*$", "^(a+)+$", "((a{100}){100}){100}", "(?=x)a", "(", "\\p{L}+".repeat(50)];
  const model = await one(
    `components: { schemas: { A: { type: object, properties: { ${patterns.map((pattern, at) => `p${at}: { pattern: ${JSON.stringify(pattern)} }`).join(", ")} } } } }`,
  );
  const validate = compileSchema(schemaOf(model, { $ref: "#/$defs/A" }));
  const value = Object.fromEntries(patterns.map((_, at) => [`p${at}`, `${"a".repeat(40)}!`]));
  validate(value);
  const started = process.cpuUsage();
  for (let at = 0; at < 20; at++) validate(value);
  assert.ok(process.cpuUsage(started).user < 2_000_000);
});

test("names of a megabyte are cut, told apart, and not repeated in messages", async () => {
  const long = "n".repeat(1_000_000);
  const model = await json({
    paths: { [`/${long}`]: { get: { operationId: long, responses: {} }, put: { operationId: long, responses: {} } } },
    components: { schemas: { [long]: { type: long }, [`${long}2`]: {} } },
  });
  for (const name of [...Object.keys(model.operations), ...Object.keys(model.schemas)])
    assert.ok(name.length <= 202, String(name.length));
  assert.deepEqual([Object.keys(model.operations).length, Object.keys(model.schemas).length], [2, 2]);
  for (const note of model.source.notes ?? []) assert.ok(note.length < 1500);
  await assert.rejects(
    one(`components: { schemas: { A: { $ref: "./${long}.yaml" } } }`),
    (error: Error) => error.message.length < 1500,
  );
});

test("texts of the contract end no comment, and tell the compiler nothing", async () => {
  const evil = "*/ export const evil = 1; /* \u2028 @ts-expect-error";
  const model = await json({
    info: { title: evil, version: evil },
    paths: { "/a": { get: { summary: "@ts-ignore", description: evil, operationId: evil, responses: {} } } },
    components: {
      schemas: {
        "A */ x": { description: "@ts-expect-error", type: "object", properties: { [evil]: { const: evil } } },
      },
    },
  });
  const text = writeContract(model)["contract.ts"];
  assert.doesNotMatch(text.replace(/"(\\.|[^"\\])*"/g, ""), /\*\/ export const evil|@ts-/);
});

/** What authors of real contracts write and mean otherwise: read as it is meant, with a note, where no value could ever fit what stands there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaOf } from "../contract.ts";
import { compileSchema } from "../validate.ts";
import { one, rest, schemasOf } from "./openapi-harness.test.ts";

test("values of an enum have the type that the schema says, and an enum without any such value counts for nothing", async () => {
  const schemas = await schemasOf(
    `A: { type: integer, enum: ["1", "2", 3] }
B: { type: integer, enum: ["0 (Default)", "2 (Large)"] }
C: { type: boolean, enum: ["true"] }
D: { type: array, items: { type: string }, enum: [small, large] }
E: { type: string, enum: [now], format: date-time }
F: { type: integer, enum: ["12345678901234567890", 1] }`,
    "3.0.3",
  );
  assert.deepEqual(schemas, {
    A: { type: "integer", enum: [1, 2, 3] },
    B: { type: "integer" },
    C: { type: "boolean", enum: [true] },
    D: { type: "array", items: { type: "string", enum: ["small", "large"] } },
    E: { type: "string", enum: ["now"] },
    F: { type: "integer", enum: ["12345678901234567890", 1] },
  });
});

test("a pattern in slashes is read without them; one that ignores case can't be said", async () => {
  const schemas = await schemasOf(
    `A: { type: string, pattern: "/^[a-z]+$/" }
B: { type: string, pattern: "/^[a-z]+$/i" }
C: { type: string, pattern: "/orders/[0-9]+/" }`,
    "3.0.3",
  );
  assert.deepEqual(schemas, {
    A: { type: "string", pattern: "^[a-z]+$" },
    B: { type: "string" },
    C: { type: "string", pattern: "/orders/[0-9]+/" },
  });
});

test("a oneOf with an option that is never alone is a choice; one whose options can be told apart stays", async () => {
  const model = await one(
    `paths: {}
components:
  schemas:
    User: { type: object, required: [id], properties: { id: { type: string } } }
    Admin: { allOf: [{ $ref: '#/components/schemas/User' }, { type: object, properties: { rights: { type: string } } }] }
    Status: { type: object, properties: { state: { type: string } } }
    Store: { type: object, properties: { code: { type: string } } }
    Cat: { type: object, required: [claws], properties: { claws: { type: integer } } }
    Dog: { type: object, required: [bark], properties: { bark: { type: string } } }
    Inherited: { oneOf: [{ $ref: '#/components/schemas/User' }, { $ref: '#/components/schemas/Admin' }] }
    Loose: { oneOf: [{ $ref: '#/components/schemas/Status' }, { $ref: '#/components/schemas/Store' }] }
    Numbers: { oneOf: [{ type: integer }, { type: number }] }
    Ids: { oneOf: [{ type: string, format: upload-id }, { type: string, format: asset-id }] }
    Pets: { oneOf: [{ $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' }] }
    Kinds: { oneOf: [{ type: object, properties: { k: { enum: [a] } } }, { type: object, properties: { k: { enum: [b] } } }] }
    Closed: { oneOf: [{ type: object, additionalProperties: false, properties: { a: { type: string } } }, { type: object, required: [b], properties: { b: { type: string } } }] }`,
    "3.0.3",
  );
  const choice = (name: string) =>
    ["oneOf", "anyOf"].find((keyword) => Object.hasOwn(model.schemas[name] as object, keyword));
  assert.deepEqual(["Inherited", "Loose", "Numbers", "Ids"].map(choice), ["anyOf", "anyOf", "anyOf", "anyOf"]);
  assert.deepEqual(["Pets", "Kinds", "Closed"].map(choice), ["oneOf", "oneOf", "oneOf"]);
  const fits = (name: string, value: unknown) =>
    compileSchema(schemaOf(model, model.schemas[name]!))(value).length === 0;
  assert.ok(fits("Inherited", { id: "1", rights: "all" }) && fits("Loose", { code: "x" }) && fits("Numbers", 5));
  assert.ok(!fits("Inherited", { rights: "all" }) && !fits("Numbers", "5") && !fits("Ids", 5));
  assert.equal(model.source.notes?.filter((note) => /read as an anyOf/.test(note)).length, 4);
  assert.equal(model.source.unchecked, undefined, "what is meant is checked");
});

test("additionalProperties: false does not forbid what the schemas beside it name", async () => {
  const schemas = await schemasOf(
    `Base: { type: object, properties: { id: { type: string } } }
A: { allOf: [{ $ref: '#/components/schemas/Base' }], properties: { own: { type: string } }, additionalProperties: false }
B: { allOf: [{ $ref: '#/components/schemas/Base' }], properties: { id: {} }, additionalProperties: false }`,
    "3.0.3",
  );
  const beside = await schemasOf(
    `Base: { type: object, properties: { id: { type: string } } }
C: { $ref: '#/components/schemas/Base', additionalProperties: false }`,
    "3.1.0",
  );
  assert.deepEqual(beside.C, { $ref: "#/$defs/Base" });
  assert.equal("additionalProperties" in (schemas.A as object), false);
  assert.equal((schemas.B as { additionalProperties?: unknown }).additionalProperties, false);
});

test("the type null beside a choice means that null is one more", async () => {
  for (const version of ["3.0.3", "3.1.0"]) {
    const schemas = await schemasOf("A: { type: 'null', oneOf: [{ type: string }, { type: boolean }] }", version);
    const choice = { oneOf: [{ type: "string" }, { type: "boolean" }] };
    assert.deepEqual(schemas.A, { anyOf: [choice, { type: "null" }] });
  }
});

test("parameters and bodies are sent though their schema is readOnly; HTTP's own headers are no parameters", async () => {
  const model = await one(`
paths:
  /a/{id}:
    put:
      operationId: put
      parameters:
        - { name: id, in: path, required: true, schema: { $ref: '#/components/schemas/Id' } }
        - { name: Content-Length, in: header, required: true, schema: { type: integer } }
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } } }
      responses: { "204": { description: ok } }
components:
  schemas:
    Id: { type: string, readOnly: true }
    Thing: { type: object, readOnly: true, properties: { id: { $ref: '#/components/schemas/Id' }, name: { type: string } } }`);
  const { input } = model.operations.put!;
  assert.deepEqual((input as { required?: unknown }).required, ["id", "body"]);
  const { id, body } = (input as { properties: { id: unknown; body: { $ref: string } } }).properties;
  assert.deepEqual(id, { $ref: "#/$defs/Id" });
  const sent = model.schemas[body.$ref.slice("#/$defs/".length)] as { properties: object };
  assert.deepEqual(Object.keys(sent.properties), ["name"]);
  assert.deepEqual(
    rest(model.operations.put).parameters.map(({ name }) => name),
    ["id"],
  );
  assert.match(model.source.notes!.join("\n"), /every request says Content-Length by itself/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { onlyOf, unknownNames } from "./only.ts";
import { one } from "./read/openapi-harness.test.ts";
import { writeContract } from "./write/typescript.ts";

test("a part of a contract has what its operations and events need, and remembers what was asked for", async () => {
  const model = await one(`
security: [{ a: [] }]
paths:
  /a: { get: { operationId: a, responses: { "200": { description: ok, links: { b: { operationId: b } }, content: { application/json: { schema: { $ref: "#/components/schemas/A" } } } } } } }
  /b: { get: { operationId: b, security: [{ b: [] }], responses: { "404": { description: none, content: { application/json: { schema: { $ref: "#/components/schemas/C" } } } } } } }
webhooks: { told: { post: { requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/D" } } } }, responses: {} } } }
components:
  securitySchemes: { a: { type: http, scheme: bearer }, b: { type: http, scheme: basic } }
  schemas: { A: { type: object, properties: { b: { $ref: "#/components/schemas/B" } } }, B: { type: object, properties: { a: { $ref: "#/components/schemas/A" } } }, C: { type: string }, D: { type: integer } }`);
  const part = onlyOf(model, ["a"]);
  assert.deepEqual(Object.keys(part.operations), ["a"]);
  assert.deepEqual([Object.keys(part.events), Object.keys(part.schemas)], [[], ["A", "B"]]);
  assert.deepEqual([part.security, part.source.only], [{ a: { kind: "bearer" } }, ["a"]]);
  assert.equal(part.operations.a!.links, undefined);
  assert.doesNotMatch(writeContract(part)["contract.ts"], /\bC\b|\bD\b|readonly b: \{$/m);
  assert.deepEqual(Object.keys(onlyOf(model, ["b", "told"]).schemas), ["C", "D"]);
  assert.deepEqual(unknownNames(model, ["a", "told", "toString", "x"]), ["toString", "x"]);
});

test("a name that was asked for before names in capitals had camelCase is still the same member", async () => {
  const model = await one(`
paths: {}
webhooks:
  REPORT_AVAILABLE: { post: { requestBody: { content: { application/json: { schema: { type: integer } } } }, responses: {} } }
  OTHER: { post: { requestBody: { content: { application/json: { schema: { type: integer } } } }, responses: {} } }`);
  const part = onlyOf(model, ["reportAVAILABLE", "gone"]);
  assert.deepEqual(Object.keys(part.events), ["reportAvailable"]);
  assert.deepEqual(part.source.only, ["gone", "reportAvailable"]);
});

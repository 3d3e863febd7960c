/** Every operation called on its fake, where the contract makes that hard. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { one } from "../contract/read/openapi-harness.test.ts";
import { callAll } from "./call-all.ts";
import { serveFake } from "./serve.ts";

test("queries in the path, extensions, deletions before changes, empty defaults and streams of text are all called", async () => {
  const id = "parameters: [{ name: id, in: path, required: true, schema: { type: string, default: '' } }]";
  const model = await one(`
paths:
  /near?lat={lat}&kind=town: { get: { operationId: near, parameters: [{ name: lat, in: path, required: true, schema: { type: number } }, { name: max, in: query, schema: { type: integer } }], responses: { "204": { description: ok } } } }
  /near?name={name}: { get: { operationId: named, responses: { "204": { description: ok } } } }
  /{version}: { get: { operationId: entry, responses: { "204": { description: ok } } } }
  /maps/{lon}/{lat}.{format}: { get: { operationId: map, parameters: [{ name: lon, in: path, required: true, schema: { type: number } }, { name: lat, in: path, required: true, schema: { type: number, enum: [5.25] } }, { name: format, in: path, required: true, schema: { enum: [png] } }], responses: { "204": { description: ok } } } }
  /profiles/{id}{extension}: { get: { operationId: profile, parameters: [{ name: id, in: path, required: true, schema: { type: string } }, { name: extension, in: path, required: true, schema: { enum: [.json] } }], responses: { "204": { description: ok } } } }
  /things/{id}:
    delete: { operationId: remove, ${id}, responses: { "204": { description: ok } } }
    patch: { operationId: change, ${id}, requestBody: { content: { application/json: { schema: { type: object } } } }, responses: { "200": { description: ok, content: { application/json: { schema: { type: object } } } } } }
  /feed: { get: { operationId: feed, responses: { "200": { description: ok, content: { text/event-stream: {} } } } } }
  /secrets: { post: { operationId: keep, requestBody: { content: { application/json: { schema: { properties: { name: { type: string } }, required: [name], example: "{ name: x }" } } } }, responses: { "204": { description: ok } } } }
  /words: { post: { operationId: words, requestBody: { required: true, content: { application/x-www-form-urlencoded: { schema: { type: string } } } }, responses: { "204": { description: ok } } } }`);
  const all = await callAll(model);
  assert.deepEqual(
    all.filter(({ ok }) => !ok),
    [],
  );
  assert.equal(all.length, 10);
});

test("a query that stands in the path tells operations apart", async () => {
  const model = await one(`
paths:
  /lists?do=export: { get: { operationId: export, responses: { "200": { description: ok, content: { text/plain: { schema: { const: exported } } } } } } }
  /lists?do={what}: { get: { operationId: other, responses: { "200": { description: ok, content: { text/plain: { schema: { const: other } } } } } } }`);
  const fake = await serveFake(model);
  try {
    const got = async (query: string) => (await fetch(`${fake.url}/lists${query}`)).status;
    assert.deepEqual([await got("?do=export"), await got("?do=more"), await got("")], [200, 200, 404]);
    assert.deepEqual(
      fake.requests.map(({ operation }) => operation),
      ["export", "other", undefined],
    );
    assert.deepEqual(fake.requests[1]?.input, { what: "more" });
  } finally {
    await fake.close();
  }
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { type RestBinding, serialise } from "../model.ts";
import { readOpenApi } from "./openapi.ts";
import { one, read, refused, schemasOf } from "./openapi-harness.test.ts";
import { openSource } from "./source.ts";

const fixtures = fileURLToPath(new URL("./fixtures/openapi/", import.meta.url));

test("real contracts are read, twice alike, frozen, and their schemas compile strictly", async () => {
  const expected: Record<string, [operations: number, events: number, schemas: number]> = {
    "petstore-expanded-3.0.yaml": [4, 0, 3],
    "uspto-3.0.yaml": [3, 0, 1],
    "tictactoe-3.1.yaml": [3, 1, 6],
    "webhook-3.1.yaml": [0, 1, 1],
    "nested-files-3.1/openapi.yaml": [3, 0, 2],
  };
  for (const [file, counts] of Object.entries(expected)) {
    const model = await readOpenApi(await openSource(join(fixtures, file)), "test");
    const again = await readOpenApi(await openSource(join(fixtures, file)), "test");
    assert.equal(serialise(model), serialise(again));
    assert.ok(Object.isFrozen(model) && Object.isFrozen(Object.values(model.operations)[0]?.binding ?? model.events));
    const found = [model.operations, model.events, model.schemas].map((all) => Object.keys(all).length);
    assert.deepEqual(found, counts, file);
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      strictRequired: false,
      allowUnionTypes: true,
      validateFormats: false,
    });
    ajv.addSchema({ $id: "test:model", $defs: model.schemas });
    for (const name of Object.keys(model.schemas)) ajv.compile({ $ref: `test:model#/$defs/${name}` });
  }
});

test("parameters, body, answers and faults become one flat input, an output and named faults", async () => {
  const model = await one(`
servers: [{ url: "https://{host}/v1", variables: { host: { default: shop.example } } }]
paths:
  /orders/{order-id}:
    parameters:
      - { name: order-id, in: path, required: true, schema: { type: string }, description: Its number. }
    put:
      summary: Change an order
      tags: [a]
      parameters:
        - { name: dry, in: query, schema: { type: boolean }, deprecated: true }
        - { name: Accept, in: header, schema: { type: string } }
        - { name: filter, in: query, content: { application/json: { schema: { type: object } } } }
      requestBody:
        content:
          text/plain: {}
          application/json: { schema: { type: object, required: [total, id], properties: { id: { type: string, readOnly: true }, total: { type: number } } } }
      responses:
        "200": { description: ok, content: { application/json: { schema: { type: string } } } }
        "204": { description: none }
        "409": { description: taken, content: { application/problem+json: { schema: { type: object } } } }
        "429": { description: later }
        "503": { description: down }
        "402": { description: declined, x-mortise-fault: card declined }
        default: { description: anything }
    post: { operationId: list_orders.V2, responses: { default: { description: ok, content: { text/csv: {} } } } }
    get: { operationId: list-orders-v2, responses: {} }
    head: { responses: { "200": { description: ok, content: { application/json: { schema: {} } } } } }
    delete: { operationId: schemas, responses: {} }
`);
  assert.deepEqual(model.servers, ["https://shop.example/v1"]);
  assert.deepEqual(Object.keys(model.operations).sort(), [
    "headOrdersOrderId",
    "listOrdersV2",
    "listOrdersV22",
    "putOrdersOrderId",
    "schemas2",
  ]);
  const put = model.operations.putOrdersOrderId!;
  assert.deepEqual(put.input, {
    type: "object",
    properties: {
      orderId: { type: "string", description: "Its number." },
      dry: { type: "boolean", deprecated: true },
      filter: { type: "object" },
      total: { type: "number" },
    },
    required: ["orderId", "total"],
  });
  const binding = put.binding as RestBinding;
  assert.deepEqual(binding.body, { mediaType: "application/json", required: false, from: { kind: "spread" } });
  assert.deepEqual(
    binding.parameters.map(({ property, name, style, explode, json }) => [property, name, style, explode, json]),
    [
      ["orderId", "order-id", "simple", false, undefined],
      ["dry", "dry", "form", true, undefined],
      ["filter", "filter", "form", true, true],
    ],
  );
  assert.deepEqual(put.output, { anyOf: [{ type: "string" }, { type: "null" }] });
  // statuses look like numbers, and those come first in every object of the language
  assert.deepEqual(Object.keys(put.faults), ["cardDeclined", "conflict", "otherFault"]);
  assert.equal(put.effect, "idempotent");
  assert.equal(model.operations.listOrdersV22!.effect, "unrepeatable");
  assert.deepEqual(model.operations.listOrdersV22!.output, { type: "string" });
  assert.deepEqual(model.operations.headOrdersOrderId!.output, { type: "null" });
  assert.equal(model.operations.headOrdersOrderId!.effect, "read");
});

test("a body is one property where spreading it would lose something", async () => {
  const body = async (parameters: string, schema: string) => {
    const model = await one(`
paths:
  /a: { post: { operationId: a, parameters: [${parameters}], requestBody: { required: true, content: { application/json: { schema: ${schema} } } }, responses: {} } }
components: { schemas: { A: { type: object, properties: { a: {} } }, B: { type: object, required: [b], properties: { b: {} } } } }`);
    const operation = model.operations.a!;
    return { from: (operation.binding as RestBinding).body!.from, input: operation.input };
  };
  const id = "{ name: id, in: query, schema: {} }";
  assert.deepEqual(await body("", '{ $ref: "#/components/schemas/A" }'), {
    from: { kind: "spread" },
    input: { $ref: "#/$defs/A" },
  });
  const property = { kind: "property", name: "body" };
  assert.deepEqual((await body(id, "{ type: array }")).from, property);
  assert.deepEqual((await body(id, "{ type: object, properties: { id: {} } }")).from, property);
  assert.deepEqual((await body(id, "{ type: object }")).from, property);
  assert.deepEqual(
    (await body(id, '{ oneOf: [{ $ref: "#/components/schemas/A" }, { $ref: "#/components/schemas/B" }] }')).from,
    property,
  );
  const merged = await body(id, '{ allOf: [{ $ref: "#/components/schemas/A" }, { $ref: "#/components/schemas/B" }] }');
  assert.deepEqual(merged, {
    from: { kind: "spread" },
    input: { type: "object", properties: { id: {}, a: {}, b: {} }, required: ["b"] },
  });
  assert.deepEqual((await body("{ name: body, in: query, schema: {} }", "{ type: string }")).from, {
    kind: "property",
    name: "bodyBody",
  });
});

test("a header for an idempotency key becomes the key, and leaves the input", async () => {
  const model = await one(`
paths:
  /pay:
    post:
      operationId: pay
      parameters: [{ name: idempotency-KEY, in: header, required: true, schema: { type: string }, x-mortise-key-lifetime: 24h }]
      responses: {}
    get: { operationId: look, x-mortise-effect: unrepeatable, responses: {} }`);
  const { key, input, effect } = model.operations.pay!;
  assert.deepEqual(key, { in: "header", name: "idempotency-KEY", required: true, lifetimeMs: 86_400_000 });
  assert.deepEqual(input, { type: "object", properties: {}, additionalProperties: false });
  assert.equal(effect, "idempotent");
  assert.equal(model.operations.look!.effect, "unrepeatable");
  await assert.rejects(one("paths: { /a: { get: { x-mortise-effect: maybe } } }"), refused(/x-mortise-effect/));
});

test("webhooks become events with their correlation", async () => {
  const model = await one(`
webhooks:
  payment.captured:
    post:
      x-mortise-correlation: /data/orderId
      requestBody: { content: { application/json: { schema: { type: object } } } }
      responses: { "200": { description: ok } }`);
  assert.deepEqual(model.events, {
    paymentCaptured: {
      name: "paymentCaptured",
      payload: { type: "object" },
      correlation: "/data/orderId",
      binding: { protocol: "webhook", mediaType: "application/json" },
    },
  });
});

test("schemas of 3.0 are upgraded to 2020-12", async () => {
  const schemas = await schemasOf(
    `
A: { type: string, nullable: true, example: x, xml: { name: a }, x-more: 1 }
B: { type: number, minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false }
C: { nullable: true, description: d, allOf: [{ $ref: "#/components/schemas/A" }] }
D: { type: string, nullable: true, enum: [a] }
E: { type: object, properties: { a: { $ref: "#/components/schemas/A", nullable: true, description: why } }, required: [a] }
F: { type: array, items: { type: integer, format: int32 } }`,
    "3.0.3",
  );
  assert.deepEqual(schemas, {
    A: { type: ["string", "null"], examples: ["x"] },
    B: { type: "number", exclusiveMinimum: 1, maximum: 9 },
    C: { description: "d", anyOf: [{ allOf: [{ $ref: "#/$defs/A" }] }, { type: "null" }] },
    D: { type: ["string", "null"], enum: ["a", null] },
    E: { type: "object", properties: { a: { $ref: "#/$defs/A", description: "why" } }, required: ["a"] },
    F: { type: "array", items: { type: "integer", format: "int32" } },
  });
});

test("a parent that lists its children, which inherit from it, is taken apart", async () => {
  const schemas = await schemasOf(
    `
Pet: { type: object, required: [kind], properties: { kind: { type: string } }, discriminator: { propertyName: kind }, oneOf: [{ $ref: "#/components/schemas/Cat" }] }
Cat: { allOf: [{ $ref: "#/components/schemas/Pet" }, { type: object, properties: { lives: { type: integer } } }] }`,
    "3.0.3",
  );
  const own = { type: "object", required: ["kind"], properties: { kind: { type: "string" } } };
  const marked = { type: "object", properties: { kind: { const: "Cat" } }, required: ["kind"] };
  assert.deepEqual(schemas, {
    Pet: { ...own, oneOf: [{ allOf: [{ $ref: "#/$defs/Cat" }, marked] }] },
    Cat: { allOf: [{ $ref: "#/$defs/PetBase" }, { type: "object", properties: { lives: { type: "integer" } } }] },
    PetBase: own,
  });
});

test("references go through files and rings; names that clash get a number, the same every time", async () => {
  const files = {
    "a/main.yaml": `openapi: 3.1.0
paths:
  /x: { get: { operationId: x, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "../b/node.yaml#/Node" } } } } } } }
  /y: { $ref: "../b/paths.yaml#/~1y" }
components: { schemas: { Node: { type: string } } }`,
    "b/node.yaml": "Node: { type: object, properties: { next: { $ref: '#/Node' }, leaf: { $ref: 'leaf.json' } } }",
    "b/leaf.json": '{"type":"object","properties":{"back":{"$ref":"node.yaml#/Node"}}}',
    "b/paths.yaml": "/y: { get: { operationId: y, responses: {} } }",
  };
  const model = await read(files);
  assert.deepEqual(model.schemas, {
    Node: { type: "string" },
    Node2: { type: "object", properties: { next: { $ref: "#/$defs/Node2" }, leaf: { $ref: "#/$defs/Leaf" } } },
    Leaf: { type: "object", properties: { back: { $ref: "#/$defs/Node2" } } },
  });
  assert.deepEqual(Object.keys(model.operations), ["x", "y"]);
  assert.deepEqual(
    model.source.files.map((file) => file.path),
    ["a/main.yaml", "b/leaf.json", "b/node.yaml", "b/paths.yaml"],
  );
});

test("what can't be read is refused with file, place and reason", async () => {
  const bad: [body: string, ...parts: RegExp[]][] = [
    [
      "paths: { /a: { get: { responses: { 200: { $ref: '#/components/responses/None' } } } } }",
      /a\.yaml/,
      /at \/paths\/~1a\/get\/responses\/200 \(line 3, column 41\)/,
      /not there/,
    ],
    ["paths: { /a: { $ref: 'other.yaml#/x' } }", /at \/paths\/~1a \(line 3/, /no such file/],
    ["paths: { /a: { $ref: '../../etc/passwd' } }", /climbs out/],
    ["paths: { /a: { $ref: 'http://127.0.0.1/x' } }", /another place/],
    [
      "components: { schemas: { A: { $ref: '#/components/schemas/B' }, B: { allOf: [{ $ref: '#/components/schemas/A' }] } } }",
      /defined by itself/,
    ],
    [
      "components: { parameters: { A: { $ref: '#/components/parameters/A' } } }\npaths: { /a: { get: { parameters: [{ $ref: '#/components/parameters/A' }] } } }",
      /ring/,
    ],
    ["paths: [", /line \d+, column \d+/],
    ["paths: {}\npaths: {}", /line 4.*unique/],
    ["paths: [1]", /at \/paths .*object/],
    ["x: 1", /neither paths/],
  ];
  for (const [body, ...parts] of bad) await assert.rejects(one(body), refused(...parts));
  await assert.rejects(read({ "a.yaml": "swagger: '1.2'" }), refused(/"1\.2" is no version of Swagger.*2\.0 is/));
  await assert.rejects(one("paths: {}", "4.0.0"), refused(/\/openapi \(line 1, column 10\)/, /3\.0, 3\.1 and 3\.2/));
  await assert.rejects(read({ "a.yaml": "just text" }), refused(/its root.*object/));
  await assert.rejects(read({ "a.json": '{"openapi":"3.1.0",}' }), refused(/a\.json.*line 1, column 20/));
});

test("hostile text ends in an error, soon", async () => {
  const started = performance.now();
  const bombs = [`a: ${"[".repeat(100_000)}`, "{".repeat(100_000), `${"- ".repeat(50_000)}a`];
  const lol = `a: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `b${i}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join("\n")}`;
  for (const text of [...bombs, lol, "a: &a [*a]"]) await assert.rejects(read({ "a.yaml": text }), refused());
  assert.ok(performance.now() - started < 10_000);
});

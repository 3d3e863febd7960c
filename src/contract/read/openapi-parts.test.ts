/** Swagger 2.0, polymorphism, directions, bodies, answers, callbacks, links and security schemes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonSchema } from "../../operation.ts";
import { schemaOf } from "../contract.ts";
import type { ContractModel } from "../model.ts";
import { compileSchema, modelValidator, operationValidators } from "../validate.ts";
import { one, read, rest, schemasOf } from "./openapi-harness.test.ts";

const fits = (model: ContractModel, schema: JsonSchema, value: unknown) =>
  compileSchema(schemaOf(model, schema))(value).length === 0;

test("Swagger 2.0: parameters, forms, files, bodies, answers, addresses and security schemes", async () => {
  const model = await read({
    "a.json": JSON.stringify({
      swagger: "2.0",
      info: { title: "Pets", version: "1" },
      host: "pets.example",
      basePath: "/v2",
      schemes: ["http", "https"],
      consumes: ["application/json"],
      produces: ["application/json"],
      security: [{ key: [] }],
      parameters: { Limit: { name: "limit", in: "query", type: "integer", maximum: 10 } },
      responses: { Missing: { description: "no such pet", schema: { $ref: "#/definitions/Fault" } } },
      securityDefinitions: {
        key: { type: "apiKey", in: "header", name: "X-Key" },
        login: {
          type: "oauth2",
          flow: "accessCode",
          authorizationUrl: "https://a",
          tokenUrl: "https://b",
          scopes: { w: "" },
        },
      },
      definitions: {
        Pet: { type: "object", required: ["name"], properties: { name: { type: "string", "x-nullable": true } } },
        Fault: { type: "object", properties: { code: { type: "integer" } } },
      },
      paths: {
        "/pets": {
          parameters: [{ $ref: "#/parameters/Limit" }],
          get: {
            operationId: "listPets",
            parameters: [
              { name: "tags", in: "query", type: "array", items: { type: "string" }, collectionFormat: "multi" },
              { name: "ids", in: "query", type: "array", items: { type: "string" }, collectionFormat: "pipes" },
              { name: "plain", in: "query", type: "array", items: { type: "string" } },
            ],
            responses: {
              200: { description: "ok", schema: { type: "array", items: { $ref: "#/definitions/Pet" } } },
              404: { $ref: "#/responses/Missing" },
            },
          },
          post: {
            operationId: "addPet",
            security: [{ login: ["w"] }],
            parameters: [{ name: "pet", in: "body", required: true, schema: { $ref: "#/definitions/Pet" } }],
            responses: { 201: { description: "made" } },
          },
        },
        "/pets/{id}/photo": {
          post: {
            operationId: "addPhoto",
            consumes: ["multipart/form-data"],
            parameters: [
              { name: "id", in: "path", required: true, type: "integer", format: "int64" },
              { name: "photo", in: "formData", type: "file", required: true, description: "A picture." },
              { name: "note", in: "formData", type: "string" },
            ],
            responses: { 200: { description: "ok", schema: { type: "file" } } },
          },
          put: {
            operationId: "setNote",
            consumes: ["application/x-www-form-urlencoded"],
            parameters: [
              { name: "id", in: "path", required: true, type: "string" },
              { name: "words", in: "formData", type: "array", items: { type: "string" }, collectionFormat: "ssv" },
            ],
            responses: { default: { description: "ok" } },
          },
        },
      },
    }),
  });
  assert.deepEqual(model.servers, ["https://pets.example/v2", "http://pets.example/v2"]);
  const { listPets, addPet, addPhoto, setNote } = model.operations;
  assert.deepEqual(
    rest(listPets).parameters.map(({ name, style, explode }) => [name, style, explode]),
    [
      ["limit", "form", true],
      ["tags", "form", true],
      ["ids", "pipeDelimited", false],
      ["plain", "form", false],
    ],
  );
  assert.deepEqual((listPets!.input as { properties: unknown }).properties, {
    limit: { type: "integer", maximum: 10 },
    tags: { type: "array", items: { type: "string" } },
    ids: { type: "array", items: { type: "string" } },
    plain: { type: "array", items: { type: "string" } },
  });
  assert.deepEqual(listPets!.output, { type: "array", items: { $ref: "#/$defs/Pet" } });
  assert.deepEqual(listPets!.faults, { notFound: { description: "no such pet", detail: { $ref: "#/$defs/Fault" } } });
  assert.deepEqual(addPet!.input, {
    type: "object",
    properties: { limit: { type: "integer", maximum: 10 }, name: { type: ["string", "null"] } },
    required: ["name"],
  });
  assert.deepEqual([listPets!.security, addPet!.security], [[{ key: [] }], [{ login: ["w"] }]]);
  assert.deepEqual(model.schemas.Pet, {
    type: "object",
    required: ["name"],
    properties: { name: { type: ["string", "null"] } },
  });
  assert.deepEqual(rest(addPhoto).body, {
    mediaType: "multipart/form-data",
    required: true,
    encoding: { photo: { contentType: "application/octet-stream", bytes: true } },
    from: { kind: "spread" },
  });
  assert.deepEqual((addPhoto!.input as { properties: { photo: unknown } }).properties.photo, {
    type: "string",
    contentEncoding: "base64",
    description: "A picture.",
  });
  assert.deepEqual(addPhoto!.output, { type: "string", contentEncoding: "base64" });
  assert.deepEqual(rest(setNote).body?.encoding, { words: { style: "spaceDelimited", explode: false } });
  assert.deepEqual(model.security, {
    key: { kind: "header", name: "X-Key" },
    login: {
      kind: "oauth2",
      flows: { authorizationCode: { authorizationUrl: "https://a", tokenUrl: "https://b", scopes: ["w"] } },
    },
  });
});

test("Swagger 2.0: a fault inside an operation is told with its own place", async () => {
  const text =
    "swagger: '2.0'\npaths:\n  /a:\n    get:\n      responses:\n        200: { description: x, schema: { $ref: 'none.yaml' } }";
  await assert.rejects(read({ "a.yaml": text }), /responses\/200\/schema \(line 6, column \d+\).*no such file/);
});

test("a discriminator tells options apart: by their names, by its mapping, or by what they say themselves", async () => {
  const model = await one(`
components:
  schemas:
    Animal: { oneOf: [{ $ref: "#/components/schemas/Cat" }, { $ref: "#/components/schemas/Dog" }, { $ref: "#/components/schemas/Fish" }], discriminator: { propertyName: kind, mapping: { puppy: "#/components/schemas/Dog", dog: Dog } } }
    Cat: { type: object, properties: { kind: { type: string }, lives: { type: integer } } }
    Dog: { type: object, properties: { kind: { type: string } } }
    Fish: { type: object, properties: { kind: { const: fish } } }`);
  const animal = { $ref: "#/$defs/Animal" };
  for (const good of [{ kind: "Cat", lives: 9 }, { kind: "dog" }, { kind: "puppy" }, { kind: "fish" }])
    assert.ok(fits(model, animal, good), JSON.stringify(good));
  for (const bad of [{ kind: "Dog" }, { kind: "cow" }, { kind: "Cat", lives: "x" }])
    assert.ok(!fits(model, animal, bad), JSON.stringify(bad));
});

test("a parent with a discriminator stands for all that inherit from it, through generations, and for itself", async () => {
  const model = await one(
    `
components:
  schemas:
    Pet: { type: object, required: [petType], properties: { petType: { type: string } }, discriminator: { propertyName: petType } }
    Cat: { allOf: [{ $ref: "#/components/schemas/Pet" }, { type: object, required: [claws], properties: { claws: { type: boolean } } }] }
    Siamese: { allOf: [{ $ref: "#/components/schemas/Cat" }, { type: object, required: [blue], properties: { blue: { type: boolean } } }] }
    Owner: { type: object, properties: { pet: { $ref: "#/components/schemas/Pet" } } }`,
    "3.0.3",
  );
  const owner = { $ref: "#/$defs/Owner" };
  const pet = (value: object) => fits(model, owner, { pet: value });
  assert.ok(pet({ petType: "Pet" }) && pet({ petType: "Cat", claws: true }));
  assert.ok(pet({ petType: "Siamese", claws: true, blue: true }));
  assert.ok(!pet({ petType: "Siamese", claws: true }) && !pet({ petType: "Cat" }) && !pet({ petType: "Cow" }));
});

test("OA-7: readOnly is no part of a request, writeOnly none of an answer, however deep", async () => {
  const model = await one(`
paths:
  /users/{id}:
    put:
      operationId: saveUser
      parameters: [{ name: id, in: path, required: true, schema: { type: string } }]
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } }
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/User" } } } } }
components:
  schemas:
    User:
      type: object
      required: [name, created, password, address]
      properties:
        name: { type: string }
        created: { type: string, readOnly: true }
        password: { type: string, writeOnly: true }
        address: { $ref: "#/components/schemas/Address" }
        friends: { type: array, items: { $ref: "#/components/schemas/User" } }
    Address: { type: object, required: [street, verified], properties: { street: { type: string }, verified: { type: boolean, readOnly: true } }, additionalProperties: false }`);
  const { input, output } = model.operations.saveUser!;
  const sent = { id: "1", name: "a", password: "p", address: { street: "s" } };
  assert.ok(fits(model, input, sent));
  assert.ok(fits(model, input, { ...sent, friends: [{ name: "b", password: "q", address: { street: "t" } }] }));
  assert.ok(!fits(model, input, { ...sent, address: { street: "s", verified: true } }));
  assert.ok(!fits(model, input, { ...sent, password: undefined }));
  assert.ok(fits(model, output, { name: "a", created: "now", address: { street: "s", verified: true } }));
  assert.ok(!fits(model, output, { name: "a", address: { street: "s", verified: true } }));
  assert.deepEqual(Object.keys(model.schemas).sort(), [
    "Address",
    "AddressRequest",
    "User",
    "UserRequest",
    "UserResponse",
  ]);
  const twin = model.schemas.UserResponse as { properties: object; required: string[] };
  assert.deepEqual(Object.keys(twin.properties), ["name", "created", "address", "friends"]);
  assert.deepEqual(twin.required, ["name", "created", "address"]);
});

test("each success status has its own schema", async () => {
  const model = await one(`
paths:
  /a:
    post:
      operationId: a
      responses:
        "200": { description: done, content: { application/json: { schema: { type: object, required: [id], properties: { id: { type: string } } } } } }
        "202": { description: later }
        "203": { description: again, content: { application/json: { schema: { type: string } } } }`);
  const operation = model.operations.a!;
  assert.deepEqual(
    rest(operation).success.map(({ status, option }) => [status, option]),
    [
      ["200", 0],
      ["202", 1],
      ["203", 2],
    ],
  );
  const validators = operationValidators(model, operation);
  assert.deepEqual(validators.option(1)(null), []);
  assert.notDeepEqual(validators.option(0)(null), []);
  assert.deepEqual(validators.output("text"), []);
});

test("multipart bodies: bytes are base64 in the input, in lists too; other parts keep their schema", async () => {
  const model = await one(
    `
paths:
  /a:
    post:
      operationId: upload
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/Upload" }
            encoding: { meta: { contentType: application/json }, logo: { contentType: "image/png, image/jpeg" } }
      responses: {}
components:
  schemas:
    Upload:
      type: object
      required: [file]
      properties:
        file: { type: string, format: binary }
        files: { type: array, items: { type: string, format: binary } }
        logo: { type: string, format: binary }
        meta: { type: object, properties: { a: { type: integer } } }
        text: { type: string }`,
    "3.0.3",
  );
  const { input, binding } = model.operations.upload!;
  assert.ok(fits(model, input, { file: "aGk=", files: ["aGk="], meta: { a: 1 }, text: "x" }));
  assert.deepEqual((binding as { body?: { encoding?: unknown } }).body?.encoding, {
    file: { contentType: "application/octet-stream", bytes: true },
    files: { contentType: "application/octet-stream", bytes: true },
    logo: { contentType: "image/png", otherTypes: ["image/jpeg"], bytes: true },
    meta: { contentType: "application/json" },
  });
});

test("OA-9: webhooks and callbacks are events whose payload is checked; one that operations share is one", async () => {
  const model = await one(`
webhooks:
  orderPaid: { post: { requestBody: { content: { application/json: { schema: { type: object, required: [id], properties: { id: { type: string } } } } } }, responses: {} } }
paths:
  /a:
    post:
      operationId: subscribe
      responses: {}
      callbacks:
        done: { "{$request.body#/url}": { post: { requestBody: { content: { application/json: { schema: { type: object, required: [state], properties: { state: { enum: [ok] } } } } } }, responses: {} } } }
        shared: { $ref: "#/components/callbacks/Shared" }
        silent: { "{$request.query.u}": { post: { requestBody: { description: nothing }, responses: {} } } }
  /b: { post: { operationId: other, responses: {}, callbacks: { shared: { $ref: "#/components/callbacks/Shared" } } } }
components:
  callbacks: { Shared: { "{$request.query.u}": { post: { requestBody: { content: { application/json: { schema: { type: integer } } } }, responses: {} } } } }`);
  assert.deepEqual(Object.keys(model.events), ["orderPaid", "done", "shared"]);
  const { orderPaid, done } = model.events;
  assert.deepEqual(modelValidator(model, orderPaid!.payload)({ id: "1" }), []);
  assert.notDeepEqual(modelValidator(model, orderPaid!.payload)({}), []);
  assert.notDeepEqual(modelValidator(model, done!.payload)({ state: "no" }), []);
  assert.deepEqual(done!.binding, {
    protocol: "webhook",
    mediaType: "application/json",
    callback: { operation: "subscribe", expression: "{$request.body#/url}" },
  });
  assert.ok(model.source.notes?.some((note) => /"silent" has no JSON body/.test(note)));
});

test("links lead to operations of the contract, with the properties of their input", async () => {
  const model = await one(`
paths:
  /users/{id}: { get: { operationId: getUser, parameters: [{ name: id, in: path, required: true, schema: {} }], responses: {} } }
  /users:
    post:
      operationId: addUser
      responses:
        "201":
          description: made
          links:
            self: { operationId: getUser, parameters: { id: "$response.body#/id" }, description: The user. }
            byRef: { operationRef: "#/paths/~1users~1{id}/get", parameters: { path.id: "$response.body#/id" } }
            gone: { operationId: nobody }`);
  assert.deepEqual(model.operations.addUser!.links, {
    self: { description: "The user.", status: "201", operation: "getUser", input: { id: "$response.body#/id" } },
    byRef: { status: "201", operation: "getUser", input: { id: "$response.body#/id" } },
  });
  assert.ok(model.source.notes?.some((note) => /"gone" leads to no operation/.test(note)));
});

test("nullable beside options, old tuples and exclusive bounds of the old dialects", async () => {
  const schemas = await schemasOf("A: { type: array, items: [{ type: string }], nullable: true }", "3.0.0");
  assert.deepEqual(schemas, { A: { type: ["array", "null"], prefixItems: [{ type: "string" }] } });
});

test("headers of answers, and members of those names, may stand in other files", async () => {
  const model = await read({
    "a.json": JSON.stringify({
      openapi: "3.1.0",
      info: { title: "Trace", version: "1" },
      paths: {
        "/t": {
          get: {
            operationId: "trace",
            responses: {
              200: {
                description: "ok",
                headers: { "x-trace": { $ref: "header.json" } },
                content: {
                  "application/json": {
                    schema: { type: "object", properties: { headers: { $ref: "parts.json#/Headers" } } },
                  },
                },
              },
            },
          },
        },
      },
    }),
    "header.json": JSON.stringify({ schema: { type: "integer" } }),
    "parts.json": JSON.stringify({ Headers: { type: "array", items: { type: "string" } } }),
  });
  const { output } = model.operations.trace as NonNullable<(typeof model.operations)[string]>;
  assert.ok(fits(model, output, { headers: ["a"] }));
  assert.ok(!fits(model, output, { headers: "a" }));
});

test("what a contract says of the characters of a text body holds, in requests and answers; what says something else of a text does not", async () => {
  const model = await one(`
paths:
  /label:
    post:
      operationId: label
      requestBody: { required: true, content: { text/plain: { schema: { type: string, pattern: "^[A-Z]+$", maxLength: 3 } } } }
      responses: { "200": { description: ok, content: { text/plain: { schema: { $ref: '#/components/schemas/Word' } } } } }
  /count:
    post:
      operationId: count
      requestBody: { content: { text/plain: { schema: { type: integer, minimum: 3 } } } }
      responses: { "200": { description: ok, content: { text/plain: {} } } }
components: { schemas: { Word: { type: string, enum: [yes, no] } } }`);
  const { label, count } = model.operations;
  for (const [body, good] of [
    ["AB", true],
    ["ab", false],
    ["ABCD", false],
  ] as const)
    assert.equal(operationValidators(model, label!).input({ body }).length === 0, good, body);
  for (const [answer, good] of [
    ["yes", true],
    ["perhaps", false],
  ] as const)
    assert.equal(operationValidators(model, label!).output(answer).length === 0, good, answer);
  assert.deepEqual(operationValidators(model, count!).input({ body: "1" }), []);
});

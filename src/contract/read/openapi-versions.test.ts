/** Versions of OpenAPI and what they brought: 3.0 to 3.2, references and names, JSON Schema 2020-12. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { schemaOf } from "../contract.ts";
import { compileSchema } from "../validate.ts";
import { one, read, refused, rest, schemasOf } from "./openapi-harness.test.ts";

test("OA-1: 3.0, 3.1 and 3.2 are read, also where YAML made a number of the version", async () => {
  for (const version of ["3.0.0", "3.0.4", "3.1.1", "3.2.0", "3.1.0-rc1", "3.0", "3.1", '"3.2"', '"3"'])
    assert.equal((await one("paths: {}", version)).source.languageVersion, version.replaceAll('"', ""));
  assert.equal((await one("paths: {}", "3")).source.languageVersion, "3.0");
});

test("OA-1: a pinned file has the bytes that were read, byte order mark and line ends too", async () => {
  const text = '\uFEFFopenapi: 3.0.0\r\ninfo: {title: "T\u00e9", version: "1"}\r\npaths: {}\r\n';
  const model = await read({ "a.yaml": text });
  const { createHash } = await import("node:crypto");
  assert.equal(model.source.files[0]!.sha256, createHash("sha256").update(Buffer.from(text)).digest("hex"));
});

test("OA-2: nullable of 3.0, the null type of 3.1 and oneOf with null accept the same values", async () => {
  const old = await one("components: { schemas: { A: { type: string, maxLength: 2, nullable: true } } }", "3.0.3");
  const types = await one("components: { schemas: { A: { type: [string, 'null'], maxLength: 2 } } }");
  const options = await one(
    "components: { schemas: { A: { oneOf: [{ type: string, maxLength: 2 }, { type: 'null' }] } } }",
  );
  for (const model of [old, types, options]) {
    const validate = compileSchema(schemaOf(model, { $ref: "#/$defs/A" }));
    for (const good of [null, "", "ab"]) assert.deepEqual(validate(good), []);
    for (const bad of ["abc", 1, {}, undefined]) assert.notDeepEqual(validate(bad), []);
  }
});

test("OA-3: boolean schemas, tuples, unevaluated members, $id, $anchor and $dynamicRef", async () => {
  const model = await one(`
components:
  schemas:
    Any: true
    None: false
    Pair: { type: array, prefixItems: [{ type: string }, { type: integer }], items: false }
    Closed: { allOf: [{ properties: { a: { type: string } } }], unevaluatedProperties: false }
    Named: { $id: "https://example.com/named", type: object, properties: { self: { $ref: "https://example.com/named" }, part: { $ref: "#piece" } } }
    Piece: { $anchor: piece, type: integer }
    Tree: { $dynamicAnchor: node, type: object, properties: { children: { type: array, items: { $dynamicRef: "#node" } } } }`);
  const check = (name: string, value: unknown) =>
    compileSchema(schemaOf(model, { $ref: `#/$defs/${name}` }))(value).length === 0;
  assert.ok(check("Any", 1) && !check("None", 1));
  assert.ok(check("Pair", ["a", 1]) && !check("Pair", ["a", "b"]) && !check("Pair", ["a", 1, 2]));
  assert.ok(check("Closed", { a: "x" }) && !check("Closed", { a: "x", b: 1 }));
  assert.ok(check("Named", { self: { part: 1 } }) && !check("Named", { self: { part: "x" } }));
  assert.ok(check("Tree", { children: [{ children: [] }] }) && !check("Tree", { children: [{ children: 1 }] }));
});

test("OA-4: references are resolved by file, by $self, and by the $self of another file", async () => {
  const model = await read({
    "api/main.yaml": `openapi: 3.2.0
$self: https://example.com/api/main.yaml
info: { title: T, version: "1" }
components:
  schemas:
    Relative: { $ref: "../parts/a.yaml#/A" }
    Absolute: { $ref: "https://example.com/api/near.yaml#/N" }
    Own: { $ref: "https://example.com/api/main.yaml#/components/schemas/Text" }
    Text: { type: string }`,
    "parts/a.yaml": "A: { type: integer }",
    "api/near.yaml": "N: { type: boolean }",
  });
  assert.deepEqual(model.schemas, {
    Relative: { $ref: "#/$defs/A" },
    Absolute: { $ref: "#/$defs/N" },
    Own: { $ref: "#/$defs/Text" },
    Text: { type: "string" },
    A: { type: "integer" },
    N: { type: "boolean" },
  });
});

test("OA-5: QUERY and methods of one's own, the whole query as one value, items of sequences, device flow, tags", async () => {
  const model = await one(
    `
tags: [{ name: books, kind: nav }, { name: novels, parent: books, kind: nav }]
security: [{ login: [read] }]
paths:
  /books:
    query:
      operationId: findBooks
      requestBody: { content: { application/json: { schema: { type: object, properties: { title: { type: string } } } } } }
      responses: { "200": { description: found, content: { application/jsonl: { itemSchema: { $ref: "#/components/schemas/Book" } } } } }
    additionalOperations:
      COPY: { operationId: copyBooks, responses: { "204": { description: done } } }
      "not a method": { responses: {} }
  /search:
    get:
      operationId: search
      parameters: [{ name: q, in: querystring, content: { application/x-www-form-urlencoded: { schema: { type: object, properties: { a: { type: array, items: { type: string } } } }, encoding: { a: { style: pipeDelimited } } } } }]
      responses: { "200": { description: events, content: { text/event-stream: { itemSchema: { type: object, properties: { data: { type: string } } } } } } }
components:
  schemas: { Book: { type: object, required: [id], properties: { id: { type: string } } } }
  securitySchemes:
    login: { type: oauth2, flows: { deviceAuthorization: { deviceAuthorizationUrl: https://a.example/d, tokenUrl: https://a.example/t, scopes: { read: x } } } }`,
    "3.2.0",
  );
  const { findBooks, copyBooks, search } = model.operations;
  assert.deepEqual([findBooks!.effect, rest(findBooks).method], ["read", "QUERY"]);
  assert.deepEqual(findBooks!.output, { type: "array", items: { $ref: "#/$defs/Book" } });
  assert.deepEqual(rest(findBooks).success, [{ status: "200", mediaType: "application/jsonl", list: true }]);
  assert.deepEqual([copyBooks!.effect, rest(copyBooks).method], ["unrepeatable", "COPY"]);
  assert.equal(model.source.notes?.length, 1);
  assert.match(model.source.notes![0]!, /"not a method" is no method/);
  assert.deepEqual(rest(search).parameters, [
    {
      property: "q",
      in: "querystring",
      name: "q",
      required: false,
      style: "form",
      explode: true,
      encoding: { a: { style: "pipeDelimited", explode: false } },
    },
  ]);
  assert.deepEqual(model.security, {
    login: {
      kind: "oauth2",
      flows: {
        deviceAuthorization: {
          deviceAuthorizationUrl: "https://a.example/d",
          tokenUrl: "https://a.example/t",
          scopes: ["read"],
        },
      },
    },
  });
});

test("OA-10: references in rings are read; those to another host, or out of the folder, are not even looked at", async () => {
  const schemas = await schemasOf(
    "A: { type: object, required: [b], properties: { b: { $ref: '#/components/schemas/B' } } }\nB: { type: object, required: [a], properties: { a: { $ref: '#/components/schemas/A' } } }",
    "3.0.0",
  );
  assert.deepEqual(Object.keys(schemas), ["A", "B"]);
  for (const [reference, why] of [
    ["http://169.254.169.254/latest", /another place/],
    ["https://example.com/a.yaml#/A", /another place/],
    ["file:///etc/passwd", /another place/],
    ["//example.com/a.yaml", /another place/],
    ["/etc/passwd", /absolute path/],
    ["../../../../etc/passwd", /climbs out/],
  ] as const)
    await assert.rejects(
      one(`components: { schemas: { A: { $ref: '${reference}' } } }`),
      refused(/schemas\/A/, new RegExp(reference.split("#")[0]!.replaceAll(".", "\\.")), why),
    );
});

test("what breaks the rules in one place is passed over with a note that names the place", async () => {
  const model = await one(`
paths:
  /a/{id}:
    get:
      parameters: [{ in: query, schema: {} }, { name: x, in: body }, { name: gone, in: path, schema: {} }]
      responses: { abc: {}, "200": { description: ok } }
components:
  schemas:
    A: { type: text, maxLength: "5", minLength: many, pattern: 7, required: true, items: [{ type: string }] }
    B: { type: thing, enum: none, description: 5, properties: [] }
    C: { type: string, enum: [1, on, "1"], additionalProperties: nothing }`);
  assert.deepEqual(model.schemas, {
    A: { type: "string", maxLength: 5, pattern: "7", prefixItems: [{ type: "string" }] },
    B: { description: "5", properties: {} },
    C: { type: "string", enum: ["1", "on"] },
  });
  const notes = model.source.notes!;
  for (const part of [
    /parameters\/0 \(line 7, column 20\): a parameter without a name/,
    /parameters\/1.*stands in "body"/,
    /parameters\/2.*no place for \{gone\}/,
    /responses\/abc.*"abc" is no status/,
    /A\/minLength.*wrong type/,
    /A\/required.*no list of names/,
    /B\/type.*"thing" is no type/,
    /B\/enum.*no list/,
    /C\/additionalProperties.*no schema/,
  ])
    assert.ok(
      notes.some((note) => part.test(note)),
      `${part} in ${notes.join("\n")}`,
    );
  assert.equal(notes.length, 9);
  // A missing minimum lets more pass; a response that is passed over does not.
  assert.deepEqual(model.source.unchecked?.map((note) => /schemas\/(\S+)/.exec(note)?.[1]).sort(), [
    "A/minLength",
    "A/required",
    "B/enum",
    "B/type",
    "C/additionalProperties",
  ]);
});

test("an operationId that comes twice, and patterns that can't be checked, are told", async () => {
  const model = await one(`
paths:
  /a: { get: { operationId: look, responses: {} }, put: { operationId: look, responses: {} } }
components:
  schemas:
    A: { type: string, pattern: "^S-[0-9" }
    B: { type: string, pattern: "^(?:(?=a)b)$" }
    C: { type: object, patternProperties: { "^x(": {} }, required: [a, 1] }
    D: { type: string, pattern: "^(?=.*[0-9])(?!.*-$)S-[0-9-]+$" }`);
  assert.deepEqual(Object.keys(model.operations), ["look", "look2"]);
  const notes = model.source.notes ?? [];
  for (const part of [
    /a\/put.*operationId "look" is another operation's too: here this one is look2/,
    /A\/pattern.*the pattern "\^S-\[0-9" is no regular expression, or has look-around/,
    /B\/pattern.*whatever comes fits it/,
    /C\/patternProperties.*"\^x\("/,
    /C\/required.*members that are no names/,
  ])
    assert.ok(
      notes.some((note) => part.test(note)),
      `${part} in ${notes.join("\n")}`,
    );
  assert.deepEqual([notes.length, model.source.unchecked?.length], [5, 4]);
});

test("servers of a path or an operation stand at its binding", async () => {
  const model = await one(`
servers: [{ url: https://api.example }]
paths:
  /a: { servers: [{ url: https://path.example }], get: { operationId: a, responses: {} }, put: { operationId: b, servers: [{ url: "https://{r}.example", variables: { r: { default: up } } }], responses: {} } }
  /c: { get: { operationId: c, responses: {} } }`);
  const server = (name: string) => rest(model.operations[name]).server;
  assert.deepEqual([server("a"), server("b"), server("c")], ["https://path.example", "https://up.example", undefined]);
});

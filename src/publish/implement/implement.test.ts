/** An API whose contract is given, from its document to its answers. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { compareContracts } from "../../contract/compare/compare.ts";
import { readOpenApi } from "../../contract/read/openapi.ts";
import { openTexts } from "../../contract/read/source.ts";
import type { Schema } from "../../operation.ts";
import { apiKey } from "../access/api-key.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench } from "../harness.test.ts";
import { adapt } from "../lifecycle/adapt.ts";
import { deprecated, published } from "../lifecycle/states.ts";
import { implementApi } from "./implement.ts";
import { implemented, pinned, stock } from "./stock-harness.test.ts";

async function openStock(t: TestContext) {
  const contract = await stock(t);
  const api = implemented(contract);
  const bench = await openBench({ apis: [api] });
  t.after(() => bench[Symbol.asyncDispose]());
  return { ...bench, contract, api };
}

test("OA-6: parameters are read from where the contract has them, in its styles, and mapped to what stands behind", async (t) => {
  const { ask, backend } = await openStock(t);
  const headers = { "x-trace": "t-1", cookie: "other=1; session=s%201" };
  const path = "/stock/v2/items/A-1%2525?limit=3&sites=n%7Cs&where[color]=blue";
  const answer = await ask("GET", path, { headers });
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(backend.called[0]?.input, { sku: "A-1%25/blue/n/s/t-1/s 1", limit: 3 });
  assert.deepEqual(answer.json, { itemNo: "A-1%25/blue/n/s/t-1/s 1", available: 7 });
  assert.equal(answer.headers["x-stand"], "7");
  assert.equal((await ask("HEAD", "/stock/v2/items/A")).status, 200);
});

test("OW-8: pages that may call may send and read the header fields that the contract declares", async (t) => {
  const origin = "https://shop.example";
  const api = { ...implemented(await stock(t)), cors: { origins: [origin] } };
  await using bench = await openBench({ apis: [api] });
  const answer = await bench.ask("GET", "/stock/v2/items/A", { headers: { origin } });
  assert.equal(answer.headers["x-stand"], "7");
  assert.match(answer.headers["access-control-expose-headers"] ?? "", /(^|, )X-Stand(,|$)/);
  const wanted = { "access-control-request-method": "GET", "access-control-request-headers": "x-trace" };
  const preflight = await bench.ask("OPTIONS", "/stock/v2/items/A", { key: null, headers: { origin, ...wanted } });
  assert.match(preflight.headers["access-control-allow-headers"] ?? "", /(^|, )x-trace(,|$)/);
});

test("a request that the contract does not allow is refused in the contract's own form of errors, before anything is done", async (t) => {
  const { ask, backend } = await openStock(t);
  for (const path of [
    "items/lower",
    "items/A?limit=x",
    "items/A?limit=1&limit=2",
    "items/A?sites=a&sites=b",
    "items/A?colour=1",
    "items/A?where[size]=1",
    "items/A?limit=%ff",
  ]) {
    const answer = await ask("GET", `/stock/v2/${path}`);
    assert.equal(answer.status, 400, path);
    assert.equal(answer.headers["content-type"], "application/vnd.board.error+json");
    assert.equal(answer.json.code, 400);
    assert.equal(typeof answer.json.message, "string");
  }
  const twice = await ask("GET", "/stock/v2/items/A", { headers: { cookie: "session=a; session=b" } });
  assert.equal(twice.status, 400, twice.text);
  const refused = await ask("GET", "/stock/v2/items/A", { key: null });
  assert.deepEqual([refused.status, refused.json.code], [401, 401]);
  assert.ok(refused.headers["www-authenticate"] !== undefined);
  const unaccepted = await ask("GET", "/stock/v2/items/A", { headers: { accept: "application/xml" } });
  assert.deepEqual([unaccepted.status, unaccepted.json.code], [406, 406]);
  // What declares no body of its own has problems.
  assertProblem(await ask("GET", "/stock/v2/orders/none"), 404, "resource-unknown");
  assertProblem(await ask("POST", "/stock/v2/orders", { body: { id: "a", pieces: 1 } }), 415, "media-type-unsupported");
  const headers = { "content-type": "application/vnd.board.order+json" };
  for (const body of [
    { id: "a" },
    { id: "a", pieces: 0 },
    { id: "a", pieces: 1, more: 1 },
    { id: "a", pieces: 1, made: "x" },
    [],
  ])
    assertProblem(await ask("POST", "/stock/v2/orders", { body, headers }), 400, "input-invalid");
  assertProblem(await ask("GET", "/stock/v2/nothing"), 404, "route-unknown");
  assert.equal(backend.called.length + backend.started.length, 0);
});

test("a declared fault is answered with its status and body, and is not kept for others", async (t) => {
  const { ask, backend } = await openStock(t);
  backend.answer = (input) => ({
    ok: false,
    fault: { name: "UnknownSku", message: "no", detail: { sku: (input as { sku: string }).sku } },
  });
  const answer = await ask("GET", "/stock/v2/items/A");
  assert.deepEqual([answer.status, answer.json], [404, { code: 17, message: "no A" }]);
  assert.equal(answer.headers["content-type"], "application/json");
  backend.answer = () => ({ ok: true, output: { sku: "A", onHand: -1 } });
  const odd = await ask("GET", "/stock/v2/items/B");
  assert.deepEqual([odd.status, odd.json], [422, { code: 1, message: "counted wrong" }]);
  assert.equal(odd.headers["content-type"], "application/vnd.board.error+json");
});

test("a start is answered with 201, 202 without a body, or the declared fault of a rejected run; the status is linked", async (t) => {
  const { ask, backend } = await openStock(t);
  const headers = { "content-type": "application/vnd.board.order+json", "idempotency-key": '"k-1"' };
  const place = (id: string, more = headers) =>
    ask("POST", "/stock/v2/orders", { body: { id, pieces: 2 }, headers: more });
  const done = await place("o-1");
  assert.equal(done.status, 201, done.text);
  assert.deepEqual(done.json, { number: "S-1-o-1" });
  assert.equal(done.headers.location, "/stock/v2/orders/o-1");
  assert.deepEqual(backend.started[0]?.input, { id: "o-1", customerId: "shop", lines: [{ sku: "rope", quantity: 2 }] });
  const again = await place("o-1");
  assert.deepEqual([again.status, again.json, again.headers["idempotency-replayed"]], [201, done.json, "true"]);

  const { "idempotency-key": _, ...plain } = headers;
  backend.end = { status: "parked" };
  const open = await place("o-2", plain as typeof headers);
  assert.deepEqual([open.status, open.text, open.headers.location], [202, "", "/stock/v2/orders/o-2"]);
  backend.end = { status: "rejected", failure: { reason: "no credit" } };
  const refused = await place("o-3", plain as typeof headers);
  assert.deepEqual([refused.status, refused.json], [409, { title: "Refused", why: "no credit" }]);
  const shown = await ask("GET", "/stock/v2/orders/o-1");
  assert.deepEqual([shown.status, shown.json], [200, { number: "S-1", state: "completed" }]);
});

test("answers without a body, in text, and paths with a colon", async (t) => {
  const { ask, backend } = await openStock(t);
  backend.answer = () => ({ ok: true, output: {} });
  const gone = await ask("DELETE", "/stock/v2/orders/o%201");
  assert.deepEqual([gone.status, gone.text, gone.headers["content-type"]], [204, "", undefined]);
  assert.deepEqual(backend.called[0]?.input, { reference: "o 1" });
  const headers = { "content-type": "text/plain", accept: "text/*" };
  const label = await ask("POST", "/stock/v2/labels:post", { headers, body: Buffer.from("ä") });
  assert.deepEqual([label.status, label.text], [200, "a;b\n"]);
  assert.equal(label.headers["content-type"], "text/csv; charset=utf-8");
  assert.deepEqual(backend.called[1]?.input, { sku: "ä", price: "1" });
  assert.equal((await ask("POST", "/stock/v2/labels:post", { headers: { accept: "text/csv" } })).status, 200);
});

test("OA-1: the document is served as it was given, byte for byte; its served form says where, how, and what else is answered", async (t) => {
  const { ask, publisher, contract } = await openStock(t);
  const given = await ask("GET", "/stock/v2/openapi/openapi.yaml", { key: null });
  assert.equal(given.status, 200);
  assert.equal(given.headers["content-type"], "application/yaml");
  const served = (await ask("GET", "/stock/v2/openapi.json", { key: null })).json;
  assert.deepEqual(served.info, {
    title: "Partner stock",
    version: "2.1.0",
    contact: { name: "Partner board" },
    "x-lifecycle": "published",
  });
  assert.deepEqual(served.servers, [{ url: "/stock/v2" }]);
  const item = served.paths["/items/{item-no}"].get;
  assert.deepEqual(Object.keys(item.responses["200"].content), ["application/json"]);
  // What the contract says of credentials is what access takes: it stays.
  assert.deepEqual(item.security, [{ key: [] }]);
  assert.deepEqual(served.components.securitySchemes, { key: { type: "apiKey", in: "header", name: "X-API-Key" } });
  assert.deepEqual(Object.keys(item.responses), ["200", "404", "default"]);
  assert.ok(served.paths["/orders"].post.responses["429"] !== undefined);
  assert.deepEqual(publisher.openapi("stock", "2.1.0"), served);
  const page = await ask("GET", "/stock/v2/docs", { key: null });
  assert.match(page.text, /item-no/);
  assert.match(page.text, /application\/vnd\.board\.order\+json/);
  // Errors have the form of the contract there, and the page does not say otherwise.
  assert.match(
    page.text,
    /An error that an operation declares has the form that stands there\. Every other one is a problem/,
  );

  // What is served is the contract, for every caller of it: nothing that a caller may rely on has gone, but for the XML.
  const model = await readOpenApi(await openTexts({ "openapi.json": JSON.stringify(served) }), "stock");
  const rules = compareContracts(contract.model, model).findings.filter(({ verdict }) => verdict === "breaking");
  assert.deepEqual([...new Set(rules.map(({ rule }) => rule))], ["answer-media-type"]);
});

test("the document's bytes are those that were pinned; others are refused", async (t) => {
  const contract = await stock(t);
  const { sourceOf } = await import("./source.ts");
  const [file] = sourceOf(contract).files;
  assert.deepEqual(Buffer.from(file?.bytes ?? []), readFileSync(join(contract.folder ?? "", "openapi.yaml")));
  const other = {
    ...contract,
    model: { ...contract.model, source: { ...contract.model.source, files: [{ path: "openapi.yaml", sha256: "0" }] } },
  };
  assert.throws(() => sourceOf(other), /is not the one that its contract.ts was written for/);
});

test("several files are one document: references lead to where they stand in it", async (t) => {
  const texts = {
    "openapi.yaml": `
openapi: 3.0.3
info: { title: Parts, version: "1" }
paths: { /parts: { $ref: "./paths/parts.yaml" } }
`,
    "paths/parts.yaml": `
get:
  operationId: listParts
  responses: { "200": { description: ok, content: { application/json: { schema: { type: array, items: { $ref: "../schemas.yaml#/Part" } } } } } }
`,
    "schemas.yaml": `
Part: { type: object, required: [id], properties: { id: { type: string }, inner: { $ref: "#/Part" } }, example: { $ref: "./no.yaml" } }
`,
  };
  const contract = await pinned("parts.v1", texts, (undo) => t.after(undo));
  const api = implementApi(contract as never, {
    version: "1.0.0",
    base: "/parts",
    lifecycle: published(),
    access: [],
    operations: {
      listParts: {
        access: "public",
        calls: { kind: "operation", system: "warehouse", name: "getStock", effect: "read" },
      },
    } as never,
  });
  await using bench = await openBench({ apis: [api] });
  const served = (await bench.ask("GET", "/parts/openapi.json")).json;
  const { get: list } = served.paths["/parts"];
  assert.equal(list.responses["200"].content["application/json"].schema.items.$ref, "#/x-files/schemas.yaml/Part");
  assert.equal(served["x-files"]["schemas.yaml"].Part.properties.inner.$ref, "#/x-files/schemas.yaml/Part");
  const model = await readOpenApi(await openTexts({ "openapi.json": JSON.stringify(served) }), "parts");
  assert.equal(compareContracts(contract.model, model).verdict, "safe");
  assert.equal((await bench.ask("GET", "/parts/openapi/schemas.yaml")).status, 200);
});

test("a form in several parts comes as the contract says: texts, numbers, JSON, lists and files; what could be read in two ways is refused", async (t) => {
  const contract = await pinned(
    "photos",
    {
      "openapi.yaml": `
openapi: 3.1.0
info: { title: Photos, version: 1.0.0, description: Pictures of boats. }
paths:
  /photos/{album}:
    post:
      operationId: addPhoto
      parameters: [{ name: album, in: path, required: true, schema: { type: string } }]
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [photo, title]
              properties:
                title: { type: string, maxLength: 20 }
                rank: { type: integer, minimum: 1 }
                tags: { type: array, items: { type: string } }
                place: { type: object, properties: { lat: { type: number } } }
                photo: { type: string, format: binary }
              additionalProperties: false
            encoding: { photo: { contentType: "image/jpeg, image/png" } }
      responses: { "200": { description: ok, content: { application/json: { schema: {} } } } }
`,
    },
    (undo) => t.after(undo),
  );
  const seen: unknown[] = [];
  const api = implementApi(contract as never, {
    base: "/photos",
    lifecycle: published(),
    access: [],
    operations: {
      addPhoto: {
        access: "public",
        calls: { kind: "operation", system: "warehouse", name: "setPrice", effect: "idempotent" },
        accepts: (request: unknown) => {
          seen.push(request);
          return { sku: "a", price: "1" };
        },
        responds: () => ({ done: true }),
      },
    } as never,
  });
  await using bench = await openBench({ apis: [api] });
  const send = async (form: FormData | string, type?: string) => {
    const request = new Request("http://a", { method: "POST", body: form });
    const body = new Uint8Array(await request.arrayBuffer());
    const headers = { "content-type": type ?? request.headers.get("content-type") ?? "" };
    return bench.ask("POST", "/photos/photos/summer", { body, headers, key: null });
  };
  const bytes = Uint8Array.from({ length: 512 }, (_, n) => n % 256);
  const form = () => {
    const made = new FormData();
    made.set("title", 'Boats, "äö"');
    made.set("photo", new Blob([bytes], { type: "image/png" }), "a.png");
    return made;
  };
  const whole = form();
  whole.set("rank", "3");
  whole.append("tags", "sea");
  whole.append("tags", "7");
  whole.set("place", new Blob(['{"lat":1.5}'], { type: "application/json" }));
  assert.equal((await send(whole)).status, 200);
  assert.deepEqual(seen, [
    {
      album: "summer",
      title: 'Boats, "äö"',
      photo: Buffer.from(bytes).toString("base64"),
      rank: 3,
      tags: ["sea", "7"],
      place: { lat: 1.5 },
    },
  ]);
  const refused = async (change: (made: FormData) => void, message: RegExp) => {
    const made = form();
    change(made);
    const answer = await send(made);
    assertProblem(answer, 400, "input-invalid");
    assert.match(JSON.stringify(answer.json.errors), message);
  };
  await refused((made) => made.set("rank", "0"), /rank.*must be >= 1/);
  await refused((made) => made.delete("photo"), /photo|required/);
  await refused((made) => made.append("title", "again"), /part \\"title\\" comes twice/);
  await refused(
    (made) => made.set("photo", new Blob(["<b>"], { type: "text/html" })),
    /photo.*must be image\/jpeg or image\/png/,
  );
  await refused((made) => made.set("album", "winter"), /album.*is no field of the body/);
  await refused((made) => made.set("other", "x"), /other/);
  await refused((made) => made.set("title", new Blob([Uint8Array.of(255, 254)])), /title.*not UTF-8/);
  for (const [body, type, message] of [
    ["--x\r\n", "multipart/form-data; boundary=x", /do not begin and end/],
    [
      '--xy\r\nContent-Disposition: form-data; name="title"\r\n\r\na\r\n--x--',
      "multipart/form-data; boundary=x",
      /no line of its own/,
    ],
    ["", "multipart/form-data", /names no boundary/],
    ["--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--", "multipart/form-data; boundary=x", /has no name/],
    [
      '--x\r\nContent-Disposition: form-data; name="title"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--x--',
      'multipart/form-data; boundary="x"',
      /Content-Transfer-Encoding/,
    ],
    [
      `--x\r\nContent-Disposition: form-data; name="title"${"-".repeat(20_000)}`,
      "multipart/form-data; boundary=x",
      /begin and end/,
    ],
    ["--x\r\n\r\n\r\n".repeat(1002), "multipart/form-data; boundary=x", /no name|more than 1000/],
  ] as const) {
    const answer = await send(body, type);
    assertProblem(answer, 400, "input-invalid");
    assert.match(JSON.stringify(answer.json.errors), message);
  }
  assertProblem(await send("{}", "application/json"), 415, "media-type-unsupported");
  assert.equal(seen.length, 1);
  const page = (await bench.ask("GET", "/photos/docs", { key: null })).text;
  assert.match(page, /-F .*title=/);
  assert.match(page, /-F .*photo=@file/);
  assert.match(page, /new FormData/);
  assert.match(page, /<p class="lead">Pictures of boats\.<\/p>/);
  assert.match(page, /Send bodies as <code>multipart\/form-data<\/code>\./);
  assert.match(page, /<code>photo<\/code>.*<code class="type">file<\/code>/);
  assert.match(page, /Every error is a problem/);
});

test("what is left out is not in the served document, nor reached; a scope that the contract names is asked for", async (t) => {
  const text = `
openapi: 3.1.0
info: { title: X, version: 1.0.0 }
security: [{ o: ["parts:read"] }]
paths:
  /a:
    get: { operationId: getA, responses: { "200": { description: ok, content: { application/json: { schema: {} } } } } }
    head: { operationId: headA, responses: { "200": { description: ok } } }
components: { securitySchemes: { o: { type: oauth2, flows: { clientCredentials: { tokenUrl: "https://x/t", scopes: { "parts:read": "" } } } } } }
`;
  const contract = await pinned("x", { "openapi.yaml": text }, (undo) => t.after(undo));
  const api = implementApi(contract as never, {
    base: "/x",
    lifecycle: published(),
    access: [apiKey()],
    ownAccess: true,
    without: ["headA"] as never,
    operations: {
      getA: {
        calls: { kind: "operation", system: "warehouse", name: "getStock", effect: "read" },
        accepts: () => ({ sku: "a" }),
      },
    } as never,
  });
  await using bench = await openBench({ apis: [api] });
  const served = (await bench.ask("GET", "/x/openapi.json")).json;
  assert.deepEqual(Object.keys(served.paths["/a"]), ["get"]);
  assertProblem(await bench.ask("GET", "/x/a"), 403, "scope-missing");
});

test("an older version is kept on the code of one whose contract is given, and the other way round", async (t) => {
  const contract = await stock(t);
  const v2 = implemented(contract);
  const body: Schema<{ readonly stock: number }> = {
    kind: "schema",
    json: { type: "object", properties: { stock: { type: "integer" } } },
  };
  const v1 = defineApi({
    name: "stock",
    version: "1.0.0",
    base: "/stock/v1",
    lifecycle: published(),
    access: [apiKey()],
    operations: {
      getItem: adapt(v2.operations.getItem, {
        path: "/stock/{itemNo}",
        responds: { body, map: ({ available }) => ({ stock: available }) },
      }),
    },
  });
  await using bench = await openBench({ apis: [v2, v1] });
  const answer = await bench.ask("GET", "/stock/v1/stock/A-1");
  assert.deepEqual([answer.status, answer.json], [200, { stock: 7 }]);
  assertProblem(await bench.ask("GET", "/stock/v1/stock/lower"), 400, "input-invalid");
});

test("DS-6: a deprecated version of a given contract says so in its document, and its other members stay", async (t) => {
  const contract = await stock(t);
  const v2 = implemented(contract);
  const api = {
    ...v2,
    lifecycle: deprecated({
      since: "2026-01-01",
      sunset: "2126-01-01",
      migration: "https://x.example",
      successor: v2 as never,
    }),
  };
  await using bench = await openBench({ apis: [api] });
  const served = (await bench.ask("GET", "/stock/v2/openapi.json")).json;
  assert.equal(served.paths["/items/{item-no}"].get.deprecated, true);
  assert.equal(Array.isArray(served.paths["/items/{item-no}"].parameters), true);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSchema } from "../contract/validate.ts";
import type { Schema } from "../operation.ts";
import { defineApi } from "./define.ts";
import { sampleOf } from "./docs/schema-text.ts";
import { getStock, type Order, openBench, ordersOptions, orderToCash } from "./harness.test.ts";
import type { OpenApiDocument } from "./openapi.ts";
import { get, post, put, type Startable } from "./operations.ts";

const api = defineApi({ ...ordersOptions, limits: [{ per: "consumer", rate: 100, every: "1s" }] });

test("the document is served under the API's base, without a key, and describes every operation", async () => {
  await using bench = await openBench({ apis: [api] });
  const answer = await bench.ask("GET", "/orders/v1/openapi.json", { key: null });
  assert.equal(answer.status, 200);
  const document = answer.json as OpenApiDocument;
  assert.equal(document.openapi, "3.1.1");
  assert.deepEqual(document.servers, [{ url: "/orders/v1" }]);
  assert.deepEqual(Object.keys(document.paths).sort(), [
    "/holds",
    "/orders",
    "/orders/now",
    "/orders/{key}",
    "/prices",
    "/stock/{sku}",
  ]);
  const place = document.paths["/orders"]?.post;
  assert.deepEqual(place?.requestBody?.content["application/json"]?.schema, { $ref: "#/components/schemas/Order" });
  assert.deepEqual(Object.keys(place?.responses ?? {}), [
    "202",
    "400",
    "401",
    "403",
    "406",
    "409",
    "413",
    "415",
    "422",
    "429",
    "500",
    "503",
  ]);
  assert.equal(place?.parameters?.[0]?.name, "Idempotency-Key");
  assert.deepEqual(place?.security, [{ bearer: ["orders:write"] }, { apiKey: ["orders:write"] }]);
  const stock = document.paths["/stock/{sku}"]?.get;
  assert.deepEqual(
    stock?.parameters?.map((parameter) => [parameter.in, parameter.name, parameter.required]),
    [
      ["path", "sku", true],
      ["query", "limit", false],
    ],
  );
  assert.ok(stock?.responses["404"]);
});

test("PD-5: a fault of the system that was given a status is described: its name, its detail, and what else has that status", async () => {
  const shown = defineApi({
    ...ordersOptions,
    operations: {
      getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock, faults: { UnknownSku: 404 } }),
      plain: get("/plain/{sku}", { scope: "stock:read", calls: getStock }),
      refused: get("/refused/{sku}", { scope: "stock:read", calls: getStock, faults: { UnknownSku: 422 } }),
      hidden: get("/hidden/{sku}", {
        scope: "stock:read",
        calls: getStock,
        faults: { UnknownSku: 404 },
        allow: () => true,
      }),
    },
  });
  await using bench = await openBench({ apis: [shown] });
  const { paths } = bench.publisher.openapi("orders", "1.0.0") as OpenApiDocument;
  // biome-ignore lint/suspicious/noExplicitAny: looked into
  const of = (path: string, status: number) => paths[path]?.get?.responses[status] as any;
  const found = of("/stock/{sku}", 404);
  assert.equal(found.description, "`fault` is UnknownSku: There is no such article.");
  const [, own] = found.content["application/problem+json"].schema.allOf;
  assert.deepEqual(own.properties.fault, { const: "UnknownSku" });
  assert.deepEqual(own.properties.faultDetail.properties, { sku: { type: "string" } });
  const other = of("/refused/{sku}", 422).content["application/problem+json"].schema;
  assert.deepEqual(other.anyOf[1], { $ref: "#/components/schemas/Problem" });
  // Without a status it is a 422, with its name alone.
  const unnamed = of("/plain/{sku}", 422);
  assert.equal(
    unnamed.description,
    "The request was understood, and refused or ended otherwise. `fault` is UnknownSku: There is no such article.",
  );
  assert.deepEqual(unnamed.content["application/problem+json"].schema, { $ref: "#/components/schemas/Problem" });
  assert.deepEqual(of("/stock/{sku}", 422), { $ref: "#/components/responses/Problem422" });
  // Beside an object rule nobody sees the system's own 404.
  assert.deepEqual(of("/hidden/{sku}", 404), { $ref: "#/components/responses/Problem404" });

  // What is answered is what is described.
  bench.backend.answer = () => ({ ok: false, fault: { name: "UnknownSku", message: "no", detail: { sku: "x" } } });
  const answer = await bench.ask("GET", "/orders/v1/stock/x");
  assert.equal(answer.status, 404);
  const { Problem } = (bench.publisher.openapi("orders", "1.0.0") as OpenApiDocument).components.schemas;
  for (const json of [Problem, own]) assert.deepEqual(compileSchema({ kind: "schema", json })(answer.json), []);
  const plain = await bench.ask("GET", "/orders/v1/plain/x");
  assert.deepEqual(
    [plain.status, (plain.json as { fault?: string }).fault, plain.text.includes("faultDetail")],
    [422, "UnknownSku", false],
  );
});

test("a run that shows its state says so in the document of the operation that shows it", async () => {
  const state = { kind: "schema", json: { type: "object", properties: { phase: { type: "string" } } } } as const;
  const process = { ...orderToCash, state } as Startable<Order, unknown, { phase: string }>;
  const api = defineApi({
    ...ordersOptions,
    operations: {
      getOrder: get("/orders/{key}", { scope: "s", run: process, allow: ({ run }) => run.state?.phase !== "secret" }),
    },
  });
  await using bench = await openBench({ apis: [api] });
  const document = bench.publisher.openapi("orders", "1.0.0") as OpenApiDocument;
  const ok = document.paths["/orders/{key}"]?.get?.responses["200"] as {
    readonly content: { readonly "application/json": { readonly schema: { readonly properties: { state: unknown } } } };
  };
  assert.deepEqual(ok.content["application/json"].schema.properties.state, state.json);
});

test("every reference leads somewhere, and no inner keyword is left over", async () => {
  await using bench = await openBench({ apis: [api] });
  const document = bench.publisher.openapi("orders", "1.0.0") as OpenApiDocument;
  const text = JSON.stringify(document);
  assert.ok(!text.includes("$defs"));
  for (const [, reference] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    let at: unknown = document;
    for (const part of (reference as string).split("/")) at = (at as Record<string, unknown>)[part];
    assert.ok(at !== undefined, reference);
  }
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const given = (operation.parameters ?? []).filter((parameter) => parameter.in === "path").map(({ name }) => name);
      assert.deepEqual(given, named);
    }
  }
});

test("named schemas of different contracts stay apart, circular ones come along once, and the path's part leaves the body", async () => {
  const node = (meaning: string): Schema<{ readonly id: string; readonly kind: string }> => ({
    kind: "schema",
    json: {
      type: "object",
      properties: { id: { type: "string" }, tree: { $ref: "#/$defs/Node" }, kind: { type: "string" } },
      required: ["id", "kind"],
      $defs: {
        Node: {
          type: "object",
          description: meaning,
          xml: { name: "n" },
          properties: { next: { $ref: "#/$defs/Node" } },
        },
        Unused: { type: "string" },
      },
    },
  });
  const process = (name: string): Startable<{ readonly id: string; readonly kind: string }> => ({
    ...(orderToCash as unknown as Startable<{ readonly id: string; readonly kind: string }>),
    name,
    input: node(name),
  });
  const trees = defineApi({
    ...ordersOptions,
    operations: {
      a: put("/a/{id}", { scope: "s", starts: process("a") }),
      b: put("/b/{id}", { scope: "s", starts: process("b") }),
    },
  });
  await using bench = await openBench({ apis: [trees] });
  const { components, paths } = bench.publisher.openapi("orders", "1.0.0") as OpenApiDocument;
  assert.deepEqual(Object.keys(components.schemas), ["Accepted", "Node", "Node2", "Problem"]);
  assert.deepEqual(components.schemas.Node2, {
    type: "object",
    description: "b",
    properties: { next: { $ref: "#/components/schemas/Node2" } },
  });
  assert.deepEqual(paths["/a/{id}"]?.put?.requestBody?.content["application/json"]?.schema, {
    type: "object",
    properties: { tree: { $ref: "#/components/schemas/Node" }, kind: { type: "string" } },
    required: ["kind"],
  });
  const sent = { kind: "x" };
  const scoped = await bench.publisher.keys.create({ consumer: "c", scopes: ["s"], by: "t" });
  assert.equal((await bench.ask("PUT", "/orders/v1/a/7", { body: sent, key: scoped.key })).status, 202);
  assert.deepEqual(bench.backend.started[0]?.input, { kind: "x", id: "7" });
  assert.equal(
    (await bench.ask("PUT", "/orders/v1/a/7", { body: { id: "8", kind: "x" }, key: scoped.key })).status,
    400,
  );
});

test("the docs page is whole in itself, and text from contracts stays text", async () => {
  const hostile = defineApi({ ...ordersOptions, title: "<img src=x onerror=alert(1)>", description: '"><script>' });
  await using bench = await openBench({ apis: [hostile] });
  const page = await bench.ask("GET", "/orders/v1/docs", { key: null });
  assert.equal(page.status, 200);
  assert.ok(!page.text.includes("<img") && !page.text.includes("<script"));
  assert.ok(!/(src|href)="(https?:)?\/\//.test(page.text));
  assert.match(page.headers["content-security-policy"] ?? "", /default-src 'none'; style-src 'sha256-/);
  assert.match(page.text, /POST.*\/orders\/v1\/orders/s);
});

test("the sample in the docs is one that the API takes", () => {
  const json = {
    $ref: "#/$defs/Price",
    $defs: {
      Price: {
        type: "object",
        properties: {
          amount: { type: "string", pattern: "^[0-9]+\\.[0-9]{2}$" },
          currency: { type: "string", pattern: "^[A-Z]{3}$" },
          of: { enum: ["rope", "tar"] },
          more: { type: "array", items: { $ref: "#/$defs/Note" } },
          when: { type: "string", format: "date-time" },
        },
        required: ["amount", "currency", "of", "more", "when"],
        additionalProperties: false,
      },
      Note: {
        allOf: [{ type: "object", properties: { text: { type: "string", examples: ["hi"] } }, required: ["text"] }],
      },
    },
  } as const;
  const sample = sampleOf(json, json.$defs);
  assert.deepEqual((sample as { more: readonly unknown[] }).more[0], { text: "hi" }, "the schema's own example");
  assert.deepEqual(compileSchema({ kind: "schema", json })(sample), []);
  // As it stands in the document.
  const there = JSON.parse(JSON.stringify(json).replaceAll("#/$defs/", "#/components/schemas/")) as typeof json;
  assert.deepEqual(sampleOf(there, there.$defs), sample);
  assert.equal(sampleOf(true, {}, "sku"), "sku");
  assert.equal(sampleOf(false, {}), "value");
  assert.equal(sampleOf({ type: "string", minLength: 3, maxLength: 2 }, {}), null);
});

test("IK-5: the document says how long a key may be, how long it is known, and what counts as the same request", async () => {
  const longer = {
    ...ordersOptions,
    operations: {
      placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, idempotency: { retention: "48h" } }),
    },
  };
  for (const [served, known] of [
    [api, "24 hours, where nothing else is agreed"],
    [defineApi(longer), "48 hours"],
  ] as const) {
    await using bench = await openBench({ apis: [served] });
    const { json } = await bench.ask("GET", "/orders/v1/openapi.json", { key: null });
    const parameter = (json as OpenApiDocument).paths["/orders"]?.post?.parameters?.[0] as {
      readonly description?: string;
      readonly schema: { readonly maxLength?: number };
    };
    assert.equal(parameter.schema.maxLength, 257, "with its quotes");
    assert.match(parameter.description ?? "", /at most 255 characters/);
    assert.match(parameter.description ?? "", /the same method, path and body.*422/);
    assert.match(parameter.description ?? "", new RegExp(`known for ${known};`));
  }
});

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { failure, MortiseError } from "../errors.ts";
import type { Schema } from "../operation.ts";
import { apiKey } from "./access/api-key.ts";
import { type ApiOptions, defineApi } from "./define.ts";
import {
  anOrder,
  assertProblem,
  getStock,
  openBench,
  orders,
  ordersOptions,
  orderToCash,
  warehouse,
} from "./harness.test.ts";
import { get, post } from "./operations.ts";
import { createPublisher } from "./publisher.ts";

test("an order starts a run, and is answered 202 with a link to its status", async () => {
  await using bench = await openBench();
  const answer = await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
  assert.equal(answer.status, 202);
  assert.deepEqual(answer.json, { key: "o-1", status: "accepted", links: { status: "/orders/v1/orders/o-1" } });
  assert.equal(answer.headers.location, "/orders/v1/orders/o-1");
  assert.deepEqual(
    bench.backend.started.map(({ origin, key }) => [origin, key]),
    [["api:orders 1.0.0 placeOrder shop", "o-1"]],
  );

  const status = await bench.ask("GET", answer.json.links.status);
  assert.equal(status.status, 200);
  assert.equal(status.json.status, "running");
  assert.equal(status.json.input, undefined);
});

test("with `wait`, a run that completes in time is answered with its output", async () => {
  await using bench = await openBench();
  const first = await bench.ask("POST", "/orders/v1/orders/now", { body: anOrder });
  assert.equal(first.status, 201);
  assert.deepEqual(first.json, { salesOrder: "S-1" });
  const again = await bench.ask("POST", "/orders/v1/orders/now", { body: anOrder });
  assert.equal(again.status, 200);

  bench.backend.end = { status: "parked" };
  const late = await bench.ask("POST", "/orders/v1/orders/now", { body: { ...anOrder, id: "o-2" } });
  assert.equal(late.status, 202);
  assert.equal(late.headers.location, "/orders/v1/orders/o-2");

  bench.backend.end = { status: "rejected", failure: { reason: "credit refused" } };
  const rejected = await bench.ask("POST", "/orders/v1/orders/now", { body: { ...anOrder, id: "o-3" } });
  assertProblem(rejected, 422, "run-not-completed");
  assert.equal(rejected.json.reason, "credit refused");
});

test("the same business key with other content is 409, and does not name the other run", async () => {
  await using bench = await openBench();
  await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
  const same = await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
  assert.equal(same.status, 202);
  const other = await bench.ask("POST", "/orders/v1/orders", { body: { ...anOrder, customerId: "else" } });
  assertProblem(other, 409, "run-key-conflict");
  assert.ok(!other.text.includes("run-1"));
  assert.equal(bench.backend.started.length, 1);
});

test("attack 9: somebody else's run looks like an unknown one", async () => {
  await using bench = await openBench();
  await bench.ask("POST", "/orders/v1/orders", { body: { ...anOrder, customerId: "other" } });
  const foreign = await bench.ask("GET", "/orders/v1/orders/o-1");
  const unknown = await bench.ask("GET", "/orders/v1/orders/o-9");
  assertProblem(foreign, 404, "resource-unknown");
  assertProblem(unknown, 404, "resource-unknown");
  assert.equal(foreign.json.detail, unknown.json.detail);
});

test("a parked run shows as waiting, and one whose history is gone is not shown", async () => {
  await using bench = await openBench();
  await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
  const [name, run] = [...bench.backend.runs][0]!;
  bench.backend.runs.set(name, { ...run, status: "parked" });
  assert.equal((await bench.ask("GET", "/orders/v1/orders/o-1")).json.status, "waiting");
  const { input: _, ...gone } = run;
  bench.backend.runs.set(name, { ...gone, status: "completed" });
  assertProblem(await bench.ask("GET", "/orders/v1/orders/o-1"), 404, "resource-unknown");
});

test("PD-7 attack 10: input that does not fit is 400 with JSON Pointers, and starts nothing", async () => {
  await using bench = await openBench();
  const wrong = { ...anOrder, lines: [{ sku: "rope", quantity: 0 }] };
  const bad = await bench.ask("POST", "/orders/v1/orders", { body: wrong });
  assertProblem(bad, 400, "input-invalid");
  assert.deepEqual(bad.json.errors, [{ pointer: "/lines/0/quantity", message: "must be >= 1" }]);
  assertProblem(
    await bench.ask("POST", "/orders/v1/orders", { body: { ...anOrder, role: "admin" } }),
    400,
    "input-invalid",
  );
  assertProblem(await bench.ask("POST", "/orders/v1/orders?x=1", { body: anOrder }), 400, "input-invalid");
  assertProblem(await bench.ask("GET", "/orders/v1/stock/rope?colour=red"), 400, "input-invalid");
  assertProblem(await bench.ask("GET", "/orders/v1/stock/rope?limit=x"), 400, "input-invalid");
  assertProblem(await bench.ask("GET", "/orders/v1/stock/rope?limit=1&limit=2"), 400, "input-invalid");
  assert.equal(bench.backend.started.length, 0);
  assert.equal(bench.backend.called.length, 0);
});

test("OW-4 attack 21: JSON that is no JSON, too deep, or names a member twice is refused before any walk", async () => {
  await using bench = await openBench();
  const bodies = [
    "{",
    "",
    `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    '{"id":"a","id":"b"}',
    '{"id":1e999}',
    '"\\ud800"',
  ];
  for (const body of bodies) {
    const answer = await bench.ask("POST", "/orders/v1/orders", { body: Buffer.from(body) });
    assert.equal(answer.status, body.length > 100_000 ? 413 : 400, answer.text);
    assert.equal(answer.headers["content-type"], "application/problem+json");
  }
  const polluting = Buffer.from(
    '{"__proto__":{"id":"x"},"id":"o","customerId":"c","lines":[{"sku":"a","quantity":1}]}',
  );
  assertProblem(await bench.ask("POST", "/orders/v1/orders", { body: polluting }), 400, "input-invalid");
  assert.equal(bench.backend.started.length, 0);
});

test("OA-8: unknown path 404, wrong method 405 with Allow, wrong media types 415 and 406", async () => {
  await using bench = await openBench();
  assertProblem(await bench.ask("GET", "/nothing"), 404, "route-unknown");
  const method = await bench.ask("DELETE", "/orders/v1/orders");
  assertProblem(method, 405, "method-not-allowed");
  assert.equal(method.headers.allow, "POST, OPTIONS");
  assert.equal((await bench.ask("PUT", "/orders/v1/stock/rope")).headers.allow, "GET, HEAD, OPTIONS");
  const options = await bench.ask("OPTIONS", "/orders/v1/stock/rope");
  assert.equal(options.status, 204);
  assert.equal(options.headers.allow, "GET, HEAD, OPTIONS");
  assertProblem(await bench.ask("OPTIONS", "/nothing"), 404, "route-unknown");
  const wrongTypes: Readonly<Record<string, string>>[] = [
    { "content-type": "text/plain" },
    { "content-type": "application/json; charset=latin1" },
    { "content-encoding": "gzip" },
  ];
  for (const headers of wrongTypes) {
    const answer = await bench.ask("POST", "/orders/v1/orders", { body: anOrder, headers });
    assertProblem(answer, 415, "media-type-unsupported");
    const packed = headers["content-encoding"] !== undefined;
    assert.equal(answer.headers[packed ? "accept-encoding" : "accept"], packed ? "identity" : "application/json");
  }
  for (const type of ["application/json; charset=UTF-8", "application/vnd.shop.order+json"]) {
    const headers = { "content-type": type };
    assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: anOrder, headers })).status, 202, type);
  }
  for (const accept of ["text/html", "application/json;q=0, */*", "application/xml, text/*"]) {
    assertProblem(await bench.ask("GET", "/orders/v1/stock/rope", { headers: { accept } }), 406, "not-acceptable");
  }
  for (const accept of ["*/*", "application/*", "text/html, application/json;q=0.1", "text/html;q=0.5, */*;q=0.1"]) {
    assert.equal((await bench.ask("GET", "/orders/v1/stock/rope", { headers: { accept } })).status, 200, accept);
  }
  assert.equal((await bench.ask("HEAD", "/orders/v1/stock/rope")).status, 200);
});

test("OA-8 PD-1: a caller that takes no JSON is told so in a problem, before anything is done", async () => {
  await using bench = await openBench();
  const headers = { accept: "text/csv, application/json;q=0" };
  assertProblem(await bench.ask("POST", "/orders/v1/orders", { body: anOrder, headers }), 406, "not-acceptable");
  assertProblem(await bench.ask("HEAD", "/orders/v1/stock/rope", { headers }), 406, "not-acceptable");
  // Whoever takes neither a page nor a problem gets a problem all the same.
  assertProblem(await bench.ask("GET", "/nothing", { headers: { accept: "image/png" } }), 404, "route-unknown");
  assertProblem(
    await bench.ask("GET", "/orders/v1/docs", { headers: { accept: "application/json" } }),
    406,
    "not-acceptable",
  );
  assert.equal(bench.backend.started.length, 0);
  assert.equal(bench.backend.called.length, 0);
});

test("attack 13: a path that two readers could understand differently is refused", async () => {
  await using bench = await openBench();
  for (const path of [
    "//orders/v1/orders/o-1",
    "/orders//v1/orders/o-1",
    "/orders/v1/../v1/orders/o-1",
    "/orders/v1/%2e%2e/orders/o-1",
    "/orders/v1/orders/a%2Fb",
    "/orders/v1/orders/a%5cb",
    "/orders/v1/orders/a%00",
    "/orders/v1/orders/%zz",
    "/orders/v1/orders/%ff",
    "/orders/v1/orders/a\\b",
    "/orders/v1/orders/a b",
    "/orders/v1/./orders",
  ]) {
    assertProblem(await bench.ask("GET", path), 400, "path-refused");
  }
  for (const path of ["/Orders/v1/stock/rope", "/orders/v1/stock/rope/", "/orders/v1/orders;x", "/orders/v1/stock."]) {
    assertProblem(await bench.ask("GET", path), 404, "route-unknown");
  }
  const override = { "x-http-method-override": "DELETE" };
  assert.equal((await bench.ask("GET", "/orders/v1/stock/a%20b%3B%25", { headers: override })).json.sku, "a b;%");
});

test("what states no rule is not published (OW-1), and what no contract has is named", () => {
  const starts = orderToCash;
  const refused = (operations: ApiOptions["operations"], more: Partial<ApiOptions> = {}) =>
    assert.throws(
      () => defineApi({ ...ordersOptions, operations, ...more }),
      (error: unknown) => error instanceof MortiseError && error.code === "api-definition",
    );
  refused({ a: post("/a", { starts }) });
  refused({ a: post("/a", { starts, scope: "s", access: "public" }) });
  refused({ a: post("/a", { starts, scope: "s" }) }, { access: [] });
  refused({ a: get("/a/{key}", { run: starts, scope: "s", allow: undefined as never }) });
  refused({ a: post("/a", { starts, scope: "s" }), b: post("/a", { starts, scope: "s" }) });
  const access = /api-definition: .*orders.*does not say who may call: access is a list, such as \[apiKey\(\)\]/;
  for (const wrong of [undefined, null, apiKey()])
    assert.throws(
      () => defineApi({ ...ordersOptions, access: wrong as never }),
      (error: unknown) => error instanceof MortiseError && access.test(`${error.code}: ${error.message}`),
    );
  refused({ a: post("/a", { starts, access: undefined as never }) });
  refused({}, { base: "/orders/../v1" });
  refused({}, { version: "one" });
  refused({}, { limits: [{ per: "consumer", rate: 0, every: "1s" }] });
  const store = { submit: () => assert.fail(), read: { prepare: () => ({ all: () => [] }) } } as never;
  assert.throws(
    () => createPublisher({ apis: [orders], store, backend: {} as never, contracts: new Map() }),
    /calls warehouse\.getStock, which no contract has/,
  );
  const two = [orders, defineApi({ ...ordersOptions, name: "other" })];
  const contracts = new Map([["warehouse", warehouse]]);
  assert.throws(() => createPublisher({ apis: two, store, backend: {} as never, contracts }), /is served already/);
});

test("a field of another name is a compile error", () => {
  // @ts-expect-error {item} is not a property of the input of getStock
  assert.ok(get("/stock/{item}", { scope: "s", calls: getStock }));
  // @ts-expect-error a run is shown by {key}
  assert.throws(() => get("/orders/{id}", { scope: "s", run: orderToCash, allow: () => true }));
  assert.ok(
    // @ts-expect-error the order has no customer
    get("/orders/{key}", { scope: "s", run: orderToCash, allow: ({ run }) => run.input.customer === "a" }),
  );
  // @ts-expect-error there is no such declared fault
  assert.ok(get("/stock/{sku}", { scope: "s", calls: getStock, faults: { Nope: 404 } }));
  assert.throws(() => get("/orders", { scope: "s", starts: orderToCash }), /use post/);
});

test("a request can be mapped before the start, and an output after it", async () => {
  const body: Schema<{ readonly sku: string }> = {
    kind: "schema",
    json: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] },
  };
  const api = defineApi({
    ...ordersOptions,
    operations: {
      quick: post("/quick", {
        scope: "orders:write",
        starts: orderToCash,
        wait: "1s",
        accepts: {
          body,
          map: ({ sku }, { caller }) => ({
            id: sku,
            customerId: caller.id,
            lines: [{ sku, quantity: 1 }],
          }),
        },
        responds: {
          body: { kind: "schema", json: { type: "object", required: ["number"] } },
          map: ({ salesOrder }) => ({ number: salesOrder }),
        },
      }),
    },
  });
  await using bench = await openBench({ apis: [api] });
  const answer = await bench.ask("POST", "/orders/v1/quick", { body: { sku: "rope" } });
  assert.deepEqual([answer.status, answer.json], [201, { number: "S-1" }]);
  assert.deepEqual(bench.backend.started[0]?.input, {
    id: "rope",
    customerId: "shop",
    lines: [{ sku: "rope", quantity: 1 }],
  });
});

test("PD-5: what goes wrong inside is reported, and not shown", async () => {
  await using bench = await openBench();
  const reported: unknown[] = [];
  const facts: unknown[] = [];
  const onFailure = (fact: unknown) => reported.push(fact);
  const onRequest = (fact: unknown) => facts.push(fact);
  subscribe("mortise:publish:failure", onFailure);
  subscribe("mortise:publish:request", onRequest);
  try {
    bench.backend.onStarted = async () => {
      throw new Error("SELECT password FROM db.internal:5432");
    };
    const answer = await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
    assertProblem(answer, 500, "internal");
    assert.ok(!answer.text.includes("SELECT"));
    bench.backend.onStarted = async () => {
      throw failure("store-failed", { reason: "/var/lib/mortise: EIO" });
    };
    const store = await bench.ask("POST", "/orders/v1/orders", { body: { ...anOrder, id: "o-2" } });
    assertProblem(store, 503, "store-failed");
    assert.ok(!store.text.includes("/var/lib"));
    assert.equal(store.headers["retry-after"], "1");
  } finally {
    unsubscribe("mortise:publish:failure", onFailure);
    unsubscribe("mortise:publish:request", onRequest);
  }
  assert.equal(reported.length, 1);
  const { durationMs, ...fact } = facts[0] as { durationMs: number };
  assert.ok(durationMs >= 0);
  assert.deepEqual(fact, {
    request: "r1",
    method: "POST",
    api: "orders",
    version: "1.0.0",
    operation: "placeOrder",
    consumer: "shop",
    status: 500,
    code: "internal",
  });
});

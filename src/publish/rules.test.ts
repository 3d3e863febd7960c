/** What callers may: scopes, roles, object rules, and the fields that leave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { apiKey } from "./access/api-key.ts";
import { oauth } from "./access/oauth.ts";
import { openTestIssuer, testSources } from "./access/test-issuer.ts";
import { defineApi } from "./define.ts";
import {
  allScopes,
  anOrder,
  assertProblem,
  bookHold,
  getStock,
  openBench,
  ordersOptions,
  orderToCash,
  setPrice,
} from "./harness.test.ts";
import { get, post } from "./operations.ts";

const own = defineApi({
  ...ordersOptions,
  operations: {
    placeOrder: post("/orders", {
      scope: "orders:write",
      starts: orderToCash,
      allow: ({ caller, input }) => input.customerId === caller.id,
    }),
    getStock: get("/stock/{sku}", {
      scope: "stock:read",
      calls: getStock,
      cache: "1m",
      faults: { UnknownSku: 404 },
      allow: ({ caller, input, resource }) =>
        input.sku !== "secret" && (resource === undefined || resource.onHand < 100 || caller.id === "shop"),
    }),
    setPrice: post("/prices", {
      scope: "stock:write",
      calls: setPrice,
      allow: ({ caller, input }) => {
        if (input.sku === "odd") throw new Error("the rule fails");
        return caller.id === "shop";
      },
    }),
  },
});

test("OW-1: an operation without an access rule does not publish", () => {
  for (const rule of [{}, { roles: [] }])
    assert.throws(
      () =>
        defineApi({ ...ordersOptions, operations: { getStock: get("/stock/{sku}", { ...rule, calls: getStock }) } }),
      { code: "api-definition", message: /neither a scope, nor roles, nor access/ },
    );
  const open = { calls: getStock, access: "public", roles: ["clerk"] } as const;
  assert.throws(() => defineApi({ ...ordersOptions, operations: { getStock: get("/stock/{sku}", open) } }), {
    code: "api-definition",
  });
});

test("OW-1: a rule over caller and input keeps a process from being started for somebody else", async () => {
  await using bench = await openBench({ apis: [own] });
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: anOrder })).status, 202);
  const other = { ...anOrder, id: "o-2", customerId: "somebody" };
  assertProblem(await bench.ask("POST", "/orders/v1/orders", { body: other }), 403, "not-allowed");
  const keyed = { body: other, headers: { "idempotency-key": '"k"' } };
  assertProblem(await bench.ask("POST", "/orders/v1/orders", keyed), 403, "not-allowed");
  assert.equal(bench.backend.started.length, 1);
});

test("OW-1: a rule over what a system answered hides it as if it were not there, also out of the cache", async () => {
  await using bench = await openBench({ apis: [own] });
  const { key } = await bench.publisher.keys.create({ consumer: "other", scopes: allScopes, by: "t" });
  bench.backend.answer = (input) => {
    const { sku } = input as { sku: string };
    return sku === "none"
      ? { ok: false, fault: { name: "UnknownSku", message: "no", detail: { sku } } }
      : { ok: true, output: { sku, onHand: sku === "much" ? 500 : 5 } };
  };
  const ask = (sku: string, by?: string) =>
    bench.ask("GET", `/orders/v1/stock/${sku}`, by === undefined ? {} : { key: by });
  assert.equal((await ask("much")).status, 200);
  const hidden = await ask("much", key);
  assertProblem(hidden, 404, "resource-unknown");
  const unknown = await ask("none", key);
  assertProblem(unknown, 404, "resource-unknown");
  assert.equal(hidden.json.detail, unknown.json.detail, "nothing tells the two apart");
  assert.equal((await ask("little", key)).status, 200);
  const calls = bench.backend.called.length;
  assertProblem(await ask("secret"), 403, "not-allowed");
  assert.equal(bench.backend.called.length, calls, "refused before anything was called");
});

test("OW-1: a rule that throws lets nobody through, and nothing is called", async () => {
  await using bench = await openBench({ apis: [own] });
  const ask = (sku: string) => bench.ask("POST", "/orders/v1/prices", { body: { sku, price: "1" } });
  assertProblem(await ask("odd"), 403, "not-allowed");
  assert.equal(bench.backend.called.length, 0);
  assert.equal((await ask("rope")).status, 200);
});

test("OW-3: fields of an answer that the contract does not name never leave", async () => {
  await using bench = await openBench({ apis: [own] });
  bench.backend.answer = () => ({
    ok: true,
    output: { sku: "rope", onHand: 5, costPrice: "3.10", supplier: { iban: "x" } },
  });
  const { json } = await bench.ask("GET", "/orders/v1/stock/rope");
  assert.deepEqual(json, { sku: "rope", onHand: 5 });
});

test("OW-3: a run's output leaves as its process declares it", async () => {
  await using bench = await openBench();
  bench.backend.end = { status: "completed", output: { salesOrder: "S-1", margin: 7 } };
  const { json } = await bench.ask("POST", "/orders/v1/orders/now", { body: anOrder });
  assert.deepEqual(json, { salesOrder: "S-1" });
  const shown = await bench.ask("GET", "/orders/v1/orders/o-1");
  assert.deepEqual(shown.json.output, { salesOrder: "S-1" });
});

test("OW-3: fields of a request that nobody named are refused, also where the schema forgot to close itself", async () => {
  await using bench = await openBench({ apis: [own] });
  const body = { sku: "rope", price: "1", role: "admin", tenantId: 4 };
  const answer = await bench.ask("POST", "/orders/v1/prices", { body });
  assertProblem(answer, 400, "input-invalid");
  assert.deepEqual(
    answer.json.errors.map(({ pointer }: { pointer: string }) => pointer),
    ["/role", "/tenantId"],
  );
  assert.equal(bench.backend.called.length, 0);
});

test("OW-5: what a credential was not given for is refused, operation by operation; roles come with tokens", async () => {
  await using issuer = await openTestIssuer();
  await using sources = testSources();
  const api = defineApi({
    ...ordersOptions,
    access: [apiKey(), oauth({ issuer: issuer.url, audience: "orders" })],
    operations: {
      getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock }),
      bookHold: post("/holds", { scope: "stock:write", roles: ["clerk", "manager"], calls: bookHold }),
    },
  });
  await using bench = await openBench({ apis: [api], access: sources });
  const hold = async (claims: Record<string, unknown>) =>
    bench.ask("POST", "/orders/v1/holds", {
      key: null,
      body: { reference: "r" },
      headers: { authorization: `Bearer ${await issuer.token(claims)}` },
    });
  assert.equal((await hold({ scope: "stock:write", roles: ["manager"] })).status, 200);
  assertProblem(await hold({ scope: "stock:write" }), 403, "role-missing");
  assertProblem(await hold({ scope: "stock:write", roles: ["managers", "CLERK"] }), 403, "role-missing");
  assertProblem(await hold({ scope: "stock:read", roles: ["manager"] }), 403, "scope-missing");
  assertProblem(await bench.ask("POST", "/orders/v1/holds", { body: { reference: "r" } }), 403, "role-missing");
  for (const path of ["/admin", "/v1/keys", "/keys", "/orders/v1/keys", "/admin/keys"])
    assertProblem(await bench.ask("GET", path), 404, "route-unknown");
  assert.equal(bench.backend.called.length, 1);
});

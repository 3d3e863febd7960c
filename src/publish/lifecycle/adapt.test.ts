import assert from "node:assert/strict";
import { test } from "node:test";
import { t } from "../../contract/shape.ts";
import { apiKey } from "../access/api-key.ts";
import { defineApi } from "../define.ts";
import { anOrder, assertProblem, bookHold, getStock, openBench, ordersOptions, orderToCash } from "../harness.test.ts";
import { get, post } from "../operations.ts";
import { adapt } from "./adapt.ts";
import { published } from "./states.ts";

/** Version 2: an order has lines, its answer a number. Version 1: one article, its answer the bare order. */
const v2 = defineApi({
  name: "orders",
  version: "2.0.0",
  base: "/orders/v2",
  lifecycle: published(),
  access: [apiKey()],
  operations: {
    placeOrder: post("/orders", {
      scope: "orders:write",
      starts: orderToCash,
      wait: "1s",
      accepts: {
        body: t.object({ id: t.string(), lines: t.array(t.object({ sku: t.string(), quantity: t.integer() })) }),
        map: ({ id, lines }, { caller }) => ({ id, customerId: caller.id, lines }),
      },
      responds: {
        body: t.object({ order: t.object({ number: t.string() }) }),
        map: ({ salesOrder }) => ({ order: { number: salesOrder } }),
      },
    }),
    getOrder: get("/orders/{key}", {
      scope: "orders:read",
      run: orderToCash,
      allow: ({ caller, run }) => run.input.customerId === caller.id,
    }),
    getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock, faults: { UnknownSku: 404 } }),
    hold: post("/holds", { scope: "stock:write", calls: bookHold }),
  },
});
const oldOrder = t.object({ id: t.string(), sku: t.string() });
const v1 = defineApi({
  ...v2,
  version: "1.4.0",
  base: "/orders/v1",
  operations: {
    placeOrder: adapt(v2.operations.placeOrder, {
      path: "/order",
      summary: "Places an order of one article.",
      accepts: { body: oldOrder, map: ({ id, sku }) => ({ id, lines: [{ sku, quantity: 1 }] }) },
      responds: { body: t.object({ number: t.string() }), map: ({ order }) => ({ number: order.number }) },
    }),
    getOrder: adapt(v2.operations.getOrder, {
      responds: {
        body: t.object({ order: t.string(), done: t.boolean() }),
        map: ({ key, status }) => ({ order: key, done: status === "completed" }),
      },
    }),
    getStock: adapt(v2.operations.getStock, {
      path: "/articles/{article}/stock",
      accepts: { body: t.object({ article: t.string() }), map: ({ article }) => ({ sku: article }) },
      responds: { body: t.object({ available: t.boolean() }), map: ({ onHand }) => ({ available: onHand > 0 }) },
    }),
    hold: adapt(v2.operations.hold, {}),
  },
});

test("an old version's request becomes the new one's, and the new one's answer the old one's", async () => {
  await using bench = await openBench({ apis: [v1, v2] });
  const placed = await bench.ask("POST", "/orders/v1/order", { body: { id: "o-1", sku: "rope" } });
  assert.deepEqual([placed.status, placed.json], [201, { number: "S-1" }]);
  assert.deepEqual(bench.backend.started[0]?.input, {
    id: "o-1",
    customerId: "shop",
    lines: [{ sku: "rope", quantity: 1 }],
  });
  assert.equal(placed.headers.location, "/orders/v1/orders/o-1");
  const followed = await bench.ask("GET", placed.headers.location ?? "");
  assert.deepEqual(followed.json, { order: "o-1", done: true });
  const stock = await bench.ask("GET", "/orders/v1/articles/rope/stock");
  assert.deepEqual([stock.status, stock.json], [200, { available: true }]);
  assert.deepEqual(bench.backend.called[0]?.input, { sku: "rope" });
  // The new version is as it was.
  const direct = await bench.ask("POST", "/orders/v2/orders", { body: { id: "o-2", lines: anOrder.lines } });
  assert.deepEqual([direct.status, direct.json], [201, { order: { number: "S-1" } }]);
});

test("PD-5: what the old version does not take is refused by its own contract; what its mapping makes unfit is no fault of the caller", async () => {
  const two = adapt(v2.operations.placeOrder, {
    path: "/order",
    accepts: { body: oldOrder, map: ({ id, sku }) => ({ id, lines: [{ sku, quantity: sku.length / 3 }] }) },
  });
  const odd = defineApi({ ...v1, operations: { placeOrder: two } });
  await using bench = await openBench({ apis: [odd, v2] });
  assertProblem(await bench.ask("POST", "/orders/v1/order", { body: { id: "o-1", lines: [] } }), 400, "input-invalid");
  const refused = await bench.ask("POST", "/orders/v1/order", { body: { id: "o-1", sku: "rope" } });
  assertProblem(refused, 500, "mapping-unfit");
  assert.doesNotMatch(refused.text, /lines|quantity|order-to-cash|errors"/);
  assert.match(refused.json.detail, /Nothing was done/);
  assert.equal(bench.backend.started.length, 0);
});

test("each version is described as its own callers see it", async () => {
  await using bench = await openBench({ apis: [v1, v2] });
  const document = bench.publisher.openapi("orders", "1.4.0");
  assert.deepEqual(Object.keys(document?.paths ?? {}), [
    "/order",
    "/orders/{key}",
    "/articles/{article}/stock",
    "/holds",
  ]);
  const place = document?.paths["/order"]?.post;
  assert.equal(place?.summary, "Places an order of one article.");
  assert.match(JSON.stringify(place?.requestBody), /"sku"/);
  assert.doesNotMatch(JSON.stringify(place), /"lines"/);
});

test("the keys of two versions side by side do not collide, and one order is one run whichever version it comes through", async () => {
  await using bench = await openBench({ apis: [v1, v2] });
  const headers = { "idempotency-key": '"k-1"' };
  const old = await bench.ask("POST", "/orders/v1/order", { headers, body: { id: "o-1", sku: "rope" } });
  assert.equal(old.status, 201);
  // The same key of the same consumer, another order, the other version: a request of its own.
  const fresh = await bench.ask("POST", "/orders/v2/orders", { headers, body: { id: "o-2", lines: anOrder.lines } });
  assert.deepEqual([fresh.status, fresh.headers["idempotency-replayed"]], [201, undefined]);
  assert.equal(bench.backend.started.length, 2);
  // Retries are told apart by version, each in its own form.
  const again = await bench.ask("POST", "/orders/v1/order", { headers, body: { id: "o-1", sku: "rope" } });
  assert.deepEqual([again.json, again.headers["idempotency-replayed"]], [{ number: "S-1" }, "true"]);
  // The same order through the other version is the run that there is.
  const lines = [{ sku: "rope", quantity: 1 }];
  const moved = await bench.ask("POST", "/orders/v2/orders", { body: { id: "o-1", lines } });
  assert.deepEqual([moved.status, moved.json], [200, { order: { number: "S-1" } }]);
  assert.equal(bench.backend.started.length, 2);
});

test("IK-3: straight calls of two versions with one key are two calls, each with an effect key of its own, and each repeated once", async () => {
  await using bench = await openBench({ apis: [v1, v2] });
  const ask = (version: string) =>
    bench.ask("POST", `/orders/${version}/holds`, { headers: { "idempotency-key": '"k"' }, body: { reference: "r" } });
  for (const version of ["v1", "v2", "v1", "v2"]) assert.equal((await ask(version)).status, 200);
  const keys = bench.backend.called.map(({ key }) => key);
  assert.equal(keys.length, 2);
  assert.notEqual(keys[0], keys[1]);
});

test("IK-3: a retry is known when its version was replaced by the next minor one under the same base meanwhile", async () => {
  await using bench = await openBench();
  const ask = () =>
    bench.ask("POST", "/orders/v1/holds", { headers: { "idempotency-key": '"k"' }, body: { reference: "r" } });
  assert.equal((await ask()).status, 200);
  bench.republish([defineApi({ ...ordersOptions, version: "1.1.0" })]);
  const again = await ask();
  assert.deepEqual([again.status, again.headers["idempotency-replayed"]], [200, "true"]);
  assert.equal(bench.backend.called.length, 1);
});

test("a wrong mapping is a compile error", () => {
  const { placeOrder, getOrder, getStock: stock } = v2.operations;
  assert.ok(
    adapt(placeOrder, {
      // @ts-expect-error the new version wants lines
      accepts: { body: oldOrder, map: ({ id }) => ({ id }) },
    }),
  );
  assert.ok(
    adapt(placeOrder, {
      // @ts-expect-error an order of version 1 has no article
      accepts: { body: oldOrder, map: ({ id, article }) => ({ id, lines: [{ sku: article, quantity: 1 }] }) },
    }),
  );
  assert.ok(
    adapt(placeOrder, {
      // @ts-expect-error the number is a text
      responds: { body: t.object({ number: t.integer() }), map: ({ order }) => ({ number: order.number }) },
    }),
  );
  assert.ok(
    adapt(getOrder, {
      // @ts-expect-error a run has no total
      responds: { body: t.object({ total: t.string() }), map: ({ total }) => ({ total }) },
    }),
  );
  assert.ok(
    adapt(stock, {
      // @ts-expect-error {sku} is not a property of what version 1 takes
      path: "/articles/{sku}/stock",
      accepts: { body: t.object({ article: t.string() }), map: ({ article }) => ({ sku: article }) },
    }),
  );
  // @ts-expect-error version 2 has no such operation
  assert.equal(v2.operations.cancelOrder, undefined);
  assert.throws(() => adapt(getOrder, { path: "/orders/{id}" as never }), /exactly one parameter, \{key\}/);
  assert.throws(() => adapt(placeOrder, { method: "GET" }), /a GET starts no process/);
  assert.throws(() => adapt(v2.operations.hold, { method: "GET" }), /is unrepeatable/);
});

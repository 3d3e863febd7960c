import assert from "node:assert/strict";
import { test } from "node:test";
import { defineApi } from "../../publish/define.ts";
import { openBench, ordersOptions } from "../../publish/harness.test.ts";
import { deprecated, published } from "../../publish/lifecycle/states.ts";
import { subscriptionCheck } from "./subscriptions.ts";

const base = { ...ordersOptions, operations: { getStock: ordersOptions.operations.getStock! } };
const v2 = defineApi({
  ...ordersOptions,
  version: "2.0.0",
  base: "/orders/v2",
  lifecycle: published(),
  operations: { bookHold: ordersOptions.operations.bookHold! },
  plans: { gold: { limits: [] } },
});
const v1 = defineApi({
  ...base,
  lifecycle: deprecated({
    since: "2026-01-01",
    sunset: "2030-01-01",
    migration: "https://docs.example/m",
    successor: v2,
  }),
  plans: { gold: { limits: [] }, old: { limits: [] } },
});

test("what only a deprecated version takes is given to nobody new: no key for its scope, no plan of its own", async () => {
  await using bench = await openBench({ apis: [v1, v2] });
  const { keys, consumers, lifecycle } = bench.publisher;
  const check = subscriptionCheck({
    apis: () => [v1, v2],
    keyring: keys,
    consumers,
    usage: lifecycle.usage,
    clock: () => bench.time.now,
  });
  const refused = { code: "api-ending", message: /orders 1\.0\.0.*2030-01-01.*\/orders\/v2/ };
  await assert.rejects(check("fresh", { scopes: ["stock:read"] }), refused);
  await assert.rejects(check("fresh", { scopes: ["stock:write", "stock:read"] }), refused);
  await assert.rejects(check("fresh", { plan: "old" }), refused);
  // What the successor takes too, or nobody does, is given.
  assert.deepEqual(await check("fresh", { scopes: ["stock:write", "unknown"], plan: "gold" }), [
    "no operation asks for the scope unknown",
  ]);
  // Who has it already goes on with it: by a key, by the plan, or by having called.
  await check("shop", { scopes: ["stock:read"] });
  await consumers.set("before", { plan: "old", by: "test" });
  await check("before", { plan: "old" });
  assert.equal((await bench.ask("GET", "/orders/v1/stock/rope")).status, 200);
  const [key] = keys.list();
  await keys.revoke(key!.id, "test");
  await check("shop", { scopes: ["stock:read"], plan: "old" });
  await assert.rejects(check("other", { scopes: ["stock:read"] }), refused);
});

test("a plan or a scope that no API has is told of, with what was probably meant", async () => {
  await using bench = await openBench({ apis: [v2] });
  const { keys, consumers, lifecycle } = bench.publisher;
  const { usage } = lifecycle;
  const check = subscriptionCheck({ apis: () => [v2], keyring: keys, consumers, usage, clock: () => bench.time.now });
  assert.deepEqual(await check("acme", { scopes: ["stock:write"], plan: "gold" }), []);
  assert.deepEqual(await check("acme", { scopes: ["stock:wriet", "parcels:read"], plan: "godl" }), [
    "no API has the plan godl; did you mean gold?",
    "no operation asks for the scope stock:wriet; did you mean stock:write?",
    "no operation asks for the scope parcels:read",
  ]);
});

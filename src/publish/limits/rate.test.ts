import assert from "node:assert/strict";
import { test } from "node:test";
import { defineApi } from "../define.ts";
import { allScopes, assertProblem, getStock, openBench, ordersOptions } from "../harness.test.ts";
import { get } from "../operations.ts";
import { addressBucket } from "./address.ts";
import { rateLimiter } from "./rate.ts";

const stock = "/orders/v1/stock/rope";

test("RL-1 RL-3 RL-5: above the rate is 429 with Retry-After, for that consumer alone", async () => {
  const api = defineApi({ ...ordersOptions, limits: [{ per: "consumer", rate: 2, every: "10s" }] });
  await using bench = await openBench({ apis: [api] });
  const first = await bench.ask("GET", stock);
  assert.equal(first.headers["ratelimit-policy"], '"consumer";q=2;w=10');
  assert.equal(first.headers.ratelimit, '"consumer";r=1;t=5');
  assert.equal((await bench.ask("GET", stock)).headers.ratelimit, '"consumer";r=0;t=10');
  const third = await bench.ask("GET", stock);
  assertProblem(third, 429, "quota-exceeded");
  assert.equal(third.headers["retry-after"], "5");
  assert.equal(third.headers.ratelimit, '"consumer";r=0;t=5');
  assert.deepEqual(third.json["violated-policies"], ["consumer"]);

  const other = await bench.publisher.keys.create({ consumer: "other", scopes: allScopes, by: "t" });
  assert.equal((await bench.ask("GET", stock, { key: other.key })).status, 200);
  const second = await bench.publisher.keys.create({ consumer: "shop", scopes: allScopes, by: "t" });
  assert.equal((await bench.ask("GET", stock, { key: second.key })).status, 429);
  bench.time.now += 5000;
  assert.equal((await bench.ask("GET", stock)).status, 200);
  assert.equal((await bench.ask("GET", stock)).status, 429);
});

test("RL-2 RL-4: the fields parse as Structured Fields with non-negative numbers", () => {
  let now = 0;
  const limiter = rateLimiter({ per: "consumer", rate: 3, every: "100ms", burst: 5 }, "consumer", () => now);
  for (let i = 0; i < 200; i++) {
    const taken = limiter.take("a", 1);
    const match = /^"consumer";r=(\d+);t=(\d+)$/.exec(taken.field);
    assert.ok(match, taken.field);
    assert.ok(Number(match[1]) <= 5);
    now += 7;
  }
  assert.equal(limiter.policy, '"consumer";q=3;w=1');
});

test("RL-6: no field says whose requests are counted", async () => {
  const api = defineApi({ ...ordersOptions, limits: [{ per: "consumer", rate: 1, every: "1h" }] });
  await using bench = await openBench({ apis: [api] });
  const { key } = await bench.publisher.keys.create({ consumer: "harbour-customer", scopes: allScopes, by: "t" });
  for (const status of [200, 429]) {
    const answer = await bench.ask("GET", stock, { key });
    assert.equal(answer.status, status);
    assert.ok(!JSON.stringify([answer.headers, answer.status === 429 ? answer.text : ""]).includes("harbour-customer"));
  }
});

test("the rate holds over time, whatever the pattern", () => {
  let now = 0;
  const limiter = rateLimiter({ per: "consumer", rate: 10, every: "1s" }, "consumer", () => now);
  let allowed = 0;
  for (; now < 60_000; now += 3) if (limiter.take("a", 1).kind === "taken") allowed += 1;
  assert.ok(allowed >= 600 && allowed <= 611, String(allowed));
});

test("attack 19: a caller without a key is known by its socket's address, whatever its headers say", async () => {
  const api = defineApi({
    ...ordersOptions,
    access: [],
    limits: [{ per: "address", rate: 2, every: "10s" }],
    operations: { getStock: get("/stock/{sku}", { access: "public", calls: getStock }) },
  });
  await using bench = await openBench({ apis: [api] });
  const ask = (address: string, i = 0) =>
    bench.ask("GET", stock, {
      key: null,
      address,
      headers: { "x-forwarded-for": `10.1.1.${i}`, forwarded: `for=10.1.1.${i}` },
    });
  assert.equal((await ask("192.0.2.1", 1)).status, 200);
  assert.equal((await ask("::ffff:192.0.2.1", 2)).status, 200);
  assertProblem(await ask("192.0.2.1", 3), 429, "quota-exceeded");
  assert.equal((await ask("2001:db8:1:2::1")).status, 200);
  assert.equal((await ask("2001:db8:1:2:ffff::9")).status, 200);
  assert.equal((await ask("2001:0db8:1:2:3:4:5:6")).status, 429);
  assert.equal((await ask("2001:db8:1:3::1")).status, 200);
  assert.equal(addressBucket("::1"), "0:0:0:0::/64");
  assert.equal(addressBucket("fe80::1%eth0"), "fe80:0:0:0::/64");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { defineApi } from "../define.ts";
import { anOrder, openBench, ordersOptions } from "../harness.test.ts";
import { deprecated, retired } from "./states.ts";

const day = 86_400_000;
type Bench = Awaited<ReturnType<typeof openBench>>;
async function strays(bench: Bench) {
  await bench.publisher.lifecycle.flush();
  return bench.publisher.lifecycle.strays
    .list()
    .map(
      ({ version, consumer, kind, method, path, hits }) => `${version} ${consumer} ${kind} ${method} ${path} ${hits}`,
    )
    .sort();
}

test("OW-9: an undeclared endpoint that a consumer asks for raises an item, without values and once for each kind of path", async () => {
  await using bench = await openBench();
  for (const path of ["/orders/v1/returns/1", "/orders/v1/returns/erika", "/orders/v1/returns/a%20b"])
    assert.equal((await bench.ask("GET", path)).status, 404);
  assert.equal((await bench.ask("GET", "/orders/v1/4111111111111111/orders")).status, 404);
  assert.equal((await bench.ask("DELETE", "/orders/v1/stock/rope")).status, 405);
  assert.equal((await bench.ask("GET", "/orders/v1/stock/rope")).status, 200);
  // A resource that is not there is no endpoint that is not there.
  assert.equal((await bench.ask("GET", "/orders/v1/orders/none")).status, 404);
  assert.deepEqual(await strays(bench), [
    "1.0.0 shop undeclared DELETE /orders/v1/stock/{} 1",
    "1.0.0 shop undeclared GET /orders/v1/returns/{} 3",
    "1.0.0 shop undeclared GET /orders/v1/{}/orders 1",
  ]);
});

test("OW-9: who still calls a version that has ended raises an item", async () => {
  const v2 = defineApi({ ...ordersOptions, version: "2.0.0", base: "/orders/v2" });
  const ends = deprecated({ since: "2026-01-01", sunset: "2026-06-01", migration: "/m", successor: v2 });
  const v1 = defineApi({ ...ordersOptions, lifecycle: ends });
  const v0 = defineApi({ ...ordersOptions, version: "0.9.0", base: "/orders/v0", lifecycle: retired() });
  await using bench = await openBench({ apis: [v0, v1, v2] });
  bench.time.now = Date.parse("2026-06-02T00:00:00Z");
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: anOrder })).status, 410);
  assert.equal((await bench.ask("GET", "/orders/v0/orders/o-1")).status, 404);
  const { retirements } = bench.publisher.lifecycle;
  const despite = { consumers: [], openRuns: 0, runs: [] };
  await retirements.retire({ api: "orders", major: 2, reason: "r", by: "b", despite });
  assert.equal((await bench.ask("GET", "/orders/v2/stock/rope")).status, 404);
  assert.deepEqual(await strays(bench), [
    "0.9.0 shop retired GET /orders/v0/orders/{} 1",
    "1.0.0 shop sunset POST /orders/v1/orders 1",
    "2.0.0 shop retired GET /orders/v2/stock/{} 1",
  ]);
});

test("a scanner raises no item: not without a key, not with a wrong one, not beside every API", async () => {
  await using bench = await openBench();
  for (const key of [null, "mtz_live_wrong"])
    for (const path of ["/orders/v1/admin", "/orders/v1/.env", "/wp-login.php", "/orders/v10/x"])
      assert.equal((await bench.ask("GET", path, { key })).status, 404);
  assert.equal((await bench.ask("GET", "/elsewhere")).status, 404);
  assert.deepEqual(await strays(bench), []);
});

test("the list is bounded, what is beyond is counted in one line, and lines that are not seen again go", async () => {
  await using bench = await openBench();
  const letters = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  for (let n = 0; n < 620; n++) await bench.ask("GET", `/orders/v1/x${letters(n)}`);
  const lines = await strays(bench);
  assert.equal(lines.length, 501);
  assert.ok(
    lines.some((line) => line.trim().endsWith("... 120")),
    lines[0],
  );
  bench.time.now += 181 * day;
  await bench.publisher.lifecycle.tick();
  assert.deepEqual(await strays(bench), []);
});

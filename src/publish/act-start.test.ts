import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../errors.ts";
import { defineApi } from "./define.ts";
import { anOrder, assertProblem, type Order, openBench, ordersOptions, orderToCash } from "./harness.test.ts";
import { post, type StartsOptions } from "./operations.ts";

const now = 1_800_000_000_000;

function benchOf(options: Pick<StartsOptions<Order, unknown>, "delay" | "at">) {
  const placeOrder = post("/orders", { scope: "orders:write", starts: orderToCash, ...options });
  return openBench({
    clock: () => now,
    apis: [defineApi({ ...ordersOptions, operations: { ...ordersOptions.operations, placeOrder } })],
  });
}

test("an operation can start its runs later: after a time, or at a moment that the input names", async () => {
  for (const [options, expected] of [
    [{ delay: "2h" }, now + 7_200_000],
    [{ delay: (order: Order) => (order.id === "o-1" ? "1m" : undefined) }, now + 60_000],
    [{ at: () => undefined }, undefined],
  ] as const) {
    await using bench = await benchOf(options);
    assert.equal((await bench.ask("POST", "/orders/v1/orders", { body: anOrder })).status, 202);
    assert.equal(bench.backend.started[0]?.at, expected);
  }
  await using bench = await benchOf({ at: () => "2031-01-01T06:00:00+01:00" });
  await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
  assert.equal(bench.backend.started[0]?.at, "2031-01-01T06:00:00+01:00");
});

test("a time that is none is the caller's mistake, and shows nothing of the inside", async () => {
  await using bench = await benchOf({ at: ({ id }) => id });
  bench.backend.refuses = failure("instant-invalid", { value: '"o-1"' });
  const refused = await bench.ask("POST", "/orders/v1/orders", { body: anOrder });
  assertProblem(refused, 400, "input-invalid");
});

test("an operation that states both a delay and a time, or a delay that is none, is refused where it is written", () => {
  const options = { scope: "orders:write", starts: orderToCash } as const;
  assert.throws(() => post("/orders", { ...options, delay: "1h", at: () => 0 }), /choose one/);
  assert.throws(() => post("/orders", { ...options, delay: "soon" as never }), RangeError);
});

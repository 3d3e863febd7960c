/** Order-to-cash on fakes of the five systems: in memory, on the real engine, with a clock that is moved by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decimal } from "mortise";
import {
  actsThenLoses,
  comes,
  decides,
  explore,
  fails,
  fault,
  type Invariant,
  type TestWorld,
  testWorld,
} from "mortise/testing";
import { carrier } from "../systems/carrier/index.ts";
import { erp } from "../systems/erp/index.ts";
import { payments } from "../systems/payments/index.ts";
import { shop } from "../systems/shop/index.ts";
import { warehouse } from "../systems/warehouse/index.ts";
import { creditCheck } from "./credit-check.ts";
import { orderToCash } from "./order-to-cash.ts";
import type { Order } from "./sales-order.ts";

const day = "2026-01-05T08:00:00Z";

function orderOf(total: string): Order {
  return {
    id: "SO-1",
    channel: "web-shop",
    customerId: "C-1001",
    currency: "EUR",
    lines: [{ sku: "ROPE-12MM", quantity: 1, unitPrice: total }],
    total,
    cardToken: "tok-1",
    placedAt: day,
  };
}
const small = orderOf("129.90");
const big = orderOf("6000.00");

/** The systems, as far as the process sees them: each with a book of its own. */
function fakeSystems(world: TestWorld): void {
  const holds = new Set<string>();
  const hold = (reference: string) => ({ reference, lines: 1, heldAt: day });
  world.fake(warehouse.reserveStock, (_input, { key }) => {
    holds.add(key);
    return hold(key);
  });
  world.fake(warehouse.findHold, ({ reference }) => (holds.has(reference) ? hold(reference) : null));
  world.fake(warehouse.releaseStock, ({ reference }) => {
    holds.delete(reference);
    return null;
  });

  const authorized = new Map<string, string>();
  const payment = (id: string, status: "authorized" | "captured") => ({
    id,
    reference: "SO-1",
    status,
    amount: "129.90",
    currency: "EUR",
    createdAt: day,
  });
  world.fake(payments.authorize, (_input, { key, times }) => {
    authorized.set(key, `P-${times}`);
    return payment(`P-${times}`, "authorized");
  });
  world.fake(payments.void, ({ id, reference }) => {
    const known = id ?? authorized.get(reference ?? "");
    return known === undefined ? { status: "unknown" } : { id: known, status: "voided" };
  });
  world.fake(payments.capture, ({ id }) => payment(id, "captured"));

  const sales: { number: string; reference: string }[] = [];
  const sale = ({ number, reference }: (typeof sales)[number]) => ({
    number,
    reference,
    customerNumber: "C-1001",
    status: "open" as const,
    total: decimal("129.90"),
    createdAt: day,
  });
  world.fake(erp.createSalesOrder, ({ reference }, { times }) => {
    const made = { number: `S-${times}`, reference };
    sales.push(made);
    return sale(made);
  });
  world.fake(erp.findSalesOrder, ({ reference }) => sales.filter((one) => one.reference === reference).map(sale));
  world.fake(erp.cancelSalesOrder, 1);
  world.fake(shop.setOrderStatus, ({ id: _, ...status }) => status);
}

const shipment = {
  orderId: "SO-1",
  tracking: "TF-1",
  carrier: "Tidewater Freight",
  weightKg: decimal("1.250"),
  shippedAt: day,
};
const settlement = { paymentId: "P-1", reference: "SO-1", amount: "129.90", currency: "EUR", settledAt: day };

function harbourSupply(): TestWorld {
  const world = testWorld({ processes: [orderToCash], now: day });
  fakeSystems(world);
  return world;
}

test("an order is held, authorized, booked, shipped, captured and settled", async () => {
  const world = harbourSupply();
  const run = await world.start(orderToCash, small);
  await world.signal(carrier.shipped, { payload: shipment });
  await world.signal(payments.paymentSettled, { payload: settlement });
  const { status, output } = await run.ended();
  assert.equal(status, "completed");
  assert.deepEqual(output, { salesOrder: "S-1", tracking: "TF-1", settledAt: day });
  assert.deepEqual(
    world.calls(shop.setOrderStatus).map(({ input }) => input.status),
    ["confirmed", "shipped", "paid"],
  );
});

test("finance is asked about a big order, and a no undoes what was done", async () => {
  const world = harbourSupply();
  const run = await world.start(orderToCash, big);
  await world.answer(run, creditCheck, { approved: false, reason: "too much" });
  const { status, failure } = await run.ended();
  assert.equal(status, "rejected");
  assert.equal(failure?.reason, "credit refused");
  assert.equal(world.acts(warehouse.releaseStock).length, 1);
  assert.equal(world.acts(payments.void).length, 1);
  assert.equal(world.calls(erp.createSalesOrder).length, 0);
});

test("an order that the carrier does not take in five days is refused, and everything is taken back", async () => {
  const world = harbourSupply();
  const run = await world.start(orderToCash, small);
  await world.advance("5d");
  assert.equal((await run.ended()).status, "rejected");
  assert.deepEqual(
    run.calls.slice(-3).map(({ operation }) => operation),
    ["erp.cancelSalesOrder", "payments.void", "warehouse.releaseStock"],
  );
  assert.equal(world.calls(shop.setOrderStatus).at(-1)?.input.status, "refused");
});

test("a sales order whose confirmation was lost is found in the ERP, and not booked twice", async () => {
  const world = harbourSupply();
  const booked = {
    number: "S-9",
    reference: "SO-1",
    customerNumber: "C-1001",
    status: "open" as const,
    total: decimal("129.90"),
    createdAt: day,
  };
  world.fake(erp.createSalesOrder, actsThenLoses(booked));
  world.fake(erp.findSalesOrder, [booked]);
  const run = await world.start(orderToCash, small);
  assert.equal(run.status, "waiting");
  assert.equal(world.calls(erp.createSalesOrder).length, 1);
});

test("goods that are out of stock are refused without a payment", async () => {
  const world = harbourSupply();
  world.fake(warehouse.reserveStock, fault("OutOfStock", null));
  const run = await world.start(orderToCash, small);
  assert.equal((await run.ended()).failure?.reason, "out of stock");
  assert.equal(world.calls(payments.authorize).length, 0);
});

test("a payment provider that is down for a while is asked again under the same key", async () => {
  const world = harbourSupply();
  world.fake(payments.authorize, fails.none());
  const run = await world.start(orderToCash, small);
  await world.advance("10s");
  fakeSystems(world);
  await world.advance("1m");
  assert.match(run.detail.reason ?? "", /carrier\.shipped/);
  assert.equal(new Set(world.calls(payments.authorize).map(({ key }) => key)).size, 1);
  assert.equal(world.acts(payments.authorize).length, 1);
});

/** What the business wants to be true of every order, whatever goes wrong on the way. */
const business: Readonly<Record<string, Invariant>> = {
  "captured if and only if shipped": ({ world }) =>
    world.acts(payments.capture).length === world.signals(carrier.shipped).length,
  "the hold is let go of unless the goods are shipped": ({ world }) => {
    const shipped = world.signals(carrier.shipped).length > 0;
    const released = new Set(world.acts(warehouse.releaseStock).map(({ input }) => input.reference));
    return world.acts(warehouse.reserveStock).every(({ key }) => released.has(key) !== shipped);
  },
  "no money is taken without a sales order": ({ world }) =>
    world.acts(payments.capture).length === 0 || world.acts(erp.createSalesOrder).length === 1,
  "a sales order that is not shipped is cancelled": ({ world }) =>
    world.acts(erp.createSalesOrder).length === 0 ||
    world.acts(erp.cancelSalesOrder).length > 0 !== world.signals(carrier.shipped).length > 0,
  "the customer is told how it ended": ({ world, run }) =>
    world.calls(shop.setOrderStatus).at(-1)?.input.status === (run.status === "completed" ? "paid" : "refused"),
};

const outside = [
  decides(creditCheck, { approved: true }, { approved: false, reason: "too much" }),
  // The warehouse packs what it holds and the ERP has booked; the carrier comes for it within five days, or not at all.
  comes(carrier.shipped, {
    payload: shipment,
    when: (world) =>
      world.now < Date.parse(day) + 5 * 86_400_000 &&
      world.acts(erp.createSalesOrder).length > 0 &&
      world.acts(erp.cancelSalesOrder).length === 0 &&
      world.acts(warehouse.releaseStock).length === 0,
  }),
  comes(payments.paymentSettled, {
    payload: settlement,
    when: (world) => world.acts(payments.capture).length > 0,
  }),
];

test("whatever fails, at whatever point: money is taken if and only if goods are shipped", async () => {
  const explored = await explore(orderToCash, {
    input: big,
    fakes: fakeSystems,
    outside,
    invariants: business,
    pairs: 60,
    now: day,
  });
  assert.ok(explored.histories > 150);
  // After the goods are gone nothing is undone: a payment provider that refuses the capture then asks a person.
  assert.deepEqual(Object.keys(explored.parked), ["process-after-pivot"]);
});

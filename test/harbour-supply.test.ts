/**
 * Harbour Supply over sockets and files: the example's own project, its systems as separate processes, Mortise as another. What the
 * systems wrote into their ledgers is compared with what Mortise says. The tests share one installation and each uses orders of its own.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Harbour, startHarbour } from "./harbour.ts";

let folder: string;
let harbour: Harbour;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "harbour-supply-"));
  harbour = await startHarbour(folder);
});
after(async () => {
  await harbour?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a plain order is held, authorized, booked, shipped, captured and settled, once each", async () => {
  const { id, state, run } = await harbour.order("plain");
  assert.equal(state, "completed");
  const output = run.output as { salesOrder: string; tracking: string; settledAt: string };
  const facts = await harbour.facts(id);
  assert.deepEqual(facts.sales, [{ number: output.salesOrder, status: "open" }]);
  assert.deepEqual(facts.payments, ["settled"]);
  assert.equal(facts.held, 1, "one hold for the whole order, not released");
  assert.deepEqual(facts.shop, { status: "paid", salesOrder: output.salesOrder, tracking: output.tracking });
});

test("a declined card: refused, the goods are let go, nothing is booked", async () => {
  const { id, state } = await harbour.order("declined");
  assert.equal(state, "rejected");
  const facts = await harbour.facts(id);
  assert.deepEqual([facts.held, facts.released, facts.payments, facts.sales], [0, 1, [], []]);
  assert.deepEqual(facts.shop, { status: "refused", reason: "card declined" });
});

test("out of stock: refused before anything else is asked", async () => {
  const { id, state } = await harbour.order("scarce");
  assert.equal(state, "rejected");
  const facts = await harbour.facts(id);
  assert.deepEqual([facts.held, facts.released, facts.payments, facts.sales], [0, 0, [], []]);
  assert.deepEqual(facts.shop, { status: "refused", reason: "out of stock" });
});

test("declared SOAP faults: refused, the payment is voided and the goods are let go", async () => {
  for (const [kind, reason] of [
    ["stranger", "unknown customer"],
    ["overdrawn", "credit limit exceeded"],
  ] as const) {
    const { id, state } = await harbour.order(kind);
    assert.equal(state, "rejected");
    const facts = await harbour.facts(id);
    assert.deepEqual([facts.held, facts.released, facts.payments, facts.sales], [0, 1, ["voided"], []]);
    assert.deepEqual(facts.shop, { status: "refused", reason });
  }
});

test("a big order waits for finance; yes goes on, no undoes", async () => {
  const yes = await harbour.place("big");
  await harbour.answer(yes, { approved: true });
  assert.equal((await harbour.ended(yes)).state, "completed");
  const no = await harbour.place("refused");
  await harbour.answer(no, { approved: false, reason: "no" });
  assert.equal((await harbour.ended(no)).state, "rejected");
  const facts = await harbour.facts(no);
  assert.deepEqual([facts.held, facts.released, facts.payments, facts.sales], [0, 1, ["voided"], []]);
});

test("the ERP acts and drops the connection: the probe finds the sales order, and there is no second one", async () => {
  await harbour.systems.erp.behave({ mode: "drop", times: 1, operation: "createSalesOrder" });
  const { id, state, run } = await harbour.order("plain");
  assert.equal(state, "completed");
  const facts = await harbour.facts(id);
  assert.deepEqual(facts.sales, [{ number: (run.output as { salesOrder: string }).salesOrder, status: "open" }]);
  const asked = (await harbour.systems.erp.ledger()).filter((line) => line.kind === "received" && line.key === id);
  assert.deepEqual(
    asked.map((line) => line.operation),
    ["createSalesOrder", "findSalesOrder"],
  );
});

test("the payment provider acts and drops the connection: the same key again, one payment", async () => {
  await harbour.systems.payments.behave({ mode: "drop", times: 1, operation: "authorize" });
  const { id, state } = await harbour.order("plain");
  assert.equal(state, "completed");
  assert.deepEqual((await harbour.facts(id)).payments, ["settled"]);
});

test("systems that fail, lock or are away for a while: tried again until they are back", async () => {
  await harbour.systems.payments.behave({ mode: "fail", times: 2, operation: "authorize" });
  await harbour.systems.erp.behave({ mode: "away", ms: 600 });
  await harbour.systems.warehouse.behave({ mode: "slow", ms: 600, times: 1 });
  const { id, state } = await harbour.order("plain");
  assert.equal(state, "completed");
  const facts = await harbour.facts(id);
  assert.deepEqual([facts.held, facts.payments, facts.sales.length], [1, ["settled"], 1]);
  assert.ok(facts.tries > 2);
});

test("an error that nobody declared parks the run with its reason; a retry goes on when the system is mended", async () => {
  await harbour.systems.warehouse.behave({ mode: "fail" });
  try {
    const id = await harbour.place("plain");
    const parked = await harbour.until(async () => {
      const run = await harbour.run(id);
      return run?.status === "parked" && run;
    });
    assert.match(parked.reason ?? "", /told to fail|reserveStock/);
    await harbour.systems.warehouse.behave({ mode: "ok" });
    await harbour.admin("POST", `/runs/${parked.id}/retry`, { reason: "the warehouse is mended" });
    assert.equal((await harbour.ended(id)).state, "completed");
    assert.equal((await harbour.facts(id)).held, 1);
  } finally {
    await harbour.systems.warehouse.behave({ mode: "ok" });
  }
});

test("a webhook delivered twice and a file dropped twice change nothing", async () => {
  await harbour.systems.payments.command("configure", { duplicates: 1 });
  const { id, state } = await harbour.order("plain");
  assert.equal(state, "completed");
  const again = await harbour.until(async () =>
    (await harbour.systems.payments.ledger()).findLast(
      (line) => line.kind === "webhook-delivered" && line.again === true,
    ),
  );
  assert.ok(Number(again.status) >= 200 && Number(again.status) < 300);
  await harbour.systems.payments.command("configure", { duplicates: 0 });
  const dropped = (await harbour.systems.carrier.ledger()).findLast((line) => line.kind === "dropped");
  await harbour.systems.carrier.command("again", { file: String(dropped?.file) });
  assert.equal((await harbour.order("plain")).state, "completed");
  assert.equal((await harbour.facts(id)).payments.length, 1);
});

test("the shop asks for the availability by webhook, and is told what the warehouse has", async () => {
  await harbour.systems.shop.command("ask", { sku: "FENDER-L" });
  const told = await harbour.until(async () =>
    (await harbour.systems.shop.ledger()).find(
      (line) => line.operation === "setAvailability" && line.kind === "applied",
    ),
  );
  assert.equal(told.key, "FENDER-L");
  assert.ok(Number((told.state as { available: number }).available) > 900_000);
});

test("an order is shown to the consumer that placed it, and to nobody else", async () => {
  const { id } = await harbour.order("declined");
  const mine = await harbour.api("GET", `/orders/v1/orders/${id}`);
  assert.deepEqual([mine.status, mine.body.status], [200, "rejected"]);
  const partner = await harbour.key("partner", ["orders:read"]);
  const theirs = await harbour.api("GET", `/orders/v1/orders/${id}`, { key: partner });
  const unknown = await harbour.api("GET", "/orders/v1/orders/HS-0", { key: partner });
  assert.deepEqual([theirs.status, unknown.status], [404, 404]);
  assert.equal(theirs.body.type, unknown.body.type, "who may not see it can't tell that it is there");
  assert.equal((await harbour.api("GET", `/orders/v1/orders/${id}`, { key: "none" })).status, 401);
  const write = await harbour.api("POST", "/orders/v1/orders", {
    key: partner,
    body: harbour.newOrder("plain"),
    id: "p-1",
  });
  assert.equal(write.status, 403);
});

test("an Idempotency-Key is needed, gives the same answer again, and is refused for another body", async () => {
  const order = harbour.newOrder("declined");
  assert.equal((await harbour.api("POST", "/orders/v1/orders", { body: order })).status, 400);
  const first = await harbour.api("POST", "/orders/v1/orders", { body: order, id: "ik-1" });
  const again = await harbour.api("POST", "/orders/v1/orders", { body: order, id: "ik-1" });
  assert.equal(first.status, 202);
  assert.deepEqual([again.status, again.body], [first.status, first.body]);
  const other = await harbour.api("POST", "/orders/v1/orders", { body: { ...order, currency: "SEK" }, id: "ik-1" });
  assert.equal(other.status, 422);
  const sameOrder = await harbour.api("POST", "/orders/v1/orders", { body: { ...order, currency: "SEK" }, id: "ik-2" });
  assert.equal(sameOrder.status, 409, "the same business key with another body");
});

test("an order that does not fit its contract is refused with its problems, and nothing starts", async () => {
  const order = { ...harbour.newOrder("plain"), total: "12.345" };
  const refused = await harbour.api("POST", "/orders/v1/orders", { body: order, id: "bad-1" });
  assert.ok(refused.status === 400 || refused.status === 422);
  assert.match(refused.type, /application\/problem\+json/);
  assert.match(JSON.stringify(refused.body), /total/);
  assert.equal((await harbour.api("GET", `/orders/v1/orders/${order.id}`)).status, 404);
});

test("who waits for the end gets it", async () => {
  const key = await harbour.key("dealer", ["orders:write"]);
  const order = { ...harbour.newOrder("plain"), channel: "dealer" };
  const done = await harbour.api("POST", "/orders/v1/orders/wait", { key, body: order, id: "wait-1" });
  assert.equal(done.status, 201);
  assert.match(String(done.body.salesOrder), /^SO-/);
  assert.equal((await harbour.facts(order.id)).shop, undefined, "an order that is not the shop's");
  const refused = { ...harbour.newOrder("declined"), channel: "dealer" };
  const told = await harbour.api("POST", "/orders/v1/orders/wait", { key, body: refused, id: "wait-2" });
  assert.deepEqual([told.status, told.body.run, told.body.reason], [422, "rejected", "card declined"]);
});

test("stock is at most one second old, and answered from the cache meanwhile", async () => {
  const stock = async () => (await harbour.api("GET", "/orders/v1/stock/LANTERN-LED")).body as { onHand: number };
  const { onHand } = await stock();
  await harbour.systems.warehouse.command("receive", { sku: "LANTERN-LED", quantity: 7 });
  const soon = await stock();
  assert.ok(soon.onHand === onHand || soon.onHand === onHand + 7);
  await harbour.until(async () => (await stock()).onHand === onHand + 7);
  assert.equal((await harbour.api("GET", "/orders/v1/stock/NOTHING")).status < 500, true);
});

test("an order is followed to its end, and a change of the stock is told to who listens", async () => {
  const key = await harbour.key("dealer", ["orders:write", "orders:read", "stock:read"]);
  const headers = { authorization: `Bearer ${key}` };
  const listening = new AbortController();
  const { signal } = listening;
  const stock = await fetch(new URL("/orders/v1/stock/ROPE-12MM/events", harbour.url), { headers, signal });
  const order = {
    ...harbour.newOrder("plain"),
    channel: "dealer",
    lines: [{ sku: "ROPE-12MM", quantity: 1, unitPrice: "3.49" }],
    total: "3.49",
  };
  const placed = await harbour.api("POST", "/orders/v1/orders", { key, body: order, id: "follow-1" });
  assert.equal(placed.status, 202);
  const told = await (await fetch(new URL(`/orders/v1/orders/${order.id}/events`, harbour.url), { headers })).text();
  assert.match(told, /"status":"completed".*"tracking".*\n\nevent: end\n/);
  let text = "";
  for await (const chunk of stock.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if ((text.match(/^data: /gm)?.length ?? 0) >= 2) break;
  }
  listening.abort();
  assert.match(text, /"sku":"ROPE-12MM"/);
});

test("the API describes itself in OpenAPI 3.1, and has a page for people", async () => {
  const document = await harbour.api("GET", "/orders/v1/openapi.json");
  assert.match(String(document.body.openapi), /^3\.1\./);
  const paths = document.body.paths as Record<string, unknown>;
  const served = [
    "/orders",
    "/orders/wait",
    "/orders/{key}",
    "/orders/{key}/events",
    "/stock/{sku}",
    "/stock/{sku}/events",
  ];
  assert.deepEqual(Object.keys(paths).sort(), served);
  assert.equal((await harbour.api("GET", "/orders/v1/docs")).status, 200);
});

test("Mortise is killed with orders under way; after the restart each of them ends, and nothing was done twice", async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, () => harbour.place("plain")));
  await harbour.until(async () => (await harbour.facts(ids[0] ?? "")).held === 1);
  await harbour.restart("SIGKILL");
  for (const id of ids) {
    assert.equal((await harbour.ended(id)).state, "completed");
    const facts = await harbour.facts(id);
    assert.deepEqual([facts.held, facts.payments, facts.sales.length], [1, ["settled"], 1]);
  }
});

test("a card token stands in no log, in no answer of the admin API, and not in the store", async () => {
  const { id } = await harbour.order("plain");
  const run = await harbour.run(id);
  const shown = JSON.stringify(await harbour.admin("GET", `/runs/${run?.id}`));
  assert.match(shown, /payments\.authorize/);
  assert.doesNotMatch(shown, /tok_[0-9]/);
  assert.doesNotMatch(readFileSync(join(folder, "logs", "mortise.log"), "utf8"), /tok_[0-9]/);
  // Nor in the store: Harbour Supply encrypts it.
  for (const file of ["mortise.db", "mortise.db-wal"])
    assert.doesNotMatch(readFileSync(join(folder, "store", file), "latin1"), /tok_[0-9]/, file);
});

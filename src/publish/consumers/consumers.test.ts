import assert from "node:assert/strict";
import { test } from "node:test";
import { assertProblem, openBench } from "../harness.test.ts";

const stock = "/orders/v1/stock/rope";

test("a consumer that is disabled is refused with each of its keys, and let in again once it is enabled, also after a restart", async () => {
  await using bench = await openBench();
  const { consumers } = bench.publisher;
  assert.equal((await bench.ask("GET", stock)).status, 200);
  const set = await consumers.set("shop", { disabled: true, reason: "unpaid", by: "ops" });
  assert.equal(set.reason, "unpaid");
  assertProblem(await bench.ask("GET", stock), 403, "consumer-disabled");
  assertProblem(await bench.ask("GET", stock, { by: bench.restart() }), 403, "consumer-disabled");
  await consumers.set("shop", { disabled: false, by: "ops" });
  assert.equal((await bench.ask("GET", stock)).status, 200);
  assert.equal(consumers.find("shop")?.disabledAt, undefined);
});

test("what a change does not name stays; null takes it away", async () => {
  await using bench = await openBench();
  const { consumers } = bench.publisher;
  await consumers.set("shop", { plan: "gold", contact: "it@shop.example", by: "ops" });
  await consumers.set("shop", { contact: "api@shop.example", by: "ops" });
  assert.deepEqual([consumers.find("shop")?.plan, consumers.find("shop")?.contact], ["gold", "api@shop.example"]);
  await consumers.set("shop", { plan: null, by: "ops" });
  assert.equal(consumers.find("shop")?.plan, undefined);
  assert.deepEqual(
    consumers.list().map(({ name }) => name),
    ["shop"],
  );
});

test("a name, a plan or a text of a wrong form is refused, and nothing is kept", async () => {
  await using bench = await openBench();
  const { consumers } = bench.publisher;
  const refused = (name: string, change: object) =>
    assert.rejects(consumers.set(name, { ...change, by: "ops" }), { code: "consumer-definition" });
  await refused("a\nb", {});
  await refused("x".repeat(201), {});
  await refused("a", { plan: "Gold Plan" });
  await refused("a", { contact: "x".repeat(201) });
  assert.deepEqual(consumers.list(), []);
});

test("changes of a consumer at once undo nothing of each other: who is disabled stays so while a plan is set", async () => {
  await using bench = await openBench();
  const { consumers } = bench.publisher;
  await Promise.all([
    consumers.set("shop", { disabled: true, reason: "stolen key", by: "ops" }),
    consumers.set("shop", { plan: "gold", by: "sales" }),
    consumers.set("shop", { contact: "it@shop.example", by: "sales" }),
  ]);
  assertProblem(await bench.ask("GET", stock), 403, "consumer-disabled");
  const { plan, contact, reason } = consumers.find("shop") ?? {};
  assert.deepEqual([plan, contact, reason], ["gold", "it@shop.example", "stolen key"]);
  // One that fails holds up none behind it.
  const failing = { contact: "x", by: "ops", alongside: [{ name: "no.such", parameters: {} }] };
  const both = await Promise.allSettled([
    consumers.set("shop", failing),
    consumers.set("shop", { disabled: false, by: "ops" }),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
});

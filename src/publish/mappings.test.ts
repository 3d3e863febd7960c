import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { t } from "../contract/shape.ts";
import type { MortiseError } from "../errors.ts";
import { defineApi } from "./define.ts";
import { assertProblem, getStock, openBench, ordersOptions, orderToCash, setPrice } from "./harness.test.ts";
import { get, post } from "./operations.ts";

const quick = t.object({ id: t.string(), pieces: t.integer() });
const api = defineApi({
  ...ordersOptions,
  operations: {
    quick: post("/quick", {
      scope: "orders:write",
      starts: orderToCash,
      accepts: {
        body: quick,
        map: ({ id, pieces }, { caller }) => ({
          id,
          customerId: caller.id,
          lines: Array.from({ length: 8 }, () => ({ sku: "rope", quantity: pieces })),
        }),
      },
    }),
    as: post("/as-it-came", {
      scope: "orders:write",
      starts: orderToCash,
      accepts: {
        body: t.object({
          id: t.string(),
          customerId: t.string(),
          lines: t.array(t.object({ sku: t.string(), quantity: t.integer() })),
        }),
        map: (order) => order,
      },
    }),
    stock: get("/shelves/{shelf}", {
      scope: "stock:read",
      calls: getStock,
      accepts: { body: t.object({ shelf: t.string() }), map: ({ shelf }) => ({ sku: shelf, limit: shelf.length / 2 }) },
    }),
    price: post("/price", {
      scope: "stock:write",
      calls: setPrice,
      accepts: { body: t.object({ euro: t.integer() }), map: ({ euro }) => ({ sku: "rope", price: euro }) as never },
    }),
  },
});

/** What is reported while `act` runs. */
async function reported(act: () => Promise<void>): Promise<readonly MortiseError[]> {
  const facts: MortiseError[] = [];
  const on = (fact: unknown) => facts.push((fact as { readonly error: MortiseError }).error);
  subscribe("mortise:publish:failure", on);
  try {
    await act();
  } finally {
    unsubscribe("mortise:publish:failure", on);
  }
  return facts;
}

test("PD-5: what a mapping makes unfit is the API's mistake: 500 without inner names, reported with the places, nothing started or called", async () => {
  await using bench = await openBench({ apis: [api] });
  const facts = await reported(async () => {
    const body = { id: "o-1", pieces: 0 };
    const started = await bench.ask("POST", "/orders/v1/quick", { body });
    assertProblem(started, 500, "mapping-unfit");
    assert.equal(started.json.errors, undefined);
    assert.match(started.json.detail, /^This API could not make use of .* Nothing was done/);
    assert.doesNotMatch(started.text, /lines|quantity|order-to-cash/);
    const read = await bench.ask("GET", "/orders/v1/shelves/abc");
    assertProblem(read, 500, "mapping-unfit");
    assert.doesNotMatch(read.text, /limit|sku|warehouse/);
    assertProblem(await bench.ask("POST", "/orders/v1/price", { body: { euro: 1 } }), 500, "mapping-unfit");
  });
  assert.deepEqual([bench.backend.started, bench.backend.called], [[], []]);
  assert.deepEqual(
    facts.map(({ code, outcome }) => [code, outcome]),
    facts.map(() => ["mapping-unfit", "none"]),
  );
  const [start, read, price] = facts.map(({ message }) => message);
  assert.match(start ?? "", /the process order-to-cash does not take: \/lines\/0\/quantity must .*; and 3 more\. /);
  assert.match(read ?? "", /warehouse\.getStock does not take: \/limit must be integer\. /);
  assert.match(price ?? "", /warehouse\.setPrice does not take: \/price /);
});

test("a request that its own schema refuses, or that a mapping hands on as it came, is told its own places", async () => {
  await using bench = await openBench({ apis: [api] });
  const facts = await reported(async () => {
    const refused = await bench.ask("POST", "/orders/v1/quick", { body: { id: "o-1", pieces: "two" } });
    assertProblem(refused, 400, "input-invalid");
    assert.equal(refused.json.errors[0].pointer, "/pieces");
    const body = { id: "o-1", customerId: "shop", lines: [] };
    const handedOn = await bench.ask("POST", "/orders/v1/as-it-came", { body });
    assertProblem(handedOn, 400, "input-invalid");
    assert.equal(handedOn.json.errors[0].pointer, "/lines");
  });
  assert.deepEqual(facts, []);
});

test("a request whose mapping failed leaves its Idempotency-Key free", async () => {
  await using bench = await openBench({ apis: [api] });
  const ask = (pieces: number) =>
    bench.ask("POST", "/orders/v1/quick", { body: { id: "o-1", pieces }, headers: { "idempotency-key": '"k"' } });
  assertProblem(await ask(0), 500, "mapping-unfit");
  assert.equal((await ask(1)).status, 202);
});

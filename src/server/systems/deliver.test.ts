import assert from "node:assert/strict";
import test from "node:test";
import { definitionOf, rest, type SystemSettings } from "../../connectors/system.ts";
import type { ContractTypes } from "../../contract/contract.ts";
import { MortiseError } from "../../errors.ts";
import { defineProcess } from "../../process/define.ts";
import { testEngine } from "../test-engine.ts";
import { contractOf } from "../test-project.ts";
import { createDeliver } from "./deliver.ts";

function setUp(settings: Partial<SystemSettings<ContractTypes>> = {}, starts = false) {
  const system = rest(contractOf("shop"), { connection: "http://127.0.0.1:1", ...settings });
  const booking = defineProcess({
    name: "booking",
    input: { kind: "schema", json: { type: "object", properties: { order: { minLength: 2 } } } },
    key: ({ order }: { order: string }) => order,
    run: async () => null,
    ...(starts ? { on: { kind: "event", system: "shop", name: "paid" } as const } : {}),
  });
  const engine = testEngine();
  const definition = definitionOf(system);
  assert.ok(definition !== undefined);
  const deliver = createDeliver(
    { systems: new Map([["shop", definition]]), processes: new Map([["booking", booking]]) },
    engine,
  );
  return { engine, deliver };
}

const event = {
  system: "shop",
  event: "paid",
  payload: { type: "paid", order: "o-1" },
  delivery: "d1",
  origin: "webhook:shop",
};

test("an event that nothing starts on is a signal, keyed by the contract's correlation", async () => {
  const { engine, deliver } = setUp();
  assert.deepEqual(await deliver(event), { result: "kept" });
  assert.deepEqual(await deliver(event), { result: "duplicate" });
  assert.deepEqual(engine.asked[0], [
    "signal",
    { system: "shop", event: "paid", key: "o-1", payload: event.payload, delivery: "d1" },
  ]);
});

test("the system's own key and id come before the protocol's", async () => {
  const { engine, deliver } = setUp({
    events: { paid: { key: (payload: unknown) => `k-${(payload as { order: string }).order}`, id: () => "own" } },
  });
  await deliver(event);
  const [, command] = engine.asked[0] as readonly [string, { key: string; delivery: string }];
  assert.equal(command.key, "k-o-1");
  assert.equal(command.delivery, "own");
});

test("an event that a process says `on` of starts it, once per business key", async () => {
  const { engine, deliver } = setUp({}, true);
  assert.deepEqual(await deliver(event), { result: "started", run: "run-o-1" });
  assert.deepEqual(await deliver({ ...event, delivery: "d2" }), { result: "exists", run: "run-o-1" });
  assert.deepEqual(engine.asked[0], [
    "start",
    { process: "booking", key: "o-1", input: event.payload, origin: "webhook:shop" },
  ]);
});

test("an event that starts several processes and does not fit one of them starts none", async () => {
  const definition = definitionOf(rest(contractOf("shop"), { connection: "http://127.0.0.1:1" }));
  assert.ok(definition !== undefined);
  const process = (name: string, minLength: number, key = ({ order }: { order: string }) => order) =>
    defineProcess({
      name,
      input: { kind: "schema", json: { type: "object", properties: { order: { minLength } } } },
      key,
      run: async () => null,
      on: { kind: "event", system: "shop", name: "paid" },
    });
  const second = [process("second", 9), process("second", 1, () => "")];
  for (const other of second) {
    const engine = testEngine();
    const processes = new Map([["booking", process("booking", 1)] as const, ["second", other] as const]);
    const deliver = createDeliver({ systems: new Map([["shop", definition]]), processes }, engine);
    await assert.rejects(deliver(event), { code: "event-payload" });
    assert.deepEqual(engine.asked, []);
  }
});

test("what does not fit is refused with its places, and leaves nothing", async () => {
  const wrong: readonly (readonly [object, string, RegExp])[] = [
    [{ payload: { type: "paid" } }, "event-payload", /order/],
    [{ payload: { type: "paid", order: "x" } }, "event-payload", /\/order/],
    [{ payload: { type: "paid", order: "o".repeat(201) } }, "event-payload", /its key must be text of 1 to 200/],
    [{ event: "constructor" }, "event-unknown", /no event constructor/],
    [{ system: "no\nsuch" }, "event-unknown", /of that form/],
  ];
  const { engine, deliver } = setUp({}, true);
  for (const [change, code, message] of wrong) {
    await assert.rejects(deliver({ ...event, ...change }), (error: MortiseError) => {
      assert.ok(error instanceof MortiseError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  }
  assert.deepEqual(engine.asked, []);
});

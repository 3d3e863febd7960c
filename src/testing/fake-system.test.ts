import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { bindSystems } from "../connectors/bind.ts";
import { rest } from "../connectors/system.ts";
import { t } from "../contract/shape.ts";
import { openContract } from "../fakes/open.ts";
import type { Json, Operation } from "../operation.ts";
import { env } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { defineProcess } from "../process/define.ts";
import { actsThenLoses, fails, fakeSystem, fault, inOrder, testWorld } from "./index.ts";

const { model } = await openContract(join(import.meta.dirname, "../fakes/fixtures/shelf.yaml"), "shelf");
const shelf = rest({ kind: "contract", model }, { connection: env("SHELF_URL") });
const operation = (name: string) => shelf[name] as unknown as Operation<Json, Json, { notFound: Json }>;
const outbound = createOutbound();
after(() => outbound.close());

function callerOf(connection: string) {
  const settings = {
    name: "shelf",
    connection,
    timeoutMs: 5000,
    concurrency: 4,
    maxResponseBytes: 1 << 20,
    internal: true,
    sensitive: [],
  };
  const definition = { name: "shelf", connector: "rest" as const, contract: model, settings: { connection } };
  const bound = bindSystems({
    definitions: [definition],
    settings: new Map([["shelf", settings]]),
    environment: { outbound, project: "." },
  });
  let calls = 0;
  return (name: string, input: Json) =>
    bound.caller({ system: "shelf", name }, input, {
      key: `k${++calls}`,
      attempt: 1,
      deadline: Date.now() + 5000,
      signal: new AbortController().signal,
    });
}

test("a served fake answers as the test tells it, and the client learns what each answer says", async () => {
  await using fake = await fakeSystem(shelf, { seed: 3 });
  const call = callerOf(fake.url);
  const item = { id: 4, name: "rope", price: 2 };
  fake.answer(operation("getItem"), item, { times: 1 });
  assert.deepEqual(await call("getItem", { itemId: 1 }), { ok: true, output: item });
  fake.answer(operation("getItem"), fault("notFound", { message: "no" }, "told so"), { times: 1 });
  assert.deepEqual(await call("getItem", { itemId: 1 }), {
    ok: false,
    fault: { name: "notFound", message: "gone", detail: { message: "no" } },
  });
  const learnt = async (): Promise<unknown> => {
    try {
      return await call("getItem", { itemId: 1 });
    } catch (error) {
      const { class: kind, outcome, retryAfterMs } = error as { class: string; outcome: string; retryAfterMs?: number };
      return [kind, outcome, ...(retryAfterMs === undefined ? [] : [retryAfterMs])];
    }
  };
  fake.answer(
    operation("getItem"),
    inOrder(fails.none(), fails.wait("5s"), fails.refused(), fails.unknown(), (input) => ({
      ...item,
      id: (input as { itemId: number }).itemId,
    })),
  );
  assert.deepEqual(await learnt(), ["retry", "none"]);
  assert.deepEqual(await learnt(), ["wait", "none", 5000]);
  assert.deepEqual(await learnt(), ["give-up", "none"]);
  assert.deepEqual(await learnt(), ["retry", "unknown"]);
  assert.deepEqual(await learnt(), { ok: true, output: { ...item, id: 1 } });
  fake.answer(operation("getItem"), actsThenLoses(item), { times: 1 });
  assert.deepEqual(await learnt(), ["retry", "unknown"]);
  assert.equal(fake.requests.filter((request) => request.operation === "getItem").length, 8);
  fake.reset();
  fake.rule("getItem=503*1");
  assert.deepEqual(await learnt(), ["retry", "unknown"]);
  const read = await call("getItem", { itemId: 8 });
  assert.equal(read.ok && (read.output as { id: number }).id, 8);
  assert.throws(() => fake.answer(operation("getItem"), { id: "four" } as never), /does not fit the contract/);
  assert.deepEqual(
    Object.keys((await fake.emit({ kind: "event", system: "shelf", name: "restocked" })).payloads[0] as object),
    ["item"],
  );
});

test("in a world, a system is faked from its contract, and what the test says itself comes first", async () => {
  const process = defineProcess({
    name: "restock",
    input: t.object({ name: t.string() }),
    output: t.object({ id: t.integer(), name: t.string(), price: t.number(), gone: t.boolean() }),
    key: ({ name }) => name,
    async run(flow, { name }) {
      const made = (await flow.call(operation("createItem"), { name, price: 7 })) as { id: number };
      const read = (await flow.call(operation("getItem"), { itemId: made.id })) as { id: number; name: string };
      await flow.call(operation("deleteItem"), { itemId: made.id });
      const after = await flow.attempt(operation("getItem"), { itemId: made.id });
      const changed = (await flow.call(operation("changeItem"), { itemId: 1 })) as { price: number };
      return { id: read.id, name: read.name, price: changed.price, gone: !after.ok };
    },
  });
  const world = testWorld({ processes: [process] });
  world.fake(operation("changeItem"), { id: 1, name: "told", price: 99 });
  world.fakeSystem(shelf, { unknown: "missing" });
  const run = await world.start(process, { name: "rope" });
  const { output } = await run.ended();
  assert.deepEqual({ ...output, id: 0 }, { id: 0, name: "rope", price: 99, gone: true });
});

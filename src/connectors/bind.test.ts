import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { failure, MortiseError } from "../errors.ts";
import type { CallContext, CallResult, Json } from "../operation.ts";
import { openPermits, permitTable } from "../outbound/permits.ts";
import { type BindOptions, bindSystems } from "./bind.ts";
import type { ConnectorEnvironment } from "./connector.ts";
import type { ResolvedSettings, SystemDefinition } from "./system.ts";

type Behave = (operation: OperationModel, input: Json, context: CallContext) => Promise<CallResult>;

const contract = {
  format: 1,
  name: "erp",
  operations: { ping: { name: "ping" } },
} as unknown as ContractModel;
const definition = { name: "erp", connector: "rest", contract, settings: {} } as unknown as SystemDefinition;
const settings: ResolvedSettings = {
  name: "erp",
  connection: "http://127.0.0.1:9",
  timeoutMs: 500,
  concurrency: 1,
  maxResponseBytes: 1,
  internal: true,
  sensitive: [],
};

function bind(behave: Behave, more: Partial<BindOptions> = {}, onOpen: () => void = () => {}) {
  let closed = 0;
  const bound = bindSystems({
    definitions: [definition],
    settings: new Map([["erp", settings]]),
    environment: {} as ConnectorEnvironment,
    connectors: new Map([
      [
        "rest",
        {
          protocol: "rest",
          open() {
            onOpen();
            return {
              call: behave,
              health: () => Promise.resolve({ healthy: true as const }),
              close() {
                closed += 1;
                return Promise.resolve();
              },
            };
          },
        },
      ],
    ]),
    ...more,
  });
  return { ...bound, closed: () => closed };
}

function context(more: Partial<CallContext> = {}): CallContext {
  return { key: "k", attempt: 1, deadline: Date.now() + 5_000, signal: new AbortController().signal, ...more };
}

const ping = { system: "erp", name: "ping" };
const done: CallResult = { ok: true, output: null };
const error = (code: string, outcome: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof MortiseError, String(thrown));
  assert.deepEqual([thrown.code, thrown.outcome], [code, outcome]);
  return true;
};

test("opens a client at the first call, once, and closes it", async () => {
  let opened = 0;
  const { caller, close, closed } = bind(
    () => Promise.resolve(done),
    {},
    () => {
      opened += 1;
    },
  );
  assert.equal(opened, 0);
  assert.deepEqual(await Promise.all([caller(ping, null, context()), caller(ping, null, context())]), [done, done]);
  assert.equal(opened, 1);
  await close();
  assert.equal(closed(), 1);
  await assert.rejects(caller(ping, null, context()), error("outbound-closed", "none"));
});

test("an attempt has the shorter of the system's timeout and the step's deadline", async () => {
  const seen: number[] = [];
  const { caller } = bind((_operation, _input, { deadline }) => {
    seen.push(deadline - Date.now());
    return Promise.resolve(done);
  });
  await caller(ping, null, context());
  await caller(ping, null, context({ deadline: Date.now() + 100 }));
  assert.ok(seen[0]! > 300 && seen[0]! <= 500, String(seen[0]));
  assert.ok(seen[1]! <= 100, String(seen[1]));
});

test("calls over the limit wait for a permit, which is given back whatever happens", async () => {
  const table = permitTable(new Map([["erp", 1]]));
  const permits = openPermits(table, 0);
  const gates: PromiseWithResolvers<CallResult>[] = [];
  const { caller } = bind(
    () => {
      const gate = Promise.withResolvers<CallResult>();
      gates.push(gate);
      return gate.promise;
    },
    { permits },
  );
  const first = caller(ping, null, context());
  while (gates.length === 0) await new Promise(setImmediate);
  const second = caller(ping, null, context());
  await assert.rejects(caller(ping, null, context({ deadline: Date.now() + 20 })), error("outbound-busy", "none"));
  assert.equal(gates.length, 1);
  gates[0]!.reject(failure("outbound-connect", { host: "x", reason: "y" }));
  await assert.rejects(first, error("outbound-connect", "none"));
  while (gates.length === 1) await new Promise(setImmediate);
  gates[1]!.resolve(done);
  assert.deepEqual(await second, done);
  assert.equal(permits.get("erp")?.taken(), 0);
});

test("waiting for a permit is not the system's time: who gets one late has its whole timeout, and nothing is sent at the last moment", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 10_000 });
  const gates: PromiseWithResolvers<number>[] = [];
  const patience: number[] = [];
  const permits = {
    id: 1,
    acquire(deadline: number) {
      patience.push(deadline - Date.now());
      const gate = Promise.withResolvers<number>();
      gates.push(gate);
      return gate.promise;
    },
    release() {},
    taken: () => 0,
  };
  const left: number[] = [];
  const { caller } = bind(
    (_operation, _input, { deadline }) => {
      left.push(deadline - Date.now());
      return Promise.resolve(done);
    },
    { permits: new Map([["erp", permits]]) },
  );
  for (const [deadline, waits, has] of [
    [5000, 500, 500],
    [600, 350, 300],
    [200, 100, 100],
  ] as const) {
    const call = caller(ping, null, context({ deadline: Date.now() + deadline }));
    while (gates.length === 0) await new Promise(setImmediate);
    assert.equal(patience.pop(), waits);
    t.mock.timers.tick(Math.min(waits, 300));
    gates.pop()?.resolve(0);
    assert.deepEqual(await call, done);
    assert.equal(left.pop(), has);
  }
});

test("what a connector throws by mistake has an unknown outcome; what breaks before it, none", async () => {
  const broken = bind(() => {
    throw new TypeError("a mistake");
  });
  await assert.rejects(broken.caller(ping, null, context()), error("internal", "unknown"));
  const unopened = bind(
    () => Promise.resolve(done),
    {},
    () => {
      throw new TypeError("a mistake");
    },
  );
  await assert.rejects(unopened.caller(ping, null, context()), error("internal", "none"));
  assert.equal((await unopened.health("erp", new AbortController().signal)).healthy, false);
});

test("an unknown system or operation is refused before anything is opened", async () => {
  const { caller, health } = bind(() => Promise.resolve(done));
  for (const operation of [
    { system: "shop", name: "ping" },
    { system: "erp", name: "pong" },
    { system: "erp", name: "constructor" },
  ])
    await assert.rejects(caller(operation, null, context()), error("system-unbound", "none"));
  const files = bind(() => Promise.resolve(done), { definitions: [{ ...definition, connector: "files" }] });
  await assert.rejects(files.caller(ping, null, context()), error("system-unbound", "none"));
  assert.deepEqual(await health("shop", new AbortController().signal), {
    healthy: false,
    reason: "the system is not bound",
  });
});

test("after rebind calls begin on the new settings; those under way end on their client, which is then closed", async () => {
  const gates: { readonly gate: PromiseWithResolvers<CallResult>; readonly connection: string }[] = [];
  const closed: string[] = [];
  const connector = {
    protocol: "rest",
    open(_: ContractModel, { connection }: ResolvedSettings) {
      return {
        call() {
          const gate = Promise.withResolvers<CallResult>();
          gates.push({ gate, connection });
          return gate.promise;
        },
        health: () => Promise.resolve({ healthy: true as const }),
        close: async () => void closed.push(connection),
      };
    },
  };
  const at = (connection: string) => new Map([["erp", { ...settings, connection }]]);
  const bound = bindSystems({
    definitions: [definition],
    settings: at("old"),
    environment: {} as ConnectorEnvironment,
    connectors: new Map([["rest", connector]]),
  });
  const first = bound.caller(ping, null, context());
  while (gates.length < 1) await new Promise(setImmediate);
  bound.rebind({ definitions: [definition], settings: at("old") });
  assert.deepEqual(closed, [], "what is the same stays");
  bound.rebind({ definitions: [definition], settings: at("new") });
  const second = bound.caller(ping, null, context());
  while (gates.length < 2) await new Promise(setImmediate);
  assert.deepEqual(
    gates.map(({ connection }) => connection),
    ["old", "new"],
  );
  assert.deepEqual(closed, []);
  gates[0]?.gate.resolve(done);
  assert.deepEqual(await first, done);
  await new Promise(setImmediate);
  assert.deepEqual(closed, ["old"]);
  bound.rebind({ definitions: [], settings: new Map() });
  await assert.rejects(bound.caller(ping, null, context()), error("system-unbound", "none"));
  gates[1]?.gate.resolve(done);
  assert.deepEqual(await second, done);
  await bound.close();
  assert.deepEqual(closed, ["old", "new"]);
});

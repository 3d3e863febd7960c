import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contract, ContractTypes } from "../contract/contract.ts";
import type { ContractModel } from "../contract/model.ts";
import { env, type Operation } from "../operation.ts";
import { definitionOf, rest, type SystemSettings } from "./system.ts";

const model = {
  name: "warehouse",
  operations: {
    reserve: {
      name: "reserve",
      effect: "unrepeatable",
      key: { in: "header", name: "Idempotency-Key", lifetimeMs: 60_000 },
      output: { type: "object", properties: { hold: { type: "string" } }, required: ["hold"] },
      faults: {},
      input: true,
    },
    findHold: {
      name: "findHold",
      effect: "read",
      faults: { unauthorized: { detail: true }, unknownHold: { detail: true }, otherFault: { detail: true } },
      binding: {
        protocol: "rest",
        faults: [
          { status: "403", fault: "unauthorized" },
          { status: "404", fault: "unknownHold" },
          { status: "default", fault: "otherFault" },
        ],
      },
    },
    release: { name: "release", effect: "idempotent" },
    charge: {
      name: "charge",
      effect: "unrepeatable",
      faults: {},
      binding: {
        protocol: "rest",
        faults: [],
        parameters: [{ in: "header", name: "X-Request-Id", property: "xRequestId" }],
      },
    },
  },
  events: { shipped: { name: "shipped" } },
  schemas: {},
} as unknown as ContractModel;
const contract: Contract = { kind: "contract", model };
const make = (settings: Partial<SystemSettings<ContractTypes>>) =>
  rest(contract, { connection: "http://127.0.0.1:1", ...settings }) as unknown as Record<string, unknown>;

test("an operation carries the contract's effect and key lifetime, or those of the settings", () => {
  assert.deepEqual(make({}).reserve, {
    kind: "operation",
    system: "warehouse",
    name: "reserve",
    effect: "unrepeatable",
    keyLifetimeMs: 60_000,
  });
  const own = make({ effects: { reserve: { effect: "idempotent", keyLifetime: "2h" } } });
  assert.equal((own.reserve as { effect: string }).effect, "idempotent");
  assert.equal((own.reserve as { keyLifetimeMs: number }).keyLifetimeMs, 7_200_000);
  assert.equal(definitionOf(own)?.name, "warehouse");
  // It changes something, and its contract has no place for a key.
  assert.equal((make({}).release as { keyless?: true }).keyless, true);
  assert.equal((make({}).findHold as { keyless?: true }).keyless, undefined);
});

test("a setting that could not work is refused where it is written, by its name", () => {
  const probe = (call: string) => ({ reserve: { effect: "unrepeatable" as const, probe: { call, with: () => ({}) } } });
  const cases: readonly (readonly [Partial<SystemSettings<ContractTypes>>, RegExp])[] = [
    [{ timeout: "soon" as "1s" }, /^the system warehouse: timeout must be a duration/],
    [{ concurrency: 0 }, /concurrency must be a whole number/],
    [{ retry: { on: { unknown: { attempts: 0.5 } } } }, /retry\.on\.unknown\.attempts must be a whole number from 1/],
    [{ retryBudget: { share: 20 } }, /retryBudget\.share must be a number from 0 to 1/],
    [{ circuit: { pause: "soon" as "1s" } }, /circuit\.pause must be a duration/],
    [{ effects: { missing: { effect: "read" } } }, /effects\.missing names no operation/],
    [
      { effects: { reserve: { effect: "unrepeatble" as "read" } } },
      /effects\.reserve\.effect is "read", "idempotent" or/,
    ],
    [{ effects: probe("nothing") }, /probe\.call names no operation of its contract: nothing/],
    [{ effects: probe("release") }, /probe\.call must be a read, and release is idempotent/],
    [
      { effects: { findHold: { effect: "read", notFound: ["gone"] } } },
      /effects\.findHold\.notFound names no declared fault: gone/,
    ],
    [{ sensitive: ["reserve.card"] }, /sensitive holds "reserve\.card"/],
    [{ sensitive: ["reserved.input.card"] }, /sensitive holds "reserved/],
  ];
  for (const [settings, message] of cases) assert.throws(() => make(settings), { name: "TypeError", message });
  make({
    effects: probe("findHold"),
    sensitive: ["reserve.input.card", "reserve.*.note", "shipped.name", "*.input.pin"],
  });
});

test("a probe knows from the contract which faults mean that nothing is there, and what a find must look like", () => {
  const probeOf = (notFound?: readonly string[]) => {
    const own = notFound === undefined ? {} : { findHold: { effect: "read" as const, notFound } };
    const probe = { call: "findHold", with: () => ({}) };
    return (make({ effects: { reserve: { effect: "unrepeatable", probe }, ...own } }).reserve as Operation).probe;
  };
  assert.deepEqual(probeOf()?.notFound, ["unknownHold"], "not that the caller may not look, nor any other fault");
  assert.deepEqual(probeOf(["otherFault"])?.notFound, ["otherFault"]);
  assert.deepEqual((make({}).findHold as Operation).notFound, ["unknownHold"]);
  assert.deepEqual(probeOf()?.problems?.({ hold: "H-1" }), []);
  assert.match(probeOf()?.problems?.({ items: [] })[0]?.message ?? "", /hold/);
});

test("a key that a contract does not name is sent in the header that the settings name", () => {
  const made = make({
    effects: { charge: { effect: "idempotent", keyHeader: "Idempotency-Key", keyLifetime: "24h" } },
  });
  assert.deepEqual(made.charge, {
    kind: "operation",
    system: "warehouse",
    name: "charge",
    effect: "idempotent",
    keyLifetimeMs: 86_400_000,
  });
  assert.deepEqual(definitionOf(made)?.contract.operations.charge?.key, { in: "header", name: "Idempotency-Key" });
  // The contract itself, and operations that the settings do not speak of, stay as they are.
  assert.equal(model.operations.charge?.key, undefined);
  assert.equal(definitionOf(made)?.contract.operations.reserve, model.operations.reserve);
  assert.equal((make({ effects: { charge: { effect: "idempotent" } } }).charge as { keyless?: true }).keyless, true);
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["charge", "Idempotency Key", /effects\.charge\.keyHeader must be the name of a header/],
    ["charge", "Authorization", /can't be Authorization, which has a meaning of its own/],
    ["charge", "x-request-id", /names a parameter of its contract/],
    ["reserve", "X-Key", /is for systems that speak REST/],
  ];
  for (const [name, keyHeader, said] of refused)
    assert.throws(() => make({ effects: { [name]: { effect: "idempotent", keyHeader } } }), {
      name: "TypeError",
      message: said,
    });
  const credentials = { kind: "header", name: "x-api-key", value: env("KEY") } as const;
  const taken = { charge: { effect: "idempotent" as const, keyHeader: "X-Api-Key" } };
  assert.throws(() => make({ credentials, effects: taken }), /can't be X-Api-Key, which carries the credentials/);
});

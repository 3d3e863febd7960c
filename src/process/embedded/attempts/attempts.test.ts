/** One step's attempts alone, with every event in hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallResult } from "../../../operation.ts";
import { failing } from "../engine-harness.ts";
import { Performance } from "./attempts.ts";
import { newPast } from "./past.ts";
import { policyOf } from "./policy.ts";

/** An unrepeatable call whose attempts all fail as said; what it tells is collected. */
function perform(outcome: "none" | "unknown") {
  const told: string[] = [];
  const later: (() => void)[] = [];
  let attempts = 0;
  const performance = new Performance(
    {
      what: "mail.send",
      run: "r",
      key: "r-1",
      effect: "unrepeatable",
      past: newPast(0),
      keyLifetimeMs: undefined,
      timeoutMs: 1000,
      policy: () => policyOf(),
      undone: false,
      breakable: false,
      attempt: async (): Promise<CallResult> => {
        attempts += 1;
        throw failing(outcome);
      },
      probe: undefined,
      text: () => "",
      settleMs: 0,
      gate: undefined,
      resumed: false,
    },
    {
      settled: () => told.push("settled"),
      failed: () => told.push("failed"),
      held: () => told.push("held"),
      again: () => told.push("again"),
      unbegun: () => told.push("unbegun"),
      parked: () => told.push("parked"),
    },
    {
      now: () => 0,
      chance: () => 0.5,
      later: (_, act) => {
        later.push(act);
        return () => {};
      },
      signal: new AbortController().signal,
      around: undefined,
      attempted: () => {},
    },
  );
  return { performance, told, later, attempts: () => attempts };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a stop after a repeat was recorded and before it began says that it never began", async () => {
  const { performance, told, later, attempts } = perform("none");
  performance.begin();
  await turn();
  assert.deepEqual(told, ["failed"]);
  later.at(-1)?.();
  assert.deepEqual(told, ["failed", "again"]);
  let stopped = false;
  performance.stop(() => {
    stopped = true;
  });
  assert.ok(stopped);
  assert.deepEqual(told, ["failed", "again", "unbegun"]);
  assert.equal(attempts(), 1);
});

test("an attempt of unknown outcome of what must not be repeated parks, and a stop says nothing more", async () => {
  const { performance, told } = perform("unknown");
  performance.begin();
  await turn();
  assert.deepEqual(told, ["failed", "parked"]);
  performance.stop(() => {});
  assert.deepEqual(told, ["failed", "parked"]);
});

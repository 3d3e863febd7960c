import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect, StoredFailure } from "../../operation.ts";
import { decide, effectiveEffect, pause, policyOf } from "./policy.ts";

const policy = policyOf({ attempts: 3, backoff: "100ms", maxBackoff: "1s" });
const failed = (
  outcome: StoredFailure["outcome"],
  class_: StoredFailure["class"] = "retry",
  retryAfterMs?: number,
) => ({
  code: "x",
  message: "",
  class: class_,
  outcome,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const decided = (
  effect: Effect,
  failure: ReturnType<typeof failed>,
  more: { attempts?: number; hasProbe?: boolean } = {},
) => {
  const decision = decide(policy, {
    effect,
    failure,
    attempts: more.attempts ?? 1,
    hasProbe: more.hasProbe ?? false,
    chance: 0.5,
  });
  return decision.kind === "park" ? decision.code : decision.kind;
};

test("what surely did not happen is tried again, whatever its effect", () => {
  for (const effect of ["read", "idempotent", "unrepeatable"] as const)
    assert.equal(decided(effect, failed("none")), "again");
});

test("what may have happened is repeated only where a repeat is harmless", () => {
  assert.equal(decided("read", failed("unknown")), "again");
  assert.equal(decided("idempotent", failed("unknown")), "again");
  assert.equal(decided("unrepeatable", failed("unknown")), "step-unknown");
  assert.equal(decided("unrepeatable", failed("unknown"), { hasProbe: true }), "probe");
});

test("an answer that can't be used is probed if it was unrepeatable, else it parks", () => {
  assert.equal(decided("unrepeatable", failed("unknown", "ask"), { hasProbe: true }), "probe");
  assert.equal(decided("idempotent", failed("unknown", "ask")), "step-gave-up");
});

test("what a repeat does not mend parks at once", () => {
  assert.equal(decided("idempotent", failed("none", "give-up")), "step-gave-up");
  assert.equal(decided("unrepeatable", failed("none", "give-up")), "step-gave-up");
});

test("the attempts are counted, and waiting at the other side's word is none", () => {
  assert.equal(decided("idempotent", failed("unknown"), { attempts: 2 }), "again");
  assert.equal(decided("idempotent", failed("unknown"), { attempts: 3 }), "step-attempts");
  const waiting = decide(policy, {
    effect: "read",
    failure: failed("none", "wait", 5000),
    attempts: 3,
    hasProbe: false,
    chance: 0,
  });
  assert.deepEqual(waiting, { kind: "again", afterMs: 5000 });
});

test("pauses double up to the longest, with jitter, and are never nothing", () => {
  assert.equal(pause(policy, 1, 1), 100);
  assert.equal(pause(policy, 2, 1), 200);
  assert.equal(pause(policy, 9, 1), 1000);
  assert.equal(pause(policy, 1, 0), 10);
});

test("a key that the system has forgotten counts as none", () => {
  assert.equal(effectiveEffect("idempotent", 1000, 1000), "idempotent");
  assert.equal(effectiveEffect("idempotent", 1000, 1001), "unrepeatable");
  assert.equal(effectiveEffect("idempotent", undefined, 1e12), "idempotent");
  assert.equal(effectiveEffect("read", 1, 2), "read");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Effect, StoredFailure } from "../../../operation.ts";
import { checkRetry, type RetryPolicy } from "../../../retry.ts";
import { type Counts, decide, effectiveEffect, kindOf, pause, policyOf } from "./policy.ts";

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
const counted = (counts: Partial<Counts>): Counts => ({ none: 0, unknown: 0, wait: 0, "give-up": 0, ...counts });
const decided = (
  effect: Effect,
  failure: ReturnType<typeof failed>,
  more: { attempts?: number; hasProbe?: boolean; policy?: ReturnType<typeof policyOf>; ageMs?: number } = {},
) => {
  const decision = decide(more.policy ?? policy, {
    effect,
    failure,
    counts: counted({ [kindOf(failure)]: more.attempts ?? 1 }),
    ageMs: more.ageMs ?? 0,
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
  assert.equal(decided("read", failed("none", "wait", 5000), { attempts: 100 }), "again");
});

test("a pause that the system asked for is never cut short, and not all come back at its end", () => {
  const after = (chance: number, failure = failed("none", "wait", 5000)) => {
    const facts = { effect: "read", failure, counts: counted({}), ageMs: 0, hasProbe: false, chance } as const;
    const decision = decide(policyOf(undefined), facts);
    return decision.kind === "again" ? decision.afterMs : undefined;
  };
  assert.equal(after(0), 5000);
  assert.equal(after(1), 6250);
  assert.equal(after(1, failed("none", "wait", 3_600_000)), 3_630_000);
  assert.equal(after(0, failed("unknown", "retry", 3000)), 3000);
});

test("what stands nearer counts, field by field, and in one place what is said for the kind", () => {
  const step = { attempts: 2, on: { unknown: { attempts: 7 } } };
  const system = { attempts: 4, backoff: "1s", on: { none: { backoff: "3s" }, "give-up": { attempts: 5 } } } as const;
  const far = { attempts: 6, backoff: "2s", within: "1h", on: { wait: { attempts: 9 } } } as const;
  const { none, unknown, wait, "give-up": giveUp } = policyOf(step, system, far);
  assert.deepEqual([none.attempts, unknown.attempts, wait.attempts, giveUp.attempts], [2, 7, 9, 5], "attempts");
  assert.deepEqual([none.own, unknown.own], [false, true], "who counts on its own");
  assert.deepEqual([none.backoffMs, unknown.backoffMs, giveUp.backoffMs], [3000, 1000, 1000], "backoff");
  assert.deepEqual([none.withinMs, none.maxBackoffMs], [3_600_000, 30_000], "from the process, and the default");
  const plain = policyOf(undefined, undefined);
  assert.deepEqual(
    [plain.none.attempts, plain.wait.attempts, plain["give-up"].attempts],
    [10, Number.POSITIVE_INFINITY, 1],
  );
});

test("kinds with limits of their own are counted on their own", () => {
  const own = policyOf({ attempts: 3, on: { unknown: { attempts: 5 }, "give-up": { attempts: 2 } } });
  const counts = counted({ none: 2, unknown: 4, "give-up": 1 });
  const facts = { effect: "read", counts, ageMs: 0, hasProbe: false, chance: 0.5 } as const;
  assert.equal(decide(own, { ...facts, failure: failed("unknown") }).kind, "again");
  assert.equal(decide(own, { ...facts, failure: failed("none") }).kind, "again");
  assert.equal(decide(own, { ...facts, failure: failed("none", "give-up") }).kind, "again");
  const more = counted({ none: 3, unknown: 5, "give-up": 2 });
  for (const failure of [failed("unknown"), failed("none"), failed("none", "give-up")])
    assert.equal(decide(own, { ...facts, counts: more, failure }).kind, "park");
});

test("the time that is given ends with a last attempt, and then parks", () => {
  const timed = policyOf({ backoff: "1h", maxBackoff: "1h", within: "10s" });
  const facts = { effect: "read", counts: counted({ none: 1 }), hasProbe: false, chance: 0.5 } as const;
  assert.deepEqual(decide(timed, { ...facts, ageMs: 4000, failure: failed("none") }), { kind: "again", afterMs: 6000 });
  assert.equal(decided("read", failed("none"), { policy: timed, ageMs: 10_000 }), "step-attempts");
  // The system asks for more time than there is.
  assert.equal(decided("read", failed("none", "wait", 11_000), { policy: timed }), "step-attempts");
});

test("a field of a retry policy that does not fit is named", () => {
  const wrong = (policy: unknown, message: string) =>
    assert.throws(() => checkRetry(policy as RetryPolicy, "p: retry"), { name: "TypeError", message });
  wrong({ attempts: 0 }, "p: retry.attempts must be a whole number from 1");
  wrong({ within: "soon" }, 'p: retry.within must be a duration such as "200ms" or "30s"');
  wrong({ tries: 3 }, "p: retry.tries is no field of a retry policy");
  wrong({ on: { timeout: {} } }, "p: retry.on.timeout is no kind of failure; there are none, unknown, wait, give-up");
  wrong(
    { on: { unknown: { backoff: -1 } } },
    'p: retry.on.unknown.backoff must be a duration such as "200ms" or "30s"',
  );
  wrong([], "p: retry must be an object");
  checkRetry({ attempts: 3, backoff: 0, on: { wait: { within: "1d" }, "give-up": { attempts: 2 } } }, "p: retry");
});

test("pauses double up to the longest, with jitter, and are never nothing", () => {
  assert.equal(pause(policy.none, 1, 1), 100);
  assert.equal(pause(policy.none, 2, 1), 200);
  assert.equal(pause(policy.none, 9, 1), 1000);
  assert.equal(pause(policy.none, 1, 0), 10);
});

test("a key that the system has forgotten counts as none", () => {
  assert.equal(effectiveEffect("idempotent", 1000, 1000), "idempotent");
  assert.equal(effectiveEffect("idempotent", 1000, 1001), "unrepeatable");
  assert.equal(effectiveEffect("idempotent", 1000, -1), "unrepeatable", "the clock was set back");
  assert.equal(effectiveEffect("idempotent", undefined, 1e12), "idempotent");
  assert.equal(effectiveEffect("read", 1, 2), "read");
});

/**
 * What to do after a failed attempt (P3). A pure function of what is known: effect, class, outcome, attempts, probe.
 *
 *  | outcome | effect                  | then                                                        |
 *  |---------|-------------------------|-------------------------------------------------------------|
 *  | none    | any                     | `retry`, `wait`: again; `give-up`, `ask`: park              |
 *  | unknown | read, idempotent        | `retry`, `wait`: again under the same key; else park        |
 *  | unknown | unrepeatable            | the probe decides after its settle time; no probe: park     |
 */
import type { Effect, StoredFailure } from "../../operation.ts";
import { milliseconds } from "../../operation.ts";
import type { RetryPolicy } from "../define.ts";

export interface Policy {
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

export function policyOf(given: RetryPolicy | undefined): Policy {
  return Object.freeze({
    attempts: given?.attempts ?? 10,
    backoffMs: milliseconds(given?.backoff ?? "200ms"),
    maxBackoffMs: milliseconds(given?.maxBackoff ?? "30s"),
  });
}

export type Decision =
  | { readonly kind: "again"; readonly afterMs: number }
  | { readonly kind: "probe" }
  | { readonly kind: "park"; readonly code: "step-gave-up" | "step-unknown" | "step-attempts" };

export interface Facts {
  /** As it counts now: an idempotent call whose key has outlived the system's memory of it counts as unrepeatable. */
  readonly effect: Effect;
  readonly failure: StoredFailure & { readonly retryAfterMs?: number };
  /** Attempts so far, this one included; waiting at the other side's word is not one. */
  readonly attempts: number;
  readonly hasProbe: boolean;
  /** 0 to 1, for the jitter. */
  readonly chance: number;
}

export function decide(policy: Policy, facts: Facts): Decision {
  const { failure, effect, attempts } = facts;
  if (failure.outcome === "unknown" && effect === "unrepeatable") {
    return facts.hasProbe ? { kind: "probe" } : { kind: "park", code: "step-unknown" };
  }
  if (failure.class === "give-up" || failure.class === "ask") return { kind: "park", code: "step-gave-up" };
  if (failure.class === "wait" && failure.retryAfterMs !== undefined) {
    return { kind: "again", afterMs: failure.retryAfterMs + facts.chance * policy.backoffMs };
  }
  if (attempts >= policy.attempts) return { kind: "park", code: "step-attempts" };
  return { kind: "again", afterMs: pause(policy, attempts, facts.chance) };
}

/** Exponential with full jitter, at least a tenth: 1 of many runs that failed together does not come back with the others. */
export function pause(policy: Policy, attempts: number, chance: number): number {
  const top = Math.min(policy.backoffMs * 2 ** (attempts - 1), policy.maxBackoffMs);
  return Math.max(top / 10, top * chance);
}

/** Whether the system still honours a key of this age (P3). */
export function effectiveEffect(effect: Effect, keyLifetimeMs: number | undefined, ageMs: number): Effect {
  return effect === "idempotent" && keyLifetimeMs !== undefined && ageMs > keyLifetimeMs ? "unrepeatable" : effect;
}

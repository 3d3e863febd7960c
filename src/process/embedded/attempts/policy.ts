/**
 * What to do after a failed attempt (P3). A pure function of what is known: effect, class, outcome, attempts, time, probe.
 *
 *  | outcome | effect                  | then                                                        |
 *  |---------|-------------------------|-------------------------------------------------------------|
 *  | none    | any                     | `retry`, `wait`: again; `give-up`, `ask`: park              |
 *  | unknown | read, idempotent        | `retry`, `wait`: again under the same key; else park        |
 *  | unknown | unrepeatable            | the probe decides after its settle time; no probe: park     |
 *
 * A policy may allow repeats of `give-up` too. `ask` is never repeated.
 */
import type { Effect, StoredFailure } from "../../../operation.ts";
import { milliseconds } from "../../../operation.ts";
import { type FailureKind, failureKinds, type RetryPolicy, type RetryRules } from "../../../retry.ts";

/** The limits that hold for one kind of failure. */
export interface Rules {
  readonly attempts: number;
  /** `attempts` counts the failures of this kind; else it counts those of all kinds without limits of their own. */
  readonly own: boolean;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  readonly withinMs: number;
}
export type Policy = { readonly [K in FailureKind]: Rules };

const defaults = { attempts: 10, backoff: "200ms", maxBackoff: "30s" } as const;

/**
 * Nearest first: step, system, process. Field by field, what stands nearer counts; in one place, what is said for the kind counts
 * before what is said in general. Attempts in general are said of failures that are repeated without being asked to: not of `wait`,
 * nor of `give-up`.
 */
export function policyOf(...given: readonly (RetryPolicy | undefined)[]): Policy {
  const rules = (kind: FailureKind): Rules => {
    const counted = kind === "none" || kind === "unknown";
    const ofKind = (field: keyof RetryRules) => given.find((one) => one?.on?.[kind]?.[field] !== undefined);
    const nearest = <F extends keyof RetryRules>(field: F): RetryRules[F] => {
      const one = given.find((each) => each?.on?.[kind]?.[field] !== undefined || each?.[field] !== undefined);
      return one?.on?.[kind]?.[field] ?? one?.[field];
    };
    const general = given.find((one) => one?.on?.[kind]?.attempts !== undefined || one?.attempts !== undefined);
    const own = counted ? general?.on?.[kind]?.attempts : ofKind("attempts")?.on?.[kind]?.attempts;
    const unsaid = kind === "wait" ? Number.POSITIVE_INFINITY : 1;
    const within = nearest("within");
    return Object.freeze({
      attempts: own ?? (counted ? (general?.attempts ?? defaults.attempts) : unsaid),
      own: own !== undefined || !counted,
      backoffMs: milliseconds(nearest("backoff") ?? defaults.backoff),
      maxBackoffMs: milliseconds(nearest("maxBackoff") ?? defaults.maxBackoff),
      withinMs: within === undefined ? Number.POSITIVE_INFINITY : milliseconds(within),
    });
  };
  return Object.freeze(Object.fromEntries(failureKinds.map((kind) => [kind, rules(kind)]))) as Policy;
}

/** A failure with the pause that the system asked for. */
export type Failed = StoredFailure & { readonly retryAfterMs?: number };

export function kindOf(failed: Failed): FailureKind {
  // Without a time it said nothing.
  if (failed.class === "wait" && failed.retryAfterMs !== undefined) return "wait";
  return failed.class === "give-up" ? "give-up" : failed.outcome;
}

/** Failures by kind, in the present row of attempts. */
export type Counts = { [K in FailureKind]: number };

/** How many failures count against the limit for `kind`. */
export function countFor(policy: Policy, kind: FailureKind, counts: Readonly<Counts>): number {
  if (policy[kind].own) return counts[kind];
  let count = 0;
  for (const one of failureKinds) if (!policy[one].own) count += counts[one];
  return count;
}

export type Decision =
  | { readonly kind: "again"; readonly afterMs: number }
  | { readonly kind: "probe" }
  | { readonly kind: "park"; readonly code: "step-gave-up" | "step-unknown" | "step-attempts" };

export interface Facts {
  /** As it counts now: an idempotent call whose key has outlived the system's memory of it counts as unrepeatable. */
  readonly effect: Effect;
  readonly failure: Failed;
  /** This failure included. */
  readonly counts: Readonly<Counts>;
  /** Milliseconds since this row of attempts began. */
  readonly ageMs: number;
  readonly hasProbe: boolean;
  /** 0 to 1, for the jitter. */
  readonly chance: number;
}

export function decide(policy: Policy, facts: Facts): Decision {
  const { failure, effect, ageMs, chance } = facts;
  if (failure.outcome === "unknown" && effect === "unrepeatable") {
    return facts.hasProbe ? { kind: "probe" } : { kind: "park", code: "step-unknown" };
  }
  const kind = kindOf(failure);
  const rules = policy[kind];
  const code = kind === "give-up" ? "step-gave-up" : "step-attempts";
  if (failure.class === "ask") return { kind: "park", code: "step-gave-up" };
  const count = countFor(policy, kind, facts.counts);
  const leftMs = rules.withinMs - ageMs;
  if (count >= rules.attempts || leftMs <= 0) return { kind: "park", code };
  const { retryAfterMs } = failure;
  if (retryAfterMs === undefined) {
    // The last attempt of the time that is given comes at its end.
    return { kind: "again", afterMs: Math.min(pause(rules, count, chance), leftMs) };
  }
  // Never earlier than said, and not all of those who were told the same at the same moment.
  const spread = Math.min(Math.max(retryAfterMs / 4, rules.backoffMs), rules.maxBackoffMs);
  const least = kind === "wait" ? 0 : pause(rules, count, chance);
  const afterMs = Math.max(retryAfterMs + chance * spread, least);
  return afterMs > leftMs ? { kind: "park", code } : { kind: "again", afterMs };
}

/** Exponential with full jitter, at least a tenth: 1 of many runs that failed together does not come back with the others. */
export function pause(rules: Rules, attempts: number, chance: number): number {
  const top = Math.min(rules.backoffMs * 2 ** (attempts - 1), rules.maxBackoffMs);
  return Math.max(top / 10, top * chance);
}

/** Whether the system still honours a key of this age (P3). A key that is younger than nothing: the clock was set back, and its age is not known. */
export function effectiveEffect(effect: Effect, keyLifetimeMs: number | undefined, ageMs: number): Effect {
  return effect === "idempotent" && keyLifetimeMs !== undefined && (ageMs > keyLifetimeMs || ageMs < 0)
    ? "unrepeatable"
    : effect;
}

/** How failed attempts are repeated, as a user writes it: for a process, for a system, for one step. Plain data. */
import { type Duration, isDuration } from "./operation.ts";

/** The limits of repeating. What is left out comes from farther away: step, then system, then process, then the default. */
export interface RetryRules {
  /** Attempts before the run parks. Default 10. */
  readonly attempts?: number;
  /** Pause after the first failure; it doubles, with full jitter. Default `"200ms"`. */
  readonly backoff?: Duration;
  /** Longest pause. Default `"30s"`. */
  readonly maxBackoff?: Duration;
  /** Time from the first attempt until the run parks, whatever it waited for. Default: as long as the attempts take. */
  readonly within?: Duration;
}

/**
 * A kind of failure. `none`: it surely did not happen (no connection, refused for now). `unknown`: it may have happened (timeout, lost
 * answer, status 500). `wait`: the system said when to come again. `give-up`: refused in a way that a repeat does not mend.
 */
export const failureKinds = ["none", "unknown", "wait", "give-up"] as const;
export type FailureKind = (typeof failureKinds)[number];

/** How the engine repeats a failed attempt. */
export interface RetryPolicy extends RetryRules {
  /**
   * Other limits for one kind of failure. A kind with `attempts` of its own is counted on its own. Without them, `wait` has no
   * limit (waiting at the system's word is no attempt), and `give-up` is not repeated.
   */
  readonly on?: { readonly [K in FailureKind]?: RetryRules };
}

/** How much repeats may add to the load of a system, over all runs. */
export interface RetryBudget {
  /** Repeats per first attempt, from 0 to 1, over the last ten seconds. Default 0.2. */
  readonly share?: number;
  /** Repeats a second that are let through in any case. Default 5. */
  readonly floor?: number;
}

/** When a system counts as away, and how it is looked for. */
export interface CircuitSettings {
  /** Failures in a row, without one answer in between, after which it counts as away. Default 5. */
  readonly failures?: number;
  /** Pause before one call looks whether it is back; it doubles each time that call fails. Default `"2s"`. */
  readonly pause?: Duration;
  /** Longest of these pauses. Default `"30s"`. */
  readonly maxPause?: Duration;
}

/** Throws a `TypeError` that names the field of `policy` that does not fit. `where` comes before the field's name. */
export function checkRetry(policy: RetryPolicy | undefined, where: string): void {
  if (policy === undefined) return;
  const { on, ...rules } = record(policy, where);
  checkRules(rules, where);
  if (on === undefined) return;
  for (const [kind, own] of Object.entries(record(on, `${where}.on`))) {
    if (!(failureKinds as readonly string[]).includes(kind))
      throw new TypeError(`${where}.on.${kind} is no kind of failure; there are ${failureKinds.join(", ")}`);
    if (own !== undefined) checkRules(record(own, `${where}.on.${kind}`), `${where}.on.${kind}`);
  }
}

function checkRules(rules: Readonly<Record<string, unknown>>, where: string): void {
  for (const [name, value] of Object.entries(rules)) {
    if (value === undefined) continue;
    if (name === "attempts") atLeast(value, 1, `${where}.attempts`);
    else if (name === "backoff" || name === "maxBackoff" || name === "within") duration(value, `${where}.${name}`);
    else throw new TypeError(`${where}.${name} is no field of a retry policy`);
  }
}

/** As `checkRetry`. */
export function checkBudget(budget: RetryBudget | undefined, where: string): void {
  if (budget === undefined) return;
  for (const [name, value] of Object.entries(record(budget, where))) {
    if (value === undefined) continue;
    if (name === "floor") atLeast(value, 1, `${where}.floor`);
    else if (name !== "share") throw new TypeError(`${where}.${name} is no field of a retry budget`);
    else if (typeof value !== "number" || !(value >= 0 && value <= 1))
      throw new TypeError(`${where}.share must be a number from 0 to 1`);
  }
}

/** As `checkRetry`; `false` is fine. */
export function checkCircuit(circuit: CircuitSettings | false | undefined, where: string): void {
  if (circuit === undefined || circuit === false) return;
  for (const [name, value] of Object.entries(record(circuit, where))) {
    if (value === undefined) continue;
    if (name === "failures") atLeast(value, 1, `${where}.failures`);
    else if (name === "pause" || name === "maxPause") duration(value, `${where}.${name}`);
    else throw new TypeError(`${where}.${name} is no field of a circuit`);
  }
}

function record(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TypeError(`${where} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

function atLeast(value: unknown, least: number, where: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new TypeError(`${where} must be a whole number from ${least}`);
}

function duration(value: unknown, where: string): void {
  if (!isDuration(value)) throw new TypeError(`${where} must be a duration such as "200ms" or "30s"`);
}

/**
 * What stands before a system: it lets attempts through, paces repeats, and holds everything while the system is away. The server
 * gives one to the worker for each system; without one nothing is held.
 */
import type { StoredFailure } from "../../../operation.ts";

export interface Gate {
  /** Whether an attempt may begin now, which is then counted. `again`: an earlier attempt of the same step failed. */
  pass(again: boolean): boolean;
  /** An attempt that may not begin yet; what is returned takes it out. */
  hold(waiter: Waiter): () => void;
  /** An attempt was answered, with whatever: the system is there. `looking`: it was the one that looked for it. */
  answered(looking: boolean): void;
  /** It failed in a way that speaks of the system. */
  failed(failure: SystemFailure, looking: boolean): void;
  /** It says nothing of the system, or was not made after all. */
  silent(looking: boolean): void;
}

export interface Waiter {
  /** An earlier attempt of the same step failed. */
  readonly again: boolean;
  /** A repeat does no harm: it is the better one to look whether the system is back. */
  readonly harmless: boolean;
  /** Failed attempts of the step. */
  readonly attempts: number;
  /** It may begin. `looking`: the system is away, and this attempt looks whether it is back. */
  go(looking: boolean): void;
  /** It waits because the system is away, which is looked for at `at` (epoch milliseconds) and then again. Told once per time away. */
  away(at: number): void;
}

export interface SystemFailure {
  /** Whose attempt failed: failures of one step may be its own fault. */
  readonly key: string;
  readonly outcome: StoredFailure["outcome"];
  readonly message: string;
  /** The pause that the system asked for. */
  readonly retryAfterMs: number | undefined;
}

type Told = { readonly retryAfterMs?: number | undefined };

/** Failures that speak of Mortise or of the step, and not of the system. */
const ownFailures: ReadonlySet<string> = new Set([
  "outbound-aborted",
  "outbound-busy",
  "outbound-closed",
  "step-lost",
  "step-timeout",
  "step-threw",
  "internal",
]);

/** It was sent, took too long, and was taken back whole: that may be the fault of what was asked, though it surely did nothing. */
const takenBack: ReadonlySet<string> = new Set(["sql-timeout"]);

/** What a gate is told of an attempt that speaks of the system. */
export function failureTold(
  key: string,
  { code, outcome, message, retryAfterMs }: Pick<StoredFailure, "code" | "outcome" | "message"> & Told,
): SystemFailure {
  return { key, outcome: takenBack.has(code) ? "unknown" : outcome, message, retryAfterMs };
}

/**
 * What a failed attempt says of the system. `failed`: no connection, a timeout, a status such as 503. `answered`: it refused, or answered
 * with what can't be used; it is there. `silent`: nothing, since the fault is ours.
 */
export function wordOf({ class: class_, code }: StoredFailure): "failed" | "answered" | "silent" {
  if (ownFailures.has(code)) return "silent";
  if (code.startsWith("probe-")) return "answered";
  if (class_ === "retry" || class_ === "wait") return "failed";
  return /^(rest|soap|sql)-|^contract-output$/.test(code) ? "answered" : "silent";
}

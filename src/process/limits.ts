/**
 * Limits in front of a process: how many of its runs are under way at a time, how fast they begin, and how many may wait for that.
 * Plain data, but for the key's function; what is above a limit waits on disk as `queued`.
 */
import { failure } from "../errors.ts";
import { type Duration, isDuration, type Json, longestKey, milliseconds } from "../operation.ts";

/** At most so many starts in a time, evenly refilled (GCRA). */
export interface StartRate {
  /** Whole number from 1. */
  readonly starts: number;
  readonly every: Duration;
  /** So many may begin at once after a quiet time. Default: `starts`. */
  readonly burst?: number;
}

/** Whether a parked or paused run keeps its place, so that it counts as under way. */
export type WhenParked = "keeps" | "frees";

export interface ProcessLimits<I = unknown> {
  /** Runs under way at a time: begun and not ended, also while they wait or undo. Default: no limit. */
  readonly concurrency?: number;
  readonly rate?: StartRate;
  /** Of a run that counts for `concurrency`. Default `"frees"`: runs that need a person don't stop the others. */
  readonly whenParked?: WhenParked;
  /** Limits of each key by itself, such as each customer. Keys take turns, so that none has to wait for another's many runs. */
  readonly per?: KeyLimits<I>;
  /** Runs that may wait for their turn. A start above is refused with `start-queue-full` (429). Default 100000. */
  readonly queue?: number;
}

export interface KeyLimits<I = unknown> {
  /** Pure; 1 to 200 characters. Computed when the start is accepted. */
  readonly key: (input: I) => string;
  /** Runs of one key under way at a time. 1 means: in the order in which they were accepted, one after the other. Default: no limit. */
  readonly concurrency?: number;
  readonly rate?: StartRate;
  /** Of a run that counts for the key's `concurrency`. Default `"keeps"`: the order of a key holds also while somebody decides. */
  readonly whenParked?: WhenParked;
}

/** Limits as data: what the writer is told. */
export interface LimitData {
  readonly process: string;
  readonly concurrency?: number;
  readonly rate?: RateData;
  readonly keeps: boolean;
  readonly perConcurrency?: number;
  readonly perRate?: RateData;
  readonly perKeeps: boolean;
  readonly queue: number;
}
export interface RateData {
  /** Between two starts. */
  readonly intervalMs: number;
  readonly burst: number;
}

/** Runs that may wait for their turn, if nothing else is said. */
export const defaultQueue = 100_000;
const largest = 1_000_000;

export function limitData(process: string, limits: ProcessLimits<never>): LimitData {
  const { concurrency, rate, per } = limits;
  return {
    process,
    keeps: limits.whenParked === "keeps",
    perKeeps: per?.whenParked !== "frees",
    queue: limits.queue ?? defaultQueue,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rate === undefined ? {} : { rate: rateData(rate) }),
    ...(per?.concurrency === undefined ? {} : { perConcurrency: per.concurrency }),
    ...(per?.rate === undefined ? {} : { perRate: rateData(per.rate) }),
  };
}

/** Of those processes that have limits. */
export function limitsOf(
  processes: Iterable<{ readonly name: string; readonly limits?: ProcessLimits<never> }>,
): ReadonlyMap<string, ProcessLimits<never>> {
  return new Map([...processes].flatMap(({ name, limits }) => (limits === undefined ? [] : [[name, limits]])));
}

function rateData({ starts, every, burst = starts }: StartRate): RateData {
  return { intervalMs: milliseconds(every) / starts, burst };
}

/** The key that a start counts for; `""` where there are no limits per key. Throws `start-limit-key`. */
export function laneOf(process: string, limits: ProcessLimits<never>, input: Json): string {
  if (limits.per === undefined) return "";
  let key: unknown;
  try {
    key = limits.per.key(input as never);
  } catch (cause) {
    throw failure("start-limit-key", { process, reason: "the function threw" }, { cause });
  }
  if (typeof key === "string" && key !== "" && key.length <= longestKey) return key;
  throw failure("start-limit-key", { process, reason: `it must be text of 1 to ${longestKey} characters` });
}

/** What is wrong with limits, as sentences that begin with the place. */
export function limitProblems(limits: ProcessLimits<never>): readonly string[] {
  const problems: string[] = [];
  const known = ["concurrency", "rate", "whenParked", "per", "queue"];
  const knownPer = ["key", "concurrency", "rate", "whenParked"];
  const { per } = limits;
  for (const name of Object.keys(limits)) if (!known.includes(name)) problems.push(`limits.${name} is no limit`);
  const whole = (at: string, value: unknown, least = 1) => {
    const fits = value === undefined || (Number.isInteger(value) && Number(value) >= least && Number(value) <= largest);
    if (!fits) problems.push(`limits.${at} must be a whole number from ${least} to ${largest}`);
  };
  const rate = (at: string, value: StartRate | undefined) => {
    if (value === undefined) return;
    whole(`${at}.starts`, value.starts ?? 0);
    whole(`${at}.burst`, value.burst);
    if (!isDuration(value.every) || milliseconds(value.every) <= 0)
      problems.push(`limits.${at}.every must be a duration such as "1m"`);
  };
  const parked = (at: string, value: unknown) => {
    if (value !== undefined && value !== "keeps" && value !== "frees")
      problems.push(`limits.${at} must be "keeps" or "frees"`);
  };
  whole("concurrency", limits.concurrency);
  whole("queue", limits.queue, 0);
  rate("rate", limits.rate);
  parked("whenParked", limits.whenParked);
  if (per !== undefined) {
    for (const name of Object.keys(per)) if (!knownPer.includes(name)) problems.push(`limits.per.${name} is no limit`);
    if (typeof per.key !== "function") problems.push("limits.per.key must be a function of the input");
    whole("per.concurrency", per.concurrency);
    rate("per.rate", per.rate);
    parked("per.whenParked", per.whenParked);
  }
  return problems;
}

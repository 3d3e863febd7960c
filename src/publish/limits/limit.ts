/**
 * Limits as a user states them: plain data, for an API, for an operation, or in a plan. A rate spreads requests, a quota counts them within
 * a calendar's window, a concurrency bounds how many are under way.
 */
import { type Duration, milliseconds } from "../../operation.ts";

/**
 * Whose requests are counted together. `consumer`: those of one consumer (of a public operation: of one address). `address`: those from one
 * address (IPv6: its /64 network). `all`: everybody's.
 */
export type LimitPer = "consumer" | "address" | "all";

/** What a request counts for. A number from 0 to 1e9; what is not one refuses the request. */
// biome-ignore lint/suspicious/noExplicitAny: the input of whatever operation
export type Cost = (facts: { readonly caller: { readonly id: string }; readonly input: any }) => number;

interface Counted {
  readonly per: LimitPer;
  /** Of an operation's limit only: what a request counts for, by its input. Default 1. */
  readonly cost?: Cost;
}

/** `rate` in `every`, evenly refilled (GCRA), at most `burst` at once. Counts are in memory: a restart forgets them. */
export interface RateLimit extends Counted {
  readonly rate: number;
  readonly every: Duration;
  /** Default: `rate`. */
  readonly burst?: number;
  /**
   * Of an operation that starts a process: instead of a refusal the run is accepted, and begins when its turn comes, if that is within this
   * time. Default: refused.
   */
  readonly queue?: Duration;
}

/** `quota` in each window of the calendar (UTC). Counts are on disk: a crash forgets less than a hundredth of the quota, nothing where it is up to 100. */
export interface QuotaLimit extends Counted {
  readonly quota: number;
  readonly window: QuotaWindow;
}
export type QuotaWindow = "hour" | "day" | "week" | "month";

/** So many requests under way at a time. */
export interface ConcurrencyLimit {
  readonly per: LimitPer;
  readonly concurrency: number;
}

export type Limit = RateLimit | QuotaLimit | ConcurrencyLimit;

/** Limits of a consumer that has this plan; they stand in place of the API's own. */
export interface Plan {
  readonly limits: readonly Limit[];
}

const pers: ReadonlySet<string> = new Set(["consumer", "address", "all"]);
const windows: ReadonlySet<string> = new Set(["hour", "day", "week", "month"]);
/** Above it the numbers of the arithmetic lose their last places. */
const largest = 1e9;

/** What is wrong with a limit, as the end of a sentence; `undefined` if it can be kept. `of`: whose it is. */
export function limitProblem(limit: Limit, of: "api" | "starts" | "other"): string | undefined {
  if (!pers.has(limit.per)) return 'a limit says per: "consumer", "address" or "all"';
  const kinds = ["rate", "quota", "concurrency"].filter((kind) => kind in limit);
  if (kinds.length !== 1) return "a limit has one of rate, quota and concurrency";
  if ("concurrency" in limit)
    return whole(limit.concurrency) ? undefined : "a limit's concurrency is a whole number from 1 to 1e9";
  if (limit.cost !== undefined && of === "api")
    return "a limit with a cost belongs to an operation, since the cost is computed from its input";
  if ("quota" in limit) {
    if (!(limit.quota >= 1) || limit.quota > largest) return "a limit's quota is a number from 1 to 1e9";
    return windows.has(limit.window) ? undefined : 'a quota has a window: "hour", "day", "week" or "month"';
  }
  return rateProblem(limit, of);
}

function rateProblem(limit: RateLimit, of: "api" | "starts" | "other"): string | undefined {
  const { rate, burst = rate, queue } = limit;
  try {
    if (!(milliseconds(limit.every) > 0)) return "a limit needs a time above 0";
    if (queue !== undefined && !(milliseconds(queue) > 0)) return "a limit's queue is a time above 0";
  } catch (error) {
    return `a limit says ${(error as Error).message}`;
  }
  if (!(rate > 0) || rate > largest || !(burst >= 1) || burst > largest)
    return "a limit needs a rate above 0 and a burst of at least 1";
  if (queue !== undefined && of !== "starts")
    return "a limit queues only where a process is started: state it in that operation";
  return undefined;
}

function whole(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= largest;
}

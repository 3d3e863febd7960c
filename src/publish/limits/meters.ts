/**
 * The limits of an operation, for callers of one plan: those of the API or of the plan, and its own. What needs no input is taken before the body is read; what has a cost, and a
 * turn in a queue, when it is sure that something is to be done: the input is valid, the object rule lets it pass, and it is no repeat of what was done.
 *
 * The order is such that what refuses a caller leaves alone what all share: a caller's own limits come before those of all, turns and quotas come last.
 */
import { failure } from "../../errors.ts";
import type { Json } from "../../operation.ts";
import type { HttpResponse } from "../http.ts";
import type { ApiCaller } from "../operations.ts";
import { addressBucket } from "./address.ts";
import { concurrencyLimiter } from "./concurrency.ts";
import type { Cost, Limit, LimitPer } from "./limit.ts";
import type { Limiter } from "./limiter.ts";
import { quotaLimiter } from "./quota.ts";
import type { QuotaBook } from "./quota-book.ts";
import { rateLimiter } from "./rate.ts";

interface Meter {
  readonly limiter: Limiter;
  readonly per: LimitPer;
  readonly cost: Cost | undefined;
}

/** What is taken at one time. */
export interface Phase {
  /** Looked at before anything is taken: quotas, where something that all share would be taken before them. */
  readonly looks: readonly Meter[];
  readonly meters: readonly Meter[];
}

export interface Meters {
  readonly early: Phase;
  readonly late: Phase;
}

/** What was taken for a request so far. */
export interface Account {
  policies: string;
  fields: string;
  /** Milliseconds until the run may begin. */
  delayMs: number;
  readonly releases: (() => void)[];
  /** The answer leaves after these. */
  readonly written: Promise<void>[];
}

export interface Metering {
  /** `api`: its name and base, which stay when its version moves on. */
  metersOf(api: string, general: readonly Limit[], operation: string, own: readonly Limit[]): Meters;
  /** Before the meters of a whole publication are asked for. */
  begin(): void;
  /** They are in force: what was asked for since `begin` keeps its counts, the rest is forgotten. */
  commit(): void;
}

/** `monotonic`: milliseconds that never go back; `clock`: epoch milliseconds. */
export function openMetering(book: QuotaBook, clock: () => number, monotonic: () => number): Metering {
  let kept = new Map<string, Limiter>();
  let next = new Map<string, Limiter>();

  function limiterOf(id: string, limit: Limit, name: string): Limiter {
    const known = next.get(id) ?? kept.get(id) ?? made(id, limit, name);
    next.set(id, known);
    return known;
  }
  function made(id: string, limit: Limit, name: string): Limiter {
    if ("concurrency" in limit) return concurrencyLimiter(limit, name);
    return "quota" in limit ? quotaLimiter(limit, name, id, book, clock) : rateLimiter(limit, name, monotonic);
  }

  /** Named `consumer`, `address`, `all`; `consumer-2` where there are several of a kind. */
  function metersFor(scope: string, prefix: string, limits: readonly Limit[]): readonly Ranked[] {
    const seen = new Map<string, number>();
    return limits.map((limit) => {
      const count = (seen.get(limit.per) ?? 0) + 1;
      seen.set(limit.per, count);
      const name = `${prefix}${limit.per}${count === 1 ? "" : `-${count}`}`;
      // Without its cost, which is a function: what has been counted stays, whatever a request counts for from now on.
      const { cost, ...data } = limit as Limit & { readonly cost?: Cost };
      const limiter = limiterOf(`${scope} ${name} ${JSON.stringify(data)}`, limit, name);
      return { limiter, per: limit.per, cost, rank: rankOf(limit) };
    });
  }

  return {
    metersOf(api, general, operation, own) {
      const all = [...metersFor(api, "", general), ...metersFor(`${api} ${operation}`, `${operation}-`, own)];
      const sorted = all.toSorted((a, b) => a.rank - b.rank);
      const needsInput = ({ cost, rank }: Ranked) => cost !== undefined || rank === ranks.turn;
      // Then quotas wait for it, too: what it refuses does not use them up.
      const first = sorted.some(needsInput)
        ? sorted.filter((one) => !needsInput(one) && one.rank !== ranks.quota)
        : sorted;
      return { early: phaseOf(first), late: phaseOf(sorted.filter((one) => !first.includes(one))) };
    },
    begin() {
      next = new Map();
    },
    commit() {
      kept = next;
    },
  };
}

/** The order in which limits are taken. */
const ranks = { ownPlace: 0, place: 1, ownRate: 2, rate: 3, turn: 4, quota: 5 } as const;
type Ranked = Meter & { readonly rank: number };

function rankOf(limit: Limit): number {
  const isShared = limit.per === "all";
  if ("concurrency" in limit) return isShared ? ranks.place : ranks.ownPlace;
  if ("quota" in limit) return ranks.quota;
  if (limit.queue !== undefined) return ranks.turn;
  return isShared ? ranks.rate : ranks.ownRate;
}

function phaseOf(meters: readonly Ranked[]): Phase {
  const takesShared = meters.some(({ per, rank }) => per === "all" && rank !== ranks.quota);
  return { looks: takesShared ? meters.filter(({ rank }) => rank === ranks.quota) : [], meters };
}

function whoOf(per: LimitPer, { id }: ApiCaller, address: string): string {
  if (per === "all") return "";
  return per === "address" || id === "" ? addressBucket(address) : id;
}

/** Takes from each meter in turn; throws the first refusal. The account says what was asked by then. Gives the milliseconds until the run may begin. */
export function take(
  { looks, meters }: Phase,
  account: Account,
  caller: ApiCaller,
  address: string,
  input: Json | undefined,
): number {
  for (const { limiter, per, cost } of looks) {
    const refused = limiter.look?.(
      whoOf(per, caller, address),
      cost === undefined ? 1 : costOf(cost, limiter.name, caller, input),
    );
    if (refused === undefined) continue;
    account.policies += account.policies === "" ? limiter.policy : `, ${limiter.policy}`;
    account.fields += account.fields === "" ? refused.field : `, ${refused.field}`;
    throw limiter.refusal(refused);
  }
  for (const { limiter, per, cost } of meters) {
    const taken = limiter.take(
      whoOf(per, caller, address),
      cost === undefined ? 1 : costOf(cost, limiter.name, caller, input),
    );
    account.policies += account.policies === "" ? limiter.policy : `, ${limiter.policy}`;
    account.fields += account.fields === "" ? taken.field : `, ${taken.field}`;
    if (taken.kind === "refused") throw limiter.refusal(taken);
    if (taken.kind === "queued") account.delayMs = Math.max(account.delayMs, taken.delayMs);
    else {
      if (taken.release !== undefined) account.releases.push(taken.release);
      if (taken.written !== undefined) account.written.push(taken.written);
    }
  }
  return account.delayMs;
}

const nothing = (): number => 0;

/** Takes from these meters when it is called. Where there are none it is always the same function. */
export function chargeOf(
  late: Phase,
  account: Account | undefined,
  caller: ApiCaller,
  address: string,
  input: Json,
): () => number {
  if (account === undefined || late.meters.length === 0) return nothing;
  return () => take(late, account, caller, address, input);
}

export function openAccount(): Account {
  return { policies: "", fields: "", delayMs: 0, releases: [], written: [] };
}

/** The answer with what was taken for it (RL-2). */
export function accounted(response: HttpResponse, { policies, fields }: Account): HttpResponse {
  return { ...response, headers: { ...response.headers, "ratelimit-policy": policies, ratelimit: fields } };
}

/** A cost that is none is a mistake of the API's author: nothing is let through by it. */
function costOf(cost: Cost, name: string, caller: ApiCaller, input: Json | undefined): number {
  const made: unknown = cost({ caller, input });
  if (typeof made === "number" && made >= 0 && made <= 1e9) return made;
  throw failure("internal", { reason: `the cost of the limit ${name} is ${String(made)}, not a number from 0 to 1e9` });
}

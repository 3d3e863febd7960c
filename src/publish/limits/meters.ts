/**
 * The limits of an operation, for callers of one plan: those of the API or of the plan, and its own. What needs no input is taken before the body is read;
 * what has a cost, once the input was found valid.
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

export interface Meters {
  readonly early: readonly Meter[];
  readonly late: readonly Meter[];
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
  function metersFor(scope: string, prefix: string, limits: readonly Limit[]): readonly (Meter & { rank: number })[] {
    const seen = new Map<string, number>();
    return limits.map((limit) => {
      const count = (seen.get(limit.per) ?? 0) + 1;
      seen.set(limit.per, count);
      const name = `${prefix}${limit.per}${count === 1 ? "" : `-${count}`}`;
      // Without its cost, which is a function: what has been counted stays, whatever a request counts for from now on.
      const { cost, ...data } = limit as Limit & { readonly cost?: Cost };
      const limiter = limiterOf(`${scope} ${name} ${JSON.stringify(data)}`, limit, name);
      return { limiter, per: limit.per, cost, rank: "concurrency" in limit ? 0 : "rate" in limit ? 1 : 2 };
    });
  }

  return {
    metersOf(api, general, operation, own) {
      const all = [...metersFor(api, "", general), ...metersFor(`${api} ${operation}`, `${operation}-`, own)];
      // A quota is taken last: what a rate refuses does not use it up.
      const sorted = all.toSorted((a, b) => a.rank - b.rank);
      return {
        early: sorted.filter(({ cost }) => cost === undefined),
        late: sorted.filter(({ cost }) => cost !== undefined),
      };
    },
    begin() {
      next = new Map();
    },
    commit() {
      kept = next;
    },
  };
}

/** Takes from each meter in turn; throws the first refusal. The account says what was asked by then. */
export function take(
  meters: readonly Meter[],
  account: Account,
  caller: ApiCaller,
  address: string,
  input: Json | undefined,
): void {
  for (const { limiter, per, cost } of meters) {
    const who = per === "all" ? "" : per === "address" || caller.id === "" ? addressBucket(address) : caller.id;
    const taken = limiter.take(who, cost === undefined ? 1 : costOf(cost, limiter.name, caller, input));
    account.policies += account.policies === "" ? limiter.policy : `, ${limiter.policy}`;
    account.fields += account.fields === "" ? taken.field : `, ${taken.field}`;
    if (taken.kind === "refused") throw limiter.refusal(taken);
    if (taken.kind === "queued") account.delayMs = Math.max(account.delayMs, taken.delayMs);
    else {
      if (taken.release !== undefined) account.releases.push(taken.release);
      if (taken.written !== undefined) account.written.push(taken.written);
    }
  }
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

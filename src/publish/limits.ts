/**
 * Rate limits: the generic cell rate algorithm, one number per caller. Counts are in memory; a restart forgets them.
 *
 * Header fields follow draft-ietf-httpapi-ratelimit-headers-11 (a draft; RL-7). `Retry-After` is RFC 9110, section 10.2.3.
 */
import { failure } from "../errors.ts";
import { milliseconds } from "../operation.ts";
import type { Limit } from "./define.ts";
import type { HttpRequest } from "./http.ts";
import type { ApiCaller } from "./operations.ts";
import { ProblemError } from "./problem.ts";

export interface Limiter {
  readonly per: Limit["per"];
  /** `"consumer";q=100;w=1` */
  readonly policy: string;
  /** Takes one request of `who`. */
  take(who: string): Taken;
  /** As `take`, and takes nothing: whether one more would be let through. */
  look(who: string): Taken;
  /** The refusal that belongs to a `Taken` that is not allowed. */
  refusal(taken: Taken): ProblemError;
}

export interface Taken {
  readonly allowed: boolean;
  /** `"consumer";r=99;t=1` */
  readonly field: string;
  readonly retryMs: number;
}

/** Callers that are remembered at most; beyond, those that are idle longest are forgotten, which favours them. */
const mostCallers = 100_000;

/** `monotonic`: milliseconds that never go back. */
export function createLimiter(limit: Limit, name: string, monotonic: () => number): Limiter {
  const everyMs = milliseconds(limit.every);
  const burst = limit.burst ?? limit.rate;
  const gap = everyMs / limit.rate;
  const tolerance = gap * burst;
  const policy = `"${name}";q=${Math.floor(limit.rate)};w=${Math.max(1, Math.ceil(everyMs / 1000))}`;
  /** When the caller's bucket will be full again. Kept in order of last use. */
  const fullAt = new Map<string, number>();
  let sweepAt = 1024;

  function sweep(now: number): void {
    for (const [who, at] of fullAt) if (at <= now || fullAt.size > mostCallers) fullAt.delete(who);
    sweepAt = Math.max(1024, fullAt.size * 2);
  }

  /** The refusal of one more of `who`, if there is one; else when its bucket would be full again. */
  function after(who: string, now: number): Taken | number {
    const before = fullAt.get(who);
    const next = (before === undefined || before < now ? now : before) + gap;
    const wait = next - tolerance - now;
    // A hair of tolerance: `gap` is seldom a whole number of anything.
    if (wait <= 1e-6) return next;
    return { allowed: false, retryMs: wait, field: `"${name}";r=0;t=${Math.max(1, Math.ceil(wait / 1000))}` };
  }

  return {
    per: limit.per,
    policy,
    look(who) {
      const found = after(who, monotonic());
      return typeof found === "number" ? { allowed: true, retryMs: 0, field: "" } : found;
    },
    take(who) {
      const now = monotonic();
      const next = after(who, now);
      if (typeof next !== "number") return next;
      fullAt.delete(who);
      fullAt.set(who, next);
      if (fullAt.size >= sweepAt) sweep(now);
      const left = Math.floor((tolerance - (next - now)) / gap + 1e-6);
      return { allowed: true, retryMs: 0, field: `"${name}";r=${left};t=${Math.ceil((next - now) / 1000)}` };
    },
    refusal(taken) {
      const error = failure(
        "quota-exceeded",
        { rate: limit.rate, every: typeof limit.every === "number" ? `${limit.every}ms` : limit.every },
        { retryAfterMs: taken.retryMs },
      );
      return new ProblemError(error, { members: { "violated-policies": [name] } });
    },
  };
}

/** Takes one request of `caller` from each; the header fields that tell of it, with those `before`. Throws the refusal. */
export function takeLimits(
  limiters: readonly Limiter[],
  caller: Pick<ApiCaller, "id">,
  request: HttpRequest,
  before: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  let policies = "";
  let fields = "";
  for (const limiter of limiters) {
    const byAddress = limiter.per === "address" || caller.id === "";
    const taken = limiter.take(byAddress ? addressBucket(request.address) : caller.id);
    if (!taken.allowed) {
      const refusal = limiter.refusal(taken);
      const headers = { ...before, "ratelimit-policy": limiter.policy, ratelimit: taken.field };
      throw new ProblemError(refusal.error, { ...refusal.extras, headers });
    }
    policies = policies === "" ? limiter.policy : `${policies}, ${limiter.policy}`;
    fields = fields === "" ? taken.field : `${fields}, ${taken.field}`;
  }
  return { ...before, "ratelimit-policy": policies, ratelimit: fields };
}

/** Names and limiters of an API: `consumer`, `address`, and `consumer-2` where there are several of a kind. */
export function limitersOf(limits: readonly Limit[], monotonic: () => number): readonly Limiter[] {
  const seen = new Map<string, number>();
  return limits.map((limit) => {
    const count = (seen.get(limit.per) ?? 0) + 1;
    seen.set(limit.per, count);
    return createLimiter(limit, count === 1 ? limit.per : `${limit.per}-${count}`, monotonic);
  });
}

/** One bucket per IPv4 address and per IPv6 /64 network; an IPv4-mapped IPv6 address counts as IPv4. */
export function addressBucket(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  const [head = "", tail] = (address.split("%")[0] as string).split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = tail === undefined ? front : [...front, ...Array(8 - front.length - back.length).fill("0"), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

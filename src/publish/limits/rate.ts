/**
 * Rates: the generic cell rate algorithm, one number per caller. Counts are in memory; a restart forgets them.
 *
 * In any time T a caller gets at most `burst + rate * T / every`, exactly: a request is never let in early, and one that was refused takes nothing.
 *
 * Header fields follow draft-ietf-httpapi-ratelimit-headers-11 (a draft; RL-7). `Retry-After` is RFC 9110, section 10.2.3.
 */
import { milliseconds } from "../../operation.ts";
import type { RateLimit } from "./limit.ts";
import { exceeded, type Limiter, type Refused } from "./limiter.ts";

/** Callers that are remembered at most; beyond, those that are idle longest are forgotten, which favours them. */
const mostCallers = 100_000;

export interface RateLimiter extends Limiter {
  /** Takes nothing: the refusal that one more request of `who` would get, if it would get one. */
  look(who: string): Refused | undefined;
}

/** `monotonic`: milliseconds that never go back. */
export function rateLimiter(limit: RateLimit, name: string, monotonic: () => number): RateLimiter {
  const everyMs = milliseconds(limit.every);
  const burst = limit.burst ?? limit.rate;
  const gap = everyMs / limit.rate;
  const tolerance = gap * burst;
  const queueMs = limit.queue === undefined ? 0 : milliseconds(limit.queue);
  /** When the caller's bucket will be full again. Kept in order of last use. */
  const fullAt = new Map<string, number>();
  let sweepAt = 1024;
  /** Whose turn came last. */
  let latest: string | undefined;

  function sweep(now: number): void {
    for (const [who, at] of fullAt) if (at <= now || fullAt.size > mostCallers) fullAt.delete(who);
    sweepAt = Math.max(1024, fullAt.size * 2);
  }
  const fieldOf = (left: number, ms: number, least: number): string =>
    `"${name}";r=${left};t=${Math.max(least, Math.ceil(ms / 1000))}`;

  return {
    name,
    policy: `"${name}";q=${Math.floor(limit.rate)};w=${Math.max(1, Math.ceil(everyMs / 1000))}`,
    look(who) {
      const now = monotonic();
      const wait = Math.max(now, fullAt.get(who) ?? now) + gap - tolerance - now;
      return wait <= 1e-6 ? undefined : { kind: "refused", retryMs: wait, field: fieldOf(0, wait, 1) };
    },
    take(who, cost) {
      const now = monotonic();
      const before = fullAt.get(who);
      const next = (before === undefined || before < now ? now : before) + gap * cost;
      const wait = next - tolerance - now;
      // A hair of tolerance: `gap` is seldom a whole number of anything.
      if (wait > 1e-6 && wait > queueMs) {
        // One that costs more than a whole burst has to wait for what is never there at once: it is told when the bucket is full.
        const retryMs = gap * cost > tolerance ? Math.max((before ?? now) - now, 1000) : wait;
        return { kind: "refused", retryMs, field: fieldOf(0, retryMs, 1) };
      }
      // To the end of the order. Who is there already stays: a map that is deleted from for each request is made anew for every few of them.
      if (who !== latest) {
        if (before !== undefined) fullAt.delete(who);
        latest = who;
      }
      fullAt.set(who, next);
      if (fullAt.size >= sweepAt) sweep(now);
      if (wait > 1e-6) return { kind: "queued", delayMs: wait, field: fieldOf(0, wait, 1) };
      return { kind: "taken", field: fieldOf(Math.floor((tolerance - (next - now)) / gap + 1e-6), next - now, 0) };
    },
    refusal({ retryMs }) {
      const every = typeof limit.every === "number" ? `${limit.every}ms` : limit.every;
      return exceeded(name, `${limit.rate} in ${every}`, retryMs);
    },
  };
}

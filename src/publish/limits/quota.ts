/**
 * Quotas: so much in each window of the calendar (UTC). Counted in memory. What comes to a hundredth of the quota is written at once, before the
 * answer leaves; what is less, every few seconds and at the end. So quotas up to 100 are exact, and of a larger one a crash forgets less than
 * a hundredth, and no more than a few seconds of it. An orderly stop loses nothing.
 */
import type { QuotaLimit, QuotaWindow } from "./limit.ts";
import { exceeded, type Limiter, type Refused } from "./limiter.ts";
import type { QuotaBook } from "./quota-book.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Of a quota: a crash may forget less than this. */
const forgettable = 1 / 100;

/** The window around a moment, both in epoch milliseconds; `to` is the next one's begin. Weeks begin on Monday (ISO 8601). */
export function windowAround(at: number, window: QuotaWindow): { readonly from: number; readonly to: number } {
  if (window === "hour" || window === "day") {
    const length = window === "hour" ? hourMs : dayMs;
    const from = Math.floor(at / length) * length;
    return { from, to: from + length };
  }
  if (window === "week") {
    // The epoch was a Thursday.
    const from = (Math.floor((at / dayMs + 3) / 7) * 7 - 3) * dayMs;
    return { from, to: from + 7 * dayMs };
  }
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1) };
}

/** `policy`: names the count on disk, the same over restarts. `clock`: epoch milliseconds. */
export function quotaLimiter(
  { quota, window }: QuotaLimit,
  name: string,
  policy: string,
  book: QuotaBook,
  clock: () => number,
): Limiter {
  const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
  const { from, to } = windowAround(clock(), window);
  return {
    name,
    policy: `"${name}";q=${Math.floor(quota)};w=${seconds(to - from)}`,
    look(who, cost) {
      const now = clock();
      const { from, to } = windowAround(now, window);
      return refusedBy(book.used(policy, who, from), cost, to - now);
    },
    take(who, cost) {
      const now = clock();
      const around = windowAround(now, window);
      const used = book.used(policy, who, around.from);
      const left = around.to - now;
      const refused = refusedBy(used, cost, left);
      if (refused !== undefined) return refused;
      const written = book.add(policy, who, around, cost, quota * forgettable);
      const field = `"${name}";r=${rest(used + cost)};t=${seconds(left)}`;
      return written === undefined ? { kind: "taken", field } : { kind: "taken", field, written };
    },
    refusal: ({ retryMs }) => exceeded(name, `${quota} in ${window === "hour" ? "an" : "a"} ${window}`, retryMs),
  };

  function refusedBy(used: number, cost: number, leftMs: number): Refused | undefined {
    // A hair of tolerance: costs may be sums of tenths.
    if (used + cost <= quota + 1e-9) return undefined;
    return { kind: "refused", retryMs: leftMs, field: `"${name}";r=${rest(used)};t=${seconds(leftMs)}` };
  }

  function rest(used: number): number {
    return Math.max(0, Math.floor(quota - used + 1e-9));
  }
}

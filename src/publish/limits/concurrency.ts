/** So many requests of a caller under way at a time. */
import type { ConcurrencyLimit } from "./limit.ts";
import { exceeded, type Limiter } from "./limiter.ts";

/** Nobody knows when a place comes free: asked again after this. */
const retryMs = 1000;

export function concurrencyLimiter({ concurrency }: ConcurrencyLimit, name: string): Limiter {
  /** By caller; one with nothing under way is not in it. */
  const underway = new Map<string, number>();

  function release(who: string): void {
    const left = (underway.get(who) ?? 1) - 1;
    if (left === 0) underway.delete(who);
    else underway.set(who, left);
  }

  return {
    name,
    policy: `"${name}";q=${concurrency};qu="concurrent-requests"`,
    take(who) {
      const count = underway.get(who) ?? 0;
      if (count >= concurrency) return { kind: "refused", retryMs, field: `"${name}";r=0` };
      underway.set(who, count + 1);
      let released = false;
      return {
        kind: "taken",
        field: `"${name}";r=${concurrency - count - 1}`,
        release() {
          if (!released) release(who);
          released = true;
        },
      };
    },
    refusal: () => exceeded(name, `${concurrency} at a time`, retryMs),
  };
}

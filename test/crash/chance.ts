/** Chance that a seed repeats. */
export interface Chance {
  /** 0 (included) to 1 (excluded). */
  next(): number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
}

/** A 32-bit counter, mixed (the finalizer of MurmurHash3). Good enough to spread cuts, not for secrets. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
  return { next, below: (limit) => Math.floor(next() * limit) };
}

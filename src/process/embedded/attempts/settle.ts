/**
 * The settle time of a probe: before it is over, "not found" is not believed. Told by a timer, not by what the clock shows: one that jumps must not make a "not
 * found" of too early believed.
 */

export interface Settle {
  readonly over: boolean;
  /** Milliseconds to wait before the next look. */
  rest(now: number): number;
}

interface Times {
  now(): number;
  later(ms: number, act: () => void, background?: boolean): void;
}

/** Begins now. */
export function settling(settleMs: number, times: Times): Settle {
  const begun = times.now();
  const settle = {
    over: settleMs === 0,
    rest: (now: number) => Math.min(Math.max(begun + settleMs - now, 0) + 1, settleMs),
  };
  if (!settle.over) {
    const over = () => {
      settle.over = true;
    };
    // In the background: nobody waits for it alone, and it stands until its time where the step is over before.
    times.later(settleMs, over, true);
  }
  return settle;
}

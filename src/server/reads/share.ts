/**
 * Which part of the reads a thread gives away: none while it has time, more while it is busy. It follows what was measured, so a read costs a
 * counter and, every now and then, a look at the event loop.
 */

/** Between two looks, in milliseconds. */
export const lookEveryMs = 100;
/** Shares of the time in which the event loop was at work. */
const busyFrom = 0.6;
const idleBelow = 0.35;
/** How much more, and how much less, after a look. Less goes slowly: what is given away is what makes the thread less busy. */
const up = 0.5;
const down = 0.125;

export interface Share {
  /** Whether the next read is one that is given away. */
  next(): boolean;
}

/** All of them, or none. */
export const fixedShare = (all: boolean): Share => Object.freeze({ next: () => all });

/** `utilization`: the share of the time since it was last asked in which the event loop was at work, from 0 to 1. `now`: in milliseconds. */
export function createShare(utilization: () => number, now: () => number): Share {
  let share = 0;
  let due = 0;
  let lookAt = now() + lookEveryMs;
  return {
    next() {
      const at = now();
      if (at >= lookAt) {
        const worked = utilization();
        if (worked >= busyFrom) share = Math.min(1, share + up);
        else if (worked < idleBelow) share = Math.max(0, share - down);
        lookAt = at + lookEveryMs;
      }
      due += share;
      if (due < 1) return false;
      due -= 1;
      return true;
    },
  };
}

/** Of this thread. */
export function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

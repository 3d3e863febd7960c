/**
 * Notices that the wall clock and the running time part: the clock was set, or the machine slept. JavaScript's timers follow the running
 * time, so one that was armed for a moment of the wall clock fires at the wrong one from then on, until it is armed anew.
 */
import type { Clock } from "../clock.ts";

export interface WallClockOptions {
  readonly clock: Pick<Clock, "now" | "later">;
  /** Milliseconds of running time, from any origin. */
  readonly running: () => number;
  /** Told of each jump. */
  readonly jumped: () => void;
}

const everyMs = 10_000;
/** Clocks are kept right by slewing and small steps all the time. */
const jumpMs = 1000;

/** Ends by what it returns. Keeps no thread alive. */
export function watchWallClock({ clock, running, jumped }: WallClockOptions): () => void {
  let apart = clock.now() - running();
  let stop = clock.later(everyMs, look, true);
  function look(): void {
    stop = clock.later(everyMs, look, true);
    const now = clock.now() - running();
    if (Math.abs(now - apart) < jumpMs) return;
    apart = now;
    jumped();
  }
  return () => stop();
}

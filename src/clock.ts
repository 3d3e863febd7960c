/**
 * Time, chance and turns of the event loop as a port: the real ones stand here, tests and simulations bring their own.
 * This file imports nothing; every room may import it.
 */

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** From 0 to 1. */
  chance(): number;
  /** Calls `act` after `ms` at the earliest; what is returned cancels. In the `background` it keeps no thread alive. */
  later(ms: number, act: () => void, background?: boolean): () => void;
  /** Calls `act` when the microtasks have run dry, after what was handed in before it. */
  soon(act: () => void): void;
}

/** A timer of Node takes no more, 24.8 days: for what is longer it takes one millisecond. */
const longestTimer = 2 ** 31 - 1;

export const realClock: Clock = Object.freeze({
  now: Date.now,
  chance: Math.random,
  later(ms: number, act: () => void, background = false): () => void {
    if (ms > longestTimer) return inParts(ms, act, background);
    const timer = setTimeout(act, ms);
    if (background) timer.unref();
    return () => clearTimeout(timer);
  },
  soon(act: () => void): void {
    setImmediate(act);
  },
});

function inParts(ms: number, act: () => void, background: boolean): () => void {
  let cancel = realClock.later(
    longestTimer,
    () => {
      cancel = realClock.later(ms - longestTimer, act, background);
    },
    background,
  );
  return () => cancel();
}

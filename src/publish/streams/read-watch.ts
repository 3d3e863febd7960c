/**
 * Asks a system the same thing again and again for all who listen to the answer: one call for all of them, the next one a while after the last has ended, or sooner where
 * somebody says that the answer may be another. While it fails the pauses grow, whatever anybody says.
 */

/** What listeners are told: an answer, or why there is none at the moment. */
export type Seen<T> = { readonly ok: true; readonly answer: T } | { readonly ok: false; readonly error: unknown };

export interface ReadWatch<T> {
  /** The last answer, where somebody listens and it was good. */
  latest(id: string): T | undefined;
  /** Told of each answer from now on, whether it has changed or not. Gives what ends it. */
  listen(id: string, ask: () => Promise<T>, seen: (seen: Seen<T>) => void): () => void;
  /** All answers may be others by now: whatever is listened to is asked for soon. */
  wake(): void;
}

/** Milliseconds from one answer to the next question, however often it is woken. */
const leastPauseMs = 100;

const longestPauseMs = 30_000;

export function openReadWatch<T>(everyMs: number): ReadWatch<T> {
  interface Asked {
    readonly listeners: Set<(seen: Seen<T>) => void>;
    timer: NodeJS.Timeout | undefined;
    failures: number;
    latest: T | undefined;
    readonly ask: () => Promise<T>;
    state: "waiting" | "asking" | "asking, and woken";
    /** When the last answer came, in milliseconds that never go back. */
    answeredAt: number;
  }
  const asked = new Map<string, Asked>();

  const pauseOf = ({ failures }: Asked): number =>
    failures === 0 ? everyMs : Math.max(everyMs, Math.min(everyMs * 2 ** failures, longestPauseMs));

  function later(one: Asked, pause: number): void {
    clearTimeout(one.timer);
    one.timer = setTimeout(() => void turn(one), pause).unref();
  }

  async function turn(one: Asked): Promise<void> {
    let seen: Seen<T>;
    one.state = "asking";
    try {
      one.latest = await one.ask();
      seen = { ok: true, answer: one.latest };
      one.failures = 0;
    } catch (error) {
      seen = { ok: false, error };
      one.latest = undefined;
      one.failures = Math.min(one.failures + 1, 16);
    }
    // An answer that was under way when it was woken may be of the time before.
    const woken = (one.state as Asked["state"]) === "asking, and woken";
    one.state = "waiting";
    one.answeredAt = performance.now();
    if (one.listeners.size === 0) return;
    for (const tell of [...one.listeners]) tell(seen);
    if (one.listeners.size > 0) later(one, woken ? soonOf(one) : pauseOf(one));
  }

  function soonOf(one: Asked): number {
    if (one.failures > 0) return pauseOf(one);
    return Math.min(everyMs, Math.max(0, one.answeredAt + leastPauseMs - performance.now()));
  }

  return {
    latest: (id) => asked.get(id)?.latest,
    listen(id, ask, seen) {
      let one = asked.get(id);
      if (one === undefined) {
        one = {
          listeners: new Set(),
          timer: undefined,
          failures: 0,
          latest: undefined,
          ask,
          state: "waiting",
          answeredAt: performance.now(),
        };
        asked.set(id, one);
        later(one, everyMs);
      }
      const mine = one;
      mine.listeners.add(seen);
      return () => {
        mine.listeners.delete(seen);
        if (mine.listeners.size > 0) return;
        clearTimeout(mine.timer);
        if (asked.get(id) === mine) asked.delete(id);
      };
    },
    wake() {
      for (const one of asked.values()) {
        if (one.state !== "waiting") one.state = "asking, and woken";
        else if (one.failures === 0) later(one, soonOf(one));
      }
    },
  };
}

/**
 * Asks a system the same thing again and again for all who listen to the answer: one call for all of them, the next one a while after the last has ended. While it fails the
 * pauses grow.
 */

/** What listeners are told: an answer, or why there is none at the moment. */
export type Seen<T> = { readonly ok: true; readonly answer: T } | { readonly ok: false; readonly error: unknown };

export interface ReadWatch<T> {
  /** The last answer, where somebody listens and it was good. */
  latest(id: string): T | undefined;
  /** Told of each answer from now on, whether it has changed or not. Gives what ends it. */
  listen(id: string, ask: () => Promise<T>, seen: (seen: Seen<T>) => void): () => void;
}

const longestPauseMs = 30_000;

export function openReadWatch<T>(everyMs: number): ReadWatch<T> {
  interface Asked {
    readonly listeners: Set<(seen: Seen<T>) => void>;
    timer: NodeJS.Timeout | undefined;
    failures: number;
    latest: T | undefined;
  }
  const asked = new Map<string, Asked>();

  function later(id: string, one: Asked, ask: () => Promise<T>): void {
    const pause =
      one.failures === 0 ? everyMs : Math.max(everyMs, Math.min(everyMs * 2 ** one.failures, longestPauseMs));
    one.timer = setTimeout(() => void turn(id, one, ask), pause).unref();
  }

  async function turn(id: string, one: Asked, ask: () => Promise<T>): Promise<void> {
    let seen: Seen<T>;
    try {
      one.latest = await ask();
      seen = { ok: true, answer: one.latest };
      one.failures = 0;
    } catch (error) {
      seen = { ok: false, error };
      one.latest = undefined;
      one.failures = Math.min(one.failures + 1, 16);
    }
    if (one.listeners.size === 0) return;
    for (const tell of [...one.listeners]) tell(seen);
    if (one.listeners.size > 0) later(id, one, ask);
  }

  return {
    latest: (id) => asked.get(id)?.latest,
    listen(id, ask, seen) {
      let one = asked.get(id);
      if (one === undefined) {
        one = { listeners: new Set(), timer: undefined, failures: 0, latest: undefined };
        asked.set(id, one);
        later(id, one, ask);
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
  };
}

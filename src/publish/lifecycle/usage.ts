/**
 * Who called which version and operation on which day, counted exactly in bounded memory.
 *
 *  U1  A call counts when it was let in: its version is open, its consumer is known and has the scope. What comes of it does not matter.
 *  U2  Counts are held back and written in batches, every five seconds and when the server stops. What an orderly stop leaves is exact; a crash
 *      loses what was counted since the last writing, and nothing else.
 *  U3  No more than `mostHeld` counts are held back. Where there would be more, they are written at once, and calls wait for it: nothing is
 *      dropped and nothing is guessed.
 */
import type { Store } from "../../store/store.ts";
import type { ApiCaller } from "../operations.ts";
import type { UsageRow } from "./store-part.ts";

/** What is called. */
export interface Called {
  readonly api: { readonly name: string; readonly version: string };
  /** Of the operation. */
  readonly name: string;
  /** All three in one, for a name in memory. */
  readonly label: string;
}

export interface Usage {
  /** Counts one call. A promise, where it must be waited for (U3). */
  count(called: Called, caller: Pick<ApiCaller, "id" | "key">): Promise<void> | undefined;
  /** Writes what is held back. Rejects as the store does; then it is held back still. */
  flush(): Promise<void>;
  /** Removes what is past its time, in bounded batches. */
  sweep(): Promise<void>;
  /** How many counts are held back. */
  readonly held: number;
  /** Of one major version, from a day on, that day included; what is held back is not in it. By consumer, operation and day. */
  rows(api: string, major: number, fromDay: number): readonly UsageRow[];
  /** The same in sums, at most `mostTotals`; of those with calls since `fromDay`. */
  totals(api: string, major: number, fromDay: number): readonly UsageTotal[];
}

/** Calls of one consumer with one key to one operation, over some days. */
export interface UsageTotal extends Pick<UsageRow, "version" | "operation" | "consumer" | "key" | "calls" | "lastAt"> {
  /** In the last seven days, today included, and in the seven before. */
  readonly recent: number;
  readonly before: number;
}

export interface UsageOptions {
  readonly store: Pick<Store, "submit" | "read">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** How long a day's counts are kept, in milliseconds. Default 400 days. */
  readonly retentionMs?: number;
  /** Counts held back at most. Default 10,000 (some 3 MB). */
  readonly mostHeld?: number;
}

const dayMs = 86_400_000;
export const dayOf = (at: number): number => Math.floor(at / dayMs);
/** The first day of a window that ends now: each call of the last `windowMs` is in it, and the rest of that day. */
export const firstDayOf = (now: number, windowMs: number): number => dayOf(now - windowMs);
/** `2026-11-27`. */
export const dayText = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);
/** Lines of one answer. */
export const mostTotals = 10_000;
/** Rows of one command. */
const rowsAtOnce = 500;

interface Count {
  readonly row: Omit<UsageRow, "calls" | "lastAt">;
  calls: number;
  lastAt: number;
}

/** Of one operation on one day. A key has one consumer, so it is enough by itself: no text is put together for a call. */
interface Counts {
  readonly byKey: Map<string, Count>;
  readonly byConsumer: Map<string, Count>;
}

export function openUsage({ store, clock, retentionMs = 400 * dayMs, mostHeld = 10_000 }: UsageOptions): Usage {
  const select = store.read.prepare(
    `SELECT api, version, operation, consumer, key, day, calls, last_at AS lastAt FROM lifecycle_usage
     WHERE api = ? AND version >= ? AND version < ? AND day >= ? ORDER BY consumer, operation, day, version, key`,
  );
  const sums = store.read.prepare(
    `SELECT version, operation, consumer, key, sum(CASE WHEN day >= ?4 THEN calls ELSE 0 END) AS calls, max(last_at) AS lastAt,
       sum(CASE WHEN day > ?5 - 7 THEN calls ELSE 0 END) AS recent,
       sum(CASE WHEN day <= ?5 - 7 AND day > ?5 - 14 THEN calls ELSE 0 END) AS before
     FROM lifecycle_usage WHERE api = ?1 AND version >= ?2 AND version < ?3 AND day >= min(?4, ?5 - 13)
     GROUP BY consumer, operation, version, key HAVING max(day) >= ?4 ORDER BY consumer, operation, version, key LIMIT ${mostTotals}`,
  );
  /** Of `today`, by the operation's label; of days before it, in a list. */
  let held = new Map<string, Counts>();
  let earlier: Count[] = [];
  let today = 0;
  let size = 0;
  let writing: Promise<void> | undefined;

  function placeOf(label: string, consumer: string, key: string): readonly [Map<string, Count>, string] {
    let counts = held.get(label);
    if (counts === undefined) {
      counts = { byKey: new Map(), byConsumer: new Map() };
      held.set(label, counts);
    }
    return key === "" ? [counts.byConsumer, consumer] : [counts.byKey, key];
  }

  /** All that is held, which is then no more. */
  function taken(): Count[] {
    const all = earlier;
    for (const { byKey, byConsumer } of held.values()) all.push(...byKey.values(), ...byConsumer.values());
    held = new Map();
    earlier = [];
    size = 0;
    return all;
  }

  function begin(day: number): void {
    const all = taken();
    size = all.length;
    earlier = all;
    today = day;
  }

  /** One at a time: what was counted meanwhile is for the next. */
  async function write(): Promise<void> {
    const all = taken();
    for (let at = 0; at < all.length; at += rowsAtOnce) {
      const rows = all.slice(at, at + rowsAtOnce).map(({ row, calls, lastAt }) => ({ ...row, calls, lastAt }));
      try {
        await store.submit([{ name: "lifecycle.used", parameters: { rows } }]);
      } catch (error) {
        // Sums of the same row are added up when they are written.
        const left = all.slice(at);
        earlier.push(...left);
        size += left.length;
        throw error;
      }
    }
  }

  function flush(): Promise<void> {
    if (writing !== undefined) return writing.then(flush, flush);
    if (size === 0) return Promise.resolve();
    writing = write().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  return {
    count({ api, name, label }, { id: consumer, key = "" }) {
      const now = clock();
      const day = dayOf(now);
      if (day !== today) begin(day);
      const counts = held.get(label);
      const known = key === "" ? counts?.byConsumer.get(consumer) : counts?.byKey.get(key);
      if (known !== undefined) {
        known.calls += 1;
        known.lastAt = now;
        return undefined;
      }
      const row = { api: api.name, version: api.version, operation: name, consumer, key, day };
      if (size < mostHeld) {
        const [map, id] = placeOf(label, consumer, key);
        map.set(id, { row, calls: 1, lastAt: now });
        size += 1;
        return undefined;
      }
      // A store that takes nothing does not keep calls away for ever: it refuses, and so does this.
      return flush().then(() => {
        earlier.push({ row, calls: 1, lastAt: now });
        size += 1;
      });
    },
    flush,
    async sweep() {
      const beforeDay = dayOf(clock() - retentionMs);
      for (let removed = 500; removed === 500; ) {
        const answer = await store.submit([{ name: "lifecycle.sweep-usage", parameters: { beforeDay } }]);
        removed = answer.kind === "done" ? (answer.answers[0] as number) : 0;
      }
    },
    get held() {
      return size;
    },
    // Versions of a major are those from "1." up to "1/": the point and the slash are neighbours.
    totals: (api, major, fromDay) =>
      sums.all(api, `${major}.`, `${major}/`, fromDay, dayOf(clock())) as unknown as UsageTotal[],
    rows: (api, major, fromDay) => select.all(api, `${major}.`, `${major}/`, fromDay) as unknown as UsageRow[],
  };
}

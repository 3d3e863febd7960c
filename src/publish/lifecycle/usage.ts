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
  let held = new Map<string, Count>();
  let writing: Promise<void> | undefined;

  function add(id: string, row: Count["row"], calls: number, lastAt: number): void {
    const known = held.get(id);
    if (known === undefined) held.set(id, { row, calls, lastAt });
    else {
      known.calls += calls;
      if (lastAt > known.lastAt) known.lastAt = lastAt;
    }
  }

  /** One at a time: what was counted meanwhile is for the next. */
  async function write(): Promise<void> {
    const taken = [...held];
    held = new Map();
    for (let at = 0; at < taken.length; at += rowsAtOnce) {
      const rows = taken.slice(at, at + rowsAtOnce).map(([, { row, calls, lastAt }]) => ({ ...row, calls, lastAt }));
      try {
        await store.submit([{ name: "lifecycle.used", parameters: { rows } }]);
      } catch (error) {
        for (const [id, { row, calls, lastAt }] of taken.slice(at)) add(id, row, calls, lastAt);
        throw error;
      }
    }
  }

  function flush(): Promise<void> {
    if (writing !== undefined) return writing.then(flush, flush);
    if (held.size === 0) return Promise.resolve();
    writing = write().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  return {
    count({ api, name, label }, { id: consumer, key = "" }) {
      const now = clock();
      const day = dayOf(now);
      const id = `${day} ${label} ${key}\n${consumer}`;
      const known = held.get(id);
      if (known !== undefined) {
        known.calls += 1;
        known.lastAt = now;
        return undefined;
      }
      const row = { api: api.name, version: api.version, operation: name, consumer, key, day };
      if (held.size < mostHeld) {
        held.set(id, { row, calls: 1, lastAt: now });
        return undefined;
      }
      // A store that takes nothing does not keep calls away for ever: it refuses, and so does this.
      return flush().then(() => add(id, row, 1, now));
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
      return held.size;
    },
    // Versions of a major are those from "1." up to "1/": the point and the slash are neighbours.
    totals: (api, major, fromDay) =>
      sums.all(api, `${major}.`, `${major}/`, fromDay, dayOf(clock())) as unknown as UsageTotal[],
    rows: (api, major, fromDay) => select.all(api, `${major}.`, `${major}/`, fromDay) as unknown as UsageRow[],
  };
}

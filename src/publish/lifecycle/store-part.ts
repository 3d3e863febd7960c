/**
 * What the lifecycle of APIs keeps: which versions are blocked or retired, and who called what. The writer thread imports this module, so
 * it imports types alone.
 */
import type { PartContext, StorePart } from "../../store/store.ts";

/** Parameters of `lifecycle.block`. */
export interface BlockParameters {
  readonly api: string;
  readonly version: string;
  readonly reason: string;
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly retryAfterMs: number;
}

/** Calls of one consumer with one key (empty: none) to one operation on one day. */
export interface UsageRow {
  readonly api: string;
  readonly version: string;
  readonly operation: string;
  readonly consumer: string;
  readonly key: string;
  /** Days since 1970-01-01 in UTC. */
  readonly day: number;
  readonly calls: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}

/** Parameters of `lifecycle.retire`. */
export interface RetireParameters {
  readonly api: string;
  readonly major: number;
  readonly reason: string;
  readonly by: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** JSON: whom it was retired in spite of. */
  readonly despite: string;
}

const migrations = [
  `CREATE TABLE lifecycle_blocks (
     api TEXT NOT NULL,
     version TEXT NOT NULL,
     reason TEXT NOT NULL,
     blocked_by TEXT NOT NULL,
     blocked_at INTEGER NOT NULL,
     retry_after_ms INTEGER NOT NULL,
     PRIMARY KEY (api, version)
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE lifecycle_usage (
     api TEXT NOT NULL,
     version TEXT NOT NULL,
     operation TEXT NOT NULL,
     consumer TEXT NOT NULL,
     key TEXT NOT NULL,
     day INTEGER NOT NULL,
     calls INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     PRIMARY KEY (api, version, operation, consumer, key, day)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX lifecycle_usage_day ON lifecycle_usage (day);
   CREATE TABLE lifecycle_retirements (
     api TEXT NOT NULL,
     major INTEGER NOT NULL,
     reason TEXT NOT NULL,
     retired_by TEXT NOT NULL,
     retired_at INTEGER NOT NULL,
     despite TEXT NOT NULL,
     PRIMARY KEY (api, major)
   ) STRICT, WITHOUT ROWID;`,
] as const;

/** Sweeps are bounded, so that they never hold up the group's commit. */
const sweepRows = 500;

export const storePart: StorePart = {
  name: "lifecycle",
  migrations,
  commands({ db, refuse }: PartContext) {
    const block = db.prepare(
      `INSERT INTO lifecycle_blocks (api, version, reason, blocked_by, blocked_at, retry_after_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET reason = excluded.reason, blocked_by = excluded.blocked_by,
         blocked_at = excluded.blocked_at, retry_after_ms = excluded.retry_after_ms`,
    );
    const unblock = db.prepare("DELETE FROM lifecycle_blocks WHERE api = ? AND version = ?");
    const used = db.prepare(
      `INSERT INTO lifecycle_usage (api, version, operation, consumer, key, day, calls, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, last_at = max(last_at, excluded.last_at)`,
    );
    const sweep = db.prepare(
      `DELETE FROM lifecycle_usage WHERE (api, version, operation, consumer, key, day) IN
         (SELECT api, version, operation, consumer, key, day FROM lifecycle_usage WHERE day < ? LIMIT ${sweepRows})`,
    );
    const retire = db.prepare(
      `INSERT INTO lifecycle_retirements (api, major, reason, retired_by, retired_at, despite) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    );
    const reinstate = db.prepare("DELETE FROM lifecycle_retirements WHERE api = ? AND major = ?");
    return {
      /** Adds to what is there. */
      used(p: { readonly rows: readonly UsageRow[] }) {
        for (const row of p.rows)
          used.run(row.api, row.version, row.operation, row.consumer, row.key, row.day, row.calls, row.lastAt);
      },
      /** Answers how many rows were removed: as many as fit into one sweep means there may be more. */
      "sweep-usage"(p: { readonly beforeDay: number }) {
        return Number(sweep.run(p.beforeDay).changes);
      },
      /** Refuses the batch with `"retired"` if it is retired already. */
      retire(p: RetireParameters) {
        if (retire.run(p.api, p.major, p.reason, p.by, p.at, p.despite).changes === 0) refuse("retired");
      },
      /** Refuses the batch with `"unknown"` if it is not retired. */
      reinstate(p: { readonly api: string; readonly major: number }) {
        if (reinstate.run(p.api, p.major).changes === 0) refuse("unknown");
      },
      block(p: BlockParameters) {
        block.run(p.api, p.version, p.reason, p.by, p.at, p.retryAfterMs);
      },
      /** Refuses the batch with `"unknown"` if the version is not blocked. */
      unblock(p: { readonly api: string; readonly version: string }) {
        if (unblock.run(p.api, p.version).changes === 0) refuse("unknown");
      },
    };
  },
};

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

/** What a consumer asked for, and what is not there. */
export interface StrayRow {
  readonly api: string;
  readonly version: string;
  readonly consumer: string;
  /** `undeclared`: no operation of the version; `sunset`, `retired`: the version is over; `brownout`: it was, for a planned time. */
  readonly kind: "undeclared" | "sunset" | "retired" | "brownout";
  readonly method: string;
  /** Without values: `/orders/v1/returns/{}`. */
  readonly path: string;
  readonly hits: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
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
  `CREATE TABLE lifecycle_strays (
     api TEXT NOT NULL,
     version TEXT NOT NULL,
     kind TEXT NOT NULL,
     method TEXT NOT NULL,
     path TEXT NOT NULL,
     consumer TEXT NOT NULL,
     hits INTEGER NOT NULL,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     PRIMARY KEY (api, version, kind, method, path, consumer)
   ) STRICT, WITHOUT ROWID;`,
] as const;

/** Lines of one API that are kept; more are counted in one. */
const mostStrays = 500;
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
    const met = db.prepare(
      `UPDATE lifecycle_strays SET hits = hits + ?, last_at = max(last_at, ?)
       WHERE api = ? AND version = ? AND kind = ? AND method = ? AND path = ? AND consumer = ?`,
    );
    const strays = db.prepare("SELECT count(*) AS n FROM lifecycle_strays WHERE api = ?");
    const stray = db.prepare(
      `INSERT INTO lifecycle_strays (api, version, kind, method, path, consumer, hits, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const sweepStrays = db.prepare("DELETE FROM lifecycle_strays WHERE last_at < ?");
    const put = (row: StrayRow): void => {
      const { api, version, kind, method, path, consumer, hits, firstAt, lastAt } = row;
      if (met.run(hits, lastAt, api, version, kind, method, path, consumer).changes > 0) return;
      const full = path !== "..." && Number(strays.get(api)?.n) >= mostStrays;
      if (full) put({ ...row, method: "", path: "...", consumer: "" });
      else stray.run(api, version, kind, method, path, consumer, hits, firstAt, lastAt);
    };
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
      strays(p: { readonly rows: readonly StrayRow[] }) {
        for (const row of p.rows) put(row);
      },
      "sweep-strays"(p: { readonly before: number }) {
        sweepStrays.run(p.before);
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

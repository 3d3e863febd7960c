/**
 * What the lifecycle of APIs keeps: which versions are blocked. The writer thread imports this module, so it imports types alone.
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
] as const;

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
    return {
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

/**
 * Open runs, read from the store's file while no server runs: which there are, of which process and code version. Of histories
 * nothing is read: they may be encrypted, and the server holds what it needs to look.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { finalStatuses, type RunStatus, runStatuses } from "../../process/engine.ts";
import { openReader } from "../../store/database.ts";

export interface StoredRun {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
}

/** Not at their end. */
export const openStatuses: readonly RunStatus[] = runStatuses.filter((status) => !finalStatuses.has(status));

/** At most `most`, newest first; `[]` where there is no store yet. Throws what SQLite says. */
export function storedRuns(store: string, most: number): readonly StoredRun[] {
  const file = join(store, "mortise.db");
  if (!existsSync(file)) return [];
  const db = openReader(file);
  try {
    const marks = openStatuses.map(() => "?").join(", ");
    const rows = db
      .prepare(`select id, process, key, version, status from runs where status in (${marks}) order by id desc limit ?`)
      .all(...openStatuses, most);
    return rows as unknown as StoredRun[];
  } finally {
    db.close();
  }
}

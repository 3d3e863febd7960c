/** Open runs by id, in pages: for what goes through all of them without holding them. */
import type { DatabaseSync } from "node:sqlite";
import { finalStatuses, type RunStatus, runStatuses } from "../../engine.ts";

export interface OpenRun {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
}

export interface OpenRunFilter {
  /** Id of the last one of the page before. */
  readonly after: string;
  readonly process: string | undefined;
  readonly run: string | undefined;
  /** Leaves out those of this version. */
  readonly notOn: string | undefined;
  readonly limit: number;
}

const open = runStatuses.filter((status) => !finalStatuses.has(status));

export function openRuns(db: DatabaseSync): (filter: OpenRunFilter) => readonly OpenRun[] {
  const list = open.map((status) => `'${status}'`).join(", ");
  const page = db.prepare(
    `select id, process, key, version, status from runs
     where status in (${list}) and id > ?1 and (?2 is null or process = ?2) and (?3 is null or id = ?3)
       and (?4 is null or version <> ?4)
     order by id limit ?5`,
  );
  return ({ after, process, run, notOn, limit }) =>
    page.all(after, process ?? null, run ?? null, notOn ?? null, limit) as unknown as readonly OpenRun[];
}

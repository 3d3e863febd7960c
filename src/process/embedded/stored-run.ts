/** A run as it lies in the store: what a worker needs to go on with it. */
import type { DatabaseSync } from "node:sqlite";
import type { RunStatus } from "../engine.ts";
import type { HistoryRecord } from "./records.ts";
import type { Delivery } from "./wire.ts";

export interface StoredRun {
  readonly row: {
    readonly process: string;
    readonly key: string;
    readonly version: string;
    readonly status: RunStatus;
    readonly reason: string | null;
  };
  readonly records: readonly HistoryRecord[];
  /** Of the row that comes next. */
  readonly seq: number;
  readonly inbox: readonly Delivery[];
}

/** `undefined` where there is no such run, or its history is gone. */
export function readRun(db: DatabaseSync, run: string): StoredRun | undefined {
  const row = db.prepare("select process, key, version, status, reason from runs where id = ?").get(run);
  const bodies = db.prepare("select body from history where run = ? order by seq").all(run) as { body: string }[];
  if (row === undefined || bodies.length === 0) return undefined;
  return {
    row: row as unknown as StoredRun["row"],
    records: bodies.flatMap(({ body }) => JSON.parse(body) as HistoryRecord[]),
    seq: bodies.length,
    inbox: db
      .prepare("select id, n, kind, body from inbox where run = ? order by id")
      .all(run) as unknown as Delivery[],
  };
}

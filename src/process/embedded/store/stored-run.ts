/** A run as it lies in the store: what a worker needs to go on with it. */
import type { DatabaseSync } from "node:sqlite";
import { failure, MortiseError } from "../../../errors.ts";
import type { Json } from "../../../operation.ts";
import type { RunStatus } from "../../engine.ts";
import { compacted } from "../history/compacting.ts";
import { countedIn, type HistoryRecord } from "../history/records.ts";
import { places, type StoredRow, type Vault } from "../history/vault.ts";
import type { CompactParameters, Delivery } from "../wire.ts";

/** The rows of a run's history in their order; `?` is the run's id. */
export const historyRowsOf =
  "select seq, body, sum from history where run = (select number from runs where id = ?) order by seq";

export interface StoredRun {
  readonly row: {
    readonly process: string;
    readonly key: string;
    readonly version: string;
    readonly status: RunStatus;
    readonly reason: string | undefined;
  };
  /** Why some of the history can't be read; the rest is here all the same. */
  readonly unreadable?: string;
  readonly records: readonly HistoryRecord[];
  /** Of the whole history, values that stand beside it counted. */
  readonly bytes: number;
  /** Of the row that comes next. */
  readonly seq: number;
  readonly inbox: readonly Delivery[];
}

type Row = Omit<StoredRun["row"], "reason"> & { readonly reason: string | null; readonly created: number };

/** `undefined` where there is no such run, or its history is gone. */
export function readRun(db: DatabaseSync, vault: Vault, run: string): StoredRun | undefined {
  const row = db
    .prepare("select process, key, version, status, reason, created from runs where id = ?")
    .get(run) as unknown as Row | undefined;
  const batches = db.prepare(historyRowsOf).all(run) as unknown as StoredRow[];
  const last = batches.at(-1);
  if (row === undefined || last === undefined) return undefined;
  const { records, bytes, unreadable = withoutStart(run, records) } = vault.records(run, batches);
  if (records[0]?.t !== "start") records.unshift({ t: "start", at: row.created, input: null });
  return {
    row: { ...row, reason: vault.openReason(row.reason, run) },
    records,
    bytes,
    ...(unreadable === undefined ? {} : { unreadable }),
    seq: last.seq + 1,
    inbox: db
      .prepare("select id, n, kind, body from inbox where run = ? order by id")
      .all(run) as unknown as Delivery[],
  };
}

/** Every history begins with a start, also one that was put together or begun anew. */
function withoutStart(run: string, records: readonly HistoryRecord[]): string | undefined {
  if (records[0]?.t === "start") return undefined;
  return failure("value-unreadable", { place: places.batch(run, 0), reason: "its beginning is missing" }).message;
}

/** What a run began with, or its present part. Throws `value-unreadable`, also where its history has gone. */
export function readInput(db: DatabaseSync, vault: Vault, run: string): Json {
  const first = db.prepare(`${historyRowsOf} limit 1`).all(run);
  const { records, unreadable = withoutStart(run, records) } = vault.records(run, first as unknown as StoredRow[]);
  const [start] = records;
  if (unreadable !== undefined || start?.t !== "start") throw new MortiseError("value-unreadable", unreadable ?? run);
  return start.input;
}

/** How a run ended. */
export interface StoredEnd {
  readonly status: RunStatus;
  readonly reason: string | undefined;
  /** `undefined` where its history is gone. */
  readonly end: (HistoryRecord & { readonly t: "end" }) | undefined;
}

/** `undefined` where there is no such run. Throws `value-unreadable`. */
export function readEnd(db: DatabaseSync, vault: Vault, run: string): StoredEnd | undefined {
  const row = db.prepare("select status, reason from runs where id = ?").get(run) as
    | { readonly status: RunStatus; readonly reason: string | null }
    | undefined;
  if (row === undefined) return undefined;
  const last = db.prepare(`${historyRowsOf} desc limit 1`).all(run);
  const { records, unreadable } = vault.records(run, last as unknown as StoredRow[]);
  if (unreadable !== undefined) throw new MortiseError("value-unreadable", unreadable);
  const end = records.find((record) => record.t === "end");
  return {
    status: row.status,
    reason: vault.openReason(row.reason, run),
    end: end?.t === "end" ? end : undefined,
  };
}

/** What puts a run's history together; `undefined` where that is not worth it. */
export function compaction(
  db: DatabaseSync,
  vault: Vault,
  run: string,
): { readonly parameters: CompactParameters; readonly gone: number; readonly left: number } | undefined {
  const batches = db.prepare(historyRowsOf).all(run) as unknown as StoredRow[];
  const last = batches.at(-1);
  const { records, unreadable } = vault.records(run, batches);
  if (last === undefined || unreadable !== undefined) return undefined;
  const left = compacted(records);
  if ((records.length - left.length) * 4 < records.length) return undefined;
  const gone = countedIn(records) - countedIn(left);
  const text = JSON.stringify(left);
  const stored = vault.row(run, last.seq, text);
  return { parameters: { run, seq: last.seq, rows: batches.length, ...stored }, gone, left: text.length };
}

/** Runs of a version that were under way when its worker was lost, and those for which something came. */
export function* runsToTakeUp(db: DatabaseSync, version: string): Iterable<string> {
  const open = db.prepare(
    `select id from runs where version = ?1 and status in ('running', 'undoing')
     union select runs.id from inbox join runs on runs.id = inbox.run where runs.version = ?1 order by 1`,
  );
  for (const { id } of open.iterate(version) as Iterable<{ id: string }>) yield id;
}

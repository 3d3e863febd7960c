/**
 * Lists and counts of runs, read from indexes alone, so that a million finished runs cost no more than the page that is shown.
 *
 * There is one index for lists, `runs_by_status (status, process, id)`. A filter that leaves status or process open is answered by one
 * query for each pair, merged by id: newest first. Both are few; which processes there are is found by jumps in an index.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { type Engine, finalStatuses, type RunFilter, type RunStatus, type RunSummary, runStatuses } from "../engine.ts";
import { causes } from "./causes.ts";
import { firstRunId } from "./run-id.ts";

export interface RunRow {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly origin: string;
  readonly reason: string | null;
  readonly created: number;
  readonly updated: number;
  readonly history_gone: number;
}

export const runColumns = "id, process, key, version, status, origin, reason, created, updated, history_gone";
const largestPage = 500;
const usualPage = 50;
/** How much older than its row an id may be. */
const idMarginMs = 600_000;
/** Counting the final runs reads an index entry for each: it takes at most this share of the time. */
const countingShare = 0.02;

export interface RunLists {
  readonly runs: Engine["runs"];
  readonly counts: Engine["counts"];
  readonly causes: Engine["causes"];
  /** Open runs of each code version that has any. */
  openByVersion(): readonly { readonly version: string; readonly runs: number }[];
}

export function summary(row: RunRow): RunSummary {
  const { id, process, key, version, status, origin, reason, created, updated } = row;
  return {
    id,
    process,
    key,
    version,
    status,
    origin,
    createdAt: created,
    updatedAt: updated,
    ...(reason === null ? {} : { reason }),
  };
}

const quoted = (statuses: Iterable<RunStatus>): string => [...statuses].map((status) => `'${status}'`).join(", ");
const open = quoted(runStatuses.filter((status) => !finalStatuses.has(status)));

export function runLists(db: DatabaseSync): RunLists {
  const processes = db.prepare(
    `with recursive found (name) as (
       select min(process) from runs
       union all select (select min(process) from runs where process > name) from found where name is not null)
     select name from found where name is not null`,
  );
  const byKey = db.prepare(`select ${runColumns} from runs where process = ? and key = ?`);
  const countOpen = db.prepare(
    `select process, status, count(*) as runs from runs where status in (${open}) group by status, process`,
  );
  const countFinal = db.prepare(
    `select process, status, count(*) as runs from runs where status in (${quoted(finalStatuses)}) group by status, process`,
  );
  const byVersion = db.prepare(
    `select version, count(*) as runs from runs where status in (${open}) group by version order by version`,
  );
  const parked = causes(db);
  const statements = new Map<string, StatementSync>();
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const names = (): string[] => processes.all().map(({ name }) => name as string);

  /** A page of the runs that fit the fixed clauses, newest first. Every value is bound; the text is put together from fixed pieces. */
  function page(
    filter: RunFilter,
    limit: number,
    pair?: { status: RunStatus; process: string; cause?: string },
  ): RunRow[] {
    const where: string[] = [];
    const values: SQLInputValue[] = [];
    const add = (clause: string, value: SQLInputValue | undefined) => {
      if (value === undefined) return;
      where.push(clause);
      values.push(value);
    };
    add("status = ?", pair?.status);
    add("process = ?", pair?.process);
    add("cause = ?", pair?.cause);
    add("key = ?", filter.key);
    add("id < ?", filter.before);
    add("version = ?", filter.version);
    add("key >= ?", filter.keyPrefix);
    add("key < ?", filter.keyPrefix === undefined ? undefined : `${filter.keyPrefix}\u{10ffff}`);
    add("created >= ?", filter.createdFrom);
    add("created < ?", filter.createdTo);
    // An id is made a little before its row: it bounds what has to be read.
    add("id >= ?", filter.createdFrom === undefined ? undefined : firstRunId(filter.createdFrom - idMarginMs));
    add("id < ?", filter.createdTo === undefined ? undefined : firstRunId(filter.createdTo));
    const clauses = where.length === 0 ? "" : `where ${where.join(" and ")}`;
    const sql = `select ${runColumns} from runs ${clauses} order by id desc limit ?`;
    return prepared(sql).all(...values, limit) as unknown as RunRow[];
  }

  /** The pairs of status and process that fit; of parked runs with a cause, those of each cause. */
  function pairs(filter: RunFilter): { status: RunStatus; process: string; cause?: string }[] {
    const { process, status, cause, step } = filter;
    const processes = process === undefined ? names() : [process];
    if (cause === undefined && step === undefined)
      return (status === undefined ? runStatuses : [status]).flatMap((one) =>
        processes.map((name) => ({ status: one, process: name })),
      );
    if (status !== undefined && status !== "parked") return [];
    return parked
      .fitting({ cause, step })
      .flatMap((one) => processes.map((name) => ({ status: "parked" as const, process: name, cause: one })));
  }

  function ofKey(
    key: string,
    { process, status, before, createdFrom, createdTo, version, keyPrefix = "" }: RunFilter,
  ): RunRow[] {
    if (!key.startsWith(keyPrefix)) return [];
    const rows = (process === undefined ? names() : [process]).flatMap(
      (name) => byKey.all(name, key) as unknown as RunRow[],
    );
    return rows.filter(
      (row) =>
        (status === undefined || row.status === status) &&
        (version === undefined || row.version === version) &&
        (before === undefined || row.id < before) &&
        (createdFrom === undefined || row.created >= createdFrom) &&
        (createdTo === undefined || row.created < createdTo),
    );
  }

  function runs(filter: RunFilter): RunSummary[] {
    const limit = Math.min(Math.max(filter.limit ?? usualPage, 1), largestPage);
    const { key, status, process, cause, step } = filter;
    if ([key, status, process, cause, step].every((given) => given === undefined))
      return page(filter, limit).map(summary);
    const rows =
      key === undefined || cause !== undefined || step !== undefined
        ? pairs(filter).flatMap((pair) => page(filter, limit, pair))
        : ofKey(key, filter);
    return rows
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map(summary);
  }

  type Counts = ReturnType<Engine["counts"]>;
  let final: Counts = [];
  let again = 0;
  function counts(): Counts {
    const begun = performance.now();
    if (begun >= again) {
      final = countFinal.all() as unknown as Counts;
      const done = performance.now();
      again = done + (done - begun) / countingShare;
    }
    return [...(countOpen.all() as unknown as Counts), ...final];
  }

  return {
    runs,
    counts,
    causes: parked.all,
    openByVersion: () => byVersion.all() as unknown as ReturnType<RunLists["openByVersion"]>,
  };
}

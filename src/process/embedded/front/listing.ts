/**
 * Lists and counts of runs, read from indexes alone, so that a million finished runs cost no more than the page that is shown.
 *
 * There is one index for lists, `runs_by_status (status, id, process)`: a page of a status comes in order. A filter by process
 * alone is answered by a page of each status, merged by id.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import {
  type Engine,
  finalStatuses,
  type RunFilter,
  type RunStatus,
  type RunSummary,
  runStatuses,
} from "../../engine.ts";
import { causes } from "../history/causes.ts";
import { firstRunId } from "../history/run-id.ts";
import type { Vault } from "../history/vault.ts";

/** What a list shows of a run. */
export interface ListedRow {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly origin: string;
  readonly reason: string | null;
  readonly created: number;
  readonly updated: number;
}

export interface RunRow extends ListedRow {
  readonly history_gone: number;
  /** Empty: it was not restarted. */
  readonly restarted_as: string;
  readonly restart_of: string | null;
}

/** Each column of a page costs a tenth of a microsecond a row: no more of them than are shown. */
const listedColumns = "id, process, key, version, status, origin, reason, created, updated";
export const runColumns = `${listedColumns}, history_gone, restarted_as, restart_of`;
const largestPage = 500;
const usualPage = 50;
/** How much older than its row an id may be. */
const idMarginMs = 600_000;

export interface RunLists {
  readonly runs: Engine["runs"];
  readonly counts: Engine["counts"];
  readonly causes: Engine["causes"];
  /** How many runs fit. */
  count(filter: RunFilter): number;
  /** Open runs of each code version that has any. */
  openByVersion(): readonly { readonly version: string; readonly runs: number }[];
}

export function summary(row: ListedRow, vault: Vault): RunSummary {
  const { id, process, key, version, status, origin, created, updated } = row;
  const reason = vault.openReason(row.reason, id);
  const shown = { id, process, key, version, status, origin, createdAt: created, updatedAt: updated };
  if (reason === undefined && !origin.startsWith("run:")) return shown;
  return {
    ...shown,
    ...(origin.startsWith("run:") ? { parent: origin.slice(4) } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
}

const quoted = (statuses: Iterable<RunStatus>): string => [...statuses].map((status) => `'${status}'`).join(", ");
const open = quoted(runStatuses.filter((status) => !finalStatuses.has(status)));

export function runLists(db: DatabaseSync, vault: Vault): RunLists {
  const processes = db.prepare(
    `with recursive found (name) as (
       select min(process) from runs
       union all select (select min(process) from runs where process > name) from found where name is not null)
     select name from found where name is not null`,
  );
  const byKey = db.prepare(`select ${listedColumns} from runs where process = ? and key = ?`);
  const countOpen = db.prepare(
    `select process, status, count(*) as runs from runs where status in (${open}) group by status, process`,
  );
  const countFinal = db.prepare("select process, status, runs from run_totals where runs > 0");
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

  /** Clauses that bound a page, and their values. Every value is bound; the text is put together from fixed pieces. */
  function bounds(filter: RunFilter): {
    readonly clauses: readonly string[];
    readonly values: readonly SQLInputValue[];
  } {
    const clauses: string[] = [];
    const values: SQLInputValue[] = [];
    const add = (clause: string, value: SQLInputValue | undefined) => {
      if (value === undefined) return;
      clauses.push(clause);
      values.push(value);
    };
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
    return { clauses, values };
  }

  /** A page of the runs that fit, newest first. */
  function page(filter: RunFilter, limit: number, cause?: string): ListedRow[] {
    const { status, process } = filter;
    const { clauses, values } = bounds(filter);
    const where = (own: readonly string[]) => {
      const all = [...own, ...clauses];
      return all.length === 0 ? "" : ` where ${all.join(" and ")}`;
    };
    if (status === undefined && process !== undefined && cause === undefined) {
      const one = `select * from (select id from runs${where(["status = ?", "process = ?"])} order by id desc limit ?)`;
      const sql = `select ${listedColumns} from runs where id in (select id from (${runStatuses.map(() => one).join(" union all ")})
        order by id desc limit ?) order by id desc`;
      const all = runStatuses.flatMap((each) => [each, process, ...values, limit]);
      return prepared(sql).all(...all, limit) as unknown as ListedRow[];
    }
    const fixed: readonly (readonly [string, string | undefined])[] = [
      ["status = ?", status],
      ["process = ?", process],
      ["cause = ?", cause],
    ];
    const own = fixed.filter(([, value]) => value !== undefined);
    const sql = `select ${listedColumns} from runs${where(own.map(([clause]) => clause))} order by id desc limit ?`;
    const given = own.map(([, value]) => value as string);
    return prepared(sql).all(...given, ...values, limit) as unknown as ListedRow[];
  }

  /** Of parked runs: a page of each cause that fits. */
  function ofCauses(filter: RunFilter, limit: number): ListedRow[] {
    const { status, process, cause, step } = filter;
    if (status !== undefined && status !== "parked") return [];
    const processes = process === undefined ? names() : [process];
    return parked
      .fitting({ cause, step })
      .flatMap((one) => processes.flatMap((name) => page({ ...filter, status: "parked", process: name }, limit, one)));
  }

  function ofKey(
    key: string,
    { process, status, before, createdFrom, createdTo, version, keyPrefix = "" }: RunFilter,
  ): ListedRow[] {
    if (!key.startsWith(keyPrefix)) return [];
    const rows = (process === undefined ? names() : [process]).flatMap(
      (name) => byKey.all(name, key) as unknown as ListedRow[],
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
    const { key, cause, step } = filter;
    if (key === undefined && cause === undefined && step === undefined)
      return page(filter, limit).map((row) => summary(row, vault));
    const rows = cause !== undefined || step !== undefined ? ofCauses(filter, limit) : ofKey(key as string, filter);
    return rows
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
      .map((row) => summary(row, vault));
  }

  function count(filter: RunFilter): number {
    const { key, cause, step, status, process } = filter;
    if (key !== undefined) return runs({ ...filter, limit: largestPage }).length;
    const { clauses, values } = bounds(filter);
    const counted = (own: readonly (readonly [string, string | undefined])[]): number => {
      const given = own.filter(([, value]) => value !== undefined);
      const all = [...given.map(([clause]) => clause), ...clauses];
      const sql = `select count(*) as n from runs${all.length === 0 ? "" : ` where ${all.join(" and ")}`}`;
      return Number(prepared(sql).get(...given.map(([, value]) => value as string), ...values)?.n);
    };
    const fixed = [
      ["status = ?", status],
      ["process = ?", process],
    ] as const;
    if (cause === undefined && step === undefined) return counted(fixed);
    if (status !== undefined && status !== "parked") return 0;
    return parked.fitting({ cause, step }).reduce(
      (sum, one) =>
        sum +
        counted([
          ["cause = ?", one],
          ["process = ?", process],
        ]),
      0,
    );
  }

  type Counts = ReturnType<Engine["counts"]>;
  const counts = (): Counts => [...countOpen.all(), ...countFinal.all()] as unknown as Counts;

  return {
    runs,
    counts,
    count,
    causes: parked.all,
    openByVersion: () => byVersion.all() as unknown as ReturnType<RunLists["openByVersion"]>,
  };
}

/** What holds in every history, whatever the process does: the engine's promises, judged by the fakes' ledger and the committed histories. */
import type { DatabaseSync } from "node:sqlite";
import { effectKey, type GotRecord, generationsOf, type HistoryRecord } from "../process/embedded/history/records.ts";
import { type StoredRow, Vault } from "../process/embedded/history/vault.ts";
import { historyRowsOf } from "../process/embedded/store/stored-run.ts";
import { finalStatuses, type RunStatus } from "../process/engine.ts";
import type { Call } from "./fakes.ts";

/** A run visibly waits for something or somebody, or for its turn. */
const atRest: ReadonlySet<RunStatus> = new Set(["waiting", "parked", "paused", "queued"]);

export function historyOf(db: DatabaseSync, run: string): HistoryRecord[] {
  const rows = db.prepare(historyRowsOf).all(run);
  return new Vault(db, undefined).records(run, rows as unknown as StoredRow[]).records;
}

/** Whether the intent that this key stands for is committed (P3). */
export function intentIsRecorded(db: DatabaseSync, run: string, key: string): boolean {
  const match = /^-(\d+)(?:-g\d+)?$/.exec(key.slice(run.length));
  if (!key.startsWith(run) || match === null) return false;
  const n = Number(match[1]);
  return historyOf(db, run).some((record) => record.t === "ask" && record.n === n);
}

/** What is broken of the promises, in words. `rest`: nothing can happen any more without somebody outside. */
export function brokenPromises(db: DatabaseSync, ledger: readonly Call[]): string[] {
  const broken: string[] = [];
  const acted = new Map<string, number>();
  for (const { acted: acts, operation, key } of ledger) {
    if (!acts) continue;
    const name = `${operation} under the key ${key}`;
    const times = (acted.get(name) ?? 0) + 1;
    acted.set(name, times);
    if (times === 2) broken.push(`no effect twice under one key: ${name} acted more than once`);
  }
  const runs = db.prepare("select id, process, key, status from runs order by id").all() as unknown as {
    readonly id: string;
    readonly process: string;
    readonly key: string;
    readonly status: RunStatus;
  }[];
  for (const { id, process, key, status } of runs) {
    const run = `${process} ${key}`;
    if (!finalStatuses.has(status) && !atRest.has(status))
      broken.push(`every run ends or visibly waits: ${run} is ${status}, and nothing goes on`);
    if (status === "rejected" || status === "undone" || status === "cancelled")
      broken.push(...notTakenBack(historyOf(db, id), id, run, ledger));
  }
  return broken;
}

/** Steps that acted, have an undo, and were not taken back though the run ended so. */
function notTakenBack(records: readonly HistoryRecord[], id: string, run: string, ledger: readonly Call[]): string[] {
  const generations = generationsOf(records);
  const results = new Map<number, GotRecord>();
  for (const record of records) if (record.t === "got") results.set(record.n, record);
  const undone = new Set<number | undefined>();
  for (const record of records)
    if (record.t === "ask" && record.v === "undo" && results.has(record.n)) undone.add(record.of);
  const broken: string[] = [];
  for (const record of records) {
    if (record.t !== "ask" || record.undo === undefined || undone.has(record.n)) continue;
    const key = effectKey(id, record.n, generations.get(record.n));
    if (ledger.some((call) => call.acted && call.key === key && call.operation === record.op))
      broken.push(`what is undone is undone wholly: ${run} acted in ${record.id}, and took nothing back`);
  }
  return broken;
}

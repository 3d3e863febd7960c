/**
 * Runs that are accepted and have not begun, in the writer thread: those whose time has not come. No worker knows of them, so what
 * happens to them is written here: that they begin, or that an operator ends them before.
 */
import type { PartContext } from "../../store/store.ts";
import type { Actor, OperatorAct, RunStatus } from "../engine.ts";
import type { HistoryRecord } from "./records.ts";
import type { StartParameters, ToFront, ToWorker } from "./wire.ts";

/** The number of a timer that begins a run; those of steps count from 1. */
export const beginTimer = 0;

/** What the other commands of the engine lend. */
export interface QueueHost {
  toWorker(version: string, message: ToWorker): void;
  toFront(message: ToFront): void;
}

export interface StoreQueue {
  /** Accepts a start for later. False: the business key is taken. */
  accept(given: StartParameters, at: number): boolean;
  /** The time of a queued run has come. */
  due(run: string): void;
  /** Ends a queued run. False where it is not queued. */
  operate(run: string, body: string): boolean;
}

interface QueuedRow {
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly created: number;
}

export function storeQueue(context: PartContext, { toWorker, toFront }: QueueHost): StoreQueue {
  const { db } = context;
  const sql = {
    insertRun: db.prepare(
      "insert into runs (id, process, key, input_hash, version, status, origin, reason, created, updated) values (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?) on conflict (process, key) do nothing",
    ),
    insertHistory: db.prepare("insert into history (run, seq, body) values (?, ?, ?)"),
    insertTimer: db.prepare("insert into timers (due, run, n) values (?, ?, ?)"),
    dropTimers: db.prepare("delete from timers where run = ?"),
    run: db.prepare("select process, key, version, status, created from runs where id = ?"),
    setStatus: db.prepare("update runs set status = ?, reason = ?, updated = ? where id = ?"),
  };

  const queued = (run: string): QueuedRow | undefined => {
    const row = sql.run.get(run) as unknown as QueuedRow | undefined;
    return row?.status === "queued" ? row : undefined;
  };
  /** Row 1: before it there is only the start, and no worker has the run yet. */
  const record = (run: string, records: readonly HistoryRecord[]): void => {
    sql.insertHistory.run(run, 1, JSON.stringify(records));
  };

  function begin(run: string, { version }: QueuedRow): void {
    const now = context.now();
    record(run, [{ t: "begin", at: now }]);
    sql.setStatus.run("running", null, now, run);
    toWorker(version, { kind: "begin", run });
  }

  return {
    accept({ run, process, key, inputHash, version, origin, body }, at) {
      const now = context.now();
      const reason = `starts at ${new Date(at).toISOString()}`;
      if (sql.insertRun.run(run, process, key, inputHash, version, origin, reason, now, now).changes === 0)
        return false;
      sql.insertHistory.run(run, 0, body);
      sql.insertTimer.run(at, run, beginTimer);
      return true;
    },
    due(run) {
      const row = queued(run);
      if (row !== undefined) begin(run, row);
    },
    operate(run, body) {
      const row = queued(run);
      if (row === undefined) return false;
      const { operation, actor } = JSON.parse(body) as { operation: OperatorAct; actor: Actor };
      const now = context.now();
      const status = operation.kind === "terminate" ? "terminated" : "cancelled";
      const { reason } = actor;
      record(run, [
        { t: "op", at: now, op: operation, actor },
        { t: "end", at: now, status, reason },
      ]);
      sql.setStatus.run(status, reason, now, run);
      sql.dropTimers.run(run);
      const { process, key, version, created: createdAt } = row;
      const failure = JSON.stringify({ reason });
      toFront({ kind: "settled", run, process, key, version, status, reason, createdAt, updatedAt: now, failure });
      return true;
    },
  };
}

/**
 * Runs that are accepted and have not begun, in the writer thread: those whose time has not come, and those whose process has limits
 * (gates.ts). No worker knows of them, so what happens to them is written here: that they begin, or that an operator ends
 * them before.
 */
import type { PartContext } from "../../../store/store.ts";
import { type Actor, finalStatuses, type OperatorAct, type RunStatus } from "../../engine.ts";
import type { HistoryRecord } from "../history/records.ts";
import type { QueueFull, StartParameters, ToFront, ToWorker } from "../wire.ts";
import { type Gates, storeGates } from "./gates.ts";
import type { HistoryRows } from "./rows.ts";
import type { RunTotals } from "./totals.ts";

/** The number of a timer that begins a run; those of steps count from 1. */
export const beginTimer = 0;

/** What the other commands of the engine lend. */
export interface QueueHost {
  toWorker(version: string, message: ToWorker): void;
  toFront(message: ToFront): void;
  readonly rows: HistoryRows;
  readonly totals: RunTotals;
}

/** Of a run with limits: what it counts for. */
export interface Placed {
  readonly process: string;
  readonly lane: string | null;
  readonly place: number;
}

export interface StoreQueue {
  readonly gates: Gates;
  /** Accepts a start that does not begin at once, under the run's number. False: the business key is taken. Refuses where the queue is full. */
  accept(given: StartParameters, number: number, at: number | undefined): boolean;
  /** The time of a queued run has come. */
  due(run: string): void;
  /** Ends a queued run. False where it is not queued. */
  operate(run: string, body: string): boolean;
  /** A run with limits has another status. */
  moved(run: string, row: Placed, status: RunStatus): void;
}

interface QueuedRow {
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly created: number;
  readonly lane: string | null;
}

const waitsForTurn = "waits for its turn";

export function storeQueue(context: PartContext, { toWorker, toFront, rows, totals }: QueueHost): StoreQueue {
  const { db } = context;
  const sql = {
    insertRun: db.prepare(
      "insert into runs (id, process, key, input_hash, version, status, origin, reason, created, updated, number, lane, place) values (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, 0) on conflict (process, key, restarted_as) do nothing",
    ),
    insertTimer: db.prepare("insert into timers (due, run, n) values (?, ?, ?)"),
    dropTimers: db.prepare("delete from timers where run = ?"),
    run: db.prepare("select process, key, version, status, created, lane from runs where id = ?"),
    setStatus: db.prepare("update runs set status = ?, reason = ?, updated = ? where id = ?"),
    endRun: db.prepare("update runs set status = ?, reason = ?, updated = ?, ended = ? where id = ?"),
    setReason: db.prepare("update runs set reason = ?, updated = ? where id = ?"),
  };
  const gates = storeGates(context, (run) => begin(run, sql.run.get(run) as unknown as QueuedRow));
  /** The start that is accepted now: where it begins in its own commit, it begins like any other. */
  let fresh: StartParameters | undefined;

  const queued = (run: string): QueuedRow | undefined => {
    const row = sql.run.get(run) as unknown as QueuedRow | undefined;
    return row?.status === "queued" ? row : undefined;
  };
  /** Row 1: before it there is only the start, and no worker has the run yet. */
  const record = (run: string, records: readonly HistoryRecord[]): void => {
    rows.put(run, 1, JSON.stringify(records));
  };

  function begin(run: string, { version }: QueuedRow): void {
    const now = context.now();
    sql.setStatus.run("running", null, now, run);
    if (fresh?.run === run) {
      const { process, key, body } = fresh;
      toWorker(version, { kind: "start", run, process, key, body });
      return;
    }
    record(run, [{ t: "begin", at: now }]);
    toWorker(version, { kind: "begin", run });
  }

  return {
    gates,
    accept(given, number, at) {
      const { run, process, key, inputHash, version, origin, body, lane } = given;
      const now = context.now();
      const reason = at === undefined ? waitsForTurn : `starts at ${new Date(at).toISOString()}`;
      const values = [run, process, key, inputHash, version, origin, reason, now, now, number, lane ?? null] as const;
      if (sql.insertRun.run(...values).changes === 0) return false;
      rows.start(run, number, body);
      if (at !== undefined) sql.insertTimer.run(at, run, beginTimer);
      else {
        fresh = given;
        const fits = gates.join(run, process, lane ?? "");
        fresh = undefined;
        if (!fits && given.beyond !== true) context.refuse({ full: true } satisfies QueueFull);
      }
      return true;
    },
    due(run) {
      const row = queued(run);
      if (row === undefined) return;
      if (row.lane === null) begin(run, row);
      else {
        sql.setReason.run(waitsForTurn, context.now(), run);
        gates.join(run, row.process, row.lane);
        gates.lending.changed(row.process, row.lane);
      }
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
      sql.endRun.run(status, reason, now, now, run);
      totals.ended(row.process, status);
      sql.dropTimers.run(run);
      const { process, key, version, created: createdAt, lane } = row;
      if (lane !== null) gates.leave(run, process, lane);
      const failure = JSON.stringify({ reason });
      toFront({ kind: "settled", run, process, key, version, status, reason, createdAt, updatedAt: now, failure });
      return true;
    },
    moved(run, { process, lane, place }, status) {
      if (lane === null) return;
      const held = status === "parked" || status === "paused";
      gates.placed(run, process, lane, place, finalStatuses.has(status) ? "over" : held ? "held" : "under way");
    },
  };
}

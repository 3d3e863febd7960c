/** Events in the writer thread: the runs that wait for one, and the signals that came. First in, first out on both sides. */
import type { PartContext } from "../../store/store.ts";
import type { AppendParameters, Delivery, SignalParameters } from "./wire.ts";

type Wait = NonNullable<AppendParameters["waits"]>[number];

export interface StoreEvents {
  addWait(run: string, wait: Wait): void;
  dropWait(run: string, n: number): void;
  dropWaits(run: string): void;
  /** Of the run's asks from this number on. */
  dropWaitsFrom(run: string, n: number): void;
  /** Keeps an event for a run to come; one that waits for it already gets it. */
  keep(given: SignalParameters): void;
  signal(given: SignalParameters): "matched" | "kept" | "duplicate";
  /** Removes a portion of what came before; answers how many rows it touched. */
  retain(before: number, portion: number): number;
}

export function storeEvents(
  context: PartContext,
  deliver: (run: string, n: number, kind: Delivery["kind"], body: string) => void,
): StoreEvents {
  const { db } = context;
  const sql = {
    insertSignal: db.prepare(
      "insert into signals (event, delivery, key, payload, at) values (?, ?, ?, ?, ?) on conflict (event, delivery) do nothing",
    ),
    keptSignal: db.prepare(
      "select id, payload from signals where event = ? and key = ? and run is null order by id limit 1",
    ),
    useSignal: db.prepare("update signals set run = ?, payload = null where id = ?"),
    insertWait: db.prepare("insert or replace into waits (event, key, run, n, due) values (?, ?, ?, ?, ?)"),
    waitFor: db.prepare("select run, n, due from waits where event = ? and key = ? order by run, n limit 1"),
    dropWait: db.prepare("delete from waits where event = ? and key = ? and run = ? and n = ?"),
    dropWaits: db.prepare("delete from waits where run = ?"),
    dropWaitsFrom: db.prepare("delete from waits where run = ? and n >= ?"),
    dropWaitOf: db.prepare("delete from waits where run = ? and n = ?"),
    dropSignals: db.prepare("delete from signals where id in (select id from signals where at < ? limit ?)"),
    insertTimer: db.prepare("insert or ignore into timers (due, run, n) values (?, ?, ?)"),
    dropTimer: db.prepare("delete from timers where due = ? and run = ? and n = ?"),
  };

  /** A signal that came early is delivered at once; else the run waits. */
  function addWait(run: string, wait: NonNullable<AppendParameters["waits"]>[number]): void {
    const kept = sql.keptSignal.get(wait.event, wait.key) as { id: number; payload: string } | undefined;
    if (kept !== undefined) {
      sql.useSignal.run(run, kept.id);
      deliver(run, wait.n, "signal", kept.payload);
      return;
    }
    sql.insertWait.run(wait.event, wait.key, run, wait.n, wait.due ?? null);
    if (wait.due !== undefined) sql.insertTimer.run(wait.due, run, wait.n);
  }

  function signal(given: SignalParameters): "matched" | "kept" | "duplicate" {
    const { event, key, payload, delivery } = given;
    const inserted = sql.insertSignal.run(event, delivery, key, payload, context.now());
    if (inserted.changes === 0) return "duplicate";
    const wait = sql.waitFor.get(event, key) as { run: string; n: number; due: number | null } | undefined;
    if (wait === undefined) return "kept";
    sql.dropWait.run(event, key, wait.run, wait.n);
    if (wait.due !== null) sql.dropTimer.run(wait.due, wait.run, wait.n);
    sql.useSignal.run(wait.run, inserted.lastInsertRowid);
    deliver(wait.run, wait.n, "signal", payload);
    return "matched";
  }

  return {
    addWait,
    dropWait: (run, n) => void sql.dropWaitOf.run(run, n),
    dropWaitsFrom: (run, n) => void sql.dropWaitsFrom.run(run, n),
    keep: (given) => void signal(given),
    dropWaits: (run) => void sql.dropWaits.run(run),
    signal,
    retain: (before, portion) => Number(sql.dropSignals.run(before, portion).changes),
  };
}

/**
 * Retention in the writer thread: removes what is older than it must be kept, in portions that are bounded by rows and by bytes, since
 * nothing else is written meanwhile. A history goes from its end; a run of which a part is left is taken up again by the next portion.
 */
import type { StatementSync } from "node:sqlite";
import type { PartContext } from "../../../store/store.ts";
import type { RetainParameters } from "../wire.ts";
import type { RunTotals } from "./totals.ts";

/** Rows of one run that are looked at in one go. */
const rowsAtOnce = 200;

/** `forget`: removes what other parts keep of a run whose history is gone. Answers how many rows were touched; 0: nothing is left to do. */
export function storeRetention(
  { db }: PartContext,
  totals: RunTotals,
  forget: (run: string) => void,
  retainSignals: (before: number, rows: number) => number,
): (given: RetainParameters) => number {
  const sql = {
    old: db.prepare("select id from runs where ended is not null and process = ? and ended < ? order by ended limit ?"),
    values: db.prepare(`select id, octet_length(body) as bytes from stored_values where run = ? limit ${rowsAtOnce}`),
    dropValue: db.prepare("delete from stored_values where id = ?"),
    history: db.prepare(
      `select id, octet_length(body) as bytes from history where run = (select number from runs where id = ?) order by seq desc limit ${rowsAtOnce}`,
    ),
    dropHistory: db.prepare("delete from history where id = ?"),
    dropTasks: db.prepare("delete from tasks where run = ?"),
    dropState: db.prepare("delete from run_states where run = ?"),
    gone: db.prepare("update runs set history_gone = 1, ended = null, number = null where id = ?"),
    dropKeys: db.prepare(
      "delete from runs where id in (select id from runs where history_gone = 1 and process = ? and updated < ? limit ?)",
    ),
  };

  return function retain({ process, historyBefore, keyBefore, rows, bytes }) {
    if (process === undefined) return retainSignals(keyBefore, rows);
    // Runs that are removed are counted down in their row.
    totals.write();
    let touched = 0;
    let left = bytes;
    /** False: there is more, and the portion is full. */
    const emptied = (run: string, some: StatementSync, drop: StatementSync): boolean => {
      for (;;) {
        const found = some.all(run) as { id: number; bytes: number }[];
        if (found.length === 0) return true;
        for (const row of found) {
          if (left <= 0 || touched >= rows) return false;
          drop.run(row.id);
          left -= row.bytes;
          touched += 1;
        }
      }
    };
    for (const { id } of sql.old.all(process, historyBefore, rows) as { id: string }[]) {
      if (!emptied(id, sql.values, sql.dropValue) || !emptied(id, sql.history, sql.dropHistory)) return touched;
      sql.dropTasks.run(id);
      sql.dropState.run(id);
      forget(id);
      sql.gone.run(id);
      touched += 1;
    }
    return touched + Number(sql.dropKeys.run(process, keyBefore, rows).changes);
  };
}

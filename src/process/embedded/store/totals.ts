/** How many ended runs are kept, by process and status: counted in the commit of each end, since counting a million rows takes too long. */
import type { DatabaseSync } from "node:sqlite";

/** Counts one more. Those that are removed are counted down by a trigger. */
export function runTotals(db: DatabaseSync): (process: string, status: string) => void {
  const up = db.prepare("update run_totals set runs = runs + 1 where process = ? and status = ?");
  const first = db.prepare("insert into run_totals (process, status, runs) values (?, ?, 1)");
  return (process, status) => {
    if (up.run(process, status).changes === 0) first.run(process, status);
  };
}

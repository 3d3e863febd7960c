/**
 * How many ended runs are kept, by process and status: counted in the commit of each end, since counting a million rows takes too long. Once for
 * all ends of a group.
 */
import type { PartContext } from "../../../store/store.ts";

export interface RunTotals {
  /** Counts one more. Those that are removed are counted down by a trigger. */
  ended(process: string, status: string): void;
  /** Writes what was counted: at the end of the group at the latest, and before something is removed. */
  write(): void;
}

interface Counted {
  readonly process: string;
  readonly status: string;
  runs: number;
}

export function runTotals({
  db,
  whenApplied,
  whenUndone,
}: Pick<PartContext, "db" | "whenApplied" | "whenUndone">): RunTotals {
  const up = db.prepare("update run_totals set runs = runs + ? where process = ? and status = ?");
  const first = db.prepare("insert into run_totals (process, status, runs) values (?, ?, ?)");
  let counted: Counted[] = [];
  function write(): void {
    for (const { process, status, runs } of counted)
      if (up.run(runs, process, status).changes === 0) first.run(process, status, runs);
    counted = [];
  }
  whenApplied(() => {
    if (counted.length > 0) write();
  });
  whenUndone(() => {
    counted = [];
  });
  return {
    ended(process, status) {
      const there = counted.find((one) => one.status === status && one.process === process);
      if (there === undefined) counted.push({ process, status, runs: 1 });
      else there.runs += 1;
    },
    write,
  };
}

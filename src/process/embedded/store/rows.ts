/**
 * Rows of histories, as the writer appends them: each once, and only behind the row before it. So a late writer is fenced off, neither a
 * first turn whose start was refused nor anything behind what was compacted away is taken.
 */
import type { PartContext } from "../../../store/store.ts";
import { rowSum } from "../history/row-sum.ts";

export interface HistoryRows {
  start(run: string, body: string): void;
  /** False if the row is there already, or the one before it is not. */
  append(run: string, seq: number, body: string): boolean;
  /** Whatever there is before it. False if the row is there already. */
  put(run: string, seq: number, body: string): boolean;
}

/** Runs that are remembered. */
const atMost = 4096;

/**
 * Which row comes next is remembered of the runs that were appended to of late: then the row before is known to be there, and is not
 * looked up. After a rollback nothing is remembered: a run that was never inserted has no first row.
 */
export function historyRows({ db, whenUndone }: Pick<PartContext, "db" | "whenUndone">): HistoryRows {
  const insert = db.prepare("insert into history (run, seq, body, sum) values (?, ?, ?, ?) on conflict do nothing");
  const insertBehind = db.prepare(
    "insert into history (run, seq, body, sum) select ?1, ?2, ?3, ?4 where exists (select 1 from history where run = ?1 and seq = ?2 - 1) on conflict do nothing",
  );
  const next = new Map<string, number>();
  whenUndone(() => next.clear());
  const remember = (run: string, seq: number) => {
    if (next.size >= atMost) next.clear();
    next.set(run, seq);
  };
  return {
    start(run, body) {
      insert.run(run, 0, body, rowSum(run, 0, body));
      remember(run, 1);
    },
    append(run, seq, body) {
      const statement = next.get(run) === seq ? insert : insertBehind;
      if (statement.run(run, seq, body, rowSum(run, seq, body)).changes === 0) return false;
      remember(run, seq + 1);
      return true;
    },
    put: (run, seq, body) => insert.run(run, seq, body, rowSum(run, seq, body)).changes > 0,
  };
}

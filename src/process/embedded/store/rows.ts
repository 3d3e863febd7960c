/**
 * Rows of histories, as the writer appends them: each once, and only behind the row before it. So a late writer is fenced off, neither a
 * first turn whose start was refused nor anything behind what was compacted away is taken.
 *
 * A row names its run by a number: the id would stand in each row and again in its index entry, and a commit would write more pages. A run
 * has its number from its insert until its history goes. So the largest one is found in the history's index, and not by a look at all
 * runs, of which there may be millions.
 */
import { NamedSlots } from "../../../slots.ts";
import type { PartContext } from "../../../store/store.ts";
import { rowSum } from "../history/row-sum.ts";

/** What an end tells of a run that has no lane and that nobody waits for. */
export interface PlainRun {
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly created: number;
}

export interface HistoryRows {
  /** For a run that is inserted now. Never given twice while the writer lives, also where the run is rolled back. */
  newNumber(): number;
  /** Throws where the number has rows already: two runs would share a history. `plain`: as it is now, where it is one. */
  start(run: string, number: number, body: string, plain?: PlainRun): void;
  /** Of a run that was begun as such a one of late, and is still as it was. */
  plain(run: string): PlainRun | undefined;
  /** It is waited for now, or has other code. */
  changed(run: string): void;
  /** False if the row is there already, or the one before it is not. */
  append(run: string, seq: number, body: string): boolean;
  /** Whatever there is before it. False if the row is there already, or the run has no history any more. */
  put(run: string, seq: number, body: string): boolean;
  /** The run's history goes, and its number with it. */
  gone(run: string): void;
}

interface Known {
  readonly number: number;
  /** Of the row that comes next: the one before is there. */
  next: number;
  plain: PlainRun | undefined;
}

/** Runs that are remembered. */
const atMost = 4096;

/**
 * Of the runs that were appended to of late the number and the next row are remembered: neither is looked up then, nor the row before; and of
 * those that began of late what their end tells, so that nearly all of them end without a look at their row.
 * After a rollback nothing is: a run that was never inserted has no number.
 */
export function historyRows({ db, whenUndone }: Pick<PartContext, "db" | "whenUndone">): HistoryRows {
  const insert = db.prepare("insert into history (run, seq, body, sum) values (?, ?, ?, ?) on conflict do nothing");
  const insertBehind = db.prepare(
    "insert into history (run, seq, body, sum) select ?1, ?2, ?3, ?4 where exists (select 1 from history where run = ?1 and seq = ?2 - 1) on conflict do nothing",
  );
  const number = db.prepare("select number from runs where id = ?");
  let last = Number(db.prepare("select coalesce(max(run), 0) as number from history").get()?.number);
  let known = new NamedSlots<Known>();
  const forget = () => {
    known = new NamedSlots();
  };
  whenUndone(() => {
    if (known.size > 0) forget();
  });
  const remember = (run: string, one: Known) => {
    if (known.size >= atMost) forget();
    known.set(run, one);
  };
  const lookedUp = (run: string) => (number.get(run)?.number ?? undefined) as number | undefined;
  return {
    newNumber: () => ++last,
    start(run, number, body, plain) {
      if (insert.run(number, 0, body, rowSum(run, 0, body)).changes === 0)
        throw new Error(`the number ${number} of run ${run} is another run's`);
      remember(run, { number, next: 1, plain });
    },
    plain: (run) => known.get(run)?.plain,
    changed(run) {
      const there = known.get(run);
      if (there !== undefined) there.plain = undefined;
    },
    append(run, seq, body) {
      const there = known.get(run);
      const number = there?.number ?? lookedUp(run);
      if (number === undefined) return false;
      const statement = there?.next === seq ? insert : insertBehind;
      if (statement.run(number, seq, body, rowSum(run, seq, body)).changes === 0) return false;
      if (there === undefined) remember(run, { number, next: seq + 1, plain: undefined });
      else there.next = seq + 1;
      return true;
    },
    put(run, seq, body) {
      const number = known.get(run)?.number ?? lookedUp(run);
      return number !== undefined && insert.run(number, seq, body, rowSum(run, seq, body)).changes > 0;
    },
    gone: (run) => known.delete(run),
  };
}

/** Retention at the front: what each process keeps, and the portions in which the rest goes, with pauses for other work between them. */
import type { Clock } from "../../../clock.ts";
import type { OpenedStore } from "../../../store/open.ts";
import type { RetainParameters } from "../wire.ts";

/** What is kept of the ended runs of one process. Times are epoch milliseconds. */
export interface Kept {
  /** Histories of runs that ended before go. */
  readonly historyBefore: number;
  /** So do the keys of runs that ended before. */
  readonly keyBefore: number;
  /** Of the histories the newest so many stay, with those that ended in the same millisecond as the last of these. */
  readonly atMost: number;
}

const rows = 500;
const bytes = 4 * 1024 * 1024;
const pauseMs = 20;

export interface RetentionParts {
  readonly store: Pick<OpenedStore, "submit" | "read">;
  readonly clock: Clock;
  readonly stopping: () => boolean;
}

/** Resolves with the rows touched. `signalsBefore`: events that came before go, those that no run took as well. */
export async function retainAll(
  { store, clock, stopping }: RetentionParts,
  keptOf: (process: string) => Kept,
  signalsBefore: number,
): Promise<number> {
  const processes = store.read
    .prepare("select process, sum(runs) as runs from run_totals group by process")
    .all() as unknown as { readonly process: string; readonly runs: number }[];
  const newest = store.read.prepare(
    "select ended from runs where ended is not null and process = ? order by ended desc limit 2 offset ?",
  );
  /** Histories that ended before go, so that the newest so many stay; many may have ended in one commit. */
  function beyond(process: string, atMost: number): number {
    const [last, next] = newest.all(process, Math.max(atMost - 1, 0)).map(({ ended }) => ended as number);
    if (atMost === 0) return (last ?? -1) + 1;
    return next === undefined || next === last ? (next ?? 0) : next + 1;
  }
  let touched = 0;
  const go = async (parameters: RetainParameters): Promise<void> => {
    while (!stopping()) {
      const answer = await store.submit([{ name: "process.retain", parameters }]);
      const portion = answer.kind === "done" ? Number(answer.answers[0]) : 0;
      touched += portion;
      if (portion === 0) return;
      await new Promise<void>((resolve) => clock.later(pauseMs, resolve, true));
    }
  };
  for (const { process, runs } of processes) {
    const { historyBefore, keyBefore, atMost } = keptOf(process);
    const before = runs > atMost ? Math.max(historyBefore, beyond(process, atMost)) : historyBefore;
    await go({ process, historyBefore: before, keyBefore, rows, bytes });
  }
  await go({ historyBefore: 0, keyBefore: signalsBefore, rows, bytes });
  return touched;
}

/** A history read back: what the code must ask again, and what it is given, in the recorded total order (P4). */
import type { ParkedQuestion } from "../engine.ts";
import type { AskRecord, GotRecord, HistoryRecord } from "./records.ts";

/** The records that order matters for; undo steps are not asked by the code. */
export type Cue = AskRecord | GotRecord | { readonly t: "pivot" };

export class Script {
  readonly records: readonly HistoryRecord[];
  readonly #cues: readonly Cue[];
  #next = 0;

  constructor(records: readonly HistoryRecord[]) {
    this.records = records;
    const undos = new Set(
      records.filter((record) => record.t === "ask" && record.v === "undo").map((record) => (record as AskRecord).n),
    );
    this.#cues = records.filter(
      (record): record is Cue =>
        record.t === "pivot" || ((record.t === "ask" || record.t === "got") && !undos.has(record.n)),
    );
  }

  /** What comes next; `undefined` once everything was replayed. */
  peek(): Cue | undefined {
    return this.#cues[this.#next];
  }

  advance(): void {
    this.#next += 1;
  }
}

/** Questions about steps that no person has answered, by step. */
export function openQuestions(records: readonly HistoryRecord[]): Map<number, ParkedQuestion> {
  const open = new Map<number, ParkedQuestion>();
  for (const record of records) {
    if (record.t === "park" && record.n !== undefined) open.set(record.n, record.q);
    else if ((record.t === "op" || record.t === "got") && record.n !== undefined) open.delete(record.n);
  }
  return open;
}

/**
 * Steps that surely were not under way when the worker was lost: the last that was recorded of them is a failed attempt that
 * took no effect, or that they were not begun. Every other step without a result may have been.
 */
export function restingSteps(records: readonly HistoryRecord[]): Set<number> {
  const resting = new Set<number>();
  const maybe = new Set<number>();
  for (const record of records) {
    if (record.t === "try") {
      if (record.f.outcome === "unknown") maybe.add(record.n);
      if (!maybe.has(record.n)) resting.add(record.n);
    } else if (record.t === "held") {
      if (!maybe.has(record.n)) resting.add(record.n);
    } else if (record.t === "again") resting.delete(record.n);
    else if (record.t === "op" && record.n !== undefined) resting.delete(record.n);
  }
  return resting;
}

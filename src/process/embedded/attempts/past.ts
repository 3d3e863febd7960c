/** What is known of the attempts of one step: derived from its records, and kept up to date while it is performed. */
import type { StoredFailure } from "../../../operation.ts";
import type { HistoryRecord } from "../history/records.ts";
import { lost } from "./own-failures.ts";
import { type Counts, kindOf } from "./policy.ts";

export interface Past {
  /** Attempts that have failed, in all. The next one has the number after it. */
  attempts: number;
  /** From when the age of the key counts: the system can't know it from before. */
  keyAt: number;
  /** When the present row of attempts began: at the intent, or when a person wanted another. */
  since: number;
  /** Failures since then that count against the policy. */
  counts: Readonly<Counts>;
  /** Attempts since then that the end of this server cut off. */
  lost: number;
  first: { readonly at: number; readonly failure: StoredFailure } | undefined;
  last: { readonly at: number; readonly failure: StoredFailure } | undefined;
  /** Whether it may have taken effect. */
  maybe: boolean;
  /** Surely not under way: the last that was recorded of it is an attempt without effect, or that it was not begun. */
  resting: boolean;
  /** When its probe found nothing. */
  notFoundAt: number | undefined;
}

/**
 * That this server ended says nothing of the system: of so many attempts that were cut off by it, the first counts. They count at all since a step that takes
 * the server along each time must park some day, and since `attempts: 1` means one.
 */
const lostPerFailure = 5;

const noCounts: Readonly<Counts> = Object.freeze({ none: 0, unknown: 0, wait: 0, "give-up": 0 });

export function newPast(since: number): Past {
  return {
    attempts: 0,
    keyAt: since,
    since,
    counts: noCounts,
    lost: 0,
    first: undefined,
    last: undefined,
    maybe: false,
    resting: false,
    notFoundAt: undefined,
  };
}

type Tried = HistoryRecord & { readonly t: "try" };

/** An attempt has failed. */
export function failedIn(past: Past, { a, at, f, said, by, m }: Omit<Tried, "t" | "n">): void {
  // A probe that fails tells nothing of the step.
  if (by === "probe") return;
  past.attempts = Math.max(past.attempts, a);
  past.first ??= { at, failure: f };
  past.last = { at, failure: f };
  if (f.outcome === "unknown" || m === true) past.maybe = true;
  past.resting = !past.maybe;
  if (by !== undefined) return;
  if (f.code === lost.code) {
    past.lost += 1;
    if (past.lost % lostPerFailure !== 1) return;
  }
  const kind = kindOf(said === undefined ? f : { ...f, retryAfterMs: said });
  past.counts = { ...past.counts, [kind]: past.counts[kind] + 1 };
}

/** An attempt is about to be made of which a record tells. `found`: the probe found nothing. */
export function againIn(past: Past, at: number, found: "nothing" | undefined): void {
  if (found === "nothing") {
    past.maybe = false;
    past.notFoundAt = at;
  }
  // The system never saw the key: its memory of it begins here.
  if (!past.maybe && past.resting) past.keyAt = at;
  past.resting = false;
}

/**
 * A person wants another row of attempts. `fresh`: it is known that it has not happened; `newKey`: it is made under the key of a new
 * generation, of which nothing is known yet.
 */
export function anotherRow(past: Past, at: number, fresh: boolean, newKey = false): void {
  past.since = at;
  past.resting = false;
  past.counts = noCounts;
  past.lost = 0;
  if (fresh || newKey) past.maybe = false;
  if (newKey) past.keyAt = at;
}

/** Of each step with records of its attempts; one that has none may be under way, and nothing more is known. */
export function pastsOf(records: readonly HistoryRecord[]): Map<number, Past> {
  const pasts = new Map<number, Past>();
  const asked = new Map<number, number>();
  const of = (n: number): Past => {
    let past = pasts.get(n);
    if (past === undefined) {
      past = newPast(asked.get(n) ?? 0);
      pasts.set(n, past);
    }
    return past;
  };
  for (const record of records) {
    if (record.t === "ask") asked.set(record.n, record.at);
    else if (record.t === "try") failedIn(of(record.n), record);
    else if (record.t === "held") {
      const past = of(record.n);
      past.resting = !past.maybe;
    } else if (record.t === "missing") {
      const past = of(record.n);
      past.maybe = false;
      past.resting = true;
      past.notFoundAt = record.at;
    } else if (record.t === "again") againIn(of(record.n), record.at, record.found);
    else if (record.t === "op" && record.n !== undefined) {
      if (record.op.kind === "retry" || record.op.kind === "repeat" || record.g !== undefined)
        anotherRow(of(record.n), record.at, record.op.kind === "repeat", record.g !== undefined);
    } else if (record.t === "got") pasts.delete(record.n);
  }
  return pasts;
}

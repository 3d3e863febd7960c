/**
 * What a run sent to its systems, as far as its history tells: each call with the keys it was sent under, its attempts, what probes and people said
 * of it, and how it ended. Facts; what follows from them is said by `verdicts.ts`.
 */
import type { Effect, StoredFailure } from "../operation.ts";
import type { RunSummary } from "./engine.ts";

/** A failed attempt. Times are epoch milliseconds. */
export interface AttemptTrace {
  readonly number: number;
  readonly at: number;
  readonly failure: StoredFailure;
  /** It surely had no effect; one before it, that the end of a server cut off, may have had. */
  readonly afterLost?: true;
}

/** What was found out about the attempts before, or said of them. */
export type SaidOfAttempts =
  | { readonly what: "probe-found" | "probe-nothing"; readonly at: number }
  | { readonly what: "probe-failed"; readonly at: number; readonly message: string }
  /** A person answered: it happened; it did not, repeat; try again; under a new key with another input; or how the run ends. */
  | {
      readonly what: "happened" | "repeat" | "retry" | "edit";
      readonly at: number;
      readonly by: string;
      readonly reason: string;
      /** The system had forgotten the key by then. */
      readonly expired?: true;
    };

/** What was sent under one key. */
export interface KeyTrace {
  readonly generation: number;
  /** Effect key, as it was sent. */
  readonly key: string;
  /** Since when it counts. */
  readonly at: number;
  /** Those that failed, and are on record. */
  readonly failed: readonly AttemptTrace[];
  /** All that are known of, the last one included. */
  readonly attempts: number;
  readonly said: readonly SaidOfAttempts[];
  /** An attempt under this key may have taken effect, and nothing since says that it did not; of one that has its result: an attempt before the last. */
  readonly maybe: boolean;
  /** How often attempts that may have taken effect were taken for ones that had not, by the word of whom. */
  readonly cleared: { readonly probe: number; readonly person: number };
  /** When a server or a worker began while an attempt may have been under way: what that one did is in no record. */
  readonly cut: readonly number[];
  /**
   * `answered`, `fault`: by the system. `found`: by its probe. `given`: by a person. `absent`: its probe found nothing, when it was to be undone. `asks`: a
   * person is asked. `pausing`: the next attempt is at `nextAt`. `held`: it was not begun by then. `underway`: no more is known. `left`: the run undid
   * what it had done before more was known. `replaced`: a newer key took its place.
   */
  readonly state:
    | "answered"
    | "fault"
    | "found"
    | "given"
    | "absent"
    | "asks"
    | "pausing"
    | "held"
    | "underway"
    | "left"
    | "replaced";
  /** It happened, and its result can't be recorded: a person is asked for another. */
  readonly unrecorded?: true;
  /** An attempt may be under way, or may have been when the run ended: there is no record that says otherwise. */
  readonly running: boolean;
  readonly nextAt?: number;
}

export interface CallTrace {
  /** Number of what the run asked; it stands in the effect key. */
  readonly n: number;
  /** Name and occurrence, as in the run's history. */
  readonly step: string;
  readonly kind: "call" | "step" | "undo";
  /** `system.operation`; absent: a step of the process's own. */
  readonly operation?: string;
  readonly effect: Effect;
  readonly at: number;
  readonly endedAt?: number;
  readonly fault?: { readonly name: string; readonly message: string };
  /** Of an item of a map: its step and index. */
  readonly item?: { readonly map: string; readonly index: number };
  /** A rewind went back to before it: it counts no more for the code. */
  readonly superseded?: true;
  /** The oldest first; never empty. */
  readonly keys: readonly KeyTrace[];
  /** Operation that takes it back. */
  readonly undo?: string;
  /** Of an undo: `n` of the step that it takes back, and its generation where that is not the last. */
  readonly of?: { readonly n: number; readonly generation?: number };
}

export interface RunTrace {
  readonly run: RunSummary;
  readonly restartOf?: string;
  readonly restartedAs?: string;
  /** The history was removed by retention: there are no calls. */
  readonly historyGone?: true;
  /** Some of the history can't be read. */
  readonly unreadable?: string;
  /** In the order in which they were asked. */
  readonly calls: readonly CallTrace[];
  /** Child runs, in the order in which they were asked for; at most 500. */
  readonly children: readonly string[];
  /** Of numbers up to this one some are not on record any more: of earlier parts (`flow.continueAs`), and of items of maps that are over. */
  readonly foldedUpTo?: number;
}

/** Times between two others at which a server or a worker of it began. */
export type BeganBetween = (from: number, to: number) => readonly number[];

export interface Traces {
  /** `undefined`: there is no such run. Reads all of its history. */
  trace(run: string, began: BeganBetween, now: number): RunTrace | undefined;
}

/** The run, number and generation that an effect key was made of; `undefined` where it is none. */
export function effectKeyParts(
  key: string,
): { readonly run: string; readonly n: number; readonly generation: number } | undefined {
  const [, run, n, generation = "1"] = /^([0-9a-hjkmnp-tv-z]{20})-(\d{1,9})(?:-g(\d{1,6}))?$/.exec(key) ?? [];
  return run === undefined ? undefined : { run, n: Number(n), generation: Number(generation) };
}

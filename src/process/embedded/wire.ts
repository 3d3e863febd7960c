/** Parameters of the engine's store commands, and what is posted between front, writer and worker. JSON travels as text. */
import type { Command } from "../../store/store.ts";
import type { Actor, OperatorAct, RunStatus } from "../engine.ts";
import type { Verdict } from "./verdict.ts";

export interface StartParameters {
  /** The front has told the worker too, so that the run's first turn rides in the commit of its start. */
  readonly told: boolean;
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly inputHash: string;
  readonly version: string;
  readonly origin: string;
  /** The history's row 0. */
  readonly body: string;
  readonly values?: readonly StoredValue[];
  /** Begins at this time; until then it is queued. */
  readonly at?: number;
  /** The process has limits: the key that it counts for. */
  readonly lane?: string;
  /** It may stand in a queue that is full. */
  readonly beyond?: true;
  /** A restart of this run. */
  readonly restartOf?: string;
  /** Of a restart: its input was not given by the operator. */
  readonly sameInput?: true;
}
export interface RestartParameters {
  readonly of: string;
  readonly start: StartParameters;
  /** The act that ends the run first, if it is not final. */
  readonly act: OperateParameters;
}
/** The refusal of a start where too many wait for their turn. */
export interface QueueFull {
  readonly full: true;
}
/** The refusal of a start whose key is taken. */
export interface KeyTaken {
  readonly run: string;
  readonly status: RunStatus;
  /** Of the input of the run there is. */
  readonly inputHash: string;
}

/** Everything that one turn of a run's code brought, as one commit. */
export interface AppendParameters {
  readonly run: string;
  readonly seq: number;
  /** JSON list of records, or the stored form of one (vault.ts). */
  readonly body: string;
  /** That stand beside the history. */
  readonly values?: readonly StoredValue[];
  /** Present when it changed. */
  readonly status?: RunStatus;
  readonly reason?: string | null;
  /** Of a run that is parked now; null: it was parked, and is not. */
  readonly cause?: string | null;
  /** The status before was parked or paused: the run takes its place again. */
  readonly resumed?: true;
  /** Rows of the inbox that are now in the history. */
  readonly consume?: readonly number[];
  readonly timers?: readonly { readonly n: number; readonly due: number }[];
  readonly waits?: readonly {
    readonly n: number;
    readonly event: string;
    readonly key: string;
    readonly due?: number;
    /** What comes late is dropped. */
    readonly drops?: true;
  }[];
  readonly tasks?: readonly NewTask[];
  /** Steps whose wait, timer or task is over. A signal that was delivered and not taken in goes back. */
  readonly release?: readonly number[];
  /** What the run shows of itself now. */
  readonly shown?: string;
  readonly children?: readonly NewChild[];
  /** Of an undo: child runs that are to be cancelled. `body`: JSON of operation and actor. */
  readonly recalls?: readonly {
    readonly n: number;
    readonly process: string;
    readonly key: string;
    readonly body: string;
  }[];
  /** The next part of the run: the rows before this one go. */
  readonly anew?: boolean;
  /** Waits, timers and tasks that are over (the run ended or undoes). */
  readonly drop?: boolean;
  /** Waits, timers and tasks of superseded steps are over; the events that they took are kept again. */
  readonly rewind?: Rewind;
  /** Of an end: a start may follow it. */
  readonly restarts?: true;
  /** Of an end: what the front is told. */
  readonly settled?: { readonly out?: string; readonly failure?: string };
}

/** An append that is a row and nothing else. A list: it is cloned for each step, and an object takes twice as long. */
export type RowParameters = readonly [run: string, seq: number, body: string];

/** The command of an append. */
export function appendCommand(given: AppendParameters): Command {
  const { run, seq, body } = given;
  return Object.keys(given).length === 3
    ? { name: "process.row", parameters: [run, seq, body] satisfies RowParameters }
    : { name: "process.append", parameters: given };
}

/** The append of such a command; nothing, if it is another one. */
export function appendIn(name: unknown, parameters: unknown): AppendParameters | undefined {
  if (name === "process.append") return parameters as AppendParameters;
  if (name !== "process.row") return undefined;
  const [run, seq, body] = parameters as RowParameters;
  return { run, seq, body };
}
/** An act as it lies in the inbox. */
export interface ActDelivery {
  readonly operation: OperatorAct;
  readonly actor: Actor;
  /** The step whose question the operator saw. */
  readonly n?: number;
  /** Of a rewind: the number of the step. */
  readonly to?: number;
}

/** A value that stands beside the history, in parts. */
export interface StoredValue {
  readonly hash: string;
  readonly parts: readonly string[];
}
export interface Rewind {
  /** Number of the first superseded step. */
  readonly from: number;
  /** Of superseded receives. Without a payload: it may lie in the inbox. */
  readonly events: readonly {
    readonly n: number;
    readonly event: string;
    readonly key: string;
    readonly payload?: string;
  }[];
}
export interface NewTask {
  readonly n: number;
  readonly id: string;
  readonly process: string;
  readonly runKey: string;
  readonly name: string;
  readonly title: string;
  readonly assign: string;
  readonly input: string;
  readonly form: string;
  readonly due?: number;
}

/** The rows of a run up to `seq` as one row that says the same. */
export interface CompactParameters {
  readonly run: string;
  readonly seq: number;
  /** How many there were when they were read. */
  readonly rows: number;
  readonly body: string;
  readonly values?: readonly StoredValue[];
}

/** A child run; it begins in the commit of its parent's ask. */
export interface NewChild {
  readonly n: number;
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly inputHash: string;
  /** The history's row 0, in its stored form. */
  readonly body: string;
  readonly values?: readonly StoredValue[];
  readonly lane?: string;
  /** Whether the parent waits for its end. */
  readonly wait: boolean;
}

/**
 * What a run is told of its child `run`. No value is in it: how the child
 * ended stands in its history. `taken`: its key belongs to a run whose input has this hash. `left`: the run undoes, and this is not a child
 * of its own.
 */
export type ChildNews =
  | { readonly kind: "started" | "left" | "ended"; readonly run: string }
  | { readonly kind: "taken"; readonly run: string; readonly inputHash: string };

/** One portion of retention: of a process, or (without one) of the events. */
export interface RetainParameters {
  readonly process?: string;
  readonly historyBefore: number;
  readonly keyBefore: number;
  /** How much one portion touches, at most; at least one row. */
  readonly rows: number;
  readonly bytes: number;
}

export interface SignalParameters {
  readonly event: string;
  readonly key: string;
  readonly payload: string;
  readonly delivery: string;
}
export interface AnswerParameters {
  readonly task: string;
  readonly answer: string;
  readonly by: string;
}
export interface OperateParameters {
  readonly run: string;
  /** JSON of operation and actor. */
  readonly body: string;
  /** The same as it is stored. */
  readonly stored: string;
}

/** Writer to a worker. */
export type ToWorker =
  | ({ readonly kind: "start" } & NewRun)
  /** As `start`, for a run that the front told of already. */
  | { readonly kind: "started"; readonly run: string }
  /** A run that was queued begins: it is read from the store. */
  | { readonly kind: "begin"; readonly run: string }
  | { readonly kind: "deliver"; readonly run: string; readonly delivery: Delivery };

/** A run that begins; `body` is the history's row 0. */
export interface NewRun {
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly body: string;
}

export interface Delivery {
  /** Row in the inbox. */
  readonly id: number;
  readonly n: number;
  /** `halt`: its code is not to be run; the body says why. */
  readonly kind: "signal" | "timer" | "answer" | "child" | "operate" | "halt";
  readonly body: string;
}

/** Writer to the front. */
export type ToFront =
  | {
      readonly kind: "settled";
      readonly run: string;
      readonly process: string;
      readonly key: string;
      readonly version: string;
      readonly status: RunStatus;
      readonly reason?: string;
      readonly createdAt: number;
      readonly updatedAt: number;
      readonly out?: string;
      readonly failure?: string;
    }
  /** A run began that the front did not start: a child. */
  | {
      readonly kind: "begun";
      readonly run: string;
      readonly process: string;
      readonly key: string;
      readonly version: string;
    }
  /** A run of a version that has no worker has something to do. */
  | { readonly kind: "worker-needed"; readonly version: string };

/** A run goes on with the code of another version. Refused with `changed`. */
export interface MoveParameters {
  readonly run: string;
  readonly from: string;
  readonly to: string;
  readonly seq: number;
  /** JSON list of the record of the move. */
  readonly body: string;
  /** Its code was stopped, and runs again. */
  readonly goesOn: boolean;
}

/** How a move went. `changed`: the run ended, was moved, or went on meanwhile. */
export type MoveAnswer =
  | { readonly kind: "moved"; readonly goesOn: boolean }
  | { readonly kind: "refused"; readonly verdict: Verdict }
  | { readonly kind: "changed" };

/** Name of a worker's port. */
export function portName(version: string): string {
  return `worker:${version}`;
}

/** Front to a worker, on the control port. */
export type ToWorkerControl =
  | { readonly kind: "stop"; readonly ms: number }
  /**
   * Runs whose start has been handed to the writer. Their code may run, since nothing leaves before a commit; where the writer
   * refuses the start it refuses the first append too.
   */
  | { readonly kind: "starts"; readonly runs: readonly NewRun[] }
  /** Let the run go, and say so. */
  | { readonly kind: "release"; readonly run: string }
  /** It stays with this worker after all. */
  | { readonly kind: "keep"; readonly run: string }
  /** Take the run over from version `from`, if its history can be followed here. */
  | { readonly kind: "adopt"; readonly run: string; readonly from: string; readonly actor: Actor };

/** A worker to the front, on the control port. */
export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "attempts"; readonly counts: readonly AttemptCount[] }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "released"; readonly run: string }
  | { readonly kind: "adopted"; readonly run: string; readonly answer: MoveAnswer }
  | { readonly kind: "stopped" };

/** `outcome`: `ok`, or class and outcome of the failure: `retry/unknown`. */
export interface AttemptCount {
  readonly what: string;
  readonly outcome: string;
  readonly times: number;
  /** Together. */
  readonly ms: number;
}

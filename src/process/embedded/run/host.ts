/** What an execution gets from its worker, and what the parts of an execution use of each other. */
import type { AnyOperation, Caller, Json, Validate } from "../../../operation.ts";
import type { RetryPolicy } from "../../../retry.ts";
import type { AnyProcess } from "../../define.ts";
import type { ParkedQuestion, RunStatus } from "../../engine.ts";
import type { Gate } from "../attempts/gate.ts";
import type { Surroundings } from "../attempts/work.ts";
import type { ValueLimits } from "../history/json-text.ts";
import type { HistoryRecord } from "../history/records.ts";
import type { Vault } from "../history/vault.ts";
import type { StoredEnd } from "../store/stored-run.ts";
import type { Journal } from "./journal.ts";
import type { Mail, Step, Steps } from "./steps.ts";

/** What a worker lends to its executions. */
export interface Host extends Surroundings {
  readonly caller: Caller;
  /** The stored form of what runs hold. */
  readonly vault: Vault;
  /** Of the values that histories take. */
  readonly valueLimits: ValueLimits;
  /** An operation by `system.name`, for undo after a crash. */
  operation(name: string): AnyOperation | undefined;
  /** What the settings of a system say of repeats. */
  systemRetry(system: string): RetryPolicy | undefined;
  /** Time that they give one attempt. */
  systemTimeoutMs(system: string): number | undefined;
  /** What stands before a system. */
  gate(system: string): Gate | undefined;
  /** Place of a stack in the version's sources, where that is known: `processes/order.ts:12`. */
  readonly where?: ((stack: string) => string | undefined) | undefined;
  /** Puts the history of a run together, without what it no longer needs. Calls `done` with how many records are gone, and how many characters are left. */
  compact(execution: Held, done: (gone: number, left: number) => void): void;
  /** How a run of the store ended. */
  endOf(run: string): StoredEnd | undefined;
  /** The history of a run as it is on disk now. */
  recordsOf(run: string): readonly HistoryRecord[];
  /** Id of a run that begins. */
  newRun(): string;
  /** A process of this code version. */
  process(name: string): { readonly validateInput: Validate } | undefined;
  /** Nothing new may be begun. */
  readonly stopping: boolean;
  /** Something is to be written. */
  changed(execution: Held): void;
  /** Mail is waiting and the execution is free to take it. */
  ready(execution: Held): void;
  /** Code was given something: call `drained` when the microtasks have run dry. */
  awoke(execution: Held): void;
  /** The run has ended, and its end is on disk. */
  ended(execution: Held): void;
  /** Forget this execution, and load the run from the store again. */
  reload(execution: Held): void;
}

export interface Identity {
  readonly id: string;
  readonly key: string;
  readonly process: string;
  readonly version: string;
}

/** What an execution is made of. `process` is absent where the code version has none of the name. */
export interface ExecutionParts {
  readonly host: Host;
  readonly identity: Identity;
  readonly process: AnyProcess | undefined;
  /** Of the process. */
  readonly retry: RetryPolicy | undefined;
  readonly validateOutput: Validate;
  readonly validateState: Validate;
  readonly journal: Journal;
  readonly records: readonly HistoryRecord[];
  /** Why some of the history can't be read. */
  readonly unreadable?: string | undefined;
}

/** An execution as its worker holds it. */
export interface Held {
  readonly identity: Identity;
  readonly journal: Journal;
  /** Whether code is running. */
  readonly awake: boolean;
  /** Gives the code the next result. */
  takeMail(): void;
  /** The microtasks have run dry. */
  drained(): void;
  /** After an error of the two above: stops the run if something could not be read, throws anything else again. */
  failedToRead(error: unknown): void;
  /** Breaks off what is under way: the worker is being stopped for good. */
  abort(): void;
}

/** The state of an execution that its parts share. */
export interface Running extends Held {
  readonly host: Host;
  /** Of the process. */
  readonly retry: RetryPolicy | undefined;
  readonly steps: Steps;
  readonly phase: "code" | "stopped" | "paused" | "undoing" | "ended";
  readonly pivoted: boolean;
  /** It is being let go: nothing is begun. */
  readonly settling: boolean;
  /** Its end is followed by a start. */
  restarting: boolean;
  /** A step has its result; it waits for its turn. */
  post(mail: Mail): void;
  /** A step can't go on by itself. */
  park(step: Step, question: ParkedQuestion): void;
  /** Derives the status that people see. */
  restate(): void;
  /** Number of the next ask. */
  nextAsk(): number;
  /** Begins the end: undoes what took effect, then ends as said. */
  undo(as: UndoAs, reason: string, detail: Json | undefined): void;
  /** The undo goes on; the run ends as said. */
  endAs(as: UndoAs, reason: string): void;
  /** A person wants a failed undo tried again. */
  undoAgain(step: Step): void;
  /** Nothing new is begun until the run goes on `again`. */
  pause(reason: string): void;
  /** Supersedes what was asked from this step on; the code goes on from before it (a paused one at its resume). */
  rewind(to: number): void;
  /** Stopped or paused code starts anew from the history. */
  again(): void;
  /** Ends the run. `out` is the output as JSON text. */
  end(status: RunStatus, reason: string | undefined, detail: Json | undefined, out: string | undefined): void;
}

/** How a run ends that is undone. */
export type UndoAs = "rejected" | "undone" | "cancelled";

/** Steps without a result. */
export function openSteps(steps: Steps): Step[] {
  return steps.open();
}

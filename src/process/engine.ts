/**
 * The engine's port: durable verbs from outside. Another engine may keep its own journal; nothing here speaks of one.
 * Everything that is accepted is on disk before its promise resolves (P1).
 */
import type { Effect, Json, JsonSchema, StoredFailure } from "../operation.ts";
import type { BulkAct, BulkJob, BulkPreview, Preview, RunRefusal } from "./acts.ts";
import type { TaskFilter, TaskStatus } from "./task.ts";

/**
 * `queued`: accepted, and waits for its turn or its time to begin. `paused`: an operator stopped it for a while. `parked`: it asks a
 * person. `completed`, `rejected`, `undone`, `cancelled` and `terminated` are final (P6).
 */
export const runStatuses = [
  "queued",
  "running",
  "waiting",
  "paused",
  "parked",
  "undoing",
  "completed",
  "rejected",
  "undone",
  "cancelled",
  "terminated",
] as const;
export type RunStatus = (typeof runStatuses)[number];

export const finalStatuses: ReadonlySet<RunStatus> = new Set([
  "completed",
  "rejected",
  "undone",
  "cancelled",
  "terminated",
]);

export interface StartCommand {
  readonly process: string;
  readonly key: string;
  /** Validated by the caller. */
  readonly input: Json;
  /** Who or what started it: `api:orders 1.0.0 placeOrder acme`, `cli:alice`. */
  readonly origin: string;
  /** Code version that its input was checked for. Default: the one promoted. */
  readonly version?: string;
  /**
   * Begins at this time (epoch milliseconds), and is `queued` until then; in the past: at once. At most ten years ahead, else
   * `start-time`.
   */
  readonly at?: number;
  /**
   * Commands of other rooms to be done in the same commit, before the start (an idempotency reservation). They are
   * the store's commands; if one refuses, nothing is started. `$run` in their parameters stands for the run's id.
   */
  readonly alongside?: readonly AlongsideCommand[];
}
export interface AlongsideCommand {
  readonly name: string;
  readonly parameters: Json;
}

/**
 * One run per process and business key. `started`: new. `exists`: the same key with the same input; the run there is, whatever
 * its status, also after its history was removed. A key with another input is refused with `run-key-conflict`.
 */
export type StartAnswer =
  | { readonly kind: "started"; readonly run: string }
  | { readonly kind: "exists"; readonly run: string; readonly status: RunStatus }
  | { readonly kind: "refused"; readonly by: string; readonly answer: Json };

export interface SignalCommand {
  readonly system: string;
  readonly event: string;
  /** Correlation key. */
  readonly key: string;
  readonly payload: Json;
  /** Unique id of the delivery: the second one is a no-op. */
  readonly delivery: string;
}

/** An operator's act; each is recorded with who and why. */
export type OperatorAct =
  /** Of a parked run: tries again. Of one that pauses between attempts: the next attempt at once. */
  | { readonly kind: "retry" }
  /** Nothing new is begun: an attempt under way ends and is recorded, the code and the undo get nothing, what comes waits. */
  | { readonly kind: "pause" }
  /** Ends the pause: the run goes on where it was. */
  | { readonly kind: "resume" }
  /** Answers the parked question: it happened, here is the result. */
  | { readonly kind: "happened"; readonly result: Json }
  /**
   * Answers the parked question of a call or an undo: calls with this input, under a new key (P3). Replay still checks the code's own
   * input. Validated by the caller.
   */
  | { readonly kind: "edit"; readonly input: Json }
  /**
   * Of a parked or paused run: goes back to before the step `to` (its id). It and all that was asked after it are superseded, not
   * altered; the code asks anew, under new keys. What was done stays known to undo. A pivot that was passed stays passed.
   */
  | { readonly kind: "rewind"; readonly to: string }
  /** Answers the parked question: it did not happen; repeat under the same key. */
  | { readonly kind: "repeat" }
  /**
   * A new run of the same process and business key, with the same or this input (validated by the caller). The two name each other,
   * and the key means the new one. Of a run that is final, or of a parked one, which is cancelled (undone) or terminated first;
   * default: cancelled. The new one begins when the old one is final.
   */
  | { readonly kind: "restart"; readonly input?: Json; readonly first?: "cancel" | "terminate" }
  /** Undoes, and ends as `undone`. */
  | { readonly kind: "undo" }
  /** Undoes, and ends as `cancelled`. Valid in every state that is not final. */
  | { readonly kind: "cancel" }
  /** Ends at once, undoes nothing. */
  | { readonly kind: "terminate" };

export interface Actor {
  readonly by: string;
  readonly reason: string;
}

export interface RunSummary {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly origin: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The run that started it as its child. */
  readonly parent?: string;
  /** Why it waits or is parked; absent when running or ended well. */
  readonly reason?: string;
}

export interface RunDetail extends RunSummary {
  readonly input: Json;
  /** In the place of `input`, which is null then. */
  readonly inputReference?: ValueReference;
  /** What it showed last with `flow.state`. */
  readonly state?: Json;
  /** Of a completed run. */
  readonly output?: Json;
  /** In the place of `output`. */
  readonly outputReference?: ValueReference;
  /** Of a rejected, undone or cancelled run. */
  readonly failure?: { readonly reason: string; readonly detail?: Json };
  readonly parked?: AskedQuestion;
  /** Runs that it started or waits for, at most 500. */
  readonly children?: readonly ChildRun[];
  readonly steps: readonly StepView[];
  /** The run that this one is a restart of. */
  readonly restartOf?: string;
  /** The run that this one was restarted as. */
  readonly restartedAs?: string;
  /** Which part of the run this is, where it has gone on with `flow.continueAs`: from 2 on. */
  readonly part?: number;
  /** The history grows long: at 10,000 records the run stops and asks. */
  readonly warning?: string;
  /** The history was removed by retention; only key, status and times are left. */
  readonly historyGone?: true;
}

/** A child run as its parent sees it. */
export interface ChildRun {
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly status: RunStatus;
}

/** A question as it is asked now. `number` counts the run's questions from 1: an act that names it is refused once it is stale. */
export type AskedQuestion = ParkedQuestion & {
  readonly number: number;
  /** `n` of the step that it is about; absent where the code itself can't go on. */
  readonly n?: number;
};

/** What is known of a step that can't go on by itself. Times are epoch milliseconds. */
export interface KnownOfStep {
  readonly effect: Effect;
  /** Sent with every attempt; look for it in the system. */
  readonly key: string;
  readonly attempts: number;
  readonly firstFailedAt?: number;
  readonly lastFailedAt?: number;
  /** Whether any attempt may have taken effect. */
  readonly mayHaveHappened: boolean;
  /** Until when the system honours the key, where that is limited. */
  readonly keyUntil?: number;
  /** When the step's probe found nothing, and the settle time was over. */
  readonly probeFoundNothingAt?: number;
}

/** Why a run is parked, what is known, and what each answer will do. */
export interface ParkedQuestion {
  readonly code: string;
  readonly message: string;
  readonly step?: string;
  /** Place in the code, where the code is the reason: `processes/order.ts:12`. */
  readonly at?: string;
  readonly failure?: StoredFailure;
  readonly known?: KnownOfStep;
  readonly answers: readonly { readonly kind: OperatorAct["kind"]; readonly effect: string }[];
  /** Divergence: what the history holds and what the code asked. */
  readonly recorded?: Json;
  readonly asked?: Json;
}

/** A value that is too large to be shown with its run; `Engine.value` has it. */
export interface ValueReference {
  readonly hash: string;
  /** Of its JSON text. */
  readonly bytes: number;
}

/** One entry of a run's history as people see it, in recorded order. */
export interface StepView {
  readonly position: number;
  /** Number of what the run asked; it stands in the effect key. */
  readonly n?: number;
  /** Name and occurrence: `warehouse.reserveStock`, `erp.lookup#2`. */
  readonly id: string;
  readonly kind:
    | "begin"
    | "call"
    | "step"
    | "sleep"
    | "receive"
    | "task"
    | "log"
    | "child"
    | "map"
    | "undo"
    | "pivot"
    | "operator"
    | "end"
    | "park";
  /** `released`: a wait that lost a race. */
  readonly status: "open" | "done" | "fault" | "timeout" | "failed" | "released";
  readonly at: number;
  readonly endedAt?: number;
  readonly effect?: string;
  /** Of a call or an undo: `system.operation`; of a receive: `system.event`; of a child: its process. */
  readonly operation?: string;
  /** Of what is sent; of a child: its business key. */
  readonly key?: string;
  /** Operation that takes it back. */
  readonly undo?: string;
  /** Of an undo: `n` of the step that it takes back. */
  readonly of?: number;
  /** Of a map: items that are over, if any. What they did is not shown step by step. */
  readonly itemsOver?: number;
  readonly attempts?: number;
  readonly input?: Json;
  /** What was sent instead of the code's own `input`: an operator edited it. */
  readonly editedInput?: Json;
  readonly inputReference?: ValueReference;
  readonly output?: Json;
  readonly outputReference?: ValueReference;
  readonly failure?: StoredFailure;
  /** Of an open step that failed: when the next attempt is due, in epoch milliseconds. */
  readonly nextAttemptAt?: number;
  /** A rewind went back to before it: it counts no more for the code; its effect stays known to undo. */
  readonly superseded?: true;
  /** Asked between a wait and the race that it lost: no rewind goes back to before it, since the wait would be open again. */
  readonly inRace?: true;
  readonly note?: string;
}

/** Parked runs of a process that are parked for the same reason. */
export interface Cause {
  /** Its id, for filters. */
  readonly cause: string;
  readonly process: string;
  /** Of the question. */
  readonly code: string;
  readonly step?: string;
  /** Code of the failure. */
  readonly failure?: string;
  /** Without what differs from run to run: numbers, ids, keys. */
  readonly message: string;
  readonly runs: number;
  /** Since when the first of them is parked, and which it is. */
  readonly oldestAt: number;
  readonly example: string;
}

/** The run with its input and output, however large. */
export function wholeRun(run: RunDetail, value: Engine["value"]): RunDetail {
  const { inputReference: input, outputReference: output, ...rest } = run;
  if (input === undefined && output === undefined) return run;
  return {
    ...rest,
    ...(input === undefined ? {} : { input: value(run.id, input.hash) as Json }),
    ...(output === undefined ? {} : { output: value(run.id, output.hash) as Json }),
  };
}

export interface RunFilter {
  readonly process?: string;
  readonly status?: RunStatus;
  readonly key?: string;
  /** Beginning of the business key. */
  readonly keyPrefix?: string;
  /** Code version. */
  readonly version?: string;
  /** Of parked runs: the id of their cause, or the code of their question. */
  readonly cause?: string;
  /** Of parked runs: the step that is asked about. */
  readonly step?: string;
  readonly createdFrom?: number;
  readonly createdTo?: number;
  /** Id of the last run of the page before; newest first. */
  readonly before?: string;
  /** Default 50, at most 500. */
  readonly limit?: number;
}

export interface TaskView {
  readonly id: string;
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly name: string;
  readonly title: string;
  readonly assign: string;
  readonly input: Json;
  /** In the place of `input`, which is null then. */
  readonly inputReference?: ValueReference;
  /** Why `input`, which is null then, can't be read. */
  readonly unreadable?: string;
  /** JSON Schema of an answer. */
  readonly form: JsonSchema;
  readonly status: TaskStatus;
  readonly createdAt: number;
  readonly dueAt?: number;
}

/**
 * `matched`: a run was waiting. `kept`: for a run to come. `dropped`: it came late, and the last receive of its event and key said that
 * such are dropped. `duplicate`: this delivery was here before. All are success.
 */
export type SignalAnswer = "matched" | "kept" | "dropped" | "duplicate";

export interface Engine {
  start(command: StartCommand): Promise<StartAnswer>;
  signal(command: SignalCommand): Promise<SignalAnswer>;
  /** Refused with `task-unknown` or `task-closed`. The answer was validated by the caller. */
  answer(task: string, answer: Json, actor: Actor): Promise<void>;
  /**
   * Resolves with the new run of a restart. Refused with `run-unknown`, `run-ended`, `run-restarted` (there is a newer run), `run-operation` (not possible in its state, naming what is), `run-step-unknown` (a rewind to
   * a step that it does not have), or `question-stale`: the run no longer asks the `question` (its number) that the operator saw.
   */
  operate(run: string, act: OperatorAct, actor: Actor, question?: number): Promise<{ readonly run: string }>;
  /** Refused with `run-unknown`. */
  preview(run: string, act: OperatorAct): Preview;
  bulkPreview(filter: RunFilter, act: BulkAct): BulkPreview;
  /**
   * Acts on all runs that the filter finds now, in the background, in portions; on disk when this resolves. Refused with `runs-changed`
   * if there are not `expect` of them.
   */
  bulk(filter: RunFilter, act: BulkAct, actor: Actor, expect: number): Promise<BulkJob>;
  /** The newest hundred. */
  bulkJobs(): readonly BulkJob[];
  /** With the runs that refused, at most 500. Refused with `bulk-unknown`. */
  bulkJob(id: string): BulkJob & { readonly refusals: readonly RunRefusal[] };
  /** What was done stays done. Refused with `bulk-unknown`. */
  bulkStop(id: string): Promise<void>;
  /** Resolves when the run is final or parked, or after `ms` (then with its present state). */
  settled(
    run: string,
    ms: number,
  ): Promise<RunSummary & { readonly output?: Json; readonly failure?: RunDetail["failure"] }>;

  /** Values of more than 128 kB are named by their references. */
  run(id: string): RunDetail | undefined;
  /** A value that a run names by its hash. Throws `value-unreadable`. */
  value(run: string, hash: string): Json | undefined;
  runByKey(process: string, key: string): RunDetail | undefined;
  /** A text that is another whenever the run under this key shows something else of itself: its status, its state, its end. One look at an index. */
  mark(process: string, key: string): string | undefined;
  runs(filter: RunFilter): readonly RunSummary[];
  /** Parked runs grouped by cause, the largest group first. */
  causes(): readonly Cause[];
  /** Oldest first. */
  tasks(filter: TaskFilter): readonly TaskView[];
  /** Runs by process and status. Of hundreds of thousands of final runs the numbers may be some seconds old. */
  counts(): readonly {
    readonly process: string;
    readonly status: RunStatus;
    readonly runs: number;
  }[];

  /** Stops taking new work, lets attempts under way end (at most `ms`), and closes. What is open resumes at the next start. */
  stop(ms: number): Promise<void>;
}

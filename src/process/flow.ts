/**
 * The durable verbs, as the author of a process sees them. Every verb is recorded before it acts, and its result before
 * anything that depends on it leaves (P1 to P4).
 */
import type {
  AnyOperation,
  Duration,
  Effect,
  EventType,
  Fault,
  Faults,
  FaultsOf,
  InputOf,
  Json,
  Operation,
  OutputOf,
  PayloadOf,
} from "../operation.ts";
import type { RetryPolicy } from "../retry.ts";
import type { ProcessDefinition } from "./define.ts";
import type { Instant } from "./instant.ts";
import type { TaskDefinition } from "./task.ts";

/** `S`: what the process shows as its state. */
export interface Flow<S = unknown> {
  /** The run's id, its business key, and the code version it runs on. */
  readonly run: { readonly id: string; readonly key: string; readonly process: string; readonly version: string };

  /** Calls an operation. Throws a `DeclaredFault` on a declared fault; other failures are retried, probed or parked, never thrown. */
  call<T extends AnyOperation>(operation: T, input: InputOf<T>, options?: CallOptions<T>): Promise<OutputOf<T>>;
  /** As `call`, with a declared fault as a value. */
  attempt<T extends AnyOperation>(operation: T, input: InputOf<T>, options?: CallOptions<T>): Promise<Attempt<T>>;
  /** Runs code of your own as one recorded step. `name` must be unique enough to be read; the result must be JSON. */
  step<R>(name: string, options: StepOptions<R>, run: (context: StepContext) => Promise<R> | R): Promise<R>;
  /** Waits, through restarts. */
  sleep(duration: Duration, options?: Named): Promise<void>;
  /** Waits until a moment, through restarts; one that is past goes on at once. Throws `instant-invalid`. */
  until(when: Instant, options?: Named): Promise<void>;
  /** Waits for an event of this correlation key. Early events are kept for it. Throws `FlowTimeout` after `within`. */
  receive<E extends EventType>(event: E, options: ReceiveOptions): Promise<PayloadOf<E>>;
  /** Asks people. Throws `FlowTimeout` after `within`. */
  task<I, A>(task: TaskDefinition<I, A>, options: TaskOptions<I>): Promise<A>;
  /**
   * Starts a run of another process and waits for its end; gives its output. Throws `ChildFailed` where it ends otherwise. Its business key
   * is that of its process: a run that has the key and the same input, also an ended one, is the child.
   */
  child<I, O>(process: ProcessDefinition<I, O>, input: NoInfer<I>, options?: ChildOptions<O>): Promise<O>;
  /** Starts a run of another process, and gives its id and business key once the start is recorded. */
  child<I, O>(
    process: ProcessDefinition<I, O>,
    input: NoInfer<I>,
    options: StartedOptions,
  ): Promise<{ readonly run: string; readonly key: string }>;
  /**
   * Calls `each` for every item, at most `concurrency` (default 10) at a time, with a flow of its own; gives the results in order, as JSON
   * gives them back. Where an item fails, the others settle; then the first failure in order is thrown. What an item did is kept as its
   * result only: `each` must not write to variables outside of it.
   */
  map<T, R>(
    items: Iterable<T>,
    each: (item: T, flow: Flow, index: number) => Promise<R> | R,
    options?: MapOptions,
  ): Promise<R[]>;
  /**
   * Ends this part of the run, and begins the next with this input, under the same id and business key. What was done before can't be
   * undone any more, and its history goes. Throws; let it pass.
   */
  continueAs(input: unknown): never;
  /** Waits for every branch to settle; then rejects with the first (in order) that failed, or gives all results. */
  all<T extends readonly unknown[] | []>(branches: T): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }>;
  /**
   * The branch that settles first: its name and its value; rejects if that one rejects. A branch that is a `receive`, `sleep`, `until` or
   * `task`, or an `all` or `race` of such, and loses, is over: it settles no more, its timer and its task go, and an event that had come
   * for it is kept for the next `receive`. A `call`, `step` or `child` that loses goes on, is
   * recorded, and can be undone.
   */
  race<T extends Readonly<Record<string, unknown>>>(branches: T): Promise<Race<T>>;
  /** From here nothing is undone: a later failure parks. */
  pivot(): void;
  /** Ends the run as `rejected`, after undoing what was done. Throws; let it pass. After the pivot it parks. */
  reject(reason: string, detail?: unknown): never;
  /**
   * What the run shows of itself to who asks: in `mortise runs show`, the admin API, and published `get` operations over the run. Stands
   * with what the same turn of the code brought; the last of a turn counts. Throws `state-invalid` where it does not fit the process's
   * `state` schema. Not a step: a process may show more or less in its next version.
   */
  state(value: S): void;
  /**
   * A line for people, kept in the run's history, once: not again at replay. At most 4,096 characters; `fields` are JSON. Not in the
   * server's log, since it may hold what is sensitive.
   */
  log(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Recorded time: when the last result was recorded, in epoch milliseconds. The same at every replay. */
  now(): number;
  /** A number from 0 to 1, the same at every replay. */
  random(): number;
  /** A UUID (version 4 form), the same at every replay. */
  uuid(): string;
}

/** Which branch was first, and with what. */
export type Race<T> = {
  readonly [N in keyof T & string]: { readonly winner: N; readonly value: Awaited<T[N]> };
}[keyof T & string];

export interface Named {
  /** Overrides the step's name, which is otherwise made from the operation, event or task. */
  readonly name?: string;
}

export interface CallOptions<T extends AnyOperation = AnyOperation> extends Named {
  /** How failed attempts of this step are repeated. What is left out comes from the system, then from the process. */
  readonly retry?: RetryPolicy;
  /** Takes the effect back when the run fails later. */
  readonly undo?: Undo<OutputOf<T>>;
}

/** Undo is data: `with` is computed when the step is recorded (output still unknown) and again when its result is. */
export interface Undo<O> {
  readonly call: AnyOperation;
  readonly with: (facts: { readonly output: O | undefined; readonly key: string }) => unknown;
}

export type Attempt<T extends AnyOperation> =
  | { readonly ok: true; readonly output: OutputOf<T> }
  | { readonly ok: false; readonly fault: Fault<FaultsOf<T> extends Faults ? FaultsOf<T> : Faults> };

export interface StepOptions<R> extends Undoable<R> {
  readonly effect: Effect;
  /** For `unrepeatable` after a crash: `undefined` means that it did not happen. */
  readonly probe?: (context: StepContext) => Promise<R | undefined>;
  /** One attempt's time. Default `"60s"`. */
  readonly timeout?: Duration;
  /** How failed attempts of this step are repeated. What is left out comes from the process. */
  readonly retry?: RetryPolicy;
}
interface Undoable<R> {
  readonly undo?: Undo<R>;
}
export interface StepContext {
  readonly key: string;
  readonly signal: AbortSignal;
  readonly attempt: number;
}

export interface ReceiveOptions extends Named {
  /** Correlation key. */
  readonly key: string;
  /** Default: for ever. */
  readonly within?: Duration;
  /**
   * What becomes of an event of this key that comes after the time of this receive, after it lost a race, or after the run's end. `"keep"`
   * (default): it is kept for the next receive. `"drop"`: it is acknowledged and recorded, and given to nobody. The receive of this event
   * and key that was asked last counts.
   */
  readonly late?: "keep" | "drop";
}

export interface TaskOptions<I> extends Named {
  readonly input: I;
  /** A person, group or role. */
  readonly assign: string;
  readonly within?: Duration;
}

export interface MapOptions extends Named {
  /** Items under way at a time, from 1. Default 10. */
  readonly concurrency?: number;
}

export interface ChildOptions<O> extends Named, Undoable<O> {
  readonly wait?: true;
  /** What becomes of a child that is not at its end when this run undoes. Default `"cancel"`: it is cancelled, with its own undo. */
  readonly whenUndone?: "cancel" | "leave";
}
export interface StartedOptions extends Named, Undoable<{ readonly run: string; readonly key: string }> {
  /** Starts the run and forgets it. */
  readonly wait: false;
}

/** A declared fault, thrown by `flow.call`. */
export class DeclaredFault extends Error {
  override readonly name = "DeclaredFault";
  readonly operation: string;
  readonly fault: Fault;
  constructor(operation: string, fault: Fault) {
    super(`${operation}: ${fault.name}${fault.message === "" ? "" : `, ${fault.message}`}`);
    this.operation = operation;
    this.fault = fault;
  }
}

/** Whether `error` is the declared fault `name` of `operation`; narrows the detail. */
export function isFault<I, O, F extends Faults, N extends keyof F & string>(
  error: unknown,
  operation: Operation<I, O, F>,
  name: N,
): error is DeclaredFault & { readonly fault: { readonly name: N; readonly message: string; readonly detail: F[N] } } {
  return (
    error instanceof DeclaredFault &&
    error.operation === `${operation.system}.${operation.name}` &&
    (error.fault as { name: string }).name === name
  );
}

/** `within` of a receive or task is over. */
export class FlowTimeout extends Error {
  override readonly name = "FlowTimeout";
}

/** Thrown by `flow.continueAs`. Catching it does not prevent it. */
export class Continuation extends Error {
  override readonly name = "Continuation";
  readonly input: unknown;
  constructor(input: unknown) {
    super("the run continues as its next part");
    this.input = input;
  }
}

/** How a child run ended that did not complete. */
export interface ChildEnd {
  readonly run: string;
  readonly process: string;
  readonly status: "rejected" | "undone" | "cancelled" | "terminated";
  readonly reason: string;
  readonly detail?: Json;
}

/** A child run ended otherwise than completed; thrown by `flow.child`. */
export class ChildFailed extends Error implements ChildEnd {
  override readonly name = "ChildFailed";
  readonly run: string;
  readonly process: string;
  readonly status: ChildEnd["status"];
  readonly reason: string;
  readonly detail?: Json;
  constructor({ run, process, status, reason, detail }: ChildEnd) {
    super(`${process} was ${status}: ${reason}`);
    this.run = run;
    this.process = process;
    this.status = status;
    this.reason = reason;
    if (detail !== undefined) this.detail = detail;
  }
}

/** Thrown by `flow.reject`. Catching it does not prevent the end. */
export class Rejection extends Error {
  override readonly name = "Rejection";
  readonly reason: string;
  readonly detail: unknown;
  constructor(reason: string, detail: unknown) {
    super(reason);
    this.reason = reason;
    this.detail = detail;
  }
}

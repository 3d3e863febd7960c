/**
 * Every error that Mortise raises on purpose: a stable code, a sentence with the remedy, what to do next (class),
 * whether the effect may have happened (outcome) and the HTTP status at the edge.
 *
 * Codes never change their meaning. A test compares this table with docs/reference/errors.md in both directions.
 * This file imports nothing.
 */

/**
 * What to do about a failure. `retry`: the same again, after a pause. `wait`: the other side said when; waiting burns no
 * attempt. `give-up`: the same again fails the same way. `ask`: only a person can know.
 */
export type FailureClass = "retry" | "wait" | "give-up" | "ask";

/** Whether a failed call took effect. `none`: surely not. `unknown`: it may have. */
export type Outcome = "none" | "unknown";

interface ErrorEntry {
  /** HTTP status where this error reaches an HTTP caller. */
  readonly status: number;
  readonly class: FailureClass;
  /** The sentence; `{name}` is replaced by a parameter. Ends with the remedy. */
  readonly text: string;
}

const table = {
  // --- anywhere -----------------------------------------------------------------------------------------------------
  internal: {
    status: 500,
    class: "ask",
    text: "Something went wrong inside Mortise: {reason}. Please report it with the log around this time.",
  },
  "package-missing": {
    status: 500,
    class: "give-up",
    text: "{feature} needs the package {name}, which is not installed. Run: npm i {name}",
  },
  // --- formats ------------------------------------------------------------------------------------------------------
  // --- contract -----------------------------------------------------------------------------------------------------
  "contract-pin-unreadable": {
    status: 500,
    class: "give-up",
    text: "The pinned contract {file} can't be read: {reason}. Restore it from git, or write it again with: mortise types",
  },
  "contract-unreadable": {
    status: 400,
    class: "give-up",
    text: "The contract {file} can't be read: at {place}, {reason}.",
  },
  // --- outbound -----------------------------------------------------------------------------------------------------
  // --- connectors ---------------------------------------------------------------------------------------------------
  "contract-input": {
    status: 422,
    class: "give-up",
    text: "The input of {operation} does not fit its contract: {problems}. Nothing was sent; mend the mapping.",
  },
  "contract-output": {
    status: 502,
    class: "ask",
    text: "The answer of {operation} does not fit its contract: {problems}. The system may have drifted: compare its contract.",
  },
  // --- store --------------------------------------------------------------------------------------------------------
  "store-failed": {
    status: 503,
    class: "retry",
    text: "The store stopped after a write error ({reason}); nothing more is accepted. Mend the disk and restart: everything acknowledged is there.",
  },
  // --- process ------------------------------------------------------------------------------------------------------
  "run-key-conflict": {
    status: 409,
    class: "give-up",
    text: "There is already a run of {process} with the key {key}, and its input differs. Use another key, or look at run {run}.",
  },
  "run-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no run {run}. List the runs with: mortise runs list",
  },
  "run-ended": {
    status: 409,
    class: "give-up",
    text: "Run {run} has ended as {status}, which is final. Start a new run instead.",
  },
  "run-operation": {
    status: 409,
    class: "give-up",
    text: "Run {run} is {status}: {operation} is not possible now. Possible: {possible}.",
  },
  "task-unknown": {
    status: 404,
    class: "give-up",
    text: "There is no task {task}. List the open ones in the admin API under /tasks.",
  },
  "task-closed": {
    status: 409,
    class: "give-up",
    text: "Task {task} is {status}; an answer is no longer possible.",
  },
  // --- publish ------------------------------------------------------------------------------------------------------
  // --- observe, server ----------------------------------------------------------------------------------------------
  // --- command line -------------------------------------------------------------------------------------------------
} as const satisfies Record<string, ErrorEntry>;

/** A stable code, such as `contract-unreadable`. */
export type ErrorCode = keyof typeof table;

type ParameterNames<T extends string> = T extends `${string}{${infer N}}${infer Rest}`
  ? N | ParameterNames<Rest>
  : never;
type ParametersOf<C extends ErrorCode> = {
  readonly [N in ParameterNames<(typeof table)[C]["text"]>]: string | number;
};

/** What an error may carry besides its sentence. Nothing here may hold a secret or a sensitive field (P8). */
export interface ErrorExtras {
  readonly cause?: unknown;
  /** Default `none`. */
  readonly outcome?: Outcome;
  /** Overrides the class of the table, where the same code can mean either. */
  readonly class?: FailureClass;
  /** Milliseconds after which the other side wants to be asked again. */
  readonly retryAfterMs?: number;
  /** Machine-readable facts, shown to the caller (for example validation problems with JSON Pointers). */
  readonly details?: unknown;
}

/** An error with a code. `class` and `outcome` tell the engine what to do next. */
export class MortiseError extends Error {
  override readonly name = "MortiseError";
  readonly code: ErrorCode;
  readonly class: FailureClass;
  readonly outcome: Outcome;
  readonly retryAfterMs: number | undefined;
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.class = extras.class ?? table[code].class;
    this.outcome = extras.outcome ?? "none";
    this.retryAfterMs = extras.retryAfterMs;
    this.details = extras.details;
  }

  /** HTTP status at the edge. */
  get status(): number {
    return table[this.code].status;
  }
}

/** Makes the error of `code`; its sentence is filled from `parameters` as plain text. */
export function failure<C extends ErrorCode>(
  code: C,
  parameters: ParametersOf<C>,
  extras: ErrorExtras = {},
): MortiseError {
  const given = parameters as Readonly<Record<string, string | number>>;
  const message = table[code].text.replace(/\{(\w+)\}/g, (_, name: string) => String(given[name]));
  return new MortiseError(code, message, extras);
}

/** The whole table, for the docs test and the error reference. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** Any thrown value as a `MortiseError`; an unknown one becomes `internal`, with unknown outcome. */
export function asMortiseError(error: unknown): MortiseError {
  if (error instanceof MortiseError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return failure("internal", { reason }, { cause: error, outcome: "unknown" });
}

/** A step of a run as its worker holds it: what was asked, how far it is, and how it is performed. */
import type { AnyOperation, Json } from "../../../operation.ts";
import type { RetryPolicy } from "../../../retry.ts";
import type { ParkedQuestion } from "../../engine.ts";
import type { StepContext } from "../../flow.ts";
import type { Performance } from "../attempts/attempts.ts";
import type { Past } from "../attempts/past.ts";
import type { ItemEnd } from "../history/finished-items.ts";
import type { AskRecord, Edit, GotRecord, UndoData } from "../history/records.ts";
import type { Mapping } from "./mapping.ts";

export interface Step {
  readonly ask: AskRecord;
  readonly live: LiveStep | undefined;
  /** Of its key (`keyOf`); an edited retry or a rewind opens another. */
  generation: number;
  /** An operator's input in the place of the code's own. */
  edit: Edit | undefined;
  /** Its intent was in the history when this worker took the run up: it may have been under way. */
  readonly recorded: boolean;
  got: GotRecord | undefined;
  /** The code has seen its result. */
  given: boolean;
  performance: Performance | undefined;
  /** What its attempts told; absent before the first, and after a restart where none was recorded. */
  past: Past | undefined;
  /** It failed, and is tried again; or its system is away (`away`: its name), and it waits for that. */
  retry: { readonly at: number; readonly message: string; readonly away?: string } | undefined;
  /** The step waits for a person. */
  question: ParkedQuestion | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What only the running code knows; gone after a crash, and given again by replay. */
export type LiveStep =
  | {
      readonly kind: "call";
      readonly operation: AnyOperation;
      readonly undoWith: UndoWith | undefined;
      readonly faultIsValue: boolean;
      readonly retry: RetryPolicy | undefined;
    }
  | {
      readonly kind: "step";
      readonly perform: (context: StepContext) => unknown;
      readonly probe: ((context: StepContext) => Promise<unknown>) | undefined;
      readonly timeoutMs: number;
      readonly undoWith: UndoWith | undefined;
      readonly retry: RetryPolicy | undefined;
    }
  /** For what comes from elsewhere: a timer, an event, people, another run. */
  | { readonly kind: "wait"; readonly undoWith?: UndoWith | undefined; readonly mapping?: Mapping };

export type UndoWith = (facts: { readonly output: never; readonly key: string }) => unknown;

/** What was delivered to a run and is not yet in its history. */
export type Mail =
  /** An item of a map is over; or all of them are. */
  | { readonly kind: "item"; readonly n: number; readonly i: number; readonly end: ItemEnd }
  | { readonly kind: "mapped"; readonly n: number }
  | {
      readonly kind: "result";
      readonly n: number;
      readonly result:
        | { readonly ok: true; readonly output: Json }
        | { readonly ok: false; readonly fault: NonNullable<GotRecord["fault"]> };
      /** JSON text of the output or the fault. */
      readonly text: string;
      readonly attempts: number;
      readonly by: "probe" | "operator" | undefined;
    }
  | {
      readonly kind: "inbox";
      readonly id: number;
      readonly n: number;
      readonly what: "signal" | "timer" | "answer" | "child";
      readonly body: string;
    }
  /** Its result is in the history, and was not given to the code yet. */
  | { readonly kind: "held"; readonly n: number };

/** An event for a run that wants nothing any more: it is not consumed, and the end of the waits gives it back. */
export function isSignal(mail: Mail): boolean {
  return mail.kind === "inbox" && mail.what === "signal";
}

/** A step that was just asked; `promise` is what its verb gives. */
export function newStep(
  ask: AskRecord,
  live: LiveStep,
  recorded: boolean,
  generation = 1,
): Step & { readonly promise: Promise<unknown> } {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  // A branch that nobody awaits yet must not count as an unhandled rejection.
  promise.catch(() => {});
  return {
    ask,
    live,
    generation,
    edit: undefined,
    recorded,
    promise,
    got: undefined,
    given: false,
    performance: undefined,
    past: undefined,
    retry: undefined,
    question: undefined,
    resolve,
    reject,
  };
}

/** A step of the history, without its code. */
export function pastStep(ask: AskRecord, generation = 1, edit?: Edit, past?: Past): Step {
  return {
    ask,
    live: undefined,
    generation,
    edit,
    recorded: true,
    got: undefined,
    given: false,
    performance: undefined,
    past,
    retry: undefined,
    question: undefined,
    resolve: () => {},
    reject: () => {},
  };
}

/** What the step acts on: the code's own input, or what an operator put in its place. */
export function inputOf({ ask, edit }: Step): Json | undefined {
  return edit === undefined ? ask.in : edit.input;
}

/** What takes the step back, with the input that was computed without its output. */
export function undoOf({ ask, edit }: Step): UndoData | undefined {
  return edit?.undo ?? ask.undo;
}

/** The steps of a run by number, in the order in which they were asked. Those without a result are found without looking at all. */
export class Steps extends Map<number, Step> {
  /** Holds all that have no result, and some that have got theirs since it was last asked for. */
  readonly #open = new Set<Step>();
  /** Of items that are over: what a child of theirs that still runs will have done can be undone. */
  readonly left = new Map<number, Step>();

  override set(n: number, step: Step): this {
    this.#open.add(step);
    return super.set(n, step);
  }
  override delete(n: number): boolean {
    const step = this.get(n);
    if (step !== undefined) this.#open.delete(step);
    return super.delete(n);
  }
  /** The result of this one does not count any more: it is asked anew. */
  reopen(step: Step): void {
    step.got = undefined;
    this.#open.add(step);
  }
  /** Without a result, in the order in which they were asked. */
  open(): Step[] {
    const open: Step[] = [];
    for (const step of this.#open) {
      if (step.got === undefined) open.push(step);
      else this.#open.delete(step);
    }
    return open;
  }
}

/** What a fake can answer: an output, a declared fault, or a failure with its outcome. */
import { failure, type MortiseError } from "../errors.ts";
import type { Duration, Faults } from "../operation.ts";
import { milliseconds } from "../operation.ts";

/** What a fake is told of a call, besides its input. */
export interface CallFacts {
  /** The effect key: the same for every attempt of a step. */
  readonly key: string;
  /** 1 for the first attempt of the step. */
  readonly attempt: number;
  /** Counts the calls of this operation in this world, from 1. */
  readonly times: number;
  /** Id of the run. */
  readonly run: string;
}

/** A declared fault as the answer of a fake. Made by `fault()`. */
export class FaultAnswer<N extends string = string, D = unknown> {
  readonly name: N;
  readonly detail: D;
  readonly message: string;
  constructor(name: N, detail: D, message: string) {
    this.name = name;
    this.detail = detail;
    this.message = message;
  }
}

/** A failed call as the answer of a fake. Made by `fails` and `actsThenLoses()`. */
export class Failing<O = never> {
  readonly error: (operation: string) => MortiseError;
  /** The effect that took place, though its answer was lost. */
  readonly acted: { readonly output: O } | undefined;
  constructor(error: (operation: string) => MortiseError, acted?: { readonly output: O }) {
    this.error = error;
    this.acted = acted;
  }
}

type FaultAnswerOf<F extends Faults> = { [N in keyof F & string]: FaultAnswer<N, F[N]> }[keyof F & string];

/** What a fake may answer, where the operation has the output `O` and declares the faults `F`. */
export type Answer<O, F extends Faults = Faults> = O | FaultAnswerOf<F> | Failing<O> | Failing;

/** A fake's behaviour: from an input to an answer. */
export type Behaviour<I, O, F extends Faults = Faults> = (
  input: I,
  call: CallFacts,
) => Answer<O, F> | Promise<Answer<O, F>>;

/** A behaviour, or an answer that is always the same. */
export type Told<I, O, F extends Faults = Faults> = Behaviour<I, O, F> | Answer<O, F>;

/** The declared fault `name`: the operation refuses, and nothing happened. */
export function fault<const N extends string, const D>(name: N, detail: D, message = ""): FaultAnswer<N, D> {
  return new FaultAnswer(name, detail, message);
}

function failing(
  class_: MortiseError["class"],
  outcome: MortiseError["outcome"],
  reason: string,
  retryAfterMs?: number,
): Failing {
  const more = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new Failing((operation) => failure("fake-failed", { operation, reason }, { class: class_, outcome, ...more }));
}

/** Failed calls. What the engine does about each is in the reference of `mortise/testing`. */
export const fails = Object.freeze({
  /** It surely did not happen (refused connection): the engine tries again. */
  none: (reason = "it can't be reached"): Failing => failing("retry", "none", reason),
  /** It may have happened; in the fake it did not (time-out before the system acted). */
  unknown: (reason = "it does not answer"): Failing => failing("retry", "unknown", reason),
  /** It surely did not happen, and a repeat would not help: the run parks. */
  refused: (reason = "it refuses"): Failing => failing("give-up", "none", reason),
  /** The system says when to come back. */
  wait: (after: Duration, reason = "it asks to wait"): Failing => failing("wait", "none", reason, milliseconds(after)),
});

/** An answer or a behaviour; its types come from the operation that it is for. */
type Planned<I, A> = NoInfer<A | ((input: I, call: CallFacts) => A | Promise<A>)>;

/** The system acts, and its answer is lost: what the engine then knows is that it may have happened. */
export function actsThenLoses<I, O>(behaviour: Planned<I, O>): (input: I, call: CallFacts) => Promise<Failing<O>> {
  return async (input, call) => {
    const output = await told<I, O>(behaviour, input, call);
    return new Failing<O>(fails.unknown("its answer was lost").error, { output });
  };
}

/** One answer for each call, in order; the last one stays. An answer is a value or a behaviour. */
export function inOrder<I, A>(...answers: readonly Planned<I, A>[]): (input: I, call: CallFacts) => Promise<A> {
  let next = 0;
  return async (input, call) => {
    const answer = answers[Math.min(next, answers.length - 1)] as Planned<I, A>;
    next += 1;
    return told(answer, input, call);
  };
}

function told<I, A>(answer: Planned<I, A>, input: I, call: CallFacts): A | Promise<A> {
  return typeof answer === "function"
    ? (answer as (input: I, call: CallFacts) => A | Promise<A>)(input, call)
    : (answer as A);
}

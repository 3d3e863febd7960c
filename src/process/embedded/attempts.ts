/**
 * Performs one recorded step until it is settled, parked or stopped: attempts, pauses, probes (P3). Only the engine repeats a
 * step, and it does so here.
 */
import { asMortiseError } from "../../errors.ts";
import type { AnyOperation, CallContext, CallResult, Effect, Json, Probe, StoredFailure } from "../../operation.ts";
import { milliseconds } from "../../operation.ts";
import { type Decision, decide, effectiveEffect, type Policy } from "./policy.ts";

/** What one step needs to be performed. */
export interface Work {
  /** For counting: the operation, or `step`. */
  readonly what: string;
  readonly run: string;
  readonly key: string;
  readonly effect: Effect;
  /** When the intent was recorded: the key's age counts from here. */
  readonly askedAt: number;
  readonly keyLifetimeMs: number | undefined;
  readonly timeoutMs: number;
  readonly policy: Policy;
  /** Each attempt has a signal of its own: code of the user may listen to it, and to it alone. */
  readonly breakable: boolean;
  readonly attempt: (context: CallContext) => Promise<CallResult>;
  /** `undefined`: it did not happen. */
  readonly probe: ((context: CallContext) => Promise<Json | undefined>) | undefined;
  readonly settleMs: number;
  /** The process was lost while the step may have been under way: begin as after an attempt of unknown outcome. */
  readonly resumed: boolean;
}

/** How it ends; called exactly once unless it is stopped. */
export interface WorkEvents {
  settled(result: CallResult, attempts: number, by: "probe" | undefined): void;
  /** An attempt failed; `next` is when the next one is due. Kept in the history for people to see. */
  failed(attempt: number, failure: StoredFailure, next: number | undefined): void;
  /** Before an unrepeatable step is tried again: `go` once that is on disk, so that a crash knows the attempt may have begun. */
  again(attempt: number, go: () => void): void;
  parked(code: Exclude<Decision, { kind: "again" | "probe" }>["code"], failure: StoredFailure): void;
}

/** The clock and the chance of a worker; fakes stand in for them in tests. */
export interface Surroundings {
  now(): number;
  chance(): number;
  /** Calls back later; what is returned cancels. */
  later(ms: number, act: () => void): () => void;
  /** Fires when the worker is being stopped for good. */
  readonly signal: AbortSignal;
  /** Stands around the attempts and probes of local steps, for tests: what `act` gives or throws may be kept back, lost or replaced. */
  readonly around: (<T>(step: string, context: CallContext, act: () => Promise<T>) => Promise<T>) | undefined;
  /** One attempt is over; for counting. */
  attempted(work: Work, ms: number, failure: StoredFailure | undefined): void;
}

const lost: StoredFailure = {
  code: "step-lost",
  message: "The server stopped while the call may have been under way.",
  class: "retry",
  outcome: "unknown",
};

export class Performance {
  readonly #work: Work;
  readonly #events: WorkEvents;
  readonly #around: Surroundings;
  /** All attempts; the number that is sent along. */
  #attempt = 0;
  /** Attempts that count against the policy. */
  #counted = 0;
  #cancelPause: (() => void) | undefined;
  #afterPause: (() => void) | undefined;
  #controller: AbortController | undefined;
  #state: "idle" | "attempting" | "pausing" | "recording" | "over" = "idle";
  #stopping: (() => void) | undefined;
  /** Whether any attempt may have taken effect. */
  #maybe: boolean;

  constructor(work: Work, events: WorkEvents, around: Surroundings) {
    this.#work = work;
    this.#events = events;
    this.#around = around;
    this.#maybe = work.resumed;
  }

  /** Whether the step may have taken effect, as far as is known. */
  get mayHaveHappened(): boolean {
    return this.#maybe;
  }

  /** Nothing of it is under way, and nothing will be. */
  get over(): boolean {
    return this.#state === "over";
  }

  begin(): void {
    if (this.#work.resumed && this.#effect() === "unrepeatable") this.#afterFailure(lost);
    else this.#try();
  }

  /** Breaks off an attempt under way: the worker is being stopped for good. */
  abort(): void {
    this.#controller?.abort();
  }

  /** Lets an attempt under way end, makes no other, then calls `done`. Its result is still reported as settled. */
  stop(done: () => void): void {
    if (this.#state === "attempting") {
      this.#stopping = done;
      return;
    }
    this.#cancelPause?.();
    this.#state = "over";
    done();
  }

  #effect(): Effect {
    const { effect, keyLifetimeMs, askedAt } = this.#work;
    return keyLifetimeMs === undefined ? effect : effectiveEffect(effect, keyLifetimeMs, this.#around.now() - askedAt);
  }

  #context(timeoutMs: number): CallContext {
    const { key, run } = this.#work;
    // The worker's own for calls: a signal for each would cost more than it is worth, since nothing else breaks a call off.
    let signal = this.#around.signal;
    if (this.#work.breakable) {
      this.#controller = new AbortController();
      signal = this.#controller.signal;
    }
    return {
      key,
      run,
      attempt: this.#attempt,
      deadline: this.#around.now() + timeoutMs,
      signal,
    };
  }

  #tryAgain(): void {
    if (this.#effect() !== "unrepeatable") {
      this.#try();
      return;
    }
    this.#state = "recording";
    this.#events.again(this.#attempt + 1, () => {
      if (this.#state === "recording") this.#try();
    });
  }

  #try(): void {
    this.#state = "attempting";
    this.#attempt += 1;
    const begun = this.#around.now();
    let promise: Promise<CallResult>;
    try {
      promise = this.#work.attempt(this.#context(this.#work.timeoutMs));
    } catch (error) {
      promise = Promise.reject(error);
    }
    promise.then(
      (result) => {
        this.#around.attempted(this.#work, this.#around.now() - begun, undefined);
        this.#over(result, undefined);
      },
      (error: unknown) => {
        const failure = stored(error);
        this.#around.attempted(this.#work, this.#around.now() - begun, failure);
        this.#afterFailure(failure);
      },
    );
  }

  #over(result: CallResult, by: "probe" | undefined): void {
    this.#state = "over";
    this.#events.settled(result, this.#attempt, by);
    this.#stopping?.();
  }

  #afterFailure(failure: StoredFailure & { readonly retryAfterMs?: number }): void {
    if (failure.outcome === "unknown") this.#maybe = true;
    // Waiting at the other side's word is no attempt; without a time it said nothing.
    if (failure.class !== "wait" || failure.retryAfterMs === undefined) this.#counted += 1;
    const decision = decide(this.#work.policy, {
      effect: this.#effect(),
      failure,
      attempts: this.#counted,
      hasProbe: this.#work.probe !== undefined,
      chance: this.#around.chance(),
    });
    const next = decision.kind === "again" ? this.#around.now() + decision.afterMs : undefined;
    this.#events.failed(this.#attempt, strip(failure), next);
    if (this.#stopping !== undefined) {
      this.#state = "over";
      this.#stopping();
      return;
    }
    if (decision.kind === "park") {
      this.#state = "over";
      this.#events.parked(decision.code, strip(failure));
    } else if (decision.kind === "again") {
      this.#pause(decision.afterMs, () => this.#tryAgain());
    } else {
      this.#probe(this.#around.now() + this.#work.settleMs, failure, 1);
    }
  }

  #pause(ms: number, then: () => void): void {
    this.#state = "pausing";
    this.#afterPause = then;
    this.#cancelPause = this.#around.later(ms, then);
  }

  /** Ends a pause between two attempts: the next one begins now. */
  hurry(): void {
    if (this.#state !== "pausing" || this.#afterPause === undefined) return;
    this.#cancelPause?.();
    this.#afterPause();
  }

  /** A find is believed at once; "not found" only after the settle time. A probe that fails is repeated like any read. */
  #probe(settledAt: number, failure: StoredFailure, tries: number): void {
    this.#state = "attempting";
    const begun = this.#around.now();
    const probe = this.#work.probe as NonNullable<Work["probe"]>;
    probe(this.#context(this.#work.timeoutMs)).then(
      (found) => {
        if (found !== undefined) {
          this.#over({ ok: true, output: found }, "probe");
        } else if (this.#stopping !== undefined) {
          // Not found, and too early to be believed: what is to be undone treats it as unknown.
          this.#state = "over";
          this.#stopping();
        } else if (begun >= settledAt) {
          this.#maybe = false;
          if (this.#counted >= this.#work.policy.attempts) {
            this.#state = "over";
            this.#events.parked("step-attempts", strip(failure));
          } else this.#tryAgain();
        } else {
          this.#pause(settledAt - begun, () => this.#probe(settledAt, failure, 1));
        }
      },
      (error: unknown) => {
        const probing = stored(error);
        this.#events.failed(this.#attempt, { ...strip(probing), message: `Probe: ${probing.message}` }, undefined);
        const decision = decide(this.#work.policy, {
          effect: "read",
          failure: probing,
          attempts: tries,
          hasProbe: false,
          chance: this.#around.chance(),
        });
        if (this.#stopping !== undefined || decision.kind !== "again") {
          this.#state = "over";
          if (this.#stopping !== undefined) this.#stopping();
          else this.#events.parked("step-unknown", strip(failure));
        } else this.#pause(decision.afterMs, () => this.#probe(settledAt, failure, tries + 1));
      },
    );
  }
}

/** The probe of an operation as a function of the call's context. */
export function probeOf(
  operation: AnyOperation,
  input: Json,
  call: (name: { system: string; name: string }, input: Json, context: CallContext) => Promise<CallResult>,
): Work["probe"] {
  const probe: Probe | undefined = operation.probe;
  if (probe === undefined) return undefined;
  return async (context) => {
    const asked = (await probe.with({ key: context.key, input: input as never })) as Json;
    const result = await call({ system: operation.system, name: probe.call }, asked, context);
    if (!result.ok) return undefined;
    return probe.found === undefined
      ? foundByDefault(result.output)
      : (probe.found(result.output as never) as Json | undefined);
  };
}

function foundByDefault(output: Json): Json | undefined {
  if (Array.isArray(output)) return output[0] as Json | undefined;
  return output === null ? undefined : output;
}

export function settleOf(operation: AnyOperation): number {
  return milliseconds(operation.probe?.settle ?? "5s");
}

const longestMessage = 4096;

function stored(error: unknown): StoredFailure & { readonly retryAfterMs?: number } {
  const { code, message, class: class_, outcome, retryAfterMs } = asStepFailure(error);
  return {
    code,
    message: message.slice(0, longestMessage),
    class: class_,
    outcome,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** What user code throws inside a step is worth a repeat, where the effect allows it. */
function asStepFailure(error: unknown): {
  code: string;
  message: string;
  class: StoredFailure["class"];
  outcome: StoredFailure["outcome"];
  retryAfterMs?: number | undefined;
} {
  const known = asMortiseError(error);
  if (known.code !== "internal") return known;
  const message = error instanceof Error ? error.message : String(error);
  return { code: "step-threw", message, class: "retry", outcome: "unknown" };
}

function strip(failure: StoredFailure): StoredFailure {
  const { code, message, class: class_, outcome } = failure;
  return { code, message, class: class_, outcome };
}

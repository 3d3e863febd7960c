/**
 * Performs one recorded step until it is settled, parked or stopped: attempts, pauses, probes (P3). Only the engine repeats a
 * step, and it does so here.
 */
import type { ErrorCode } from "../../../errors.ts";
import type { CallContext, CallResult, Effect, StoredFailure } from "../../../operation.ts";
import { Breaking } from "./breaking.ts";
import { failureTold, type Gate, wordOf } from "./gate.ts";
import { away, lost } from "./own-failures.ts";
import { againIn, failedIn, type Past } from "./past.ts";
import { countFor, decide, effectiveEffect, type Failed, kindOf } from "./policy.ts";
import { type Probing, stored, strip } from "./probing.ts";
import { type Settle, settling } from "./settle.ts";
import type { FailedAttempt, Surroundings, Work, WorkEvents } from "./work.ts";

/** Of a result that no history takes. */
const unrecordable: ReadonlySet<string> = new Set<ErrorCode>(["value-not-json", "value-too-large", "value-too-deep"]);

export class Performance {
  readonly #work: Work;
  readonly #events: WorkEvents;
  readonly #around: Surroundings;
  readonly #past: Past;
  /** Of the attempt under way, or of the next one. */
  #attempt: number;
  #cancelPause: (() => void) | undefined;
  #afterPause: (() => void) | undefined;
  #breaking: Breaking | undefined;
  #state: "idle" | "attempting" | "pausing" | "held" | "recording" | "over" = "idle";
  #stopping: (() => void) | undefined;
  /** This attempt looks whether the system is back. */
  #looking = false;

  constructor(work: Work, events: WorkEvents, around: Surroundings) {
    this.#work = work;
    this.#events = events;
    this.#around = around;
    this.#past = work.past;
    if (work.resumed) this.#past.maybe = true;
    this.#attempt = this.#past.attempts + 1;
  }

  /** Whether the step may have taken effect, as far as is known. */
  get mayHaveHappened(): boolean {
    return this.#past.maybe;
  }

  /** Nothing of it is under way, and nothing will be. */
  get over(): boolean {
    return this.#state === "over";
  }

  begin(): void {
    if (this.#work.resumed && this.#effect() === "unrepeatable") this.#afterFailure(lost);
    else this.#enter(undefined);
  }

  /** Breaks off an attempt under way: the worker is being stopped for good. */
  abort(): void {
    this.#breaking?.abort();
  }

  /** Lets an attempt under way end, makes no other, then calls `done`. Its result is still reported as settled. */
  stop(done: () => void): void {
    if (this.#state === "attempting") {
      this.#stopping = done;
      return;
    }
    this.#cancelPause?.();
    if (this.#state === "recording") {
      this.#tellGate(undefined);
      // It is being recorded that the attempt may have begun, and it never does: a later life need not ask whether it happened.
      this.#past.resting = !this.#past.maybe;
      if (this.#past.resting) this.#events.unbegun();
    }
    this.#state = "over";
    done();
  }

  #effect(): Effect {
    const { effect, keyLifetimeMs } = this.#work;
    if (keyLifetimeMs === undefined) return effect;
    return effectiveEffect(effect, keyLifetimeMs, this.#around.now() - this.#past.keyAt);
  }

  #context(timeoutMs: number): CallContext {
    const { key, run } = this.#work;
    const attempt = this.#attempt;
    const deadline = this.#around.now() + timeoutMs;
    // The worker's own for calls: a signal for each would cost more than it is worth, since nothing else breaks a call off.
    if (!this.#work.breakable) return { key, run, attempt, deadline, signal: this.#around.signal };
    this.#breaking = new Breaking(key, run, attempt, deadline);
    return this.#breaking;
  }

  // --- the way to an attempt ------------------------------------------------------------------------------------------

  /** Through the gate. `found`: what the probe said just now. */
  #enter(found: "nothing" | undefined): void {
    if (found === undefined && this.#past.maybe && this.#effect() === "unrepeatable") {
      // An attempt of before may have happened, whatever the last one said, and the key does not protect from a second any more.
      this.#afterFailure(lost);
      return;
    }
    const { gate } = this.#work;
    if (gate === undefined || gate.pass(this.#past.attempts > 0)) this.#record(found);
    else this.#hold(gate, () => this.#record(found));
  }

  #hold(gate: Gate, go: () => void): void {
    this.#state = "held";
    const past = this.#past;
    const around = this.#around;
    const events = this.#events;
    const leave = gate.hold({
      again: past.attempts > 0,
      harmless: this.#effect() !== "unrepeatable",
      attempts: past.attempts,
      go: (looking) => {
        cancelEnd?.();
        this.#looking = looking;
        go();
      },
      away: (at) => {
        const unsent = past.attempts === 0 && !past.maybe && !past.resting;
        if (unsent) past.resting = true;
        events.held(at, unsent);
      },
    });
    const endsAt = past.since + this.#withinMs();
    const cancelEnd =
      endsAt === Number.POSITIVE_INFINITY
        ? undefined
        : around.later(Math.max(endsAt - around.now(), 0), () => {
            leave();
            this.#state = "over";
            events.parked("step-attempts", past.last?.failure ?? away);
          });
    this.#cancelPause = () => {
      leave();
      cancelEnd?.();
    };
  }

  #withinMs(): number {
    const policy = this.#work.policy();
    const { last } = this.#past;
    return policy[last?.failure.class === "wait" ? "wait" : (last?.failure.outcome ?? "none")].withinMs;
  }

  /** Where a later life has to know that the attempt may have begun, that is on disk before. */
  #record(found: "nothing" | undefined): void {
    const work = this.#work;
    const past = this.#past;
    const effect = this.#effect();
    const repeat = effect === "unrepeatable" && past.attempts > 0;
    const known = past.resting && effect !== "read" && (work.undone || work.keyLifetimeMs !== undefined);
    if (!repeat && !known && !(past.resting && effect === "unrepeatable")) {
      this.#try();
      return;
    }
    this.#state = "recording";
    againIn(past, this.#around.now(), found);
    this.#events.again(this.#attempt, found, () => {
      if (this.#state === "recording") this.#try();
    });
  }

  #try(): void {
    this.#state = "attempting";
    this.#past.resting = false;
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
        this.#tellGate("answered");
        this.#over(result, undefined);
      },
      (error: unknown) => {
        const failure = stored(error);
        this.#around.attempted(this.#work, this.#around.now() - begun, failure);
        if (unrecordable.has(failure.code)) this.#unrecordable(failure);
        else this.#afterFailure(failure);
      },
    );
  }

  #over(result: CallResult, by: "probe" | undefined): void {
    let text: string;
    try {
      text = this.#work.text(result);
    } catch (error) {
      this.#unrecordable(stored(error));
      return;
    }
    this.#state = "over";
    this.#events.settled(result, text, by === undefined ? this.#attempt : this.#past.attempts, by);
    this.#stopping?.();
  }

  /** It has happened, and a repeat would bring the same: only a person can say what is to be recorded. */
  #unrecordable({ code, message }: StoredFailure): void {
    const failure: StoredFailure = { code, message, class: "ask", outcome: "unknown" };
    failedIn(this.#past, { a: this.#attempt, at: this.#around.now(), f: failure });
    this.#state = "over";
    this.#events.failed({
      attempt: this.#attempt,
      failure,
      next: undefined,
      said: undefined,
      by: undefined,
      maybe: false,
    });
    this.#events.parked("step-result", failure);
    this.#stopping?.();
  }

  /** Says what an attempt told of the system; answers whether the attempt was made on the circuit's behalf. */
  #tellGate(what: "answered" | Failed | undefined): boolean {
    const { gate, key } = this.#work;
    const looking = this.#looking;
    this.#looking = false;
    if (gate === undefined) return false;
    const word = typeof what === "object" ? wordOf(what) : (what ?? "silent");
    if (word === "failed") {
      gate.failed(failureTold(key, what as Failed), looking);
      return looking;
    }
    if (word === "answered") gate.answered(looking);
    else gate.silent(looking);
    return false;
  }

  // --- after a failure ------------------------------------------------------------------------------------------------

  #afterFailure(failure: Failed): void {
    const now = this.#around.now();
    const by = this.#tellGate(failure) ? ("circuit" as const) : undefined;
    const failed = { attempt: this.#attempt, failure: strip(failure), said: failure.retryAfterMs, by };
    failedIn(this.#past, { a: this.#attempt, at: now, f: failure, ...given(failed) });
    const decision = decide(this.#work.policy(), {
      effect: this.#effect(),
      failure,
      counts: this.#past.counts,
      ageMs: now - this.#past.since,
      hasProbe: this.#work.probe !== undefined,
      chance: this.#around.chance(),
    });
    const maybe = failure.outcome === "none" && this.#past.maybe;
    this.#events.failed({ ...failed, maybe, next: decision.kind === "again" ? now + decision.afterMs : undefined });
    this.#attempt += 1;
    if (this.#stopping !== undefined) {
      this.#state = "over";
      this.#stopping();
    } else if (decision.kind === "park") {
      this.#state = "over";
      this.#events.parked(decision.code, strip(failure));
    } else if (decision.kind === "again") {
      this.#pause(decision.afterMs, () => this.#enter(undefined));
    } else {
      this.#askProbe(settling(this.#work.settleMs, this.#around), failure, 1);
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
  #askProbe(settle: Settle, failure: Failed, tries: number): void {
    const { gate } = this.#work;
    if (gate === undefined || gate.pass(true)) this.#probe(settle, failure, tries);
    else this.#hold(gate, () => this.#probe(settle, failure, tries));
  }

  #probe(settle: Settle, failure: Failed, tries: number): void {
    this.#state = "attempting";
    const begun = this.#around.now();
    const settled = settle.over;
    const probe = this.#work.probe as Probing;
    probe(this.#context(this.#work.timeoutMs)).then(
      (found) => {
        this.#tellGate("answered");
        if (found !== undefined) {
          this.#over({ ok: true, output: found }, "probe");
        } else if (this.#stopping !== undefined) {
          // Not found, and too early to be believed: what is to be undone treats it as unknown.
          this.#state = "over";
          this.#stopping();
        } else if (settled) {
          this.#notThere(failure);
        } else {
          this.#pause(settle.rest(begun), () => this.#askProbe(settle, failure, 1));
        }
      },
      (error: unknown) => {
        const probing = stored(error);
        const looked = this.#tellGate(probing);
        const message = `Probe: ${probing.message}`;
        this.#events.failed({
          attempt: this.#attempt - 1,
          failure: { ...strip(probing), message },
          next: undefined,
          said: undefined,
          by: "probe",
          maybe: false,
        });
        const decision = decide(this.#work.policy(), {
          effect: "read",
          failure: probing,
          counts: { none: 0, unknown: 0, wait: 0, "give-up": 0, [kindOf(probing)]: tries },
          ageMs: this.#around.now() - this.#past.since,
          hasProbe: false,
          chance: this.#around.chance(),
        });
        if (this.#stopping !== undefined || decision.kind !== "again") {
          this.#state = "over";
          if (this.#stopping !== undefined) this.#stopping();
          else this.#events.parked("step-unknown", strip(failure));
        } else this.#pause(decision.afterMs, () => this.#askProbe(settle, failure, looked ? tries : tries + 1));
      },
    );
  }

  /** It did not happen, says the probe after the settle time. */
  #notThere(failure: Failed): void {
    const { counts, since } = this.#past;
    const rules = this.#work.policy()[failure.outcome];
    const over =
      countFor(this.#work.policy(), failure.outcome, counts) >= rules.attempts ||
      this.#around.now() - since >= rules.withinMs;
    if (!over) {
      this.#enter("nothing");
      return;
    }
    this.#past.maybe = false;
    this.#past.notFoundAt = this.#around.now();
    this.#state = "over";
    this.#events.parked("step-attempts", strip(failure));
  }
}

function given({ said, by }: Pick<FailedAttempt, "said" | "by">): { said?: number; by?: "probe" | "circuit" } {
  return { ...(said === undefined ? {} : { said }), ...(by === undefined ? {} : { by }) };
}

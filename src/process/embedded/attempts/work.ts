/** What a step's attempts are made of, and whom they tell: the work, its events, and the worker around it. */
import type { CallContext, CallResult, Effect, StoredFailure } from "../../../operation.ts";
import type { Gate } from "./gate.ts";
import type { Past } from "./past.ts";
import type { Decision, Policy } from "./policy.ts";
import type { Probing } from "./probing.ts";

/** What one step needs to be performed. */
export interface Work {
  /** For counting: the operation, or `step`. */
  readonly what: string;
  readonly run: string;
  readonly key: string;
  readonly effect: Effect;
  readonly past: Past;
  readonly keyLifetimeMs: number | undefined;
  readonly timeoutMs: number;
  /** Asked for only after a failure. */
  readonly policy: () => Policy;
  /** Something takes its effect back when the run is undone: it must be known whether there can be one. */
  readonly undone: boolean;
  /** Its attempts are broken off each by itself: the context is a `Breaking`. */
  readonly breakable: boolean;
  readonly attempt: (context: CallContext) => Promise<CallResult>;
  readonly probe: Probing | undefined;
  /** JSON text of a result, for the history. Throws where it can't be recorded. */
  readonly text: (result: CallResult) => string;
  readonly settleMs: number;
  /** Before the system; absent for code of the user's own. */
  readonly gate: Gate | undefined;
  /** The process was lost while the step may have been under way: begin as after an attempt of unknown outcome. */
  readonly resumed: boolean;
}

/** A failed attempt as it is recorded. */
export interface FailedAttempt {
  readonly attempt: number;
  readonly failure: StoredFailure;
  /** When the next one is due. */
  readonly next: number | undefined;
  readonly said: number | undefined;
  readonly by: "probe" | "circuit" | undefined;
  /** This attempt surely had no effect, and one before it may have had. */
  readonly maybe: boolean;
}

/** How it ends; called exactly once unless it is stopped. */
export interface WorkEvents {
  settled(result: CallResult, text: string, attempts: number, by: "probe" | undefined): void;
  /** Kept in the history for people to see, and for the next life of the worker to count. */
  failed(failed: FailedAttempt): void;
  /** The system is away: nothing is sent. `unsent`: nothing was before, which the history has to know. `at`: when it is looked for. */
  held(at: number, unsent: boolean): void;
  /** Before an attempt of which the history has to know that it may have begun: `go` once that is on disk. */
  again(attempt: number, found: "nothing" | undefined, go: () => void): void;
  /** It was stopped after `again` and before `go`: the attempt that was recorded as one that may have begun never did. */
  unbegun(): void;
  parked(code: (Decision & { kind: "park" })["code"] | "step-result", failure: StoredFailure): void;
}

/** The clock and the chance of a worker; fakes stand in for them in tests. */
export interface Surroundings {
  now(): number;
  chance(): number;
  /** Calls back later; what is returned cancels. In the `background` it keeps no thread alive. */
  later(ms: number, act: () => void, background?: boolean): () => void;
  /** Fires when the worker is being stopped for good. */
  readonly signal: AbortSignal;
  /** Stands around the attempts and probes of local steps, for tests: what `act` gives or throws may be kept back, lost or replaced. */
  readonly around: (<T>(step: string, context: CallContext, act: () => Promise<T>) => Promise<T>) | undefined;
  /** One attempt is over; for counting. */
  attempted(work: Work, ms: number, failure: StoredFailure | undefined): void;
}

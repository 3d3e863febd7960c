/** What `GET /trace` answers, and `mortise trace --json` prints. Times are epoch milliseconds. */
import type { RunStatus } from "../../process/engine.ts";
import type { CallTrace } from "../../process/trace.ts";
import type { Verdict } from "../../process/verdicts.ts";
import type { WholeVerdict } from "../../process/whole-verdict.ts";

/** What a key can be. */
export const keyKinds = ["idempotency-key", "business-key", "run", "effect-key"] as const;
export type KeyKind = (typeof keyKinds)[number];

export interface TraceAnswer {
  readonly key: string;
  readonly chains: readonly Chain[];
  /** More was found than is shown. */
  readonly more: boolean;
}

/** From the requests to what systems were sent, for one business key of a process; or one request that called a system straight away. */
export interface Chain {
  /** What the key is in this chain. */
  readonly matched: readonly KeyKind[];
  /** Did anything take effect twice? */
  readonly verdict: WholeVerdict;
  readonly requests: readonly TracedRequest[];
  /** False: there may be more that joined. */
  readonly requestsComplete: boolean;
  /** Runs above, the nearest first: this one is a child. */
  readonly ancestors: readonly TracedAncestor[];
  /** Restarts, the oldest first, each followed by its children. Empty: a straight call. */
  readonly runs: readonly TracedRun[];
  /** Runs that are not shown; the verdict does not speak of them. */
  readonly runsLeftOff: number;
  readonly straight?: StraightCall;
}

export interface TracedRequest {
  /** Absent where it is not known any more. */
  readonly consumer?: string;
  readonly api?: string;
  readonly version?: string;
  readonly operation?: string;
  /** The client's key; absent: it had none, or its record has expired. */
  readonly key?: string;
  readonly at?: number;
  readonly expiresAt?: number;
  /** Of the idempotency record; `none`: there is none, or none any more. */
  readonly state: "under-way" | "open" | "answered" | "none";
  /** Status and problem of the answer on record. */
  readonly status?: number;
  readonly problem?: string;
  /** It started the run, joined one that was there, or called a system straight away. */
  readonly did: "started" | "joined" | "called";
  readonly run?: string;
  /** How often the key came again: answered from the record, refused since the first was under way, refused since it was another request. */
  readonly replayed: number;
  readonly refusedInFlight: number;
  readonly refusedReused: number;
  readonly lastRepeatAt?: number;
}

export interface TracedAncestor {
  readonly run: string;
  readonly process: string;
  readonly key: string;
  readonly status: RunStatus;
}

export interface TracedRun extends TracedAncestor {
  readonly origin: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly reason?: string;
  readonly parent?: string;
  readonly restartOf?: string;
  readonly restartedAs?: string;
  /** What of it is not on record any more, each in words. */
  readonly missing: readonly string[];
  readonly calls: readonly TracedCall[];
  /** Calls that are not listed; the verdict speaks of them too. Doubtful ones are listed first. */
  readonly callsLeftOff: number;
}

export interface TracedCall extends CallTrace {
  readonly verdict: Verdict;
  /** Its effect key was asked for. */
  readonly asked?: true;
}

/** A system called by a request, without a run. */
export interface StraightCall {
  readonly operation?: string;
  readonly effect?: string;
  /** Effect key, as it was sent. */
  readonly key: string;
  readonly verdict: Verdict;
}

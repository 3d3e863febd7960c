/**
 * What publishing needs from the rest of the server, as plain functions. The server adapts its engine and its connectors
 * to it; this room imports neither.
 */
import type { AnyOperation, CallContext, CallResult, Json, PassCaller, Told } from "../operation.ts";

/**
 * As a `Caller`, with the effect of what is called: it decides whether it may be sent twice. `repeated` is told before it is sent once more though the
 * first may have had an effect.
 */
export type StraightCall = (
  operation: Pick<AnyOperation, "system" | "name" | "effect">,
  input: Json,
  context: CallContext,
  repeated?: () => void,
) => Promise<CallResult>;

/**
 * A read. `text`: the input as JSON, where it is at hand. `whole`: its output is looked at here, so it comes as a value, with all that the system sent; else it may come as the
 * text that is told.
 */
export type ReadCaller = (
  operation: Parameters<StraightCall>[0],
  input: Json,
  context: CallContext,
  how: { readonly text?: string; readonly whole: boolean },
) => Promise<Told>;

export interface Backend {
  /**
   * Starts a run, once per process and business key; on disk before it resolves (P1). `alongside`: store commands done in
   * the same commit, `$run` in their parameters standing for the run's id. Rejects with `run-key-conflict` where the key
   * is taken by another input, and with errors of class `wait` where no more is taken at the moment.
   */
  start(command: BackendStart): Promise<BackendStarted>;
  /** Resolves when the run is final or parked, or after `ms`. */
  settled(run: string, ms: number): Promise<BackendRun>;
  runByKey(process: string, key: string): BackendRun | undefined | Promise<BackendRun | undefined>;
  /** Runs of a process, the newest first, behind the run `before`. */
  runsOf(process: string, before: string | undefined, limit: number): readonly ListedRun[];
  /** A text that is another whenever a run shows something else of itself; cheap to ask for. `undefined`: there is no such run. */
  mark(process: string, key: string): string | undefined;
  /** Calls a system's operation; sent twice only where that is harmless. */
  readonly call: StraightCall;
  /** The same for reads: while the server is busy, another thread may make them. */
  readonly read: ReadCaller;
  /** One attempt, with bodies that pass unread. */
  readonly pass: PassCaller;
}

export interface ListedRun {
  readonly id: string;
  readonly key: string;
  readonly origin: string;
}

export interface BackendStart {
  readonly process: string;
  readonly key: string;
  /** Valid against the process's input. */
  readonly input: Json;
  /** `api:orders 1.0.0 placeOrder acme`. */
  readonly origin: string;
  /** When it is to begin. Refused with `instant-invalid` or `start-time`. */
  readonly at?: Date | number | string;
  readonly alongside?: readonly { readonly name: string; readonly parameters: Json }[];
}

export type BackendStarted =
  | { readonly kind: "started"; readonly run: string }
  | { readonly kind: "exists"; readonly run: string }
  | { readonly kind: "refused"; readonly by: string; readonly answer: Json };

/** A run, as far as publishing shows it. */
export interface BackendRun {
  readonly id: string;
  readonly key: string;
  readonly status:
    | "queued"
    | "running"
    | "waiting"
    | "paused"
    | "parked"
    | "undoing"
    | "completed"
    | "rejected"
    | "undone"
    | "cancelled"
    | "terminated";
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Absent when the history was removed. */
  readonly input?: Json;
  /** What it shows of itself, masked. */
  readonly state?: Json;
  readonly output?: Json;
  readonly failure?: { readonly reason: string };
}

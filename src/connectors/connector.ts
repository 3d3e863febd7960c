/**
 * The room's interface: what a protocol must do to be a connector.
 *
 * A connector is opened once per thread and system, by the server or a code version's worker, and closed when that thread
 * stops. `call` performs exactly one attempt. It never repeats, never logs, and rejects only with a `MortiseError`:
 *  C1  outcome `none` only if the request surely took no effect: not sent, refused, or rejected by the other side's own word;
 *      everything after the first byte was handed to the socket, and no readable answer, is `unknown`.
 *  C2  input is validated against the contract before anything is sent (`contract-input`, give-up, none);
 *      output is validated after (`contract-output`, ask; outcome `unknown`: it happened, but what came back can't be used).
 *  C3  declared faults are values, in the result; they are never thrown.
 *  C4  no secret and no sensitive value stands in an error.
 *  C5  the effect key is sent wherever the contract has a place for it.
 */
import type { ContractModel, OperationModel } from "../contract/model.ts";
import type { CallContext, CallResult, Json, Passage, PassResult, Told } from "../operation.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { ResolvedSettings } from "./system.ts";

export interface Connector {
  readonly protocol: ContractModel["source"]["language"] | string;
  /** Opens a client. Must not connect yet: the first call does. Throws on settings that can't work. */
  open(contract: ContractModel, settings: ResolvedSettings, environment: ConnectorEnvironment): Client;
}

/** What the composition root lends to a connector. */
export interface ConnectorEnvironment {
  /** The one guarded HTTP client of this thread. */
  readonly outbound: Outbound;
  /** Folder of the project: relative paths of connections are resolved against it. */
  readonly project: string;
}

/** Whether a system gives a sign of life; the reason holds no secret. */
export type Health = { readonly healthy: true } | { readonly healthy: false; readonly reason: string };

export interface Client {
  call(operation: OperationModel, input: Json, context: CallContext): Promise<CallResult>;
  /** As `call`, for what passes the output on. Absent: `call` does. */
  tell?(operation: OperationModel, input: Json, context: CallContext): Promise<Told>;
  /** As `call`, with bodies that pass unread. Absent: the protocol has none. */
  pass?(operation: OperationModel, input: Json, context: CallContext, passage: Passage): Promise<PassResult>;
  /** A cheap sign of life (a TCP connect, `SELECT 1`). Resolves with a reason when unhealthy. Never throws. */
  health(signal: AbortSignal): Promise<Health>;
  close(): Promise<void>;
}

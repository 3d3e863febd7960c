/** One request on its way through the pipeline, and what an operation prepared once to answer many. */
import type { Json, Schema, Validate } from "../operation.ts";
import type { SignedMessage } from "./access/way.ts";
import type { Backend } from "./backend.ts";
import type { ApiDefinition } from "./define.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import type { Idempotency } from "./idempotency.ts";
import type { InputPlan, ReadInput } from "./input.ts";
import type { ShownFault } from "./openapi-faults.ts";
import type { ApiCaller, ApiOperation } from "./operations.ts";
import type { Cursors } from "./pages/cursor.ts";
import type { SharedFailure } from "./report-failure.ts";
import type { PassPlan } from "./streams/act-pass.ts";
import type { Arrivals } from "./streams/arrivals.ts";
import type { EventStream } from "./streams/event-stream.ts";

/** A request that was let in, read and found valid. */
export interface Exchange {
  readonly request: HttpRequest;
  readonly caller: ApiCaller;
  /** Of `{name}` in the path. */
  readonly params: Readonly<Record<string, string>>;
  /** Valid against what the operation accepts. */
  readonly input: Json;
  /** As sent, for the fingerprint. */
  readonly body: Json | undefined;
  /** Of a signed request: what makes it count once. */
  readonly message?: SignedMessage | undefined;
  /**
   * Takes what limits with a cost or a queue ask for; throws the refusal. Gives the milliseconds until what is started may begin. Called once, when it is sure that something is to
   * be done: a repeat of what was done takes nothing.
   */
  readonly charge: () => number;
}

/** Answers a request; throws problems. */
export type Act = (exchange: Exchange) => Promise<HttpResponse>;

/** Begins to answer with events: on the stream, which is given back as the answer, unless there is nothing to send. Throws problems. */
export type EventAct = (exchange: Exchange, stream: EventStream) => Promise<HttpResponse>;

/** What acts are made of. */
export interface Workshop {
  readonly backend: Backend;
  readonly idempotency: Idempotency;
  readonly cursors: Cursors;
  readonly clock: () => number;
  /** Events of systems, for what is served. */
  readonly arrivals: Arrivals;
  /** Fires when the publisher is closed: what is still under way then is broken off. */
  readonly signal: AbortSignal;
  readonly compile: (schema: Schema) => Validate;
  /** Tells of a failure that the caller is not shown. */
  readonly report: (error: unknown, requestId: string, shared?: SharedFailure) => void;
  /** Milliseconds between two looks at runs that are followed. Default 250. */
  readonly lookMs?: number | undefined;
}

/** An operation, with everything compiled. */
export interface Prepared {
  readonly api: ApiDefinition;
  readonly name: string;
  readonly operation: ApiOperation;
  /** `orders 1.0.0 placeOrder`, for the record of key uses. */
  readonly label: string;
  readonly plan: InputPlan;
  /** What a request must hold. */
  readonly accepted: Schema;
  /** What an answer holds: of a run, its output. */
  readonly answered: Schema;
  /** Faults of the system that callers see. */
  readonly faults: readonly ShownFault[];
  readonly validate: Validate;
  readonly maxBodyBytes: number;
  readonly act: Act;
  /** Instead of `act`, of what answers with events. */
  readonly events: EventAct | undefined;
  /** Whether `act` charges by itself; what does not is charged before it. */
  readonly charges: boolean;
  /** Reads the input, and what the body held. */
  readonly read: (request: HttpRequest, params: Readonly<Record<string, string>>) => ReadInput | Promise<ReadInput>;
  /** The media type of its answers, or several that they may have; `undefined`: they have no body. */
  readonly offers: string | readonly string[] | undefined;
  /** Of a contract that is given: its own form of errors. */
  readonly shape?: (response: HttpResponse, report: (error: unknown) => void) => HttpResponse;
  /** What goes through unread. */
  readonly passes: PassPlan | undefined;
}

/** Whether an object rule lets this pass. A rule that throws, or answers anything but `true`, does not. */
export function permits<F>(
  rule: ((facts: F) => boolean) | undefined,
  facts: F,
  report: (error: unknown) => void,
): boolean {
  if (rule === undefined) return true;
  try {
    return rule(facts) === true;
  } catch (error) {
    report(error);
    return false;
  }
}

/** One request on its way through the pipeline, and what an operation prepared once to answer many. */
import type { Json, Schema, Validate } from "../operation.ts";
import type { SignedMessage } from "./access/way.ts";
import type { Backend } from "./backend.ts";
import type { ApiDefinition } from "./define.ts";
import { fieldsOf } from "./fields.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";
import type { Idempotency } from "./idempotency.ts";
import type { InputPlan } from "./input.ts";
import type { Accepts, ApiCaller, ApiOperation, Responds } from "./operations.ts";
import { invalidInput } from "./problem.ts";
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
  /** What is started may begin after so many milliseconds: its turn under a limit comes then. */
  readonly delayMs: number;
}

/** Answers a request; throws problems. */
export type Act = (exchange: Exchange) => Promise<HttpResponse>;

/** Begins to answer with events: on the stream, which is given back as the answer, unless there is nothing to send. Throws problems. */
export type EventAct = (exchange: Exchange, stream: EventStream) => Promise<HttpResponse>;

/** What acts are made of. */
export interface Workshop {
  readonly backend: Backend;
  readonly idempotency: Idempotency;
  readonly clock: () => number;
  /** Fires when the publisher is closed: what is still under way then is broken off. */
  readonly signal: AbortSignal;
  readonly compile: (schema: Schema) => Validate;
  /** Tells of a failure that the caller is not shown. */
  readonly report: (error: unknown, requestId: string) => void;
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
  readonly validate: Validate;
  readonly maxBodyBytes: number;
  readonly act: Act;
  /** Instead of `act`, of what answers with events. */
  readonly events: EventAct | undefined;
  /** Media type of the answer. */
  readonly offers: string;
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

export const jsonHeaders: Readonly<Record<string, string>> = Object.freeze({ "content-type": "application/json" });

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = jsonHeaders,
): HttpResponse {
  return { status, headers, body: JSON.stringify(value ?? null) };
}

/** Applies `accepts` and checks what it made: without it, what was sent is the input. Of an adapted operation, one after the other. */
export function inputReader(
  accepts: Accepts<unknown, unknown> | undefined,
  input: Schema,
  compile: Workshop["compile"],
): (exchange: Exchange) => Json {
  if (accepts === undefined) return (exchange) => exchange.input;
  const steps: { readonly map: Accepts<unknown, unknown>["map"]; readonly validate: Validate }[] = [];
  for (let step: typeof accepts | undefined = accepts; step !== undefined; step = step.next)
    steps.push({ map: step.map, validate: compile((step.next?.body as Schema | undefined) ?? input) });
  return (exchange) => {
    let made = exchange.input;
    for (const { map, validate } of steps) {
      made = map(made, { caller: exchange.caller }) as Json;
      const problems = validate(made);
      if (problems.length > 0) throw invalidInput(problems);
    }
    return made;
  };
}

/**
 * Applies `responds` and checks what it made; a wrong answer of our own is a failure, not an answer. What the schema of the answer does
 * not name is left out (OW-3). `output`: of what is answered without `responds`.
 */
export function responder(
  responds: Responds<unknown, unknown> | undefined,
  output: Schema,
  compile: Workshop["compile"],
): (output: unknown) => unknown {
  if (responds === undefined) return fieldsOf(output).drop;
  const validate = compile(responds.body);
  const fields = fieldsOf(responds.body);
  const before = responds.before === undefined ? undefined : responder(responds.before, output, compile);
  return (given) => {
    const made = fields.drop(responds.map(before === undefined ? given : before(given)));
    const problems = validate(made);
    if (problems.length > 0) {
      const first = problems[0];
      throw new Error(`responds.map made an answer that does not fit its schema: ${first?.at} ${first?.message}`);
    }
    return made;
  };
}

/**
 * Calls a system's operation straight away, without a run. Reads: identical ones in flight are one call, and answers may be
 * reused for a moment. What is sent twice, and what not at all, is decided behind `backend.call`.
 */
import { randomUUID } from "node:crypto";
import { asMortiseError, failure, type MortiseError } from "../errors.ts";
import { canonicalJson } from "../formats/json.ts";
import type { CallContext, CallResult, Json, Problem, Schema, Told } from "../operation.ts";
import { NamedSlots } from "../slots.ts";
import { type Answers, jsonHeaders, plainAnswers } from "./answers/answers.ts";
import type { ApiDefinition } from "./define.ts";
import { type Act, type Exchange, permits, type Workshop } from "./exchange.ts";
import type { HttpResponse } from "./http.ts";
import { idempotencyScope, type Sending, type Ticket } from "./idempotency.ts";
import { keptAnswers } from "./kept-answers.ts";
import { straightCall } from "./key-records.ts";
import { type Asked, inputReader, responder } from "./mappings.ts";
import type { CallsOperation } from "./operations.ts";
import { invalidInput, ProblemError, problemResponse } from "./problem.ts";

/** Reads of this process: their key is for nobody but the log. */
let reads = 0;

/** What a call gave, and the answer made of it. */
export interface Answered {
  readonly output: unknown;
  readonly response: HttpResponse;
  /** It is a fault, in the form that the contract has for it. */
  readonly fault?: true;
}

interface Underway {
  /** Set as soon as it was begun. */
  call: Promise<Answered> | undefined;
  requests: number;
}

export const unseen = () => new ProblemError(failure("resource-unknown", {}), {});

/** What asks the system, for the operation that answers at once and for the one that goes on asking. */
export interface CallPort {
  readonly inputOf: (exchange: Exchange) => Asked;
  /** What is asked, as one text: equal questions have equal answers. */
  readonly idOf: (asked: Asked) => string;
  /** Whether the object rule lets it pass; `resource`: what was answered, before the call `undefined`. */
  allowed(exchange: Exchange, value: Json, resource: unknown): boolean;
  /** One call, whose key is `key`. */
  once(asked: Asked, key: string, told?: Sending): Promise<Answered>;
  /** Of a read: shared with whoever asks the same. */
  read(id: string, asked: Asked): Promise<Answered>;
  /** The answer made of what a call gave; throws a fault. */
  answer(result: CallResult, asked: Asked): Answered;
  /** What a caller may know of a failed call; the rest is reported (PD-5). */
  publicFailure(thrown: unknown, requestId: string): unknown;
}

export function callPort(
  operation: CallsOperation,
  input: Schema,
  output: Schema,
  shop: Workshop,
  answers: Answers,
): CallPort {
  const { timeoutMs, cacheMs = 0 } = operation;
  const target = operation.operation;
  const { backend, clock } = shop;
  const respond = responder(operation.responds, output, shop.compile, operation.spoken !== undefined);
  const inputOf = inputReader(operation.accepts, input, `${target.system}.${target.name}`, shop.compile);
  // What `responds` makes may repeat what was asked: two requests of one input are then two questions.
  const repeats = operation.responds !== undefined;
  const idOf = (asked: Asked) => canonicalJson(repeats ? asked.stages : asked.input);
  /** By what is asked: what is under way, and what may be reused. */
  const underway = new NamedSlots<Underway>();
  /** What a call failed with that several requests waited for; `told`: the first of them that was told. */
  const shared = new WeakMap<object, { readonly requests: number; told?: string }>();
  const kept = keptAnswers<Answered>(cacheMs, clock);
  /** Nobody looks into what was read: it may come as the text that is told. */
  const passesOn =
    operation.responds === undefined &&
    operation.allow === undefined &&
    operation.pages === undefined &&
    operation.everyMs === undefined &&
    answers === plainAnswers;

  // The deadline ends the call. A signal of its own for each, with a timer that fires long after the answer, cost a tenth of it (npm run bench -- w2).
  const contextOf = (key: string): CallContext => ({
    key,
    attempt: 1,
    deadline: Date.now() + timeoutMs,
    signal: shop.signal,
  });

  async function once(asked: Asked, key: string, told?: Sending): Promise<Answered> {
    if (told === undefined) return answer(await backend.call(target, asked.input, contextOf(key)), asked);
    const result = await backend.call(target, asked.input, contextOf(key), () => {
      told.again = true;
    });
    told.gave = result.ok ? "output" : "fault";
    return answer(result, asked);
  }

  function answer(result: CallResult, asked: Asked): Answered {
    if (result.ok) {
      const response = answers.answered(respond(result.output, asked));
      // Beside an object rule a contract's own "there is none" has no words of its own either.
      if (operation.allow !== undefined && response.status === 404) throw unseen();
      return { output: result.output, response };
    }
    const { name: fault, detail } = result.fault;
    const own = answers.fault(fault, detail);
    if (own !== undefined) {
      if (operation.allow !== undefined && own.status === 404) throw unseen();
      return { output: undefined, response: own, fault: true };
    }
    // The detail of a fault was not meant for our callers unless the API's author mapped that fault.
    const status = Object.hasOwn(operation.faults, fault) ? operation.faults[fault] : undefined;
    // Beside an object rule "there is none" must look like "none that you may see".
    if (operation.allow !== undefined && status === 404) throw unseen();
    throw new ProblemError(
      failure("fault-declared", { fault }),
      status === undefined ? { members: { fault } } : { members: { fault, faultDetail: detail }, status },
    );
  }

  function told(result: Told, asked: Asked): Answered {
    if (!("text" in result)) return answer(result, asked);
    return { output: undefined, response: { status: 200, headers: jsonHeaders, body: result.text } };
  }

  function read(id: string, asked: Asked): Promise<Answered> {
    const before = cacheMs > 0 ? kept.get(id) : undefined;
    if (before !== undefined) return Promise.resolve(before);
    const other = underway.get(id);
    if (other?.call !== undefined) {
      other.requests += 1;
      return other.call;
    }
    const entry: Underway = { call: undefined, requests: 1 };
    underway.set(id, entry);
    entry.call = first(id, asked);
    return entry.call;
  }

  /** Nobody else is asking for it: `underway` knows of it already, whenever it fails. */
  async function first(id: string, asked: Asked): Promise<Answered> {
    try {
      const context = contextOf(`read-${++reads}`);
      // A question is its input, where nothing is made of it: its text is at hand.
      const how = passesOn ? { text: id, whole: false } : { whole: true };
      const answered = told(await backend.read(target, asked.input, context, how), asked);
      if (cacheMs > 0 && answered.fault === undefined) kept.keep(id, answered, sizeOf(answered));
      return answered;
    } catch (error) {
      const { requests = 1 } = underway.get(id) ?? {};
      if (typeof error === "object" && error !== null) {
        if (requests > 1) shared.set(error, { requests });
        else shared.delete(error);
      }
      throw error;
    } finally {
      underway.delete(id);
    }
  }

  /** One failure is told once, and how many requests it met. */
  function report(thrown: unknown, requestId: string): void {
    const all = typeof thrown === "object" && thrown !== null ? shared.get(thrown) : undefined;
    if (all === undefined) shop.report(thrown, requestId);
    else if (all.told !== undefined) shop.report(thrown, requestId, { sharedWith: all.told });
    else {
      all.told = requestId;
      shop.report(thrown, requestId, { requests: all.requests });
    }
  }

  function allowed({ caller, request }: Exchange, value: Json, resource: unknown): boolean {
    if (operation.allow === undefined) return true;
    return permits(operation.allow, { caller, input: value, resource }, (error) => shop.report(error, request.id));
  }

  /** What a caller may know of a failed call; the rest is reported (PD-5). */
  function publicFailure(thrown: unknown, requestId: string): unknown {
    if (thrown instanceof ProblemError) return thrown;
    const error: MortiseError = asMortiseError(thrown);
    if (error.code.startsWith("idempotency-") || error.code === "store-failed") return error;
    if (error.code === "range-unsatisfiable") return error;
    // What fits the schema and can't be sent all the same, such as a line feed in a header, is the caller's to mend: nobody mapped it.
    if (error.code === "contract-input" && operation.accepts === undefined && Array.isArray(error.details))
      return invalidInput(error.details as readonly Problem[]);
    // That a system is away was told when it went; each call that is refused for it is no news.
    if (error.code !== "system-away") report(thrown, requestId);
    const extras = { cause: error, outcome: error.outcome };
    if (error.outcome === "unknown" && target.effect !== "read") return failure("system-outcome-unknown", {}, extras);
    if (error.class === "retry" || error.class === "wait") {
      return failure("system-unavailable", {}, { ...extras, retryAfterMs: error.retryAfterMs });
    }
    return failure("system-failed", {}, extras);
  }

  return { inputOf, idOf, allowed, once, read, answer, publicFailure };
}

/** The output is about as large as the answer that was made of it, or larger where little of it is told. */
function sizeOf({ output, response }: Answered): number {
  return (JSON.stringify(output) ?? "").length + (response.body?.length ?? 0);
}

export function callAct(
  api: ApiDefinition,
  name: string,
  operation: CallsOperation,
  input: Schema,
  output: Schema,
  shop: Workshop,
  answers: Answers,
): Act {
  const target = operation.operation;
  const { idempotency } = shop;
  const { inputOf, idOf, allowed, once, read, publicFailure } = callPort(operation, input, output, shop, answers);

  /** The answer, if the object rule lets this caller see what it holds. Answers are shared between callers, verdicts never. */
  function shown({ output, response, fault }: Answered, exchange: Exchange, value: Json): HttpResponse {
    if (fault === undefined && !allowed(exchange, value, output)) throw unseen();
    return response;
  }

  async function act(exchange: Exchange): Promise<HttpResponse> {
    const asked = inputOf(exchange);
    const value = asked.input;
    const { id: requestId } = exchange.request;
    if (!allowed(exchange, value, undefined)) throw failure("not-allowed", {});
    const work = async (key: string, told?: Sending) => shown(await once(asked, key, told), exchange, value);
    try {
      if (target.effect === "read") {
        exchange.charge();
        return shown(await read(idOf(asked), asked), exchange, value);
      }
      const ticket = idempotency.ticket(
        exchange.request,
        operation.idempotency,
        idempotencyScope(exchange.caller, api, name),
        exchange.body,
        exchange.message,
      );
      if (ticket !== undefined) return await keyed(work, ticket, exchange);
      exchange.charge();
      return await work(randomUUID());
    } catch (error) {
      throw publicFailure(error, requestId);
    }
  }

  /** Whether the system has forgotten the key that it was sent after this reservation, or may have (P3). */
  function outlived(reservedAt: number | undefined): boolean {
    const { keyLifetimeMs } = target;
    if (keyLifetimeMs === undefined) return false;
    const age = shop.clock() - (reservedAt ?? Number.NEGATIVE_INFINITY);
    return age > keyLifetimeMs || age < 0;
  }

  function keyed(
    work: (key: string, told: Sending) => Promise<HttpResponse>,
    ticket: Ticket,
    { charge, request: { id: requestId } }: Pick<Exchange, "charge" | "request">,
  ): Promise<HttpResponse> {
    return idempotency.holding(ticket, async (found) => {
      const open = found.kind === "open";
      const told: Sending = { again: open };
      if (!open) {
        charge();
        await idempotency.reserve(ticket);
      }
      // It may have happened: only a system that honours the key, and still does, can be asked again.
      else if (target.effect === "unrepeatable" || outlived(found.at)) throw failure("idempotency-outcome-unknown", {});
      try {
        return await idempotency.settle(ticket, requestId, () => work(`${straightCall}${ticket.id}`, told), told);
      } catch (thrown) {
        const error = asMortiseError(thrown);
        if (error.outcome === "none" && (error.class === "retry" || error.class === "wait")) {
          // Of one that was left open an earlier call may have happened under the same effect key: it belongs to this request alone.
          if (!open) await idempotency.release(ticket);
          throw error;
        }
        // An idempotent call of unknown outcome stays open: its retry asks again with the same effect key.
        if (error.outcome === "unknown" && target.effect === "idempotent") throw error;
        const response = problemResponse(publicFailure(error, requestId), requestId);
        await idempotency.complete(ticket, response, told);
        return response;
      }
    });
  }

  return act;
}

/** From an HTTP answer to a result: success, declared fault, or a failure with the right class and outcome. */
import { isUtf8 } from "node:buffer";
import { accepts, bodyKind } from "../contract/media.ts";
import type { ContractModel, OperationModel, RestBinding } from "../contract/model.ts";
import { type TextCheck, textCheck } from "../contract/text-check.ts";
import type { OperationValidators } from "../contract/validate.ts";
import { failure, MortiseError, type Outcome } from "../errors.ts";
import { decodeJson, parseJson } from "../formats/json.ts";
import { type CallResult, inWords, type Json, type Problem, type Told, type Validate } from "../operation.ts";
import type { OutboundResponse } from "../outbound/outbound.ts";
import { pauseAsked } from "./http.ts";
import { isProblem, readProblem, type SystemProblem, saidBy, withoutMistyped } from "./rest-problem.ts";
import { readSequence } from "./rest-sequence.ts";
import { decodeText } from "./text-body.ts";

/** `scrub` takes out of a text what must not be told; it is made only where a text is kept. */
type Reading<R> = (response: OutboundResponse, scrub: () => (text: string) => string) => R;
export type ReadAnswer = Reading<CallResult>;
/** The same, for what passes the output on: as the text that came, where that is known to fit as it is. */
export type TellAnswer = Reading<Told>;

interface Reader {
  readonly fault: { readonly name: string; readonly message: string } | undefined;
  readonly validate: Validate;
  readonly mediaType: string | null;
  readonly list: boolean;
}

/** The reader of an operation's answers. `shown` is `system.operation`. */
export function answerReader(
  shown: string,
  operation: OperationModel,
  binding: RestBinding,
  validators: OperationValidators,
  model: ContractModel,
  maxBytes: number,
): { readonly read: ReadAnswer; readonly tell: TellAnswer } {
  const readers = new Map<string, Reader>();
  for (const { status, mediaType, option, list = false } of binding.success)
    readers.set(status, {
      fault: undefined,
      // Each status has its own schema: the output as a whole allows all of them.
      validate: option === undefined ? validators.output : validators.option(option),
      mediaType: binding.method === "HEAD" ? null : mediaType,
      list,
    });
  for (const { status, fault, mediaType } of binding.faults) {
    const message = operation.faults[fault]?.description ?? fault;
    readers.set(status, { fault: { name: fault, message }, validate: validators.fault(fault), mediaType, list: false });
  }
  const limits = { maxBytes };

  const read: ReadAnswer = (response, scrub) => {
    const { status } = response;
    const type = response.headers["content-type"];
    // What a system says of a failure is for operators: it stands in the error, which no caller of an API is shown.
    const problem = () => (isProblem(type) ? readProblem(response.body, scrub()) : undefined);
    const refused = () => told("rest-refused", shown, status, problem(), { outcome });
    if (status >= 500 || status === 408 || status === 425 || status === 429)
      throw unavailable(shown, response, problem());
    const reader =
      readers.get(String(status)) ??
      readers.get(`${Math.floor(status / 100)}XX`) ??
      (status >= 300 ? readers.get("default") : undefined);
    const outcome: Outcome = status >= 400 ? "none" : "unknown";
    if (reader === undefined) {
      if (status >= 300) throw refused();
      throw unfit(shown, `status ${status} is not declared`, undefined, outcome);
    }
    if (reader.mediaType !== null && type !== undefined && !accepts(reader.mediaType, type)) {
      // An error page of something in between, not the declared fault.
      if (reader.fault !== undefined) throw refused();
      throw unfit(shown, `its media type is not ${reader.mediaType}`, undefined, outcome);
    }
    const read =
      reader.mediaType === null
        ? null
        : bodyOf(shown, readAs(reader.mediaType, type), type, response.body, reader.list, limits, outcome);
    const value = reader.fault !== undefined && isProblem(type) ? withoutMistyped(read) : read;
    const problems = reader.validate(value);
    if (problems.length > 0) throw unfit(shown, inWords(problems), problems, outcome);
    if (reader.fault === undefined) return { ok: true, output: value };
    return { ok: false, fault: { name: reader.fault.name, message: reader.fault.message, detail: value } };
  };
  return { read, tell: teller(read, operation, binding, model) };
}

/** Passes the text on that came with the one status of success, as JSON; everything else is read. */
function teller(read: ReadAnswer, operation: OperationModel, binding: RestBinding, model: ContractModel): TellAnswer {
  const [one, ...others] = binding.success;
  if (one === undefined || others.length > 0 || one.option !== undefined || one.list === true) return read;
  const { mediaType, status } = one;
  const isJson = mediaType !== null && !mediaType.includes("*") && bodyKind(mediaType) === "json";
  if (!isJson || binding.method === "HEAD" || !/^2\d\d$/.test(status)) return read;
  let check: TextCheck | undefined;
  let made = false;
  /** The media type that came last, and fitted. */
  let fitting: string | undefined;
  /** Answers in a row of which nothing was said. */
  let unsaid = 0;
  return (response, scrub) => {
    const type = response.headers["content-type"];
    if (response.status !== Number(status) || type === undefined) return read(response, scrub);
    if (type !== fitting) {
      if (!accepts(mediaType, type)) return read(response, scrub);
      fitting = type;
    }
    if (!made) check = textCheck(model, operation.output);
    made = true;
    if (check === undefined) return read(response, scrub);
    // A system whose answers always hold more than the contract names is asked about it now and then only.
    const tries = unsaid < mostUnsaid || unsaid % mostUnsaid === 0;
    if (tries && isUtf8(response.body) && check(response.body)) {
      unsaid = 0;
      return { ok: true, text: decodeJson(response.body) };
    }
    unsaid += 1;
    return read(response, scrub);
  };
}
const mostUnsaid = 32;

/** A range (`*\/*`) is read as what came; anything declared more narrowly as it was declared. */
function readAs(declared: string, actual: string | undefined): string {
  return declared.includes("*") && actual !== undefined ? actual : declared;
}

function bodyOf(
  shown: string,
  mediaType: string,
  actual: string | undefined,
  body: Uint8Array,
  list: boolean,
  limits: { maxBytes: number },
  outcome: Outcome,
): Json {
  const parsed = (parse: () => Json): Json => {
    try {
      return parse();
    } catch (cause) {
      if (cause instanceof MortiseError) throw unfit(shown, cause.message, undefined, outcome);
      throw cause;
    }
  };
  const text = (type: string | undefined): string => {
    const decoded = decodeText(body, type);
    if ("text" in decoded) return decoded.text;
    throw unfit(shown, decoded.reason, undefined, outcome);
  };
  // JSON is UTF-8, whatever is said of it (RFC 8259, section 8.1).
  if (list) return parsed(() => readSequence(mediaType, text(undefined), limits));
  switch (bodyKind(mediaType)) {
    case "json":
      return body.length === 0 ? null : parsed(() => parseJson(body, limits));
    case "form":
      return Object.fromEntries(new URLSearchParams(text(undefined)));
    case "text":
    case "lines":
      return text(actual ?? mediaType);
    default:
      return Buffer.from(body).toString("base64");
  }
}

/**
 * 5xx, 408, 425 and 429. 425 and 429 say that nothing was done (RFC 8470, section 5.2; RFC 6585, section 4); after the others it may have been.
 * One that says when to come again makes the engine wait; the others are tried again.
 */
function unavailable(shown: string, response: OutboundResponse, problem: SystemProblem | undefined): MortiseError {
  const { status } = response;
  const outcome: Outcome = status === 425 || status === 429 ? "none" : "unknown";
  const { class: asks, ...pause } = pauseAsked(response);
  const code = asks === "wait" ? "rest-wait" : "rest-unavailable";
  return told(code, shown, status, problem, { outcome, ...pause });
}

/** The error of a status, with what the system said of it: in its sentence, and as `details: { problem }`. */
function told(
  code: "rest-refused" | "rest-unavailable" | "rest-wait",
  operation: string,
  status: number,
  problem: SystemProblem | undefined,
  extras: { readonly outcome: Outcome; readonly retryAfterMs?: number },
): MortiseError {
  const details = problem === undefined ? {} : { details: { problem } };
  return failure(code, { operation, status, said: saidBy(problem) }, { ...extras, ...details });
}

function unfit(
  shown: string,
  problems: string,
  details: readonly Problem[] | undefined,
  outcome: Outcome,
): MortiseError {
  return failure(
    "contract-output",
    { operation: shown, problems },
    { outcome, ...(details === undefined ? {} : { details }) },
  );
}

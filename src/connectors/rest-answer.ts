/** From an HTTP answer to a result: success, declared fault, or a failure with the right class and outcome. */
import { accepts, bodyKind } from "../contract/media.ts";
import type { OperationModel, RestBinding } from "../contract/model.ts";
import type { OperationValidators } from "../contract/validate.ts";
import { failure, MortiseError, type Outcome } from "../errors.ts";
import { parseJson } from "../formats/json.ts";
import { type CallResult, inWords, type Json, type Problem, type Validate } from "../operation.ts";
import type { OutboundResponse } from "../outbound/outbound.ts";
import { retryAfter, unsaidPauseMs } from "./http.ts";
import { isProblem, readProblem, type SystemProblem, saidBy, withoutMistyped } from "./rest-problem.ts";
import { readSequence } from "./rest-sequence.ts";

/** `scrub` takes out of a text what must not be told; it is made only where a text is kept. */
export type ReadAnswer = (response: OutboundResponse, scrub: () => (text: string) => string) => CallResult;

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
  maxBytes: number,
): ReadAnswer {
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

  return (response, scrub) => {
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
        : bodyOf(shown, readAs(reader.mediaType, type), response.body, reader.list, limits, outcome);
    const value = reader.fault !== undefined && isProblem(type) ? withoutMistyped(read) : read;
    const problems = reader.validate(value);
    if (problems.length > 0) throw unfit(shown, inWords(problems), problems, outcome);
    if (reader.fault === undefined) return { ok: true, output: value };
    return { ok: false, fault: { name: reader.fault.name, message: reader.fault.message, detail: value } };
  };
}

/** A range (`*\/*`) is read as what came; anything declared more narrowly as it was declared. */
function readAs(declared: string, actual: string | undefined): string {
  return declared.includes("*") && actual !== undefined ? actual : declared;
}

function bodyOf(
  shown: string,
  mediaType: string,
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
  if (list) return parsed(() => readSequence(mediaType, Buffer.from(body).toString("utf8"), limits));
  switch (bodyKind(mediaType)) {
    case "json":
      return body.length === 0 ? null : parsed(() => parseJson(body, limits));
    case "form":
      return Object.fromEntries(new URLSearchParams(Buffer.from(body).toString("utf8")));
    case "text":
    case "lines":
      return Buffer.from(body).toString("utf8");
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
  const retryAfterMs = retryAfter(response.headers["retry-after"], response.headers.date);
  if (status === 429 || (status === 503 && retryAfterMs !== undefined))
    return told("rest-wait", shown, status, problem, { outcome, retryAfterMs: retryAfterMs ?? unsaidPauseMs });
  return told("rest-unavailable", shown, status, problem, {
    outcome,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
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

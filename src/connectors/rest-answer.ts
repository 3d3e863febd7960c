/** From an HTTP answer to a result: success, declared fault, or a failure with the right class and outcome. */
import { accepts, bodyKind } from "../contract/media.ts";
import type { OperationModel, RestBinding } from "../contract/model.ts";
import type { OperationValidators } from "../contract/validate.ts";
import { failure, MortiseError, type Outcome } from "../errors.ts";
import { parseJson } from "../formats/json.ts";
import { type CallResult, inWords, type Json, type Problem, type Validate } from "../operation.ts";
import type { OutboundResponse } from "../outbound/outbound.ts";
import { retryAfter, unsaidPauseMs } from "./http.ts";

export type ReadAnswer = (response: OutboundResponse) => CallResult;

interface Reader {
  readonly fault: { readonly name: string; readonly message: string } | undefined;
  readonly validate: Validate;
  readonly mediaType: string | null;
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
  for (const { status, mediaType } of binding.success)
    readers.set(status, {
      fault: undefined,
      validate: validators.output,
      mediaType: binding.method === "HEAD" ? null : mediaType,
    });
  for (const { status, fault, mediaType } of binding.faults) {
    const message = operation.faults[fault]?.description ?? fault;
    readers.set(status, { fault: { name: fault, message }, validate: validators.fault(fault), mediaType });
  }
  const limits = { maxBytes };

  return (response) => {
    const { status } = response;
    if (status >= 500 || status === 408 || status === 425 || status === 429) throw unavailable(shown, response);
    const reader =
      readers.get(String(status)) ??
      readers.get(`${Math.floor(status / 100)}XX`) ??
      (status >= 300 ? readers.get("default") : undefined);
    const outcome: Outcome = status >= 400 ? "none" : "unknown";
    if (reader === undefined) {
      if (status >= 300) throw failure("rest-refused", { operation: shown, status }, { outcome });
      throw unfit(shown, `status ${status} is not declared`, undefined, outcome);
    }
    const type = response.headers["content-type"];
    if (reader.mediaType !== null && type !== undefined && !accepts(reader.mediaType, type)) {
      // An error page of something in between, not the declared fault.
      if (reader.fault !== undefined) throw failure("rest-refused", { operation: shown, status }, { outcome });
      throw unfit(shown, `its media type is not ${reader.mediaType}`, undefined, outcome);
    }
    const value = reader.mediaType === null ? null : bodyOf(shown, reader.mediaType, response.body, limits, outcome);
    const problems = reader.validate(value);
    if (problems.length > 0) throw unfit(shown, inWords(problems), problems, outcome);
    if (reader.fault === undefined) return { ok: true, output: value };
    return { ok: false, fault: { name: reader.fault.name, message: reader.fault.message, detail: value } };
  };
}

function bodyOf(
  shown: string,
  mediaType: string,
  body: Uint8Array,
  limits: { maxBytes: number },
  outcome: Outcome,
): Json {
  switch (bodyKind(mediaType)) {
    case "json":
      if (body.length === 0) return null;
      try {
        return parseJson(body, limits);
      } catch (cause) {
        if (cause instanceof MortiseError) throw unfit(shown, cause.message, undefined, outcome);
        throw cause;
      }
    case "form":
      return Object.fromEntries(new URLSearchParams(Buffer.from(body).toString("utf8")));
    case "text":
      return Buffer.from(body).toString("utf8");
    default:
      return Buffer.from(body).toString("base64");
  }
}

/**
 * 5xx, 408, 425 and 429. 425 and 429 say that nothing was done (RFC 8470, section 5.2; RFC 6585, section 4); after the others it may have been.
 * One that says when to come again makes the engine wait; the others are tried again.
 */
function unavailable(shown: string, response: OutboundResponse): MortiseError {
  const { status } = response;
  const outcome: Outcome = status === 425 || status === 429 ? "none" : "unknown";
  const retryAfterMs = retryAfter(response.headers["retry-after"], response.headers.date);
  if (status === 429 || (status === 503 && retryAfterMs !== undefined))
    return failure("rest-wait", { operation: shown, status }, { outcome, retryAfterMs: retryAfterMs ?? unsaidPauseMs });
  return failure(
    "rest-unavailable",
    { operation: shown, status },
    { outcome, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  );
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

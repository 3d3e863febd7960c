/** What the SOAP connector makes of answers that are no result: statuses, text that is no XML, values that do not fit. */
import { failure, MortiseError, type Outcome } from "../errors.ts";
import { parseXml, type XmlElement, type XmlTrouble } from "../formats/xml.ts";
import { type CallResult, inWords, type Json, type Problem } from "../operation.ts";
import type { OutboundResponse } from "../outbound/outbound.ts";
import { pauseAsked } from "./http.ts";

/** One attempt of one operation: what is sent, and what the answer means. Both throw a `MortiseError`. */
export interface Exchange {
  request(
    name: string,
    input: Json,
  ): {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
  };
  result(name: string, response: OutboundResponse): CallResult;
}

/** The root of an answer in XML; an error where it can't be read; `undefined` where it is something else. */
export function answerInXml(
  name: string,
  response: OutboundResponse,
  maxBytes: number,
): XmlElement | MortiseError | undefined {
  const type = mediaTypeOf(response);
  // What says no type is looked at (RFC 9110, section 8.3).
  if (type !== "" && (!/\bxml\b/i.test(type) || /^multipart\//i.test(type))) return undefined;
  const charset = /;\s*charset\s*=\s*"?([\w.-]+)/i.exec(type)?.[1];
  try {
    return parseXml(response.body, { bytes: maxBytes }, charset);
  } catch (error) {
    if (!(error instanceof MortiseError)) throw error;
    const { place, reason } = error.details as XmlTrouble;
    return badOutput(name, [{ at: "", message: `is not readable XML (${place}: ${reason})` }]);
  }
}

/** The media type of an answer, empty where it says none. */
export function mediaTypeOf(response: OutboundResponse): string {
  return response.headers["content-type"] ?? "";
}

/** A status without a usable envelope. 425 and 429 say that nothing was done (RFC 8470, section 5.2; RFC 6585, section 4). */
export function byStatus(name: string, response: OutboundResponse): MortiseError {
  const { status } = response;
  const parameters = { operation: name, status };
  const outcome: Outcome = status >= 400 && status < 500 && status !== 408 ? "none" : "unknown";
  if (status < 500 && status !== 408 && status !== 425 && status !== 429)
    return failure("soap-status", parameters, { class: "give-up", outcome });
  return failure("soap-status", parameters, { outcome, ...pauseAsked(response) });
}

export function badInput(operation: string, problems: readonly Problem[]): MortiseError {
  return failure("contract-input", { operation, problems: inWords(problems) }, { details: problems });
}

/** It happened, but what came back can't be used: only a person can know (C2). */
export function badOutput(operation: string, problems: readonly Problem[]): MortiseError {
  return failure(
    "contract-output",
    { operation, problems: inWords(problems) },
    { details: problems, outcome: "unknown" },
  );
}

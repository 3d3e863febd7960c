/** The form of good answers: of an operation that is defined here, or of one whose contract is given (implement/answers.ts). */
import type { Json } from "../../operation.ts";
import type { HttpResponse } from "../http.ts";

export interface Answers {
  /** Of a call, and of a run that is shown. */
  answered(value: unknown): HttpResponse;
  /** Of a run that has completed. `started`: by this request. `link`: path of its status. */
  completed(value: unknown, started: boolean, link: string | undefined): HttpResponse;
  /** Of a run that has not ended. */
  accepted(key: string, input: Json, link: string | undefined): HttpResponse;
  /** Of a run that was rejected; `undefined`: it is a problem like any other. */
  rejected(facts: { readonly reason: string; readonly key: string; readonly input: Json }): HttpResponse | undefined;
  /** Of a system's fault; `undefined`: it is a problem. */
  fault(name: string, detail: Json): HttpResponse | undefined;
}

export const jsonHeaders: Readonly<Record<string, string>> = Object.freeze({ "content-type": "application/json" });

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = jsonHeaders,
): HttpResponse {
  return { status, headers, body: JSON.stringify(value ?? null) };
}

/** What a caller is told of a run that is under way. */
export function acceptance(key: string, link: string | undefined): Json {
  return link === undefined ? { key, status: "accepted" } : { key, status: "accepted", links: { status: link } };
}

export function located(link: string | undefined): Readonly<Record<string, string>> {
  return link === undefined ? jsonHeaders : { ...jsonHeaders, location: link };
}

/** Of what is defined here: JSON, with the statuses that docs/guide/publish-an-api.md names. */
export const plainAnswers: Answers = Object.freeze({
  answered: (value: unknown) => jsonResponse(200, value),
  completed: (value: unknown, started: boolean, link: string | undefined) =>
    jsonResponse(started ? 201 : 200, value, located(link)),
  accepted: (key: string, _input: Json, link: string | undefined) =>
    jsonResponse(202, acceptance(key, link), located(link)),
  rejected: () => undefined,
  fault: () => undefined,
});

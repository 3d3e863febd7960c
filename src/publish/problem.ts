/**
 * Problem details (RFC 9457): every error answer, from the parser's to the process's, has this one form.
 * A 5xx never shows the inner sentence: it may name a host, a statement or a file (PD-5).
 */
import { asMortiseError, type ErrorCode, failure, type MortiseError } from "../errors.ts";
import { STATUS_CODES } from "../http.ts";
import type { Json, JsonSchema } from "../operation.ts";
import type { HttpResponse } from "./http.ts";

/** The body, RFC 9457, section 3.1. `errors` are validation problems with JSON Pointers (RFC 6901). */
export interface Problem {
  /** `urn:mortise:error:<code>`: stable, one page each in the error reference. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** `urn:mortise:request:<request id>`: finds the log line and the trace. */
  readonly instance: string;
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
  readonly [extension: string]: unknown;
}

/** `Problem` for OpenAPI documents: of the published APIs, and of the admin API. */
export const problemSchema: JsonSchema = {
  type: "object",
  description: "Problem details (RFC 9457).",
  properties: {
    type: { type: "string", description: "Stable: `urn:mortise:error:<code>`." },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    instance: { type: "string", description: "Names this request; quote it when you ask for help." },
    errors: {
      type: "array",
      description: "What does not fit, each with its place as a JSON Pointer.",
      items: {
        type: "object",
        properties: { pointer: { type: "string" }, message: { type: "string" } },
        required: ["pointer", "message"],
      },
    },
  },
  required: ["type", "title", "status", "detail", "instance"],
};

/** What a problem may carry besides the error itself. */
export interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: Problem["errors"];
  /** Extension members (RFC 9457, section 3.2). */
  readonly members?: Readonly<Record<string, Json>>;
  /** Instead of the code's own. */
  readonly status?: number;
}

const problemType = "application/problem+json";

/** An error that knows how its answer looks: for headers such as `Allow` and members of its own. */
export class ProblemError extends Error {
  readonly error: MortiseError;
  readonly extras: ProblemExtras;
  constructor(error: MortiseError, extras: ProblemExtras) {
    super(error.message, { cause: error });
    this.error = error;
    this.extras = extras;
  }
}

/** Any thrown value as an answer. */
export function problemResponse(thrown: unknown, requestId: string): HttpResponse {
  const extras = thrown instanceof ProblemError ? thrown.extras : {};
  const error = thrown instanceof ProblemError ? thrown.error : asMortiseError(thrown);
  const status = extras.status ?? error.status;
  const problem: Problem = {
    ...extras.members,
    type: `urn:mortise:error:${error.code}`,
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: publicDetail(error),
    instance: `urn:mortise:request:${requestId}`,
    ...(extras.errors === undefined ? {} : { errors: extras.errors }),
  };
  const headers: Record<string, string> = { ...extras.headers, "content-type": problemType };
  const wait = error.retryAfterMs ?? (status === 503 ? 1000 : undefined);
  if (wait !== undefined && headers["retry-after"] === undefined) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(wait / 1000)));
  }
  return { status, headers, body: JSON.stringify(problem) };
}

/** Our own publish-room sentences are written for callers at any status; of other rooms, only those below 500 are shown. */
const shownAt5xx: ReadonlySet<ErrorCode> = new Set([
  "issuer-unavailable",
  "password-busy",
  "system-unavailable",
  "system-failed",
  "system-outcome-unknown",
  "api-blocked",
  "streams-full",
  "streams-stopping",
]);

function publicDetail(error: MortiseError): string {
  // The sentence names what stands inside; what a caller wants to know is that nothing was done.
  if (error.code === "mapping-unfit")
    return "This API could not make use of a request that its description allows. Nothing was done, and the request is not to blame. Tell the API's owner the `X-Request-Id` of this answer.";
  if (error.status < 500 || shownAt5xx.has(error.code)) return error.message;
  return error.status === 503
    ? "The server does not take requests at the moment. Try again later."
    : "Something went wrong inside. Tell the API's owner the `X-Request-Id` of this answer.";
}

/** The answer to what never became a request (parser errors): the same form, ready for a bare socket. */
export function rawProblem(thrown: MortiseError, requestId: string): string {
  const response = problemResponse(thrown, requestId);
  const body = response.body as string;
  const lines = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? "Error"}\r\n${lines.join("")}` +
    `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nx-content-type-options: nosniff\r\n` +
    `cache-control: no-store\r\nconnection: close\r\n\r\n${body}`
  );
}

/** `input-invalid` with its problems; at most 20 are shown. */
export function invalidInput(problems: readonly { readonly at: string; readonly message: string }[]): ProblemError {
  return new ProblemError(failure("input-invalid", {}), {
    errors: problems.slice(0, 20).map(({ at, message }) => ({ pointer: at, message })),
  });
}

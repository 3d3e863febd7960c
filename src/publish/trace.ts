/** What is known so far of a request while it is answered, and the fact that is told of it in the end. */
import { channel } from "node:diagnostics_channel";
import type { Form, Kept } from "./answers/form.ts";
import type { Prepared } from "./exchange.ts";
import type { HttpRequest } from "./http.ts";
import type { Account } from "./limits/meters.ts";
import type { ApiCaller } from "./operations.ts";
import { ProblemError } from "./problem.ts";

/** Published on `mortise:publish:request` after each answer. No path, no query, no body: they may hold sensitive values. */
export interface RequestFact {
  readonly request: string;
  readonly method: string;
  /** `undefined` where no route matched. */
  readonly api: string | undefined;
  readonly version: string | undefined;
  readonly operation: string | undefined;
  readonly consumer: string | undefined;
  readonly status: number;
  /** Of a problem. */
  readonly code: string | undefined;
  readonly durationMs: number;
}

export const requests = channel("mortise:publish:request");

export interface Trace {
  route: Prepared | undefined;
  caller: ApiCaller | undefined;
  headers: Readonly<Record<string, string>> | undefined;
  /** What was taken of the limits. */
  account: Account | undefined;
  form: Form | undefined;
  kept: Kept | undefined;
  /** Of a given contract: its form of errors. */
  shape: Prepared["shape"];
  code: string | undefined;
}

/** All members from the start: one shape for every request. */
export function newTrace(): Trace {
  return {
    route: undefined,
    caller: undefined,
    headers: undefined,
    account: undefined,
    form: undefined,
    kept: undefined,
    shape: undefined,
    code: undefined,
  };
}

/** Of a thrown value. */
export function codeOf(thrown: unknown): string {
  const error = thrown instanceof ProblemError ? thrown.error : thrown;
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "internal";
}

export function tell(request: HttpRequest, trace: Trace, status: number, durationMs: number): void {
  const { route, caller, code } = trace;
  // Always of one shape: it is made for each request.
  requests.publish({
    request: request.id,
    method: request.method,
    api: route?.api.name,
    version: route?.api.version,
    operation: route?.name,
    consumer: caller === undefined || caller.id === "" ? undefined : caller.id,
    status,
    code,
    durationMs,
  } satisfies RequestFact);
}

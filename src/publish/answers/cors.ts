/**
 * Cross-origin requests (the Fetch standard, section 3.2): off, unless an API names the origins whose pages may call it from a browser. Credentials of the
 * browser's own (cookies) are never allowed: callers prove themselves by what they send.
 */
import { type Duration, milliseconds } from "../../operation.ts";
import type { ApiOperations } from "../define.ts";
import type { HttpRequest, HttpResponse } from "../http.ts";
import { lifecycleHeaders } from "../lifecycle/gate.ts";

export interface CorsOptions {
  /** `https://shop.example`: scheme, host, and the port if it is not the scheme's own. `"*"`: any page. */
  readonly origins: readonly string[] | "*";
  /** Request headers beside those that this server knows. */
  readonly headers?: readonly string[];
  /** How long a browser may remember the answer to its preflight. Default `"1h"`. */
  readonly maxAge?: Duration;
}

export interface Cors {
  /** The answer to a preflight, for a path that has these methods. */
  preflight(request: HttpRequest, methods: readonly string[]): HttpResponse;
  /** The answer with what lets the page read it, if it is one of those that may. */
  open(request: HttpRequest, response: HttpResponse): HttpResponse;
}

const known = [
  "authorization",
  "content-type",
  "idempotency-key",
  "if-none-match",
  "if-range",
  "last-event-id",
  "range",
  "x-api-key",
];
const exposed = [
  ...lifecycleHeaders,
  "Accept-Ranges",
  "Content-Disposition",
  "Content-Range",
  "ETag",
  "Location",
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "X-Request-Id",
  "Idempotency-Replayed",
];
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/** What is wrong with it, as the end of a sentence. */
export function corsProblem({ origins, headers = [], maxAge = "1h" }: CorsOptions): string | undefined {
  if (origins !== "*") {
    const bad = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin);
    if (bad !== undefined) return `cors names the origin ${bad}, which is not like https://shop.example`;
  }
  const odd = headers.find((name) => !token.test(name));
  if (odd !== undefined) return `cors names the header ${odd}, which is none`;
  try {
    milliseconds(maxAge);
  } catch (error) {
    return `cors says ${(error as Error).message}`;
  }
  return undefined;
}

/** Of an API. Header fields that a given contract declares are known, too: those that it asks for, and those that it answers with. */
export function corsOf({ origins, headers = [], maxAge = "1h" }: CorsOptions, operations: ApiOperations): Cors {
  const all = origins === "*";
  const allowed = new Set(all ? [] : origins);
  const declared = declaredHeaders(operations);
  const names = [...new Set([...known, ...[...declared.asked, ...headers].map((name) => name.toLowerCase())])].join(
    ", ",
  );
  const shown = [...exposed, ...declared.answered].join(", ");
  const seconds = String(Math.floor(milliseconds(maxAge) / 1000));

  /** `undefined`: the page may not. */
  function originOf({ headers: { origin } }: HttpRequest): string | undefined {
    if (all) return "*";
    return origin !== undefined && allowed.has(origin) ? origin : undefined;
  }

  return {
    preflight(request, methods) {
      const origin = originOf(request);
      const headers: Record<string, string> = {
        vary: "origin, access-control-request-method, access-control-request-headers",
      };
      if (origin === undefined) return { status: 403, headers };
      headers["access-control-allow-origin"] = origin;
      headers["access-control-allow-methods"] = methods.join(", ");
      headers["access-control-allow-headers"] = names;
      headers["access-control-max-age"] = seconds;
      return { status: 204, headers };
    },
    open(request, response) {
      const origin = request.headers.origin === undefined ? undefined : originOf(request);
      const headers: Record<string, string> = { ...response.headers };
      // A cache must not give the answer for one page to another; with any origin there is one answer.
      if (!all) headers.vary = withName(headers.vary, "origin");
      if (origin !== undefined) {
        headers["access-control-allow-origin"] = origin;
        headers["access-control-expose-headers"] = shown;
      }
      return { ...response, headers };
    },
  };
}

function declaredHeaders(operations: ApiOperations) {
  const asked = new Set<string>();
  const answered = new Set<string>();
  const others = new Set(exposed.map((name) => name.toLowerCase()));
  for (const { spoken } of Object.values(operations)) {
    const { parameters = [], declared } = spoken?.operation.binding ?? {};
    for (const parameter of parameters) if (parameter.in === "header") asked.add(parameter.name);
    for (const { headers = {} } of Object.values(declared?.answers ?? {}))
      for (const name of Object.keys(headers)) if (!others.has(name.toLowerCase())) answered.add(name);
  }
  const sendable = (name: string): boolean => token.test(name);
  return { asked: [...asked].filter(sendable), answered: [...answered].filter(sendable) };
}

/** `Vary` with this name too. */
export function withName(vary: string | undefined, name: string): string {
  if (vary === undefined) return name;
  return vary.toLowerCase().split(/ *, */).includes(name) ? vary : `${vary}, ${name}`;
}

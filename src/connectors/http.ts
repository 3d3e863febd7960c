/** What the connectors over HTTP share: credentials, the pause that an answer asks for, a sign of life. */
import { MortiseError } from "../errors.ts";
import type { Outbound, OutboundResponse } from "../outbound/outbound.ts";
import type { Health } from "./connector.ts";
import type { ResolvedSettings } from "./system.ts";

/** Where an answer asks for a pause without saying how long, in milliseconds; and the longest one believed. */
const unsaidPauseMs = 1000;
const longestPauseMs = 24 * 3_600_000;
const healthTimeoutMs = 5000;

/** The forms of HTTP-date (RFC 9110, section 5.6.7). What else `Date.parse` takes is a guess: "-5" is a day in May 2001 to it. */
const dateForm = /^[A-Z][a-z]{2,8},? [\w -]+ \d\d:\d\d:\d\d (?:GMT|\d{4})$/;

/** Milliseconds of `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3) seen from the sender's own clock. */
export function retryAfter(value: string | undefined, date: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  // Fractions are no standard, and sent all the same.
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), longestPauseMs);
  const at = httpDate(text);
  if (at === undefined) return undefined;
  const sender = date === undefined ? undefined : httpDate(date.trim());
  return Math.min(Math.max(at - (sender ?? Date.now()), 0), longestPauseMs);
}

function httpDate(text: string): number | undefined {
  if (!dateForm.test(text)) return undefined;
  // The form of asctime names no zone, and means this one.
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at;
}

/**
 * What an answer that may be repeated says of when. A 429, and a 503 with a time, ask for a pause, and waiting at the system's word burns no attempt. So a
 * time that is over is none: what is told to come at once again and again would never end.
 */
export function pauseAsked({ status, headers }: Pick<OutboundResponse, "status" | "headers">): {
  readonly class: "wait" | "retry";
  readonly retryAfterMs?: number;
} {
  const said = retryAfter(headers["retry-after"], headers.date);
  if (said === undefined || said === 0)
    return status === 429 ? { class: "wait", retryAfterMs: unsaidPauseMs } : { class: "retry" };
  return { class: status === 429 || status === 503 ? "wait" : "retry", retryAfterMs: said };
}

/** The header that carries the credentials; none where they travel otherwise (a UsernameToken stands in the envelope). */
export function credentialHeader({ credentials }: ResolvedSettings): Readonly<Record<string, string>> {
  switch (credentials?.kind) {
    case "bearer":
      return { authorization: `Bearer ${credentials.token}` };
    case "basic": {
      // RFC 7617, section 2
      const pair = Buffer.from(`${credentials.user}:${credentials.password}`, "utf8").toString("base64");
      return { authorization: `Basic ${pair}` };
    }
    case "header":
      return { [credentials.name.toLowerCase()]: credentials.value };
    default:
      return {};
  }
}

/** Credentials that stand neither in a header nor in the body: as they are written. */
export interface CredentialText {
  /** `name=value`, percent-encoded; empty: none. */
  readonly query: string;
  /** `name=value`; empty: none. */
  readonly cookie: string;
}
export const noCredentials: CredentialText = Object.freeze({ query: "", cookie: "" });

/** An API key in the query or in a cookie (OpenAPI 3.1.0, "Security Scheme Object"). */
export function credentialText({ credentials }: ResolvedSettings): CredentialText {
  if (credentials?.kind === "query")
    return { query: `${encodeURIComponent(credentials.name)}=${encodeURIComponent(credentials.value)}`, cookie: "" };
  if (credentials?.kind === "cookie")
    return { query: "", cookie: `${credentials.name}=${encodeURIComponent(credentials.value)}` };
  return noCredentials;
}

/** Any answer at all to a HEAD, whatever its status, is a sign of life. */
export async function signOfLife(
  outbound: Outbound,
  url: string,
  settings: ResolvedSettings,
  signal: AbortSignal,
): Promise<Health> {
  try {
    await outbound.request({
      method: "HEAD",
      url,
      headers: credentialHeader(settings),
      deadline: Date.now() + Math.min(settings.timeoutMs, healthTimeoutMs),
      signal,
      maxResponseBytes: settings.maxResponseBytes,
      internal: settings.internal,
    });
    return { healthy: true };
  } catch (error) {
    return { healthy: false, reason: error instanceof MortiseError ? error.message : "no answer" };
  }
}

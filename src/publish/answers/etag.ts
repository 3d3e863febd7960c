/**
 * Entity tags and conditional reads (RFC 9110, sections 8.8.3 and 13.1.2). A tag is weak: it says that two answers mean the same, in whichever encoding they
 * come. What is not changed is not sent again.
 */
import { hash } from "node:crypto";
import type { HttpRequest, HttpResponse } from "../http.ts";

/** Tags of `If-None-Match` that are looked at, at most. */
const mostTags = 100;

export function tagOf(body: string | Uint8Array): string {
  return `W/"${hash("sha256", body, "base64url").slice(0, 22)}"`;
}

/** The answer to a GET with its tag; 304 without a body, if the caller has it already. Others as they are. */
export function tagged(request: HttpRequest, response: HttpResponse): HttpResponse {
  const { method, headers: asked } = request;
  const { status, headers, body } = response;
  if ((method !== "GET" && method !== "HEAD") || status !== 200 || body === undefined) return response;
  const etag = headers.etag ?? tagOf(body);
  const own: Readonly<Record<string, string>> = { ...headers, etag };
  const wanted = asked["if-none-match"];
  if (wanted === undefined || !matches(wanted, etag)) return { ...response, headers: own };
  const { "content-type": _type, "content-length": _length, ...kept } = own;
  return { status: 304, headers: kept };
}

/** Weak comparison (RFC 9110, section 8.8.3.2). */
function matches(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  const mine = bare(etag);
  return list.split(",", mostTags).some((one) => bare(one.trim()) === mine);
}

function bare(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

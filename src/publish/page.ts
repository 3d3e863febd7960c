/** Pages that every API has: its description and the like. Whether a request takes the form that is offered. */
import { essence } from "../contract/media.ts";
import { failure } from "../errors.ts";
import { tagOf } from "./answers/etag.ts";
import { preferred } from "./answers/negotiate.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";

/** What is answered without a caller. */
export interface Page {
  /** Its media type, for who does not take every one. Absent: it depends. */
  readonly type?: string;
  /** Made for the request, and not to be kept. */
  readonly fresh?: true;
  response(request: HttpRequest): HttpResponse | Promise<HttpResponse>;
}

/** The same for everyone. */
export function page(type: string, body: string | Uint8Array, policy?: string): Page {
  // Anybody may ask for it, however often: its tag is made once, and so is what is packed of it.
  const headers: Record<string, string> = {
    "content-type": type,
    "cache-control": "public, max-age=60",
    etag: tagOf(body),
  };
  if (policy !== undefined) headers["content-security-policy"] = policy;
  const response: HttpResponse = { status: 200, headers, body, made: {} };
  return { type, response: () => response };
}

/** Throws `not-acceptable` if the request takes no answer of this type. A problem is sent in any case: better a refusal in a form not asked for than none. */
export function checkAccept(request: HttpRequest, offered: string | readonly string[]): void {
  const { accept } = request.headers;
  if (accept === undefined) return;
  const types = typeof offered === "string" ? [offered] : offered;
  if (preferred(accept, types) !== undefined) return;
  throw failure("not-acceptable", { offered: types.map(essence).join(" or ") });
}

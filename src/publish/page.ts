/** Pages that every API has: its description and the like. Whether a request takes the form that is offered. */
import { failure } from "../errors.ts";
import type { HttpRequest, HttpResponse } from "./http.ts";

/** What is answered without a caller. */
export interface Page {
  /** Its media type. */
  readonly type: string;
  response(request: HttpRequest): HttpResponse;
}

/** The same for everyone. */
export function page(type: string, body: string, policy?: string): Page {
  const headers: Record<string, string> = { "content-type": type, "cache-control": "public, max-age=60" };
  if (policy !== undefined) headers["content-security-policy"] = policy;
  const response: HttpResponse = { status: 200, headers, body };
  return { type, response: () => response };
}

/** RFC 9110, section 12.5.1, as far as one offered type needs it. */
export function checkAccept(request: HttpRequest, offered: string): void {
  const { accept } = request.headers;
  if (accept === undefined || accept === "*/*" || accept === offered) return;
  const [type = ""] = offered.split(";");
  const group = `${type.split("/")[0]}/*`;
  let best = -1;
  let weight = 0;
  for (const part of accept.split(",")) {
    const [range = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const rank = [type, group, "*/*"].indexOf(range);
    const specific = rank < 0 ? -1 : 3 - rank;
    if (specific <= best || specific < 0) continue;
    best = specific;
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    weight = q === undefined ? 1 : Number(q.slice(2));
  }
  if (!(weight > 0)) throw failure("not-acceptable", { offered: type });
}

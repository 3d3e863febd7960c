/** Compressed answers (RFC 9110, section 12.5.3): gzip, where the caller takes it and the body is worth it. Off the front's thread. */
import { promisify } from "node:util";
import { gzip as gzipOf } from "node:zlib";
import type { HttpRequest, HttpResponse, MadeOnce } from "../http.ts";
import { withName } from "./cors.ts";

const gzip = promisify(gzipOf);
/** Below it the packing costs more than the bytes. */
const leastBytes = 1024;
const packable = /^(application\/([a-z0-9.+-]*\+)?(json|xml)|text\/)/;

/** Whether who takes gzip gets it packed. */
export function isPackable({ body, headers, status }: HttpResponse): boolean {
  if (body === undefined || status === 204 || status === 304 || body.length < leastBytes) return false;
  return headers["content-encoding"] === undefined && packable.test(headers["content-type"] ?? "");
}

/** Says that its form depends on what the caller takes. */
export function varying(response: HttpResponse): HttpResponse {
  const { headers } = response;
  return { ...response, headers: { ...headers, vary: withName(headers.vary, "accept-encoding") } };
}

/** At once for an answer that stays as it is. */
export function compressed(request: HttpRequest, response: HttpResponse): HttpResponse | Promise<HttpResponse> {
  const { body } = response;
  if (body === undefined || !isPackable(response)) return response;
  const varies = varying(response);
  const { "accept-encoding": accepted } = request.headers;
  if (accepted === undefined || !takesGzip(accepted)) return varies;
  return packing(body, response.made).then(
    (packed) => ({ ...varies, headers: { ...varies.headers, "content-encoding": "gzip" }, body: packed }),
    // It does not fail but for want of memory: then the answer goes out as it is.
    () => varies,
  );
}

function packing(body: string | Uint8Array, made: MadeOnce | undefined): Promise<Uint8Array> {
  if (made === undefined) return gzip(body);
  made.packed ??= gzip(body).catch((error: unknown) => {
    delete made.packed;
    throw error;
  });
  return made.packed;
}

/** Whether gzip has a weight above 0, by name or by `*`. */
function takesGzip(accepted: string): boolean {
  let any = false;
  for (const part of accepted.toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((text) => text.trim());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    const takes = q === undefined || Number(q.slice(2)) > 0;
    if (name === "gzip" || name === "x-gzip") return takes;
    if (name === "*") any = takes;
  }
  return any;
}

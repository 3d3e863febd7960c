/** The last form of an API's answers, errors included: their tag, who may read them from a browser, how they are packed. */
import type { ApiDefinition } from "../define.ts";
import type { HttpRequest, HttpResponse } from "../http.ts";
import { compressed, isPackable, varying } from "./compress.ts";
import { corsOf } from "./cors.ts";
import { tagged } from "./etag.ts";

/** How an answer may be kept: `etag` says that it may, and has to be asked for again. */
export interface Kept {
  readonly etag: boolean;
  /** It is the same for everybody. */
  readonly shared: boolean;
}

export interface Form {
  /** The answer to a preflight; `undefined` where no page may call. `methods`: of the path. */
  preflight(request: HttpRequest, methods: readonly string[]): HttpResponse | undefined;
  /** At once, unless it has to be packed. */
  finish(request: HttpRequest, response: HttpResponse, kept: Kept | undefined): HttpResponse | Promise<HttpResponse>;
}

export function formOf({
  cors,
  compress = true,
  operations,
}: Pick<ApiDefinition, "cors" | "compress" | "operations">): Form {
  const pages = cors === undefined ? undefined : corsOf(cors, operations);
  return {
    preflight: (request, methods) => pages?.preflight(request, methods),
    finish(request, response, kept) {
      let answer = response;
      if (kept?.etag === true) answer = keepable(tagged(request, answer), kept.shared);
      if (pages !== undefined) answer = pages.open(request, answer);
      if (!compress) return answer;
      // RFC 9110, section 15.4.5: a 304 has the `Vary` that the 200 in its place would have.
      if (answer.status === 304) return isPackable(response) ? varying(answer) : answer;
      return compressed(request, answer);
    },
  };
}

/** Stored for its caller only, unless it is everybody's, and asked for again each time. What is no success is not stored. */
function keepable(response: HttpResponse, shared: boolean): HttpResponse {
  const { status, headers } = response;
  if ((status !== 200 && status !== 304) || headers["cache-control"] !== undefined) return response;
  return { ...response, headers: { ...headers, "cache-control": `${shared ? "public" : "private"}, no-cache` } };
}

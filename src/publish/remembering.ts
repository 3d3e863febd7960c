/** What signs needs the body before anybody knows who it is; it is read once. */
import type { HttpRequest } from "./http.ts";

/** The request with a body that may be asked for again. */
export function remembering(request: HttpRequest, maxBodyBytes: number): HttpRequest {
  let read: Promise<Uint8Array> | undefined;
  return {
    ...request,
    body() {
      read ??= request.body(maxBodyBytes);
      return read;
    },
  };
}

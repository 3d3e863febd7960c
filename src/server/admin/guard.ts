/**
 * Keeps other people's web pages away from the admin API. It listens on loopback, but a browser on this machine runs pages of the
 * whole world: a page can bind its own name to 127.0.0.1 (DNS rebinding), or send a form here (CSRF).
 */
import { failure } from "../../errors.ts";
import type { HttpRequest } from "../../publish/http.ts";

const loopback = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/** Throws `admin-origin`. */
export function guardOrigin(request: HttpRequest): void {
  const { host = "", origin } = request.headers;
  const refuse = (reason: string) => failure("admin-origin", { reason });
  if (!loopback.test(host)) throw refuse("its Host is no loopback name");
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw refuse("it comes from a page of another origin");
  }
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none")
    throw refuse("it comes from a page of another site");
  if (request.method === "GET" || request.method === "HEAD") return;
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw refuse("a change must be sent as application/json");
}

/**
 * Protected-resource metadata (RFC 9728): where clients of an API learn which authorization servers its tokens come from. Every
 * challenge for a token points to it (section 5.1).
 */
import type { ApiDefinition } from "../define.ts";
import type { HttpRequest, HttpResponse } from "../http.ts";

export interface Resource {
  /** Where it is served, below the listener's root. */
  readonly path: string;
  /** Its address, as this request's client sees it; `undefined` where the request does not say. */
  address(request: HttpRequest): string | undefined;
  response(request: HttpRequest): HttpResponse;
}

const wellKnown = "/.well-known/oauth-protected-resource";

/** Of an API whose tokens come from `issuers`. */
export function resourceOf(api: ApiDefinition, issuers: readonly string[]): Resource {
  const path = `${wellKnown}${api.base}`;
  const scopes = [
    ...new Set(Object.values(api.operations).flatMap(({ scope }) => (scope === undefined ? [] : [scope]))),
  ];

  /** Origin, and path before the base, of the API's address. */
  function placeOf(request: HttpRequest): readonly [origin: string, before: string] | undefined {
    if (api.server !== undefined) {
      const url = URL.parse(api.server);
      return url === null ? undefined : [url.origin, url.pathname.replace(/\/$/, "")];
    }
    const { host } = request.headers;
    if (host === undefined || !/^[A-Za-z0-9.:[\]-]{1,255}$/.test(host)) return undefined;
    return [`${request.secure === true ? "https" : "http"}://${host}`, ""];
  }

  return {
    path,
    address(request) {
      const place = placeOf(request);
      return place === undefined ? undefined : `${place[0]}${wellKnown}${place[1]}${api.base}`;
    },
    response(request) {
      const [origin, before] = placeOf(request) ?? ["", ""];
      const metadata = {
        resource: `${origin}${before}${api.base}`,
        authorization_servers: issuers,
        scopes_supported: scopes,
        bearer_methods_supported: ["header"],
        resource_name: api.title ?? api.name,
        ...(api.docs === false ? {} : { resource_documentation: `${origin}${before}${api.base}/docs` }),
      };
      return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(metadata) };
    },
  };
}

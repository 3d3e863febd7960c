/** Opens the ways of APIs. A way that did not change stays open when APIs are published again: what it learned is kept. */
import type { ApiDefinition } from "../define.ts";
import type { RateLimiter } from "../limits/rate.ts";
import { type Access, openWay } from "./access.ts";
import { type Authenticator, createAuthenticator } from "./authenticator.ts";
import { resourceOf } from "./resource.ts";
import type { Way, WayTools } from "./way.ts";

/** The authenticator of an API. */
export function openAccess(tools: WayTools, guesses: RateLimiter): (api: ApiDefinition) => Authenticator {
  const open = new WeakMap<Access, Way>();
  return (api) => {
    const ways = api.access.map((one) => {
      const way = open.get(one) ?? openWay(one, tools);
      open.set(one, way);
      return way;
    });
    const issuers = ways.flatMap(({ issuer }) => (issuer === undefined ? [] : [issuer]));
    return createAuthenticator(ways, guesses, issuers.length === 0 ? undefined : resourceOf(api, issuers));
  };
}

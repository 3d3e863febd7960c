/**
 * Opens the ways of APIs. A way that did not change, and whose references still have the values that it was opened with, stays open when
 * APIs are published again: what it learned is kept.
 */
import type { Reference } from "../../operation.ts";
import type { ApiDefinition } from "../define.ts";
import type { RateLimiter } from "../limits/rate.ts";
import { type Access, openWay } from "./access.ts";
import { type Authenticator, createAuthenticator } from "./authenticator.ts";
import { resourceOf } from "./resource.ts";
import type { AccessSources, Way, WayTools } from "./way.ts";

interface Opened {
  readonly way: Way;
  /** What was asked for when it was opened. */
  readonly values: readonly { readonly given: Reference | string; readonly value: string }[];
}

/** The authenticator of an API, with these sources. */
export function openAccess(
  tools: Omit<WayTools, "sources">,
  guesses: RateLimiter,
): (api: ApiDefinition, sources: AccessSources | undefined) => Authenticator {
  const open = new WeakMap<Access, Opened>();

  function wayOf(access: Access, sources: AccessSources | undefined): Way {
    const known = open.get(access);
    if (known?.values.every(({ given, value }) => sources?.resolve(given) === value)) return known.way;
    const values: { given: Reference | string; value: string }[] = [];
    const recording = sources && {
      ...sources,
      resolve(given: Reference | string) {
        const value = sources.resolve(given);
        values.push({ given, value });
        return value;
      },
    };
    const way = openWay(access, { ...tools, sources: recording });
    open.set(access, { way, values });
    return way;
  }

  return (api, sources) => {
    const ways = api.access.map((one) => wayOf(one, sources));
    const issuers = ways.flatMap(({ issuer }) => (issuer === undefined ? [] : [issuer]));
    return createAuthenticator(ways, guesses, issuers.length === 0 ? undefined : resourceOf(api, issuers));
  };
}

/**
 * Which version a run is bound to: the one it was started through, in the run's own origin. It is written with the run, in its own commit, and
 * needs no table and no clearing away.
 */

/** Through what a run was started, and by whom. */
export interface StartedThrough {
  readonly api: string;
  readonly version: string;
  readonly operation: string;
  /** Empty: a public operation. */
  readonly consumer: string;
}

/** `api:orders 1.0.0 placeOrder acme`. */
export function originOf({ api, version, operation, consumer }: StartedThrough): string {
  return `api:${api} ${version} ${operation}${consumer === "" ? "" : ` ${consumer}`}`;
}

const form = /^api:([a-z0-9-]+) (\d\S*) (\S+)(?: (.*))?$/s;

/** `undefined`: it was not started through an API. */
export function startedThrough(origin: string): StartedThrough | undefined {
  const [, api, version, operation, consumer = ""] = form.exec(origin) ?? [];
  if (api === undefined || version === undefined || operation === undefined) return undefined;
  return { api, version, operation, consumer };
}

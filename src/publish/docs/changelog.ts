/** What an API was published as, from version to version, and what changed: for the page, and as JSON. */
import type { Verdict } from "../../contract/compare/finding.ts";

/** A version as it was published on a day. */
export interface PublishedVersion {
  readonly version: string;
  /** `2026-11-27`: the day on which it was written down. Absent: nobody wrote it down. */
  readonly date?: string;
  /** Which one of this version on that day: 2 for the second. Absent: the first. */
  readonly nth?: number;
  /** What it is compared with; absent: there was nothing before. */
  readonly since?: { readonly version: string; readonly date?: string; readonly nth?: number };
  /** The worst first. */
  readonly changes: readonly PublishedChange[];
  /** What the owner has to say about it. Plain text. */
  readonly note?: string;
  /** Where it was deprecated by then. */
  readonly deprecation?: Deprecation;
}

export interface PublishedChange {
  /** `breaking`: who kept to the version before can fail. `review`: can't be decided by machine. `safe`: nobody notices. */
  readonly verdict: Verdict;
  /** Of docs/reference/contract-changes.md. */
  readonly rule: string;
  /** `placeOrder: request /lines/0/sku`; empty: the API as a whole. */
  readonly at: string;
  /** A sentence. */
  readonly reason: string;
  /** A value that fails, in words. */
  readonly example?: string;
}

/** What callers are told of it, and no more. */
export function publicly(of: PublishedVersion): PublishedVersion {
  const { version, date, nth, since, changes, note, deprecation } = of;
  return {
    version,
    ...(date && { date }),
    ...(nth && { nth }),
    ...(since && { since }),
    changes,
    ...(note && { note }),
    ...(deprecation && { deprecation }),
  };
}

/** The day, and which one of that day where there were several: `2026-11-27, no. 2`; absent: nobody wrote it down. */
export function dayInWords({ date, nth }: Pick<PublishedVersion, "date" | "nth">): string | undefined {
  return date === undefined || nth === undefined ? date : `${date}, no. ${nth}`;
}

/** As its description says it; times are ISO 8601. */
export interface Deprecation {
  readonly since: string;
  readonly sunset: string;
  /** A path of this server, or a URL. */
  readonly successor: string;
  readonly migration: string;
}

/** From the `x-` members of an OpenAPI document's `info`; absent where it is not deprecated. */
export function deprecationOf(info: { readonly [member: string]: unknown }): Deprecation | undefined {
  const [since, sunset, successor, migration] = ["x-deprecated-since", "x-sunset", "x-successor", "x-migration"].map(
    (member) => info[member],
  );
  if (typeof since !== "string" || typeof sunset !== "string") return undefined;
  return { since, sunset, successor: String(successor ?? ""), migration: String(migration ?? "") };
}

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
  /** How many more there are that are not told. Absent: none. */
  readonly more?: number;
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

/**
 * How much a server tells: publications, changes of one, and changes of all, the newest first. Both pages are held in memory for each major version, and
 * a project that publishes each day goes on for years; all of it is in the project.
 */
export const toldAtMost = Object.freeze({ publications: 200, changesOfOne: 500, changes: 5000 });

export interface ToldVersions {
  readonly versions: readonly PublishedVersion[];
  /** How many publications there are before those. */
  readonly earlier: number;
}

/** What callers are told of them. `all`: the newest first. */
export function toldVersions(all: readonly PublishedVersion[]): ToldVersions {
  let left: number = toldAtMost.changes;
  const versions = all.slice(0, toldAtMost.publications).map((one): PublishedVersion => {
    const changes = one.changes.slice(0, Math.min(left, toldAtMost.changesOfOne));
    left -= changes.length;
    const more = one.changes.length - changes.length;
    return { ...publicly({ ...one, changes }), ...(more > 0 && { more }) };
  });
  return { versions, earlier: all.length - versions.length };
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

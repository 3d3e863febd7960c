/**
 * Where a version of an API stands, as data: draft, preview, published, deprecated, retired. "Sunset" is no state to write down: a
 * deprecated version is there from the moment of its sunset on. "Blocked" is an operator's act, and stands in the store.
 */
import { consumerForm } from "../consumers/name.ts";

/** A moment: a date, a day (`2027-06-01`: its first second in UTC), or ISO 8601 text with its zone. Whole seconds. */
export type LifecycleDate = Date | string;

/** What takes a version's place: an API of this project, or the address of one elsewhere (a URL, or a path of this server). */
export type Successor = string | { readonly name: string; readonly version: string; readonly base: string };

export interface DeprecatedOptions {
  /** From when on nobody should begin to use it; past or future. */
  readonly since: LifecycleDate;
  /**
   * From when on it is answered with 410. Not before `since`, and at least `lifecycle.minimumNotice` of the configuration after it.
   */
  readonly sunset: LifecycleDate;
  /** Where it is written how to move: a URL, or a path of this server. */
  readonly migration: string;
  /** A version that is published. */
  readonly successor: Successor;
  /**
   * Planned times without service, so that who has not moved yet notices it before the sunset does: calls are answered with 503 and `Retry-After`. Between `since` and
   * `sunset`, one after the other. Default: none.
   */
  readonly brownouts?: readonly { readonly from: LifecycleDate; readonly until: LifecycleDate }[];
}

/** A planned time without service, epoch milliseconds; it is over at `until`. */
export interface Brownout {
  readonly from: number;
  readonly until: number;
}

export interface Draft {
  readonly state: "draft";
}
export interface Preview {
  readonly state: "preview";
  readonly consumers: readonly string[];
}
export interface Published {
  readonly state: "published";
}
export interface Deprecated {
  readonly state: "deprecated";
  /** Epoch milliseconds. */
  readonly since: number;
  readonly sunset: number;
  readonly brownouts: readonly Brownout[];
  readonly migration: string;
  /** `href`: a URL or a path. `api`: where it is an API of this project. */
  readonly successor: { readonly href: string; readonly api?: { readonly name: string; readonly version: string } };
}
export interface Retired {
  readonly state: "retired";
}
/** Where a version stands. */
export type Lifecycle = Draft | Preview | Published | Deprecated | Retired;

/** Not served yet. Its contract may change. */
export function draft(): Draft {
  return Object.freeze({ state: "draft" });
}

/**
 * Served to these consumers alone; others are answered 403. It may still change: answers carry `X-API-Lifecycle: preview`. Throws a
 * TypeError for a list that is empty, or has what is no consumer.
 */
export function preview({ consumers }: { readonly consumers: readonly string[] }): Preview {
  if (!Array.isArray(consumers) || consumers.length === 0)
    throw new TypeError('a preview names who may call it: preview({ consumers: ["acme"] })');
  const wrong = consumers.find((consumer) => typeof consumer !== "string" || !consumerForm.test(consumer));
  if (wrong !== undefined) throw new TypeError(`preview: ${JSON.stringify(wrong)} is no consumer`);
  return Object.freeze({ state: "preview", consumers: Object.freeze([...new Set(consumers)]) });
}

/** Served; does not break its callers. */
export function published(): Published {
  return Object.freeze({ state: "published" });
}

/**
 * Served as before, with `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link` in each answer; from its sunset on, 410. Throws a
 * TypeError where the sunset is before the deprecation, a brownout is not between them, or a date or address is none.
 */
export function deprecated({ since, sunset, migration, successor, brownouts = [] }: DeprecatedOptions): Deprecated {
  const from = moment("since", since);
  const to = moment("sunset", sunset);
  if (to < from) throw new TypeError("deprecated: sunset is before since");
  const { href, ...api } = target(successor);
  return Object.freeze({
    state: "deprecated",
    since: from,
    sunset: to,
    brownouts: planned(brownouts, from, to),
    migration: address("migration", migration),
    successor: Object.freeze({ href: address("successor", href), ...api }),
  });
}

/** Its route is gone. Contract, audit and usage are kept; it stays in the code, so that they can be read by its name. */
export function retired(): Retired {
  return Object.freeze({ state: "retired" });
}

function planned(given: NonNullable<DeprecatedOptions["brownouts"]>, since: number, sunset: number) {
  const times = given.map(({ from, until }) =>
    Object.freeze({ from: moment("a brownout's from", from), until: moment("a brownout's until", until) }),
  );
  const sorted = times.toSorted((a, b) => a.from - b.from);
  for (const [at, { from, until }] of sorted.entries()) {
    if (until <= from) throw new TypeError("deprecated: a brownout ends before it begins");
    if (from < since || until > sunset) throw new TypeError("deprecated: a brownout is not between since and sunset");
    if (from < (sorted[at - 1]?.until ?? since)) throw new TypeError("deprecated: two brownouts overlap");
  }
  return Object.freeze(sorted);
}

function target(successor: Successor): Deprecated["successor"] {
  if (typeof successor === "string") return { href: successor };
  const { name, version, base } = successor;
  return { href: base, api: Object.freeze({ name, version }) };
}

const dayForm = /^\d{4}-\d\d-\d\d$/;
const instantForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.0+)?)?(Z|[+-]\d\d:\d\d)$/;

function moment(name: string, given: LifecycleDate): number {
  const text = given instanceof Date || dayForm.test(given) || instantForm.test(given) ? given : "";
  const at = text instanceof Date ? text.getTime() : Date.parse(text);
  if (Number.isNaN(at) || at % 1000 !== 0) {
    const shown = given instanceof Date ? "that date" : JSON.stringify(given);
    throw new TypeError(
      `deprecated: ${name} must be a day such as 2027-06-01, or a time with its zone in whole seconds, not ${shown}`,
    );
  }
  return at;
}

/** What can stand between `<` and `>` of a Link (RFC 8288, section 3): no character of it ends the header or the link. */
function address(name: string, given: string): string {
  const plain = typeof given === "string" && /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]+$/.test(given);
  const path = plain && /^\/(?!\/)/.test(given);
  if (path || (plain && /^https?:\/\//.test(given) && URL.canParse(given))) return given;
  throw new TypeError(`deprecated: ${name} must be a URL or a path that begins with /, not ${JSON.stringify(given)}`);
}

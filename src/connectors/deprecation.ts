/**
 * What a system says in its answers of an operation that ends: `Deprecation` (RFC 9745; before it `true` or an HTTP date), `Sunset`
 * (RFC 8594) and the links that belong to them. Told on `mortise:connectors:deprecated`, at most once a minute for each operation.
 */
import { channel } from "node:diagnostics_channel";

export interface Deprecation {
  readonly system: string;
  readonly operation: string;
  /** Since when, or from when on, it is deprecated: epoch milliseconds; absent: it is, without a date. */
  readonly deprecated?: number;
  /** When it is expected to answer no more: epoch milliseconds. */
  readonly sunset?: number;
  /** Where it is described. */
  readonly link?: string;
}

const facts = channel("mortise:connectors:deprecated");
const pauseMs = 60_000;
/** Operation to when it was told last. As many as the pinned contracts have operations. */
const told = new Map<string, number>();

/** Looks at the headers of an answer. Two lookups where there is nothing to tell. */
export function noteDeprecation(system: string, operation: string, headers: Readonly<Record<string, string>>): void {
  const { deprecation, sunset } = headers;
  if (deprecation === undefined && sunset === undefined) return;
  if (!facts.hasSubscribers) return;
  const name = `${system}.${operation}`;
  const now = Date.now();
  if (now - (told.get(name) ?? 0) < pauseMs) return;
  told.set(name, now);
  facts.publish(readDeprecation(system, operation, headers));
}

/** Dates that can't be read are left out: that the header is there says enough. */
export function readDeprecation(
  system: string,
  operation: string,
  { deprecation, sunset, link }: Readonly<Record<string, string>>,
): Deprecation {
  const since = deprecation === undefined ? undefined : dateOf(deprecation);
  const end = sunset === undefined ? undefined : dateOf(sunset);
  const about = link === undefined ? undefined : linkOf(link);
  return {
    system,
    operation,
    ...(since === undefined ? {} : { deprecated: since }),
    ...(end === undefined ? {} : { sunset: end }),
    ...(about === undefined ? {} : { link: about }),
  };
}

/** `@1688169599` (RFC 9651, section 3.3.7) or an HTTP date (RFC 9110, section 5.6.7). */
function dateOf(text: string): number | undefined {
  const seconds = /^@(\d{1,12})$/.exec(text.trim())?.[1];
  const at = seconds === undefined ? (/\d{4}/.test(text) ? Date.parse(text) : Number.NaN) : Number(seconds) * 1000;
  return Number.isNaN(at) ? undefined : at;
}

/** The target of the first link whose relation is `deprecation`, `sunset` or `successor-version`. */
function linkOf(header: string): string | undefined {
  for (const [, target, parameters] of header.slice(0, 4000).matchAll(/<([^<>]{1,500})>([^<]*)/g)) {
    if (/;\s*rel="?(?:[\w -]* )?(?:deprecation|sunset|successor-version)\b/i.test(parameters!)) return target;
  }
  return undefined;
}

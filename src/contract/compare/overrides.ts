/**
 * Overrides: what an owner has decided about a finding, for a time. A list in JSON:
 *
 * `[{ "rule": "operation-removed", "at": "cancelOrder", "verdict": "safe", "reason": "nobody calls it", "owner": "anna@harbour.example", "expires": "2027-01-31" }]`
 *
 * `at` (default: everywhere) is the beginning of the place. The day of `expires` still counts (UTC); after it the override is no more.
 */
import { failure } from "../../errors.ts";
import { type Comparison, type Finding, type Verdict, worse } from "./finding.ts";

export interface Override {
  readonly rule: string;
  readonly at?: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly owner: string;
  /** `2027-01-31`. */
  readonly expires: string;
}

/** A finding, and what an override made of it. */
export interface OverriddenFinding extends Finding {
  readonly override?: Override & { readonly was: Verdict };
  /** One that would have counted, and is over. */
  readonly expired?: Override;
}

export interface OverriddenComparison extends Comparison {
  readonly findings: readonly OverriddenFinding[];
  /** Overrides that no finding was met by: mistyped, or done with. */
  readonly unused: readonly Override[];
}

const verdicts: readonly string[] = ["safe", "review", "breaking"];

/** Throws `override-invalid`, naming the entry. */
export function parseOverrides(file: string, text: string): readonly Override[] {
  const refuse = (place: string, reason: string) => failure("override-invalid", { file, place, reason });
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw refuse("its text", (cause as Error).message);
  }
  if (!Array.isArray(read)) throw refuse("its text", "a list of overrides is expected");
  return read.map((entry: unknown, index) => {
    const place = `entry ${index + 1}`;
    if (typeof entry !== "object" || entry === null) throw refuse(place, "it is no object");
    const fields = entry as Readonly<Record<string, unknown>>;
    for (const name of ["rule", "verdict", "reason", "owner", "expires"])
      if (typeof fields[name] !== "string" || (fields[name] as string).trim() === "")
        throw refuse(place, `it has no "${name}"`);
    const strange = Object.keys(fields).find(
      (name) => !["rule", "at", "verdict", "reason", "owner", "expires"].includes(name),
    );
    if (strange !== undefined) throw refuse(place, `"${strange}" is not known`);
    if (fields.at !== undefined && typeof fields.at !== "string") throw refuse(place, '"at" is no text');
    if (!verdicts.includes(fields.verdict as string)) throw refuse(place, `"${String(fields.verdict)}" is no verdict`);
    if (!isDay(fields.expires as string))
      throw refuse(place, `"${String(fields.expires)}" is no day such as 2027-01-31`);
    return Object.freeze(fields) as unknown as Override;
  });
}

/** `today`: `2026-11-26`, in UTC. */
export function override(comparison: Comparison, overrides: readonly Override[], today: string): OverriddenComparison {
  const used = new Set<Override>();
  const findings = comparison.findings.map((finding): OverriddenFinding => {
    const meant = overrides.filter((each) => each.rule === finding.rule && reaches(each.at, finding.at));
    for (const each of meant) used.add(each);
    const valid = meant.find(({ expires }) => expires >= today);
    if (valid !== undefined)
      return { ...finding, verdict: valid.verdict, override: { ...valid, was: finding.verdict } };
    return meant[0] === undefined ? finding : { ...finding, expired: meant[0] };
  });
  return {
    verdict: findings.reduce<Verdict>((worst, { verdict }) => worse(worst, verdict), "safe"),
    findings,
    unused: overrides.filter((each) => !used.has(each)),
  };
}

/** Up to the end of a name: `place` does not reach `placeOrder`. */
function reaches(prefix: string | undefined, at: string): boolean {
  return prefix === undefined || at === prefix || (at.startsWith(prefix) && /^[\s:/]/.test(at.slice(prefix.length)));
}

function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
}

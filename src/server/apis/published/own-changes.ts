/**
 * Changes between two documents that we have published ourselves, where we know more than the contracts say. Whoever compares contracts of
 * others (`mortise diff`) knows none of this, and sees what the contract rules see.
 */
import type { Check, RefusesUnnamed } from "../../../contract/compare/checked.ts";
import { type Finding, type FindingPlace, toldPlaces } from "../../../contract/compare/finding.ts";
import { fieldsOf } from "../../../publish/fields.ts";
import { headers } from "../../../publish/openapi-words.ts";

const checks = new WeakMap<object, WeakMap<object, Check>>();

/** What `closed` in publish/prepare.ts refuses of a request beside what its schema does (OW-3): a member that was named and is not any more is one. */
export const refusesUnnamed: RefusesUnnamed = ({ schema, definitions }) => {
  if (typeof schema === "boolean") return () => [];
  const known = checks.get(definitions) ?? new WeakMap<object, Check>();
  checks.set(definitions, known);
  let check = known.get(schema);
  if (check === undefined) {
    check = fieldsOf({ kind: "schema", json: { ...schema, $defs: definitions } }).unknown;
    known.set(schema, check);
  }
  return check;
};

interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components?: {
    readonly headers?: Readonly<Record<string, { readonly description?: unknown }>>;
    readonly responses?: Readonly<Record<string, unknown>>;
  };
}

/** Told where there are limits; `Retry-After` is that of a 429. Nobody's request fails for want of them. */
const ofLimits: ReadonlyMap<string, keyof typeof headers> = new Map([
  ["ratelimit", "RateLimit"],
  ["ratelimit-policy", "RateLimit-Policy"],
  ["retry-after", "Retry-After"],
]);
const reasons = {
  gone: "header fields that tell of limits are gone",
  new: "header fields that tell of limits are new",
} as const;

/**
 * Header fields that come and go with an API's limits are one finding each way, and safe. Those of the same name that a given contract
 * (`implementApi`) promises are no such ones. `old`, `now`: the documents, as text.
 */
export function withoutLimitNoise(findings: readonly Finding[], old: string, now: string): readonly Finding[] {
  const ours = { gone: oursIn(old), new: oursIn(now) };
  const rest: Finding[] = [];
  const folded: Record<keyof typeof reasons, FindingPlace[]> = { gone: [], new: [] };
  for (const finding of findings) {
    const way = finding.reason === "the header is gone" ? "gone" : "new";
    const isOurs =
      finding.rule === "answer-header" &&
      (way === "gone" || finding.reason === "the header is new") &&
      finding.places.every(({ place }) => ours[way].has(place));
    if (isOurs) folded[way].push(...finding.places);
    else rest.push(finding);
  }
  for (const way of ["gone", "new"] as const) {
    const places = folded[way];
    if (places.length === 0) continue;
    rest.push({
      rule: "answer-header",
      verdict: "safe",
      side: "answer",
      reason: reasons[way],
      ...toldPlaces(places),
      places,
    });
  }
  return rest;
}

/** `answer 200 header ratelimit` of each such header that the document has in our words, at every place where it has it. */
function oursIn(text: string): ReadonlySet<string> {
  const { paths = {}, components } = JSON.parse(text) as Document;
  const found = new Set<string>();
  const others = new Set<string>();
  for (const operation of Object.values(paths).flatMap((item) => Object.values(item)))
    for (const [status, answer] of Object.entries(membersOf(membersOf(operation).responses)))
      for (const [name, header] of Object.entries(membersOf(followed(answer, components?.responses).headers))) {
        const word = ofLimits.get(name.toLowerCase());
        if (word === undefined || (word === "Retry-After" && status !== "429")) continue;
        const said = components?.headers?.[word]?.description;
        const isOurs = membersOf(header).$ref === `#/components/headers/${word}` && said === headers[word].description;
        (isOurs ? found : others).add(`answer ${status} header ${name.toLowerCase()}`);
      }
  return new Set([...found].filter((place) => !others.has(place)));
}

/** Answers of failures stand among the components. */
function followed(answer: unknown, responses: unknown): Readonly<Record<string, unknown>> {
  const [, name] = /^#\/components\/responses\/(\w+)$/.exec(String(membersOf(answer).$ref)) ?? [];
  return membersOf(name === undefined ? answer : membersOf(responses)[name]);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/**
 * Whether a `oneOf` is meant as an `anyOf`. Exactly one option must fit (JSON Schema 2020-12, section 10.2.1.3), so an option of which
 * every value fits another one as well is never there: what authors mean by such a list is a choice, not a riddle.
 */
import { fullFormats } from "ajv-formats/dist/formats.js";
import { same } from "../example/fits.ts";
import { type Documents, type Place, referenceOf } from "./openapi-documents.ts";

type Members = Readonly<Record<string, unknown>>;

/** More options than these are not compared with one another. */
const mostCompared = 60;

export function hasCoveredOption(documents: Documents, options: readonly Place[]): boolean {
  if (options.length > mostCompared) return false;
  const whole = options.map((option) => behind(documents, option));
  const parts = whole.map(asserted);
  const bases = options.map((option, at) => basesOf(documents, option, whole[at]));
  return parts.some((one, at) =>
    parts.some((other, place) => at !== place && (covers(one, other) || bases[place]!.includes(whole[at]))),
  );
}

/** What an option extends by `allOf`. */
function basesOf(documents: Documents, option: Place, whole: Members | undefined): readonly unknown[] {
  if (whole === undefined || !Array.isArray(whole.allOf)) return [];
  const reference = referenceOf(option.value);
  const place = reference === undefined ? option : documents.found(option, reference);
  const all = place === undefined ? undefined : documents.member(place, "allOf");
  return documents.elements(all).flatMap((part) => behind(documents, part) ?? []);
}

/** Whether `additionalProperties: false` would forbid what an `allOf`, `anyOf` or `oneOf` beside it names: it sees its own properties only. */
export function closesInherited(documents: Documents, place: Place): boolean {
  const { properties, patternProperties } = documents.object(place) as Members;
  if (patternProperties !== undefined) return false;
  const own = new Set(Object.keys((properties ?? {}) as Members));
  const inside = (at: Place, depth: number): boolean =>
    [
      ...combining.flatMap((keyword) => documents.elements(documents.member(at, keyword))),
      // Beside it, from OpenAPI 3.1 on.
      ...(depth === 0 && referenceOf(at.value) !== undefined ? [at] : []),
    ].some((part) => {
      const reference = referenceOf(part.value);
      const found = reference === undefined ? part : documents.found(part, reference);
      const whole = found === undefined ? undefined : behind(documents, found);
      if (found === undefined || whole === undefined) return false;
      if (Object.keys((whole.properties ?? {}) as Members).some((name) => !own.has(name))) return true;
      return depth < 5 && inside(found, depth + 1);
    });
  return inside(place, 0);
}

const combining = ["allOf", "anyOf", "oneOf"];

/** What an option is, through its references; `undefined`: it does not say, or leads nowhere. */
function behind(documents: Documents, option: Place): Members | undefined {
  let at: Place | undefined = option;
  for (let hops = 0; hops < 20 && at !== undefined; hops++) {
    const value: unknown = at.value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const reference = referenceOf(value as Members);
    if (reference === undefined) return value as Members;
    at = documents.found(at, reference);
  }
  return undefined;
}

/** Keywords that refuse no value. */
const silent = new Set([
  "title",
  "description",
  "example",
  "examples",
  "default",
  "deprecated",
  "readOnly",
  "writeOnly",
]);
const tellsNothing = new Set(["externalDocs", "xml", "$id", "$schema", "$comment", "$anchor", "$defs"]);

function asserted(schema: Members | undefined): Members | undefined {
  if (schema === undefined) return undefined;
  const checked = ([keyword, value]: [string, unknown]) =>
    !silent.has(keyword) &&
    !tellsNothing.has(keyword) &&
    !keyword.startsWith("x-") &&
    (keyword !== "format" || Object.hasOwn(fullFormats, String(value))) &&
    !(keyword === "nullable" && value !== true) &&
    !(keyword === "additionalProperties" && (value === true || isEmpty(value)));
  return Object.fromEntries(Object.entries(schema).filter(checked));
}

/** Whether every value of `other` fits `one`, too. Only where that is plain to see. */
function covers(one: Members | undefined, other: Members | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  if (same(one, other)) return true;
  const keywords = Object.keys(one);
  if (keywords.length === 0) return true;
  if (keywords.length === 1 && one.type !== undefined)
    return one.type === other.type || (one.type === "number" && other.type === "integer");
  return coversObject(one, other);
}

const ofObjects = new Set(["type", "properties", "required", "minProperties"]);

function coversObject(one: Members, other: Members): boolean {
  if (!Object.keys(one).every((keyword) => ofObjects.has(keyword))) return false;
  if (!isObjects(one) || !isObjects(other) || "allOf" in other || "anyOf" in other || "oneOf" in other) return false;
  const must = names(other.required);
  if (!names(one.required).every((name) => must.includes(name))) return false;
  const least = Math.max(must.length, Number(other.minProperties ?? 0));
  if (one.minProperties !== undefined && !(Number(one.minProperties) <= least)) return false;
  const properties = (other.properties ?? {}) as Members;
  return Object.entries((one.properties ?? {}) as Members).every(
    ([name, property]) => !Object.hasOwn(properties, name) || sameProperty(property, properties[name]),
  );
}

function isObjects(schema: Members): boolean {
  const { type, properties } = schema;
  return (type === "object" || type === undefined) && typeof properties === "object" && properties !== null;
}

function sameProperty(one: unknown, other: unknown): boolean {
  const plain = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? asserted(value as Members) : value;
  return same(plain(one), plain(other));
}

function names(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

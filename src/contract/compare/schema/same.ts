/** Whether schemas of two versions say the same: texts without what only people read, in an order that does not matter sorted. */
import { canonicalJson } from "../../../formats/json.ts";
import type { JsonSchema } from "../../../operation.ts";
import { referencesOf } from "../../references.ts";
import type { Definitions } from "./flat.ts";

/** Keywords that allow and forbid nothing. */
const silent = new Set([
  "title",
  "description",
  "examples",
  "default",
  "deprecated",
  "readOnly",
  "writeOnly",
  "discriminator",
  "$comment",
]);
/** Lists whose order means nothing. */
const unordered = new Set(["required", "enum", "type", "oneOf", "anyOf", "allOf"]);
const data = new Set(["enum", "const"]);
const byName = new Set(["properties", "patternProperties", "dependentSchemas", "dependentRequired"]);

const texts = new WeakMap<object, string>();

/** The same text for schemas that say the same, as long as what they refer to says the same. */
export function meaningOf(schema: JsonSchema): string {
  if (typeof schema === "boolean") return String(schema);
  let text = texts.get(schema);
  if (text === undefined) {
    text = canonicalJson(stripped(schema));
    texts.set(schema, text);
  }
  return text;
}

function stripped(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(stripped);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (silent.has(keyword)) continue;
    if (data.has(keyword)) kept[keyword] = Array.isArray(value) ? sorted(value) : value;
    else if (byName.has(keyword)) kept[keyword] = named(value as Record<string, unknown>);
    else if (unordered.has(keyword) && Array.isArray(value)) kept[keyword] = sorted(value.map(stripped));
    else kept[keyword] = stripped(value);
  }
  // "true" in the form of an object
  return kept;
}

/** Elements of XML have an order; members of a JSON object have none. */
function named(schemas: Record<string, unknown>): unknown {
  const all = Object.entries(schemas).map(([name, schema]) => [name, stripped(schema)] as const);
  return all.some(([, schema]) => typeof schema === "object" && schema !== null && "xml" in schema)
    ? all
    : Object.fromEntries(all);
}

function sorted(list: readonly unknown[]): unknown[] {
  return [...list].sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
}

/** Names of schemas that say the same in both, all that they refer to included. */
export function unchangedNames(one: Definitions, other: Definitions): ReadonlySet<string> {
  const same = new Set<string>();
  const needs = new Map<string, readonly string[]>();
  for (const [name, schema] of Object.entries(one)) {
    if (!Object.hasOwn(other, name) || meaningOf(schema) !== meaningOf(other[name]!)) continue;
    same.add(name);
    needs.set(name, referencesOf(schema));
  }
  for (let size = -1; size !== same.size; ) {
    size = same.size;
    for (const name of same) if (needs.get(name)!.some((to) => !same.has(to))) same.delete(name);
  }
  return same;
}

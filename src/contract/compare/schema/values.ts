/**
 * Values that a schema is likely to accept, many and different: the smallest, the largest, each optional member alone, each
 * option of a union, the edges of every bound. Whoever needs a valid one checks it with a validator.
 */
import { canonicalJson } from "../../../formats/json.ts";
import type { Json, JsonSchema } from "../../../operation.ts";
import { compilePattern } from "../../pattern.ts";
import { allOf, and, type Definitions, type Flat, flatten, itemOf, memberOf } from "./flat.ts";
import { textsOf } from "./texts.ts";

/** Containers inside each other that are filled with more than they must have. */
const deepest = 6;
const most = 40;

/** Schemas looked at for the values of one: options of options are many. */
const mostSchemas = 3000;
let left = mostSchemas;

export function matches(pattern: string, name: string): boolean {
  return compilePattern(pattern).test(name);
}

export function valuesOf(schema: JsonSchema, definitions: Definitions): readonly Json[] {
  return flatValues(flatten(schema, definitions), definitions, 0);
}

/** The smallest one. */
export function smallest(flat: Flat, definitions: Definitions): Json {
  left = mostSchemas;
  return flatValues(flat, definitions, deepest - 2)[0] ?? null;
}

/** At most 40, without repetition. `depth`: how deep it lies already. */
export function flatValues(flat: Flat, definitions: Definitions, depth: number): readonly Json[] {
  if (depth === 0) left = mostSchemas;
  if (--left < 0) return [];
  if (flat.values !== undefined) return flat.values.slice(0, most);
  if (depth > deepest * 2) return [];
  const [union, ...others] = flat.unions;
  if (union !== undefined) {
    const each = Math.max(4, Math.floor(most / union.options.length));
    return distinct(
      union.options.flatMap((option) => {
        const chosen = and({ ...flat, unions: others }, option, definitions);
        return flatValues(chosen, definitions, depth + 1).slice(0, each);
      }),
    );
  }
  const found: Json[] = [];
  for (const kind of ["object", "array", "string", "number", "boolean", "null"] as const) {
    if (!flat.kinds.has(kind)) continue;
    if (kind === "object") found.push(...objects(flat, definitions, depth));
    else if (kind === "array") found.push(...lists(flat, definitions, depth));
    else if (kind === "string") found.push(...textsOf(flat));
    else if (kind === "number") found.push(...numbers(flat));
    else if (kind === "boolean") found.push(true, false);
    else found.push(null);
  }
  // A schema that says nothing about the kind: the simple ones are the telling ones.
  return distinct(found);
}

function inner(schema: JsonSchema, definitions: Definitions, depth: number): readonly Json[] {
  if (schema === true) return ["text", 1, null];
  return flatValues(flatten(schema, definitions), definitions, depth + 1);
}

function objects(flat: Flat, definitions: Definitions, depth: number): Json[] {
  const memberValues = (name: string): readonly Json[] =>
    inner(allOf(memberOf(flat, name, matches).schemas), definitions, depth);
  const least: Record<string, Json> = {};
  for (const name of flat.required) {
    const [value] = memberValues(name);
    if (value === undefined) return [];
    least[name] = value;
  }
  const declared = [...new Set(flat.objects.flatMap(({ properties }) => Object.keys(properties)))];
  const optional = declared.filter((name) => !flat.required.has(name));
  for (const name of optional) {
    if (Object.keys(least).length >= flat.minProperties) break;
    const [value] = memberValues(name);
    if (value !== undefined) least[name] = value;
  }
  for (let n = 1; Object.keys(least).length < flat.minProperties && n <= 50; n++)
    least[`more${n}`] = inner(allOf(memberOf(flat, `more${n}`, matches).schemas), definitions, depth)[0] ?? null;
  const found: Json[] = [least];
  if (depth >= deepest) return found;
  const full: Record<string, Json> = { ...least };
  for (const name of optional.slice(0, 200)) {
    const [value] = memberValues(name);
    if (value !== undefined && Object.keys(full).length < flat.maxProperties) full[name] = value;
  }
  found.push(full);
  if (depth > 2) return found;
  for (const name of [...flat.required, ...optional].slice(0, 30))
    for (const value of memberValues(name).slice(0, 6)) found.push({ ...least, [name]: value });
  for (const { patterns, additional } of flat.objects) {
    const extra =
      additional === undefined || additional === true ? [] : inner(additional, definitions, depth).slice(0, 3);
    for (const value of extra) found.push({ ...least, more1: value });
    for (const [pattern, schema] of Object.entries(patterns).slice(0, 5)) {
      const name = nameFor(pattern);
      const [value] = inner(schema, definitions, depth);
      if (name !== undefined && value !== undefined) found.push({ ...least, [name]: value });
    }
  }
  return found.slice(0, most);
}

/** A name that the pattern takes. */
export function nameFor(pattern: string): string | undefined {
  return textsOf({ patterns: [pattern], formats: [], minLength: 1, maxLength: 40 })[0];
}

function lists(flat: Flat, definitions: Definitions, depth: number): Json[] {
  const most = Math.min(flat.maxItems, 20);
  const at = (index: number): Json => inner(allOf(itemOf(flat, index)), definitions, depth)[0] ?? null;
  const prefix = Math.max(0, ...flat.lists.map((scope) => scope.prefix.length));
  const rest = inner(allOf(itemOf(flat, -1)), definitions, depth);
  const filled = (length: number): Json[] =>
    Array.from({ length }, (_, index) =>
      index < prefix
        ? at(index)
        : flat.unique
          ? (rest[(index - prefix) % Math.max(1, rest.length)] ?? null)
          : (rest[0] ?? null),
    );
  const least = filled(Math.min(flat.minItems, 200));
  const found: Json[] = [least];
  if (depth >= deepest || most === 0) return found;
  if (least.length < 1) found.push(filled(1));
  if (prefix > 0) found.push(filled(Math.min(prefix, most)));
  for (const value of rest.slice(0, 10)) {
    const one = filled(Math.max(prefix + 1, least.length));
    one[one.length - 1] = value;
    found.push(one);
  }
  if (most >= 2) found.push(filled(Math.max(2, least.length)));
  if (Number.isFinite(flat.maxItems) && flat.maxItems <= 200) found.push(filled(flat.maxItems));
  return found;
}

function numbers(flat: Flat): number[] {
  const { least, most: top, multiples, whole } = flat;
  const step = multiples[0] ?? 1;
  const tries = [
    ...(least === undefined
      ? []
      : [least.value, least.value + step, least.value + 0.5, Math.ceil(least.value / step) * step]),
    ...(top === undefined ? [] : [top.value, top.value - step, top.value - 0.5, Math.floor(top.value / step) * step]),
    step,
    0,
    -step,
    1,
    1.5,
    2_147_483_648,
    -2_147_483_649,
    9_007_199_254_740_991,
  ];
  return tries.filter(
    (value) =>
      (!whole || Number.isInteger(value)) &&
      multiples.every((each) => Number.isInteger(value / each)) &&
      (least === undefined || value > least.value || (value === least.value && !least.open)) &&
      (top === undefined || value < top.value || (value === top.value && !top.open)) &&
      (!flat.formats.includes("int32") || Math.abs(value) < 2 ** 31),
  );
}

function distinct(values: readonly Json[]): Json[] {
  return [...new Map(values.map((value) => [canonicalJson(value), value])).values()].slice(0, most);
}

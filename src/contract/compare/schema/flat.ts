/**
 * A schema with its references followed and its `allOf` folded in: what it says about a value, by kind of value. What can't be
 * folded (`not`, `if`, `contains` ...) stays as it is, and is compared as a whole.
 */
import { canonicalJson } from "../../../formats/json.ts";
import type { Json, JsonSchema } from "../../../operation.ts";
import { referencedName } from "../../references.ts";

export type Definitions = { readonly [name: string]: JsonSchema };
export type Keywords = Readonly<Record<string, unknown>>;
export type Kind = "null" | "boolean" | "object" | "array" | "string" | "number";
export const kinds: readonly Kind[] = ["null", "boolean", "object", "array", "string", "number"];

/** One schema's say about the members of an object: `additional` is about those that it names nowhere. */
export interface ObjectScope {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly patterns: Readonly<Record<string, JsonSchema>>;
  readonly additional: JsonSchema | undefined;
}
export interface ListScope {
  readonly prefix: readonly JsonSchema[];
  readonly rest: JsonSchema | undefined;
}
export interface Union {
  readonly kind: "oneOf" | "anyOf";
  readonly options: readonly JsonSchema[];
}
/** A keyword that is compared as a whole. */
export interface Condition {
  readonly keyword: string;
  readonly json: Keywords;
}
export interface Bound {
  readonly value: number;
  /** The value itself is out. */
  readonly open: boolean;
}

export interface Flat {
  kinds: Set<Kind>;
  /** Numbers must be whole. */
  whole: boolean;
  values: readonly Json[] | undefined;
  least: Bound | undefined;
  most: Bound | undefined;
  multiples: number[];
  minLength: number;
  maxLength: number;
  patterns: string[];
  formats: string[];
  minItems: number;
  maxItems: number;
  unique: boolean;
  lists: ListScope[];
  objects: ObjectScope[];
  required: Set<string>;
  minProperties: number;
  maxProperties: number;
  names: JsonSchema[];
  dependent: { readonly name: string; readonly needs: readonly string[] }[];
  unions: Union[];
  conditions: Condition[];
  /** What no value of it fits: the other options of a `oneOf` that it is one of. */
  excluded: JsonSchema[];
  /** The schemas that it is made of: a value fits if it fits them all. */
  sources: JsonSchema[];
  /** Names of the schemas in its `allOf`. */
  parts: string[];
  /** Unions were taken out of it: it says less than its schema. */
  partial: boolean;
  /** How it is written as XML (xml-note.ts). */
  xml: Keywords | undefined;
}

/** Keywords that are compared as a whole, with those that belong to them. */
const wholes: Readonly<Record<string, readonly string[]>> = {
  not: [],
  if: ["then", "else"],
  contains: ["minContains", "maxContains"],
  dependentSchemas: [],
  unevaluatedItems: [],
  unevaluatedProperties: [],
  contentEncoding: [],
  contentMediaType: [],
};

export function emptyFlat(): Flat {
  return {
    kinds: new Set(kinds),
    whole: false,
    values: undefined,
    least: undefined,
    most: undefined,
    multiples: [],
    minLength: 0,
    maxLength: Number.POSITIVE_INFINITY,
    patterns: [],
    formats: [],
    minItems: 0,
    maxItems: Number.POSITIVE_INFINITY,
    unique: false,
    lists: [],
    objects: [],
    required: new Set(),
    minProperties: 0,
    maxProperties: Number.POSITIVE_INFINITY,
    names: [],
    dependent: [],
    unions: [],
    conditions: [],
    excluded: [],
    sources: [],
    parts: [],
    partial: false,
    xml: undefined,
  };
}

const made = new WeakMap<Definitions, WeakMap<object, Flat>>();

/** The same object for the same schema: whoever changes it takes a copy (`copyOf`, `and`). */
export function flatten(schema: JsonSchema, definitions: Definitions): Flat {
  if (typeof schema === "boolean") return extend(emptyFlat(), schema, definitions);
  const known = made.get(definitions) ?? new WeakMap<object, Flat>();
  made.set(definitions, known);
  let flat = known.get(schema);
  if (flat === undefined) {
    flat = extend(emptyFlat(), schema, definitions);
    known.set(schema, flat);
  }
  return flat;
}

/** A copy with one more schema that values have to fit. */
export function and(flat: Flat, schema: JsonSchema, definitions: Definitions): Flat {
  return extend(copyOf(flat), schema, definitions);
}

export function copyOf(flat: Flat): Flat {
  return {
    ...flat,
    kinds: new Set(flat.kinds),
    required: new Set(flat.required),
    multiples: [...flat.multiples],
    patterns: [...flat.patterns],
    formats: [...flat.formats],
    lists: [...flat.lists],
    objects: [...flat.objects],
    names: [...flat.names],
    dependent: [...flat.dependent],
    unions: [...flat.unions],
    conditions: [...flat.conditions],
    excluded: [...flat.excluded],
    sources: [...flat.sources],
    parts: [...flat.parts],
  };
}

function extend(flat: Flat, schema: JsonSchema, definitions: Definitions): Flat {
  flat.sources.push(schema);
  const seen = new Set<string>();
  const open: JsonSchema[] = [schema];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (next === true) continue;
    if (next === false) {
      flat.kinds.clear();
      continue;
    }
    const { $ref, allOf } = next;
    if (typeof $ref === "string" && !seen.has($ref)) {
      seen.add($ref);
      open.push(targetOf($ref, definitions));
    }
    for (const part of (Array.isArray(allOf) ? allOf : []) as JsonSchema[]) {
      open.push(part);
      const name = typeof part === "object" && typeof part.$ref === "string" ? referencedName(part.$ref) : undefined;
      if (name !== undefined) add(flat.parts, name);
    }
    fold(flat, next);
  }
  return flat;
}

/** The schema that is referred to; one that is not there says nothing. */
export function targetOf(reference: string, definitions: Definitions): JsonSchema {
  const name = referencedName(reference);
  return name !== undefined && Object.hasOwn(definitions, name) ? definitions[name]! : true;
}

function fold(flat: Flat, schema: Keywords): void {
  foldKinds(flat, schema);
  foldNumbers(flat, schema);
  flat.minLength = Math.max(flat.minLength, numberOf(schema.minLength) ?? 0);
  flat.maxLength = Math.min(flat.maxLength, numberOf(schema.maxLength) ?? Number.POSITIVE_INFINITY);
  if (typeof schema.pattern === "string") add(flat.patterns, schema.pattern);
  if (typeof schema.format === "string") add(flat.formats, schema.format);
  flat.minItems = Math.max(flat.minItems, numberOf(schema.minItems) ?? 0);
  flat.maxItems = Math.min(flat.maxItems, numberOf(schema.maxItems) ?? Number.POSITIVE_INFINITY);
  if (schema.uniqueItems === true) flat.unique = true;
  if (schema.items !== undefined || schema.prefixItems !== undefined)
    flat.lists.push({
      prefix: (schema.prefixItems ?? []) as JsonSchema[],
      rest: schema.items as JsonSchema | undefined,
    });
  if (
    schema.properties !== undefined ||
    schema.patternProperties !== undefined ||
    schema.additionalProperties !== undefined
  )
    flat.objects.push({
      properties: (schema.properties ?? {}) as Record<string, JsonSchema>,
      patterns: (schema.patternProperties ?? {}) as Record<string, JsonSchema>,
      additional: schema.additionalProperties as JsonSchema | undefined,
    });
  for (const name of (schema.required ?? []) as string[]) flat.required.add(name);
  flat.minProperties = Math.max(flat.minProperties, numberOf(schema.minProperties) ?? 0);
  flat.maxProperties = Math.min(flat.maxProperties, numberOf(schema.maxProperties) ?? Number.POSITIVE_INFINITY);
  if (schema.propertyNames !== undefined) flat.names.push(schema.propertyNames as JsonSchema);
  for (const [name, needs] of Object.entries((schema.dependentRequired ?? {}) as Record<string, string[]>))
    flat.dependent.push({ name, needs });
  for (const kind of ["oneOf", "anyOf"] as const) {
    const options = schema[kind] as JsonSchema[] | undefined;
    if (options !== undefined) flat.unions.push({ kind, options: kind === "anyOf" ? spread(options) : options });
  }
  for (const [keyword, companions] of Object.entries(wholes)) {
    if (schema[keyword] === undefined) continue;
    const of = [keyword, ...companions].filter((each) => schema[each] !== undefined);
    // What says nothing about named members needs them beside it.
    const beside = keyword.startsWith("unevaluated")
      ? schema
      : Object.fromEntries(of.map((each) => [each, schema[each]]));
    flat.conditions.push({ keyword, json: beside });
  }
  if (schema.xml !== undefined) flat.xml = { ...flat.xml, ...(schema.xml as Keywords) };
}

/** `anyOf` inside `anyOf` is one list. */
function spread(options: readonly JsonSchema[]): readonly JsonSchema[] {
  return options.flatMap((option) =>
    typeof option === "object" && Array.isArray(option.anyOf) && Object.keys(option).length === 1
      ? spread(option.anyOf as JsonSchema[])
      : [option],
  );
}

function foldKinds(flat: Flat, { type, enum: values, const: constant }: Keywords & { readonly const?: unknown }): void {
  if (type !== undefined) {
    const named = (Array.isArray(type) ? type : [type]) as string[];
    for (const kind of [...flat.kinds])
      if (!named.includes(kind) && !(kind === "number" && named.includes("integer"))) flat.kinds.delete(kind);
    if (named.includes("integer") && !named.includes("number")) flat.whole = true;
  }
  for (const list of [values as Json[] | undefined, constant === undefined ? undefined : [constant as Json]]) {
    if (list === undefined) continue;
    const texts = new Set(list.map((value) => canonicalJson(value)));
    flat.values = flat.values === undefined ? list : flat.values.filter((value) => texts.has(canonicalJson(value)));
  }
  if (flat.values !== undefined) flat.values = flat.values.filter((value) => flat.kinds.has(kindOf(value)));
}

function foldNumbers(flat: Flat, schema: Keywords): void {
  for (const [keyword, open] of [
    ["minimum", false],
    ["exclusiveMinimum", true],
  ] as const) {
    const value = numberOf(schema[keyword]);
    if (value !== undefined && (flat.least === undefined || tighter(value, open, flat.least, 1)))
      flat.least = { value, open };
  }
  for (const [keyword, open] of [
    ["maximum", false],
    ["exclusiveMaximum", true],
  ] as const) {
    const value = numberOf(schema[keyword]);
    if (value !== undefined && (flat.most === undefined || tighter(value, open, flat.most, -1)))
      flat.most = { value, open };
  }
  const multiple = numberOf(schema.multipleOf);
  if (multiple !== undefined) flat.multiples.push(multiple);
}

/** `sign` 1 for lower bounds, -1 for upper ones. */
export function tighter(value: number, open: boolean, than: Bound, sign: 1 | -1): boolean {
  return value === than.value ? open && !than.open : (value - than.value) * sign > 0;
}

export function kindOf(value: Json): Kind {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value as Kind;
}

/** Everything that is said about the member `name`: it has to fit all of these. `named`: at least one names it. */
export function memberOf(
  flat: Flat,
  name: string,
  matches: (pattern: string, name: string) => boolean,
): { readonly schemas: readonly JsonSchema[]; readonly named: boolean } {
  const schemas: JsonSchema[] = [];
  let named = false;
  for (const scope of flat.objects) {
    const before = schemas.length;
    if (Object.hasOwn(scope.properties, name)) schemas.push(scope.properties[name]!);
    for (const [pattern, schema] of Object.entries(scope.patterns)) if (matches(pattern, name)) schemas.push(schema);
    if (schemas.length > before) named = true;
    else if (scope.additional !== undefined && scope.additional !== true) schemas.push(scope.additional);
  }
  return { schemas, named };
}

/** Everything that is said about the item at `index`; -1 for those after every prefix. */
export function itemOf(flat: Flat, index: number): readonly JsonSchema[] {
  return flat.lists.flatMap(({ prefix, rest }) => {
    if (index >= 0 && index < prefix.length) return [prefix[index]!];
    return rest === undefined ? [] : [rest];
  });
}

/** One schema out of several that a value has to fit. */
export function allOf(schemas: readonly JsonSchema[]): JsonSchema {
  const telling = schemas.filter((schema) => schema !== true);
  if (telling.length === 0) return true;
  return telling.length === 1 ? telling[0]! : { allOf: telling };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function add(list: string[], text: string): void {
  if (!list.includes(text)) list.push(text);
}

/** Whether it allows everything. */
export function saysNothing(flat: Flat): boolean {
  return (
    flat.unions.length === 0 &&
    flat.kinds.size === 6 &&
    flat.values === undefined &&
    flat.objects.length === 0 &&
    flat.lists.length === 0 &&
    flat.required.size === 0 &&
    flat.conditions.length === 0 &&
    flat.patterns.length === 0 &&
    flat.formats.length === 0 &&
    flat.names.length === 0 &&
    flat.dependent.length === 0 &&
    flat.multiples.length === 0 &&
    flat.least === undefined &&
    flat.most === undefined &&
    !flat.unique &&
    flat.minLength === 0 &&
    flat.maxLength === Number.POSITIVE_INFINITY &&
    flat.minItems === 0 &&
    flat.maxItems === Number.POSITIVE_INFINITY &&
    flat.minProperties === 0 &&
    flat.maxProperties === Number.POSITIVE_INFINITY
  );
}

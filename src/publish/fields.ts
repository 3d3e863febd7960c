/**
 * What a schema names, and nothing else (OW-3): fields of an answer that its description does not name are dropped, fields of a request are
 * refused. JSON Schema lets them pass unless it says `additionalProperties: false`; a description that lists fields and forgets that means the
 * listed ones all the same. What says `additionalProperties: true`, `patternProperties`, or lists no fields at all stays open.
 */
import { type Json, type JsonSchema, type Problem, pointerToken, type Schema } from "../operation.ts";
import { definitionsOf, referred, typesOf } from "./schemas.ts";

export interface Fields {
  /** The value without what is not named; the value itself where there is nothing to drop. */
  drop<T>(value: T): T;
  /** Each field that is not named, at most 20. */
  unknown(value: Json): readonly Problem[];
}

/** What may stand at one place. */
interface Place {
  /** Absent: any fields. */
  properties?: ReadonlyMap<string, Place>;
  /** Of fields that are not listed; absent: there are none. */
  others?: Place;
  items?: Place;
  prefix?: readonly Place[];
}

type Definitions = Readonly<Record<string, JsonSchema>>;
const mostProblems = 20;
const none: readonly Problem[] = Object.freeze([]);

const known = new WeakMap<Schema, Fields>();

export function fieldsOf(schema: Schema): Fields {
  const fields = known.get(schema) ?? readFields(schema);
  known.set(schema, fields);
  return fields;
}

function readFields(schema: Schema): Fields {
  const place = createBook(definitionsOf(schema.json)).placeOf([schema.json]);
  return {
    drop: (value) => drop(value, place) as typeof value,
    unknown(value) {
      // The rule is that there is none: places are worked out only where there is one.
      if (drop(value, place) === value) return none;
      const problems: Problem[] = [];
      look(value, place, "", problems);
      return problems;
    },
  };
}

function createBook(definitions: Definitions) {
  const ids = new Map<object, number>();
  const places = new Map<string, Place>();

  /** One place for the same schemas: a schema that contains itself ends here. */
  function placeOf(schemas: readonly JsonSchema[]): Place {
    const key = schemas.map(idOf).join(" ");
    const known = places.get(key);
    if (known !== undefined) return known;
    const place: Place = {};
    places.set(key, place);
    const found = collect(schemas);
    if (found.listed && !found.open) {
      const properties = new Map([...found.properties].map(([name, of]) => [name, placeOf(of)]));
      if (found.others.length > 0) place.others = placeOf(found.others);
      // What has to be there is named by that; without it the value would fit no more, and nothing else would do.
      else for (const name of found.needed) if (!properties.has(name)) properties.set(name, {});
      place.properties = properties;
    }
    if (found.items.length > 0) place.items = placeOf(found.items);
    if (found.prefix.length > 0) place.prefix = found.prefix.map(placeOf);
    return place;
  }

  function idOf(schema: JsonSchema): string {
    if (typeof schema === "boolean") return String(schema);
    const id = ids.get(schema) ?? ids.size;
    ids.set(schema, id);
    return String(id);
  }

  function collect(schemas: readonly JsonSchema[]) {
    const found = {
      properties: new Map<string, JsonSchema[]>(),
      /** Fields that have to be there, always or beside others. */
      needed: new Set<string>(),
      others: [] as JsonSchema[],
      items: [] as JsonSchema[],
      prefix: [] as JsonSchema[][],
      /** Some schema lists fields. */
      listed: false,
      /** Some schema lets any field pass. */
      open: false,
    };
    // Looked at once, as a branch and otherwise: a second time says nothing new, and schemas may name each other many times over.
    const seen = { true: new Set<object>(), false: new Set<object>() };
    const visit = (schema: JsonSchema, branch: boolean, depth: number): void => {
      // A part that is referred to is two steps down.
      if (depth > 64) found.open = true;
      else if (typeof schema === "boolean") found.open ||= branch && schema;
      else if (!seen[`${branch}`].has(schema)) {
        seen[`${branch}`].add(schema);
        if (typeof schema.$ref === "string") visit(referred(schema.$ref, definitions), branch, depth + 1);
        // What stands beside a reference counts as well.
        read(schema, branch);
        for (const part of list(schema.allOf)) visit(part, false, depth + 1);
        for (const part of [...list(schema.anyOf), ...list(schema.oneOf)]) {
          const types = typesOf(part, definitions);
          if (types.length === 0 || types.includes("object") || types.includes("array")) visit(part, true, depth + 1);
        }
        for (const keyword of ["then", "else"])
          if (schema[keyword] !== undefined) visit(schema[keyword] as JsonSchema, false, depth + 1);
        for (const part of Object.values((schema.dependentSchemas ?? {}) as Definitions)) visit(part, false, depth + 1);
      }
    };
    const read = (schema: { readonly [keyword: string]: unknown }, branch: boolean): void => {
      const { properties, additionalProperties: more, unevaluatedProperties: rest, items, prefixItems } = schema;
      for (const [name, property] of Object.entries((properties ?? {}) as Definitions)) {
        found.listed = true;
        found.properties.set(name, [...(found.properties.get(name) ?? []), property]);
      }
      for (const name of (schema.required ?? []) as readonly string[]) found.needed.add(name);
      for (const [name, others] of Object.entries((schema.dependentRequired ?? {}) as Record<string, string[]>))
        for (const each of [name, ...others]) found.needed.add(each);
      if (more === false || rest === false) found.listed = true;
      for (const other of [more, rest]) {
        if (other === true) found.open = true;
        else if (typeof other === "object" && other !== null) {
          found.listed = true;
          found.others.push(other as JsonSchema);
        }
      }
      if (schema.patternProperties !== undefined) found.open = true;
      // A branch that says no more than "an object", or nothing, takes any.
      if (
        branch &&
        properties === undefined &&
        more === undefined &&
        !Object.keys(schema).some((word) => says.has(word))
      )
        found.open = true;
      if (items !== undefined) found.items.push(items as JsonSchema);
      for (const [at, item] of list(prefixItems).entries()) found.prefix[at] = [...(found.prefix[at] ?? []), item];
    };
    for (const schema of schemas) visit(schema, false, 0);
    return found;
  }

  return { placeOf };
}

/** Keywords of a branch that say something about a value that other branches describe. */
const says: ReadonlySet<string> = new Set([
  "$ref",
  "allOf",
  "anyOf",
  "oneOf",
  "required",
  "not",
  "if",
  "then",
  "items",
  "enum",
  "const",
]);

function list(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? (value as JsonSchema[]) : [];
}

function drop(value: unknown, place: Place): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const { items, prefix } = place;
    if (items === undefined && prefix === undefined) return value;
    let copy: unknown[] | undefined;
    for (let at = 0; at < value.length; at++) {
      const inner = prefix?.[at] ?? items;
      const kept = inner === undefined ? value[at] : drop(value[at], inner);
      if (kept === value[at]) continue;
      copy ??= [...value];
      copy[at] = kept;
    }
    return copy ?? value;
  }
  const { properties, others } = place;
  if (properties === undefined) return value;
  const from = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(from)) {
    const inner = properties.get(name) ?? others;
    // Most values hold nothing that is not named: only the others are copied.
    if (inner === undefined || drop(from[name], inner) !== from[name]) return copied(from, properties, others);
  }
  return value;
}

function copied(
  from: Readonly<Record<string, unknown>>,
  properties: ReadonlyMap<string, Place>,
  others?: Place,
): unknown {
  return Object.fromEntries(
    Object.keys(from).flatMap((name) => {
      const inner = properties.get(name) ?? others;
      return inner === undefined ? [] : [[name, drop(from[name], inner)]];
    }),
  );
}

function look(value: Json, place: Place, at: string, problems: Problem[]): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const inner = place.prefix?.[index] ?? place.items;
      if (inner !== undefined) look(item as Json, inner, `${at}/${index}`, problems);
    }
    return;
  }
  if (place.properties === undefined) return;
  for (const [name, item] of Object.entries(value)) {
    const inner = place.properties.get(name) ?? place.others;
    if (inner !== undefined) look(item, inner, `${at}/${pointerToken(name)}`, problems);
    else if (problems.length < mostProblems)
      problems.push({ at: `${at}/${pointerToken(name.slice(0, 100))}`, message: "is no field of this operation" });
  }
}

/** Looking into JSON Schemas, as far as publishing must: the properties of an input, and references made self-contained. */
import { referencedName } from "../contract/references.ts";
import type { JsonSchema } from "../operation.ts";

type SchemaObject = { readonly [keyword: string]: unknown };

/** An object schema, seen through `$ref`, with what stands beside it, and `allOf`. */
export interface ObjectShape {
  readonly properties: ReadonlyMap<string, JsonSchema>;
  readonly required: ReadonlySet<string>;
}

/** The named schemas that come along with a schema. */
export function definitionsOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const defs = typeof schema === "boolean" ? undefined : schema.$defs;
  return (defs ?? {}) as Readonly<Record<string, JsonSchema>>;
}

/** The named schema; `true` where there is none. */
export function referred(reference: string, definitions: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const name = referencedName(reference);
  return name === undefined || !Object.hasOwn(definitions, name) ? true : (definitions[name] as JsonSchema);
}

/** Follows references to named schemas, whatever stands beside them; a ring or a missing name gives `true`. */
export function resolve(schema: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>): JsonSchema {
  let at = schema;
  for (let hops = 0; hops < 32; hops++) {
    if (typeof at === "boolean" || typeof at.$ref !== "string") return at;
    at = referred(at.$ref, definitions);
  }
  return true;
}

/** The properties of an object schema, or `undefined` if it is not (only) an object. `within`: the references that led there, none of them twice. */
export function shapeOf(
  schema: JsonSchema,
  definitions = definitionsOf(schema),
  within: readonly string[] = [],
): ObjectShape | undefined {
  if (typeof schema === "boolean" || within.length > 16) return undefined;
  const properties = new Map<string, JsonSchema>();
  const required = new Set<string>();
  const { $ref: name } = schema;
  const whole =
    typeof name === "string" && !within.includes(name)
      ? shapeOf(referred(name, definitions), definitions, [...within, name])
      : undefined;
  const parts = ((schema.allOf as JsonSchema[] | undefined) ?? []).map((part) => shapeOf(part, definitions, within));
  for (const inner of [whole, ...parts]) {
    for (const [name, property] of inner?.properties ?? []) properties.set(name, property);
    for (const name of inner?.required ?? []) required.add(name);
  }
  for (const [name, property] of Object.entries((schema.properties as SchemaObject | undefined) ?? {})) {
    properties.set(name, property as JsonSchema);
  }
  for (const name of (schema.required as string[] | undefined) ?? []) required.add(name);
  const isObject = schema.type === "object" || whole !== undefined || properties.size > 0;
  return isObject ? { properties, required } : undefined;
}

/** JSON types that a schema admits by its `type`, `const` or `enum`, or by one part of its `allOf`; empty: any. */
export function typesOf(
  schema: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
  depth = 0,
): readonly string[] {
  const seen = resolve(schema, definitions);
  if (typeof seen === "boolean" || depth > 16) return [];
  if (typeof seen.type === "string") return [seen.type];
  if (Array.isArray(seen.type)) return seen.type as string[];
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches = seen[keyword] as JsonSchema[] | undefined;
    if (branches !== undefined) return branches.flatMap((branch) => typesOf(branch, definitions, depth + 1));
  }
  const values = seen.const !== undefined ? [seen.const] : seen.enum;
  if (Array.isArray(values)) return [...new Set(values.map(typeOfValue))];
  for (const part of (seen.allOf as JsonSchema[] | undefined) ?? []) {
    const types = typesOf(part, definitions, depth + 1);
    if (types.length > 0) return types;
  }
  return [];
}

function typeOfValue(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

const oneSchema = [
  "items",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
  "contains",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
] as const;
const listOfSchemas = ["allOf", "anyOf", "oneOf", "prefixItems"] as const;
const mapOfSchemas = ["properties", "patternProperties", "dependentSchemas", "$defs"] as const;

/** A copy in which `change` was applied to every schema object, inner ones first. Keys such as `__proto__` stay data. */
export function mapSchema(schema: JsonSchema, change: (schema: SchemaObject) => SchemaObject): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const copy: Record<string, unknown> = Object.create(null);
  for (const [keyword, value] of Object.entries(schema)) {
    if (includes(oneSchema, keyword)) copy[keyword] = mapSchema(value as JsonSchema, change);
    else if (includes(listOfSchemas, keyword)) copy[keyword] = (value as JsonSchema[]).map((s) => mapSchema(s, change));
    else if (includes(mapOfSchemas, keyword)) {
      const inner: Record<string, JsonSchema> = Object.create(null);
      for (const [name, s] of Object.entries(value as Record<string, JsonSchema>)) inner[name] = mapSchema(s, change);
      copy[keyword] = inner;
    } else copy[keyword] = value;
  }
  return change(copy);
}

function includes(list: readonly string[], keyword: string): boolean {
  return list.includes(keyword);
}

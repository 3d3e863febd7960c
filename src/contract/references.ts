/** References between named schemas: `{"$ref": "#/$defs/Name"}`, the only kind that a model or a schema of the project has. */
import { type JsonSchema, pointerNames } from "../operation.ts";

const prefix = "#/$defs/";
/** Keywords whose value is data, and keywords whose value is schemas by name: below those a keyword's name is only a name. */
const data = new Set(["const", "enum", "default", "examples"]);
const byName = new Set(["properties", "patternProperties", "dependentSchemas", "$defs"]);

/** The same schema with each reference to `name` replaced by what `target` gives. Names stay as they are written: escaped. */
export function mapReferences(schema: JsonSchema, target: (name: string) => string): JsonSchema {
  return mapped(schema, target, false) as JsonSchema;
}

function mapped(schema: unknown, target: (name: string) => string, names: boolean): unknown {
  if (Array.isArray(schema)) return schema.map((inner) => mapped(inner, target, false));
  if (typeof schema !== "object" || schema === null) return schema;
  const entries = Object.entries(schema).map(([keyword, value]) => {
    if (names) return [keyword, mapped(value, target, false)];
    if (data.has(keyword)) return [keyword, value];
    if (keyword === "$ref" && typeof value === "string")
      return [keyword, value.startsWith(prefix) ? target(value.slice(prefix.length)) : value];
    return [keyword, mapped(value, target, byName.has(keyword))];
  });
  return Object.fromEntries(entries) as unknown;
}

/** Names of the schemas referred to, with repetitions; one too many does no harm. */
export function referencesOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (keyword === "$ref" && typeof value === "string" && value.startsWith(prefix))
      return [value.slice(prefix.length)];
    return referencesOf(value);
  });
}

/** `Order` of `#/$defs/Order`, unescaped (RFC 6901, sections 3 and 6); `undefined` where it is another kind of reference. */
export function referencedName(reference: string): string | undefined {
  if (!reference.startsWith(prefix)) return undefined;
  return pointerNames(`/${decoded(reference.slice(prefix.length))}`)[0];
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** The reference to a named schema. */
export function referenceTo(name: string): string {
  return prefix + name;
}

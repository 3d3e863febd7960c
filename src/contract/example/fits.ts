/**
 * Whether a value fits a schema, without compiling it: for the many small values that are tried while an example is made. It speaks the
 * JSON Schema of the model (references to named schemas only). The compiled validator (validate.ts) has the last word on a whole.
 */
import { fullFormats } from "ajv-formats/dist/formats.js";
import type { JsonSchema } from "../../operation.ts";
import { compareExact } from "../exact.ts";
import { integerBounds } from "../integer-bounds.ts";
import { compilePattern } from "../pattern.ts";
import { referencedName } from "../references.ts";

export type Keywords = { readonly [keyword: string]: unknown };
export type Definitions = { readonly [name: string]: JsonSchema };

/** Schemas inside each other; what is deeper is not looked at. */
const deepest = 120;

export function fits(value: unknown, schema: JsonSchema, definitions: Definitions, depth = 0): boolean {
  if (typeof schema === "boolean") return schema;
  if (depth > deepest) return true;
  const inner = (each: unknown, of: unknown): boolean => fits(each, of as JsonSchema, definitions, depth + 1);
  const { $ref, type, enum: values } = schema as Keywords;
  if (typeof $ref === "string") {
    const name = referencedName($ref);
    if (name === undefined || !Object.hasOwn(definitions, name)) return false;
    if (!inner(value, definitions[name])) return false;
  }
  if (type !== undefined && !(Array.isArray(type) ? type : [type]).some((one) => isOfType(value, one))) return false;
  if (Array.isArray(values) && !values.some((one) => same(one, value))) return false;
  if (Object.hasOwn(schema, "const") && !same(schema.const, value)) return false;
  if (!combined(value, schema, inner)) return false;
  if (typeof value === "string") return textFits(value, schema);
  if (typeof value === "number") return numberFits(value, schema);
  if (Array.isArray(value)) return listFits(value, schema, inner);
  if (typeof value === "object" && value !== null) return objectFits(value as Keywords, schema, inner);
  return true;
}

type Inner = (value: unknown, schema: unknown) => boolean;

function combined(value: unknown, schema: Keywords, inner: Inner): boolean {
  const { allOf, anyOf, oneOf, not } = schema;
  if (Array.isArray(allOf) && !allOf.every((one) => inner(value, one))) return false;
  if (Array.isArray(anyOf) && !anyOf.some((one) => inner(value, one))) return false;
  if (Array.isArray(oneOf)) {
    let matching = 0;
    for (const one of oneOf) {
      if (inner(value, one)) matching += 1;
      if (matching > 1) return false;
    }
    if (matching !== 1) return false;
  }
  if (not !== undefined && inner(value, not)) return false;
  if (schema.if === undefined) return true;
  const branch = inner(value, schema.if) ? schema.then : schema.else;
  return branch === undefined || inner(value, branch);
}

export function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return typeof value === "number" && Number.isInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    default:
      return typeof value === type;
  }
}

function textFits(text: string, schema: Keywords): boolean {
  const { minLength, maxLength, pattern, format } = schema;
  if (typeof minLength === "number" || typeof maxLength === "number") {
    let length = 0;
    for (const _ of text) length += 1;
    if (length < ((minLength as number | undefined) ?? 0)) return false;
    if (length > ((maxLength as number | undefined) ?? Number.POSITIVE_INFINITY)) return false;
  }
  if (typeof pattern === "string" && !compilePattern(pattern).test(text)) return false;
  return typeof format !== "string" || (formatFits(text, format) && boundsFit(text, format, schema));
}

/** Bounds of numbers that are kept as text. */
function boundsFit(text: string, format: string, schema: Keywords): boolean {
  if (format !== "decimal" && format !== "int64" && format !== "integer") return true;
  const { formatMinimum, formatMaximum, formatExclusiveMinimum, formatExclusiveMaximum } = schema;
  const against = (bound: unknown): number | undefined =>
    typeof bound === "string" ? compareExact(text, bound) : undefined;
  return (
    (against(formatMinimum) ?? 0) >= 0 &&
    (against(formatMaximum) ?? 0) <= 0 &&
    (against(formatExclusiveMinimum) ?? 1) > 0 &&
    (against(formatExclusiveMaximum) ?? -1) < 0
  );
}

function formatFits(text: string, format: string): boolean {
  if (format === "int64") return /^[+-]?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
  if (format === "decimal") return /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text);
  if (format === "regex" || !Object.hasOwn(fullFormats, format)) return true;
  const known: unknown = fullFormats[format as keyof typeof fullFormats];
  if (known instanceof RegExp) return known.test(text);
  if (typeof known === "function") return (known as (text: string) => boolean)(text);
  const { type, validate } = known as { readonly type?: string; readonly validate?: unknown };
  if (type === "number") return true;
  if (validate instanceof RegExp) return validate.test(text);
  return typeof validate === "function" ? (validate as (text: string) => boolean)(text) : true;
}

function numberFits(value: number, schema: Keywords): boolean {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  if (typeof minimum === "number" && value < minimum) return false;
  if (typeof maximum === "number" && value > maximum) return false;
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) return false;
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) return false;
  const range = integerBounds(format);
  if (range !== undefined && !(Number.isInteger(value) && value >= range[0] && value < range[1])) return false;
  return typeof multipleOf !== "number" || Number.isInteger(value / multipleOf);
}

function listFits(list: readonly unknown[], schema: Keywords, inner: Inner): boolean {
  const { minItems, maxItems, uniqueItems, items, prefixItems, contains, minContains, maxContains } = schema;
  if (typeof minItems === "number" && list.length < minItems) return false;
  if (typeof maxItems === "number" && list.length > maxItems) return false;
  if (uniqueItems === true && new Set(list.map(canonical)).size < list.length) return false;
  const prefix = Array.isArray(prefixItems) ? prefixItems : [];
  if (
    !list.every((each, i) => (i < prefix.length ? inner(each, prefix[i]) : items === undefined || inner(each, items)))
  )
    return false;
  if (contains === undefined) return true;
  const found = list.filter((each) => inner(each, contains)).length;
  const least = typeof minContains === "number" ? minContains : 1;
  return found >= least && (typeof maxContains !== "number" || found <= maxContains);
}

function objectFits(object: Keywords, schema: Keywords, inner: Inner): boolean {
  const { minProperties, maxProperties, required, propertyNames, dependentRequired, dependentSchemas } = schema;
  const names = Object.keys(object);
  if (typeof minProperties === "number" && names.length < minProperties) return false;
  if (typeof maxProperties === "number" && names.length > maxProperties) return false;
  if (Array.isArray(required) && !required.every((name) => Object.hasOwn(object, name as string))) return false;
  if (propertyNames !== undefined && !names.every((name) => inner(name, propertyNames))) return false;
  for (const [name, others] of Object.entries((dependentRequired ?? {}) as Record<string, string[]>))
    if (Object.hasOwn(object, name) && !others.every((other) => Object.hasOwn(object, other))) return false;
  for (const [name, more] of Object.entries((dependentSchemas ?? {}) as Record<string, unknown>))
    if (Object.hasOwn(object, name) && !inner(object, more)) return false;
  const properties = (schema.properties ?? {}) as Keywords;
  const patterns = Object.entries((schema.patternProperties ?? {}) as Keywords);
  for (const name of names) {
    const value = object[name];
    let known = false;
    if (Object.hasOwn(properties, name)) {
      known = true;
      if (!inner(value, properties[name])) return false;
    }
    for (const [pattern, of] of patterns) {
      if (!compilePattern(pattern).test(name)) continue;
      known = true;
      if (!inner(value, of)) return false;
    }
    if (!known && schema.additionalProperties !== undefined && !inner(value, schema.additionalProperties)) return false;
  }
  return true;
}

/** Whether two JSON values are the same. */
export function same(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === "object" && one !== null && canonical(one) === canonical(other));
}

/** Text that is the same for the same JSON value, whatever the order of its properties. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
}

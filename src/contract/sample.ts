/**
 * An example value of a schema: the smallest that fits, always the same. For fakes of systems and for faults that tests try.
 * A pattern is not solved, so a value may not fit; whoever needs a valid one checks it.
 */
import type { Json, JsonSchema } from "../operation.ts";
import { referencedName } from "./references.ts";

type Keywords = Readonly<Record<string, unknown>>;
type Definitions = { readonly [name: string]: JsonSchema };

/** Containers inside each other: a schema that refers to itself is cut off here. */
const deepest = 12;

const formats: Readonly<Record<string, string>> = {
  "date-time": "2026-01-05T08:00:00Z",
  date: "2026-01-05",
  time: "08:00:00Z",
  duration: "P1D",
  email: "someone@example.com",
  uri: "https://example.com/",
  "uri-reference": "/",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uuid: "00000000-0000-4000-8000-000000000000",
  decimal: "1.00",
  int64: "1",
};

/** `definitions`: the named schemas that `schema` refers to. */
export function sampleOf(schema: JsonSchema, definitions: Definitions): Json {
  return sample(schema, definitions, 0);
}

function sample(schema: JsonSchema, definitions: Definitions, depth: number): Json {
  if (typeof schema === "boolean" || depth > deepest) return null;
  const keywords = flattened(schema as Keywords, definitions, depth);
  if ("const" in keywords) return keywords.const as Json;
  for (const list of [keywords.enum, keywords.examples])
    if (Array.isArray(list) && list.length > 0) return list[0] as Json;
  for (const choice of [keywords.oneOf, keywords.anyOf]) {
    if (!Array.isArray(choice) || choice.length === 0) continue;
    const chosen = sample(choice[0] as JsonSchema, definitions, depth + 1);
    const own = keywords.properties === undefined ? {} : objectOf(keywords, definitions, depth);
    return isObject(chosen) ? ({ ...(own as object), ...chosen } as Json) : chosen;
  }
  switch (typeOf(keywords)) {
    case "object":
      return objectOf(keywords, definitions, depth);
    case "array":
      return Array.from({ length: Math.min(numberOf(keywords.minItems) ?? 0, 100) }, (_, index) => {
        const prefix = Array.isArray(keywords.prefixItems) ? keywords.prefixItems[index] : undefined;
        return sample((prefix ?? keywords.items ?? true) as JsonSchema, definitions, depth + 1);
      });
    case "string":
      return textOf(keywords);
    case "integer":
    case "number":
      return numberIn(keywords);
    case "boolean":
      return true;
    default:
      return null;
  }
}

/** References followed and `allOf` folded in. */
function flattened(schema: Keywords, definitions: Definitions, depth: number): Keywords {
  let result: Record<string, unknown> = { ...schema };
  const { $ref, allOf } = schema;
  const parts: unknown[] = Array.isArray(allOf) ? [...allOf] : [];
  delete result.$ref;
  delete result.allOf;
  if (typeof $ref === "string") {
    const name = referencedName($ref);
    if (name !== undefined && Object.hasOwn(definitions, name)) parts.unshift(definitions[name]);
  }
  if (depth > deepest) return result;
  for (const part of parts) {
    if (!isObject(part)) continue;
    const more = flattened(part, definitions, depth + 1);
    const properties = { ...(more.properties as Keywords), ...(result.properties as Keywords) };
    const required = [...((more.required as string[]) ?? []), ...((result.required as string[]) ?? [])];
    result = { ...more, ...result };
    if (Object.keys(properties).length > 0) result.properties = properties;
    if (required.length > 0) result.required = [...new Set(required)];
  }
  return result;
}

function typeOf({ type, properties, required, items, minLength, pattern, format }: Keywords): unknown {
  if (Array.isArray(type)) return type[0];
  if (type !== undefined) return type;
  if (properties !== undefined || required !== undefined) return "object";
  if (items !== undefined) return "array";
  return minLength !== undefined || pattern !== undefined || format !== undefined ? "string" : undefined;
}

function objectOf({ properties, required }: Keywords, definitions: Definitions, depth: number): Json {
  const names = (required as readonly string[] | undefined) ?? [];
  return Object.fromEntries(
    names.map((name) => {
      const schema = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : true;
      return [name, sample(schema as JsonSchema, definitions, depth + 1)];
    }),
  );
}

function textOf({ format, minLength, maxLength }: Keywords): string {
  const known = typeof format === "string" && Object.hasOwn(formats, format) ? (formats[format] as string) : "text";
  return known.padEnd(numberOf(minLength) ?? 0, "x").slice(0, numberOf(maxLength) ?? undefined);
}

function numberIn({ minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf }: Keywords): number {
  const step = numberOf(multipleOf) ?? 1;
  const above = numberOf(exclusiveMinimum);
  const below = numberOf(exclusiveMaximum);
  const least = numberOf(minimum) ?? (above === undefined ? undefined : above + step);
  if (least !== undefined) return Math.ceil(least / step) * step;
  const most = numberOf(maximum) ?? (below === undefined ? undefined : below - step);
  return most === undefined || most >= step ? step : Math.floor(most / step) * step;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function isObject(value: unknown): value is Keywords {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where the thing, or the list of things, stands in an answer: at its top, or below one property (`{ "data": ... }`). */
import { flatten } from "../contract/example/flat.ts";
import type { Json, JsonSchema } from "../operation.ts";

type Definitions = { readonly [name: string]: JsonSchema };
export type Members = { readonly [name: string]: Json };

/** Properties of a schema, with those of its choices. */
export function propertiesOf(
  schema: JsonSchema,
  definitions: Definitions,
  depth = 0,
): Readonly<Record<string, JsonSchema>> {
  if (typeof schema === "boolean" || depth > 5) return {};
  const flat = flatten([schema], definitions);
  const all: Record<string, JsonSchema> = { ...flat.properties };
  for (const option of flat.choices.flat())
    for (const [name, inner] of Object.entries(propertiesOf(option, definitions, depth + 1))) all[name] ??= inner;
  return all;
}

/** The name that the thing's id has in `schema`. */
export function idIn(schema: JsonSchema, names: readonly string[], definitions: Definitions): string | undefined {
  const properties = propertiesOf(schema, definitions);
  return names.find((name) => Object.hasOwn(properties, name) && isScalar(properties[name]!, definitions));
}

function isScalar(schema: JsonSchema, definitions: Definitions): boolean {
  const { types, choices, properties } = flatten([schema], definitions);
  if (types !== undefined) return types.some((type) => type === "string" || type === "integer" || type === "number");
  return choices.length > 0 || Object.keys(properties).length === 0;
}

/** The property below which the thing stands; `""`: the answer itself; `undefined`: nowhere. */
export function thingAt(schema: JsonSchema, names: readonly string[], definitions: Definitions): string | undefined {
  if (idIn(schema, names, definitions) !== undefined) return "";
  return Object.entries(propertiesOf(schema, definitions)).find(
    ([, inner]) => itemsOf(inner, definitions) === undefined && idIn(inner, names, definitions) !== undefined,
  )?.[0];
}

/** The property that is the list, and the schema of its items; `""`: the answer itself is the list. */
export function listAt(
  schema: JsonSchema,
  names: readonly string[],
  definitions: Definitions,
): { readonly property: string; readonly items: JsonSchema } | undefined {
  const own = itemsOf(schema, definitions);
  if (own !== undefined) return { property: "", items: own };
  const lists = Object.entries(propertiesOf(schema, definitions))
    .map(([property, inner]) => ({ property, items: itemsOf(inner, definitions) }))
    .filter((each): each is { property: string; items: JsonSchema } => each.items !== undefined);
  return lists.find(({ items }) => idIn(items, names, definitions) !== undefined);
}

function itemsOf(schema: JsonSchema, definitions: Definitions): JsonSchema | undefined {
  const flat = flatten([schema], definitions);
  const isList = flat.types?.includes("array") ?? flat.rest.items !== undefined;
  if (isList) return (flat.rest.items ?? true) as JsonSchema;
  for (const option of flat.choices.flat()) {
    const inner = flatten([option], definitions);
    if (inner.types?.includes("array") === true) return (inner.rest.items ?? true) as JsonSchema;
  }
  return undefined;
}

export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

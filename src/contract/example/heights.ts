/** How deep the smallest value of a schema is at least: shows the way out of schemas that refer to themselves. */
import type { JsonSchema } from "../../operation.ts";
import { referencedName } from "../references.ts";
import type { Definitions, Keywords } from "./fits.ts";

const mostRounds = 40;
const known = new WeakMap<Definitions, ReadonlyMap<string, number>>();

/** Of each named schema; `Infinity` where no value ever ends. */
function named(definitions: Definitions): ReadonlyMap<string, number> {
  let heights = known.get(definitions);
  if (heights === undefined) {
    const found = new Map<string, number>();
    for (let round = 0, changed = true; changed && round < mostRounds; round++) {
      changed = false;
      for (const [name, schema] of Object.entries(definitions)) {
        const height = of(schema, found, 0);
        if (height < (found.get(name) ?? Number.POSITIVE_INFINITY)) {
          found.set(name, height);
          changed = true;
        }
      }
    }
    heights = found;
    known.set(definitions, heights);
  }
  return heights;
}

/** The least depth of a value of `schema`: 1 for a scalar. */
export function heightOf(schema: JsonSchema, definitions: Definitions): number {
  return of(schema, named(definitions), 0);
}

function of(schema: JsonSchema, names: ReadonlyMap<string, number>, depth: number): number {
  if (typeof schema === "boolean" || depth > 60) return 1;
  const inner = (each: unknown): number => of(each as JsonSchema, names, depth + 1);
  const { $ref, allOf, oneOf, anyOf, type, properties, required, items, minItems, prefixItems } = schema as Keywords;
  if (type === "null" || (Array.isArray(type) && type.includes("null"))) return 1;
  if (schema.enum !== undefined || Object.hasOwn(schema, "const")) return 1;
  let height = 1;
  if (typeof $ref === "string") height = names.get(referencedName($ref) ?? "") ?? Number.POSITIVE_INFINITY;
  if (Array.isArray(allOf)) for (const part of allOf) height = Math.max(height, inner(part));
  for (const options of [oneOf, anyOf])
    if (Array.isArray(options) && options.length > 0) height = Math.max(height, Math.min(...options.map(inner)));
  for (const name of Array.isArray(required) ? (required as string[]) : []) {
    const own = (properties ?? {}) as Keywords;
    if (Object.hasOwn(own, name)) height = Math.max(height, 1 + inner(own[name]));
  }
  if (typeof minItems === "number" && minItems > 0) {
    if (items !== undefined) height = Math.max(height, 1 + inner(items));
    if (Array.isArray(prefixItems)) for (const one of prefixItems) height = Math.max(height, 1 + inner(one));
  }
  return height;
}

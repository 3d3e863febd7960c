/** Parts that the schemas of the admin API are put together from. */
import type { JsonSchema } from "../../operation.ts";

export const text = { type: "string" };
export const time = { type: "integer", description: "Epoch milliseconds." };
export const bytes = { type: "integer" };
export const texts = { type: "array", items: text };
export const anything = {};

/** An object of these members; those of the second list may be missing. */
export function object(required: Record<string, JsonSchema>, optional: Record<string, JsonSchema> = {}): JsonSchema {
  return { type: "object", properties: { ...required, ...optional }, required: Object.keys(required) };
}

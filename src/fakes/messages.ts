/** Puts a sentence into an example of a fault's detail, where such details have a place for one. */
import type { Json } from "../operation.ts";

/** What contracts call the text of an error, the likeliest first. */
const places = [
  /^(detail|message|msg|error_?message|error_?description|description|reason|userMessage)$/i,
  /^(title|error|text|faultstring|fault)$/i,
];

/** A copy with the sentence in it; `undefined` where there is no place. */
export function withMessage(detail: Json, words: string): Json | undefined {
  return placed(detail, words, 0);
}

function placed(value: Json, words: string, depth: number): Json | undefined {
  if (typeof value === "string") return depth === 0 ? words : undefined;
  if (typeof value !== "object" || value === null || depth > 4) return undefined;
  if (Array.isArray(value)) {
    const first = value.length === 0 ? undefined : placed(value[0] as Json, words, depth + 1);
    return first === undefined ? undefined : [first, ...(value.slice(1) as Json[])];
  }
  const object = value as { readonly [name: string]: Json };
  for (const place of places) {
    const name = Object.keys(object).find((each) => place.test(each) && typeof object[each] === "string");
    if (name !== undefined) return { ...object, [name]: words };
  }
  for (const [name, inner] of Object.entries(object)) {
    const told = typeof inner === "object" ? placed(inner, words, depth + 1) : undefined;
    if (told !== undefined) return { ...object, [name]: told };
  }
  return undefined;
}

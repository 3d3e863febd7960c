/** What a database says of a failure, without the values that it repeats (C4): ours, and those it quotes. */

const shortest = 3;

/** `values` as they were bound. What is shorter than three characters is left: it would mask words of the message. */
export function withoutValues(message: string, values: Iterable<unknown>): string {
  let masked = message;
  const texts = [...values].flatMap(textsOf).filter((text) => text.length >= shortest);
  for (const text of texts.sort((a, b) => b.length - a.length)) masked = masked.replaceAll(text, "…");
  return masked.length <= 500 ? masked : `${masked.slice(0, 500)}…`;
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number" || typeof value === "bigint") return [String(value)];
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(textsOf);
  return [];
}

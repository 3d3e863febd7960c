/** What a database says of a failure, without the values that it repeats (C4): ours, and those it quotes. */
import type { Json } from "../../operation.ts";
import type { SqlFailure } from "./session.ts";

const shortest = 3;
const longest = 500;

/** The words for an error. Values of the input that have less than three characters are left: they would mask words of the message. */
export function saidOf({ reason, code }: SqlFailure, input: Json): string {
  let said = reason;
  const texts = textsOf(input).filter((text) => text.length >= shortest);
  for (const text of texts.sort((a, b) => b.length - a.length)) said = said.replaceAll(text, "…");
  const cut = said.length <= longest ? said : `${said.slice(0, longest)}…`;
  return code === undefined ? cut : `${cut} (${code})`;
}

function textsOf(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(textsOf);
  return [];
}

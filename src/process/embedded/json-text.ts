/** Values of user code as JSON text, for the history. */
import { failure } from "../../errors.ts";
import type { Json } from "../../operation.ts";

/** Largest value that a history takes, in characters of its JSON text. */
const largest = 1_048_576;

/** JSON text of a value. Throws `value-not-json` or `value-too-large`, naming `what`. */
export function asText(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (cause) {
    throw failure("value-not-json", { what, reason: (cause as Error).message.split("\n")[0] ?? "" }, { cause });
  }
  if (text === undefined) throw failure("value-not-json", { what, reason: `a ${typeof value} has no JSON form` });
  if (text.length > largest) throw failure("value-too-large", { what, size: text.length, limit: largest });
  return text;
}

/** A value as it comes back from JSON; `undefined` stays. */
export function jsonOf(value: unknown): Json | undefined {
  return value === undefined ? undefined : (JSON.parse(asText(value, "a value")) as Json);
}

/** Whether what was recorded is what is asked now. Member order counts: the same code writes the same order. */
export function sameInput(recorded: Json | undefined, asked: string | undefined): boolean {
  return (recorded === undefined ? undefined : JSON.stringify(recorded)) === asked;
}

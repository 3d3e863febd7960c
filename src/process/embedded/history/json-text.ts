/** Values of user code as JSON text, for the history; what is too large, too deep or no JSON is refused by name. */
import { failure } from "../../../errors.ts";
import type { Json } from "../../../operation.ts";

/** How large a value may be that a history takes. */
export interface ValueLimits {
  /** Bytes of its JSON text. */
  readonly bytes: number;
  /** Levels of lists and objects inside each other. */
  readonly depth: number;
  /** Bytes of a run's whole history, values that stand beside it counted, before a person is asked. Default `defaultHistoryBytes`. */
  readonly historyBytes?: number;
}

export const defaultHistoryBytes = 64 * 1024 * 1024;

/** As the configuration says by default. */
export const defaultLimits: ValueLimits = Object.freeze({ bytes: 8 * 1024 * 1024, depth: 200 });

/** JSON text of a value. Throws `value-not-json`, `value-too-large` or `value-too-deep`, naming `what`. */
export function asText(value: unknown, what: string, limits: ValueLimits = defaultLimits): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (cause) {
    throw unwritable(cause as Error, what, limits);
  }
  if (text === undefined) throw failure("value-not-json", { what, reason: `a ${typeof value} has no JSON form` });
  checkText(text, what, limits);
  return text;
}

/** Refuses JSON text that is over the limits. What is short can't be: it is not looked at. */
export function checkText(text: string, what: string, limits: ValueLimits): void {
  // A character has at most three bytes (a pair of surrogates, four).
  if (text.length > limits.bytes / 3) {
    const size = Buffer.byteLength(text);
    if (size > limits.bytes) throw failure("value-too-large", { what, size, limit: limits.bytes });
  }
  if (text.length > 2 * limits.depth && isDeeper(text, limits.depth))
    throw failure("value-too-deep", { what, limit: limits.depth });
}

function unwritable(cause: Error, what: string, limits: ValueLimits): Error {
  // V8 walks a value by recursion, and a string has at most half a gigabyte.
  if (!(cause instanceof RangeError))
    return failure("value-not-json", { what, reason: cause.message.split("\n")[0] ?? "" }, { cause });
  return /string length/.test(cause.message)
    ? failure("value-too-large", { what, size: "too many", limit: limits.bytes }, { cause })
    : failure("value-too-deep", { what, limit: limits.depth }, { cause });
}

/** Only text with many brackets is walked through. */
function isDeeper(text: string, most: number): boolean {
  if (count(text, "{", most) + count(text, "[", most) <= most) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 34 /* " */) {
      for (at++; text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92 /* \ */) at++;
    } else if (code === 123 /* { */ || code === 91 /* [ */) {
      depth++;
      if (depth > most) return true;
    } else if (code === 125 || code === 93) depth--;
  }
  return false;
}

/** How often a bracket stands in the text; counts until there are more than `most`. */
function count(text: string, bracket: string, most: number): number {
  let found = 0;
  for (let at = text.indexOf(bracket); at >= 0 && found <= most; at = text.indexOf(bracket, at + 1)) found++;
  return found;
}

/** A value as it comes back from JSON; `undefined` stays. */
export function jsonOf(value: unknown, limits: ValueLimits = defaultLimits): Json | undefined {
  return value === undefined ? undefined : (JSON.parse(asText(value, "a value", limits)) as Json);
}

/** Whether what was recorded is what is asked now. Member order counts: the same code writes the same order. */
export function sameInput(recorded: Json | undefined, asked: string | undefined): boolean {
  return (recorded === undefined ? undefined : JSON.stringify(recorded)) === asked;
}

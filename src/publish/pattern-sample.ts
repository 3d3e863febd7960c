/**
 * A text that a pattern takes, for examples: `C-0000` for `^C-[0-9]{4}$`. Understands sequences of characters, classes and counts, which
 * is what the patterns of ids and codes are; of anything else it says that it does not know.
 */
import { compilePattern } from "../contract/pattern.ts";

const longestPattern = 200;
const longestSample = 60;
/** Tried first: they look like what people write. */
const common = ["12.50", "ABC-123", "EUR", "DE", "1", "A1", "2026-01-31", "a"];
/** One of each set, tried from a class: the first that is in it. */
const tries = ["A", "a", "0", "1", "-", "_", ".", "/", " "];
const escapes: Readonly<Record<string, string>> = { d: "0", w: "A", s: " ", D: "A", W: "-", S: "A" };
/** A character, an escape, a class or a dot, then how often. */
const part = /(\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|[^\\[\]{}()*+?|^$])(\*|\+|\?|\{(\d{1,3})(?:,\d{0,3})?\})?\??/y;

/** `wish` if the pattern takes it, else a common one, else a text made from the pattern; `wish` where none fits. */
export function sampleFor(pattern: string, wish: string): string {
  if (pattern.length > longestPattern) return wish;
  try {
    const compiled = compilePattern(pattern);
    return [wish, ...common, made(pattern)].find((text) => text !== undefined && compiled.test(text)) ?? wish;
  } catch {
    return wish;
  }
}

function made(pattern: string): string | undefined {
  const end = pattern.endsWith("$") ? pattern.length - 1 : pattern.length;
  let text = "";
  part.lastIndex = pattern.startsWith("^") ? 1 : 0;
  while (part.lastIndex < end) {
    const [, what, count, least] = part.exec(pattern) ?? [];
    const one = what === undefined ? undefined : characterOf(what);
    if (one === undefined) return undefined;
    const times = least !== undefined ? Number(least) : count === "*" || count === "?" ? 0 : 1;
    text += one.repeat(times === 0 && text === "" && part.lastIndex >= end ? 1 : times);
    if (text.length > longestSample) return undefined;
  }
  return text;
}

function characterOf(what: string): string | undefined {
  if (what === ".") return "A";
  if (what.startsWith("[")) {
    const inside = compilePattern(`^${what}$`);
    return tries.find((one) => inside.test(one)) ?? [...what.slice(1, -1)].find((one) => inside.test(one));
  }
  if (!what.startsWith("\\")) return what;
  const letter = what.slice(1);
  return escapes[letter] ?? (/[a-zA-Z0-9]/.test(letter) ? undefined : letter);
}

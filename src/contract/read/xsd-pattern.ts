/**
 * Patterns of XML Schema (1.0 part 2, appendix F) as patterns for a linear-time engine. Theirs match the whole value, know
 * `\i` and `\c`, and take `^` and `$` as plain characters. What can't be said otherwise (blocks, subtraction of classes,
 * very large counts) is left out, so a pattern is never stricter than the contract.
 */
import { re2 } from "../pattern.ts";

// ASCII plus everything above: names may hold most other letters, and a pattern may be laxer but not stricter.
const nameStart = "A-Z_a-z:\\x{80}-\\x{10FFFF}";
const nameCharacter = `${nameStart}0-9.\\-`;

/** The pattern, anchored; `undefined` where it can't be said. */
export function patternOf(source: string): string | undefined {
  const translated = translate(source);
  if (translated === undefined) return undefined;
  const pattern = `^(?:${translated})$`;
  try {
    re2().RE2JS.compile(pattern);
    // Other tools read the schema too: what the built-in engine refuses is left out.
    new RegExp(pattern, "u");
    return pattern;
  } catch {
    return undefined;
  }
}

function translate(source: string): string | undefined {
  let result = "";
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const c = source[at] as string;
    if (c === "\\") {
      at += 1;
      const escaped = translateEscape(source[at] ?? "", source[at + 1], inClass);
      if (escaped === undefined) return undefined;
      result += escaped;
    } else if (inClass) {
      if (c === "[" || (c === "-" && source[at + 1] === "[")) return undefined;
      if (c === "]") inClass = false;
      result += c === "-" && (source[at + 1] === "]" || source[at - 1] === "[") ? "\\-" : c;
    } else if (c === "[") {
      inClass = true;
      result += c;
      if (source[at + 1] === "^") {
        result += "^";
        at += 1;
      }
    } else if (c === "^" || c === "$") result += `\\${c}`;
    else if (c === "?" && /[?*+}]/.test(source[at - 1] ?? "")) return undefined;
    else result += c;
  }
  return result;
}

function translateEscape(c: string, next: string | undefined, inClass: boolean): string | undefined {
  if (c === "") return undefined;
  // JavaScript has no \x{...} form, so the non-ASCII half is written with literal characters.
  if (c === "i") return inClass ? literal(nameStart) : `[${literal(nameStart)}]`;
  if (c === "c") return inClass ? literal(nameCharacter) : `[${literal(nameCharacter)}]`;
  if (c === "p" || c === "P") return next === "{" ? `\\${c}` : undefined;
  if (/[dDwWsSnrt]/.test(c)) return `\\${c}`;
  if (c === "-") return inClass ? "\\-" : "-";
  if (/[\\|.?*+(){}[\]^]/.test(c)) return `\\${c}`;
  return undefined;
}

function literal(set: string): string {
  return set.replace("\\x{80}-\\x{10FFFF}", "\u0080-\u{10FFFF}");
}

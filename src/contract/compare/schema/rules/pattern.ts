/**
 * `pattern`. Whether one regular expression takes all that another takes is not decided in general: equal ones do, one that takes
 * everything does, one that only counts further does (`[0-9]{0,9}` and `[0-9]{0,5}`); else texts are tried.
 */
import { compilePattern } from "../../../pattern.ts";
import { listed, type SchemaRule } from "../rule.ts";
import { longTexts, textsOf } from "../texts.ts";

/** Patterns that stop nothing. */
const anything = /^\^?(\.\*|\[\\s\\S\]\*|)\$?$/;

export const patternRule: SchemaRule = {
  id: "pattern",
  kinds: ["string"],
  check(giver, taker) {
    const added = taker.patterns.filter(
      (pattern) => !anything.test(pattern) && !giver.patterns.some((own) => countsWithin(own, pattern)),
    );
    if (added.length === 0) return undefined;
    return {
      what: `texts that don't match ${listed(added)}`,
      candidates: () => {
        const engines = added.map((pattern) => compilePattern(pattern));
        return [...textsOf(giver), ...longTexts(giver)].filter((text) => !engines.every((engine) => engine.test(text)));
      },
    };
  },
};

const count = /\{(\d+)(?:(,)(\d*))?\}/g;
/** Braces that are no counts, and parts whose language does not grow with what is inside (look-around, back references). */
const unsure = /\\[{\]]|\[[^\]]*\{|\(\?[^:]|\\[1-9k]/;

/** The same, or the same but for counts, each of them within the other's. */
function countsWithin(pattern: string, other: string): boolean {
  if (pattern === other) return true;
  if (unsure.test(pattern) || unsure.test(other)) return false;
  if (pattern.replace(count, "{}") !== other.replace(count, "{}")) return false;
  const others = countsOf(other);
  return countsOf(pattern).every(({ least, most }, at) => least >= others[at]!.least && most <= others[at]!.most);
}

function countsOf(pattern: string): readonly { readonly least: number; readonly most: number }[] {
  return [...pattern.matchAll(count)].map(([, least, comma, most]) => ({
    least: Number(least),
    most: comma === undefined ? Number(least) : most === "" ? Number.POSITIVE_INFINITY : Number(most),
  }));
}

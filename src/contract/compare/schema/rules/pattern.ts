/**
 * `pattern`. Whether one regular expression takes all that another takes is not decided here: equal ones do, one that takes
 * everything does; else texts are tried.
 */
import { compilePattern } from "../../../pattern.ts";
import { listed, type SchemaRule } from "../rule.ts";
import { textsOf } from "../texts.ts";

/** Patterns that stop nothing. */
const anything = /^\^?(\.\*|\[\\s\\S\]\*|)\$?$/;

export const patternRule: SchemaRule = {
  id: "pattern",
  kinds: ["string"],
  check(giver, taker) {
    const added = taker.patterns.filter((pattern) => !giver.patterns.includes(pattern) && !anything.test(pattern));
    if (added.length === 0) return undefined;
    return {
      what: `texts that don't match ${listed(added)}`,
      candidates: () => {
        const engines = added.map((pattern) => compilePattern(pattern));
        return textsOf(giver).filter((text) => !engines.every((engine) => engine.test(text)));
      },
    };
  },
};

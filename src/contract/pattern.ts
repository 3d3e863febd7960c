/**
 * Regular expressions of contracts, in linear time (RE2): contracts are untrusted, and a hostile pattern must not hang a
 * thread. This is the one place where text of a contract becomes a regular expression.
 */
import { whenNeeded } from "../when-needed.ts";
import { partsOf } from "./pattern-parts.ts";

export const re2 = whenNeeded<typeof import("re2js")>("re2js");

export interface Pattern {
  test(text: string): boolean;
  /** Unique per pattern: the validator tells patterns apart by it. */
  toString(): string;
}

const compiled = new Map<string, Pattern>();
const cacheSize = 5000;

/**
 * The compiled pattern (ECMA-262 syntax; of look-around what stands at the ends, and no back references). One that linear time
 * can't express accepts everything: the contract stays usable, and the other side still checks.
 */
export function compilePattern(source: string): Pattern {
  let pattern = compiled.get(source);
  if (pattern === undefined) {
    pattern = Object.freeze(make(source));
    if (compiled.size >= cacheSize) compiled.clear();
    compiled.set(source, pattern);
  }
  return pattern;
}

/** Whether the pattern refuses anything at all: it can be read, and decided in linear time. */
export function isCheckable(source: string): boolean {
  return compilePattern(source).test !== anything;
}

const anything = (): boolean => true;

function make(source: string): Pattern {
  const name = () => `pattern ${JSON.stringify(source)}`;
  const { RE2JS } = re2();
  const compile = (pattern: string) => RE2JS.compile(RE2JS.translateRegExp(pattern));
  try {
    const engine = compile(source);
    return { test: (text) => engine.test(text), toString: name };
  } catch {
    // It has look-around, perhaps.
  }
  try {
    const parts = partsOf(source)?.map(({ pattern, fits }) => ({ engine: compile(pattern), fits }));
    if (parts !== undefined)
      return { test: (text) => parts.every(({ engine, fits }) => engine.test(text) === fits), toString: name };
  } catch {
    // One of its parts has what there is no linear time for.
  }
  return { test: anything, toString: name };
}

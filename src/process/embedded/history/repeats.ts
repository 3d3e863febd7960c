/**
 * What a process asks of systems is often a part of what it was given: the lines of an order go to the warehouse, and to the books. What is in
 * the run's input already is not written a second time: the ask names it, and it is put back when the history is read.
 *
 * Only texts that are the same to the last character count, and only members at the top, of the input and of what is asked: then no look at an order costs
 * more than going over its text once. A name means the input of the part of the run that the ask stands in, wherever compaction put that.
 */
import type { Json } from "../../../operation.ts";
import { largestInline, namedIn } from "./named.ts";
import type { AskRecord, HistoryRecord, Repeat, StartRecord } from "./records.ts";

/** Characters of what is named. What is shorter is written again: the name has its length, too. What is longer may be set apart, and is stored once for all that have it. */
const shortest = 100;
const longest = largestInline / 3;
/** Parts of an input that are looked for; the first of those that are long enough. */
const partsAtMost = 8;

interface Part {
  readonly text: string;
  /** As the ask says it, in JSON: the name of a member of the input, or `true` for all of it. */
  readonly name: string;
}
const all = "true";

export interface Shortened {
  /** What is left of the text. `undefined`: nothing, all of it is the run's input. */
  readonly input: string | undefined;
  /** JSON text of what the ask repeats. */
  readonly as: string;
  /** Characters that were left out. */
  readonly saved: number;
}

/** The parts of a run's input that may come again. Made before the run's code has its input, since code may change what it was given. */
export class Repeats {
  readonly #parts: readonly Part[];

  private constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  /** `undefined` where there is nothing to repeat. */
  static of(start: HistoryRecord | undefined): Repeats | undefined {
    // What stands beside the history would be loaded for this, here and each time that the history is read.
    if (start?.t !== "start" || namedIn(start, "input") !== undefined) return undefined;
    const { input } = start;
    if (typeof input !== "object" || input === null) return undefined;
    const whole = JSON.stringify(input);
    // The same of an input that has only come: it stands there from its first row on.
    if (whole.length < shortest || Buffer.byteLength(whole) > largestInline) return undefined;
    const parts: Part[] = [];
    const add = (text: string, name: string): void => {
      if (text.length >= shortest && text.length <= longest) parts.push({ text, name });
    };
    add(whole, all);
    for (const [name, value] of Array.isArray(input) ? [] : Object.entries(input)) {
      if (parts.length > partsAtMost) break;
      if (typeof value === "object" && value !== null) add(JSON.stringify(value), JSON.stringify(name));
    }
    return parts.length === 0 ? undefined : new Repeats(parts);
  }

  /** The JSON text of what is asked, without what the run's input holds; `undefined` where it holds nothing of it. */
  shorten(text: string): Shortened | undefined {
    if (text.length < shortest || text.length > longest) return undefined;
    const [first] = this.#parts;
    if (first?.name === all && first.text === text) return { input: undefined, as: all, saved: text.length };
    if (text.charCodeAt(0) !== brace) return undefined;
    let input = "";
    let as = "";
    let saved = 0;
    let copied = 0;
    for (let at = 1; ; ) {
      const nameEnd = endOfString(text, at);
      const valueAt = nameEnd + 1;
      const part = this.#partAt(text, valueAt);
      // A member of this name can't be set on an object without care.
      if (part === undefined || text.startsWith('"__proto__"', at)) at = endOfValue(text, valueAt);
      else {
        as += `${as === "" ? "" : ","}${text.slice(at, nameEnd)}:${part.name}`;
        input += `${text.slice(copied, valueAt)}0`;
        saved += part.text.length;
        at = valueAt + part.text.length;
        copied = at;
      }
      if (text.charCodeAt(at) !== comma) break;
      at += 1;
    }
    return as === "" ? undefined : { input: input + text.slice(copied), as: `{${as}}`, saved };
  }

  /** A text that begins with a whole object or list has it as its value. */
  #partAt(text: string, at: number): Part | undefined {
    const first = text.charCodeAt(at);
    if (first !== brace && first !== bracket) return undefined;
    // `startsWith` goes by characters; two texts are compared as the memory that they are.
    for (const part of this.#parts) if (text.slice(at, at + part.text.length) === part.text) return part;
    return undefined;
  }
}

const brace = 0x7b;
const bracket = 0x5b;
const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;

/** Behind the string that begins here. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; ; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === backslash) at += 1;
  }
}

/** Behind the value that begins here, in text that `JSON.stringify` wrote. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; ; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at) - 1;
      if (depth === 0) return at + 1;
    } else if (code === brace || code === bracket) depth += 1;
    else if (code === 0x7d || code === 0x5d) {
      // The end of the object that has the value, or of the value.
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (code === comma && depth === 0) return at;
  }
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The part of a run's input that an ask names, as text. An input that stands beside the history is named by none. */
function partOf(start: StartRecord, name: true | string): string | undefined {
  if (namedIn(start, "input") !== undefined) return undefined;
  const { input } = start;
  if (name === true) return JSON.stringify(input);
  if (typeof input !== "object" || input === null || !Object.hasOwn(input, name)) return undefined;
  return JSON.stringify((input as Readonly<Record<string, Json>>)[name]);
}

/**
 * Puts back what was left out of these records, each a value of its own: code that changes its input changes nothing that was asked. Answers how many
 * characters came back, and whether all was found. Where the start is not among the records, what is not there is absent.
 */
export function putBack(records: readonly HistoryRecord[]): { readonly characters: number; readonly whole: boolean } {
  let characters = 0;
  let whole = true;
  let start: StartRecord | undefined;
  const texts = new Map<true | string, string | undefined>();
  const copyOf = (name: true | string): Json | undefined => {
    if (!texts.has(name)) texts.set(name, start && partOf(start, name));
    const text = texts.get(name);
    if (text === undefined) {
      if (start !== undefined) whole = false;
      return undefined;
    }
    characters += text.length;
    return JSON.parse(text) as Json;
  };
  for (const record of records) {
    if (record.t === "start") {
      start = record;
      texts.clear();
    } else if (record.t === "ask" && record.as !== undefined && !restore(record, record.as, copyOf)) whole = false;
  }
  return { characters, whole };
}

/** False where the ask has no place for what it names: nobody wrote it so. */
function restore(ask: Writable<AskRecord>, as: Repeat, copyOf: (name: true | string) => Json | undefined): boolean {
  // It is the last member: without it the record is like any other.
  delete ask.as;
  if (namedIn(ask, "in") !== undefined) return false;
  if (as === true) {
    const value = copyOf(true);
    if (value !== undefined) ask.in = value;
    return true;
  }
  const holder = (ask.in ?? {}) as Record<string, Json>;
  for (const [member, name] of Object.entries(as ?? {})) {
    const value = copyOf(name);
    const fits = Object.hasOwn(holder, member);
    if (fits && value !== undefined) holder[member] = value;
    else {
      delete ask.in;
      return fits;
    }
  }
  return true;
}

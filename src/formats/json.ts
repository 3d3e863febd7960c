/**
 * JSON text from untrusted sources (RFC 8259): size, depth and number of members are checked by one pass over the text,
 * before anything recursive sees it. `__proto__` is plain data. Also the canonical text that fingerprints are made of.
 *
 * This is on the path of every request and answer: the pass allocates nothing, and everything unusual (long numbers,
 * exponents, surrogate escapes) only raises a flag that pays for the slower check.
 */
import { isAscii } from "node:buffer";
import { failure, type MortiseError } from "../errors.ts";
import type { Json } from "../operation.ts";
import { syntaxFault } from "./json-syntax.ts";

export interface JsonLimits {
  /** Bytes of the text (of a string: UTF-16 units). Default 8 MiB. */
  readonly maxBytes?: number;
  /** Containers inside each other. Default 64. */
  readonly maxDepth?: number;
  /** Members of one object. Default 10,000. */
  readonly maxKeys?: number;
  /** Values in the whole text. Default 100,000. */
  readonly maxItems?: number;
  /** `refuse`: a member named twice in one object is an error. `last` (default): the last one counts. */
  readonly duplicates?: "refuse" | "last";
  /** `exact` (default): an integer that a double does not give back is refused, since it would be changed silently. `nearest`: rounded. */
  readonly numbers?: "exact" | "nearest";
}

/** Where the limits say nothing. */
export const jsonDefaults = { maxBytes: 8 * 1024 * 1024, maxDepth: 64, maxKeys: 10_000, maxItems: 100_000 } as const;
const decoder = new TextDecoder("utf-8", { fatal: true });

/** What stands open during the pass: members seen so far at each depth, and whether it is an object. Grows, never shrinks. */
let members = new Uint32Array(65);
let objects = new Uint8Array(65);

/** Names of members that the last `scan` went over. */
let namesSeen = 0;

/** Bits of what `scan` found. */
const odd = { number: 1, surrogate: 2 } as const;

/**
 * Parses JSON text. Throws `json-invalid` (with line and column; never with the text itself) or `json-limit`.
 * Infinite results (`1e999`), lone surrogates and, unless told otherwise, inexact integers are `json-invalid`.
 */
export function parseJson(input: string | Uint8Array, limits: JsonLimits = {}): Json {
  const maxBytes = limits.maxBytes ?? jsonDefaults.maxBytes;
  if (input.length > maxBytes) throw tooMuch("its size in bytes", maxBytes);
  const text = typeof input === "string" ? input : decodeJson(input);
  const flags = scan(
    text,
    limits.maxDepth ?? jsonDefaults.maxDepth,
    limits.maxKeys ?? jsonDefaults.maxKeys,
    limits.maxItems ?? jsonDefaults.maxItems,
  );
  let value: Json;
  try {
    value =
      (flags & odd.number) === 0
        ? (JSON.parse(text) as Json)
        : (JSON.parse(text, limits.numbers === "nearest" ? finiteNumber : exactNumber) as Json);
  } catch (cause) {
    const fault = cause instanceof NumberRefused ? placeOf(text, cause.source) : syntaxFault(text, false);
    throw invalid(text, fault?.position ?? 0, fault?.reason ?? "it is not valid");
  }
  if ((flags & odd.surrogate) !== 0 && !wellFormed(value))
    throw invalid(text, 0, "a string in it holds half of a surrogate pair");
  // Fewer members than names in the text: one was named twice. Only then is it worth looking for it.
  if (limits.duplicates === "refuse" && countMembers(value) !== namesSeen) {
    const fault = syntaxFault(text, true);
    if (fault !== undefined) throw invalid(text, fault.position, fault.reason);
  }
  return value;
}

/** The text of bytes in UTF-8, without a byte order mark. Throws `json-invalid`. */
export function decodeJson(bytes: Uint8Array): string {
  // Most texts are: then nothing has to be decoded.
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  try {
    return decoder.decode(bytes);
  } catch {
    throw failure("json-invalid", { place: "some byte", reason: "it is not UTF-8" });
  }
}

/** One pass: limits, and flags for what needs a closer look. Text that is not JSON at all passes; `JSON.parse` refuses it. */
function scan(text: string, maxDepth: number, maxKeys: number, maxItems: number): number {
  if (members.length <= maxDepth) {
    members = new Uint32Array(maxDepth + 1);
    objects = new Uint8Array(maxDepth + 1);
  }
  const length = text.length;
  // Most texts have no escape: then a string ends at the next quote, and that is found faster than by looking at each character.
  const escapes = text.includes("\\");
  namesSeen = 0;
  let flags = 0;
  let depth = 0;
  let items = 1;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code === 34 /* " */) {
      if (!escapes) {
        const end = text.indexOf('"', i + 1);
        i = end < 0 ? length : end;
        continue;
      }
      for (i++; i < length; i++) {
        const inner = text.charCodeAt(i);
        if (inner === 34) break;
        if (inner === 92 /* \ */) {
          i++;
          if (text.charCodeAt(i) === 117 && (text.charCodeAt(i + 1) | 32) === 100) flags |= odd.surrogate;
        }
      }
    } else if (code === 44 /* , */) {
      items++;
      if (++members[depth]! > maxKeys && objects[depth] === 1)
        throw tooMuch("the number of members of an object", maxKeys);
      if (items > maxItems) throw tooMuch("the number of values", maxItems);
    } else if (code === 123 /* { */ || code === 91 /* [ */) {
      if (++depth > maxDepth) throw tooMuch("its depth", maxDepth);
      if (++items > maxItems) throw tooMuch("the number of values", maxItems);
      members[depth] = 1;
      objects[depth] = code === 123 ? 1 : 0;
    } else if (code === 125 || code === 93) {
      if (depth > 0) depth--;
    } else if (code === 58 /* : */) {
      namesSeen++;
    } else if (code >= 48 && code <= 57) {
      const start = i;
      let next = text.charCodeAt(i + 1);
      while ((next >= 48 && next <= 57) || next === 46) next = text.charCodeAt(++i + 1);
      if (i - start >= 15 || next === 101 || next === 69) flags |= odd.number;
    }
  }
  return flags;
}

class NumberRefused extends Error {
  readonly source: string;
  constructor(source: string) {
    super("number");
    this.source = source;
  }
}

function finiteNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) throw new NumberRefused(context?.source ?? "");
  return value;
}

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  const same = !/^-?\d+$/.test(source) || String(value) === source || BigInt(source) === BigInt(value);
  if (!same || !Number.isFinite(value)) throw new NumberRefused(source);
  return value;
}

/** Where the refused number stands: the first place outside a string is good enough for a message. */
function placeOf(text: string, source: string): { position: number; reason: string } {
  const position = source === "" ? 0 : text.indexOf(source);
  return { position: Math.max(position, 0), reason: "a number is too large to be kept exactly; send it as a string" };
}

function countMembers(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const inner of value) count += countMembers(inner);
    return count;
  }
  const record = value as { readonly [name: string]: Json };
  for (const name of Object.keys(record)) count += 1 + countMembers(record[name] as Json);
  return count;
}

function wellFormed(value: Json): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) return value.every(wellFormed);
  return Object.entries(value).every(([name, inner]) => name.isWellFormed() && wellFormed(inner));
}

function tooMuch(what: string, limit: number): MortiseError {
  return failure("json-limit", { what, limit });
}

function invalid(text: string, position: number, reason: string): MortiseError {
  const before = text.slice(0, position);
  const line = before.split("\n").length;
  const column = position - before.lastIndexOf("\n");
  return failure("json-invalid", { place: `line ${line}, column ${column}`, reason });
}

/**
 * Text that is the same for equal values: no space, members sorted by UTF-16 code units, numbers as ECMAScript writes
 * them (RFC 8785, section 3.2). Members that are `undefined` are left out.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) {
    let text = "[";
    for (let i = 0; i < value.length; i++) text += (i === 0 ? "" : ",") + canonicalJson(value[i]);
    return `${text}]`;
  }
  const record = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(record);
  // Of one member the usual writer makes the same text, and makes it at once: such are most inputs of reads.
  if (names.length === 1 && typeof record[names[0] as string] !== "object") return JSON.stringify(record);
  let text = "{";
  let comma = "";
  for (const name of names.sort()) {
    const inner = record[name];
    if (inner === undefined) continue;
    text += `${comma}${JSON.stringify(name)}:${canonicalJson(inner)}`;
    comma = ",";
  }
  return `${text}}`;
}

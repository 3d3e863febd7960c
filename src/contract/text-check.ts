/**
 * Tells of JSON text, without parsing it, that its value fits a schema and that nothing is in it that the schema does not name. For what is passed on
 * as it came: to parse a kilobyte, check the value, go through it for what is not named, and write it again takes ten times as long as to look at its
 * characters once.
 *
 * It is sure, or it says nothing: `true` means that all of this would have given the same value. Whatever is unusual (an escape, a member that is named twice
 * or not at all in the schema, a number of many digits, a line break, a schema with choices) is left to the general way, which says what is wrong, if
 * something is.
 */
import { decodeJson, jsonDefaults } from "../formats/json.ts";
import type { JsonSchema, Validate } from "../operation.ts";
import type { ContractModel } from "./model.ts";
import { referencedName } from "./references.ts";
import { modelValidator } from "./validate.ts";

/** Of bytes that are known to be UTF-8. */
export type TextCheck = (text: Uint8Array) => boolean;

/** Gives where the value ends that begins at `at`; -1: nothing is said of it. Over bytes, since each character of a string costs several times as much. */
type Walk = (text: Uint8Array, at: number) => number;
const unsaid = -1;

/** Members of an object are told apart by bits of one number. */
const mostMembers = 30;
/** Digits of a number that every reader keeps. */
const mostDigits = 15;
/** Elements of all arrays of an object or array; more of them are counted by the general way. */
const mostElements = 10_000;
const deepest = 32;
/** Values of the text that is gone over, as the general way counts them: it takes no more than a certain number. */
let values = 0;
const annotations: ReadonlySet<string> = new Set([
  "$comment",
  "default",
  "deprecated",
  "description",
  "example",
  "examples",
  "readOnly",
  "title",
  "writeOnly",
]);
const ofObject: ReadonlySet<string> = new Set(["type", "properties", "required", "additionalProperties"]);
const ofArray: ReadonlySet<string> = new Set(["type", "items", "minItems", "maxItems"]);
const leaves: ReadonlySet<string> = new Set(["string", "integer", "number", "boolean", "null"]);

/** The check of a schema that stands in a model; `undefined`: of such schemas it says nothing. */
export function textCheck(model: ContractModel, schema: JsonSchema): TextCheck | undefined {
  const walk = walkOf({ model, made: [] }, schema, 0);
  if (walk === undefined) return undefined;
  return (text) => {
    values = 1;
    let at = walk(text, 0);
    if (at < 0 || values > jsonDefaults.maxItems) return false;
    // Many writers end a text with a line feed.
    while (text[at] === 10 || text[at] === 13) at++;
    return at === text.length;
  };
}

interface Making {
  readonly model: ContractModel;
  /** By depth: a schema that several others lead to is looked at once, and not once for each way to it. */
  readonly made: Map<object, Walk | undefined>[];
}

function walkOf(making: Making, given: JsonSchema, depth: number): Walk | undefined {
  const schema = resolved(making.model, given);
  // Also where schemas lead to each other in a ring.
  if (typeof schema === "boolean" || depth > deepest) return undefined;
  making.made[depth] ??= new Map();
  const made = making.made[depth];
  if (!made.has(schema)) made.set(schema, newWalk(making, schema, depth));
  return made.get(schema);
}

function newWalk(making: Making, schema: { readonly [keyword: string]: unknown }, depth: number): Walk | undefined {
  const { type } = schema;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  const others = types.filter((one) => one !== "null");
  const structured = others[0] === "object" || others[0] === "array";
  if (!structured) return leafOf(making.model, schema, types);
  if (others.length > 1) return undefined;
  const walk = others[0] === "object" ? objectOf(making, schema, depth) : arrayOf(making, schema, depth);
  if (walk === undefined || others.length === types.length) return walk;
  return (text, at) => (text[at] === 110 /* n */ ? pastWord(text, at, words.none) : walk(text, at));
}

function resolved({ schemas }: ContractModel, given: JsonSchema): JsonSchema {
  let schema = given;
  for (let hops = 0; typeof schema === "object" && typeof schema.$ref === "string"; hops++) {
    const name = referencedName(schema.$ref);
    // What stands beside a reference counts as well.
    const alone = Object.keys(schema).every((keyword) => keyword === "$ref" || annotations.has(keyword));
    if (hops > 8 || !alone || name === undefined || !Object.hasOwn(schemas, name)) return true;
    schema = schemas[name] as JsonSchema;
  }
  return schema;
}

/** Whether a schema says no more than these keywords. */
function only(schema: object, keywords: ReadonlySet<string>): boolean {
  return Object.keys(schema).every(
    (keyword) => keywords.has(keyword) || annotations.has(keyword) || keyword.startsWith("x-"),
  );
}

function objectOf(making: Making, schema: { readonly [keyword: string]: unknown }, depth: number): Walk | undefined {
  const { properties, required = [], additionalProperties: more } = schema;
  if (!only(schema, ofObject) || typeof properties !== "object" || properties === null) return undefined;
  if (more !== undefined && more !== false) return undefined;
  const names = Object.keys(properties);
  if (names.length === 0 || names.length > mostMembers || !Array.isArray(required)) return undefined;
  const keys: Uint8Array[] = [];
  const walks: Walk[] = [];
  let needed = 0;
  for (const [at, name] of names.entries()) {
    const walk = walkOf(making, (properties as Record<string, JsonSchema>)[name] as JsonSchema, depth + 1);
    // The general way does not know a member of this name as one that the schema names.
    if (walk === undefined || name === "__proto__" || !/^[ !#-[\]-~]+$/.test(name)) return undefined;
    keys.push(Buffer.from(`"${name}"`));
    walks.push(walk);
    if (required.includes(name)) needed |= 1 << at;
  }
  if (!required.every((name) => names.includes(name))) return undefined;
  const count = names.length;

  return (text, from) => {
    if (text[from] !== 123 /* { */) return unsaid;
    values++;
    let at = past(text, from + 1);
    let seen = 0;
    if (text[at] === 125 /* } */) return needed === 0 ? at + 1 : unsaid;
    for (let turn = 0; ; turn++) {
      // They mostly come in the order of the contract.
      let member = turn < count ? turn : 0;
      let behind = pastWord(text, at, keys[member] as Uint8Array);
      for (let other = 0; behind < 0 && other < count; other++) {
        behind = pastWord(text, at, keys[other] as Uint8Array);
        member = other;
      }
      if (behind < 0 || (seen & (1 << member)) !== 0) return unsaid;
      seen |= 1 << member;
      at = past(text, behind);
      if (text[at] !== 58 /* : */) return unsaid;
      at = (walks[member] as Walk)(text, past(text, at + 1));
      if (at < 0) return unsaid;
      at = past(text, at);
      const code = text[at];
      if (code === 125) return (seen & needed) === needed ? at + 1 : unsaid;
      if (code !== 44 /* , */) return unsaid;
      values++;
      at = past(text, at + 1);
    }
  };
}

function arrayOf(making: Making, schema: { readonly [keyword: string]: unknown }, depth: number): Walk | undefined {
  const { items, minItems = 0, maxItems = mostElements } = schema;
  if (!only(schema, ofArray) || items === undefined) return undefined;
  const walk = walkOf(making, items as JsonSchema, depth + 1);
  if (walk === undefined || typeof minItems !== "number" || typeof maxItems !== "number") return undefined;
  const most = Math.min(maxItems, mostElements);

  return (text, from) => {
    if (text[from] !== 91 /* [ */) return unsaid;
    values++;
    let at = past(text, from + 1);
    if (text[at] === 93 /* ] */) return minItems <= 0 ? at + 1 : unsaid;
    for (let count = 1; count <= most; count++) {
      at = walk(text, at);
      if (at < 0) return unsaid;
      at = past(text, at);
      const code = text[at];
      if (code === 93) return count >= minItems ? at + 1 : unsaid;
      if (code !== 44) return unsaid;
      values++;
      at = past(text, at + 1);
    }
    return unsaid;
  };
}

/** A value that holds no other. What its schema says beyond its type is checked by the schema's own validator. */
function leafOf(
  model: ContractModel,
  schema: { readonly [keyword: string]: unknown },
  types: readonly unknown[],
): Walk | undefined {
  if (types.length === 0 || !types.every((type) => leaves.has(type as string))) return undefined;
  const validate: Validate | undefined = only(schema, new Set(["type"])) ? undefined : modelValidator(model, schema);
  const takes = (type: string) => types.includes(type);
  const [text, integer, number, boolean, none] = [
    takes("string"),
    takes("integer") || takes("number"),
    takes("number"),
    takes("boolean"),
    takes("null"),
  ];

  return (json, at) => {
    const code = json[at] as number;
    let end = unsaid;
    if (code === 34 /* " */) end = text ? endOfString(json, at) : unsaid;
    else if (code === 45 /* - */ || (code >= 48 && code <= 57)) end = integer ? endOfNumber(json, at, number) : unsaid;
    else if (code === 116 /* t */) end = boolean ? pastWord(json, at, words.yes) : unsaid;
    else if (code === 102 /* f */) end = boolean ? pastWord(json, at, words.no) : unsaid;
    else if (code === 110 /* n */) end = none ? pastWord(json, at, words.none) : unsaid;
    if (end < 0 || validate === undefined) return end;
    return validate(JSON.parse(decodeJson(json.subarray(at, end)))).length === 0 ? end : unsaid;
  };
}

const words = { yes: Buffer.from("true"), no: Buffer.from("false"), none: Buffer.from("null") };

/** Behind this word, if it stands there. */
function pastWord(text: Uint8Array, from: number, word: Uint8Array): number {
  const length = word.length;
  if (from + length > text.length) return unsaid;
  for (let at = 0; at < length; at++) if (text[from + at] !== word[at]) return unsaid;
  return from + length;
}

/** Behind spaces. Line breaks and tabs are for people: the general way takes them. */
function past(text: Uint8Array, from: number): number {
  let at = from;
  while (text[at] === 32) at++;
  return at;
}

function endOfString(text: Uint8Array, from: number): number {
  const length = text.length;
  for (let at = from + 1; at < length; at++) {
    const code = text[at] as number;
    if (code === 34) return at + 1;
    // An escape, or a control character, which no string may hold.
    if (code === 92 || code < 32) return unsaid;
  }
  return unsaid;
}

function endOfNumber(text: Uint8Array, from: number, fraction: boolean): number {
  let at = text[from] === 45 ? from + 1 : from;
  const first = text[at];
  const begun = at;
  while (isDigit(text[at])) at++;
  const whole = at - begun;
  // No leading zero. What is above minus one may be minus zero, in any number of digits, which would become zero.
  if (whole === 0 || (first === 48 && (whole > 1 || from !== begun))) return unsaid;
  if (text[at] === 46 /* . */) {
    if (!fraction) return unsaid;
    const point = at++;
    while (isDigit(text[at])) at++;
    if (at - point < 2) return unsaid;
  }
  const code = text[at];
  return code === 101 || code === 69 || at - begun > mostDigits ? unsaid : at;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= 48 && code <= 57;
}

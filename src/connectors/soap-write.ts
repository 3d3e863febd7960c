/** Values to XML as the contract has it: its order, its namespaces, `xsi:type` and `xsi:nil`. */
import type { QName } from "../contract/model.ts";
import { escapeAttribute, escapeText, type Prefixes } from "../formats/xml-write.ts";
import { type Json, pointerToken } from "../operation.ts";
import { type Content, type ElementProperty, type ObjectContent, xsi } from "./soap-codec.ts";

type JsonObject = { readonly [name: string]: Json };

/** A value that has no place in the contract's XML; `at` is a JSON Pointer. */
export class WriteProblem extends Error {
  readonly at: string;
  constructor(at: string, message: string) {
    super(message);
    this.at = at;
  }
}

const deepest = 256;

/** The element `name` with `value` inside. Throws `WriteProblem`, or `xml-character`. */
export function writeElement(
  prefixes: Prefixes,
  name: QName,
  content: Content,
  value: Json,
  at = "",
  depth = 0,
): string {
  if (depth > deepest) throw new WriteProblem(at, `is nested deeper than ${deepest}`);
  const tag = prefixes.tag(name);
  if (value === null) {
    if (content.kind === "empty") return `<${tag}/>`;
    return `<${tag} ${prefixes.tag({ namespace: xsi, local: "nil" })}="true"/>`;
  }
  switch (content.kind) {
    case "scalar":
      return `<${tag}>${escapeText(content.scalar.write(value))}</${tag}>`;
    case "object":
      return writeObject(prefixes, tag, content, value, "", at, depth);
    case "family": {
      const told = asObject(value, at).xsiType;
      const member = typeof told === "string" ? content.members.get(told) : undefined;
      if (told !== undefined && member === undefined) throw new WriteProblem(`${at}/xsiType`, "names no derived type");
      if (member !== undefined) {
        const type = ` ${prefixes.tag({ namespace: xsi, local: "type" })}="${prefixes.tag(member.type)}"`;
        return writeObject(prefixes, tag, member.content, value, type, at, depth);
      }
      if (content.declared === undefined) throw new WriteProblem(at, "needs xsiType: its type is abstract");
      return writeObject(prefixes, tag, content.declared, value, "", at, depth);
    }
    case "any":
      if (typeof value === "object") throw new WriteProblem(at, "can be written as text only (xs:anyType)");
      return `<${tag}>${escapeText(String(value))}</${tag}>`;
    case "empty":
      return `<${tag}/>`;
  }
}

function writeObject(
  prefixes: Prefixes,
  tag: string,
  content: ObjectContent,
  value: Json,
  extra: string,
  at: string,
  depth: number,
): string {
  const object = asObject(value, at);
  let start = `<${tag}${extra}`;
  for (const { property, name, scalar } of content.attributes) {
    const attribute = own(object, property);
    if (attribute !== undefined && attribute !== null)
      start += ` ${prefixes.tag(name)}="${escapeAttribute(scalar.write(attribute))}"`;
  }
  let inside = "";
  if (content.text !== undefined) {
    const text = own(object, content.text.property);
    if (text !== undefined && text !== null) inside += escapeText(content.text.scalar.write(text));
  }
  const { elements } = content;
  for (let index = 0; index < elements.length; index++) {
    const first = elements[index] as ElementProperty;
    if (first.together === undefined) {
      inside += writeProperty(prefixes, first, object, at, depth, undefined);
      continue;
    }
    // A repeated group: its elements are written round by round.
    const group = [first];
    while (elements[index + 1]?.together === first.together) group.push(elements[++index] as ElementProperty);
    const rounds = Math.max(0, ...group.map((each) => lengthOf(own(object, each.property))));
    for (let round = 0; round < rounds; round++)
      for (const each of group) inside += writeProperty(prefixes, each, object, at, depth, round);
  }
  return inside === "" ? `${start}/>` : `${start}>${inside}</${tag}>`;
}

function writeProperty(
  prefixes: Prefixes,
  element: ElementProperty,
  object: JsonObject,
  at: string,
  depth: number,
  round: number | undefined,
): string {
  const value = own(object, element.property);
  if (value === undefined) return "";
  const pointer = `${at}/${pointerToken(element.property)}`;
  if (!element.many) {
    if (round !== undefined && round > 0) return "";
    if (value === null && !element.nillable) return "";
    return writeElement(prefixes, element.name, element.content, value, pointer, depth + 1);
  }
  if (!Array.isArray(value)) throw new WriteProblem(pointer, "must be a list");
  const items = value as readonly Json[];
  let text = "";
  const from = round ?? 0;
  const to = round === undefined ? items.length : Math.min(items.length, round + 1);
  for (let i = from; i < to; i++) {
    const item = items[i] as Json;
    if (item === null && !element.nillable) throw new WriteProblem(`${pointer}/${i}`, "must not be null");
    text += writeElement(prefixes, element.name, element.content, item, `${pointer}/${i}`, depth + 1);
  }
  return text;
}

function asObject(value: Json, at: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new WriteProblem(at, "must be an object");
  return value as JsonObject;
}

function own(object: JsonObject, property: string): Json | undefined {
  return Object.hasOwn(object, property) ? object[property] : undefined;
}

function lengthOf(value: Json | undefined): number {
  if (value === undefined) return 0;
  return Array.isArray(value) ? value.length : 1;
}

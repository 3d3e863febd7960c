/** Values to XML as the contract has it: its order, its namespaces, `xsi:type` and `xsi:nil`; literal, and in SOAP encoding. */
import type { QName } from "../contract/model.ts";
import { escapeAttribute, escapeText, type Prefixes } from "../formats/xml-write.ts";
import { type Json, pointerToken } from "../operation.ts";
import { writeAttributes, writeContent, writeNode } from "./soap-any.ts";
import {
  type ArrayContent,
  type Codec,
  type Content,
  type ElementSlot,
  type ObjectContent,
  type RoundsSlot,
  type Slot,
  xsi,
} from "./soap-codec.ts";

type JsonObject = { readonly [name: string]: Json };

/** A value that has no place in the contract's XML; `at` is a JSON Pointer. */
export class WriteProblem extends Error {
  readonly at: string;
  constructor(at: string, message: string) {
    super(message);
    this.at = at;
  }
}

/** What is the same for a whole message. */
export interface Writing {
  readonly prefixes: Prefixes;
  /** The types that values inside `xs:anyType` may name. */
  readonly codec: Codec;
  /** Every value says its type (SOAP 1.1, section 5.1), in this encoding. `undefined`: literal. */
  readonly encoding: "1.1" | "1.2" | undefined;
}

const deepest = 256;
const xsd = "http://www.w3.org/2001/XMLSchema";
/** Namespace of SOAP encoding (SOAP 1.1, section 5; SOAP 1.2 part 2, section 3). */
export const encodings = {
  "1.1": "http://schemas.xmlsoap.org/soap/encoding/",
  "1.2": "http://www.w3.org/2003/05/soap-encoding",
} as const;

function refuse(at: string, message: string): never {
  throw new WriteProblem(at, message);
}

/** The element `name` with `value` inside. Throws `WriteProblem`, or `xml-character`. */
export function writeElement(
  writing: Writing,
  name: QName,
  content: Content,
  value: Json,
  at = "",
  depth = 0,
  extra = "",
): string {
  if (depth > deepest) return refuse(at, `is nested deeper than ${deepest}`);
  const { prefixes } = writing;
  const tag = prefixes.tag(name);
  if (value === null) {
    if (content.kind === "empty") return `<${tag}${extra}/>`;
    return `<${tag}${extra} ${prefixes.tag({ namespace: xsi, local: "nil" })}="true"/>`;
  }
  switch (content.kind) {
    case "scalar":
      return `<${tag}${extra}${told(writing, content.type)}>${escapeText(content.scalar.write(value))}</${tag}>`;
    case "object": {
      const says = content.discriminated !== undefined && own(asObject(value, at), "xsiType") !== undefined;
      const type =
        says && content.type !== undefined ? typeAttribute(prefixes, content.type) : told(writing, content.type);
      return writeObject(writing, tag, content, value, extra + type, at, depth);
    }
    case "family": {
      const said = asObject(value, at).xsiType;
      const member = typeof said === "string" ? content.members.get(said) : undefined;
      if (said !== undefined && member === undefined) return refuse(`${at}/xsiType`, "names no derived type");
      if (member !== undefined)
        return writeObject(
          writing,
          tag,
          member.content,
          value,
          extra + typeAttribute(prefixes, member.type),
          at,
          depth,
        );
      if (content.declared === undefined) return refuse(at, "needs xsiType: its type is abstract");
      return writeObject(
        writing,
        tag,
        content.declared,
        value,
        extra + told(writing, content.declared.type),
        at,
        depth,
      );
    }
    case "array":
      return writeArray(writing, tag, content, value, at, depth, extra);
    case "any":
      return writeAny(writing, name, value, at, depth, extra);
    case "empty":
      return `<${tag}${extra}/>`;
  }
}

/** What stands inside an element, without the element itself: where the input is the content of `soap:Body`. */
export function writeInside(writing: Writing, content: ObjectContent, value: Json, at = ""): string {
  return inside(writing, content, asObject(value, at), at, 0);
}

function told({ encoding, prefixes }: Writing, type: QName | undefined): string {
  return encoding === undefined || type === undefined ? "" : typeAttribute(prefixes, type);
}

function typeAttribute(prefixes: Prefixes, type: QName): string {
  return ` ${prefixes.tag({ namespace: xsi, local: "type" })}="${prefixes.tag(type)}"`;
}

function writeObject(
  writing: Writing,
  tag: string,
  content: ObjectContent,
  value: Json,
  extra: string,
  at: string,
  depth: number,
): string {
  const object = asObject(value, at);
  const { prefixes } = writing;
  let start = `<${tag}${extra}`;
  for (const { property, name, scalar } of content.attributes) {
    const attribute = own(object, property);
    if (attribute !== undefined && attribute !== null)
      start += ` ${prefixes.tag(name)}="${escapeAttribute(scalar.write(attribute))}"`;
  }
  if (content.anyAttributes !== undefined) {
    const pointer = `${at}/${pointerToken(content.anyAttributes)}`;
    start += writeAttributes(prefixes, own(object, content.anyAttributes), pointer, refuse);
  }
  const text = inside(writing, content, object, at, depth);
  return text === "" ? `${start}/>` : `${start}>${text}</${tag}>`;
}

function inside(writing: Writing, content: ObjectContent, object: JsonObject, at: string, depth: number): string {
  let text = "";
  if (content.text !== undefined) {
    const value = own(object, content.text.property);
    if (value !== undefined && value !== null) text += escapeText(content.text.scalar.write(value));
  }
  for (const slot of content.slots) text += writeSlot(writing, slot, object, at, depth);
  return text;
}

function writeSlot(writing: Writing, slot: Slot, object: JsonObject, at: string, depth: number): string {
  const value = own(object, slot.property);
  if (value === undefined) return "";
  const pointer = `${at}/${pointerToken(slot.property)}`;
  if (slot.kind === "element") return writeProperty(writing, slot, value, pointer, depth);
  const write =
    slot.kind === "wildcard"
      ? (item: Json, place: string): string => writeNode(writing.prefixes, item, place, depth + 1, refuse)
      : (item: Json, place: string): string => writeRound(writing, slot, item, place, depth);
  return listOf(value, pointer)
    .map((item, index) => write(item, `${pointer}/${index}`))
    .join("");
}

function writeProperty(writing: Writing, slot: ElementSlot, value: Json, at: string, depth: number): string {
  const { name, content, nillable } = slot;
  if (!slot.many) {
    if (value === null && !nillable) return "";
    return writeElement(writing, name, content, value, at, depth + 1);
  }
  let text = "";
  listOf(value, at).forEach((item, index) => {
    const pointer = `${at}/${index}`;
    if (item === null && !nillable) refuse(pointer, "must not be null");
    text += writeElement(writing, name, content, item, pointer, depth + 1);
  });
  return text;
}

function writeRound(writing: Writing, slot: RoundsSlot, item: Json, at: string, depth: number): string {
  if (typeof item === "string" && slot.mixed) return escapeText(item);
  const round = asObject(item, at);
  const names = Object.keys(round);
  const member = slot.members.find((each) => names.every((name) => each.properties.has(name)));
  if (member !== undefined) return inside(writing, member, round, at, depth);
  if (slot.open) return writeNode(writing.prefixes, round, at, depth + 1, refuse);
  return refuse(at, "holds elements that do not stand together in one round of the contract's group");
}

/** SOAP 1.1, section 5.4.2; SOAP 1.2 part 2, section 3.1.6. */
function writeArray(
  writing: Writing,
  tag: string,
  content: ArrayContent,
  value: Json,
  at: string,
  depth: number,
  extra: string,
): string {
  const items = listOf(value, at);
  const { prefixes, encoding } = writing;
  const version = encoding ?? "1.1";
  const name = (local: string): string => prefixes.tag({ namespace: encodings[version], local });
  const item = prefixes.tag(content.itemType);
  const size =
    version === "1.1"
      ? `${typeAttribute(prefixes, { namespace: encodings["1.1"], local: "Array" })} ${name("arrayType")}="${item}[${items.length}]"`
      : ` ${name("itemType")}="${item}" ${name("arraySize")}="${items.length}"`;
  const text = items
    .map((each, index) =>
      writeElement(writing, { namespace: "", local: content.item }, content.content, each, `${at}/${index}`, depth + 1),
    )
    .join("");
  return text === "" ? `<${tag}${extra}${size}/>` : `<${tag}${extra}${size}>${text}</${tag}>`;
}

function writeAny(writing: Writing, name: QName, value: Json, at: string, depth: number, extra: string): string {
  const { prefixes, codec } = writing;
  const tag = prefixes.tag(name);
  if (Array.isArray(value)) {
    if (writing.encoding === undefined)
      return refuse(at, "can't be written: a list has no form of its own in xs:anyType");
    const items: ArrayContent = {
      kind: "array",
      item: "item",
      itemType: { namespace: xsd, local: "anyType" },
      content: { kind: "any" },
    };
    return writeArray(writing, tag, items, value, at, depth, extra);
  }
  if (typeof value !== "object" || value === null) {
    const local = typeof value === "boolean" ? "boolean" : typeof value === "number" ? numberType(value) : "string";
    return `<${tag}${extra}${told(writing, { namespace: xsd, local })}>${escapeText(String(value))}</${tag}>`;
  }
  const object = value as JsonObject;
  if (typeof object.xsiType === "string") {
    const named = codec.contentNamed(object.xsiType);
    if (named === undefined) return refuse(`${at}/xsiType`, "names no type that the contract knows here");
    const { xsiType: _, ...rest } = object;
    const bare = named.content.kind === "object" ? rest : (rest.value ?? null);
    const type = writing.encoding === undefined || named.content.kind === "family" ? named.type : undefined;
    const told = type === undefined ? extra : extra + typeAttribute(prefixes, type);
    return writeElement(writing, name, named.content, bare, at, depth, told);
  }
  const stray = Object.keys(object).find((key) => key !== "attributes" && key !== "content");
  if (stray !== undefined)
    return refuse(
      at,
      "must be text, a number, true or false, { xsiType, ... } or { attributes, content } (xs:anyType)",
    );
  const start = `<${tag}${extra}${writeAttributes(prefixes, object.attributes, `${at}/attributes`, refuse)}`;
  const text = writeContent(prefixes, object.content, `${at}/content`, depth + 1, refuse);
  return text === "" ? `${start}/>` : `${start}>${text}</${tag}>`;
}

function numberType(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? "int" : "double";
}

function asObject(value: Json, at: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new WriteProblem(at, "must be an object");
  return value as JsonObject;
}

function listOf(value: Json, at: string): readonly Json[] {
  if (!Array.isArray(value)) throw new WriteProblem(at, "must be a list");
  return value as readonly Json[];
}

function own(object: JsonObject, property: string): Json | undefined {
  return Object.hasOwn(object, property) ? object[property] : undefined;
}

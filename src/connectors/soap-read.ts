/**
 * XML to values. Elements are taken in any order, what the contract does not name is passed over (a system may have grown),
 * and what is wrong is collected with JSON Pointers, never with values.
 */
import type { QName } from "../contract/model.ts";
import { attributeOf, contentOf, type XmlElement } from "../formats/xml.ts";
import { type Json, type Problem, pointerToken } from "../operation.ts";
import { qualifiedValue, readAttributes, readContent, readNode } from "./soap-any.ts";
import {
  type Codec,
  type Content,
  type ElementSlot,
  type FamilyContent,
  keyOf,
  type ObjectContent,
  type RoundsSlot,
  type Slot,
  xsi,
} from "./soap-codec.ts";
import type { References } from "./soap-references.ts";
import type { Scalar } from "./soap-scalars.ts";
import { builtinScalar, typeNamespaces } from "./soap-types.ts";

/** What is the same for a whole message, and what reading found besides the value. */
export interface Reading {
  readonly codec: Codec;
  readonly problems: Problem[];
  /** Elements and attributes that the contract does not name. */
  undeclared: number;
  /** The elements that others refer to (SOAP encoding); `undefined`: literal. */
  readonly references: References | undefined;
}

export function reading(codec: Codec, references?: References): Reading {
  return { codec, problems: [], undeclared: 0, references };
}

/** The value inside `element`. What does not fit is put into the findings, and null stands in its place. */
export function readElement(content: Content, element: XmlElement, at: string, found: Reading): Json {
  const target = found.references?.enter(element, at, found.problems);
  if (target === null) return null;
  const value = readValue(content, target ?? element, at, found);
  found.references?.leave(target);
  return value;
}

function readValue(content: Content, element: XmlElement, at: string, found: Reading): Json {
  const nil = attributeOf(element, "nil", xsi)?.trim();
  if (nil === "true" || nil === "1") return null;
  switch (content.kind) {
    case "scalar":
      if (element.children.length > 0) {
        found.problems.push({ at, message: "must be text, and has elements inside" });
        return null;
      }
      return readScalar(content.scalar, element.text, at, found);
    case "object": {
      // Said although it need not be. In SOAP encoding everything says its type, and it means nothing.
      const said = found.references === undefined && content.discriminated !== undefined ? typeOf(element) : undefined;
      const isOwn = said !== undefined && content.type !== undefined && keyOf(said) === keyOf(content.type);
      return readObject(content, element, at, found, isOwn ? content.discriminated : undefined);
    }
    case "family": {
      const told = memberOf(content, element);
      if (told !== undefined) {
        return readObject(told.content, element, at, found, told.content.discriminated);
      }
      if (content.declared === undefined) {
        found.problems.push({
          at,
          message: "its type is abstract, and xsi:type names none that the contract knows",
        });
        return null;
      }
      return readObject(content.declared, element, at, found, undefined);
    }
    case "array":
      return element.children.map((child, index) => readElement(content.content, child, `${at}/${index}`, found));
    case "any":
      return readAny(element, at, found);
    case "empty":
      return null;
  }
}

function readObject(
  content: ObjectContent,
  element: XmlElement,
  at: string,
  found: Reading,
  xsiType: string | undefined,
): Json {
  const object: Record<string, Json> = {};
  if (xsiType !== undefined) object.xsiType = xsiType;
  for (const attribute of element.attributes) {
    const known = content.byAttribute.get(keyOf(attribute));
    if (known !== undefined) {
      const pointer = `${at}/${pointerToken(known.property)}`;
      object[known.property] = readScalar(known.scalar, attribute.value, pointer, found);
    } else if (attribute.namespace !== xsi && content.anyAttributes === undefined && found.references === undefined)
      found.undeclared += 1;
  }
  for (const { property, fallback } of content.attributes)
    if (fallback !== undefined && !Object.hasOwn(object, property)) object[property] = fallback;
  if (content.anyAttributes !== undefined) {
    const others = readAttributes(
      element,
      (key) => content.byAttribute.has(key) || key === `{${xsi}}type` || key === `{${xsi}}nil`,
    );
    if (others !== undefined) object[content.anyAttributes] = others;
  }
  if (content.text !== undefined) {
    const { property, scalar } = content.text;
    if (content.slots.length === 0 || element.text !== "")
      object[property] = readScalar(scalar, element.text, `${at}/${pointerToken(property)}`, found);
  }
  fill({ content, object, at, last: -1, rounds: new Map() }, element, found);
  return object;
}

/** The elements directly inside `element` as the properties of `content`, for an element that is not itself a value (`soap:Body`). */
export function readInside(content: ObjectContent, elements: readonly XmlElement[], found: Reading): Json {
  const object: Record<string, Json> = {};
  const open: Open = { content, object, at: "", last: -1, rounds: new Map() };
  for (const child of elements) takeOrCount(open, child, found);
  return object;
}

/** An object, or a round of one, that is being filled. */
interface Open {
  readonly content: ObjectContent;
  readonly object: Record<string, Json>;
  readonly at: string;
  /** Index of the slot that was filled last. */
  last: number;
  /** The rounds that may still grow. */
  readonly rounds: Map<Slot, Open>;
}

function fill(open: Open, element: XmlElement, found: Reading): void {
  const { mixed } = open.content;
  if (mixed === undefined) {
    for (const child of element.children) takeOrCount(open, child, found);
    return;
  }
  const list: Json[] = [];
  for (const part of contentOf(element)) {
    if (typeof part === "string") list.push(part);
    else {
      open.object[mixed.property] = list;
      takeOrCount(open, part, found);
    }
    open.rounds.clear();
  }
  if (list.length > 0) open.object[mixed.property] = list;
}

function takeOrCount(open: Open, child: XmlElement, found: Reading): void {
  if (take(open, child, found, false)) return;
  const { content, at } = open;
  const slot = content.byElement.get(keyOf(child));
  if (slot !== undefined) {
    const pointer = `${at}/${pointerToken(slot.property)}`;
    found.problems.push({ at: pointer, message: "the element stands twice, and the contract has it once" });
  } else if (content.byLocal.has(child.local)) {
    const pointer = `${at}/${pointerToken(child.local)}`;
    found.problems.push({ at: pointer, message: "the element stands in another namespace than the contract's" });
  } else found.undeclared += 1;
}

/** Puts an element into its place; false where there is none. In a round, an element that goes back begins the next round. */
function take(open: Open, child: XmlElement, found: Reading, inOrder: boolean): boolean {
  const { content, object } = open;
  // SOAP encoding has no namespaces for members (SOAP 1.1, section 5.1), whatever the schema says.
  const loose = found.references === undefined ? undefined : content.byLocal.get(child.local);
  const first = content.byElement.get(keyOf(child)) ?? loose ?? wildcardFor(content, child);
  const slot = first?.kind === "element" && first.again.length > 0 ? placeOf(first, open) : first;
  if (slot === undefined || (inOrder && slot.index < open.last)) return false;
  const pointer = `${open.at}/${pointerToken(slot.property)}`;
  if (slot.kind === "rounds") takeRound(open, slot, child, pointer, found);
  else if (slot.kind === "wildcard") listIn(object, slot.property).push(readNode(child));
  else if (!takeElement(object, slot, child, pointer, found)) return false;
  open.last = slot.index;
  return true;
}

/** Of the places where an element may stand, the first that is not behind us, and still has room. */
function placeOf(first: ElementSlot, { object, last }: Open): ElementSlot {
  const room = (slot: ElementSlot): boolean => slot.many || !Object.hasOwn(object, slot.property);
  const places = [first, ...first.again];
  return places.find((slot) => slot.index >= last && room(slot)) ?? places.find(room) ?? first;
}

function takeElement(
  object: Record<string, Json>,
  slot: ElementSlot,
  child: XmlElement,
  pointer: string,
  found: Reading,
): boolean {
  if (slot.many) {
    const list = listIn(object, slot.property);
    list.push(readElement(slot.content, child, `${pointer}/${list.length}`, found));
    return true;
  }
  if (Object.hasOwn(object, slot.property)) return false;
  object[slot.property] = readElement(slot.content, child, pointer, found);
  return true;
}

function takeRound(open: Open, slot: RoundsSlot, child: XmlElement, pointer: string, found: Reading): void {
  const current = open.rounds.get(slot);
  if (current !== undefined && take(current, child, found, true)) return;
  const list = listIn(open.object, slot.property);
  const key = keyOf(child);
  const content =
    slot.members.find((each) => each.byElement.has(key)) ?? slot.members.find((each) => each.wildcard !== undefined);
  if (content === undefined) {
    list.push(readNode(child));
    return;
  }
  const round: Open = { content, object: {}, at: `${pointer}/${list.length}`, last: -1, rounds: new Map() };
  list.push(round.object);
  open.rounds.set(slot, round);
  take(round, child, found, false);
}

/** A wildcard does not take what only slipped into a wrong namespace. */
function wildcardFor(content: ObjectContent, child: XmlElement): Slot | undefined {
  return content.byLocal.has(child.local) && child.namespace === "" ? undefined : content.wildcard;
}

function listIn(object: Record<string, Json>, property: string): Json[] {
  // Not ??=: a property may have the name of something that every object inherits.
  if (!Object.hasOwn(object, property)) object[property] = [];
  return object[property] as Json[];
}

function readScalar(scalar: Scalar, text: string, at: string, found: Reading): Json {
  const value = scalar.read(text);
  if (value !== undefined) return value;
  found.problems.push({ at, message: `must be ${scalar.expected}` });
  return null;
}

/** What `xsi:type` says. */
function typeOf(element: XmlElement): QName | undefined {
  const text = attributeOf(element, "type", xsi);
  return text === undefined ? undefined : qualifiedValue(element, text);
}

function memberOf(family: FamilyContent, element: XmlElement): { readonly content: ObjectContent } | undefined {
  const type = typeOf(element);
  if (type === undefined) return undefined;
  for (const member of family.members.values()) if (keyOf(member.type) === keyOf(type)) return member;
  return undefined;
}

/** A value of `xs:anyType`: what `xsi:type` says if it is known, else text, else `{ attributes, content }`. */
function readAny(element: XmlElement, at: string, found: Reading): Json {
  const type = typeOf(element);
  if (type !== undefined) {
    if (typeNamespaces.has(type.namespace)) {
      if (type.local === "Array")
        return element.children.map((child, index) => readElement({ kind: "any" }, child, `${at}/${index}`, found));
      const scalar = element.children.length === 0 ? builtinScalar(type.local) : undefined;
      if (scalar !== undefined) return readScalar(scalar, element.text, at, found);
    }
    const named = found.codec.typeNamed(type);
    if (named !== undefined) {
      const value = readValue(named.content, element, at, found);
      if (named.content.kind === "array") return value;
      const isObject = named.content.kind === "object" || named.content.kind === "family";
      return isObject && value !== null ? { xsiType: named.name, ...(value as object) } : value;
    }
  }
  if (found.references !== undefined && element.attributes.some(saysArray))
    return element.children.map((child, index) => readElement({ kind: "any" }, child, `${at}/${index}`, found));
  const attributes = readAttributes(element, (key) => type !== undefined && key === `{${xsi}}type`);
  if (attributes === undefined && element.children.length === 0) return element.text;
  return { ...(attributes === undefined ? {} : { attributes }), content: readContent(element) };
}

/** Attributes that only an array of SOAP encoding has (SOAP 1.1, section 5.4.2; SOAP 1.2 part 2, section 3.1.6). */
function saysArray({ namespace, local }: { readonly namespace: string; readonly local: string }): boolean {
  return typeNamespaces.has(namespace) && /^(arrayType|itemType|arraySize)$/.test(local);
}

/**
 * XML to values. Elements are taken in any order, what the contract does not name is passed over (a system may have grown),
 * and what is wrong is collected with JSON Pointers, never with values.
 */
import type { XmlElement } from "../formats/xml.ts";
import { attributeOf, namespaceOf } from "../formats/xml.ts";
import { type Json, type Problem, pointerToken } from "../operation.ts";
import { type Content, type FamilyContent, keyOf, type ObjectContent, xsi } from "./soap-codec.ts";
import type { Scalar } from "./soap-scalars.ts";

/** What reading found besides the value. */
export interface Findings {
  readonly problems: Problem[];
  /** Elements and attributes that the contract does not name. */
  undeclared: number;
}

/** The value inside `element`. What does not fit is put into `findings`, and null stands in its place. */
export function readElement(content: Content, element: XmlElement, at: string, findings: Findings): Json {
  const nil = attributeOf(element, "nil", xsi)?.trim();
  if (nil === "true" || nil === "1") return null;
  switch (content.kind) {
    case "scalar":
      if (element.children.length > 0) {
        findings.problems.push({ at, message: "must be text, and has elements inside" });
        return null;
      }
      return readScalar(content.scalar, element.text, at, findings);
    case "object":
      return readObject(content, element, at, findings, undefined);
    case "family": {
      const told = memberOf(content, element);
      if (told !== undefined) {
        const name = told.content.discriminated ? told.name : undefined;
        return readObject(told.content, element, at, findings, name);
      }
      if (content.declared === undefined) {
        findings.problems.push({
          at,
          message: "its type is abstract, and xsi:type names none that the contract knows",
        });
        return null;
      }
      return readObject(content.declared, element, at, findings, undefined);
    }
    case "any":
      return readAny(element);
    case "empty":
      return null;
  }
}

function readObject(
  content: ObjectContent,
  element: XmlElement,
  at: string,
  findings: Findings,
  xsiType: string | undefined,
): Json {
  const object: Record<string, Json> = {};
  if (xsiType !== undefined) object.xsiType = xsiType;
  for (const attribute of element.attributes) {
    if (attribute.namespace === xsi) continue;
    const known = content.byAttribute.get(keyOf(attribute));
    if (known === undefined) findings.undeclared += 1;
    else {
      const pointer = `${at}/${pointerToken(known.property)}`;
      object[known.property] = readScalar(known.scalar, attribute.value, pointer, findings);
    }
  }
  if (content.text !== undefined) {
    const { property, scalar } = content.text;
    if (content.elements.length === 0 || element.text !== "")
      object[property] = readScalar(scalar, element.text, `${at}/${pointerToken(property)}`, findings);
  }
  for (const child of element.children) {
    const known = content.byElement.get(keyOf(child));
    if (known === undefined) {
      if (content.locals.has(child.local)) {
        const pointer = `${at}/${pointerToken(child.local)}`;
        findings.problems.push({ at: pointer, message: `the element stands in another namespace than the contract's` });
      } else findings.undeclared += 1;
      continue;
    }
    const { property } = known;
    const pointer = `${at}/${pointerToken(property)}`;
    if (known.many) {
      // Not ??=: a property may have the name of something that every object inherits.
      if (!Object.hasOwn(object, property)) object[property] = [];
      const list = object[property] as Json[];
      list.push(readElement(known.content, child, `${pointer}/${list.length}`, findings));
    } else if (Object.hasOwn(object, property)) {
      findings.problems.push({ at: pointer, message: "the element stands twice, and the contract has it once" });
    } else object[property] = readElement(known.content, child, pointer, findings);
  }
  return object;
}

function readScalar(scalar: Scalar, text: string, at: string, findings: Findings): Json {
  const value = scalar.read(text);
  if (value !== undefined) return value;
  findings.problems.push({ at, message: `must be ${scalar.expected}` });
  return null;
}

function memberOf(
  family: FamilyContent,
  element: XmlElement,
): { readonly name: string; readonly content: ObjectContent } | undefined {
  const text = attributeOf(element, "type", xsi)?.trim();
  if (text === undefined) return undefined;
  const colon = text.indexOf(":");
  const namespace = namespaceOf(element.scope, colon < 0 ? "" : text.slice(0, colon));
  const local = text.slice(colon + 1);
  for (const [name, { type, content }] of family.members)
    if (type.local === local && type.namespace === namespace) return { name, content };
  return undefined;
}

/** Anything as JSON: text, or an object of local names where there are elements. Attributes are left out. */
function readAny(element: XmlElement): Json {
  if (element.children.length === 0) return element.text;
  const object: Record<string, Json> = {};
  for (const child of element.children) {
    const name = child.local === "__proto__" ? "_proto_" : child.local;
    const value = readAny(child);
    const other = Object.hasOwn(object, name) ? object[name] : undefined;
    if (other === undefined) object[name] = value;
    else if (Array.isArray(other)) (other as Json[]).push(value);
    else object[name] = [other, value];
  }
  return object;
}

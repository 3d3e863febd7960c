/** Arrays of SOAP encoding in XML Schema (SOAP 1.1, section 5.4.2; WSDL 1.1, section 2.2; SOAP 1.2 part 2, section 3). */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { QName } from "../model.ts";
import type { Annotated } from "./xsd-builtin.ts";
import {
  type Component,
  qualified,
  resolveName,
  type SchemaDocument,
  type Schemas,
  schemaChildren,
  unreadableAt,
  xsd,
} from "./xsd-schemas.ts";

const wsdl = "http://schemas.xmlsoap.org/wsdl/";
const encodings = new Set(["http://schemas.xmlsoap.org/soap/encoding/", "http://www.w3.org/2003/05/soap-encoding"]);
const anyType: QName = { namespace: xsd, local: "anyType" };

/** Whether the name is one of SOAP encoding. */
export function isEncoding(name: QName): boolean {
  return encodings.has(name.namespace);
}

interface Around {
  readonly schemas: Schemas;
  readonly type: (name: QName, document: SchemaDocument, from: XmlElement) => Annotated;
}

/** An array of anything: `soapenc:Array` itself. */
export function openArray(any: Annotated): Annotated {
  return arrayOf(any, anyType, "item");
}

/** The array that a complex type restricts `soapenc:Array` to; `undefined` if it is none. */
export function encodedArray({ element, document }: Component, around: Around, depth = 0): Annotated | undefined {
  for (const content of schemaChildren(element)) {
    if (content.local !== "complexContent") continue;
    for (const derivation of schemaChildren(content)) {
      const text = attributeOf(derivation, "base");
      if (text === undefined) continue;
      const base = resolveName(document, derivation, text);
      if (isEncoding(base) && base.local === "Array") return itemsOf(derivation, document, around);
      // An array that restricts another one.
      const above = around.schemas.find("type", base);
      if (above === undefined || above.element.local !== "complexType" || depth > 20) return undefined;
      if (encodedArray(above, around, depth + 1) !== undefined) return itemsOf(derivation, document, around);
    }
  }
  return undefined;
}

function itemsOf(derivation: XmlElement, document: SchemaDocument, around: Around): Annotated {
  const particle = itemElement(derivation);
  const item = (particle && attributeOf(particle, "name")) ?? "item";
  for (const attribute of schemaChildren(derivation)) {
    const text = attributeOf(attribute, "arrayType", wsdl);
    if (attribute.local !== "attribute" || text === undefined) continue;
    const found = /^([^[\]\s]+)\s*((?:\[[0-9,]*\])+)\s*$/.exec(text.trim());
    if (found === null) throw unreadableAt(document.file, attribute, `wsdl:arrayType="${text}" is no type of an array`);
    const name = qualified(document.file, attribute, found[1] ?? "");
    const sizes = (found[2] ?? "").match(/\[[0-9,]*\]/g) ?? [];
    if (sizes.some((size) => size.includes(",")))
      throw unreadableAt(document.file, attribute, `wsdl:arrayType="${text}" is an array of several dimensions`);
    let array = arrayOf(around.type(name, document, attribute), name, item);
    for (let more = 1; more < Math.min(sizes.length, 10); more++)
      array = arrayOf(array, { namespace: "http://schemas.xmlsoap.org/soap/encoding/", local: "Array" }, item);
    return array;
  }
  const type = particle === undefined ? undefined : attributeOf(particle, "type");
  const name = particle === undefined || type === undefined ? anyType : resolveName(document, particle, type);
  return arrayOf(around.type(name, document, particle ?? derivation), name, item);
}

/** The one element that the content of an array names, where it is described that way. */
function itemElement(derivation: XmlElement): XmlElement | undefined {
  for (const child of schemaChildren(derivation)) {
    if (child.local === "element") return child;
    if (!/^(sequence|all|choice)$/.test(child.local)) continue;
    const found = itemElement(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

function arrayOf(items: Annotated, type: QName, item: string): Annotated {
  return { type: "array", items, xml: { array: { item, type } } };
}

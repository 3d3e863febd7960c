/** Attributes and attribute groups of XML Schema (1.0 part 1, sections 3.2 and 3.6). */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { QName } from "../model.ts";
import { type Annotated, builtinAttribute, isBuiltinGroup } from "./xsd-builtin.ts";
import { documentation, withValue } from "./xsd-declarations.ts";
import type { Properties } from "./xsd-properties.ts";
import {
  type Component,
  resolveName,
  type SchemaDocument,
  schemaChildren,
  shownName,
  unreadableAt,
} from "./xsd-schemas.ts";

interface Surroundings {
  /** The global component, or `contract-unreadable`. */
  readonly find: (kind: "attribute" | "attributeGroup", name: QName, file: string, from: XmlElement) => Component;
  readonly named: (name: QName, document: SchemaDocument, from: XmlElement) => Annotated;
  readonly inline: (element: XmlElement, document: SchemaDocument) => Annotated;
  /** The schema that a reference stands for. */
  readonly target: (schema: Annotated) => Annotated;
  /** Groups being read, against rings. */
  readonly above: readonly string[];
}

/** Adds what an `attribute`, `attributeGroup` or `anyAttribute` says to `into`; passes over anything else. */
export function readAttributes(
  element: XmlElement,
  document: SchemaDocument,
  into: Properties,
  around: Surroundings,
): void {
  const { above } = around;
  if (element.local === "anyAttribute") into.anyAttributes = true;
  if (element.local === "attributeGroup") {
    const ref = attributeOf(element, "ref");
    if (ref === undefined)
      throw unreadableAt(document.file, element, "an attribute group inside a type must be a reference");
    const name = resolveName(document, element, ref);
    if (isBuiltinGroup(name)) return;
    const key = `attributeGroup ${shownName(name)}`;
    if (above.includes(key)) throw unreadableAt(document.file, element, `the ${key} contains itself`);
    const found = around.find("attributeGroup", name, document.file, element);
    for (const child of schemaChildren(found.element))
      readAttributes(child, found.document, into, { ...around, above: [...above, key] });
  }
  if (element.local !== "attribute") return;
  const { name, schema, description } = attribute(element, document, around);
  const use = attributeOf(element, "use");
  if (use === "prohibited") into.forbid(name);
  else
    into.attribute({
      name,
      schema: withValue(schema, element, around.target(schema)),
      required: use === "required",
      ...(description === undefined ? {} : { description }),
    });
}

function attribute(
  element: XmlElement,
  document: SchemaDocument,
  around: Surroundings,
): { readonly name: QName; readonly schema: Annotated; readonly description: string | undefined } {
  const ref = attributeOf(element, "ref");
  if (ref !== undefined) {
    const name = resolveName(document, element, ref);
    const builtin = builtinAttribute(name);
    if (builtin !== undefined) return { name, schema: builtin, description: documentation(element) };
    const found = around.find("attribute", name, document.file, element);
    const described = attribute(found.element, found.document, around);
    return { ...described, name };
  }
  const local = attributeOf(element, "name");
  if (local === undefined) throw unreadableAt(document.file, element, "an attribute has neither name nor ref");
  const form = attributeOf(element, "form");
  const qualifiedName = form === undefined ? document.attributesQualified : form === "qualified";
  const type = attributeOf(element, "type");
  const inline = schemaChildren(element).find((child) => child.local === "simpleType");
  let schema: Annotated = { type: "string" };
  if (type !== undefined) schema = around.named(resolveName(document, element, type), document, element);
  else if (inline !== undefined) schema = around.inline(inline, document);
  return {
    name: { namespace: qualifiedName ? document.namespace : "", local },
    schema,
    description: documentation(element),
  };
}

/** Small questions to a declaration of XML Schema: how often, which default, which base, what it says about itself. */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { type SchemaDocument, unreadableAt, xsd } from "./xsd-schemas.ts";
import { literalOf } from "./xsd-simple.ts";

/**
 * The schema with the default or the fixed value that a declaration gives it.
 *
 * @param target What `schema` refers to, if it is a reference.
 */
export function withValue(schema: Annotated, element: XmlElement, target: Annotated = schema): Annotated {
  const fixed = attributeOf(element, "fixed");
  const value = attributeOf(element, "default");
  // An object has no literal form.
  if (target.type === undefined || target.type === "array" || target.type === "object") return schema;
  if (fixed !== undefined) {
    const { xml, description } = target;
    return {
      ...(description === undefined ? {} : { description }),
      type: target.type,
      const: literalOf(target, fixed),
      ...(target.format === undefined ? {} : { format: target.format }),
      ...(xml === undefined ? {} : { xml }),
    };
  }
  return value === undefined ? schema : { ...schema, default: literalOf(target, value) };
}

/** Whether an attribute of a declaration says yes. */
export function isTrue(element: XmlElement, name: string): boolean {
  const text = attributeOf(element, name)?.trim();
  return text === "true" || text === "1";
}

/** How often a particle may stand; without limit is Infinity. */
export function occurrence(
  element: XmlElement,
  document: SchemaDocument,
): { readonly min: number; readonly max: number } {
  const count = (name: string): number => {
    const text = attributeOf(element, name)?.trim();
    if (text === undefined) return 1;
    if (text === "unbounded" && name === "maxOccurs") return Number.POSITIVE_INFINITY;
    if (!/^[0-9]{1,15}$/.test(text)) throw unreadableAt(document.file, element, `${name}="${text}" is not a count`);
    return Number(text);
  };
  return { min: count("minOccurs"), max: count("maxOccurs") };
}

/** The documentation of a component, as plain text of at most 2000 characters. */
export function documentation(element: XmlElement): string | undefined {
  for (const annotation of element.children) {
    if (annotation.namespace !== xsd || annotation.local !== "annotation") continue;
    for (const child of annotation.children) {
      if (child.namespace !== xsd || child.local !== "documentation") continue;
      const text = allText(child).replace(/\s+/g, " ").trim().slice(0, 2000);
      if (text !== "") return text;
    }
  }
  return undefined;
}

/** The text of an element and of those inside it. */
export function allText(element: XmlElement): string {
  return [element.text, ...element.children.map(allText)].join(" ");
}

/**
 * The keyword `xml` of the schemas that come from XSD: how a value is written as XML. JSON Schema validators pass over it.
 *
 * It stands in three places. On a property's schema: which element, attribute or text the property is. On the schema of a
 * simple type: white space and lists. On the schema of a complex type: its name, where `xsi:type` may have to tell it.
 * The order of `properties` is the order of the elements.
 */
import type { QName } from "./model.ts";

export interface XmlNote {
  /** Property: local name and namespace of the element or attribute (namespace "" for none). */
  readonly name?: string;
  readonly namespace?: string;
  /** Property: an attribute. */
  readonly attribute?: true;
  /** Property: the character data of the element (simple content, or mixed content without its order). */
  readonly text?: true;
  /** Property: the element is repeated; the schema is the array, its `items` one element. */
  readonly many?: true;
  /** Property: the name of the derived type, written as `xsi:type`. */
  readonly xsiType?: true;
  /** Property: `null` is written as `xsi:nil="true"`. The schema is `anyOf: [the type, null]`; for `many`, that of the items. */
  readonly nillable?: true;
  /** Output of a wrapped operation: the element may be absent, which is `null`. */
  readonly optional?: true;
  /** Property: elements of one repeated group; those with the same number are written round by round. */
  readonly together?: number;
  /** Simple type: items separated by white space (`xs:list`); the schema is an array. */
  readonly list?: true;
  /** Simple type: `collapse` trims and joins white space before the value is read (XSD 1.0 part 2, section 4.3.6). */
  readonly space?: "collapse" | "replace";
  /** Complex type that others extend, or that extends another: its name for `xsi:type`. */
  readonly type?: QName;
  /** Union of a complex type and those derived from it; the first member is the declared one, unless that is abstract. */
  readonly derived?: { readonly abstract: boolean };
  /** `xs:anyType`: anything. Read as text, or as an object of local names. Written from text, numbers and booleans only. */
  readonly any?: true;
}

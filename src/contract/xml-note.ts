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
  /** Property: its place among the other elements is free (`xs:all`). */
  readonly free?: true;
  /** Property: the name of the derived type, written as `xsi:type`. */
  readonly xsiType?: true;
  /** Property: `null` is written as `xsi:nil="true"`. The schema is `anyOf: [the type, null]`; for `many`, that of the items. */
  readonly nillable?: true;
  /** Output of a wrapped operation: the element may be absent, which is `null`. */
  readonly optional?: true;
  /**
   * Property: a repeated choice or sequence. Each item of the list is one round: an object whose properties are the elements
   * of that round. Their order is kept.
   */
  readonly rounds?: true;
  /** Property: everything inside an element of mixed content, in its order: text, and rounds of one element. */
  readonly mixed?: true;
  /** Property: elements that the contract does not name (`xs:any`); the schema is a list of `XmlElement`. */
  readonly wildcard?: true;
  /** Property: attributes that the contract does not name (`xs:anyAttribute`), by `{namespace}local`. */
  readonly anyAttributes?: true;
  /** Property of an input: an object whose properties are the blocks of the SOAP header. */
  readonly header?: true;
  /** Property of an input that has headers beside it: the content of the request's element, which is no object. */
  readonly body?: true;
  /** Simple type: items separated by white space (`xs:list`); the schema is an array. */
  readonly list?: true;
  /** Simple type: `collapse` trims and joins white space before the value is read (XSD 1.0 part 2, section 4.3.6). */
  readonly space?: "collapse" | "replace";
  /** Complex type that others extend, or that extends another: its name for `xsi:type`. In rpc/encoded contracts, every type. */
  readonly type?: QName;
  /** Array of SOAP encoding (SOAP 1.1, section 5.4): the items are written as elements of this name, and what they are. */
  readonly array?: { readonly item: string; readonly type: QName };
  /** The schema of an element as it stands in XML: `{ name, attributes, content }`, with names as `{namespace}local`. */
  readonly element?: true;
  /** Union of a complex type and those derived from it; the first member is the declared one, unless that is abstract. */
  readonly derived?: { readonly abstract: boolean };
  /**
   * `xs:anyType`: anything. Text where it is text, the value of the type that `xsi:type` names where it is known, else
   * `{ attributes, content }`, as in an `XmlElement`.
   */
  readonly any?: true;
}

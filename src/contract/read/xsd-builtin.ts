/**
 * The built-in types of XML Schema as JSON Schema (XML Schema 1.0 part 2, section 3), and the few attributes that any
 * schema may use without defining them. Numbers that JavaScript can't hold exactly stay text; dates stay ISO text.
 */
import type { QName } from "../model.ts";
import type { XmlNote } from "../xml-note.ts";
import { xsd } from "./xsd-schemas.ts";

/** An object schema with our own keyword. */
export type Annotated = { readonly [keyword: string]: unknown; readonly xml?: XmlNote };

const collapse: XmlNote = { space: "collapse" };
const token: Annotated = { type: "string", xml: collapse };
const zone = "(Z|[+-][0-9]{2}:[0-9]{2})?";
const time = "[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?";
const date = "-?[0-9]{4,}-[0-9]{2}-[0-9]{2}";

function matching(pattern: string, extra: Annotated = {}): Annotated {
  return { type: "string", ...extra, pattern: `^${pattern}$`, xml: collapse };
}
function between(minimum: number, maximum: number): Annotated {
  return { type: "integer", minimum, maximum };
}
function tokens(items: Annotated): Annotated {
  return { type: "array", items, minItems: 1, xml: { list: true } };
}
const exact = (format: string, extra: Annotated = {}): Annotated => ({ type: "string", format, ...extra });

const types: Readonly<Record<string, Annotated>> = {
  string: { type: "string" },
  normalizedString: { type: "string", xml: { space: "replace" } },
  token,
  language: token,
  Name: token,
  NCName: token,
  NMTOKEN: token,
  NMTOKENS: tokens(token),
  ID: token,
  IDREF: token,
  IDREFS: tokens(token),
  ENTITY: token,
  ENTITIES: tokens(token),
  QName: token,
  NOTATION: token,
  anyURI: token,
  boolean: { type: "boolean" },
  decimal: exact("decimal"),
  integer: exact("integer", { pattern: "^-?[0-9]+$" }),
  nonNegativeInteger: exact("integer", { pattern: "^[0-9]+$" }),
  positiveInteger: exact("integer", { pattern: "^0*[1-9][0-9]*$" }),
  nonPositiveInteger: exact("integer", { pattern: "^(-[0-9]+|0+)$" }),
  negativeInteger: exact("integer", { pattern: "^-0*[1-9][0-9]*$" }),
  long: exact("int64"),
  unsignedLong: exact("integer", { pattern: "^[0-9]{1,20}$" }),
  int: between(-2147483648, 2147483647),
  short: between(-32768, 32767),
  byte: between(-128, 127),
  unsignedInt: between(0, 4294967295),
  unsignedShort: between(0, 65535),
  unsignedByte: between(0, 255),
  float: { type: "number" },
  double: { type: "number" },
  dateTime: matching(`${date}T${time}${zone}`),
  // The name of dateTime in the drafts of XML Schema.
  timeInstant: matching(`${date}T${time}${zone}`),
  dateTimeStamp: matching(`${date}T${time}(Z|[+-][0-9]{2}:[0-9]{2})`),
  date: matching(`${date}${zone}`),
  time: matching(`${time}${zone}`),
  gYear: matching(`-?[0-9]{4,}${zone}`),
  gYearMonth: matching(`-?[0-9]{4,}-[0-9]{2}${zone}`),
  gMonth: matching(`--[0-9]{2}${zone}`),
  gMonthDay: matching(`--[0-9]{2}-[0-9]{2}${zone}`),
  gDay: matching(`---[0-9]{2}${zone}`),
  duration: matching("-?P[0-9YMDTHS.]+"),
  dayTimeDuration: matching("-?P[0-9DTHMS.]+"),
  yearMonthDuration: matching("-?P[0-9YM]+"),
  base64Binary: { type: "string", contentEncoding: "base64", xml: collapse },
  hexBinary: { type: "string", contentEncoding: "base16", pattern: "^([0-9A-Fa-f]{2})*$", xml: collapse },
  anySimpleType: { type: "string" },
  anyAtomicType: { type: "string" },
};

/** Anything at all: `xs:anyType`, or an element without a type. */
export const anything: Annotated = { description: "Any content (xs:anyType).", xml: { any: true } };

/** The schema of `xs:local`; `undefined` if there is no such type. */
export function builtinType(local: string): Annotated | undefined {
  if (local === "anyType") return anything;
  return Object.hasOwn(types, local) ? types[local] : undefined;
}

/** SOAP encoding has the simple types of XML Schema again, as elements that may refer to one another (SOAP 1.1, section 5.2). */
const encodings = new Set(["http://schemas.xmlsoap.org/soap/encoding/", "http://www.w3.org/2003/05/soap-encoding"]);

/** The schema of a type that needs no definition: one of XML Schema, or of SOAP encoding. */
export function builtinNamed({ namespace, local }: QName): Annotated | undefined {
  if (namespace === xsd) return builtinType(local);
  if (!encodings.has(namespace)) return undefined;
  if (local === "Struct") return anything;
  return builtinType(local === "base64" ? "base64Binary" : local);
}

// XML itself, xmlmime, and SOAP, whose attributes stand in the types of header blocks.
const known = new Set([
  "http://www.w3.org/XML/1998/namespace",
  "http://www.w3.org/2005/05/xmlmime",
  "http://www.w3.org/2004/06/xmlmime",
  "http://www.w3.org/2004/11/xmlmime",
  "http://schemas.xmlsoap.org/soap/envelope/",
  "http://www.w3.org/2003/05/soap-envelope",
  ...encodings,
]);

/** Attributes that are known without a schema. */
export function builtinAttribute(name: QName): Annotated | undefined {
  return known.has(name.namespace) ? token : undefined;
}

/** Groups of attributes that are known without a schema, such as `xml:specialAttrs`; nothing of them is sent or read. */
export function isBuiltinGroup(name: QName): boolean {
  return known.has(name.namespace);
}

/** A whole schema inside a message, as data sets of .NET have it (`<xs:element ref="xs:schema"/>`). */
export function isSchemaElement({ namespace, local }: QName): boolean {
  return namespace === xsd && local === "schema";
}

/**
 * An element that a contract does not name, as JSON. Names are written `{namespace}local`, or `local` without a namespace.
 *
 * @param self The reference to this very schema.
 */
export function unnamedElement(self: string): Annotated {
  return {
    type: "object",
    description: "An element that the contract leaves open (xs:any).",
    properties: {
      name: { type: "string", description: "{namespace}local, or local where it has no namespace." },
      attributes: { type: "object", additionalProperties: { type: "string" }, description: "By {namespace}local." },
      content: {
        anyOf: [{ type: "string" }, { type: "array", items: { anyOf: [{ type: "string" }, { $ref: self }] } }],
        description: "Text, or text and elements in their order.",
      },
    },
    required: ["name"],
    additionalProperties: false,
    xml: { element: true },
  };
}

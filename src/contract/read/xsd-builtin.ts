/**
 * The built-in types of XML Schema as JSON Schema (XML Schema 1.0 part 2, section 3), and the few attributes that any
 * schema may use without defining them. Numbers that JavaScript can't hold exactly stay text; dates stay ISO text.
 */
import type { JsonSchema } from "../../operation.ts";
import type { QName } from "../model.ts";
import type { XmlNote } from "../xml-note.ts";

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

/** Attributes that are known without a schema: those of XML itself, and of xmlmime. */
export function builtinAttribute(name: QName): JsonSchema | undefined {
  if (name.namespace === "http://www.w3.org/XML/1998/namespace") return token;
  if (name.namespace === "http://www.w3.org/2005/05/xmlmime") return token;
  return undefined;
}

/**
 * Simple types of XML Schema to JSON Schema: restriction with facets, list, union (XML Schema 1.0 part 2, section 4).
 * Bounds of decimals and long integers, which are kept as text, are `formatMinimum` and its like (an extension of the validator);
 * their digits are a pattern.
 */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { QName } from "../model.ts";
import { type Annotated, builtinNamed } from "./xsd-builtin.ts";
import { patternOf } from "./xsd-pattern.ts";
import {
  resolveName,
  type SchemaDocument,
  type Schemas,
  schemaChildren,
  shownName,
  unreadableAt,
} from "./xsd-schemas.ts";

/** Where a definition stands, and which definitions are being read above it. */
export interface SimpleContext {
  readonly schemas: Schemas;
  readonly document: SchemaDocument;
  readonly above: readonly string[];
}

const deepest = 64;

/** The schema of the simple type `name`; built in, or defined. `from` is the element that refers to it. */
export function simpleTypeNamed(name: QName, from: XmlElement, context: SimpleContext): Annotated {
  const { schemas, document, above } = context;
  const builtin = builtinNamed(name);
  if (builtin !== undefined) return builtin;
  const found = schemas.need("type", name, document.file, from);
  if (found.element.local !== "simpleType")
    throw unreadableAt(document.file, from, `${shownName(name)} is a complex type, and a simple one is needed here`);
  const key = shownName(name);
  if (above.includes(key)) throw unreadableAt(document.file, from, `the simple type ${key} is built upon itself`);
  if (above.length >= deepest)
    throw unreadableAt(document.file, from, `simple types are built on one another more than ${deepest} deep`);
  return simpleType(found.element, { schemas, document: found.document, above: [...above, key] });
}

/** The schema of a `simpleType` element. */
export function simpleType(element: XmlElement, context: SimpleContext): Annotated {
  context.schemas.spend(context.document.file, element);
  for (const child of schemaChildren(element)) {
    if (child.local === "restriction") return restricted(baseOf(child, "base", context), child);
    if (child.local === "list") {
      return { type: "array", items: baseOf(child, "itemType", context), xml: { list: true } };
    }
    if (child.local === "union") return union(child, context);
  }
  throw unreadableAt(context.document.file, element, "a simple type is neither restriction, list nor union");
}

/** `base` with the facets inside `element`. */
export function restricted(base: Annotated, element: XmlElement): Annotated {
  const facets = new Map<string, string[]>();
  for (const facet of schemaChildren(element)) {
    const value = attributeOf(facet, "value");
    if (value === undefined) continue;
    const values = facets.get(facet.local) ?? [];
    values.push(value);
    facets.set(facet.local, values);
  }
  if (facets.size === 0) return base;
  const schema: Record<string, unknown> = { ...base };
  const one = (name: string): number | undefined => {
    const text = facets.get(name)?.at(-1);
    return text === undefined || !/^\s*[+-]?\d/.test(text) || !Number.isFinite(Number(text)) ? undefined : Number(text);
  };
  const put = (keyword: string, value: number | undefined): void => {
    if (value !== undefined) schema[keyword] = value;
  };
  if (base.type === "integer" || base.type === "number") {
    put("minimum", one("minInclusive"));
    put("maximum", one("maxInclusive"));
    put("exclusiveMinimum", one("minExclusive"));
    put("exclusiveMaximum", one("maxExclusive"));
  } else if (base.type === "string" && /^(decimal|int64|integer)$/.test(String(base.format))) {
    for (const [facet, keyword] of exactBounds) {
      const text = facets.get(facet)?.at(-1)?.trim();
      if (text !== undefined && /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) schema[keyword] = text;
    }
    const digits = digitPatterns(one("totalDigits"), one("fractionDigits"));
    if (digits.length > 0)
      schema.allOf = [...((schema.allOf as unknown[]) ?? []), ...digits.map((pattern) => ({ pattern }))];
  } else if (base.type === "array") {
    put("minItems", one("length") ?? one("minLength"));
    put("maxItems", one("length") ?? one("maxLength"));
  } else if (base.type === "string" && base.contentEncoding === undefined && base.format === undefined) {
    put("minLength", one("length") ?? one("minLength"));
    put("maxLength", one("length") ?? one("maxLength"));
  }
  const space = facets.get("whiteSpace")?.at(-1);
  if (base.type === "string" && (space === "collapse" || space === "replace")) schema.xml = { ...base.xml, space };
  const enumeration = facets.get("enumeration");
  if (enumeration !== undefined && base.type !== "array" && base.type !== undefined) {
    schema.enum = [...new Set(enumeration.map((text) => literalOf(base, text)))];
    // An enumeration says it all; a pattern or a length beside it only makes it harder to read.
    for (const keyword of ["pattern", "minLength", "maxLength", "minimum", "maximum"]) delete schema[keyword];
    return schema as Annotated;
  }
  // Several patterns of one step are alternatives; those of a later step apply as well.
  const patterns = facets.get("pattern")?.map(patternOf);
  if (patterns !== undefined && base.type === "string" && !patterns.includes(undefined)) {
    const pattern = patterns.length === 1 ? patterns[0] : patterns.map((each) => `(?:${each})`).join("|");
    if (schema.pattern === undefined) schema.pattern = pattern;
    else schema.allOf = [...((schema.allOf as unknown[]) ?? []), { pattern }];
  }
  return schema as Annotated;
}

const exactBounds = [
  ["minInclusive", "formatMinimum"],
  ["maxInclusive", "formatMaximum"],
  ["minExclusive", "formatExclusiveMinimum"],
  ["maxExclusive", "formatExclusiveMaximum"],
] as const;

/** The digits that count: zeros in front of the number, and behind its fraction, do not (XML Schema 1.0 part 2, section 4.3.11). */
function digitPatterns(total: number | undefined, fraction: number | undefined): string[] {
  const patterns: string[] = [];
  // More than any engine counts is no bound to anybody. Each digit may have the point before it.
  if (total !== undefined && total <= 200) patterns.push(`^[+-]?0*(\\.?[0-9]){0,${total}}\\.?0*$`);
  if (fraction !== undefined && fraction <= 200) patterns.push(`^[+-]?[0-9]*(\\.[0-9]{0,${fraction}}0*)?$`);
  return patterns;
}

/** A literal of the contract (enumeration, default, fixed) as a value of the schema. */
export function literalOf(schema: Annotated, text: string): string | number | boolean {
  const trimmed = text.trim();
  if (schema.type === "boolean" && /^(true|false|1|0)$/.test(trimmed)) return trimmed === "true" || trimmed === "1";
  if (schema.type === "integer" || schema.type === "number") {
    const number = Number(trimmed);
    if (trimmed !== "" && Number.isFinite(number)) return number;
  }
  return schema.format !== undefined || schema.xml?.space === "collapse" ? trimmed : text;
}

function baseOf(element: XmlElement, attribute: string, context: SimpleContext): Annotated {
  const name = attributeOf(element, attribute);
  if (name !== undefined) return simpleTypeNamed(resolveName(context.document, element, name), element, context);
  const inline = schemaChildren(element).find((child) => child.local === "simpleType");
  if (inline === undefined) throw unreadableAt(context.document.file, element, `xs:${element.local} names no type`);
  return simpleType(inline, context);
}

function union(element: XmlElement, context: SimpleContext): Annotated {
  const members: Annotated[] = [];
  for (const name of (attributeOf(element, "memberTypes") ?? "").split(/\s+/)) {
    if (name !== "") members.push(simpleTypeNamed(resolveName(context.document, element, name), element, context));
  }
  for (const child of schemaChildren(element)) {
    if (child.local === "simpleType") members.push(simpleType(child, context));
  }
  const [first] = members;
  if (first === undefined) throw unreadableAt(context.document.file, element, "a union has no members");
  return members.length === 1 ? first : { anyOf: members };
}

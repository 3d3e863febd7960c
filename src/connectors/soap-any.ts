/**
 * XML that a contract leaves open (`xs:any`, `xs:anyType`, `xs:anyAttribute`) as JSON, with nothing lost but prefixes and
 * comments: `{ name, attributes, content }`. Names are written `{namespace}local`; `content` is text, or a list of text and elements.
 */
import type { QName } from "../contract/model.ts";
import { contentOf, namespaceOf, type XmlElement } from "../formats/xml.ts";
import { escapeAttribute, escapeText, type Prefixes } from "../formats/xml-write.ts";
import type { Json } from "../operation.ts";
import { keyOf, xsi } from "./soap-codec.ts";

type JsonObject = { readonly [name: string]: Json };

/** The element as JSON. */
export function readNode(element: XmlElement): Json {
  const attributes = readAttributes(element);
  return {
    name: element.namespace === "" ? element.local : keyOf(element),
    ...(attributes === undefined ? {} : { attributes }),
    ...(element.children.length === 0 && element.text === "" ? {} : { content: readContent(element) }),
  };
}

/** Text, or a list of text and elements. */
export function readContent(element: XmlElement): Json {
  if (element.children.length === 0) return element.text;
  return contentOf(element).map((part) => (typeof part === "string" ? part : readNode(part)));
}

/** The attributes by name; `undefined` where there are none. The name in `xsi:type` loses its prefix. */
export function readAttributes(
  element: XmlElement,
  known: (key: string) => boolean = () => false,
): JsonObject | undefined {
  // Without a prototype, because the names come from outside.
  const attributes: Record<string, Json> = Object.create(null);
  for (const attribute of element.attributes) {
    const key = attribute.namespace === "" ? attribute.local : keyOf(attribute);
    if (known(keyOf(attribute))) continue;
    const isType = attribute.namespace === xsi && attribute.local === "type";
    const type = isType ? qualifiedValue(element, attribute.value) : undefined;
    attributes[key] = type === undefined ? attribute.value : keyOf(type);
  }
  return Object.keys(attributes).length === 0 ? undefined : { ...attributes };
}

/** The name that a value such as `xsd:string` stands for at an element. */
export function qualifiedValue(element: XmlElement, text: string): QName | undefined {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(":");
  const namespace = namespaceOf(element.scope, colon < 0 ? "" : trimmed.slice(0, colon));
  return namespace === undefined ? undefined : { namespace, local: trimmed.slice(colon + 1) };
}

/** What `writeNode` and its like can't write; `at` is a JSON Pointer below the value. */
export type Refuse = (at: string, message: string) => never;

/** The element that a value describes. */
export function writeNode(prefixes: Prefixes, value: Json, at: string, depth: number, refuse: Refuse): string {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse(at, "must be an element: { name, attributes, content }");
  const node = value as JsonObject;
  const name = typeof node.name === "string" ? nameOf(node.name) : undefined;
  if (name === undefined) return refuse(`${at}/name`, 'must be the name of an element: "{namespace}local" or "local"');
  const tag = prefixes.tag(name);
  const start = `<${tag}${writeAttributes(prefixes, node.attributes, `${at}/attributes`, refuse)}`;
  const inside = writeContent(prefixes, node.content, `${at}/content`, depth, refuse);
  return inside === "" ? `${start}/>` : `${start}>${inside}</${tag}>`;
}

/** Text, or a list of text and elements. */
export function writeContent(
  prefixes: Prefixes,
  content: Json | undefined,
  at: string,
  depth: number,
  refuse: Refuse,
): string {
  if (depth > 256) return refuse(at, "is nested deeper than 256");
  if (content === undefined || content === null) return "";
  if (typeof content !== "object") return escapeText(String(content));
  if (!Array.isArray(content)) return refuse(at, "must be text, or a list of text and elements");
  return (content as readonly Json[])
    .map((part, index) =>
      typeof part === "string" ? escapeText(part) : writeNode(prefixes, part, `${at}/${index}`, depth + 1, refuse),
    )
    .join("");
}

/** Attributes given as `{ "{namespace}local": "text" }`, each with a space before it. */
export function writeAttributes(prefixes: Prefixes, attributes: Json | undefined, at: string, refuse: Refuse): string {
  if (attributes === undefined || attributes === null) return "";
  if (typeof attributes !== "object" || Array.isArray(attributes)) return refuse(at, "must be an object of text");
  let text = "";
  for (const [key, value] of Object.entries(attributes as JsonObject)) {
    const name = nameOf(key);
    if (name === undefined) return refuse(at, "has a name that no attribute can have");
    if (typeof value === "object") return refuse(at, "must be an object of text");
    const type = name.namespace === xsi && name.local === "type" ? nameOf(String(value)) : undefined;
    const written = type === undefined ? String(value) : prefixes.tag(type);
    text += ` ${prefixes.tag(name)}="${escapeAttribute(written)}"`;
  }
  return text;
}

const xmlns = "http://www.w3.org/2000/xmlns/";

/** `{namespace}local` or `local`; `undefined` for anything that is no name of XML, or declares a namespace. */
function nameOf(text: string): QName | undefined {
  const found = /^(?:\{([^{}]*)\})?([\p{L}_][\p{L}\p{M}\p{N}_.·-]*)$/u.exec(text);
  if (found === null || found[1] === xmlns || found[2] === "xmlns") return undefined;
  return { namespace: found[1] ?? "", local: found[2] ?? "" };
}

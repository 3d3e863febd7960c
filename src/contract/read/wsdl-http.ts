/**
 * Ports over plain HTTP (WSDL 1.1, sections 4 and 5): the input in the query, the path or a form, or as XML; the answer as XML,
 * text or bytes. They are read for what no SOAP port of the contract offers.
 */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { JsonSchema } from "../../operation.ts";
import type { HttpXmlBinding, QName } from "../model.ts";
import { childrenOf, type HttpPort, type Part, type WsdlParts } from "./wsdl-parts.ts";
import type { XsdReader } from "./xsd.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { elementSchema } from "./xsd-properties.ts";
import { qualified, unreadableAt } from "./xsd-schemas.ts";

const http = "http://schemas.xmlsoap.org/wsdl/http/";
const mime = "http://schemas.xmlsoap.org/wsdl/mime/";

export interface HttpOperation {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly binding: Omit<HttpXmlBinding, "address">;
}

interface Around {
  readonly port: HttpPort;
  readonly parts: WsdlParts;
  readonly reader: XsdReader;
}

/** Reads an operation of a port over plain HTTP; a text says why it can't be called. Throws `contract-unreadable`. */
export function httpOperation(bound: XmlElement, abstract: XmlElement, around: Around): HttpOperation | string {
  const { port } = around;
  const operation = bound.children.find((child) => child.namespace === http && child.local === "operation");
  const location = (operation && attributeOf(operation, "location")) ?? "";
  const request = inputOf(bound, abstract, around);
  if (typeof request === "string") return request;
  const answer = outputOf(bound, abstract, around);
  return {
    input: request.schema,
    output: answer.schema,
    binding: {
      protocol: "http-xml",
      method: port.method,
      location,
      input: request.how,
      request: request.element,
      output: answer.how,
      response: answer.element,
    },
  };
}

interface HttpInput {
  readonly schema: JsonSchema;
  readonly how: HttpXmlBinding["input"];
  readonly element: QName | null;
}

function inputOf(bound: XmlElement, abstract: XmlElement, around: Around): HttpInput | string {
  const side = childrenOf(bound, "input")[0];
  const message = childrenOf(abstract, "input")[0];
  const inside = side?.children ?? [];
  const type = contentType(inside);
  const encoded = inside.some((child) => child.namespace === http && child.local === "urlEncoded");
  const replaced = inside.some((child) => child.namespace === http && child.local === "urlReplacement");
  const isXml = type !== undefined && /\bxml\b/i.test(type);
  const how = replaced ? "path" : isXml ? "xml" : around.port.method === "GET" || encoded ? "query" : "form";
  if (side !== undefined && type !== undefined && !isXml && !/x-www-form-urlencoded/i.test(type))
    return `its request is of the type ${type}, which is not spoken`;
  if (message === undefined) return { schema: noParts, how, element: null };
  const found = around.parts.need("message", message, "message", around.port.portType.file);
  const all = childrenOf(found.element, "part");
  const [only] = all;
  if (all.length === 1 && only !== undefined && attributeOf(only, "element") !== undefined) {
    const name = qualified(found.file, only, attributeOf(only, "element") ?? "");
    const facts = around.reader.globalElement(name, found.file, only);
    const deep = how === "xml" ? undefined : deepMember(around, facts.schema);
    if (deep !== undefined) return deep;
    return { schema: facts.schema, how, element: how === "xml" ? facts.name : null };
  }
  const properties: Record<string, Annotated> = Object.create(null);
  for (const part of all) {
    const name = attributeOf(part, "name") ?? "";
    properties[name] = partSchema(part, found, around);
  }
  const schema = { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
  return deepMember(around, schema) ?? { schema: all.length === 0 ? noParts : schema, how, element: null };
}

const noParts: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

function partSchema(part: XmlElement, message: Part, { reader }: Around): Annotated {
  const element = attributeOf(part, "element");
  const type = attributeOf(part, "type");
  const local = attributeOf(part, "name") ?? "";
  if (element === undefined && type === undefined)
    throw unreadableAt(message.file, part, "a part needs an element or a type");
  const facts =
    element === undefined
      ? {
          name: { namespace: "", local },
          schema: reader.typeOfPart(qualified(message.file, part, type ?? ""), message.file, part),
          nillable: false,
        }
      : reader.globalElement(qualified(message.file, part, element), message.file, part);
  return elementSchema({ ...facts, required: true, many: false, minItems: 1, maxItems: 1, branch: [] });
}

/** A query, a path and a form hold simple values and lists of them; what is deeper has no form there that is written down. */
function deepMember({ reader }: Around, schema: Annotated): string | undefined {
  for (const [name, member] of reader.propertiesOf(schema) ?? []) {
    const one = member.xml?.many === true ? (member.items as Annotated) : member;
    const choices = Array.isArray(one.anyOf) ? (one.anyOf as Annotated[]) : [one];
    if (member.xml?.rounds === true || choices.some((each) => reader.propertiesOf(each) !== undefined))
      return `its member "${name}" is no simple value, so it has no form in a query or a form`;
  }
  return undefined;
}

function outputOf(
  bound: XmlElement,
  abstract: XmlElement,
  around: Around,
): { readonly schema: JsonSchema; readonly how: HttpXmlBinding["output"]; readonly element: QName | null } {
  const message = childrenOf(abstract, "output")[0];
  if (message === undefined) return { schema: { type: "null" }, how: "none", element: null };
  const inside = childrenOf(bound, "output")[0]?.children ?? [];
  const xml = inside.some((child) => child.namespace === mime && child.local === "mimeXml");
  const type = contentType(inside) ?? "text/xml";
  const found = around.parts.need("message", message, "message", around.port.portType.file);
  const [part] = childrenOf(found.element, "part");
  if (part === undefined) return { schema: { type: "null" }, how: "none", element: null };
  if (!xml && !/\bxml\b/i.test(type)) {
    if (/^text\//i.test(type)) return { schema: { type: "string" }, how: "text", element: null };
    return { schema: { type: "string", contentEncoding: "base64" }, how: "bytes", element: null };
  }
  const element = attributeOf(part, "element");
  if (element === undefined) return { schema: typeSchema(part, found, around), how: "xml", element: null };
  const facts = around.reader.globalElement(qualified(found.file, part, element), found.file, part);
  const schema = facts.nillable ? { anyOf: [facts.schema, { type: "null" }] } : facts.schema;
  return { schema, how: "xml", element: facts.name };
}

function typeSchema(part: XmlElement, message: Part, { reader }: Around): Annotated {
  const type = attributeOf(part, "type");
  if (type === undefined) throw unreadableAt(message.file, part, "a part needs an element or a type");
  return reader.typeOfPart(qualified(message.file, part, type), message.file, part);
}

function contentType(elements: readonly XmlElement[]): string | undefined {
  for (const element of elements) {
    if (element.namespace !== mime || element.local !== "content") continue;
    const type = attributeOf(element, "type");
    if (type !== undefined) return type;
  }
  return undefined;
}

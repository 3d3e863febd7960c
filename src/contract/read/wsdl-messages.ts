/** What stands in a SOAP message: the element of its body, its content as a schema, and the blocks of its header. */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { JsonSchema } from "../../operation.ts";
import type { QName } from "../model.ts";
import { childrenOf, type Part, type SoapPort, soapChild, type WsdlParts } from "./wsdl-parts.ts";
import type { XsdReader } from "./xsd.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { propertyName } from "./xsd-names.ts";
import { type ElementFacts, elementSchema } from "./xsd-properties.ts";
import { qualified, unreadableAt } from "./xsd-schemas.ts";

export interface MessageBody {
  /** `null`: the content is that of the body itself. */
  readonly element: QName | null;
  /** Of the element's content. */
  readonly schema: JsonSchema;
  /** Its properties, where the content is an object. */
  readonly members:
    | readonly { readonly name: string; readonly schema: Annotated; readonly required: boolean }[]
    | undefined;
  /** The blocks that the binding has for the header. */
  readonly headers: readonly ElementFacts[];
}

/** One side of an operation. */
export interface Side {
  readonly direction: "input" | "output";
  readonly style: "document" | "rpc";
  readonly use: "literal" | "encoded";
  /** Local name of the wrapper that rpc style makes up. */
  readonly wrapper: string;
  /** `input` or `output` of the port type. */
  readonly message: XmlElement;
  /** The same of the binding. */
  readonly binding: XmlElement | undefined;
  readonly port: SoapPort;
  readonly parts: WsdlParts;
  readonly reader: XsdReader;
}

const mime = "http://schemas.xmlsoap.org/wsdl/mime/";

/** What of a side is SOAP: also where it is the first part of a MIME message. */
export function soapElements(binding: XmlElement | undefined): readonly XmlElement[] {
  const found: XmlElement[] = [];
  for (const child of binding?.children ?? []) {
    if (child.namespace !== mime) found.push(child);
    else if (child.local === "multipartRelated" || child.local === "part") found.push(...soapElements(child));
  }
  return found;
}

/** Whether the side carries attachments (WSDL 1.1, section 5). */
export function hasAttachments(binding: XmlElement): boolean {
  return binding.children.some(
    (child) => child.namespace === mime && (child.local === "content" || hasAttachments(child)),
  );
}

/** `encoded` if the body of a side says so. */
export function useOf(binding: XmlElement | undefined): "literal" | "encoded" {
  const body = soapElements(binding).find((child) => child.local === "body");
  return body !== undefined && attributeOf(body, "use") === "encoded" ? "encoded" : "literal";
}

/** Reads one side of an operation. Throws `contract-unreadable`. */
export function bodyOf(side: Side): MessageBody {
  const { port, binding, parts, message } = side;
  const elements = soapElements(binding);
  const soap = elements.length === 0 || binding === undefined ? undefined : soapChild(elements, "body");
  const found = parts.need("message", message, "message", port.portType.file);
  const headerElements =
    soap === undefined
      ? []
      : elements.filter((child) => child.local === "header" && child.namespace === soap.namespace);
  const headers = headersOf(headerElements, found, side);
  const all = childrenOf(found.element, "part");
  const listed = soap === undefined ? undefined : attributeOf(soap, "parts")?.trim();
  const own =
    listed === undefined || listed === ""
      ? all.filter((part) => !headers.parts.has(attributeOf(part, "name") ?? ""))
      : all.filter((part) => listed.split(/\s+/).includes(attributeOf(part, "name") ?? ""));
  if (side.style === "rpc") return { ...rpc(side, found, own, soap), headers: headers.facts };
  return { ...document(side, found, own), headers: headers.facts };
}

type Body = Omit<MessageBody, "headers">;

/**
 * WSDL 1.1, section 3.5: the parts stand directly in the body. One element is the rule (WS-I Basic Profile 1.1, R2201); else
 * the input is an object of them. The content of a part with a complex type is the content of the body.
 */
function document(side: Side, message: Part, own: readonly XmlElement[]): Body {
  const [part] = own;
  if (part === undefined) return { element: null, schema: empty, members: [] };
  if (own.length === 1) {
    const text = attributeOf(part, "element");
    if (text !== undefined) {
      const facts = side.reader.globalElement(qualified(message.file, part, text), message.file, part);
      return { element: facts.name, schema: facts.schema, members: membersOf(side, facts.schema) };
    }
    const facts = partFacts(side, message, part);
    if (side.use === "literal" && side.reader.propertiesOf(facts.schema) !== undefined)
      return { element: null, schema: facts.schema, members: membersOf(side, facts.schema) };
  }
  return { element: null, ...partsObject(side, message, own) };
}

/** An element named after the operation, with one child per part, in no namespace (WS-I Basic Profile 1.1, section 4.7.5). */
function rpc(side: Side, message: Part, own: readonly XmlElement[], soap: XmlElement | undefined): Body {
  // It should say which namespace (R2717); where it does not, that of the WSDL is what most systems take.
  const namespace = (soap && attributeOf(soap, "namespace")) ?? side.port.binding.namespace;
  return {
    element: { namespace, local: side.wrapper },
    ...partsObject(side, message, own),
  };
}

function partsObject(side: Side, message: Part, own: readonly XmlElement[]): Pick<Body, "schema" | "members"> {
  const properties: Record<string, Annotated> = Object.create(null);
  const required: string[] = [];
  for (const part of own) {
    const facts = partFacts(side, message, part);
    const name = attributeOf(part, "name") ?? facts.name.local;
    properties[name] = elementSchema({ ...facts, required: true, many: false, minItems: 1, maxItems: 1, branch: [] });
    required.push(name);
  }
  const schema = objectOf(properties, required);
  return { schema, members: required.map((name) => ({ name, schema: properties[name] ?? {}, required: true })) };
}

function partFacts(side: Side, message: Part, part: XmlElement): ElementFacts {
  const name = attributeOf(part, "name") ?? "";
  const element = attributeOf(part, "element");
  if (name === "" || name === "__proto__") throw unreadableAt(message.file, part, "a part needs a name");
  if (element !== undefined)
    return side.reader.globalElement(qualified(message.file, part, element), message.file, part);
  const type = attributeOf(part, "type");
  if (type === undefined) throw unreadableAt(message.file, part, "a part needs an element or a type");
  return {
    name: { namespace: "", local: name },
    schema: side.reader.typeOfPart(qualified(message.file, part, type), message.file, part),
    nillable: side.use === "encoded",
  };
}

function membersOf({ reader }: Side, schema: Annotated): MessageBody["members"] {
  const required = reader.requiredOf(schema);
  return reader
    .propertiesOf(schema)
    ?.map(([name, member]) => ({ name, schema: member, required: required.includes(name) }));
}

function objectOf(properties: Readonly<Record<string, Annotated>>, required: readonly string[]): Annotated {
  return {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

const empty: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/**
 * The schema of an input with the blocks of its header beside the content of its body: the property `soapHeaders`, all of
 * whose members are optional, because a binding says what may stand there and the system decides what must.
 */
export function withHeaders({ schema, headers }: MessageBody, reader: XsdReader): JsonSchema {
  if (headers.length === 0) return schema;
  const blocks: Record<string, Annotated> = Object.create(null);
  for (const facts of headers) {
    const name = propertyName(facts.name.local, "Header", (each) => Object.hasOwn(blocks, each));
    blocks[name] = elementSchema({ ...facts, required: false, many: false, minItems: 0, maxItems: 1, branch: [] });
  }
  const header: Annotated = {
    ...objectOf(blocks, []),
    description: "Blocks of the SOAP header.",
    xml: { header: true },
  };
  const members = reader.propertiesOf(schema as Annotated);
  if (members === undefined) {
    const { xml, ...rest } = schema as Annotated;
    return objectOf({ body: { ...rest, xml: { ...xml, body: true } }, soapHeaders: header }, ["body"]);
  }
  const properties: Record<string, Annotated> = Object.create(null);
  for (const [name, member] of members) properties[name] = member;
  const own = propertyName("soapHeaders", "Blocks", (each) => Object.hasOwn(properties, each));
  properties[own] = header;
  return objectOf(properties, reader.requiredOf(schema as Annotated));
}

/** The blocks that the binding names, and which parts of the body's own message they take away. */
function headersOf(
  bindings: readonly XmlElement[],
  message: Part,
  side: Side,
): { readonly facts: readonly ElementFacts[]; readonly parts: ReadonlySet<string> } {
  const facts = new Map<string, ElementFacts>();
  const taken = new Set<string>();
  const { binding } = side.port;
  for (const header of bindings) {
    const text = attributeOf(header, "message");
    if (text === undefined) throw unreadableAt(binding.file, header, "a header names no message");
    const from = side.parts.find("message", qualified(binding.file, header, text));
    // Extracts of big contracts often lack the message of a header that nobody has to send.
    if (from === undefined) continue;
    const name = attributeOf(header, "part") ?? "";
    if (from.element === message.element) taken.add(name);
    if (side.direction === "output") continue;
    const part = childrenOf(from.element, "part").find((each) => attributeOf(each, "name") === name);
    if (part === undefined)
      throw unreadableAt(binding.file, header, `the message ${text} has no part "${name}" for the header`);
    const found = partFacts({ ...side, use: "literal" }, from, part);
    // A block must have a namespace (SOAP 1.1, section 4.2); a part with a type has the one that the binding says.
    const namespace = found.name.namespace || (attributeOf(header, "namespace") ?? from.namespace);
    const own = { namespace, local: found.name.local };
    facts.set(`{${own.namespace}}${own.local}`, { ...found, name: own });
  }
  return { facts: [...facts.values()], parts: taken };
}

/** What stands in the body of a SOAP message: the wrapping element, its content as a schema, and the headers beside it. */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { JsonSchema } from "../../operation.ts";
import type { QName } from "../model.ts";
import { childrenOf, type Part, type SoapPort, soapChild, type WsdlParts } from "./wsdl-parts.ts";
import type { XsdReader } from "./xsd.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { elementSchema } from "./xsd-properties.ts";
import { qualified, unreadableAt } from "./xsd-schemas.ts";

export interface MessageBody {
  /** `null`: an empty body. */
  readonly element: QName | null;
  /** Of the element's content. */
  readonly schema: JsonSchema;
  /** Its properties, where the content is an object. */
  readonly members:
    | readonly { readonly name: string; readonly schema: Annotated; readonly required: boolean }[]
    | undefined;
  /** Elements that the binding wants in the header. */
  readonly headers: readonly QName[];
}

interface Side {
  readonly direction: "input" | "output";
  readonly style: "document" | "rpc";
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

/** Reads one side of an operation. Throws `contract-unreadable`. */
export function bodyOf(side: Side): MessageBody {
  const { port, binding, parts, message } = side;
  const { file } = port.binding;
  if (binding?.children.some((child) => child.namespace === mime))
    throw unreadableAt(file, binding, "it sends attachments (a MIME binding), which are not supported");
  const soap = binding === undefined ? undefined : soapChild(binding, "body");
  if (soap !== undefined && attributeOf(soap, "use") === "encoded")
    throw unreadableAt(file, soap, `the ${side.style}/encoded form of SOAP is not supported, only literal`);
  const found = parts.need("message", message, "message", port.portType.file);
  const headerElements =
    binding?.children.filter((child) => child.local === "header" && child.namespace === soap?.namespace) ?? [];
  const headers = headersOf(headerElements, found, side);
  const all = childrenOf(found.element, "part");
  const listed = soap === undefined ? undefined : attributeOf(soap, "parts");
  const own =
    listed === undefined
      ? all.filter((part) => !headers.parts.has(attributeOf(part, "name") ?? ""))
      : all.filter((part) => listed.split(/\s+/).includes(attributeOf(part, "name") ?? ""));
  if (side.style === "rpc") return { ...rpc(side, found, own, soap), headers: headers.elements };
  return { ...document(side, found, own), headers: headers.elements };
}

function document(side: Side, message: Part, own: readonly XmlElement[]): Omit<MessageBody, "headers"> {
  const [part] = own;
  if (part === undefined) return { element: null, schema: empty, members: [] };
  if (own.length > 1)
    throw unreadableAt(message.file, message.element, "a document/literal message has more than one part in its body");
  const text = attributeOf(part, "element");
  if (text === undefined)
    throw unreadableAt(message.file, part, "a part of a document/literal message must name an element, not a type");
  const facts = side.reader.globalElement(qualified(message.file, part, text), message.file, part);
  const properties = side.reader.propertiesOf(facts.schema);
  const required = side.reader.requiredOf(facts.schema);
  return {
    element: facts.name,
    schema: facts.schema,
    members: properties?.map(([name, schema]) => ({ name, schema, required: required.includes(name) })),
  };
}

/** rpc/literal: an element named after the operation, with one child per part, in no namespace (WS-I Basic Profile 1.1, section 4.7.5). */
function rpc(
  side: Side,
  message: Part,
  own: readonly XmlElement[],
  soap: XmlElement | undefined,
): Omit<MessageBody, "headers"> {
  const properties: Record<string, Annotated> = Object.create(null);
  const required: string[] = [];
  for (const part of own) {
    const name = attributeOf(part, "name") ?? "";
    const element = attributeOf(part, "element");
    const type = attributeOf(part, "type");
    const facts =
      element !== undefined
        ? side.reader.globalElement(qualified(message.file, part, element), message.file, part)
        : type === undefined
          ? undefined
          : {
              name: { namespace: "", local: name },
              schema: side.reader.typeOfPart(qualified(message.file, part, type), message.file, part),
              nillable: false,
            };
    if (facts === undefined || name === "" || name === "__proto__")
      throw unreadableAt(message.file, part, "a part needs a name, and an element or a type");
    properties[name] = elementSchema({ ...facts, required: true, many: false, minItems: 1, maxItems: 1, branch: [] });
    required.push(name);
  }
  const schema = {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
  return {
    element: { namespace: (soap && attributeOf(soap, "namespace")) ?? "", local: side.wrapper },
    schema,
    members: Object.entries(properties).map(([name, member]) => ({ name, schema: member, required: true })),
  };
}

const empty: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/** The header elements that the binding names, and which parts of the body's own message they take away. */
function headersOf(
  bindings: readonly XmlElement[],
  message: Part,
  side: Side,
): { readonly elements: readonly QName[]; readonly parts: ReadonlySet<string> } {
  const elements: QName[] = [];
  const taken = new Set<string>();
  for (const header of bindings) {
    // Headers are recorded only, so a message that is missing here does no harm.
    const from = side.parts.find(
      "message",
      qualified(side.port.binding.file, header, attributeOf(header, "message") ?? ""),
    );
    if (from === undefined) continue;
    const name = attributeOf(header, "part") ?? "";
    if (from.element === message.element) taken.add(name);
    const part = childrenOf(from.element, "part").find((each) => attributeOf(each, "name") === name);
    const element = part === undefined ? undefined : attributeOf(part, "element");
    if (part !== undefined && element !== undefined) elements.push(qualified(from.file, part, element));
  }
  return { elements, parts: taken };
}

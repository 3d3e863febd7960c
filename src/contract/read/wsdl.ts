/**
 * WSDL 1.1 with XML Schema into the neutral model: document/literal, wrapped and bare, and rpc/literal, over SOAP 1.1 and 1.2.
 * (WSDL 1.1, https://www.w3.org/TR/2001/NOTE-wsdl-20010315; WS-I Basic Profile 1.1 where it is ambiguous.)
 *
 * A WSDL does not say what a repeat does, so every operation is `unrepeatable` until the system's settings say better.
 */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { JsonSchema } from "../../operation.ts";
import {
  type ContractModel,
  type FaultModel,
  frozen,
  type OperationModel,
  type QName,
  type SoapBinding,
} from "../model.ts";
import { camelCase, reservedMembers } from "./names.ts";
import type { ContractFiles } from "./source.ts";
import { type LoadedWsdl, loadWsdl, wsdl } from "./wsdl-load.ts";
import { bodyOf, type MessageBody } from "./wsdl-messages.ts";
import { childrenOf, nameOf, type Part, type SoapPort, soapChild, soapPorts, WsdlParts } from "./wsdl-parts.ts";
import { XsdReader } from "./xsd.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { allText } from "./xsd-declarations.ts";
import { identifier } from "./xsd-names.ts";
import { qualified, unreadableAt } from "./xsd-schemas.ts";

/** Reads the contract that `source` was opened on. Rejects with `contract-unreadable`: file, place and reason. */
export async function readWsdl(source: ContractFiles, name: string): Promise<ContractModel> {
  const loaded = await loadWsdl(source);
  const parts = new WsdlParts(loaded);
  const ports = soapPorts(parts, loaded);
  const reader = new XsdReader(loaded.schemas);
  const servers = [...new Set(ports.map((port) => port.address).filter((address) => address !== undefined))];
  const operations: Record<string, OperationModel> = Object.create(null);
  for (const port of ports) {
    for (const element of childrenOf(port.binding.element, "operation")) {
      const pair = { port, bound: element, abstract: abstractOperation(port, element) };
      // An operation that starts at the other side (notification) is nothing to call.
      if (firstMessage(pair.abstract) !== "input") continue;
      const own = operationName(pair, operations);
      const extra = servers.length > 1 && port.address !== undefined ? { address: port.address } : {};
      operations[own] = operation(own, pair, parts, reader, extra);
    }
  }
  const [entry] = loaded.definitions;
  if (Object.keys(operations).length === 0 && entry !== undefined)
    throw unreadableAt(entry.file, entry.root, "its SOAP bindings have no operation that can be called");
  reader.finish();
  const title = titleOf(parts, loaded);
  return frozen({
    format: 1,
    name,
    source: {
      language: "wsdl",
      languageVersion: "1.1",
      ...(title === undefined ? {} : { title }),
      files: source.files().map(({ path, sha256 }) => ({ path, sha256 })),
    },
    operations: { ...operations },
    events: {},
    schemas: { ...reader.schemas },
    servers,
  });
}

/** An operation of a binding, and what the port type says of it. */
interface Pair {
  readonly port: SoapPort;
  readonly bound: XmlElement;
  readonly abstract: XmlElement;
}

function abstractOperation(port: SoapPort, bound: XmlElement): XmlElement {
  const name = attributeOf(bound, "name") ?? "";
  const same = childrenOf(port.portType.element, "operation").filter((each) => attributeOf(each, "name") === name);
  const [first] = same;
  if (first === undefined) throw unreadableAt(port.binding.file, bound, `the port type has no operation "${name}"`);
  if (same.length === 1) return first;
  // Overloaded: told apart by the name of the input, else by position.
  const input = childrenOf(bound, "input")[0];
  const inputName = input === undefined ? undefined : attributeOf(input, "name");
  const byName = same.find((each) => inputName !== undefined && inputNameOf(each) === inputName);
  if (byName !== undefined) return byName;
  const position = childrenOf(port.binding.element, "operation")
    .filter((each) => attributeOf(each, "name") === name)
    .indexOf(bound);
  return same[position] ?? first;
}

function inputNameOf(abstract: XmlElement): string | undefined {
  const input = childrenOf(abstract, "input")[0];
  return input === undefined ? undefined : attributeOf(input, "name");
}

function firstMessage(abstract: XmlElement): string | undefined {
  return abstract.children.find((child) => child.namespace === wsdl && /^(input|output)$/.test(child.local))?.local;
}

/** The operation's name; where it is taken, with the port type's name, then the input's, then a number. */
function operationName(pair: Pair, taken: Readonly<Record<string, unknown>>): string {
  const camel = camelCase(attributeOf(pair.bound, "name") ?? "");
  const base = reservedMembers.includes(camel) ? `${camel}Operation` : camel;
  const input = inputNameOf(pair.abstract);
  const candidates = [base, `${base}_${identifier(nameOf(pair.port.portType).local)}`];
  if (input !== undefined) candidates.splice(1, 0, `${base}_${identifier(input)}`);
  for (const candidate of candidates) if (!Object.hasOwn(taken, candidate)) return candidate;
  for (let n = 2; ; n++) if (!Object.hasOwn(taken, `${base}${n}`)) return `${base}${n}`;
}

function operation(
  name: string,
  pair: Pair,
  parts: WsdlParts,
  reader: XsdReader,
  extra: { readonly address?: string },
): OperationModel {
  const { port, bound, abstract } = pair;
  const soap = soapChild(bound, "operation");
  const styleText = soap === undefined ? undefined : attributeOf(soap, "style");
  const style = styleText === "rpc" || styleText === "document" ? styleText : port.style;
  const local = attributeOf(bound, "name") ?? "";
  const side = (direction: "input" | "output"): MessageBody | undefined => {
    const message = childrenOf(abstract, direction)[0];
    if (message === undefined) return undefined;
    const binding = childrenOf(bound, direction)[0];
    const wrapper = direction === "input" ? local : `${local}Response`;
    return bodyOf({ direction, style, wrapper, message, binding, port, parts, reader });
  };
  const request = side("input");
  const response = side("output");
  const faults: Record<string, FaultModel> = Object.create(null);
  const faultElements: { element: QName; fault: string }[] = [];
  for (const fault of childrenOf(abstract, "fault")) {
    const { element, detail, description } = faultOf(fault, port, parts, reader);
    const own = identifier(attributeOf(fault, "name") ?? element.local);
    if (Object.hasOwn(faults, own)) continue;
    faults[own] = { ...(description === undefined ? {} : { description }), detail };
    faultElements.push({ element, fault: own });
  }
  const wrapped = style === "document" && request?.element?.local === local && response?.members !== undefined;
  const binding: SoapBinding = {
    protocol: "soap",
    version: port.version,
    action: soap === undefined ? "" : (attributeOf(soap, "soapAction") ?? ""),
    style,
    use: "literal",
    request: request?.element ?? null,
    response: response?.element ?? null,
    wrapped,
    faults: faultElements,
    ...((request?.headers.length ?? 0) === 0 ? {} : { headers: request?.headers ?? [] }),
    ...extra,
  };
  const description = wsdlDocumentation(abstract) ?? wsdlDocumentation(bound);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    effect: "unrepeatable",
    input: request?.schema ?? noInput,
    output: outputOf(response, wrapped || style === "rpc"),
    faults: { ...faults },
    binding,
  };
}

const noInput: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/** The only child of a wrapper is the output; a wrapper without children gives null. */
function outputOf(response: MessageBody | undefined, unwrap: boolean): JsonSchema {
  if (response === undefined || response.element === null) return { type: "null" };
  const { members } = response;
  if (members === undefined || !unwrap) return response.schema;
  if (members.length === 0) return { type: "null" };
  const [only] = members;
  if (members.length > 1 || only === undefined || only.schema.xml?.attribute === true || only.schema.xml?.text === true)
    return response.schema;
  if (only.required || only.schema.xml?.many === true) return only.schema;
  const { xml, description, ...rest } = only.schema;
  // Absent is null, whether or not the element is nillable.
  return {
    ...(description === undefined ? {} : { description }),
    anyOf: xml?.nillable === true ? (rest.anyOf as JsonSchema[]) : [typed(rest, xml), { type: "null" }],
    xml: {
      name: xml?.name ?? "",
      namespace: xml?.namespace ?? "",
      ...(xml?.nillable === true ? { nillable: true } : {}),
      optional: true,
    },
  };
}

/** The schema of the type alone: what its note says of the property is taken off. */
function typed(schema: Annotated, xml: Annotated["xml"]): Annotated {
  const note = {
    ...(xml?.list === undefined ? {} : { list: xml.list }),
    ...(xml?.space === undefined ? {} : { space: xml.space }),
    ...(xml?.any === undefined ? {} : { any: xml.any }),
    ...(xml?.type === undefined ? {} : { type: xml.type }),
  };
  return Object.keys(note).length === 0 ? schema : { ...schema, xml: note };
}

function faultOf(
  fault: XmlElement,
  port: SoapPort,
  parts: WsdlParts,
  reader: XsdReader,
): { readonly element: QName; readonly detail: JsonSchema; readonly description: string | undefined } {
  const message: Part = parts.need("message", fault, "message", port.portType.file);
  const [part] = childrenOf(message.element, "part");
  if (part === undefined) throw unreadableAt(message.file, message.element, "the message of a fault has no part");
  const element = attributeOf(part, "element");
  const description = wsdlDocumentation(fault);
  if (element !== undefined) {
    const facts = reader.globalElement(qualified(message.file, part, element), message.file, part);
    return { element: facts.name, detail: facts.schema, description };
  }
  const type = attributeOf(part, "type");
  if (type === undefined) throw unreadableAt(message.file, part, "a part has neither element nor type");
  const schema = reader.typeOfPart(qualified(message.file, part, type), message.file, part);
  return { element: { namespace: "", local: attributeOf(part, "name") ?? "" }, detail: schema, description };
}

function wsdlDocumentation(element: XmlElement): string | undefined {
  const [found] = childrenOf(element, "documentation");
  const text = found === undefined ? "" : allText(found).replace(/\s+/g, " ").trim().slice(0, 2000);
  return text === "" ? undefined : text;
}

function titleOf(parts: WsdlParts, loaded: LoadedWsdl): string | undefined {
  const [service] = parts.all("service");
  const [entry] = loaded.definitions;
  return service === undefined ? entry && attributeOf(entry.root, "name") : nameOf(service).local;
}

/**
 * WSDL 1.1 with XML Schema into the neutral model: document and rpc, literal and encoded, wrapped and bare, over SOAP 1.1, SOAP 1.2
 * and plain HTTP.
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
import { httpOperation } from "./wsdl-http.ts";
import { type LoadedWsdl, loadWsdl, wsdl } from "./wsdl-load.ts";
import { bodyOf, hasAttachments, type MessageBody, useOf, withHeaders } from "./wsdl-messages.ts";
import {
  childrenOf,
  type HttpPort,
  nameOf,
  type Part,
  portsOf,
  type SoapPort,
  soapChild,
  WsdlParts,
} from "./wsdl-parts.ts";
import { XsdReader } from "./xsd.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { allText } from "./xsd-declarations.ts";
import { identifier } from "./xsd-names.ts";
import { qualified, unreadableAt } from "./xsd-schemas.ts";

/** Reads the contract that `source` was opened on. Rejects with `contract-unreadable`: file, place and reason. */
export async function readWsdl(source: ContractFiles, name: string): Promise<ContractModel> {
  const loaded = await loadWsdl(source);
  const parts = new WsdlParts(loaded);
  const ports = portsOf(parts, loaded);
  const encoded = ports.soap.some((port) => childrenOf(port.binding.element, "operation").some(isEncoded));
  const reader = new XsdReader(loaded.schemas, encoded);
  const found = [...ports.soap, ...ports.http].map((port) => port.address);
  const servers = [...new Set(found.filter((address) => address !== undefined && address !== ""))] as string[];
  const operations: Record<string, OperationModel> = Object.create(null);
  const leftOut: { operation: string; reason: string }[] = [];
  const offered = new Set<string>();
  const each = (port: SoapPort | HttpPort, take: (pair: Pair) => OperationModel | string): void => {
    for (const bound of childrenOf(port.binding.element, "operation")) {
      const pair = { port, bound, abstract: abstractOperation(port, bound) };
      const local = attributeOf(bound, "name") ?? "";
      // An operation that starts at the other side (notification, solicit-response) is nothing to call.
      const taken =
        firstMessage(pair.abstract) === "input" ? take(pair) : "it is started by the system, not by a caller";
      if (typeof taken === "string") leftOut.push({ operation: local, reason: taken });
      else operations[taken.name] = taken;
    }
  };
  const place = (port: SoapPort | HttpPort): { readonly address?: string } =>
    servers.length > 1 && port.address !== undefined && port.address !== "" ? { address: port.address } : {};
  for (const port of ports.soap) {
    each(port, (pair) => {
      if (["input", "output"].some((side) => childrenOf(pair.bound, side).some(hasAttachments)))
        return "it sends attachments (a MIME binding), which are not spoken";
      offered.add(`${port.service} ${attributeOf(pair.bound, "name")}`);
      return operation(operationName(pair, operations), { ...pair, port }, parts, reader, place(port));
    });
  }
  for (const port of ports.http) {
    each(port, (pair) => {
      const key = `${port.service} ${attributeOf(pair.bound, "name")}`;
      if (offered.has(key)) return "";
      offered.add(key);
      const found = httpOperation(pair.bound, pair.abstract, { port, parts, reader });
      if (typeof found === "string") return found;
      const { input, output, binding } = found;
      const description = wsdlDocumentation(pair.abstract);
      return {
        name: operationName(pair, operations),
        ...(description === undefined ? {} : { description }),
        effect: "unrepeatable",
        input,
        output,
        faults: {},
        binding: { ...binding, ...place(port) },
      };
    });
  }
  const told = leftOut.filter(({ reason }) => reason !== "");
  const [entry] = loaded.definitions;
  if (Object.keys(operations).length === 0 && entry !== undefined) {
    const why = told.map((one) => `${one.operation}: ${one.reason}`).slice(0, 3);
    const reasons = why.length === 0 ? "" : ` (${why.join("; ")})`;
    throw unreadableAt(entry.file, entry.root, `its bindings have no operation that can be called${reasons}`);
  }
  reader.finish();
  const title = titleOf(parts, loaded);
  const notes = [...parts.notes.all, ...loaded.schemas.notes.all].slice(0, 100);
  return frozen({
    format: 1,
    name,
    source: {
      language: "wsdl",
      languageVersion: "1.1",
      ...(title === undefined ? {} : { title }),
      files: source.files().map(({ path, sha256 }) => ({ path, sha256 })),
      ...(told.length === 0 ? {} : { leftOut: told }),
      ...(notes.length === 0 ? {} : { notes }),
    },
    operations: { ...operations },
    events: {},
    schemas: { ...reader.schemas },
    servers,
  });
}

/** An operation of a binding, and what the port type says of it. */
interface Pair {
  readonly port: SoapPort | HttpPort;
  readonly bound: XmlElement;
  readonly abstract: XmlElement;
}

function abstractOperation(port: SoapPort | HttpPort, bound: XmlElement): XmlElement {
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

function isEncoded(bound: XmlElement): boolean {
  return ["input", "output"].some((side) => useOf(childrenOf(bound, side)[0]) === "encoded");
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
  pair: Pair & { readonly port: SoapPort },
  parts: WsdlParts,
  reader: XsdReader,
  extra: { readonly address?: string },
): OperationModel {
  const { port, bound, abstract } = pair;
  const soap = soapChild(bound, "operation");
  const styleText = soap === undefined ? undefined : attributeOf(soap, "style");
  const style = styleText === "rpc" || styleText === "document" ? styleText : port.style;
  const local = attributeOf(bound, "name") ?? "";
  const use = isEncoded(bound) ? "encoded" : "literal";
  const side = (direction: "input" | "output"): MessageBody | undefined => {
    const message = childrenOf(abstract, direction)[0];
    if (message === undefined) return undefined;
    const binding = childrenOf(bound, direction)[0];
    const wrapper = direction === "input" ? local : `${local}Response`;
    return bodyOf({ direction, style, use, wrapper, message, binding, port, parts, reader });
  };
  const request = side("input");
  const response = side("output");
  const faults: Record<string, FaultModel> = Object.create(null);
  const faultElements: { element: QName; fault: string }[] = [];
  for (const fault of childrenOf(abstract, "fault")) {
    const found = faultOf(fault, port, parts, reader);
    if (found === undefined) {
      parts.notes.add(port.portType.file, fault, "the message of the fault has no part: nothing tells it from another");
      continue;
    }
    const { element, detail, description } = found;
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
    use,
    request: request?.element ?? null,
    response: response?.element ?? null,
    ...(response?.element === null && response.members?.length !== 0 ? { bodyOutput: true as const } : {}),
    wrapped,
    faults: faultElements,
    ...(request === undefined || request.headers.length === 0
      ? {}
      : { headers: request.headers.map((header) => header.name) }),
    ...extra,
  };
  const description = wsdlDocumentation(abstract) ?? wsdlDocumentation(bound);
  return {
    name,
    ...(description === undefined ? {} : { description }),
    effect: "unrepeatable",
    input: request === undefined ? noInput : withHeaders(request, reader),
    output: outputOf(response, wrapped || style === "rpc"),
    faults: { ...faults },
    binding,
  };
}

const noInput: JsonSchema = { type: "object", properties: {}, additionalProperties: false };

/** The only child of a wrapper is the output; a wrapper without children gives null. */
function outputOf(response: MessageBody | undefined, unwrap: boolean): JsonSchema {
  const { members } = response ?? {};
  if (response === undefined || (response.element === null && members?.length === 0)) return { type: "null" };
  if (response.element === null) return response.schema;
  if (members === undefined || !unwrap) return response.schema;
  if (members.length === 0) return { type: "null" };
  const [only] = members;
  // What is no element by itself (an attribute, text, rounds, a wildcard) is not taken out of its wrapper.
  if (members.length > 1 || only?.schema.xml?.name === undefined || only.schema.xml.attribute === true)
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
): { readonly element: QName; readonly detail: JsonSchema; readonly description: string | undefined } | undefined {
  const message: Part = parts.need("message", fault, "message", port.portType.file);
  const [part] = childrenOf(message.element, "part");
  if (part === undefined) return undefined;
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

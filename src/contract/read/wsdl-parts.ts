/** The parts of a WSDL by name - messages, port types, bindings - and which ports of its services are worth calling. */
import { attributeOf, namespaceOf, placeOf, type XmlElement } from "../../formats/xml.ts";
import type { QName } from "../model.ts";
import { type LoadedWsdl, wsdl } from "./wsdl-load.ts";
import { Notes, qualified, shownName, unreadableAt } from "./xsd-schemas.ts";

/** Binding elements of SOAP 1.1 (WSDL 1.1, section 3) and SOAP 1.2 (its W3C submission). */
const soapNamespaces: ReadonlyMap<string, "1.1" | "1.2"> = new Map([
  ["http://schemas.xmlsoap.org/wsdl/soap/", "1.1"],
  ["http://schemas.xmlsoap.org/wsdl/soap12/", "1.2"],
]);

const httpTransports = new Set([
  "http://schemas.xmlsoap.org/soap/http",
  "http://schemas.xmlsoap.org/soap/http/",
  "http://www.w3.org/2003/05/soap/bindings/HTTP/",
  "http://www.w3.org/2003/05/soap/bindings/HTTP",
]);

type PartKind = "message" | "portType" | "binding" | "service";

/** A part and the file it stands in. */
export interface Part {
  readonly element: XmlElement;
  readonly file: string;
  readonly namespace: string;
}

/** A SOAP binding that will be read, with its port where there is one. */
export interface SoapPort {
  readonly binding: Part;
  readonly portType: Part;
  readonly version: "1.1" | "1.2";
  readonly style: "document" | "rpc";
  readonly service: string | undefined;
  readonly address: string | undefined;
}

/** A binding over plain HTTP with its port. */
export interface HttpPort {
  readonly binding: Part;
  readonly portType: Part;
  readonly method: "GET" | "POST";
  readonly service: string | undefined;
  readonly address: string | undefined;
}

export interface Ports {
  readonly soap: readonly SoapPort[];
  readonly http: readonly HttpPort[];
}

export class WsdlParts {
  readonly #parts = new Map<string, Part>();
  readonly notes = new Notes();

  constructor(loaded: LoadedWsdl) {
    for (const { file, root, namespace } of loaded.definitions) {
      for (const element of root.children) {
        if (element.namespace !== wsdl || !/^(message|portType|binding|service)$/.test(element.local)) continue;
        const local = attributeOf(element, "name");
        if (local === undefined) throw unreadableAt(file, element, `a ${element.local} has no name`);
        const key = `${element.local} ${shownName({ namespace, local })}`;
        const other = this.#parts.get(key);
        if (other !== undefined)
          throw unreadableAt(
            file,
            element,
            `the ${key} is defined a second time; the first is in ${other.file} at ${placeOf(other.element)}`,
          );
        this.#parts.set(key, { element, file, namespace });
      }
    }
  }

  all(kind: PartKind): readonly Part[] {
    return [...this.#parts.values()].filter((part) => part.element.local === kind);
  }

  find(kind: PartKind, name: QName): Part | undefined {
    return this.#parts.get(`${kind} ${shownName(name)}`);
  }

  #named(kind: PartKind, from: XmlElement, text: string): Part | undefined {
    const prefix = /^\s*([^:]*):/.exec(text)?.[1] ?? "";
    const declared = namespaceOf(from.scope, prefix);
    return declared === undefined ? undefined : this.find(kind, qualified("", from, text));
  }

  /** The part that an attribute of `from` names, or `contract-unreadable`. */
  need(kind: PartKind, from: XmlElement, attribute: string, file: string): Part {
    const text = attributeOf(from, attribute);
    if (text === undefined) throw unreadableAt(file, from, `<${from.local}> names no ${kind}`);
    const found = this.#named(kind, from, text);
    if (found !== undefined) return found;
    // A prefix is often forgotten or wrong; where just one part has the name, there is no doubt.
    const local = text.trim().replace(/^.*:/, "");
    const [only, ...others] = this.all(kind).filter((part) => nameOf(part).local === local);
    if (only === undefined || others.length > 0)
      throw unreadableAt(file, from, `the ${kind} ${shownName(qualified(file, from, text))} is defined nowhere`);
    this.notes.add(file, from, `the ${kind} "${text}" is taken to be ${shownName(nameOf(only))}`);
    return only;
  }
}

/**
 * The ports that can be called: of each service one per port type, SOAP 1.1 before 1.2, and those over plain HTTP. Where there
 * is no service, the bindings themselves. Rejects a contract that has none, saying what it has.
 */
export function portsOf(parts: WsdlParts, loaded: LoadedWsdl): Ports {
  const others: string[] = [];
  const soap: SoapPort[] = [];
  const http: HttpPort[] = [];
  const consider = (binding: Part, service: string | undefined, address: string | undefined): void => {
    const found = soapBinding(binding);
    const portType = (): Part => parts.need("portType", binding.element, "type", binding.file);
    if (typeof found === "string") others.push(found);
    else if ("method" in found) http.push({ ...found, binding, portType: portType(), service, address });
    else soap.push({ ...found, binding, portType: portType(), service, address });
  };
  for (const service of parts.all("service")) {
    for (const port of childrenOf(service.element, "port")) {
      const binding = parts.need("binding", port, "binding", service.file);
      const address = port.children.find((child) => child.local === "address");
      consider(
        binding,
        attributeOf(service.element, "name"),
        address === undefined ? undefined : attributeOf(address, "location")?.trim(),
      );
    }
  }
  if (soap.length + http.length + others.length === 0)
    for (const binding of parts.all("binding")) consider(binding, undefined, undefined);

  const chosen = new Map<string, SoapPort>();
  for (const port of soap) {
    const key = `${port.service} ${shownName(nameOf(port.portType))}`;
    const other = chosen.get(key);
    if (other === undefined || (other.version === "1.2" && port.version === "1.1")) chosen.set(key, port);
  }
  const [entry] = loaded.definitions;
  if (chosen.size + http.length === 0 && entry !== undefined) {
    const has = others.length === 0 ? "it has no binding" : `it has only ${[...new Set(others)].sort().join(", ")}`;
    throw unreadableAt(entry.file, entry.root, `there is no SOAP binding over HTTP: ${has}`);
  }
  return { soap: [...chosen.values()], http };
}

/** The qualified name of a part. */
export function nameOf(part: Part): QName {
  return { namespace: part.namespace, local: attributeOf(part.element, "name") ?? "" };
}

export function childrenOf(element: XmlElement, local: string): readonly XmlElement[] {
  return element.children.filter((child) => child.namespace === wsdl && child.local === local);
}

/** The element of a SOAP binding inside another one, such as `soap:body`. */
export function soapChild(inside: XmlElement | readonly XmlElement[], local: string): XmlElement | undefined {
  const elements = "children" in inside ? inside.children : inside;
  return elements.find((child) => child.local === local && soapNamespaces.has(child.namespace));
}

type Protocol = { version: "1.1" | "1.2"; style: "document" | "rpc" } | { method: "GET" | "POST" };

const http = "http://schemas.xmlsoap.org/wsdl/http/";

/** What a binding speaks, or what else it is. */
function soapBinding(binding: Part): Protocol | string {
  const soap = soapChild(binding.element, "binding");
  if (soap === undefined) {
    const other = binding.element.children.find((child) => child.local === "binding" || child.local === "address");
    if (other === undefined) return "a binding without a protocol";
    const verb = attributeOf(other, "verb")?.trim().toUpperCase();
    if (other.namespace === http && (verb === "GET" || verb === "POST")) return { method: verb };
    return verb === undefined ? `a binding of ${other.namespace}` : `HTTP ${verb} bindings`;
  }
  const transport = attributeOf(soap, "transport");
  if (transport !== undefined && !httpTransports.has(transport)) return `SOAP over ${transport}`;
  return {
    version: soapNamespaces.get(soap.namespace) ?? "1.1",
    style: attributeOf(soap, "style") === "rpc" ? "rpc" : "document",
  };
}

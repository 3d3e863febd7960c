/**
 * Envelopes of SOAP 1.1 (https://www.w3.org/TR/2000/NOTE-SOAP-20000508) and SOAP 1.2 part 1: writing a request, and taking
 * an answer apart into body or fault. Nothing here knows a contract.
 */
import { attributeOf, namespaceOf, type XmlElement } from "../formats/xml.ts";
import type { Prefixes } from "../formats/xml-write.ts";
import { rejections, understood, wsse } from "./ws-security.ts";

export type SoapVersion = "1.1" | "1.2";

/** Namespace of the envelope. */
export const envelopeNamespaces: Readonly<Record<SoapVersion, string>> = {
  "1.1": "http://schemas.xmlsoap.org/soap/envelope/",
  "1.2": "http://www.w3.org/2003/05/soap-envelope",
};

/** A whole request. `header` and `body` must have been written with the same `prefixes`. */
export function envelope(prefixes: Prefixes, version: SoapVersion, header: string, body: string): string {
  const tag = (local: string): string => prefixes.tag({ namespace: envelopeNamespaces[version], local });
  const top = tag("Envelope");
  const head = header === "" ? "" : `<${tag("Header")}>${header}</${tag("Header")}>`;
  const inside = `${head}<${tag("Body")}>${body}</${tag("Body")}>`;
  return `<?xml version="1.0" encoding="utf-8"?>\n<${top}${prefixes.declarations()}>${inside}</${top}>`;
}

/** Who is to blame, in the words of the fault code. `receiver` also stands for codes that are not SOAP's own. */
export type Blame = "sender" | "receiver";

export interface SoapFault {
  readonly kind: "fault";
  /** Local name of the code, the most telling one: `Server`, `FailedAuthentication`. */
  readonly code: string;
  readonly blame: Blame;
  readonly reason: string;
  readonly details: readonly XmlElement[];
  /** Everything in the body: what a detail may refer to (SOAP encoding). */
  readonly body: readonly XmlElement[];
}

export type SoapAnswer =
  | { readonly kind: "body"; readonly elements: readonly XmlElement[] }
  | SoapFault
  /** Not an envelope as it should be; `reason` completes "the answer ...". */
  | { readonly kind: "unusable"; readonly reason: string };

/** Takes an answer apart. A fault may come in the envelope of either version, an answer in that of the request only. */
export function openEnvelope(root: XmlElement, version: SoapVersion, now: number): SoapAnswer {
  const found = versionOf(root.namespace);
  if (root.local !== "Envelope" || found === undefined) return unusable("is XML, but no SOAP envelope");
  const { namespace } = root;
  const [body, ...more] = root.children.filter((child) => child.namespace === namespace && child.local === "Body");
  if (body === undefined || more.length > 0) return unusable("has no body, or more than one");
  const fault = body.children.find((child) => child.namespace === namespace && child.local === "Fault");
  if (fault !== undefined)
    return fault.children.some((child) => child.local === "Code") ? fault12(fault, body) : fault11(fault, body);
  if (found !== version) return unusable(`is a SOAP ${found} envelope, and the contract says SOAP ${version}`);
  for (const header of root.children) {
    if (header.namespace !== namespace || header.local !== "Header") continue;
    for (const block of header.children) {
      if (!isForUs(block, namespace)) continue;
      if (block.namespace === wsse && block.local === "Security" && understood(block, now)) continue;
      return unusable(`has the header {${block.namespace}}${block.local}, which must be understood and is not`);
    }
  }
  return { kind: "body", elements: body.children };
}

/** The version whose envelope stands in that namespace. */
export function versionOf(namespace: string): SoapVersion | undefined {
  if (namespace === envelopeNamespaces["1.1"]) return "1.1";
  return namespace === envelopeNamespaces["1.2"] ? "1.2" : undefined;
}

function unusable(reason: string): SoapAnswer {
  return { kind: "unusable", reason };
}

/** Whether whoever opens the envelope must understand the block. */
export function isForUs(block: XmlElement, namespace: string): boolean {
  const text = attributeOf(block, "mustUnderstand", namespace)?.trim();
  if (text !== "1" && text !== "true") return false;
  // Meant for somebody on the way, unless it names nobody, the next one or the last one.
  const actor = attributeOf(block, "actor", namespace) ?? attributeOf(block, "role", namespace) ?? "";
  return actor === "" || /\/(next|ultimateReceiver)$/.test(actor);
}

/** SOAP 1.1, section 4.4. The children stand in no namespace; some systems put them into the envelope's. */
function fault11(fault: XmlElement, body: XmlElement): SoapFault {
  const child = (local: string): XmlElement | undefined => fault.children.find((each) => each.local === local);
  const code = child("faultcode");
  const { namespace, local } = codeName(code);
  // "Client.Authentication" is a kind of "Client" (section 4.4.1).
  const general = local.split(".")[0] ?? local;
  return {
    kind: "fault",
    code: local,
    blame: isSender(general, namespace) ? "sender" : "receiver",
    reason: textOf(child("faultstring")),
    details: child("detail")?.children ?? [],
    body: body.children,
  };
}

/** SOAP 1.2 part 1, section 5.4. Some systems send its children without the namespace, or in an envelope of 1.1. */
function fault12(fault: XmlElement, body: XmlElement): SoapFault {
  const inside = (element: XmlElement | undefined, local: string): XmlElement | undefined =>
    element?.children.find((each) => each.local === local);
  const code = inside(fault, "Code");
  const general = codeName(inside(code, "Value"));
  const special = codeName(inside(inside(code, "Subcode"), "Value"));
  const sender = isSender(general.local, general.namespace) || isSender(special.local, special.namespace);
  return {
    kind: "fault",
    code: special.local === "" ? general.local : special.local,
    blame: sender ? "sender" : "receiver",
    reason: textOf(inside(inside(fault, "Reason"), "Text")),
    details: inside(fault, "Detail")?.children ?? [],
    body: body.children,
  };
}

function codeName(element: XmlElement | undefined): { readonly namespace: string; readonly local: string } {
  const text = element?.text.trim() ?? "";
  const colon = text.indexOf(":");
  const namespace = element && colon > 0 ? namespaceOf(element.scope, text.slice(0, colon)) : undefined;
  return { namespace: namespace ?? "", local: text.slice(colon + 1).slice(0, 100) };
}

const senderCodes = new Set(["Client", "Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown"]);

function isSender(local: string, namespace: string): boolean {
  return senderCodes.has(local) || (namespace === wsse && rejections.has(local));
}

function textOf(element: XmlElement | undefined): string {
  return element?.text.replace(/\s+/g, " ").trim() ?? "";
}

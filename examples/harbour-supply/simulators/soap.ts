/**
 * What the ERP needs of SOAP 1.1 and WS-Security: parsing an envelope into a tree, checking a UsernameToken, writing answers and
 * faults. A SOAP stack of its own, so that it does not share Mortise's mistakes.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { SaxesParser } from "saxes";
import type { Answer } from "./control.ts";

export interface Element {
  readonly uri: string;
  readonly local: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

const soapUri = "http://schemas.xmlsoap.org/soap/envelope/";
const wss = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";
const secext = `${wss}wssecurity-secext-1.0.xsd`;
const digestType = `${wss}username-token-profile-1.0#PasswordDigest`;
const freshMs = 5 * 60_000;

/** Parses a document. Throws on anything not well-formed and on any DOCTYPE. */
export function parseXml(text: string): Element {
  const parser = new SaxesParser({ xmlns: true });
  const root: Element = { uri: "", local: "#document", attributes: {}, children: [], text: "" };
  const open = [root];
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("doctype", () => {
    throw new Error("a DOCTYPE is not accepted");
  });
  parser.on("opentag", (tag) => {
    const attributes: Record<string, string> = Object.create(null);
    for (const attribute of Object.values(tag.attributes)) attributes[attribute.local] = attribute.value;
    const element: Element = { uri: tag.uri, local: tag.local, attributes, children: [], text: "" };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  const addText = (part: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += part;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => void open.pop());
  parser.write(text).close();
  const document = root.children[0];
  if (document === undefined) throw new Error("there is no element");
  return document;
}

/** The first child called `local` (of `uri`, if given). */
export function child(element: Element | undefined, local: string, uri?: string): Element | undefined {
  return element?.children.find((inner) => inner.local === local && (uri === undefined || inner.uri === uri));
}

/** The trimmed text of the first child called `local`. */
export function textOf(element: Element | undefined, local: string): string | undefined {
  return child(element, local)?.text.trim();
}

/** Header and first body element of a SOAP 1.1 envelope; throws if it is none. */
export function readEnvelope(text: string): { readonly header: Element | undefined; readonly request: Element } {
  const envelope = parseXml(text);
  const request = child(envelope, "Body", soapUri)?.children[0];
  if (envelope.local !== "Envelope" || envelope.uri !== soapUri || request === undefined) {
    throw new Error("not a SOAP 1.1 envelope with a body");
  }
  return { header: child(envelope, "Header", soapUri), request };
}

/** Nonces seen within the freshness window, by time. */
export type Nonces = Map<string, number>;

/**
 * Checks a UsernameToken (WSS UsernameToken Profile 1.1.1, section 3): user, password digest
 * `Base64(SHA-1(nonce + created + password))`, age, and that the nonce was not seen before. Returns the fault code on refusal.
 */
export function checkToken(
  header: Element | undefined,
  user: string,
  password: string,
  nonces: Nonces,
  now: number,
): { readonly refused: string } | { readonly nonce: string } {
  const token = child(child(header, "Security", secext), "UsernameToken", secext);
  if (token === undefined) return { refused: "InvalidSecurity" };
  const given = child(token, "Password", secext);
  const nonce = textOf(token, "Nonce");
  const created = textOf(token, "Created");
  if (given === undefined || nonce === undefined || created === undefined) return { refused: "InvalidSecurityToken" };
  if (given.attributes.Type !== digestType) return { refused: "UnsupportedSecurityToken" };
  const age = Math.abs(now - Date.parse(created));
  if (!(age <= freshMs)) return { refused: "MessageExpired" };
  const wanted = createHash("sha1").update(Buffer.from(nonce, "base64")).update(created).update(password).digest();
  const sent = Buffer.from(given.text.trim(), "base64");
  const fits = sent.length === wanted.length && timingSafeEqual(sent, wanted);
  if (!fits || textOf(token, "Username") !== user) return { refused: "FailedAuthentication" };
  for (const [old, at] of nonces) if (now - at > 2 * freshMs) nonces.delete(old);
  if (nonces.has(nonce)) return { refused: "FailedAuthentication" };
  nonces.set(nonce, now);
  return { nonce };
}

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => escapes[character] ?? character);
}

/** `<name>text</name>` for each entry, in order; `undefined` is left out. */
export function elements(fields: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join("");
}

const xml = { "content-type": "text/xml; charset=utf-8" };

/** A body in an envelope. */
export function envelope(body: string, status = 200): Answer {
  const text = `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="${soapUri}"><soap:Body>${body}</soap:Body></soap:Envelope>`;
  return { status, headers: xml, body: text };
}

/** A SOAP 1.1 fault (section 4.4): HTTP 500, `detail` only where the fault is about the body. */
export function fault(code: string, message: string, detail = ""): Answer {
  const inner = detail === "" ? "" : `<detail>${detail}</detail>`;
  const scope = code.includes(":") ? "" : "soap:";
  return envelope(
    `<soap:Fault xmlns:wsse="${secext}"><faultcode>${scope}${code}</faultcode><faultstring>${escapeXml(message)}</faultstring>${inner}</soap:Fault>`,
    500,
  );
}

/**
 * XML text or bytes to a small tree: resolved names, attributes, children, text, and where each element begins.
 *
 * Made for hostile input. A DOCTYPE is always refused, so there are no entities but the five of XML itself, nothing
 * external is ever fetched, and depth, attributes, elements and size are capped while parsing. The depth cap is also what
 * keeps the parser linear: with namespaces, saxes looks up a prefix through every open element.
 */
import { type SaxesAttributeNS, SaxesParser } from "saxes";
import { failure, type MortiseError } from "../errors.ts";

export interface XmlName {
  /** Namespace name; empty for none. */
  readonly namespace: string;
  readonly local: string;
}

export interface XmlAttribute extends XmlName {
  readonly value: string;
}

export interface XmlElement extends XmlName {
  /** Without the namespace declarations. */
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** All character data directly inside, CDATA too; empty where there is only white space between children. */
  readonly text: string;
  /** How many characters of the parent's text stand before it: the order of mixed content. */
  readonly after: number;
  /** Both count from 1; they point at the `<`. */
  readonly line: number;
  readonly column: number;
  /** Prefixes in scope, for qualified names inside values (`type="tns:Order"`). */
  readonly scope: XmlScope;
}

/** The prefixes that an element declares, and its parent's. */
export interface XmlScope {
  readonly declared: ReadonlyMap<string, string>;
  readonly outer: XmlScope | undefined;
}

/** The `details` of `xml-malformed` and `xml-limit`. `place` is line and column: `12:5`. */
export interface XmlTrouble {
  readonly place: string;
  readonly reason: string;
}

/** Caps; each one is refused with `xml-limit`. */
export interface XmlLimits {
  /** Elements inside each other. Default 64, at most 256. */
  readonly depth?: number;
  /** Attributes of one element, declarations of namespaces too. Default 64. */
  readonly attributes?: number;
  /** Elements in all. Default 100 000. */
  readonly elements?: number;
  /** Bytes, or characters where text is given. Default 8 MiB. */
  readonly bytes?: number;
}

/** Where the limits say nothing. */
export const xmlDefaults = { depth: 64, attributes: 64, elements: 100_000, bytes: 8 * 1024 * 1024 } as const;

const deepest = 256;
const noDeclarations: ReadonlyMap<string, string> = new Map();
const xmlns = "http://www.w3.org/2000/xmlns/";
/** The namespace of `xml:lang` and its like (Namespaces in XML 1.0, section 3). */
export const xmlNamespace = "http://www.w3.org/XML/1998/namespace";

interface OpenElement {
  namespace: string;
  local: string;
  attributes: readonly XmlAttribute[];
  children: XmlElement[];
  text: string;
  after: number;
  line: number;
  column: number;
  scope: XmlScope;
}

/**
 * Parses one document (XML 1.0 and Namespaces in XML 1.0, not validating) and returns its root.
 *
 * @param charset Of the Content-Type header, if it has one; a byte order mark wins over it (RFC 7303, section 3).
 * @throws `xml-malformed` with line and column; `xml-limit` beyond a cap.
 */
export function parseXml(input: string | Uint8Array, limits: XmlLimits = {}, charset?: string): XmlElement {
  const cap = {
    depth: Math.min(limits.depth ?? xmlDefaults.depth, deepest),
    attributes: limits.attributes ?? xmlDefaults.attributes,
    elements: limits.elements ?? xmlDefaults.elements,
    bytes: limits.bytes ?? xmlDefaults.bytes,
  };
  const size = typeof input === "string" ? input.length : input.byteLength;
  if (size > cap.bytes) throw beyond("1:1", `the document is larger than ${cap.bytes} bytes`);
  const text = typeof input === "string" ? withoutMark(input) : decodeXml(input, charset);

  const parser = new SaxesParser({ xmlns: true, defaultXMLVersion: "1.0", forceXMLVersion: true });
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  let attributes = 0;
  let line = 1;
  let column = 1;
  const here = (): string => `${parser.line}:${parser.column + 1}`;

  parser.on("error", (error) => {
    // saxes puts "line:column: " before its sentence, which the place already says.
    throw malformed(here(), error.message.replace(/^[^ ]*\d+:\d+: /, "").replace(/\.$/, ""));
  });
  parser.on("doctype", () => {
    throw malformed(here(), "a DOCTYPE is not allowed");
  });
  parser.on("opentagstart", (tag) => {
    elements += 1;
    attributes = 0;
    // saxes has read "<", the name and the character after it.
    line = parser.line;
    column = parser.column - tag.name.length - 1;
    if (column < 1) {
      // That character was a line feed.
      line -= 1;
      const start = parser.position - tag.name.length - 2;
      column = start - text.lastIndexOf("\n", start - 1);
    }
    if (open.length >= cap.depth) throw beyond(`${line}:${column}`, `elements are nested deeper than ${cap.depth}`);
    if (elements > cap.elements) throw beyond(`${line}:${column}`, `there are more than ${cap.elements} elements`);
  });
  parser.on("attribute", () => {
    attributes += 1;
    if (attributes > cap.attributes) throw beyond(here(), `an element has more than ${cap.attributes} attributes`);
  });
  parser.on("opentag", (tag) => {
    const outer = open.at(-1)?.scope;
    let declared: Map<string, string> | undefined;
    const own: XmlAttribute[] = [];
    for (const name in tag.attributes) {
      const attribute = tag.attributes[name] as SaxesAttributeNS;
      if (attribute.uri === xmlns) {
        declared ??= new Map();
        declared.set(attribute.prefix === "" ? "" : attribute.local, attribute.value);
      } else own.push({ namespace: attribute.uri, local: attribute.local, value: attribute.value });
    }
    const scope =
      declared === undefined && outer !== undefined ? outer : { declared: declared ?? noDeclarations, outer };
    const after = open.at(-1)?.text.length ?? 0;
    const { uri: namespace, local } = tag;
    open.push({ namespace, local, attributes: own, children: [], text: "", after, line, column, scope });
  });
  const append = (data: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += data;
  };
  parser.on("text", append);
  parser.on("cdata", append);
  parser.on("closetag", () => {
    const element = open.pop();
    if (element === undefined) return;
    if (element.children.length > 0 && /^[ \t\r\n]*$/.test(element.text)) element.text = "";
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });

  parser.write(text).close();
  if (root === undefined) throw malformed("1:1", "there is no element");
  return root;
}

/** What stands inside an element in its order: text and elements. */
export function contentOf(element: XmlElement): readonly (string | XmlElement)[] {
  const content: (string | XmlElement)[] = [];
  let from = 0;
  for (const child of element.children) {
    if (child.after > from && element.text !== "") content.push(element.text.slice(from, child.after));
    from = child.after;
    content.push(child);
  }
  if (from < element.text.length) content.push(element.text.slice(from));
  return content;
}

/** Where an element stands, as it is put into errors: `12:5`. */
export function placeOf(element: XmlElement): string {
  return `${element.line}:${element.column}`;
}

/** The value of an attribute, `undefined` where it is absent. */
export function attributeOf(element: XmlElement, local: string, namespace = ""): string | undefined {
  for (const attribute of element.attributes) {
    if (attribute.local === local && attribute.namespace === namespace) return attribute.value;
  }
  return undefined;
}

/** The namespace that a prefix stands for at an element; `undefined` if it is not declared there. */
export function namespaceOf(scope: XmlScope, prefix: string): string | undefined {
  if (prefix === "xml") return xmlNamespace;
  for (let at: XmlScope | undefined = scope; at !== undefined; at = at.outer) {
    const found = at.declared.get(prefix);
    if (found !== undefined) return found;
  }
  return prefix === "" ? "" : undefined;
}

/** Decodes by byte order mark, then `charset`, then the XML declaration, else UTF-8. Bad bytes are refused. */
function decodeXml(bytes: Uint8Array, charset?: string): string {
  const label = byMark(bytes) ?? charset ?? byDeclaration(bytes) ?? "utf-8";
  const encoding = encodings.get(label.trim().toLowerCase());
  if (encoding === undefined) throw malformed("1:1", `the encoding "${label.slice(0, 40)}" is not supported`);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw malformed("1:1", `the bytes are not ${encoding}`);
  }
}

function itself(name: string): [string, string] {
  return [name, name];
}

const encodings: ReadonlyMap<string, string> = new Map([
  ["utf-8", "utf-8"],
  ["utf8", "utf-8"],
  ["us-ascii", "utf-8"],
  ["ascii", "utf-8"],
  ["iso-8859-1", "iso-8859-1"],
  ["latin1", "iso-8859-1"],
  // What single-byte systems of a country write; each has ASCII in its lower half, as the declaration itself needs.
  ...["iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-13", "iso-8859-15"].map(itself),
  ...["windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1257"].map(itself),
  ...["koi8-r", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"].map(itself),
  ["gb2312", "gbk"],
  ["gbk", "gbk"],
  ["utf-16", "utf-16le"],
  ["utf-16le", "utf-16le"],
  ["utf-16be", "utf-16be"],
]);

function byMark(bytes: Uint8Array): string | undefined {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return "utf-8";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a === 0xff && b === 0xfe) return "utf-16le";
  // UTF-16 without a mark shows by the zero beside "<" (XML 1.0, appendix F.1).
  if (a === 0x00 && b === 0x3c) return "utf-16be";
  if (a === 0x3c && b === 0x00) return "utf-16le";
  return undefined;
}

function byDeclaration(bytes: Uint8Array): string | undefined {
  const start = new TextDecoder("iso-8859-1").decode(bytes.subarray(0, 200));
  return /^<\?xml[^>]*?\sencoding\s*=\s*["']([\w.-]+)["']/.exec(start)?.[1];
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function malformed(place: string, reason: string): MortiseError {
  return failure("xml-malformed", { place, reason }, { details: { place, reason } satisfies XmlTrouble });
}

function beyond(place: string, reason: string): MortiseError {
  return failure("xml-limit", { place, reason }, { details: { place, reason } satisfies XmlTrouble });
}

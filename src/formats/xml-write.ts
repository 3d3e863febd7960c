/**
 * Values to XML text: escaping, and prefixes that are declared once at the top.
 *
 * The text is built inside out: whoever writes asks `Prefixes` for the prefix of each namespace as it goes, and puts
 * `declarations()` on the outermost element at the end.
 */
import { failure } from "../errors.ts";
import { type XmlName, xmlNamespace } from "./xml.ts";

// What XML 1.0 can't carry in any form (section 2.2, Char), lone surrogates included.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const impossible = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/** Text content. Throws `xml-character` on a character that XML has no place for. */
export function escapeText(text: string): string {
  check(text);
  return /[&<>\r]/.test(text)
    ? text.replace(/[&<>\r]/g, (c) => (c === "&" ? "&amp;" : c === "<" ? "&lt;" : c === ">" ? "&gt;" : "&#13;"))
    : text;
}

/** A value between double quotes; white space survives the normalisation of attributes (XML 1.0, section 3.3.3). */
export function escapeAttribute(text: string): string {
  check(text);
  return text.replace(/[&<>"\t\n\r]/g, (c) => attributeEscapes[c] as string);
}

const attributeEscapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

function check(text: string): void {
  const found = impossible.exec(text);
  if (found === null) return;
  const code = text.codePointAt(found.index)?.toString(16).toUpperCase().padStart(4, "0") ?? "";
  throw failure("xml-character", { character: `U+${code}` });
}

/** The prefixes of one document. A namespace keeps the prefix that it got first. */
export class Prefixes {
  readonly #prefixes = new Map<string, string>();

  /** @param fixed Prefixes with a customary name, such as `{ soap: "http://..." }`. */
  constructor(fixed: Readonly<Record<string, string>> = {}) {
    for (const [prefix, namespace] of Object.entries(fixed)) this.#prefixes.set(namespace, prefix);
  }

  /** The name as it is written in a tag: `ns1:Order`, or `Order` for a name without namespace. */
  tag(name: XmlName): string {
    if (name.namespace === "") return name.local;
    if (name.namespace === xmlNamespace) return `xml:${name.local}`;
    let prefix = this.#prefixes.get(name.namespace);
    if (prefix === undefined) {
      prefix = `ns${this.#prefixes.size}`;
      this.#prefixes.set(name.namespace, prefix);
    }
    return `${prefix}:${name.local}`;
  }

  /** ` xmlns:a="..." xmlns:b="..."`, for the outermost element. */
  declarations(): string {
    let text = "";
    for (const [namespace, prefix] of this.#prefixes) text += ` xmlns:${prefix}="${escapeAttribute(namespace)}"`;
    return text;
  }
}

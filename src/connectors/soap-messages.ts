/**
 * The messages of one SOAP operation, both ways: what a client writes and reads, and what a server reads and writes, from the
 * same compiled schemas. Envelopes are soap-envelope.ts, single elements soap-write.ts and soap-read.ts; HTTP is the caller's.
 */
import type { OperationModel, QName, SoapBinding } from "../contract/model.ts";
import type { XmlNote } from "../contract/xml-note.ts";
import { attributeOf, type XmlElement } from "../formats/xml.ts";
import { escapeText, Prefixes } from "../formats/xml-write.ts";
import type { Json, Problem } from "../operation.ts";
import { qualifiedValue } from "./soap-any.ts";
import { type Codec, type Content, keyOf, xsi } from "./soap-codec.ts";
import { envelope, envelopeNamespaces } from "./soap-envelope.ts";
import { type Reading, readElement, readInside, reading } from "./soap-read.ts";
import { References } from "./soap-references.ts";
import { encodings, WriteProblem, type Writing, writeElement, writeInside } from "./soap-write.ts";

/** What reading gave. The value is not validated against the contract's schema yet. */
export interface ReadMessage {
  readonly value: Json;
  readonly problems: readonly Problem[];
  /** Elements and attributes that the contract does not name. */
  readonly undeclared: number;
}

/** Blocks for the header that do not come from the contract, such as WS-Security; written with the message's prefixes. */
export type HeaderBlocks = (prefixes: Prefixes, soapNamespace: string) => string;

/** A fault to be sent. `sender`: the request was wrong, and nothing was done. */
export interface FaultMessage {
  readonly blame: "sender" | "receiver";
  readonly message: string;
  /** A fault that the contract declares, with its detail. */
  readonly declared?: { readonly name: string; readonly detail: Json };
  /** A more telling code, such as `wsse:FailedAuthentication`. */
  readonly code?: QName;
}

export class SoapMessages {
  readonly binding: SoapBinding;
  readonly #codec: Codec;
  readonly #input: Content;
  readonly #output: Content;
  /** The output is the only child of the wrapper, not its content. */
  readonly #unwrapped: { readonly many: boolean } | undefined;
  readonly #faults: { readonly name: string; readonly element: QName; readonly content: Content }[] = [];

  constructor(operation: OperationModel, binding: SoapBinding, codec: Codec) {
    this.binding = binding;
    this.#codec = codec;
    const note = typeof operation.output === "boolean" ? undefined : (operation.output.xml as XmlNote | undefined);
    this.#unwrapped = note?.name === undefined ? undefined : { many: note.many === true };
    this.#input = codec.content(operation.input);
    this.#output = this.#unwrapped === undefined ? codec.content(operation.output) : codec.only(operation.output);
    for (const { element, fault } of binding.faults) {
      const model = operation.faults[fault];
      if (model !== undefined) this.#faults.push({ name: fault, element, content: codec.content(model.detail) });
    }
  }

  /** The envelope of a request. Throws `WriteProblem`, or `xml-character`. */
  writeRequest(input: Json, blocks?: HeaderBlocks): string {
    const writing = this.#writing();
    let body: string;
    let header = "";
    const { request } = this.binding;
    const content = this.#input;
    if (content.kind !== "object") body = request === null ? "" : this.#element(writing, request, content, input);
    else {
      const { header: own, body: only } = content;
      const given = own === undefined ? undefined : memberOf(input, own.property);
      if (own !== undefined && given !== undefined && given !== null)
        header = writeInside(writing, own.content, given, `/${own.property}`);
      if (only !== undefined && request !== null)
        body = this.#element(writing, request, only.content, memberOf(input, only.property) ?? null);
      else
        body =
          request === null ? writeInside(writing, content, input) : this.#element(writing, request, content, input);
    }
    return this.#envelope(writing, header, body, blocks);
  }

  /** The input of a request: the elements of its body, and the blocks of its header. */
  readRequest(elements: readonly XmlElement[], headers: readonly XmlElement[]): ReadMessage {
    const found = this.#reading(elements);
    const content = this.#input;
    const { request } = this.binding;
    let value: Json;
    if (request === null) {
      value = content.kind === "object" ? readInside(content, elements, found) : null;
    } else {
      const element = this.#root(elements, request);
      if (element === undefined) return wrongRoot(elements, request);
      if (content.kind === "object" && content.body !== undefined) {
        const { property, content: inner } = content.body;
        value = { [property]: readElement(inner, element, `/${property}`, found) };
      } else value = readElement(content, element, "", found);
    }
    if (content.kind === "object" && content.header !== undefined) {
      const known = content.header.content;
      const blocks = headers.filter((block) => known.byElement.has(keyOf(block)));
      if (blocks.length > 0)
        value = { ...(value as object), [content.header.property]: readInside(known, blocks, found) } as Json;
    }
    return { value, problems: found.problems, undeclared: found.undeclared };
  }

  /** The envelope of an answer. Throws `WriteProblem`, or `xml-character`. */
  writeAnswer(output: Json, blocks?: HeaderBlocks): string {
    const writing = this.#writing();
    const { response, bodyOutput } = this.binding;
    const content = this.#output;
    let body = "";
    if (response !== null) {
      const value = this.#unwrapped === undefined ? output : output === null ? {} : { only: output };
      // A list that is empty, or a result that is absent, is a wrapper with nothing in it.
      const nil = this.#unwrapped !== undefined && output === null && isRequiredNil(content);
      body = this.#element(writing, response, content, nil ? { only: null } : value);
    } else if (bodyOutput === true && content.kind === "object") body = writeInside(writing, content, output);
    return this.#envelope(writing, "", body, blocks);
  }

  /** The output of an answer: the elements of its body. */
  readAnswer(elements: readonly XmlElement[]): ReadMessage {
    const { response, bodyOutput } = this.binding;
    const found = this.#reading(elements);
    const content = this.#output;
    let value: Json = null;
    if (response === null) {
      if (bodyOutput === true && content.kind === "object") value = readInside(content, elements, found);
      return { value, problems: found.problems, undeclared: found.undeclared };
    }
    const element = this.#root(elements, response);
    if (element === undefined) return wrongRoot(elements, response);
    if (this.#unwrapped !== undefined && this.binding.use === "encoded" && content.kind === "object") {
      // The name of the return value is not significant (SOAP 1.1, section 7.1).
      const slot = content.slots[0];
      const [child] = element.children;
      if (slot?.kind === "element" && child !== undefined) value = readElement(slot.content, child, "", found);
    } else if (this.#unwrapped !== undefined) {
      const only = memberOf(readElement(content, element, "", found), "only");
      value = only ?? (this.#unwrapped.many ? [] : null);
    } else value = readElement(content, element, "", found);
    return { value, problems: found.problems, undeclared: found.undeclared };
  }

  /** The declared fault that an element of a fault's detail is. */
  readFault(element: XmlElement, body: readonly XmlElement[]): ({ readonly name: string } & ReadMessage) | undefined {
    const found = this.#reading(body);
    const declared = this.#declaredFault(element, found);
    if (declared === undefined) return undefined;
    const value = readElement(declared.content, element, "", found);
    return { name: declared.name, value, problems: found.problems, undeclared: found.undeclared };
  }

  /** The envelope of a fault. Throws `WriteProblem` where a declared detail does not fit. */
  writeFault(fault: FaultMessage, blocks?: HeaderBlocks): string {
    const writing = this.#writing();
    const declared = this.#faults.find(({ name }) => name === fault.declared?.name);
    if (fault.declared !== undefined && declared === undefined)
      throw new WriteProblem("", `the operation declares no fault "${fault.declared.name}"`);
    const detail =
      fault.declared === undefined || declared === undefined
        ? ""
        : this.#element(writing, declared.element, declared.content, fault.declared.detail);
    return this.#envelope(writing, "", faultElement(writing.prefixes, this.binding.version, fault, detail), blocks);
  }

  #declaredFault(
    element: XmlElement,
    found: Reading,
  ): { readonly name: string; readonly content: Content } | undefined {
    const exact = this.#faults.find((each) => keyOf(each.element) === keyOf(element));
    if (found.references === undefined) return exact;
    // In SOAP encoding faults often share the name of their part, and the type tells them apart.
    const target = found.references.target(element) ?? element;
    const text = attributeOf(target, "type", xsi);
    const type = text === undefined ? undefined : qualifiedValue(target, text);
    const typed = type && this.#faults.find(({ content }) => content.kind === "object" && isType(content.type, type));
    return typed ?? exact ?? this.#faults.find((each) => each.element.local === element.local);
  }

  #writing(): Writing {
    const { version, use } = this.binding;
    const prefixes = new Prefixes({ soap: envelopeNamespaces[version] });
    return { prefixes, codec: this.#codec, encoding: use === "encoded" ? version : undefined };
  }

  #reading(elements: readonly XmlElement[]): Reading {
    return reading(this.#codec, this.binding.use === "encoded" ? new References(elements) : undefined);
  }

  #element(writing: Writing, name: QName, content: Content, value: Json): string {
    if (writing.encoding === undefined) return writeElement(writing, name, content, value);
    const style = writing.prefixes.tag({ namespace: envelopeNamespaces[writing.encoding], local: "encodingStyle" });
    return writeElement(writing, name, content, value, "", 0, ` ${style}="${encodings[writing.encoding]}"`);
  }

  #envelope({ prefixes }: Writing, header: string, body: string, blocks: HeaderBlocks | undefined): string {
    const { version } = this.binding;
    const more = blocks === undefined ? "" : blocks(prefixes, envelopeNamespaces[version]);
    return envelope(prefixes, version, more + header, body);
  }

  /** The element that a message is; in SOAP encoding whatever its name, and beside what others refer to. */
  #root(elements: readonly XmlElement[], name: QName): XmlElement | undefined {
    const encoded = this.binding.use === "encoded";
    const roots = encoded ? elements.filter((each) => !References.isTarget(each)) : elements;
    const exact = roots.find((each) => each.local === name.local && each.namespace === name.namespace);
    if (encoded) return exact ?? (roots.length === 1 ? roots[0] : undefined);
    return roots.length === 1 ? exact : undefined;
  }
}

/** Fault of SOAP 1.1, section 4.4, or SOAP 1.2 part 1, section 5.4. `detail` is written already. */
export function faultElement(
  prefixes: Prefixes,
  version: SoapBinding["version"],
  { blame, message, code }: Pick<FaultMessage, "blame" | "message" | "code">,
  detail: string,
): string {
  const namespace = envelopeNamespaces[version];
  const tag = (local: string): string => prefixes.tag({ namespace, local });
  const text = escapeText(message);
  if (version === "1.1") {
    const value = prefixes.tag(code ?? { namespace, local: blame === "sender" ? "Client" : "Server" });
    const about = detail === "" ? "" : `<detail>${detail}</detail>`;
    return `<${tag("Fault")}><faultcode>${value}</faultcode><faultstring>${text}</faultstring>${about}</${tag("Fault")}>`;
  }
  // A code of SOAP itself stands in the first place; any other one says more about the sender or the receiver.
  const own = code?.namespace === namespace;
  const value = own ? prefixes.tag(code) : tag(blame === "sender" ? "Sender" : "Receiver");
  const sub =
    code === undefined || own
      ? ""
      : `<${tag("Subcode")}><${tag("Value")}>${prefixes.tag(code)}</${tag("Value")}></${tag("Subcode")}>`;
  const about = detail === "" ? "" : `<${tag("Detail")}>${detail}</${tag("Detail")}>`;
  const reason = `<${tag("Reason")}><${tag("Text")} xml:lang="en">${text}</${tag("Text")}></${tag("Reason")}>`;
  return `<${tag("Fault")}><${tag("Code")}><${tag("Value")}>${value}</${tag("Value")}>${sub}</${tag("Code")}>${reason}${about}</${tag("Fault")}>`;
}

function wrongRoot(elements: readonly XmlElement[], wanted: QName): ReadMessage {
  const [element] = elements;
  const found = element === undefined ? "nothing" : keyOf(element);
  const message = `its body holds ${found} instead of ${keyOf(wanted)} alone`;
  return { value: null, problems: [{ at: "", message }], undeclared: 0 };
}

function isType(own: QName | undefined, type: QName): boolean {
  return own !== undefined && keyOf(own) === keyOf(type);
}

function memberOf(value: Json, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const object = value as { readonly [name: string]: Json };
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A result that must stand there and may be nil. */
function isRequiredNil(content: Content): boolean {
  const slot = content.kind === "object" ? content.slots[0] : undefined;
  return slot?.kind === "element" && slot.nillable && !slot.many;
}

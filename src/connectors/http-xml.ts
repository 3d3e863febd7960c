/**
 * The messages of one operation over plain HTTP (WSDL 1.1, sections 4 and 5), both ways, from the same compiled schemas: simple
 * values in a query, a path or a form, or an element in XML; and the answer.
 */
import type { HttpXmlBinding, OperationModel } from "../contract/model.ts";
import type { XmlElement } from "../formats/xml.ts";
import { Prefixes } from "../formats/xml-write.ts";
import { type Json, type Problem, pointerToken } from "../operation.ts";
import { type Codec, type Content, type ElementSlot, keyOf, type ObjectContent } from "./soap-codec.ts";
import type { ReadMessage } from "./soap-messages.ts";
import { readElement, reading } from "./soap-read.ts";
import { WriteProblem, writeElement } from "./soap-write.ts";

export interface HttpXmlRequest {
  /** To put behind the port's address, its query with it. */
  readonly location: string;
  readonly body: string | undefined;
  readonly mediaType: string | undefined;
}

const form = "application/x-www-form-urlencoded";

export class HttpXmlMessages {
  readonly binding: HttpXmlBinding;
  readonly #codec: Codec;
  readonly #input: Content;
  readonly #output: Content;

  constructor(operation: OperationModel, binding: HttpXmlBinding, codec: Codec) {
    this.binding = binding;
    this.#codec = codec;
    this.#input = codec.content(operation.input);
    this.#output = binding.output === "xml" ? codec.content(operation.output) : { kind: "empty" };
  }

  /** Throws `WriteProblem`. */
  writeRequest(input: Json): HttpXmlRequest {
    const { binding } = this;
    if (binding.input === "xml") {
      const body = binding.request === null ? "" : document(this.#codec, binding.request, this.#input, input);
      return { location: binding.location, body, mediaType: "text/xml; charset=utf-8" };
    }
    const pairs = this.#pairs(input);
    if (binding.input === "path") {
      let location = binding.location;
      for (const [name, value] of pairs) location = location.replaceAll(`(${name})`, encodeURIComponent(value));
      return { location, body: undefined, mediaType: undefined };
    }
    const text = new URLSearchParams(pairs).toString();
    if (binding.input === "form") return { location: binding.location, body: text, mediaType: form };
    const mark = binding.location.includes("?") ? "&" : "?";
    return {
      location: text === "" ? binding.location : binding.location + mark + text,
      body: undefined,
      mediaType: undefined,
    };
  }

  /**
   * The input of a request.
   *
   * @param parameters Of the query or the form, or the parts of the path.
   * @param root Of a request in XML.
   */
  readRequest(parameters: Iterable<readonly [string, string]>, root?: XmlElement): ReadMessage {
    if (this.binding.input === "xml") {
      const { request } = this.binding;
      if (request === null) return { value: {}, problems: [], undeclared: 0 };
      return this.#element(root, this.#input, keyOf(request));
    }
    const object: Record<string, Json> = {};
    const problems: Problem[] = [];
    let undeclared = 0;
    const slots = new Map(this.#slots().map((slot) => [slot.name.local, slot]));
    for (const [name, text] of parameters) {
      const slot = slots.get(name);
      if (slot === undefined) {
        undeclared += 1;
        continue;
      }
      const value = slot.content.kind === "scalar" ? slot.content.scalar.read(text) : text;
      const at = `/${pointerToken(slot.property)}`;
      if (value === undefined)
        problems.push({
          at,
          message: `must be ${slot.content.kind === "scalar" ? slot.content.scalar.expected : "text"}`,
        });
      else if (!slot.many) object[slot.property] = value;
      else if (Object.hasOwn(object, slot.property)) (object[slot.property] as Json[]).push(value);
      else object[slot.property] = [value];
    }
    return { value: object, problems, undeclared };
  }

  /** The body of an answer and its media type. Throws `WriteProblem`. */
  writeAnswer(output: Json): { readonly body: string | Uint8Array; readonly mediaType: string | undefined } {
    const { output: how, response } = this.binding;
    if (how === "none") return { body: "", mediaType: undefined };
    if (how === "text") return { body: String(output), mediaType: "text/plain; charset=utf-8" };
    if (how === "bytes") return { body: Buffer.from(String(output), "base64"), mediaType: "application/octet-stream" };
    const name = response ?? { namespace: "", local: "result" };
    return { body: document(this.#codec, name, this.#output, output), mediaType: "text/xml; charset=utf-8" };
  }

  /** The output of an answer in XML. */
  readAnswer(root: XmlElement): ReadMessage {
    const { response } = this.binding;
    return this.#element(root, this.#output, response === null ? undefined : keyOf(response));
  }

  #element(root: XmlElement | undefined, content: Content, wanted: string | undefined): ReadMessage {
    const found = root === undefined ? "nothing" : keyOf(root);
    if (root === undefined || (wanted !== undefined && found !== wanted)) {
      const message = `it is ${found} instead of ${wanted ?? "an element"}`;
      return { value: null, problems: [{ at: "", message }], undeclared: 0 };
    }
    const state = reading(this.#codec);
    const value = readElement(content, root, "", state);
    return { value, problems: state.problems, undeclared: state.undeclared };
  }

  #slots(): readonly ElementSlot[] {
    const content = this.#input as ObjectContent;
    return content.kind === "object" ? content.slots.filter((slot) => slot.kind === "element") : [];
  }

  #pairs(input: Json): [string, string][] {
    const pairs: [string, string][] = [];
    const object = input as { readonly [name: string]: Json };
    for (const { property, name, content } of this.#slots()) {
      const value = Object.hasOwn(object, property) ? object[property] : undefined;
      if (value === undefined || value === null) continue;
      for (const item of (Array.isArray(value) ? value : [value]) as Json[]) {
        if (content.kind !== "scalar" && typeof item === "object")
          throw new WriteProblem(`/${pointerToken(property)}`, "must be a simple value");
        pairs.push([name.local, content.kind === "scalar" ? content.scalar.write(item) : String(item)]);
      }
    }
    return pairs;
  }
}

function document(codec: Codec, name: NonNullable<HttpXmlBinding["request"]>, content: Content, value: Json): string {
  const prefixes = new Prefixes();
  const text = writeElement({ prefixes, codec, encoding: undefined }, name, content, value);
  // The declarations belong to the outermost element, whose start tag is complete only now.
  const end = /^<[^\s/>]+/.exec(text)?.[0].length ?? 0;
  return `<?xml version="1.0" encoding="utf-8"?>\n${text.slice(0, end)}${prefixes.declarations()}${text.slice(end)}`;
}

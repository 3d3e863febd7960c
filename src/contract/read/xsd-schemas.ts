/**
 * The schema documents of a contract: their global components by name, and how a qualified name in them is resolved.
 * (XML Schema 1.0 part 1, sections 3.15 and 4.2.)
 */
import { failure, type MortiseError } from "../../errors.ts";
import { attributeOf, namespaceOf, placeOf, type XmlElement } from "../../formats/xml.ts";
import type { QName } from "../model.ts";

/** The namespace of XML Schema. */
export const xsd = "http://www.w3.org/2001/XMLSchema";

/** The namespaces of its drafts, which the oldest contracts still name. */
export const drafts: ReadonlySet<string> = new Set([
  "http://www.w3.org/1999/XMLSchema",
  "http://www.w3.org/2000/08/XMLSchema",
  "http://www.w3.org/2000/10/XMLSchema",
]);

export interface SchemaDocument {
  /** Relative to the contract's folder. */
  readonly file: string;
  readonly root: XmlElement;
  /** Effective target namespace: that of the including schema for one without its own (chameleon include). */
  readonly namespace: string;
  readonly chameleon: boolean;
  readonly elementsQualified: boolean;
  readonly attributesQualified: boolean;
}

/** A global declaration or definition, and where it stands. */
export interface Component {
  readonly element: XmlElement;
  readonly document: SchemaDocument;
}

export type ComponentKind = "element" | "attribute" | "type" | "group" | "attributeGroup";

const kinds: ReadonlyMap<string, ComponentKind> = new Map([
  ["element", "element"],
  ["attribute", "attribute"],
  ["complexType", "type"],
  ["simpleType", "type"],
  ["group", "group"],
  ["attributeGroup", "attributeGroup"],
]);

/** `{namespace}local`, as it is shown in errors and used as a key. */
export function shownName(name: QName): string {
  return `{${name.namespace}}${name.local}`;
}

/** The error of a contract at one of its elements. */
export function unreadableAt(file: string, element: XmlElement, reason: string): MortiseError {
  return failure("contract-unreadable", { file, place: placeOf(element), reason });
}

/** What was passed over or read as it is meant; a hundred tell enough. */
export class Notes {
  readonly all: string[] = [];

  add(file: string, element: XmlElement, what: string): void {
    const note = `${file} at ${placeOf(element)}: ${what}`;
    if (this.all.length < 100 && !this.all.includes(note)) this.all.push(note);
  }
}

/** Elements of XML Schema directly inside, annotations left out. */
export function schemaChildren(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child) => child.namespace === xsd && child.local !== "annotation");
}

/** The name that the text of an attribute stands for (`tns:Order`). Throws on an undeclared prefix. */
export function resolveName(document: SchemaDocument, element: XmlElement, text: string): QName {
  const name = qualified(document.file, element, text);
  // A chameleon's own names moved to the namespace of the schema that includes it.
  if (document.chameleon && name.namespace === "") return { namespace: document.namespace, local: name.local };
  return name;
}

/** A qualified name in any document. */
export function qualified(file: string, element: XmlElement, text: string): QName {
  const trimmed = text.trim();
  const colon = trimmed.indexOf(":");
  const prefix = colon < 0 ? "" : trimmed.slice(0, colon);
  const found = namespaceOf(element.scope, prefix);
  const namespace = found !== undefined && drafts.has(found) ? xsd : found;
  if (namespace === undefined)
    throw unreadableAt(file, element, `the name "${trimmed}" has the prefix "${prefix}", which is not declared`);
  return { namespace, local: colon < 0 ? trimmed : trimmed.slice(colon + 1) };
}

const mostSteps = 200_000;

/** All schemas of one contract. */
export class Schemas {
  readonly #components = new Map<string, Component>();
  readonly #documents: SchemaDocument[] = [];
  #derived: Map<string, QName[]> | undefined;
  #substitutes: Map<string, QName[]> | undefined;
  readonly #closures = new Map<string, readonly QName[]>();
  /** Why what was imported of a namespace is not there. */
  readonly #missing = new Map<string, string>();
  readonly notes = new Notes();
  #spent = 0;

  /** Adds a document's globals. The same name twice is refused, unless both say exactly the same. */
  add(document: SchemaDocument): void {
    this.#documents.push(document);
    for (const element of schemaChildren(document.root)) {
      const kind = kinds.get(element.local);
      if (kind === undefined) continue;
      const local = attributeOf(element, "name");
      if (local === undefined) throw unreadableAt(document.file, element, `a global ${element.local} has no name`);
      const key = keyOf(kind, { namespace: document.namespace, local });
      const other = this.#components.get(key);
      if (other === undefined) this.#components.set(key, { element, document });
      else if (!same(other.element, element)) {
        throw unreadableAt(
          document.file,
          element,
          `the ${kind} ${shownName({ namespace: document.namespace, local })} is defined a second time; the first is in ${other.document.file} at ${placeOf(other.element)}`,
        );
      }
    }
  }

  /**
   * Takes what an `xs:redefine` says in the place of what was loaded before (XML Schema 1.0 part 1, section 4.2.2). What it is
   * built upon is the former one, which keeps a name that no document can write.
   */
  redefine(document: SchemaDocument, redefine: XmlElement): void {
    for (const element of schemaChildren(redefine)) {
      const kind = kinds.get(element.local);
      const local = attributeOf(element, "name");
      if (kind === undefined || local === undefined) continue;
      const name = { namespace: document.namespace, local };
      const former = this.need(kind, name, document.file, element);
      this.#components.set(keyOf(kind, { ...name, local: `${local}*` }), former);
      this.#components.set(keyOf(kind, name), { element: upon(element, document, name), document });
    }
  }

  /** Remembers that something of the namespace was not read: a reason to give once it is needed. */
  miss(namespace: string, reason: string): void {
    if (!this.#missing.has(namespace)) this.#missing.set(namespace, reason);
  }

  /** The name that is meant: a schema without `targetNamespace` is often taken to have that of the WSDL around it. */
  meant(kind: ComponentKind, name: QName, file: string, from: XmlElement): QName {
    const plain = { namespace: "", local: name.local };
    if (name.namespace === "" || this.find(kind, name) !== undefined || this.find(kind, plain) === undefined)
      return name;
    this.notes.add(file, from, `the ${kind} ${shownName(name)} is taken to be ${name.local}, which has no namespace`);
    return plain;
  }

  find(kind: ComponentKind, name: QName): Component | undefined {
    return this.#components.get(keyOf(kind, name));
  }

  /** The component, or `contract-unreadable` at the element that refers to it. */
  need(kind: ComponentKind, name: QName, file: string, from: XmlElement): Component {
    const found = this.find(kind, name);
    if (found !== undefined) return found;
    const missing = this.#missing.get(name.namespace);
    const why = missing === undefined ? this.#elsewhere(kind, name) : `: ${missing}`;
    throw unreadableAt(file, from, `the ${kind} ${shownName(name)} is defined nowhere${why}`);
  }

  /** What the author may have meant. */
  #elsewhere(kind: ComponentKind, { local }: QName): string {
    const spaces = new Set(this.#documents.map(({ namespace }) => namespace));
    const others = [...spaces].map((namespace) => ({ namespace, local })).filter((name) => this.find(kind, name));
    const shown = (name: QName): string => (name.namespace === "" ? `${local} without a namespace` : shownName(name));
    return others.length === 0 ? "" : `; there is ${others.slice(0, 3).map(shown).join(" and ")}`;
  }

  /** Global complex types that extend or restrict `name`, directly or not, in document order. */
  derivedFrom(name: QName): readonly QName[] {
    this.#derived ??= this.#index("complexType", (element, document) => {
      for (const content of schemaChildren(element)) {
        if (content.local !== "complexContent" && content.local !== "simpleContent") continue;
        for (const derivation of schemaChildren(content)) {
          const base = attributeOf(derivation, "base");
          if (base !== undefined) return resolveName(document, derivation, base);
        }
      }
      return undefined;
    });
    return this.#closure("derived", this.#derived, name);
  }

  /** Global elements that may stand in for `name` (substitution group), directly or not. */
  substitutesFor(name: QName): readonly QName[] {
    this.#substitutes ??= this.#index("element", (element, document) => {
      const head = attributeOf(element, "substitutionGroup");
      return head === undefined ? undefined : resolveName(document, element, head);
    });
    return this.#closure("substitutes", this.#substitutes, name);
  }

  /**
   * Counts a step of reading. Groups and unions that name each other twice double at each level, so a small text could
   * stand for more than any machine holds.
   */
  spend(file: string, element: XmlElement): void {
    this.#spent += 1;
    if (this.#spent > mostSteps)
      throw unreadableAt(file, element, `its groups and types unfold to more than ${mostSteps} parts`);
  }

  #closure(kind: string, children: ReadonlyMap<string, readonly QName[]>, name: QName): readonly QName[] {
    const key = `${kind} ${shownName(name)}`;
    let found = this.#closures.get(key);
    if (found === undefined) {
      found = closure(children, name);
      this.#closures.set(key, found);
    }
    return found;
  }

  #index(
    local: string,
    baseOf: (element: XmlElement, document: SchemaDocument) => QName | undefined,
  ): Map<string, QName[]> {
    const found = new Map<string, QName[]>();
    const seen = new Set<string>();
    for (const document of this.#documents) {
      for (const element of document.root.children) {
        if (element.namespace !== xsd || element.local !== local) continue;
        const own = { namespace: document.namespace, local: attributeOf(element, "name") ?? "" };
        const base = baseOf(element, document);
        if (base === undefined || seen.has(shownName(own))) continue;
        seen.add(shownName(own));
        const list = found.get(shownName(base)) ?? [];
        list.push(own);
        found.set(shownName(base), list);
      }
    }
    return found;
  }
}

/** The element with its references to `name` leading to the former definition. */
function upon(element: XmlElement, document: SchemaDocument, name: QName): XmlElement {
  const attributes = element.attributes.map((attribute) => {
    if (attribute.namespace !== "" || (attribute.local !== "base" && attribute.local !== "ref")) return attribute;
    const target = resolveName(document, element, attribute.value);
    return shownName(target) === shownName(name) ? { ...attribute, value: `${attribute.value.trim()}*` } : attribute;
  });
  return { ...element, attributes, children: element.children.map((child) => upon(child, document, name)) };
}

function keyOf(kind: ComponentKind, name: QName): string {
  return `${kind} ${shownName(name)}`;
}

function closure(children: ReadonlyMap<string, readonly QName[]>, name: QName): readonly QName[] {
  const seen = new Set([shownName(name)]);
  const all: QName[] = [];
  const queue = [...(children.get(shownName(name)) ?? [])];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    if (seen.has(shownName(at))) continue;
    seen.add(shownName(at));
    all.push(at);
    queue.push(...(children.get(shownName(at)) ?? []));
  }
  return all;
}

/** Whether two definitions say the same; what they say about it in words does not count. */
function same(a: XmlElement, b: XmlElement): boolean {
  const inside = (element: XmlElement): readonly XmlElement[] =>
    element.children.filter((child) => child.namespace !== xsd || child.local !== "annotation");
  const [left, right] = [inside(a), inside(b)];
  return (
    a.local === b.local &&
    a.namespace === b.namespace &&
    a.text.trim() === b.text.trim() &&
    a.attributes.length === b.attributes.length &&
    a.attributes.every((attribute) => attributeOf(b, attribute.local, attribute.namespace) === attribute.value) &&
    left.length === right.length &&
    left.every((child, index) => same(child, right[index] as XmlElement))
  );
}

/**
 * Particles of XML Schema (1.0 part 1, sections 3.8 and 3.9) as properties: elements, sequence, choice, all, groups, wildcards.
 *
 * What stands once is flattened, and what is in a choice is optional. What is repeated as a whole keeps its order: a list of
 * rounds. A substitution group is a choice.
 */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { QName } from "../model.ts";
import { documentation, isTrue, occurrence } from "./xsd-declarations.ts";
import { type Branch, type ElementFacts, Properties, single } from "./xsd-properties.ts";
import {
  resolveName,
  type SchemaDocument,
  type Schemas,
  schemaChildren,
  shownName,
  unreadableAt,
} from "./xsd-schemas.ts";

/** What surrounds a particle. */
export interface Around {
  readonly optional: boolean;
  /** How often it may stand because of compositors around it that hold nothing else. */
  readonly min: number;
  readonly max: number;
  readonly branch: Branch;
  /** Directly inside an `xs:all` of several. */
  readonly free?: boolean;
  /** Groups and base types being read, against rings. */
  readonly above: readonly string[];
}

/** The reader of elements, lent by the reader of types. */
export interface Elements {
  local(element: XmlElement, document: SchemaDocument, name: QName): ElementFacts;
  global(name: QName, file: string, from: XmlElement): ElementFacts;
}

const compositors = /^(sequence|choice|all)$/;

export class Particles {
  readonly #source: Schemas;
  readonly #elements: Elements;
  #choices = 0;

  constructor(source: Schemas, elements: Elements) {
    this.#source = source;
    this.#elements = elements;
  }

  /** Adds a `sequence`, `choice`, `all` or `group` of a type to `into`. */
  read(element: XmlElement, document: SchemaDocument, above: readonly string[], into: Properties): void {
    this.#particle(element, document, { optional: false, min: 1, max: 1, branch: [], above }, into);
  }

  #particle(element: XmlElement, document: SchemaDocument, around: Around, into: Properties): void {
    this.#source.spend(document.file, element);
    const own = occurrence(element, document);
    if (own.max === 0) return;
    const min = own.min * around.min;
    const inside: Around = { ...around, min, max: own.max * around.max, optional: around.optional || min === 0 };
    if (element.local === "element") this.#element(element, document, inside, into);
    else if (element.local === "any") into.wildcard();
    else if (element.local === "group") {
      const { compositor, ...group } = this.#group(element, document, inside.above);
      this.#particle(compositor, group.document, { ...inside, above: group.above }, into);
    } else if (compositors.test(element.local)) this.#compositor(element, document, inside, into);
    else throw unreadableAt(document.file, element, `xs:${element.local} is not expected here`);
  }

  #compositor(element: XmlElement, document: SchemaDocument, around: Around, into: Properties): void {
    const children = schemaChildren(element);
    const [only] = children;
    if (children.length === 1 && only !== undefined) {
      this.#particle(only, document, around, into);
      return;
    }
    const choice = element.local === "choice";
    if (around.max > 1 && children.length > 1) {
      const members: Properties[] = [];
      let open = false;
      if (choice)
        for (const child of children) open = this.#alternative(child, document, around.above, members) || open;
      else {
        const round = new Properties();
        for (const child of children) this.read(child, document, around.above, round);
        members.push(round);
      }
      into.rounds({
        compositor: choice ? "choice" : "sequence",
        members,
        open,
        required: !around.optional && !this.#mayBeEmpty(element, document, around.above, 0),
        minItems: around.min,
        maxItems: around.max,
      });
      return;
    }
    if (choice) this.#choices += 1;
    const id = this.#choices;
    children.forEach((child, alternative) => {
      const branch = choice ? [...around.branch, { choice: id, alternative }] : around.branch;
      const free = element.local === "all";
      const inside = { ...around, optional: around.optional || choice, min: 1, max: 1, branch, free };
      this.#particle(child, document, inside, into);
    });
  }

  /** Adds what one alternative of a repeated choice may be to `members`; true if it may be anything. */
  #alternative(
    element: XmlElement,
    document: SchemaDocument,
    above: readonly string[],
    members: Properties[],
  ): boolean {
    this.#source.spend(document.file, element);
    if (occurrence(element, document).max === 0) return false;
    if (element.local === "any") return true;
    if (element.local === "element") {
      for (const facts of this.#facts(element, document)) members.push(single(facts));
      return false;
    }
    if (element.local === "group") {
      const { compositor, ...group } = this.#group(element, document, above);
      return this.#alternative(compositor, group.document, group.above, members);
    }
    const children = schemaChildren(element);
    if (element.local === "choice" || children.length === 1) {
      let open = false;
      for (const child of children) open = this.#alternative(child, document, above, members) || open;
      return open;
    }
    const round = new Properties();
    for (const child of children) this.read(child, document, above, round);
    members.push(round);
    return false;
  }

  /** Whether one round may hold nothing. */
  #mayBeEmpty(element: XmlElement, document: SchemaDocument, above: readonly string[], depth: number): boolean {
    this.#source.spend(document.file, element);
    if (depth > 0 && occurrence(element, document).min === 0) return true;
    if (element.local === "group") {
      const { compositor, ...group } = this.#group(element, document, above);
      return this.#mayBeEmpty(compositor, group.document, group.above, depth + 1);
    }
    if (!compositors.test(element.local)) return false;
    const children = schemaChildren(element);
    const empty = (child: XmlElement): boolean => this.#mayBeEmpty(child, document, above, depth + 1);
    return element.local === "choice" ? children.length === 0 || children.some(empty) : children.every(empty);
  }

  #group(
    element: XmlElement,
    document: SchemaDocument,
    above: readonly string[],
  ): { readonly compositor: XmlElement; readonly document: SchemaDocument; readonly above: readonly string[] } {
    const ref = attributeOf(element, "ref");
    if (ref === undefined)
      throw unreadableAt(document.file, element, "a group inside a type must refer to a global one");
    const name = resolveName(document, element, ref);
    const key = `group ${shownName(name)}`;
    if (above.includes(key)) throw unreadableAt(document.file, element, `the ${key} contains itself`);
    const found = this.#source.need("group", name, document.file, element);
    const compositor = schemaChildren(found.element).find((child) => compositors.test(child.local));
    if (compositor === undefined)
      throw unreadableAt(found.document.file, found.element, `the ${key} holds neither sequence, choice nor all`);
    return { compositor, document: found.document, above: [...above, key] };
  }

  #element(element: XmlElement, document: SchemaDocument, around: Around, into: Properties): void {
    const { min, max } = around;
    const alternatives = this.#facts(element, document);
    const [first] = alternatives;
    if (alternatives.length > 1 && max > 1) {
      const members = alternatives.map((facts) => single(facts));
      const required = !around.optional;
      into.rounds({ compositor: "choice", members, open: false, required, minItems: min, maxItems: max });
      return;
    }
    const amount = { many: max > 1, minItems: min, maxItems: max, free: around.free === true };
    if (alternatives.length === 1 && first !== undefined) {
      into.element({ ...first, ...amount, required: min > 0 && !around.optional, branch: around.branch });
      return;
    }
    this.#choices += 1;
    const choice = this.#choices;
    alternatives.forEach((facts, alternative) => {
      into.element({ ...facts, ...amount, required: false, branch: [...around.branch, { choice, alternative }] });
    });
  }

  /** The element that a particle is: by itself, or whatever may stand in for it (substitution group). */
  #facts(element: XmlElement, document: SchemaDocument): readonly ElementFacts[] {
    const ref = attributeOf(element, "ref");
    if (ref === undefined) {
      const local = attributeOf(element, "name");
      if (local === undefined) throw unreadableAt(document.file, element, "an element has neither name nor ref");
      if (local.includes(":"))
        throw unreadableAt(document.file, element, `"${local}" is no name that an element can have: it has a colon`);
      const form = attributeOf(element, "form");
      const qualifiedName = form === undefined ? document.elementsQualified : form === "qualified";
      return [this.#elements.local(element, document, { namespace: qualifiedName ? document.namespace : "", local })];
    }
    const name = resolveName(document, element, ref);
    const own = documentation(element);
    const facts = (each: QName): ElementFacts => this.#elements.global(each, document.file, element);
    const isAbstract = (each: QName): boolean => {
      const found = this.#source.find("element", each);
      return found !== undefined && isTrue(found.element, "abstract");
    };
    const substitutes = this.#source.substitutesFor(name).filter((each) => !isAbstract(each));
    if (substitutes.length === 0) {
      const found = facts(name);
      return [own === undefined ? found : { ...found, description: own }];
    }
    return (isAbstract(name) ? substitutes : [name, ...substitutes]).map(facts);
  }
}

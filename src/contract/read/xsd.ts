/**
 * XML Schema to JSON Schema 2020-12: elements, complex types, groups and attributes (XML Schema 1.0 part 1, section 3).
 * Every schema carries, under the keyword `xml`, what a codec needs to write and read it (../xml-note.ts).
 *
 * Only what an operation can reach is turned into schemas, so a name that dangles in a corner nobody uses does no harm.
 * Named types wait in a queue, so a chain of types costs no stack.
 *
 * What is flattened: extension (base first), groups, attribute groups, substitution groups (a choice). What is lost: the order
 * among different elements of a repeated choice, `xs:any`, identity constraints (`key`, `unique`).
 */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { JsonSchema } from "../../operation.ts";
import type { QName } from "../model.ts";
import { readAttributes } from "./xsd-attributes.ts";
import { type Annotated, anything, builtinType } from "./xsd-builtin.ts";
import { documentation, occurrence, withValue } from "./xsd-declarations.ts";
import { SchemaNames } from "./xsd-names.ts";
import { type Branch, type ElementFacts, type ElementUse, Properties } from "./xsd-properties.ts";
import {
  type Component,
  resolveName,
  type SchemaDocument,
  type Schemas,
  schemaChildren,
  shownName,
  unreadableAt,
  xsd,
} from "./xsd-schemas.ts";
import { restricted, simpleType, simpleTypeNamed } from "./xsd-simple.ts";

/** What surrounds a particle. */
interface Around {
  readonly optional: boolean;
  readonly many: boolean;
  readonly together?: number;
  readonly branch: Branch;
  /** Groups and base types being read, against rings. */
  readonly above: readonly string[];
}

const deepest = 100;

function refName(schema: Annotated): string {
  return String(schema.$ref).slice("#/$defs/".length);
}

/** Stands for the WSDL where a name is used outside any schema. */
const outside = { namespace: "", chameleon: false, elementsQualified: false, attributesQualified: false };

export class XsdReader {
  /** The named schemas, in the order in which they were first needed. */
  readonly schemas: Record<string, JsonSchema> = Object.create(null);
  readonly #source: Schemas;
  readonly #names = new SchemaNames();
  readonly #queue: (() => void)[] = [];
  /** Named schemas that stand in a union of derived types. */
  readonly #members = new Map<string, { readonly type: QName; readonly derived: boolean }>();
  /** Elements whose type is looked for at the head of their substitution group, against rings. */
  readonly #heads = new Set<string>();
  #choices = 0;
  #groups = 0;

  constructor(source: Schemas) {
    this.#source = source;
  }

  /** A global element. Call `finish` before `schemas` is used. */
  globalElement(name: QName, file: string, from: XmlElement): ElementFacts {
    const found = this.#source.need("element", name, file, from);
    return this.#elementFacts(found.element, found.document, name);
  }

  /** A type by name, as a part of a message uses it. */
  typeOfPart(name: QName, file: string, from: XmlElement): Annotated {
    return this.#type(name, { ...outside, file, root: from }, from);
  }

  /** The properties of a named object schema; `undefined` for another kind of schema. */
  propertiesOf(schema: Annotated): readonly [string, Annotated][] | undefined {
    const target = this.#target(schema);
    return target === undefined ? undefined : Object.entries(target.properties as Record<string, Annotated>);
  }

  /** The names of its required properties. */
  requiredOf(schema: Annotated): readonly string[] {
    return (this.#target(schema)?.required as readonly string[] | undefined) ?? [];
  }

  #target(schema: Annotated): Annotated | undefined {
    this.finish();
    const target = typeof schema.$ref === "string" ? this.schemas[refName(schema)] : schema;
    return typeof target === "object" && target.type === "object" ? target : undefined;
  }

  /** Turns everything that waits into schemas. */
  finish(): void {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next();
    // Only now is it known which types may have to be told apart.
    for (const [name, { type, derived }] of this.#members) {
      const schema = this.schemas[name] as Annotated;
      const properties = schema.properties as Annotated;
      const told = { ...schema, xml: { type } };
      this.schemas[name] = derived
        ? { ...told, properties: { xsiType: { const: name, xml: { xsiType: true } }, ...properties } }
        : told;
    }
  }

  #elementFacts(element: XmlElement, document: SchemaDocument, name: QName): ElementFacts {
    const schema = this.#elementType(element, document, name);
    const description = documentation(element);
    return {
      name,
      schema: withValue(schema, element),
      nillable: attributeOf(element, "nillable") === "true",
      ...(description === undefined ? {} : { description }),
    };
  }

  #elementType(element: XmlElement, document: SchemaDocument, name: QName): Annotated {
    const type = attributeOf(element, "type");
    if (type !== undefined) return this.#type(resolveName(document, element, type), document, element);
    for (const child of schemaChildren(element)) {
      if (child.local === "simpleType") return simpleType(child, { schemas: this.#source, document, above: [] });
      if (child.local !== "complexType") continue;
      // A global element's own type may be reached again through a reference: it gets a name.
      if (this.#source.find("element", name)?.element === element)
        return this.#named(`element ${shownName(name)}`, name, { element: child, document });
      return this.#complex(child, document, documentation(child), []);
    }
    const head = attributeOf(element, "substitutionGroup");
    if (head === undefined) return anything;
    // Without a type of its own it has that of the head it stands in for.
    if (this.#heads.size >= deepest) throw unreadableAt(document.file, element, "substitution groups form a ring");
    const named = shownName(name);
    this.#heads.add(named);
    try {
      const above = resolveName(document, element, head);
      if (this.#heads.has(shownName(above)))
        throw unreadableAt(document.file, element, `the substitution group of ${named} is a ring`);
      return this.globalElement(above, document.file, element).schema;
    } finally {
      this.#heads.delete(named);
    }
  }

  #type(name: QName, document: SchemaDocument, from: XmlElement): Annotated {
    if (name.namespace === xsd) {
      const builtin = builtinType(name.local);
      if (builtin === undefined)
        throw unreadableAt(document.file, from, `the type ${shownName(name)} is defined nowhere`);
      return builtin;
    }
    const found = this.#source.need("type", name, document.file, from);
    if (found.element.local === "simpleType") return this.#namedSimple(name, document, from, found.element);
    const derived = this.#source.derivedFrom(name);
    const own = this.#namedComplex(name, found);
    return derived.length === 0 ? own : this.#family(name, own, found, derived);
  }

  readonly #forAttributes = {
    find: (kind: "attribute" | "attributeGroup", name: QName, file: string, from: XmlElement): Component => {
      this.#source.spend(file, from);
      return this.#source.need(kind, name, file, from);
    },
    named: (name: QName, document: SchemaDocument, from: XmlElement): Annotated => {
      const found = this.#source.find("type", name);
      return found?.element.local === "simpleType"
        ? this.#namedSimple(name, document, from, found.element)
        : simpleTypeNamed(name, from, { schemas: this.#source, document, above: [] });
    },
    inline: (element: XmlElement, document: SchemaDocument): Annotated =>
      simpleType(element, { schemas: this.#source, document, above: [] }),
  };

  /** Enumerations and unions are worth a name of their own; the others are said where they are used. */
  #namedSimple(name: QName, document: SchemaDocument, from: XmlElement, element: XmlElement): Annotated {
    const schema = simpleTypeNamed(name, from, { schemas: this.#source, document, above: [] });
    if (schema.enum === undefined && schema.anyOf === undefined) return schema;
    const { name: own, fresh } = this.#names.of(`type ${shownName(name)}`, name);
    const description = documentation(element);
    if (fresh) this.schemas[own] = description === undefined ? schema : { ...schema, description };
    return { $ref: `#/$defs/${own}` };
  }

  #namedComplex(name: QName, component: Component): Annotated {
    return this.#named(`type ${shownName(name)}`, name, component);
  }

  #named(key: string, name: QName, component: Component): Annotated {
    const { name: own, fresh } = this.#names.of(key, name);
    if (fresh) {
      // Its place is taken now, so that the order is that of first use.
      this.schemas[own] = true;
      this.#queue.push(() => {
        const about = documentation(component.element);
        this.schemas[own] = this.#complex(component.element, component.document, about, [key]);
      });
    }
    return { $ref: `#/$defs/${own}` };
  }

  /** A type and those derived from it: whichever stands in the document is told by `xsi:type`. */
  #family(name: QName, own: Annotated, component: Component, derived: readonly QName[]): Annotated {
    const key = `family ${shownName(name)}`;
    const { name: union, fresh } = this.#names.of(key, { namespace: name.namespace, local: `Any${name.local}` });
    if (fresh) {
      this.schemas[union] = true;
      const abstract = attributeOf(component.element, "abstract") === "true";
      const members: Annotated[] = abstract ? [] : [own];
      this.#members.set(refName(own), { type: name, derived: this.#members.get(refName(own))?.derived ?? false });
      for (const each of derived) {
        const found = this.#source.find("type", each);
        this.#source.spend(component.document.file, component.element);
        if (found === undefined || attributeOf(found.element, "abstract") === "true") continue;
        const member = this.#namedComplex(each, found);
        members.push(member);
        this.#members.set(refName(member), { type: each, derived: true });
      }
      this.schemas[union] = members.length === 0 ? own : { anyOf: members, xml: { derived: { abstract } } };
    }
    return { $ref: `#/$defs/${union}` };
  }

  #complex(
    element: XmlElement,
    document: SchemaDocument,
    description: string | undefined,
    above: readonly string[],
  ): Annotated {
    const properties = new Properties();
    this.#content(element, document, properties, above);
    return properties.schema(description);
  }

  /** What a `complexType`, `extension` or `restriction` says, added to `into`. */
  #content(element: XmlElement, document: SchemaDocument, into: Properties, above: readonly string[]): void {
    if (attributeOf(element, "mixed") === "true") into.text({ type: "string" }, false);
    const around: Around = { optional: false, many: false, branch: [], above };
    for (const child of schemaChildren(element)) {
      if (child.local === "simpleContent" || child.local === "complexContent") {
        if (attributeOf(child, "mixed") === "true") into.text({ type: "string" }, false);
        for (const derivation of schemaChildren(child))
          this.#derivation(child.local, derivation, document, into, above);
      } else if (/^(sequence|choice|all|group)$/.test(child.local)) this.#particle(child, document, around, into);
      else readAttributes(child, document, into, { ...this.#forAttributes, above });
    }
  }

  #derivation(
    kind: "simpleContent" | "complexContent",
    element: XmlElement,
    document: SchemaDocument,
    into: Properties,
    above: readonly string[],
  ): void {
    const text = attributeOf(element, "base");
    if (text === undefined) throw unreadableAt(document.file, element, `xs:${element.local} names no base`);
    const base = resolveName(document, element, text);
    const found = base.namespace === xsd ? undefined : this.#source.need("type", base, document.file, element);
    if (found?.element.local === "complexType") {
      const key = `type ${shownName(base)}`;
      if (above.includes(key)) throw unreadableAt(document.file, element, `${shownName(base)} is built upon itself`);
      if (above.length >= deepest)
        throw unreadableAt(document.file, element, `types are built on one another more than ${deepest} deep`);
      this.#content(found.element, found.document, into, [...above, key]);
      if (kind === "complexContent" && element.local === "restriction") into.dropElements();
    } else if (kind === "simpleContent") {
      into.text(simpleTypeNamed(base, element, { schemas: this.#source, document, above: [] }), true);
    } else if (!(base.namespace === xsd && base.local === "anyType")) {
      throw unreadableAt(document.file, element, `${shownName(base)} is no complex type that content can be built on`);
    }
    if (kind === "simpleContent" && element.local === "restriction") {
      const inline = schemaChildren(element).find((child) => child.local === "simpleType");
      const start =
        inline === undefined ? into.content : simpleType(inline, { schemas: this.#source, document, above: [] });
      if (start !== undefined) into.text(restricted(start, element), true);
      for (const child of schemaChildren(element))
        readAttributes(child, document, into, { ...this.#forAttributes, above });
      return;
    }
    this.#content(element, document, into, above);
  }

  #particle(element: XmlElement, document: SchemaDocument, around: Around, into: Properties): void {
    this.#source.spend(document.file, element);
    const { min, max } = occurrence(element, document);
    if (max === 0) return;
    switch (element.local) {
      case "element":
        this.#element(element, document, around, into, min, max);
        return;
      case "group":
        this.#group(
          element,
          document,
          { ...around, optional: around.optional || min === 0, many: around.many || max > 1 },
          into,
        );
        return;
      case "any":
        into.open = true;
        return;
      case "sequence":
      case "all":
      case "choice": {
        const children = schemaChildren(element);
        const choice = element.local === "choice" && children.length > 1;
        if (choice) this.#choices += 1;
        const id = this.#choices;
        const repeated = max > 1 && element.local !== "choice" && children.length > 1;
        if (repeated) this.#groups += 1;
        const together = repeated ? this.#groups : around.together;
        children.forEach((child, alternative) => {
          this.#particle(
            child,
            document,
            {
              optional: around.optional || min === 0 || choice,
              many: around.many || max > 1,
              ...(together === undefined ? {} : { together }),
              branch: choice ? [...around.branch, { choice: id, alternative }] : around.branch,
              above: around.above,
            },
            into,
          );
        });
        return;
      }
      default:
        throw unreadableAt(document.file, element, `xs:${element.local} is not expected here`);
    }
  }

  #group(element: XmlElement, document: SchemaDocument, around: Around, into: Properties): void {
    const ref = attributeOf(element, "ref");
    if (ref === undefined)
      throw unreadableAt(document.file, element, "a group inside a type must refer to a global one");
    const name = resolveName(document, element, ref);
    const key = `group ${shownName(name)}`;
    if (around.above.includes(key)) throw unreadableAt(document.file, element, `the ${key} contains itself`);
    const found = this.#source.need("group", name, document.file, element);
    for (const child of schemaChildren(found.element))
      this.#particle(child, found.document, { ...around, above: [...around.above, key] }, into);
  }

  #element(
    element: XmlElement,
    document: SchemaDocument,
    around: Around,
    into: Properties,
    min: number,
    max: number,
  ): void {
    const use = (facts: ElementFacts, optional: boolean, branch: Branch): ElementUse => ({
      ...facts,
      required: min > 0 && !around.optional && !optional,
      many: around.many || max > 1,
      minItems: around.many ? Math.min(min, 1) : min,
      maxItems: around.many ? Number.POSITIVE_INFINITY : max,
      ...(around.together === undefined ? {} : { together: around.together }),
      branch,
    });
    const ref = attributeOf(element, "ref");
    if (ref === undefined) {
      const local = attributeOf(element, "name");
      if (local === undefined) throw unreadableAt(document.file, element, "an element has neither name nor ref");
      const form = attributeOf(element, "form");
      const qualifiedName = form === undefined ? document.elementsQualified : form === "qualified";
      const name = { namespace: qualifiedName ? document.namespace : "", local };
      into.element(use(this.#elementFacts(element, document, name), false, around.branch));
      return;
    }
    const name = resolveName(document, element, ref);
    const head = this.#source.need("element", name, document.file, element);
    const substitutes = this.#source.substitutesFor(name).filter((each) => {
      const found = this.#source.find("element", each);
      return found !== undefined && attributeOf(found.element, "abstract") !== "true";
    });
    const described = (facts: ElementFacts): ElementFacts => {
      const own = documentation(element);
      return own === undefined ? facts : { ...facts, description: own };
    };
    if (substitutes.length === 0) {
      into.element(use(described(this.globalElement(name, document.file, element)), false, around.branch));
      return;
    }
    this.#choices += 1;
    const choice = this.#choices;
    const all = attributeOf(head.element, "abstract") === "true" ? substitutes : [name, ...substitutes];
    all.forEach((each, alternative) => {
      const facts = this.globalElement(each, document.file, element);
      into.element(use(facts, true, [...around.branch, { choice, alternative }]));
    });
  }
}

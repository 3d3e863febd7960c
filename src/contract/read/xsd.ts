/**
 * XML Schema to JSON Schema 2020-12: elements, complex types, groups and attributes (XML Schema 1.0 part 1, section 3).
 * Every schema carries, under the keyword `xml`, what a codec needs to write and read it (../xml-note.ts).
 *
 * Only what an operation can reach is turned into schemas, so a name that dangles in a corner nobody uses does no harm.
 * Named types wait in a queue, so a chain of types costs no stack.
 *
 * What is flattened: extension (base first), groups, attribute groups, substitution groups (a choice). What is lost: identity
 * constraints (`key`, `unique`), and which wildcard allows which namespaces.
 */
import { attributeOf, type XmlElement } from "../../formats/xml.ts";
import type { JsonSchema } from "../../operation.ts";
import type { QName } from "../model.ts";
import { readAttributes } from "./xsd-attributes.ts";
import { type Annotated, anything, builtinNamed, isSchemaElement, unnamedElement } from "./xsd-builtin.ts";
import { documentation, isTrue, withValue } from "./xsd-declarations.ts";
import { encodedArray, isEncoding, openArray } from "./xsd-encoded.ts";
import { SchemaNames } from "./xsd-names.ts";
import { Particles } from "./xsd-particles.ts";
import { type ElementFacts, Properties } from "./xsd-properties.ts";
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

const deepest = 100;

function refName(schema: Annotated): string {
  return String(schema.$ref).slice("#/$defs/".length);
}

/** `soapenc:base64` is an older name. */
function localOf({ local }: QName): string {
  return local === "base64" ? "base64Binary" : local;
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
  readonly #particles: Particles;
  readonly #encoded: boolean;

  /** @param encoded Some message is in SOAP encoding: every type tells its name, and whatever is a member may be null. */
  constructor(source: Schemas, encoded = false) {
    this.#source = source;
    this.#encoded = encoded;
    this.#particles = new Particles(source, {
      local: (element, document, name) => this.#elementFacts(element, document, name),
      global: (name, file, from) => this.globalElement(name, file, from),
    });
  }

  /** A global element. Call `finish` before `schemas` is used. */
  globalElement(name: QName, file: string, from: XmlElement): ElementFacts {
    if (isSchemaElement(name)) return { name, schema: anything, nillable: false };
    const found = this.#source.need("element", name, file, from);
    return this.#elementFacts(found.element, found.document, name);
  }

  /** The schema of an element that the contract does not name; it has a name of its own. */
  unnamedElement(): Annotated {
    const { name, fresh } = this.#names.of("unnamed element", { namespace: "", local: "XmlElement" });
    const self = `#/$defs/${name}`;
    if (fresh) this.schemas[name] = unnamedElement(self);
    return { $ref: self };
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
      const told = { ...schema, xml: { ...schema.xml, type } };
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
      schema: withValue(schema, element, this.#resolved(schema)),
      nillable: isTrue(element, "nillable") || this.#encoded,
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

  #type(written: QName, document: SchemaDocument, from: XmlElement): Annotated {
    if (isEncoding(written) && written.local === "Array") return openArray(anything);
    const builtin = builtinNamed(written);
    if (builtin !== undefined) return this.#told(builtin, { namespace: xsd, local: localOf(written) });
    const name = this.#source.meant("type", written, document.file, from);
    const found = this.#source.need("type", name, document.file, from);
    if (found.element.local === "simpleType") return this.#namedSimple(name, document, from, found.element);
    const derived = this.#source.derivedFrom(name);
    const own = this.#namedComplex(name, found);
    return derived.length === 0 ? own : this.#family(name, own, found, derived);
  }

  /** In SOAP encoding every value says its type. */
  #told(schema: Annotated, type: QName): Annotated {
    return this.#encoded && schema.xml?.any !== true ? { ...schema, xml: { ...schema.xml, type } } : schema;
  }

  /** A reference followed. */
  #resolved(schema: Annotated): Annotated {
    const found = typeof schema.$ref === "string" ? this.schemas[refName(schema)] : undefined;
    return typeof found === "object" ? (found as Annotated) : schema;
  }

  readonly #forAttributes = {
    target: (schema: Annotated): Annotated => this.#resolved(schema),
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
    const read = simpleTypeNamed(name, from, { schemas: this.#source, document, above: [] });
    const schema = this.#told(read, name);
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
        const array = encodedArray(component, {
          schemas: this.#source,
          type: (type, document, from) => this.#type(type, document, from),
        });
        const schema = array ?? this.#complex(component.element, component.document, about, [key]);
        this.schemas[own] = key.startsWith("type ") ? this.#told(schema, name) : schema;
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
      const abstract = isTrue(component.element, "abstract");
      const members: Annotated[] = abstract ? [] : [own];
      this.#members.set(refName(own), { type: name, derived: this.#members.get(refName(own))?.derived ?? false });
      for (const each of derived) {
        const found = this.#source.find("type", each);
        this.#source.spend(component.document.file, component.element);
        if (found === undefined || isTrue(found.element, "abstract")) continue;
        const member = this.#namedComplex(each, found);
        // One that does not say what it is would be written as the declared type, and lose what that one lacks.
        members.push({ ...member, required: ["xsiType"] });
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
    return properties.schema(description, () => this.unnamedElement());
  }

  /** What a `complexType`, `extension` or `restriction` says, added to `into`. */
  #content(element: XmlElement, document: SchemaDocument, into: Properties, above: readonly string[]): void {
    if (isTrue(element, "mixed")) into.mixed = true;
    for (const child of schemaChildren(element)) {
      if (child.local === "simpleContent" || child.local === "complexContent") {
        if (isTrue(child, "mixed")) into.mixed = true;
        for (const derivation of schemaChildren(child))
          this.#derivation(child.local, derivation, document, into, above);
      } else if (/^(sequence|choice|all|group)$/.test(child.local)) this.#particles.read(child, document, above, into);
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
    const written = resolveName(document, element, text);
    const builtin = written.namespace === xsd || (kind === "simpleContent" && builtinNamed(written) !== undefined);
    const base = builtin ? written : this.#source.meant("type", written, document.file, element);
    const found = builtin ? undefined : this.#source.need("type", base, document.file, element);
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
}

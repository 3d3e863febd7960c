/**
 * From the schemas of a contract and their keyword `xml` (contract/xml-note.ts) to what writing (soap-write.ts) and reading
 * (soap-read.ts) follow. Compiled once per schema and shared by every schema that refers to it, so types may hold themselves.
 */
import type { ContractModel, QName } from "../contract/model.ts";
import type { XmlNote } from "../contract/xml-note.ts";
import type { Json, JsonSchema } from "../operation.ts";
import { type Scalar, scalarOf } from "./soap-scalars.ts";

/** The namespace of `xsi:type` and `xsi:nil`. */
export const xsi = "http://www.w3.org/2001/XMLSchema-instance";

type ObjectSchema = { readonly [keyword: string]: unknown; readonly xml?: XmlNote };

export interface ElementSlot {
  readonly kind: "element";
  readonly index: number;
  readonly property: string;
  readonly name: QName;
  readonly many: boolean;
  readonly nillable: boolean;
  readonly content: Content;
  /** Where the same element may stand again, with others between. */
  readonly again: ElementSlot[];
}

/** A repeated choice or sequence, or mixed content: a list of rounds. */
export interface RoundsSlot {
  readonly kind: "rounds";
  readonly index: number;
  readonly property: string;
  /** What one round may be. */
  readonly members: readonly ObjectContent[];
  /** Rounds may also be elements that the contract does not name. */
  readonly open: boolean;
  /** Rounds may also be text. */
  readonly mixed: boolean;
}

/** Elements that the contract does not name. */
export interface WildcardSlot {
  readonly kind: "wildcard";
  readonly index: number;
  readonly property: string;
}

export type Slot = ElementSlot | RoundsSlot | WildcardSlot;

export interface AttributeProperty {
  readonly property: string;
  readonly name: QName;
  readonly scalar: Scalar;
  /** What an absent attribute stands for. */
  readonly fallback: Json | undefined;
}

/** What stands inside an element. Filled after it is made, because types may hold themselves. */
export interface ObjectContent {
  readonly kind: "object";
  /** In the order in which they are written. */
  readonly slots: Slot[];
  readonly properties: Set<string>;
  readonly attributes: AttributeProperty[];
  text: { readonly property: string; readonly scalar: Scalar } | undefined;
  readonly byElement: Map<string, Slot>;
  wildcard: Slot | undefined;
  mixed: RoundsSlot | undefined;
  readonly byAttribute: Map<string, AttributeProperty>;
  anyAttributes: string | undefined;
  /** By local name alone, the first one of it. */
  readonly byLocal: Map<string, Slot>;
  /** The blocks of the SOAP header, where the object is an input. */
  header: { readonly property: string; readonly content: ObjectContent } | undefined;
  /** The object is only there to hold the headers; this is what the element holds. */
  body: { readonly property: string; readonly content: Content } | undefined;
  /** What `xsiType` may say in a value, where the type may have to be told from others. */
  discriminated: string | undefined;
  /** For `xsi:type`, where every value tells its type (rpc/encoded). */
  type: QName | undefined;
}

export interface FamilyContent {
  readonly kind: "family";
  readonly members: Map<string, { readonly type: QName; readonly content: ObjectContent }>;
  declared: ObjectContent | undefined;
}

export interface ArrayContent {
  readonly kind: "array";
  readonly item: string;
  readonly itemType: QName;
  content: Content;
}

export type Content =
  | { readonly kind: "scalar"; readonly scalar: Scalar; readonly type: QName | undefined }
  | ObjectContent
  | FamilyContent
  | ArrayContent
  | { readonly kind: "any" }
  | { readonly kind: "empty" };

/** Compiles the schemas of one contract. */
export class Codec {
  readonly #model: ContractModel;
  readonly #known = new Map<object, Content>();
  #types: Map<string, { readonly name: string; readonly content: Content }> | undefined;

  constructor(model: ContractModel) {
    this.#model = model;
  }

  /** The content that a schema describes. */
  content(schema: JsonSchema): Content {
    if (typeof schema === "boolean") return { kind: "any" };
    const given = schema as ObjectSchema;
    if (typeof given.$ref === "string") {
      const target = this.#named(given.$ref);
      if (target === undefined) throw new TypeError(`the contract has no schema "${given.$ref}"`);
      return this.content(target);
    }
    return this.#known.get(given) ?? this.#compile(given);
  }

  /** How the child of a wrapper is read and written, where the output of an operation is that child alone. */
  only(schema: JsonSchema): ObjectContent {
    const object = emptyObject();
    this.#property(object, "only", schema as ObjectSchema);
    return object;
  }

  /** The type that `xsi:type` may name inside `xs:anyType`, as far as the contract has it. */
  typeNamed(name: QName): { readonly name: string; readonly content: Content } | undefined {
    if (this.#types === undefined) {
      this.#types = new Map();
      for (const [own, schema] of Object.entries(this.#model.schemas)) {
        const type = typeof schema === "object" ? (schema as ObjectSchema).xml?.type : undefined;
        if (type !== undefined) this.#types.set(keyOf(type), { name: own, content: this.content(schema) });
      }
    }
    return this.#types.get(keyOf(name));
  }

  /** The named schema that a value's `xsiType` says, inside `xs:anyType`. */
  contentNamed(name: string): { readonly type: QName; readonly content: Content } | undefined {
    const schema = Object.hasOwn(this.#model.schemas, name) ? this.#model.schemas[name] : undefined;
    const type = typeof schema === "object" ? (schema as ObjectSchema).xml?.type : undefined;
    return schema === undefined || type === undefined ? undefined : { type, content: this.content(schema) };
  }

  #compile(schema: ObjectSchema): Content {
    const note = schema.xml ?? {};
    if (note.derived !== undefined) return this.#family(schema, note.derived.abstract);
    if (schema.type === "null") return { kind: "empty" };
    if (note.array !== undefined) {
      const { item, type } = note.array;
      const array: ArrayContent = { kind: "array", item, itemType: type, content: { kind: "any" } };
      this.#known.set(schema, array);
      array.content = this.content(schema.items as JsonSchema);
      return array;
    }
    if (schema.type === "object") return this.#object(schema);
    const scalar = note.any === true ? undefined : scalarOf(schema, (ref) => this.#named(ref));
    const content: Content = scalar === undefined ? { kind: "any" } : { kind: "scalar", scalar, type: note.type };
    this.#known.set(schema, content);
    return content;
  }

  #object(schema: ObjectSchema): ObjectContent {
    const object = emptyObject();
    this.#known.set(schema, object);
    object.type = schema.xml?.type;
    for (const [name, property] of Object.entries(schema.properties as { [name: string]: ObjectSchema }))
      this.#property(object, name, property);
    return object;
  }

  #named(ref: string): JsonSchema | undefined {
    const name = ref.slice("#/$defs/".length);
    return Object.hasOwn(this.#model.schemas, name) ? this.#model.schemas[name] : undefined;
  }

  #family(schema: ObjectSchema, abstract: boolean): Content {
    const family: FamilyContent = { kind: "family", members: new Map(), declared: undefined };
    this.#known.set(schema, family);
    (schema.anyOf as readonly { readonly $ref: string }[]).forEach((member, index) => {
      const content = this.content(member);
      const target = this.#named(member.$ref);
      const type = typeof target === "object" ? (target as ObjectSchema).xml?.type : undefined;
      if (content.kind !== "object" || type === undefined) return;
      family.members.set(member.$ref.slice("#/$defs/".length), { type, content });
      if (index === 0 && !abstract) family.declared = content;
    });
    return family;
  }

  #property(object: ObjectContent, property: string, schema: ObjectSchema): void {
    const note = schema.xml ?? {};
    object.properties.add(property);
    if (note.xsiType === true) {
      object.discriminated = String(schema.const);
      return;
    }
    if (note.header === true) {
      object.header = { property, content: this.content(schema) as ObjectContent };
      return;
    }
    if (note.body === true) {
      object.body = { property, content: this.content(withoutNote(schema)) };
      return;
    }
    const named = (ref: string): JsonSchema | undefined => this.#named(ref);
    if (note.text === true) {
      object.text = { property, scalar: scalarOf(schema, named) ?? textScalar };
      return;
    }
    if (note.anyAttributes === true) {
      object.anyAttributes = property;
      return;
    }
    const name = { namespace: note.namespace ?? "", local: note.name ?? property };
    if (note.attribute === true) {
      const fallback = (schema.const ?? schema.default) as Json | undefined;
      const attribute = { property, name, scalar: scalarOf(schema, named) ?? textScalar, fallback };
      object.attributes.push(attribute);
      object.byAttribute.set(keyOf(name), attribute);
      return;
    }
    const index = object.slots.length;
    if (note.rounds === true || note.mixed === true) {
      this.#rounds(object, { property, index, mixed: note.mixed === true }, schema.items as ObjectSchema);
      return;
    }
    if (note.wildcard === true) {
      const slot: WildcardSlot = { kind: "wildcard", index, property };
      object.slots.push(slot);
      object.wildcard ??= slot;
      return;
    }
    const many = note.many === true;
    let one = (many ? schema.items : schema) as ObjectSchema;
    const nillable = note.nillable === true;
    if (nillable || note.optional === true) one = (one.anyOf as readonly ObjectSchema[])[0] as ObjectSchema;
    const slot: ElementSlot = {
      kind: "element",
      index,
      property,
      name,
      many,
      nillable,
      content: this.content(one),
      again: [],
    };
    object.slots.push(slot);
    const first = object.byElement.get(keyOf(name));
    if (first === undefined) object.byElement.set(keyOf(name), slot);
    else if (first.kind === "element") first.again.push(slot);
    if (!object.byLocal.has(name.local)) object.byLocal.set(name.local, slot);
  }

  #rounds(
    object: ObjectContent,
    facts: { readonly property: string; readonly index: number; readonly mixed: boolean },
    items: ObjectSchema,
  ): void {
    const members: ObjectContent[] = [];
    let open = false;
    for (const member of (items.anyOf as readonly ObjectSchema[] | undefined) ?? [items]) {
      // The schema of an unnamed element is the only reference here; text is the only string.
      if (typeof member.$ref === "string") open = true;
      else if (member.type === "object") members.push(this.#object(member));
    }
    const slot: RoundsSlot = { kind: "rounds", ...facts, members, open };
    object.slots.push(slot);
    if (facts.mixed) object.mixed = slot;
    for (const member of members) {
      for (const [key] of member.byElement) if (!object.byElement.has(key)) object.byElement.set(key, slot);
      for (const [local] of member.byLocal) if (!object.byLocal.has(local)) object.byLocal.set(local, slot);
    }
    if (open || members.some((member) => member.wildcard !== undefined)) object.wildcard ??= slot;
  }
}

function withoutNote(schema: ObjectSchema): ObjectSchema {
  const { xml, ...rest } = schema;
  const { body: _, ...note } = xml ?? {};
  return Object.keys(note).length === 0 ? rest : { ...rest, xml: note };
}

const textScalar = scalarOf({ type: "string" }, () => undefined) as Scalar;

function emptyObject(): ObjectContent {
  return {
    kind: "object",
    slots: [],
    properties: new Set(),
    attributes: [],
    text: undefined,
    byElement: new Map(),
    wildcard: undefined,
    mixed: undefined,
    byAttribute: new Map(),
    anyAttributes: undefined,
    byLocal: new Map(),
    header: undefined,
    body: undefined,
    discriminated: undefined,
    type: undefined,
  };
}

/** A qualified name as a key, and as it stands in errors: `{namespace}local`. */
export function keyOf(name: QName): string {
  return `{${name.namespace}}${name.local}`;
}

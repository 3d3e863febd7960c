/**
 * From the schemas of a contract and their keyword `xml` (contract/xml-note.ts) to what writing (soap-write.ts) and reading
 * (soap-read.ts) follow. Compiled once per schema and shared by every schema that refers to it, so types may hold themselves.
 */
import type { ContractModel, QName } from "../contract/model.ts";
import type { XmlNote } from "../contract/xml-note.ts";
import type { JsonSchema } from "../operation.ts";
import { type Scalar, scalarOf } from "./soap-scalars.ts";

/** The namespace of `xsi:type` and `xsi:nil`. */
export const xsi = "http://www.w3.org/2001/XMLSchema-instance";

type ObjectSchema = { readonly [keyword: string]: unknown; readonly xml?: XmlNote };

export interface ElementProperty {
  readonly property: string;
  readonly name: QName;
  readonly many: boolean;
  readonly nillable: boolean;
  readonly together: number | undefined;
  readonly content: Content;
}

export interface AttributeProperty {
  readonly property: string;
  readonly name: QName;
  readonly scalar: Scalar;
}

/** What stands inside an element. Filled after it is made, because types may hold themselves. */
export interface ObjectContent {
  readonly kind: "object";
  readonly elements: ElementProperty[];
  readonly attributes: AttributeProperty[];
  text: { readonly property: string; readonly scalar: Scalar } | undefined;
  readonly byElement: Map<string, ElementProperty>;
  readonly byAttribute: Map<string, AttributeProperty>;
  readonly locals: Set<string>;
  discriminated: boolean;
}

export interface FamilyContent {
  readonly kind: "family";
  readonly members: Map<string, { readonly type: QName; readonly content: ObjectContent }>;
  declared: ObjectContent | undefined;
}

export type Content =
  | { readonly kind: "scalar"; readonly scalar: Scalar }
  | ObjectContent
  | FamilyContent
  | { readonly kind: "any" }
  | { readonly kind: "empty" };

/** Compiles the schemas of one contract. */
export class Codec {
  readonly #model: ContractModel;
  readonly #known = new Map<object, Content>();

  constructor(model: ContractModel) {
    this.#model = model;
  }

  /** The content that a schema describes. */
  content(schema: JsonSchema): Content {
    if (typeof schema === "boolean") return { kind: "any" };
    const given = schema as ObjectSchema;
    if (typeof given.$ref === "string") {
      const name = given.$ref.slice("#/$defs/".length);
      const target = Object.hasOwn(this.#model.schemas, name) ? this.#model.schemas[name] : undefined;
      if (target === undefined) throw new TypeError(`the contract has no schema "${name}"`);
      return this.content(target);
    }
    let content = this.#known.get(given);
    if (content === undefined) content = this.#compile(given);
    return content;
  }

  /** How the child of a wrapper is read, where the output of an operation is that child alone. */
  only(schema: JsonSchema): ObjectContent {
    const object = emptyObject();
    this.#property(object, "only", schema as ObjectSchema);
    return object;
  }

  #compile(schema: ObjectSchema): Content {
    if (schema.xml?.derived !== undefined) return this.#family(schema, schema.xml.derived.abstract);
    if (schema.type === "null") return { kind: "empty" };
    if (schema.type === "object") {
      const object = emptyObject();
      this.#known.set(schema, object);
      for (const [name, property] of Object.entries(schema.properties as { [name: string]: ObjectSchema }))
        this.#property(object, name, property);
      return object;
    }
    const scalar = schema.xml?.any === true ? undefined : scalarOf(schema, (ref) => this.#named(ref));
    const content: Content = scalar === undefined ? { kind: "any" } : { kind: "scalar", scalar };
    this.#known.set(schema, content);
    return content;
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
    if (note.xsiType === true) {
      object.discriminated = true;
      return;
    }
    const named = (ref: string): JsonSchema | undefined => this.#named(ref);
    if (note.text === true) {
      object.text = { property, scalar: scalarOf(schema, named) ?? textScalar };
      return;
    }
    const name = { namespace: note.namespace ?? "", local: note.name ?? property };
    if (note.attribute === true) {
      const attribute = { property, name, scalar: scalarOf(schema, named) ?? textScalar };
      object.attributes.push(attribute);
      object.byAttribute.set(keyOf(name), attribute);
      return;
    }
    const many = note.many === true;
    let one = (many ? schema.items : schema) as ObjectSchema;
    const nillable = note.nillable === true;
    if (nillable || note.optional === true) one = (one.anyOf as readonly ObjectSchema[])[0] as ObjectSchema;
    const element = { property, name, many, nillable, together: note.together, content: this.content(one) };
    object.elements.push(element);
    object.byElement.set(keyOf(name), element);
    object.locals.add(name.local);
  }
}

const textScalar = scalarOf({ type: "string" }, () => undefined) as Scalar;

function emptyObject(): ObjectContent {
  return {
    kind: "object",
    elements: [],
    attributes: [],
    text: undefined,
    byElement: new Map(),
    byAttribute: new Map(),
    locals: new Set(),
    discriminated: false,
  };
}

/** A qualified name as a key, and as it stands in errors: `{namespace}local`. */
export function keyOf(name: QName): string {
  return `{${name.namespace}}${name.local}`;
}

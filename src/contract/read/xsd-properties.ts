/** The properties of one complex type while they are gathered: elements and wildcards in order, attributes, text. */
import type { JsonSchema } from "../../operation.ts";
import type { QName } from "../model.ts";
import type { XmlNote } from "../xml-note.ts";
import type { Annotated } from "./xsd-builtin.ts";
import { propertyName } from "./xsd-names.ts";
import { shownName } from "./xsd-schemas.ts";

/** Which alternative of which choice a particle stands in, outermost first. */
export type Branch = readonly { readonly choice: number; readonly alternative: number }[];

/** An element by itself. */
export interface ElementFacts {
  readonly name: QName;
  /** Of one element, without null. */
  readonly schema: Annotated;
  readonly nillable: boolean;
  readonly description?: string;
}

/** An element, as a type uses it. */
export interface ElementUse extends ElementFacts {
  readonly required: boolean;
  readonly many: boolean;
  readonly minItems: number;
  /** Infinity for unbounded. */
  readonly maxItems: number;
  readonly branch: Branch;
  /** It stands in an `xs:all`. */
  readonly free?: boolean;
}

/** A choice or sequence that is repeated as a whole. */
export interface RoundsUse {
  readonly compositor: "choice" | "sequence";
  /** What one round may hold. */
  readonly members: readonly Properties[];
  /** A round may be an element that the contract does not name. */
  readonly open: boolean;
  readonly required: boolean;
  readonly minItems: number;
  readonly maxItems: number;
}

export interface AttributeUse {
  readonly name: QName;
  readonly schema: Annotated;
  readonly required: boolean;
  readonly description?: string;
}

export class Properties {
  /** In order; elements by their name. */
  readonly #parts = new Map<string, ElementUse | RoundsUse | "any">();
  readonly #attributes = new Map<string, AttributeUse>();
  #text: Annotated | undefined;
  #textRequired = false;
  /** The type allows attributes that it does not name (`xs:anyAttribute`). */
  anyAttributes = false;
  /** Text may stand between the elements. */
  mixed = false;

  /**
   * An element that stands in the type twice becomes a list, unless the two exclude each other. With something between them it
   * gets a second property, so that the order is kept.
   */
  element(use: ElementUse): void {
    let key = shownName(use.name);
    for (let n = 2; this.#standsApart(key, use); n++) key = `${shownName(use.name)} ${n}`;
    const other = this.#parts.get(key) as ElementUse | undefined;
    if (other === undefined) {
      this.#parts.set(key, use);
      return;
    }
    const apart = exclusive(other.branch, use.branch);
    this.#parts.set(key, {
      ...other,
      nillable: other.nillable || use.nillable,
      many: other.many || use.many || !apart,
      required: apart ? false : other.required || use.required,
      minItems: apart ? Math.min(other.minItems, use.minItems) : other.minItems + use.minItems,
      maxItems: apart ? Math.max(other.maxItems, use.maxItems) : other.maxItems + use.maxItems,
      branch: apart ? [] : other.branch,
    });
  }

  /** Whether the element of this key is another place in the sequence. */
  #standsApart(key: string, use: ElementUse): boolean {
    const other = this.#parts.get(key) as ElementUse | undefined;
    return other !== undefined && !exclusive(other.branch, use.branch) && [...this.#parts.keys()].at(-1) !== key;
  }

  rounds(use: RoundsUse): void {
    this.#parts.set(`rounds ${this.#parts.size}`, use);
  }

  /** `xs:any`. A type has one property for all of them, where the last one stands. */
  wildcard(): void {
    this.#parts.delete("any");
    this.#parts.set("any", "any");
  }

  attribute(use: AttributeUse): void {
    this.#attributes.set(shownName(use.name), use);
  }

  /** A restriction may forbid an attribute that its base has. */
  forbid(name: QName): void {
    this.#attributes.delete(shownName(name));
  }

  text(schema: Annotated, required: boolean): void {
    this.#text = schema;
    this.#textRequired = required;
  }

  /** The text that the type holds so far, for a restriction of it. */
  get content(): Annotated | undefined {
    return this.#text;
  }

  /** A restriction says all elements again. */
  dropElements(): void {
    this.#parts.clear();
  }

  /**
   * The object schema. Elements first, in their order; then attributes; the text of simple content stands first.
   *
   * @param unnamed The schema of an element that the contract does not name.
   */
  schema(description: string | undefined, unnamed: () => Annotated): Annotated {
    const properties: Record<string, JsonSchema> = Object.create(null);
    const required: string[] = [];
    const put = (name: string, schema: JsonSchema, must: boolean): void => {
      properties[name] = schema;
      if (must) required.push(name);
    };
    const taken = (name: string): boolean => Object.hasOwn(properties, name);
    // A name that we make up gives way to the contract's own.
    const made = (name: string, suffix: string): string =>
      propertyName(name, suffix, (each) => taken(each) || this.#hasLocal(each));
    const text = this.#text ?? (this.mixed && this.#parts.size === 0 ? { type: "string" } : undefined);
    if (text !== undefined) {
      const attributeToo = [...this.#attributes.values()].some((use) => use.name.local === "value");
      put(attributeToo ? "content" : "value", { ...text, xml: { ...text.xml, text: true } }, this.#textRequired);
    }
    if (this.mixed && this.#parts.size > 0) put(made("content", "Parts"), this.#mixedContent(unnamed), false);
    else {
      for (const part of this.#parts.values()) {
        if (part === "any") put(made("any", "Element"), wildcardSchema(unnamed()), false);
        else if ("compositor" in part) put(made(part.compositor, ""), roundsSchema(part, unnamed), part.required);
        else put(propertyName(part.name.local, "", taken), elementSchema(part), part.required);
      }
    }
    for (const use of this.#attributes.values()) {
      const schema = {
        ...described(use.schema, use.description),
        xml: { ...use.schema.xml, name: use.name.local, namespace: use.name.namespace, attribute: true },
      };
      put(propertyName(use.name.local, "Attribute", taken), schema, use.required);
    }
    if (this.anyAttributes) put(made("anyAttributes", "Open"), openAttributes, false);
    return {
      type: "object",
      ...(description === undefined ? {} : { description }),
      properties,
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    };
  }

  #hasLocal(local: string): boolean {
    for (const part of this.#parts.values())
      if (part !== "any" && "name" in part && part.name.local === local) return true;
    for (const use of this.#attributes.values()) if (use.name.local === local) return true;
    return false;
  }

  /** Every element that may stand in the content, each one alone in its round, with text between. */
  #mixedContent(unnamed: () => Annotated): Annotated {
    const singles = new Map<string, Annotated>();
    const open = this.#singles(singles, unnamed);
    const items = [{ type: "string" }, ...singles.values(), ...(open ? [unnamed()] : [])];
    return {
      type: "array",
      items: { anyOf: items },
      description: "Text and elements in their order.",
      xml: { mixed: true },
    };
  }

  #singles(into: Map<string, Annotated>, unnamed: () => Annotated): boolean {
    let open = false;
    for (const [key, part] of this.#parts) {
      if (part === "any") open = true;
      else if ("compositor" in part) {
        open ||= part.open;
        for (const member of part.members) if (member.#singles(into, unnamed)) open = true;
      } else if (!into.has(key)) into.set(key, roundOf(part, unnamed));
    }
    return open;
  }
}

/** A round of exactly one element. */
export function roundOf(use: ElementFacts, unnamed: () => Annotated): Annotated {
  return single(use).schema(undefined, unnamed);
}

/** The properties of a round of exactly one element. */
export function single(use: ElementFacts): Properties {
  const properties = new Properties();
  properties.element({ ...use, required: true, many: false, minItems: 1, maxItems: 1, branch: [] });
  return properties;
}

const openAttributes: Annotated = {
  type: "object",
  additionalProperties: { type: "string" },
  description: "Attributes that the contract does not name (xs:anyAttribute), by {namespace}local.",
  xml: { anyAttributes: true },
};

function wildcardSchema(items: Annotated): Annotated {
  return {
    type: "array",
    items,
    description: "Elements that the contract does not name (xs:any).",
    xml: { wildcard: true },
  };
}

function roundsSchema(use: RoundsUse, unnamed: () => Annotated): Annotated {
  const members = use.members.map((member) => member.schema(undefined, unnamed));
  if (use.open) members.push(unnamed());
  const [first] = members;
  return {
    type: "array",
    items: members.length === 1 && first !== undefined ? first : { anyOf: members },
    ...(use.minItems > 0 && use.required ? { minItems: use.minItems } : {}),
    ...(Number.isFinite(use.maxItems) ? { maxItems: use.maxItems } : {}),
    xml: { rounds: true },
  };
}

/** The schema of a property that is an element. */
export function elementSchema(use: ElementUse): Annotated {
  const { schema } = use;
  const note: XmlNote = {
    name: use.name.local,
    namespace: use.name.namespace,
    ...(use.nillable ? { nillable: true } : {}),
    ...(use.free === true ? { free: true } : {}),
  };
  const one = use.nillable ? { anyOf: [schema, { type: "null" }] } : schema;
  const about = use.description === undefined ? {} : { description: use.description };
  if (!use.many) return { ...one, ...about, xml: { ...(use.nillable ? {} : schema.xml), ...note } };
  return {
    type: "array",
    items: one,
    ...about,
    ...(use.minItems > 0 && use.required ? { minItems: use.minItems } : {}),
    ...(Number.isFinite(use.maxItems) ? { maxItems: use.maxItems } : {}),
    xml: { ...note, many: true },
  };
}

function described(schema: Annotated, description: string | undefined): Annotated {
  return description === undefined ? schema : { ...schema, description };
}

function exclusive(a: Branch, b: Branch): boolean {
  return a.some((at) => b.some((other) => other.choice === at.choice && other.alternative !== at.alternative));
}

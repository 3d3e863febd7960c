/** The properties of one complex type while they are gathered: elements in order, attributes, text. */
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
  readonly together?: number;
  readonly branch: Branch;
}

export interface AttributeUse {
  readonly name: QName;
  readonly schema: Annotated;
  readonly required: boolean;
  readonly description?: string;
}

export class Properties {
  readonly #elements = new Map<string, ElementUse>();
  readonly #attributes = new Map<string, AttributeUse>();
  #text: Annotated | undefined;
  #textRequired = false;
  /** The type allows elements or attributes that it does not name (`xs:any`). */
  open = false;

  /** An element that stands in the type twice becomes a list, unless the two exclude each other. */
  element(use: ElementUse): void {
    const key = shownName(use.name);
    const other = this.#elements.get(key);
    if (other === undefined) {
      this.#elements.set(key, use);
      return;
    }
    const apart = exclusive(other.branch, use.branch);
    this.#elements.set(key, {
      ...other,
      nillable: other.nillable || use.nillable,
      many: other.many || use.many || !apart,
      required: apart ? false : other.required || use.required,
      minItems: apart ? Math.min(other.minItems, use.minItems) : other.minItems + use.minItems,
      maxItems: apart ? Math.max(other.maxItems, use.maxItems) : other.maxItems + use.maxItems,
      branch: apart ? [] : other.branch,
    });
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
    this.#elements.clear();
  }

  /** The object schema. Elements first, in their order; then attributes; the text of simple content stands first. */
  schema(description: string | undefined): Annotated {
    const properties: Record<string, JsonSchema> = Object.create(null);
    const required: string[] = [];
    const taken = (name: string): boolean => Object.hasOwn(properties, name);
    if (this.#text !== undefined) {
      const attributeToo = [...this.#attributes.values()].some((use) => use.name.local === "value");
      const name = this.#elements.size > 0 ? propertyName("text", "Content", (n) => this.#hasLocal(n)) : "value";
      const property = attributeToo && name === "value" ? "content" : name;
      properties[property] = { ...this.#text, xml: { ...this.#text.xml, text: true } };
      if (this.#textRequired) required.push(property);
    }
    for (const use of this.#elements.values()) {
      const property = propertyName(use.name.local, "", taken);
      properties[property] = elementSchema(use);
      if (use.required) required.push(property);
    }
    for (const use of this.#attributes.values()) {
      const property = propertyName(use.name.local, "Attribute", taken);
      properties[property] = {
        ...described(use.schema, use.description),
        xml: { ...use.schema.xml, name: use.name.local, namespace: use.name.namespace, attribute: true },
      };
      if (use.required) required.push(property);
    }
    const about = [
      description,
      this.open ? "Content that the contract leaves open (xs:any) is neither sent nor read." : undefined,
    ];
    const told = about.filter((part) => part !== undefined).join("\n\n");
    return {
      type: "object",
      ...(told === "" ? {} : { description: told }),
      properties,
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    };
  }

  #hasLocal(local: string): boolean {
    for (const use of [...this.#elements.values(), ...this.#attributes.values()])
      if (use.name.local === local) return true;
    return false;
  }
}

/** The schema of a property that is an element. */
export function elementSchema(use: ElementUse): Annotated {
  const { schema } = use;
  const note: XmlNote = {
    name: use.name.local,
    namespace: use.name.namespace,
    ...(use.nillable ? { nillable: true } : {}),
    ...(use.many && use.together !== undefined ? { together: use.together } : {}),
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

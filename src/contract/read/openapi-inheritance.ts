/**
 * Polymorphism (OpenAPI 3.2.0, "Discriminator Object"; Swagger 2.0, "Schema Object", discriminator).
 *
 * A discriminator is written into the options themselves: each one gets its own value of the property, so that a validator tells them
 * apart and TypeScript narrows. A schema with a discriminator that others inherit from (`allOf`) means all of these. And a
 * parent that lists its children, which inherit from it, would never end if it were taken literally: children inherit the parent's
 * own part.
 */
import { type Documents, type Place, referenceOf } from "./openapi-documents.ts";

export interface Discriminator {
  readonly property: string;
  /** Values that the contract maps, to where they lead. */
  readonly mapping: readonly (readonly [value: string, target: string])[];
}

/** Steps through references and `allOf`. */
const deepest = 20;
/** Options of all parents together: in a long line of generations each ancestor has all that come after. */
const mostOptions = 50_000;

export class Inheritance {
  readonly #documents: Documents;
  /** Parent to those that have it in their `allOf`. */
  readonly #children = new Map<string, { readonly name: string; readonly place: Place }[]>();
  readonly #parents = new Map<string, Set<string>>();
  readonly #allowed = new Map<string, readonly unknown[] | undefined>();
  #options = 0;

  constructor(documents: Documents, named: readonly (readonly [name: string, place: Place])[]) {
    this.#documents = documents;
    for (const [name, place] of named) {
      const parts = documents.member(place, "allOf");
      if (parts === undefined || !Array.isArray(parts.value)) continue;
      for (const part of documents.elements(parts)) {
        const parent = this.reached(part);
        if (parent === undefined || !isObject(parent.value)) continue;
        const siblings = this.#children.get(id(parent)) ?? [];
        siblings.push({ name, place });
        this.#children.set(id(parent), siblings);
        const mine = this.#parents.get(id(place)) ?? new Set();
        this.#parents.set(id(place), mine.add(id(parent)));
      }
    }
  }

  /** The discriminator that a schema states. */
  discriminator(place: Place): Discriminator | undefined {
    const documents = this.#documents;
    const at = documents.member(place, "discriminator");
    if (at === undefined) return undefined;
    if (typeof at.value === "string") return { property: at.value, mapping: [] };
    const property = isObject(at.value) ? documents.text(at, "propertyName") : undefined;
    if (property === undefined || property === "") {
      documents.note(at, "a discriminator without the name of a property is passed over");
      return undefined;
    }
    const mapping = documents.members(documents.member(at, "mapping"));
    return {
      property,
      mapping: mapping.flatMap(([value, { value: to }]) => (typeof to === "string" ? [[value, to]] : [])),
    };
  }

  /** Whether a schema stands for those that inherit from it: it has a discriminator, and lists no options itself. */
  isParent(place: Place): boolean {
    const documents = this.#documents;
    const lists = ["oneOf", "anyOf"].some((keyword) => documents.member(place, keyword) !== undefined);
    return !lists && this.#children.has(id(place)) && this.discriminator(place) !== undefined;
  }

  /** Everything that inherits from a schema, through any number of generations; each once. */
  heirs(parent: Place): { readonly name: string; readonly place: Place }[] {
    const all = this.#heirs(parent);
    this.#options += all.length;
    if (this.#options > mostOptions)
      throw this.#documents.unreadable(parent, `its schemas inherit from each other more than ${mostOptions} times`);
    return all;
  }

  #heirs(parent: Place): { readonly name: string; readonly place: Place }[] {
    const found = new Map<string, { readonly name: string; readonly place: Place }>();
    const open = [id(parent)];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const child of this.#children.get(at) ?? []) {
        if (found.has(id(child.place)) || id(child.place) === id(parent)) continue;
        found.set(id(child.place), child);
        open.push(id(child.place));
      }
    }
    return [...found.values()];
  }

  /** Whether an `allOf` part leads from a schema to the parent it inherits from, and that parent stands for (or lists) its heirs. */
  isInherited(child: Place, parent: Place): boolean {
    if (this.isParent(parent)) return this.#parents.get(id(child))?.has(id(parent)) === true;
    const documents = this.#documents;
    return ["oneOf", "anyOf"].some((keyword) => {
      const options = documents.member(parent, keyword);
      if (options === undefined || !Array.isArray(options.value)) return false;
      return documents.elements(options).some((option) => {
        const target = this.reached(option);
        return target !== undefined && id(target) === id(child);
      });
    });
  }

  /** The values of the property that mean this option: the mapped ones, else its name. */
  valuesOf(stated: Discriminator, option: Place, from: Place): readonly string[] {
    const { pointer, file } = option;
    const name = lastName(pointer) ?? file;
    const mapped = stated.mapping.filter(([, to]) => to === name || this.#leadsTo(to, from, option));
    return mapped.length > 0 ? mapped.map(([value]) => value) : [name];
  }

  /** The values that an option itself allows for the property; `undefined`: any. */
  allowed(option: Place, property: string, depth = 0): readonly unknown[] | undefined {
    const at = this.reached(option) ?? option;
    if (depth > deepest || !isObject(at.value)) return undefined;
    // Remembered: parts that share parts would be asked again and again.
    const key = `${id(at)}\n${property}`;
    if (!this.#allowed.has(key)) {
      this.#allowed.set(key, undefined);
      this.#allowed.set(key, this.#allows(at, property, depth));
    }
    return this.#allowed.get(key);
  }

  #allows(at: Place, property: string, depth: number): readonly unknown[] | undefined {
    const documents = this.#documents;
    const properties = documents.member(at, "properties");
    const own = properties === undefined ? undefined : documents.member(properties, property);
    const found = own === undefined ? undefined : (this.reached(own) ?? own);
    if (found !== undefined && isObject(found.value)) {
      const { const: only, enum: several } = found.value;
      if (only !== undefined) return [only];
      if (Array.isArray(several) && several.length > 0) return several;
    }
    const parts = documents.member(at, "allOf");
    if (parts === undefined || !Array.isArray(parts.value)) return undefined;
    for (const part of documents.elements(parts)) {
      const inner = this.allowed(part, property, depth + 1);
      if (inner !== undefined) return inner;
    }
    return undefined;
  }

  /** What a place refers to, through any number of references; the place itself where it is none; `undefined`: nowhere. */
  reached(place: Place): Place | undefined {
    try {
      return this.#documents.follow(place);
    } catch {
      return undefined; // whoever converts the schema says what is wrong with it
    }
  }

  #leadsTo(reference: string, from: Place, option: Place): boolean {
    if (!/[#/.]/.test(reference)) return false;
    try {
      return id(this.#documents.target(from, reference)) === id(option);
    } catch {
      return false;
    }
  }
}

/** Where a schema stands. */
export function id({ file, pointer }: Pick<Place, "file" | "pointer">): string {
  return `${file}#${pointer}`;
}

/** Whether a reference stands there. */
export function isReference(place: Place): boolean {
  return referenceOf(place.value) !== undefined;
}

function lastName(pointer: string): string | undefined {
  const last = pointer.split("/").at(-1);
  return last === undefined || last === "" ? undefined : last.replaceAll("~1", "/").replaceAll("~0", "~");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Schema Objects of OpenAPI 2.0 to 3.2 as JSON Schema 2020-12, with names for everything that is referred to.
 *
 * Keywords that a validator does not know are dropped, so that a strict compile works. A schema of 2.0 or 3.0 (cousins
 * of JSON Schema draft 4 and 5; OpenAPI 3.0.3, section 4.7.24) is upgraded: `nullable`, boolean `exclusiveMinimum`, `example`.
 * What authors often write wrong is read as it is meant, with a note; a discriminator is written into its options (openapi-inheritance.ts).
 */
import { type JsonSchema, pointerNames } from "../../operation.ts";
import { Names, typeName } from "./names.ts";
import { type Documents, type Place, referenceOf } from "./openapi-documents.ts";
import { type Discriminator, Inheritance, id } from "./openapi-inheritance.ts";
import { consistent, isPlain, plainValue, requiredOf, type Schema, tellPattern, typeOf } from "./openapi-keywords.ts";
import { closesInherited, hasCoveredOption } from "./openapi-options.ts";

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const single = [
  "not",
  "if",
  "then",
  "else",
  "items",
  "contains",
  "propertyNames",
  "additionalProperties",
  "unevaluatedItems",
  "unevaluatedProperties",
];
const lists = ["allOf", "anyOf", "oneOf", "prefixItems"];
const byName = ["properties", "patternProperties", "dependentSchemas"];
/** Keywords under which a reference is entered without consuming any of the value: a ring of them never ends. */
const inPlace = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/** Schemas that one value may be checked by, at most: those that branch and branch again would take for ever. */
const heaviest = 100_000;

export class Schemas {
  readonly #documents: Documents;
  /** Swagger 2.0 and OpenAPI 3.0: the old dialects. */
  readonly #old: boolean;
  readonly #inheritance: Inheritance;
  readonly #names = new Names();
  readonly #nameOf = new Map<string, string>();
  readonly #defs = new Map<string, JsonSchema>();
  readonly #places = new Map<string, Place>();
  readonly #waiting: { readonly name: string; readonly place: Place; readonly own: boolean }[] = [];
  #next = 0;
  /** How many schemas are entered for one value, by name: what was checked. */
  readonly #weights = new Map<string, number>();

  constructor(documents: Documents, old: boolean) {
    this.#documents = documents;
    this.#old = old;
    const { root } = documents;
    const components = documents.member(root, "components");
    const at =
      components === undefined ? documents.member(root, "definitions") : documents.member(components, "schemas");
    const named = documents.members(at);
    this.#inheritance = new Inheritance(documents, named);
    for (const [name, place] of named) this.#nameFor(place, name);
    this.#drain();
  }

  /** The schema at a place, and everything it refers to. */
  convert(place: Place): JsonSchema {
    const schema = this.#convert(place);
    this.#drain();
    return schema;
  }

  /** All named schemas. */
  named(): ReadonlyMap<string, JsonSchema> {
    return this.#defs;
  }

  /** A name for one more schema that is made of a named one. */
  take(name: string): string {
    return this.#names.take(typeName(name));
  }

  /** The schema behind `{"$ref": "#/$defs/Name"}`, through any number of them (or `most`); others as they are. */
  behind(schema: JsonSchema, most = 100): JsonSchema {
    let at = schema;
    for (let hops = 0; hops < most && typeof at === "object" && typeof at.$ref === "string"; hops++) {
      at = this.#defs.get(at.$ref.slice("#/$defs/".length)) ?? true;
    }
    return at;
  }

  /** Names are given at once, schemas are converted later: rings end here. `own`: a parent without its heirs. */
  #nameFor(place: Place, wanted: string, own = false): string {
    const key = `${id(place)}${own ? "#own" : ""}`;
    const known = this.#nameOf.get(key);
    if (known !== undefined) return known;
    const name = this.#names.take(typeName(wanted));
    this.#nameOf.set(key, name);
    this.#defs.set(name, true);
    this.#places.set(name, place);
    this.#waiting.push({ name, place, own });
    return name;
  }

  #drain(): void {
    let changed = false;
    // the list grows while it is walked
    for (let next = this.#next; next < this.#waiting.length; next++) {
      const { name, place, own } = this.#waiting[next]!;
      this.#next = next + 1;
      this.#defs.set(name, own ? this.#alone(place) : this.#convert(place));
      changed = true;
    }
    if (changed) this.#check();
  }

  #convert(place: Place): JsonSchema {
    const { value } = place;
    if (typeof value === "boolean") return value;
    if (value === null) return true;
    if (typeof value !== "object" || Array.isArray(value)) {
      this.#documents.weaken(place, "this is no schema: any value is taken");
      return true;
    }
    const source = this.#documents.object(place);
    const reference = referenceOf(source) ?? dynamicReference(source);
    if (reference !== undefined) return this.#reference(place, reference);
    if (this.#inheritance.isParent(place)) return this.#family(place);
    return this.#alone(place);
  }

  #alone(place: Place): JsonSchema {
    return this.#upgraded(this.#keywords(place), place);
  }

  #reference(place: Place, reference: string): JsonSchema {
    const target = this.#documents.found(place, reference);
    if (target === undefined) return true;
    const schema: Schema = { $ref: `#/$defs/${this.#nameFor(target, suggestedName(target))}` };
    // In 3.0 whatever stands beside a $ref means nothing; its description is worth keeping all the same.
    if (!this.#old) return { ...schema, ...this.#keywords(place) };
    const description = this.#documents.text(place, "description");
    return description === undefined ? schema : { ...schema, description };
  }

  /** A parent stands for all that inherit from it, and for itself. */
  #family(place: Place): JsonSchema {
    const stated = this.#inheritance.discriminator(place)!;
    const title = suggestedName(place);
    const heirs = this.#inheritance.heirs(place);
    const own = { $ref: `#/$defs/${this.#nameFor(place, `${title} base`, true)}` };
    const options = heirs.map((heir) => {
      const ref = { $ref: `#/$defs/${this.#nameFor(heir.place, heir.name)}` };
      return this.#inheritance.isParent(heir.place)
        ? this.#marked(
            stated,
            { $ref: `#/$defs/${this.#nameFor(heir.place, `${heir.name} base`, true)}` },
            heir.place,
            place,
          )
        : this.#marked(stated, ref, heir.place, place);
    });
    const description = this.#documents.text(place, "description");
    const words = description === undefined ? {} : { description };
    return { ...words, anyOf: [...options, this.#marked(stated, own, place, place)] };
  }

  /** The option with its own values of the discriminator's property, unless it says them itself. */
  #marked(stated: Discriminator, option: JsonSchema, place: Place, from: Place): JsonSchema {
    const values = this.#inheritance.valuesOf(stated, place, from);
    const allowed = this.#inheritance.allowed(place, stated.property);
    const told = allowed !== undefined && (allowed.length === 1 || values.some((value) => !allowed.includes(value)));
    if (told) return option;
    const property = values.length === 1 ? { const: values[0] } : { enum: [...values] };
    const properties = Object.fromEntries([[stated.property, property]]);
    return { allOf: [option, { type: "object", properties, required: [stated.property] }] };
  }

  /** Of an `allOf`: the parent's own part, where the parent itself means its heirs, the child among them. */
  #parentOf(child: Place, part: Place): Schema | undefined {
    if (referenceOf(part.value) === undefined) return undefined;
    const parent = this.#inheritance.reached(part);
    if (parent === undefined || !this.#inheritance.isInherited(child, parent)) return undefined;
    return {
      $ref: `#/$defs/${this.#nameFor(this.#inheritance.isParent(parent) ? parent : this.#withoutOptions(parent), `${suggestedName(parent)} base`, true)}`,
    };
  }

  #withoutOptions(parent: Place): Place {
    const { oneOf: _, anyOf: __, discriminator: ___, ...own } = this.#documents.object(parent);
    return { ...parent, value: own };
  }

  #keywords(place: Place): Schema {
    const documents = this.#documents;
    const schema: Schema = {};
    const stated = this.#inheritance.discriminator(place);
    for (const [keyword, member] of documents.members(place)) {
      const { value } = member;
      if (isPlain(keyword)) {
        const read = plainValue(documents, keyword, member);
        if (read !== undefined) schema[keyword] = read;
        if (keyword === "pattern" && read !== undefined) tellPattern(documents, member, read as string);
      } else if (keyword === "type") {
        const type = typeOf(documents, member);
        if (type !== undefined) schema.type = type;
      } else if (keyword === "required") {
        const names = requiredOf(documents, member);
        if (names !== undefined) schema.required = names;
      } else if (keyword === "items" && Array.isArray(value)) schema.prefixItems = this.#list(member, place, keyword);
      else if (single.includes(keyword)) {
        if (typeof value === "object" || typeof value === "boolean") schema[keyword] = this.#convert(member);
        else documents.weaken(member, `"${keyword}" is no schema and is passed over`);
      } else if (lists.includes(keyword)) {
        const inner = this.#list(member, place, keyword, stated);
        if (inner.length > 0) schema[this.#meant(keyword, member, place, stated)] = inner;
      } else if (byName.includes(keyword)) {
        const names = isEmptyList(value) || value === null ? [] : Object.keys(documents.object(member));
        if (keyword === "patternProperties") for (const name of names) tellPattern(documents, member, name);
        const all = names.map((name) => [name, this.#convert(documents.member(member, name)!)]);
        schema[keyword] = Object.fromEntries(all) as Schema;
      } else if (keyword === "exclusiveMinimum" || keyword === "exclusiveMaximum") {
        if (typeof value === "number") schema[keyword] = value;
      } else if (keyword === "dependentRequired") schema[keyword] = documents.object(member);
      else if (keyword === "example" && schema.examples === undefined) schema.examples = [value];
    }
    if (schema.additionalProperties === false && closesInherited(documents, place)) {
      const closed = documents.member(place, "additionalProperties")!;
      documents.weaken(
        closed,
        "it would forbid the properties of the schemas that are combined here, and is passed over",
      );
      delete schema.additionalProperties;
    }
    return consistent(schema, documents, place);
  }

  /** A `oneOf` that can't be one is an `anyOf`. */
  #meant(keyword: string, member: Place, place: Place, stated: Discriminator | undefined): string {
    if (keyword !== "oneOf" || stated !== undefined || this.#documents.member(place, "anyOf") !== undefined)
      return keyword;
    if (!hasCoveredOption(this.#documents, this.#documents.elements(member))) return keyword;
    // No weaker than it is meant: what comes must fit one of the options, as ever.
    this.#documents.note(
      member,
      "what fits one option of the oneOf fits another one, too, so exactly one never does: it is read as an anyOf",
    );
    return "anyOf";
  }

  #list(member: Place, place: Place, keyword: string, stated?: Discriminator): JsonSchema[] {
    const documents = this.#documents;
    const parts = documents.elements(member);
    const entered = (part: Place) => this.#parentOf(place, part) ?? this.#convert(part);
    if (keyword === "allOf") return parts.map(entered);
    if (keyword !== "oneOf" && keyword !== "anyOf") return parts.map((part) => this.#convert(part));
    if (stated === undefined) return parts.map(entered);
    return parts.map((part) => {
      const option = entered(part);
      const reference = referenceOf(part.value);
      return reference === undefined ? option : this.#marked(stated, option, documents.target(part, reference), place);
    });
  }

  /** OpenAPI 3.0's and Swagger 2.0's own keywords. */
  #upgraded(schema: Schema, place: Place): JsonSchema {
    // Beside a choice it can only mean that null is one more.
    const orNull = schema.type === "null" && (schema.oneOf !== undefined || schema.anyOf !== undefined);
    if (orNull) delete schema.type;
    if (!this.#old) return orNull ? withNull(schema) : schema;
    const source = this.#documents.object(place);
    for (const [bound, exclusive] of [
      ["minimum", "exclusiveMinimum"],
      ["maximum", "exclusiveMaximum"],
    ] as const) {
      if (source[exclusive] === true && typeof schema[bound] === "number") {
        schema[exclusive] = schema[bound];
        delete schema[bound];
      }
    }
    if (schema.type === "array" && schema.items === undefined && schema.prefixItems === undefined) schema.items = true;
    if (!orNull && source.nullable !== true && source["x-nullable"] !== true) return schema;
    if (Array.isArray(schema.enum) && !schema.enum.includes(null)) schema.enum = [...(schema.enum as unknown[]), null];
    if (typeof schema.type === "string") {
      if (!combines(schema)) return { ...schema, type: [schema.type, "null"] };
    } else if (Array.isArray(schema.type) || !combines(schema)) return schema;
    return withNull(schema);
  }

  /**
   * One walk in depth through what validates the very same value: whoever is met on the way that leads to him stands in a ring, and
   * what branches again and again would be checked without end.
   */
  #check(): void {
    for (const start of this.#defs.keys()) {
      if (this.#weights.has(start)) continue;
      const way: { readonly name: string; readonly next: string[]; weight: number }[] = [];
      const open = new Set<string>();
      const enter = (name: string): void => {
        if (open.has(name))
          throw this.#documents.unreadable(
            this.#places.get(name)!,
            "the schema is defined by itself, without any property or list in between",
          );
        open.add(name);
        way.push({ name, next: enteredInPlace(this.#defs.get(name) ?? true), weight: 1 });
      };
      enter(start);
      for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
        const next = top.next.pop();
        const known = next === undefined ? undefined : this.#weights.get(next);
        if (known !== undefined) top.weight += known;
        else if (next !== undefined) enter(next);
        else {
          this.#weights.set(top.name, top.weight);
          open.delete(top.name);
          way.pop();
          const above = way.at(-1);
          if (above !== undefined) above.weight += top.weight;
        }
        if (top.weight > heaviest)
          throw this.#documents.unreadable(
            this.#places.get(top.name)!,
            `the schema branches into more than ${heaviest} others for one value`,
          );
      }
    }
  }
}

/** Names of the schemas that validate the very same value. */
function enteredInPlace(schema: JsonSchema): string[] {
  if (typeof schema === "boolean") return [];
  const found: string[] = [];
  if (typeof schema.$ref === "string") found.push(schema.$ref.slice("#/$defs/".length));
  for (const keyword of inPlace) {
    const inner = schema[keyword];
    if (Array.isArray(inner)) for (const one of inner as JsonSchema[]) found.push(...enteredInPlace(one));
    else if (inner !== undefined) found.push(...enteredInPlace(inner as JsonSchema));
  }
  return found;
}

/** What an author would call the schema: the last name in the pointer, else the name of the file. */
function suggestedName(target: Place): string {
  const path = pointerNames(target.pointer);
  const inFile = target.file
    .split("/")
    .pop()!
    .replace(/\.[^.]*$/, "");
  const last = path.at(-1);
  if (last === undefined) return inFile;
  if (!["schema", "items", "additionalProperties"].includes(last) && !/^\d+$/.test(last)) return last;
  const above = path
    .slice(0, -1)
    .filter((token) => /^[\p{L}][\p{L}\p{Nd}_]*$/u.test(token) && !["content", "schema", "properties"].includes(token));
  return `${above.at(-1) ?? inFile} ${/^\d+$/.test(last) ? `option ${last}` : last}`;
}

/** What a `$dynamicRef` leads to where nothing overrides it. */
function dynamicReference(source: Readonly<Record<string, unknown>>): string | undefined {
  const { $dynamicRef } = source;
  return typeof $dynamicRef === "string" ? $dynamicRef : undefined;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function combines(schema: Schema): boolean {
  return schema.allOf !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined;
}

function withNull({ title, description, deprecated, ...rest }: Schema): Schema {
  return defined({ title, description, deprecated, anyOf: [rest, { type: "null" }] });
}

function defined(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

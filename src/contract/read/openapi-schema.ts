/**
 * Schema Objects of OpenAPI 3.0 and 3.1 as JSON Schema 2020-12, with names for everything that is referred to.
 *
 * Keywords that a validator does not know are dropped, so that a strict compile works. A 3.0 schema (its dialect is a cousin
 * of JSON Schema draft 5; OpenAPI 3.0.3, section 4.7.24) is upgraded: `nullable`, boolean `exclusiveMinimum`, `example`.
 * A discriminator is dropped: its `oneOf` or `anyOf` says the same.
 */
import { type JsonSchema, pointerNames } from "../../operation.ts";
import { Names, typeName } from "./names.ts";
import { type Documents, type Place, referenceOf } from "./openapi-documents.ts";

type Schema = { [keyword: string]: unknown };

/** Keywords whose value is copied as it is, with the type it must have. */
const plain: Readonly<Record<string, "string" | "number" | "positive" | "boolean" | "count" | "any">> = {
  enum: "any",
  const: "any",
  default: "any",
  examples: "any",
  title: "string",
  description: "string",
  format: "string",
  pattern: "string",
  contentEncoding: "string",
  contentMediaType: "string",
  multipleOf: "positive",
  maximum: "number",
  minimum: "number",
  maxLength: "count",
  minLength: "count",
  maxItems: "count",
  minItems: "count",
  maxContains: "count",
  minContains: "count",
  maxProperties: "count",
  minProperties: "count",
  uniqueItems: "boolean",
  deprecated: "boolean",
  readOnly: "boolean",
  writeOnly: "boolean",
};
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

/** Formats that authors write as types; the meaning is beyond doubt. */
const slips: Readonly<Record<string, string>> = {
  float: "number",
  double: "number",
  decimal: "number",
  int: "integer",
  long: "integer",
  bool: "boolean",
};
const types = new Set(["null", "boolean", "object", "array", "number", "string", "integer"]);

export class Schemas {
  readonly #documents: Documents;
  /** OpenAPI 3.0: the old dialect. */
  readonly #old: boolean;
  readonly #names = new Names();
  readonly #nameOf = new Map<string, string>();
  readonly #defs = new Map<string, JsonSchema>();
  readonly #places = new Map<string, Place>();
  readonly #waiting: { readonly name: string; readonly place: Place }[] = [];

  constructor(documents: Documents, old: boolean) {
    this.#documents = documents;
    this.#old = old;
    const components = documents.member(documents.root, "components");
    const schemas = components === undefined ? undefined : documents.member(components, "schemas");
    for (const [name, place] of documents.members(schemas)) this.#nameFor(place, name);
    this.#drain();
  }

  /** The schema at a place, and everything it refers to. */
  convert(place: Place): JsonSchema {
    const schema = this.#convert(place);
    this.#drain();
    return schema;
  }

  /** All named schemas. Refuses rings that no value could ever get out of. */
  named(): { [name: string]: JsonSchema } {
    for (const name of this.#defs.keys()) this.#refuseRing(name);
    return Object.fromEntries(this.#defs);
  }

  /** The schema behind `{"$ref": "#/$defs/Name"}`, through any number of them; others as they are. */
  behind(schema: JsonSchema): JsonSchema {
    let at = schema;
    for (let hops = 0; hops < 100 && typeof at === "object" && typeof at.$ref === "string"; hops++) {
      at = this.#defs.get(at.$ref.slice("#/$defs/".length)) ?? true;
    }
    return at;
  }

  /** Names are given at once, schemas are converted later: rings end here. */
  #nameFor(place: Place, wanted: string, part = ""): string {
    const id = `${place.file}#${place.pointer}${part}`;
    const known = this.#nameOf.get(id);
    if (known !== undefined) return known;
    const name = this.#names.take(typeName(wanted));
    this.#nameOf.set(id, name);
    this.#defs.set(name, true);
    this.#places.set(name, place);
    this.#waiting.push({ name, place });
    return name;
  }

  #drain(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#defs.set(next.name, this.#convert(next.place));
  }

  #convert(place: Place): JsonSchema {
    const { value } = place;
    if (typeof value === "boolean") return value;
    const source = this.#documents.object(place);
    const reference = referenceOf(source);
    if (reference !== undefined) return this.#reference(place, reference);
    return this.#upgraded(this.#keywords(place), source);
  }

  #reference(place: Place, reference: string): JsonSchema {
    const target = this.#documents.target(place, reference);
    const schema: Schema = { $ref: `#/$defs/${this.#nameFor(target, suggestedName(target))}` };
    // In 3.0 whatever stands beside a $ref means nothing; its description is worth keeping all the same.
    if (!this.#old) return { ...schema, ...this.#keywords(place) };
    const description = this.#documents.text(place, "description");
    return description === undefined ? schema : { ...schema, description };
  }

  /**
   * Inheritance as many generators write it: the parent lists its children in `oneOf`, with a discriminator, and each child has the
   * parent in its `allOf`. Taken literally that never ends; meant is the parent's own part, which gets the name `ParentBase`.
   */
  #parentOf(child: Place, part: Place): Schema | undefined {
    const reference = referenceOf(part.value);
    if (reference === undefined) return undefined;
    const parent = this.#documents.target(part, reference);
    if (this.#documents.member(parent, "discriminator") === undefined) return undefined;
    const children = ["oneOf", "anyOf"].flatMap((keyword) =>
      this.#documents.elements(this.#documents.member(parent, keyword)),
    );
    const listed = children.some((each) => {
      const to = referenceOf(each.value);
      const target = to === undefined ? undefined : this.#documents.target(each, to);
      return target?.file === child.file && target.pointer === child.pointer;
    });
    if (!listed) return undefined;
    const { oneOf: _, anyOf: __, ...own } = this.#documents.object(parent);
    const base: Place = { ...parent, value: own };
    return { $ref: `#/$defs/${this.#nameFor(base, `${suggestedName(parent)} base`, "#own")}` };
  }

  #keywords(place: Place): Schema {
    const documents = this.#documents;
    const schema: Schema = {};
    for (const [keyword, member] of documents.members(place)) {
      const { value } = member;
      if (Object.hasOwn(plain, keyword)) {
        if (fits(value, plain[keyword]!)) schema[keyword] = value;
        else if (value !== null) throw documents.unreadable(member, `"${keyword}" has a value of the wrong type`);
      } else if (keyword === "type") schema.type = this.#type(member);
      else if (keyword === "required") {
        // 3.0 authors now and then write a boolean, which was the form of draft 3 and means nothing
        if (Array.isArray(value)) schema.required = [...new Set(value.filter((name) => typeof name === "string"))];
      } else if (single.includes(keyword)) schema[keyword] = this.#convert(member);
      else if (lists.includes(keyword)) {
        const parts = documents.elements(member);
        const inner = parts.map((part) => (keyword === "allOf" && this.#parentOf(place, part)) || this.#convert(part));
        if (inner.length > 0) schema[keyword] = inner;
      } else if (byName.includes(keyword)) {
        const all = Object.entries(documents.object(member)).map(([name]) => [
          name,
          this.#convert(documents.member(member, name)!),
        ]);
        schema[keyword] = Object.fromEntries(all) as Schema;
      } else if (keyword === "exclusiveMinimum" || keyword === "exclusiveMaximum") {
        if (typeof value === "number") schema[keyword] = value;
      } else if (keyword === "dependentRequired") schema[keyword] = documents.object(member);
      else if (keyword === "example" && schema.examples === undefined) schema.examples = [value];
    }
    if (schema.examples !== undefined && !Array.isArray(schema.examples)) delete schema.examples;
    if (schema.enum !== undefined) {
      if (!Array.isArray(schema.enum))
        throw documents.unreadable(documents.member(place, "enum")!, "a list is expected");
      const distinct = [...new Map(schema.enum.map((value) => [JSON.stringify(value), value as unknown])).values()];
      if (distinct.length === 0) delete schema.enum;
      else schema.enum = distinct;
    }
    // A pair that makes sense only together; strict validators refuse the lonely half.
    if (schema.if === undefined) {
      delete schema.then;
      delete schema.else;
    }
    if (schema.contains === undefined) {
      delete schema.maxContains;
      delete schema.minContains;
    }
    return withoutWriteOnly(schema);
  }

  #type(place: Place): unknown {
    const { value } = place;
    const written: unknown[] = Array.isArray(value) ? value : [value];
    const all = written.map((type) => (typeof type === "string" && Object.hasOwn(slips, type) ? slips[type] : type));
    const wrong = all.find((type) => !types.has(type as string));
    if (wrong !== undefined || all.length === 0)
      throw this.#documents.unreadable(place, `"${String(wrong)}" is no type; there are ${[...types].join(", ")}`);
    return all.length === 1 ? all[0] : [...new Set(all)];
  }

  /** OpenAPI 3.0's own keywords. */
  #upgraded(schema: Schema, source: Readonly<Record<string, unknown>>): JsonSchema {
    if (!this.#old) return schema;
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
    if (source.nullable !== true) return schema;
    if (Array.isArray(schema.enum) && !schema.enum.includes(null)) schema.enum = [...(schema.enum as unknown[]), null];
    if (typeof schema.type === "string") {
      if (!combines(schema)) return { ...schema, type: [schema.type, "null"] };
    } else if (Array.isArray(schema.type) || !combines(schema)) return schema;
    const { title, description, deprecated, ...rest } = schema;
    return defined({ title, description, deprecated, anyOf: [rest, { type: "null" }] });
  }

  #refuseRing(start: string): void {
    const seen = new Set<string>();
    const open = [start];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      for (const next of enteredInPlace(this.#defs.get(name)!)) {
        if (next === start) {
          const place = this.#places.get(start)!;
          throw this.#documents.unreadable(
            place,
            "the schema is defined by itself, without any property or list in between",
          );
        }
        if (!seen.has(next)) {
          seen.add(next);
          open.push(next);
        }
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

/** A property that is never answered can't be required of an answer; what is only answered is left to the request (see body). */
function withoutWriteOnly(schema: Schema): Schema {
  if (!Array.isArray(schema.required)) return schema;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema | boolean>>;
  const kept = (schema.required as string[]).filter((name) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return typeof property !== "object" || property.writeOnly !== true;
  });
  if (kept.length === 0) delete schema.required;
  else schema.required = kept;
  return schema;
}

function combines(schema: Schema): boolean {
  return schema.allOf !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined;
}

function defined(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}

function fits(value: unknown, kind: (typeof plain)[string]): boolean {
  switch (kind) {
    case "any":
      return true;
    case "count":
      return Number.isInteger(value) && (value as number) >= 0;
    case "positive":
      return typeof value === "number" && value > 0;
    default:
      return typeof value === kind;
  }
}

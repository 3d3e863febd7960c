/**
 * Examples of a schema that satisfy it: stable by their seed, with what the contract itself gives as an example or default where that
 * is valid, else made. Recursion is cut off where the schema lets it end; a schema that no value satisfies has no example.
 */
import type { Json, JsonSchema } from "../../operation.ts";
import { pointerToken } from "../../operation.ts";
import { compilePattern } from "../pattern.ts";
import { referencedName } from "../references.ts";
import type { XmlNote } from "../xml-note.ts";
import { type Definitions, fits, type Keywords } from "./fits.ts";
import { type Flat, flatten, ofTypes } from "./flat.ts";
import { heightOf } from "./heights.ts";
import { numbersOf } from "./numbers.ts";
import { Random } from "./random.ts";
import { textsOf } from "./texts.ts";

export interface ExampleOptions {
  /** Other seeds give other values. Default 1. */
  readonly seed?: number;
  /** What stands in a request leaves out what only the other side sets, and the other way round. Default: neither. */
  readonly side?: "input" | "output";
  /** Properties that may be absent: `some` (those near the top) or `none`. Default `some`. */
  readonly optional?: "some" | "none";
  /** Prefer `examples` and `default` of the contract. Default true. */
  readonly stated?: boolean;
  /** What the value is called: texts are named after it. */
  readonly name?: string;
}

/** Containers inside each other in which optional properties are filled in. */
const comfortable = 4;
const deepest = 40;
/** Values of one example, beyond which only what is required is made; and beyond which there is none. */
const plenty = 400;
const mostValues = 20_000;
const mostWork = 120_000;

/** An example that fits; `undefined` where none was found. `definitions`: the named schemas that `schema` refers to. */
export function exampleOf(
  schema: JsonSchema,
  definitions: Definitions,
  options: ExampleOptions = {},
): Json | undefined {
  for (const lean of options.optional === "none" ? [true] : [false, true]) {
    const maker = new Maker(definitions, options, lean);
    for (let variant = 0; variant < 3; variant++) {
      const value = maker.value([schema], { at: "", name: options.name ?? "", depth: 0, variant, names: [] });
      if (value !== undefined && fits(value, schema, definitions)) return value;
    }
  }
  return undefined;
}

interface Place {
  /** JSON Pointer: what the value at a place is does not depend on what stands beside it. */
  readonly at: string;
  readonly name: string;
  readonly depth: number;
  /** Other variants give other values. */
  readonly variant: number;
  /** Named schemas that this value is inside. */
  readonly names: readonly string[];
}

class Maker {
  readonly #definitions: Definitions;
  readonly #options: ExampleOptions;
  readonly #lean: boolean;
  #values = 0;
  #work = 0;

  constructor(definitions: Definitions, options: ExampleOptions, lean: boolean) {
    this.#definitions = definitions;
    this.#options = options;
    this.#lean = lean;
  }

  /** A value of which all `schemas` hold. */
  value(schemas: readonly JsonSchema[], place: Place): Json | undefined {
    this.#work += 1;
    if (place.depth > deepest || this.#values > mostValues || this.#work > mostWork) return undefined;
    const flat = flatten(schemas, this.#definitions);
    if (flat.never) return undefined;
    const holds = (value: unknown): boolean => schemas.every((schema) => fits(value, schema, this.#definitions));
    if (flat.values !== undefined) {
      const possible = ofTypes(flat.values, flat.types).filter(holds);
      return possible.length === 0 ? undefined : (this.#random(place).pick(possible) as Json);
    }
    if (this.#options.stated !== false && place.variant === 0) {
      // A schema that only lists properties lets a text pass, too, and means an object.
      const object = flat.types === undefined && Object.keys(flat.properties).length > 0;
      const meant = (value: unknown) => value !== null && (!object || typeof value === "object");
      const stated = flat.stated.find((value) => meant(value) && this.#mayStand(value) && holds(value));
      if (stated !== undefined) return stated as Json;
    }
    const inside = { ...place, names: [...place.names, ...flat.names] };
    for (let again = 0; again < (flat.unsure ? 3 : 1); again++) {
      const at = again === 0 ? inside : { ...inside, variant: place.variant + again };
      const value = flat.choices.length > 0 ? this.#chosen(schemas, flat, at, holds) : this.#made(flat, at);
      if (value !== undefined && (!flat.unsure || holds(value))) return value;
    }
    return undefined;
  }

  /** Stated values are taken whole only while there is room. */
  #mayStand(value: unknown): boolean {
    return typeof value !== "object" || this.#values < plenty;
  }

  #chosen(
    schemas: readonly JsonSchema[],
    flat: Flat,
    place: Place,
    holds: (value: unknown) => boolean,
  ): Json | undefined {
    const [first = [], ...others] = flat.choices;
    const rest = withoutChoices(schemas, this.#definitions);
    for (const option of this.#ordered(first, place)) {
      // The other choices stay what they are, as `anyOf`; which of them holds is found when the value is checked.
      const value = this.value([...rest, option, ...others.map((options) => ({ anyOf: options }))], place);
      if (value !== undefined && holds(value)) return value;
    }
    return undefined;
  }

  /** Shallow: what says most first. Deep: what ends soonest. */
  #ordered(options: readonly JsonSchema[], place: Place): readonly JsonSchema[] {
    const heights = new Map(options.map((option) => [option, heightOf(option, this.#definitions)]));
    const possible = options.filter((option) => heights.get(option) !== Number.POSITIVE_INFINITY);
    if (this.#deep(place)) return possible.toSorted((a, b) => heights.get(a)! - heights.get(b)!);
    const fresh = possible.filter((option) => !this.#repeats(option, place));
    const turn = place.variant === 0 ? 0 : place.variant % Math.max(1, fresh.length);
    const ordered = [...fresh.slice(turn), ...fresh.slice(0, turn), ...possible.filter((one) => !fresh.includes(one))];
    return ordered.toSorted((a, b) => Number(isNull(a)) - Number(isNull(b)));
  }

  #deep(place: Place): boolean {
    return place.depth > comfortable + 2 || this.#values > plenty;
  }

  /** Whether it leads into a schema that the place is inside already. */
  #repeats(schema: JsonSchema, place: Place): boolean {
    if (typeof schema === "boolean") return false;
    const { names } = place;
    const found = flatten([schema], this.#definitions);
    if (found.names.some((name) => names.includes(name))) return true;
    const items = found.rest.items as JsonSchema | undefined;
    if (items !== undefined && flatten([items], this.#definitions).names.some((name) => names.includes(name)))
      return true;
    return found.choices.some((options) =>
      options.every(
        (option) => isNull(option) || flatten([option], this.#definitions).names.some((n) => names.includes(n)),
      ),
    );
  }

  #made(flat: Flat, place: Place): Json | undefined {
    this.#values += 1;
    for (const type of this.#types(flat, place)) {
      const value = this.#ofType(type, flat, place);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #types(flat: Flat, place: Place): readonly string[] {
    const { types, rest, properties, required, maps, patterns } = flat;
    if (types !== undefined) {
      const real = types.filter((type) => type !== "null");
      const last = types.includes("null") ? ["null"] : [];
      return this.#deep(place) && !real.some((type) => scalars.has(type)) ? [...last, ...real] : [...real, ...last];
    }
    if (Object.keys(properties).length > 0 || required.length > 0 || maps.length > 0) return ["object"];
    if (rest.items !== undefined || rest.prefixItems !== undefined || rest.minItems !== undefined) return ["array"];
    if (patterns.length > 0 || rest.format !== undefined || rest.minLength !== undefined) return ["string"];
    if (rest.minimum !== undefined || rest.maximum !== undefined || flat.steps.length > 0) return ["number"];
    return rest.minProperties !== undefined ? ["object"] : ["string", "number", "boolean", "null"];
  }

  #ofType(type: string, flat: Flat, place: Place): Json | undefined {
    const random = this.#random(place);
    switch (type) {
      case "null":
        return null;
      case "boolean":
        return random.below(2) === 0;
      case "integer":
      case "number":
        return this.#first(numbersOf(flat.rest, flat.steps, type === "integer", random), { ...flat.rest, type }, flat);
      case "string": {
        const { minLength, maxLength, format, contentEncoding } = flat.rest;
        const bounds = {
          least: typeof minLength === "number" ? minLength : 0,
          most: typeof maxLength === "number" ? maxLength : Number.POSITIVE_INFINITY,
        };
        const wish = {
          format: typeof format === "string" ? format : undefined,
          encoding: typeof contentEncoding === "string" ? contentEncoding : undefined,
          patterns: flat.patterns,
          bounds,
          name: place.name,
          variant: place.variant,
          limits: exactLimits.flatMap((keyword) =>
            typeof flat.rest[keyword] === "string" ? [flat.rest[keyword]] : [],
          ),
        };
        const exact = Object.fromEntries(exactLimits.map((keyword) => [keyword, flat.rest[keyword]]));
        return this.#first(textsOf(wish, random), { type, minLength, maxLength, format, ...exact }, flat);
      }
      case "array":
        return this.#list(flat, place);
      default:
        return this.#object(flat, place);
    }
  }

  #first<T extends string | number>(candidates: Iterable<T>, given: Keywords, flat: Flat): T | undefined {
    const schema = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const patterns = flat.patterns.map((pattern) => compilePattern(pattern));
    for (const value of candidates) {
      if (typeof value === "string" && !patterns.every((pattern) => pattern.test(value))) continue;
      if (!flat.steps.every((step) => Number.isInteger((value as number) / step))) continue;
      if (fits(value, schema, this.#definitions)) return value;
    }
    return undefined;
  }

  #list(flat: Flat, place: Place): Json | undefined {
    const { minItems, maxItems, prefixItems, items = true, contains, uniqueItems, minContains } = flat.rest;
    const least = typeof minItems === "number" ? minItems : 0;
    const most = typeof maxItems === "number" ? maxItems : Number.POSITIVE_INFINITY;
    const prefix = (Array.isArray(prefixItems) ? prefixItems : []) as readonly JsonSchema[];
    const wanted = contains === undefined ? 0 : typeof minContains === "number" ? minContains : 1;
    const one = items as JsonSchema;
    const few = this.#lean || this.#deep(place) || this.#repeats(one, place) || items === false;
    const length = Math.min(most, Math.max(least, few ? 0 : 1, wanted, few ? 0 : prefix.length));
    if (length > mostValues) return undefined;
    const list: Json[] = [];
    const seen = new Set<string>();
    for (let i = 0, tries = 0; list.length < length; tries++) {
      const schemas =
        i < prefix.length ? [prefix[i]!] : i - prefix.length < wanted ? [one, contains as JsonSchema] : [one];
      const at = {
        ...place,
        at: `${place.at}/${tries}`,
        depth: place.depth + 1,
        variant: place.variant + (tries > i ? tries : 0),
      };
      const value = this.value(schemas, tries === i && i > 0 && uniqueItems === true ? { ...at, variant: i } : at);
      const text = uniqueItems === true ? JSON.stringify(value) : undefined;
      if (value === undefined || (text !== undefined && seen.has(text))) {
        // Not enough different ones, or none.
        if (list.length >= least && i >= wanted) return list;
        if (value === undefined || tries > 40 + 2 * length) return undefined;
        continue;
      }
      if (text !== undefined) seen.add(text);
      list.push(value);
      i += 1;
    }
    return list;
  }

  #object(flat: Flat, place: Place): Json | undefined {
    const object: Record<string, Json> = {};
    const { maxProperties, minProperties, dependentRequired } = flat.rest;
    const most = typeof maxProperties === "number" ? maxProperties : Number.POSITIVE_INFINITY;
    const put = (name: string): boolean => {
      if (Object.hasOwn(object, name)) return true;
      const schemas = schemasOf(flat, name);
      const value = schemas === undefined ? undefined : this.value(schemas, this.#below(place, name));
      if (value === undefined) return false;
      Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
      return true;
    };
    for (const name of flat.required) if (!put(name)) return undefined;
    // A type that others extend tells which one it is, though its schema lets it be silent (contract/xml-note.ts).
    for (const [name, schema] of Object.entries(flat.properties)) if (tellsType(schema)) put(name);
    const names = Object.keys(flat.properties);
    const roomy = !this.#lean && place.depth < comfortable;
    for (const name of roomy ? names : [])
      if (Object.keys(object).length < most && this.#values < plenty && this.#wanted(flat.properties[name]!, place))
        put(name);
    for (const [name, others] of Object.entries((dependentRequired ?? {}) as Record<string, readonly string[]>))
      if (Object.hasOwn(object, name) && !others.every(put)) delete object[name];
    const least = typeof minProperties === "number" ? minProperties : 0;
    for (const name of names) if (Object.keys(object).length < least) put(name);
    // A map without a name of its own shows one entry.
    const map = names.length === 0 && flat.maps.some(({ others }) => typeof others === "object");
    const entries = Math.max(least, map && roomy && !this.#mapRepeats(flat, place) ? 1 : 0);
    for (let i = 0; Object.keys(object).length < entries && i < entries + 20; i++) {
      const name = this.#nameOf(flat, place, i);
      if (name !== undefined) put(name);
    }
    return Object.keys(object).length < least ? undefined : object;
  }

  #mapRepeats(flat: Flat, place: Place): boolean {
    return flat.maps.some(({ others }) => this.#repeats(others, place));
  }

  /** Another name for a property that the schema does not name. */
  #nameOf(flat: Flat, place: Place, number: number): string | undefined {
    const { propertyNames } = flat.rest;
    const at = { ...place, at: `${place.at}/*${number}`, name: "key", variant: number };
    if (propertyNames !== undefined) {
      const name = this.value([{ type: "string" }, propertyNames as JsonSchema], at);
      return typeof name === "string" ? name : undefined;
    }
    for (const { patterns, others } of flat.maps) {
      const [pattern] = Object.keys(patterns);
      if (pattern === undefined || others !== false) continue;
      const name = this.value([{ type: "string", pattern }], at);
      return typeof name === "string" ? name : undefined;
    }
    return `key${number + 1}`;
  }

  /** Whether an optional property is worth showing. */
  #wanted(schema: JsonSchema, place: Place): boolean {
    if (this.#repeats(schema, place)) return false;
    const { rest } = flatten([schema], this.#definitions);
    if (rest.deprecated === true) return false;
    if (rest.readOnly === true && this.#options.side === "input") return false;
    return !(rest.writeOnly === true && this.#options.side === "output");
  }

  #below(place: Place, name: string): Place {
    return { ...place, at: `${place.at}/${pointerToken(name)}`, name, depth: place.depth + 1 };
  }

  #random({ at, variant }: Place): Random {
    return new Random(`${this.#options.seed ?? 1}:${this.#options.name ?? ""}:${at}:${variant}`);
  }
}

/** Bounds of numbers that are kept as text. */
const exactLimits = ["formatMinimum", "formatMaximum", "formatExclusiveMinimum", "formatExclusiveMaximum"] as const;
const scalars = new Set(["string", "integer", "number", "boolean"]);

/** What holds of the property `name`; `undefined` where it must not be there. */
function schemasOf(flat: Flat, name: string): JsonSchema[] | undefined {
  const schemas: JsonSchema[] = [];
  if (Object.hasOwn(flat.properties, name)) schemas.push(flat.properties[name]!);
  for (const { named, patterns, others } of flat.maps) {
    const matching = Object.entries(patterns).filter(([pattern]) => compilePattern(pattern).test(name));
    for (const [, schema] of matching) schemas.push(schema);
    if (Object.hasOwn(named, name) || matching.length > 0) continue;
    if (others === false) return undefined;
    schemas.push(others);
  }
  return schemas.length === 0 ? [true] : schemas;
}

/** The same schemas with their choices taken out, also those of what they refer to. */
function withoutChoices(schemas: readonly JsonSchema[], definitions: Definitions): JsonSchema[] {
  const parts: JsonSchema[] = [];
  const open = [...schemas];
  const seen = new Set<JsonSchema>();
  for (let schema = open.shift(); schema !== undefined; schema = open.shift()) {
    if (typeof schema === "boolean" || seen.has(schema)) continue;
    seen.add(schema);
    const { oneOf, anyOf, allOf, $ref, ...rest } = schema as Keywords;
    parts.push(rest as JsonSchema);
    if (Array.isArray(allOf)) open.push(...(allOf as JsonSchema[]));
    if (typeof $ref !== "string") continue;
    const name = referencedName($ref);
    if (name !== undefined && Object.hasOwn(definitions, name)) open.push(definitions[name]!);
  }
  return parts;
}

function tellsType(schema: JsonSchema): boolean {
  return typeof schema === "object" && (schema.xml as XmlNote | undefined)?.xsiType === true;
}

function isNull(schema: JsonSchema): boolean {
  return typeof schema === "object" && (schema.type === "null" || schema.const === null);
}

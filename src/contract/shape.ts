/**
 * `t`: schemas of the project's own, with their types. They compose with those of contracts: `t.array(shop.schemas.Order)`.
 * Whatever a part refers to travels along in `$defs`, so that every schema is self-contained.
 */
import { canonicalJson } from "../formats/json.ts";
import type { Decimal, Infer, Int64, JsonSchema, Schema } from "../operation.ts";
import { mapReferences, referencesOf, referenceTo } from "./references.ts";

/** A property that may be absent. Only inside `t.object`. */
export interface OptionalSchema<T = unknown> {
  readonly kind: "optional";
  readonly schema: Schema<T>;
}

/** Words for people; they mean nothing to the validator. */
export interface Words {
  readonly title?: string;
  readonly description?: string;
}
export interface StringOptions extends Words {
  readonly minLength?: number;
  readonly maxLength?: number;
  /** ECMA-262 syntax without look-around and back references. Not anchored. */
  readonly pattern?: string;
  /** Such as `date`, `date-time`, `email`, `uuid`, `uri` (JSON Schema 2020-12 Validation, section 7.3). */
  readonly format?: string;
}
export interface NumberOptions extends Words {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
}
export interface ArrayOptions extends Words {
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
}
export interface ObjectOptions extends Words {
  /** Allow properties that are not named. Default false. */
  readonly open?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: a schema of whatever type
type AnySchema = Schema<any>;
// biome-ignore lint/suspicious/noExplicitAny: a property of whatever type
type Shape = { readonly [name: string]: AnySchema | OptionalSchema<any> };
type OptionalNames<S extends Shape> = { [N in keyof S]: S[N] extends OptionalSchema ? N : never }[keyof S];
type ObjectType<S extends Shape> = Flat<
  { readonly [N in Exclude<keyof S, OptionalNames<S>>]: Infer<S[N]> } & {
    readonly [N in OptionalNames<S>]?: S[N] extends OptionalSchema<infer T> ? T : never;
  }
>;
type Flat<T> = { [N in keyof T]: T[N] };
type Keywords = { readonly [keyword: string]: unknown };

/** Builds schemas. Every value is a frozen `Schema<T>` whose type follows from how it was built. */
export const t = Object.freeze({
  string: (options: StringOptions = {}): Schema<string> => schema({ type: "string", ...options }),
  number: (options: NumberOptions = {}): Schema<number> => schema({ type: "number", ...options }),
  integer: (options: NumberOptions = {}): Schema<number> => schema({ type: "integer", ...options }),
  boolean: (words: Words = {}): Schema<boolean> => schema({ type: "boolean", ...words }),
  /** An exact decimal, as text. */
  decimal: (words: Words = {}): Schema<Decimal> => schema({ type: "string", format: "decimal", ...words }),
  /** An exact 64-bit integer, as text. */
  int64: (words: Words = {}): Schema<Int64> => schema({ type: "string", format: "int64", ...words }),
  /** This very value. */
  literal: <const V extends string | number | boolean | null>(value: V, words: Words = {}): Schema<V> =>
    schema({ const: value, ...words }),
  /** One of these values. */
  enum: <const V extends string | number | boolean | null>(values: readonly V[], words: Words = {}): Schema<V> =>
    schema({ enum: [...values], ...words }),
  array: <S extends AnySchema>(items: S, options: ArrayOptions = {}): Schema<readonly Infer<S>[]> =>
    compose([items], ([inner]) => ({ type: "array", items: inner, ...options })),
  /** An object with these properties and no others, unless `open`. */
  object: <S extends Shape>(properties: S, options: ObjectOptions = {}): Schema<ObjectType<S>> => {
    const { open = false, ...words } = options;
    const names = Object.keys(properties);
    const required = names.filter((name) => properties[name]!.kind === "schema");
    const parts = names.map((name) => {
      const part = properties[name]!;
      return part.kind === "optional" ? part.schema : part;
    });
    return compose(parts, (inner) => ({
      type: "object",
      properties: Object.fromEntries(names.map((name, index) => [name, inner[index]])),
      ...(required.length === 0 ? {} : { required }),
      ...(open ? {} : { additionalProperties: false }),
      ...words,
    }));
  },
  /** A property that may be absent. */
  optional: <S extends AnySchema>(inner: S): OptionalSchema<Infer<S>> =>
    Object.freeze({ kind: "optional", schema: inner }),
  /** An object whose property names are data. */
  record: <S extends AnySchema>(values: S, words: Words = {}): Schema<{ readonly [name: string]: Infer<S> }> =>
    compose([values], ([inner]) => ({ type: "object", additionalProperties: inner, ...words })),
  /** Any of these. */
  union: <const S extends readonly AnySchema[]>(options: S, words: Words = {}): Schema<Infer<S[number]>> =>
    compose(options, (inner) => ({ anyOf: inner, ...words })),
  nullable: <S extends AnySchema>(inner: S): Schema<Infer<S> | null> =>
    compose([inner], ([body]) => ({ anyOf: [body, { type: "null" }] })),
  any: (words: Words = {}): Schema => schema({ ...words }),
  /** Any JSON Schema 2020-12 that brings its own `$defs`; its type is stated. */
  json: <T = unknown>(json: JsonSchema): Schema<T> => Object.freeze({ kind: "schema", json }),
});

function schema<T>(json: Keywords): Schema<T> {
  for (const value of Object.values(json)) if (typeof value === "object") Object.freeze(value);
  return Object.freeze({ kind: "schema", json: Object.freeze(json) });
}

/** Builds a schema from the bodies of others; what they refer to goes into one `$defs`. */
function compose<T>(parts: readonly AnySchema[], build: (bodies: readonly JsonSchema[]) => Keywords): Schema<T> {
  const sources = new Set<object>();
  for (const { json } of parts)
    if (typeof json === "object" && json.$defs !== undefined) sources.add(json.$defs as object);
  const [only] = sources;
  if (only === undefined) return schema(build(parts.map(body)));
  // The very same object of named schemas: their compiled validators are shared.
  if (sources.size === 1) return schema({ ...build(parts.map(body)), $defs: only });
  const merged = new Definitions();
  const bodies = parts.map((part) => merged.adopt(part));
  return schema({ ...build(bodies), $defs: Object.freeze(Object.fromEntries(merged.named)) });
}

function body({ json }: AnySchema): JsonSchema {
  if (typeof json === "boolean") return json;
  const { $defs: _, ...rest } = json;
  return Object.freeze(rest);
}

type Named = { readonly [name: string]: JsonSchema };

/** Named schemas of several origins in one place. A name that means two things gets a number. */
class Definitions {
  readonly named = new Map<string, JsonSchema>();
  /** Per origin: its names as they are called here. */
  readonly #renamed = new Map<Named, ReadonlyMap<string, string>>();
  readonly #origin = new Map<string, JsonSchema>();

  /** The part's body with references to the names of this place. */
  adopt(part: AnySchema): JsonSchema {
    const { json } = part;
    if (typeof json === "boolean" || json.$defs === undefined) return body(part);
    const names = this.#namesOf(json.$defs as Named);
    return mapReferences(body(part), (name) => referenceTo(names.get(name) ?? name));
  }

  #namesOf(definitions: Named): ReadonlyMap<string, string> {
    const known = this.#renamed.get(definitions);
    if (known !== undefined) return known;
    const names = new Map<string, string>();
    // A schema can be shared under its name only if all that it refers to can be: one that differs renames the whole origin's users.
    const differs = (name: string): boolean => {
      const there = this.#origin.get(name);
      return (
        there !== undefined && there !== definitions[name] && canonicalJson(there) !== canonicalJson(definitions[name])
      );
    };
    const changed = new Set(Object.keys(definitions).filter(differs));
    for (let size = -1; size !== changed.size; ) {
      size = changed.size;
      for (const name of Object.keys(definitions))
        if (this.named.has(name) && referencesOf(definitions[name]).some((to) => changed.has(to))) changed.add(name);
    }
    for (const name of Object.keys(definitions))
      names.set(name, changed.has(name) ? this.#free(name, definitions) : name);
    this.#renamed.set(definitions, names);
    for (const [name, here] of names) {
      if (this.named.has(here)) continue;
      this.named.set(
        here,
        mapReferences(definitions[name]!, (to) => referenceTo(names.get(to) ?? to)),
      );
      this.#origin.set(here, definitions[name]!);
    }
    return names;
  }

  #free(name: string, definitions: Named): string {
    let n = 2;
    while (this.named.has(`${name}${n}`) || Object.hasOwn(definitions, `${name}${n}`)) n++;
    return `${name}${n}`;
  }
}

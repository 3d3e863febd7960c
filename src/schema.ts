/**
 * Schemas that a project writes itself, where no contract has one. The TypeScript type is read from the JSON Schema, so it is
 * stated once.
 */
import type { JsonSchema, Schema } from "./operation.ts";

/**
 * A schema of your own: JSON Schema 2020-12, and the type that follows from it:
 * `schema({ type: "object", properties: { id: { type: "string" } }, required: ["id"] })`.
 * Read for the type are `type`, `properties`, `required`, `additionalProperties: false`, `items`, `enum`, `const`, `anyOf` and `oneOf`; for a
 * type that needs more, state it: `schema<Order>({ ... })`. All keywords are checked at run time.
 */
export function schema<const S extends JsonSchema>(json: S): Schema<FromSchema<S>>;
export function schema<T>(json: JsonSchema): Schema<T>;
export function schema(json: JsonSchema): Schema {
  return Object.freeze({ kind: "schema", json });
}

/** The TypeScript type of the values that a JSON Schema allows, as far as its keywords tell. */
export type FromSchema<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly anyOf: readonly (infer B)[] } | { readonly oneOf: readonly (infer B)[] }
      ? FromSchema<B>
      : S extends { readonly type: infer T }
        ? FromType<T, S>
        : unknown;

type FromType<T, S> = T extends readonly (infer U)[] ? FromOne<U, S> : FromOne<T, S>;
type FromOne<T, S> = T extends "string"
  ? string
  : T extends "number" | "integer"
    ? number
    : T extends "boolean"
      ? boolean
      : T extends "null"
        ? null
        : T extends "array"
          ? S extends { readonly items: infer I }
            ? readonly FromSchema<I>[]
            : readonly unknown[]
          : T extends "object"
            ? FromObject<S>
            : unknown;

type RequiredNames<S> = S extends { readonly required: readonly (infer R)[] } ? R : never;
type FromObject<S> = S extends { readonly properties: infer P }
  ? Flat<
      { readonly [N in keyof P as N extends RequiredNames<S> ? N : never]: FromSchema<P[N]> } & {
        readonly [N in keyof P as N extends RequiredNames<S> ? never : N]?: FromSchema<P[N]>;
      }
    >
  : { readonly [name: string]: unknown };
type Flat<T> = { [N in keyof T]: T[N] } & {};

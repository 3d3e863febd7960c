/**
 * `readOnly` and `writeOnly` (JSON Schema 2020-12 validation, section 9.4; OpenAPI 3.0.3, "Schema Object"): what only the other side sets is left out of
 * requests, what is only sent is left out of answers. A named schema with such a property somewhere inside gets a twin for
 * that direction: `OrderRequest`, `UserResponse`.
 */
import type { JsonSchema } from "../../operation.ts";
import { referencedName, referenceTo } from "../references.ts";
import type { Schemas } from "./openapi-schema.ts";

export type Direction = "request" | "response";
type Keywords = { readonly [keyword: string]: unknown };

const inList = ["allOf", "anyOf", "oneOf", "prefixItems"];
const inMap = ["properties", "patternProperties", "dependentSchemas"];
const alone = [
  "items",
  "additionalProperties",
  "not",
  "if",
  "then",
  "else",
  "contains",
  "unevaluatedProperties",
  "unevaluatedItems",
];

export class Directions {
  /** Twins that were made, by name. */
  readonly twins = new Map<string, JsonSchema>();
  readonly #schemas: Schemas;
  readonly #flag: "readOnly" | "writeOnly";
  readonly #suffix: string;
  readonly #affected: ReadonlySet<string>;
  readonly #nameOf = new Map<string, string>();
  readonly #waiting: { readonly twin: string; readonly name: string }[] = [];

  constructor(schemas: Schemas, defs: ReadonlyMap<string, JsonSchema>, direction: Direction) {
    this.#schemas = schemas;
    this.#flag = direction === "request" ? "readOnly" : "writeOnly";
    this.#suffix = direction === "request" ? "Request" : "Response";
    this.#affected = this.#spread(defs);
  }

  /** The schema as it is in this direction. */
  of(schema: JsonSchema): JsonSchema {
    if (this.#affected.size === 0 && !this.#has(schema)) return schema;
    const cut = this.#cut(schema, none);
    // the list grows while it is walked
    for (let at = this.#waiting.pop(); at !== undefined; at = this.#waiting.pop())
      this.twins.set(at.twin, this.#cut(this.#schemas.behind({ $ref: referenceTo(at.name) }, 1), none));
    return cut;
  }

  /** Names of schemas that hold such a property, or refer to one that does. */
  #spread(defs: ReadonlyMap<string, JsonSchema>): ReadonlySet<string> {
    const users = new Map<string, string[]>();
    const affected = new Set<string>();
    for (const [name, schema] of defs) {
      if (this.#has(schema, (to) => (users.get(to) ?? users.set(to, []).get(to)!).push(name))) affected.add(name);
    }
    // the set grows while it is walked
    for (const name of affected) for (const user of users.get(name) ?? []) affected.add(user);
    return affected;
  }

  /** Whether a property is marked inside; `refers` hears of every reference. */
  #has(schema: unknown, refers: (name: string) => void = () => {}): boolean {
    if (typeof schema !== "object" || schema === null) return false;
    const keywords = schema as Keywords;
    let found = false;
    if (typeof keywords.$ref === "string") {
      const name = referencedName(keywords.$ref);
      if (name !== undefined) refers(name);
    }
    for (const property of Object.values((keywords.properties ?? {}) as Keywords))
      if (this.#isMarked(property as JsonSchema)) found = true;
    for (const inner of innerOf(keywords)) if (this.#has(inner, refers)) found = true;
    return found;
  }

  #isMarked(property: JsonSchema): boolean {
    if (typeof property !== "object") return false;
    if (property[this.#flag] === true) return true;
    const found = this.#schemas.behind(property);
    return typeof found === "object" && found[this.#flag] === true;
  }

  /** `gone`: properties that another part of the same `allOf` has lost. */
  #cut(schema: JsonSchema, gone: ReadonlySet<string>): JsonSchema {
    if (typeof schema === "boolean") return schema;
    const lost = new Set([...gone, ...this.#marked(schema, 0)]);
    const cut: { [keyword: string]: unknown } = {};
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === "$ref") cut.$ref = this.#reference(value as string);
      else if (keyword === "properties") {
        const kept = Object.entries(value as Keywords).filter(([name]) => !lost.has(name));
        cut.properties = Object.fromEntries(kept.map(([name, inner]) => [name, this.#cut(inner as JsonSchema, none)]));
      } else if (keyword === "required") {
        const kept = (value as readonly string[]).filter((name) => !lost.has(name));
        if (kept.length > 0) cut.required = kept;
      } else if (inList.includes(keyword)) {
        const inner = keyword === "prefixItems" ? none : lost;
        cut[keyword] = (value as readonly JsonSchema[]).map((part) => this.#cut(part, inner));
      } else if (inMap.includes(keyword)) {
        const all = Object.entries(value as Keywords);
        cut[keyword] = Object.fromEntries(all.map(([name, inner]) => [name, this.#cut(inner as JsonSchema, none)]));
      } else if (alone.includes(keyword)) cut[keyword] = this.#cut(value as JsonSchema, none);
      else cut[keyword] = value;
    }
    return cut;
  }

  /** Names of marked properties of a schema and of the parts of its `allOf`. */
  #marked(schema: JsonSchema, depth: number): string[] {
    const found = this.#schemas.behind(schema);
    if (typeof found === "boolean" || depth > 20) return [];
    const own = Object.entries((found.properties ?? {}) as Keywords);
    const names = own.filter(([, property]) => this.#isMarked(property as JsonSchema)).map(([name]) => name);
    for (const part of (found.allOf ?? []) as readonly JsonSchema[]) names.push(...this.#marked(part, depth + 1));
    return names;
  }

  #reference(reference: string): string {
    const name = referencedName(reference);
    if (name === undefined || !this.#affected.has(name)) return reference;
    let twin = this.#nameOf.get(name);
    if (twin === undefined) {
      twin = this.#schemas.take(`${name}${this.#suffix}`);
      this.#nameOf.set(name, twin);
      this.#waiting.push({ twin, name });
    }
    return referenceTo(twin);
  }
}

const none: ReadonlySet<string> = new Set();

function innerOf(keywords: Keywords): unknown[] {
  const lists = inList.flatMap((keyword) => (keywords[keyword] ?? []) as readonly unknown[]);
  const maps = inMap.flatMap((keyword) => Object.values((keywords[keyword] ?? {}) as Keywords));
  return [...lists, ...maps, ...alone.map((keyword) => keywords[keyword])];
}

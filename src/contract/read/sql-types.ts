/**
 * Types in a SQL contract: what may stand behind `@param`, `@column` and `@type`, and what a declared column means.
 *
 *   type    = base, then any number of `[]` (list) and `?` (or null)
 *   base    = a scalar | the name of a `@type` | `{ name: type, optional?: type }` | a JSON Schema, `{"type": ...}`
 *   scalar  = text integer bigint real decimal boolean date time datetime localdatetime uuid json bytes
 *
 * `bigint` and `decimal` are strings in JSON, so that they stay exact; `bytes` are base64.
 */
import { parseJson } from "../../formats/json.ts";
import type { Json, JsonSchema } from "../../operation.ts";
import type { SqlAs } from "../model.ts";

/** How a value of a type is bound or read, and what it is in JSON. `list`: an array of the database, of such values. */
export interface ValueType {
  readonly as: SqlAs;
  readonly list?: true;
  readonly schema: JsonSchema;
}

export interface SqlType extends ValueType {
  readonly nullable: boolean;
}

export const scalars = Object.freeze({
  text: { as: "text", schema: { type: "string" } },
  integer: { as: "integer", schema: { type: "integer" } },
  bigint: { as: "bigint", schema: { type: "string", format: "int64" } },
  real: { as: "real", schema: { type: "number" } },
  decimal: { as: "decimal", schema: { type: "string", format: "decimal" } },
  boolean: { as: "boolean", schema: { type: "boolean" } },
  date: { as: "text", schema: { type: "string", format: "date" } },
  time: { as: "text", schema: { type: "string", pattern: "^-?[0-9]{2,3}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?$" } },
  datetime: { as: "instant", schema: { type: "string", format: "date-time" } },
  localdatetime: {
    as: "datetime",
    schema: { type: "string", pattern: "^[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?$" },
  },
  uuid: { as: "text", schema: { type: "string", format: "uuid" } },
  json: { as: "json", schema: true },
  bytes: { as: "bytes", schema: { type: "string", contentEncoding: "base64", pattern: "^[A-Za-z0-9+/]*={0,2}$" } },
} satisfies Record<string, ValueType>);

/** A schema that also allows null. */
export function orNull(schema: JsonSchema): JsonSchema {
  if (typeof schema === "boolean") return schema;
  if (typeof schema.type === "string" && schema.enum === undefined && schema.const === undefined)
    return { ...schema, type: [schema.type, "null"] };
  return { anyOf: [schema, { type: "null" }] };
}

/** Reads one type at the start of `text`; `rest` is what follows it. Throws a plain `Error` with the reason. */
export function readType(text: string, known: ReadonlySet<string>): { readonly type: SqlType; readonly rest: string } {
  const reader = new TypeReader(text, known);
  const type = reader.type(0);
  return { type, rest: text.slice(reader.at).trim() };
}

const maxDepth = 32;

class TypeReader {
  at = 0;
  readonly #text: string;
  readonly #known: ReadonlySet<string>;

  constructor(text: string, known: ReadonlySet<string>) {
    this.#text = text;
    this.#known = known;
  }

  type(depth: number): SqlType {
    if (depth > maxDepth) throw new Error("the type is nested too deeply");
    let { as, schema } = this.#base(depth);
    let nullable = false;
    for (;;) {
      if (this.#take("[]")) {
        schema = { type: "array", items: nullable ? orNull(schema) : schema };
        as = "json";
        nullable = false;
      } else if (this.#take("?")) nullable = true;
      else return { as, schema, nullable };
    }
  }

  #base(depth: number): { as: SqlAs; schema: JsonSchema } {
    this.#space();
    if (/^\{\s*"/.test(this.#text.slice(this.at, this.at + 200))) return { as: "json", schema: this.#jsonSchema() };
    if (this.#take("{")) return { as: "json", schema: this.#object(depth) };
    const name = /^[A-Za-z_]\w*/.exec(this.#text.slice(this.at))?.[0];
    if (name === undefined) throw new Error("a type is missing (for example text, integer, decimal or json)");
    this.at += name.length;
    if (this.#known.has(name)) return { as: "json", schema: { $ref: `#/$defs/${name}` } };
    const scalar = Object.hasOwn(scalars, name) ? scalars[name as keyof typeof scalars] : undefined;
    if (scalar === undefined)
      throw new Error(`there is no type "${name}": write ${Object.keys(scalars).join(", ")}, or state it with @type`);
    return scalar;
  }

  #object(depth: number): JsonSchema {
    const properties: Record<string, JsonSchema> = Object.create(null);
    const required: string[] = [];
    this.#space();
    while (!this.#take("}")) {
      const found = /^([A-Za-z_$][\w$]*)\s*(\??)\s*:/.exec(this.#text.slice(this.at));
      if (found === null) throw new Error('a property is written "name: type" or "name?: type"');
      const name = found[1]!;
      if (Object.hasOwn(properties, name)) throw new Error(`the property "${name}" stands twice`);
      this.at += found[0].length;
      const inner = this.type(depth + 1);
      properties[name] = inner.nullable ? orNull(inner.schema) : inner.schema;
      if (found[2] === "") required.push(name);
      this.#space();
      if (!this.#take(",") && !this.#take(";") && this.#text[this.at] !== "}")
        throw new Error(`after the property "${name}" comes a comma or }`);
      this.#space();
    }
    return { type: "object", properties: { ...properties }, required, additionalProperties: false };
  }

  #jsonSchema(): JsonSchema {
    const start = this.at;
    let open = 0;
    for (const found of this.#text.slice(start).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
      if (found[0] === "{") open += 1;
      else if (found[0] === "}") open -= 1;
      if (open === 0 && found[0] === "}") {
        this.at = start + found.index + 1;
        break;
      }
    }
    if (this.at === start) throw new Error("the JSON Schema is not closed");
    const schema = parseJson(this.#text.slice(start, this.at)) as JsonSchema;
    checkReferences(schema, this.#known);
    return schema;
  }

  #space(): void {
    while (/\s/.test(this.#text[this.at] ?? "")) this.at += 1;
  }

  #take(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }
}

/** A schema of a contract points only to the contract's own types. */
function checkReferences(value: unknown, known: ReadonlySet<string>): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value as Record<string, Json>)) {
    if (name === "$ref" || name === "$dynamicRef") {
      const target = typeof inner === "string" ? /^#\/\$defs\/(.+)$/.exec(inner)?.[1] : undefined;
      if (target === undefined || !known.has(target))
        throw new Error(`"${String(inner)}" leads nowhere: a type is referenced as #/$defs/Name, after its @type`);
    } else checkReferences(inner, known);
  }
}

/** What a declared column type means (https://www.sqlite.org/datatype3.html, section 3), or why it can't be used. */
export function columnType(declared: string): ValueType | undefined {
  const name = declared.toLowerCase().replace(/\(.*$/s, "").replace(/\s+/g, " ").trim();
  if (/^(bigint|int8|unsigned big int|bigserial)$/.test(name)) return scalars.bigint;
  if (/^(decimal|numeric|money|number)$/.test(name)) return scalars.decimal;
  if (/^(bool|boolean)$/.test(name)) return scalars.boolean;
  if (/^(json|jsonb)$/.test(name)) return scalars.json;
  if (name.includes("int")) return scalars.integer;
  if (/char|clob|text|uuid|^date|^time/.test(name)) return scalars.text;
  if (/blob|binary|bytea/.test(name)) return scalars.bytes;
  if (/real|floa|doub/.test(name)) return scalars.real;
  return undefined;
}

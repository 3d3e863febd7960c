/** JSON Schema as the text of TypeScript types. What TypeScript can't say (lengths, patterns, `not`) stays with the validator. */
import type { JsonSchema } from "../../operation.ts";
import { referencedName } from "../references.ts";

type Keywords = { readonly [keyword: string]: unknown };
/** Name of a schema in the model, to the name of its type. */
export type TypeNames = ReadonlyMap<string, string>;

interface Words {
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly deprecated?: boolean | undefined;
}

/** Longest line that a union may fill before each member gets its own. */
const lineWidth = 110;

export class TypeText {
  /** Branded types used so far, which the file has to import. */
  readonly exact = new Set<"Decimal" | "Int64">();
  readonly #names: TypeNames;

  constructor(names: TypeNames) {
    this.#names = names;
  }

  /** `export interface Name {...}` or `export type Name = ...;`, with its comment. */
  declaration(name: string, schema: JsonSchema): string {
    const comment = this.comment(typeof schema === "boolean" ? {} : words(schema), "");
    if (typeof schema === "object" && isInterface(schema))
      return `${comment}export interface ${name} ${this.#members(schema, "")}\n`;
    return `${comment}export type ${name} = ${this.expression(schema, "")};\n`;
  }

  /** The type as an expression; inner lines are indented by `indent`. */
  expression(schema: JsonSchema, indent: string): string {
    if (typeof schema === "boolean") return schema ? "unknown" : "never";
    if (typeof schema.$ref === "string") {
      const name = this.#names.get(referencedName(schema.$ref) ?? "");
      const demanded = Array.isArray(schema.required) ? (schema.required as string[]) : [];
      if (name === undefined || demanded.length === 0) return name ?? "unknown";
      // A member of a union that must say which one it is.
      return `${name} & Required<Pick<${name}, ${demanded.map((one) => JSON.stringify(one)).join(" | ")}>>`;
    }
    if (schema.const !== undefined) return literal(schema.const);
    if (Array.isArray(schema.enum)) return union(schema.enum.map(literal), indent);
    const parts: string[] = [];
    const own = this.#own(schema, indent);
    if (own !== undefined) parts.push(own);
    for (const part of (schema.allOf ?? []) as JsonSchema[]) parts.push(this.expression(part, indent));
    for (const keyword of ["anyOf", "oneOf"]) {
      const options = schema[keyword];
      if (Array.isArray(options))
        parts.push(
          union(
            (options as JsonSchema[]).map((one) => this.expression(one, indent)),
            indent,
          ),
        );
    }
    return intersection(parts);
  }

  /** A comment of title, description and deprecation; nothing where there is nothing to say. */
  comment({ title, description, deprecated }: Words, indent: string): string {
    const lines: string[] = [];
    for (const text of [title, description]) {
      if (text === undefined || text.trim() === "" || lines.includes(text.trim())) continue;
      if (lines.length > 0) lines.push("");
      lines.push(...text.trim().split(/\r\n|[\n\r\u2028\u2029]/));
    }
    if (deprecated === true) lines.push("@deprecated");
    if (lines.length === 0) return "";
    // Text of the contract must neither end the comment nor tell the compiler what to pass over.
    const safe = lines.map((line) =>
      line
        .replaceAll("*/", "*\\/")
        .replace(/@(?=ts-)/g, "@ ")
        .trimEnd(),
    );
    if (safe.length === 1) return `${indent}/** ${safe[0]!} */\n`;
    return `${indent}/**\n${safe.map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`).join("")}${indent} */\n`;
  }

  /** A property name, quoted where it must be. */
  property(name: string): string {
    return /^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(name) ? name : JSON.stringify(name);
  }

  /** What the schema says besides references and combinations; `undefined`: nothing. */
  #own(schema: Keywords, indent: string): string | undefined {
    const { type } = schema;
    if (Array.isArray(type))
      return union(
        (type as string[]).map((one) => this.#ofType(one, schema, indent)),
        indent,
      );
    if (typeof type === "string") {
      const combined = schema.allOf !== undefined || schema.anyOf !== undefined || schema.oneOf !== undefined;
      // `type: object` beside a combination adds nothing that the combination does not say
      if (combined && type === "object" && !hasMembers(schema)) return undefined;
      return this.#ofType(type, schema, indent);
    }
    if (hasMembers(schema)) return this.#ofType("object", schema, indent);
    if (schema.items !== undefined || schema.prefixItems !== undefined) return this.#ofType("array", schema, indent);
    return undefined;
  }

  #ofType(type: string, schema: Keywords, indent: string): string {
    switch (type) {
      case "string":
        if (schema.format === "decimal" || schema.format === "int64") {
          const name = schema.format === "decimal" ? "Decimal" : "Int64";
          this.exact.add(name);
          return name;
        }
        return "string";
      case "integer":
      case "number":
        return "number";
      case "boolean":
        return "boolean";
      case "null":
        return "null";
      case "array":
        return this.#list(schema, indent);
      default:
        return this.#members(schema, indent);
    }
  }

  #list(schema: Keywords, indent: string): string {
    const items = (schema.items ?? true) as JsonSchema;
    if (!Array.isArray(schema.prefixItems)) return `readonly ${grouped(this.expression(items, indent))}[]`;
    const first = (schema.prefixItems as JsonSchema[]).map((item) => this.expression(item, indent));
    if (items !== false) first.push(`...${grouped(this.expression(items, indent))}[]`);
    return `readonly [${first.join(", ")}]`;
  }

  #members(schema: Keywords, indent: string): string {
    const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, JsonSchema>>);
    const additional = schema.additionalProperties as JsonSchema | undefined;
    const patterned =
      schema.patternProperties !== undefined && Object.keys(schema.patternProperties as object).length > 0;
    if (properties.length === 0) {
      if (patterned) return "{ readonly [name: string]: unknown }";
      const value = additional === false ? "never" : this.expression(additional ?? true, indent);
      return `{ readonly [name: string]: ${value} }`;
    }
    const required = new Set((schema.required ?? []) as string[]);
    const inner = `${indent}  `;
    const lines = properties.map(([name, property]) => {
      const comment = this.comment(typeof property === "boolean" ? {} : words(property), inner);
      const mark = required.has(name) ? "" : "?";
      return `${comment}${inner}readonly ${this.property(name)}${mark}: ${this.expression(property, inner)};\n`;
    });
    // Said in so many words: more members are welcome. Their type must admit the named ones.
    if (additional === true || typeof additional === "object" || patterned)
      lines.push(`${inner}readonly [name: string]: unknown;\n`);
    return `{\n${lines.join("")}${indent}}`;
  }
}

/** Whether the schema is nothing but an object with named members. */
export function isObject(schema: JsonSchema): boolean {
  return typeof schema === "object" && (schema.type === "object" || (schema.type === undefined && hasMembers(schema)));
}

function isInterface(schema: Keywords): boolean {
  const plain = ["$ref", "const", "enum", "allOf", "anyOf", "oneOf"].every((keyword) => schema[keyword] === undefined);
  return plain && isObject(schema) && Object.keys((schema.properties ?? {}) as object).length > 0;
}

function hasMembers(schema: Keywords): boolean {
  return (
    schema.properties !== undefined ||
    typeof schema.additionalProperties === "object" ||
    schema.patternProperties !== undefined
  );
}

function words(schema: Keywords): Words {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  return { title: text(schema.title), description: text(schema.description), deprecated: schema.deprecated === true };
}

function literal(value: unknown): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  return typeof value === "number" && Number.isFinite(value) ? String(value) : "unknown";
}

function union(parts: readonly string[], indent: string): string {
  // A member that is itself a union of several lines is taken apart.
  const flat = parts.flatMap((part) => (part.startsWith("\n") ? part.split(`\n${indent}  | `).slice(1) : [part]));
  const distinct = [...new Set(flat)];
  if (distinct.includes("unknown")) return "unknown";
  const kept = distinct.filter((part) => part !== "never").map((part) => (outside(part, "&") ? `(${part})` : part));
  if (kept.length === 0) return "never";
  const line = kept.join(" | ");
  if (kept.length === 1 || line.length <= lineWidth || line.includes("\n")) return line;
  return kept.map((part) => `\n${indent}  | ${part}`).join("");
}

function intersection(parts: readonly string[]): string {
  const distinct = [...new Set(parts)].filter((part) => part !== "unknown");
  if (distinct.length === 0) return "unknown";
  return distinct.length === 1
    ? distinct[0]!
    : distinct.map((part) => (isUnion(part) ? `(${part})` : part)).join(" & ");
}

function grouped(type: string): string {
  return isUnion(type) || outside(type, "&") || type.startsWith("readonly ") ? `(${type})` : type;
}

/** Whether a `|` stands outside all brackets. Text in quotes may hold anything. */
function isUnion(type: string): boolean {
  return outside(type, "|");
}

function outside(type: string, sign: "|" | "&"): boolean {
  let depth = 0;
  for (let i = 0; i < type.length; i++) {
    const character = type[i]!;
    if (character === '"') for (i++; i < type.length && type[i] !== '"'; i++) if (type[i] === "\\") i++;
    if (type.startsWith("/**", i)) i = type.indexOf("*/", i) + 1;
    if ("{[(".includes(character)) depth++;
    else if ("}])".includes(character)) depth--;
    else if (depth === 0 && character === sign) return true;
  }
  return false;
}

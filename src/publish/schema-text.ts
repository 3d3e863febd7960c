/** Schemas as people read them: a short type, and a sample value. */
import type { Json, JsonSchema } from "../operation.ts";
import { sampleFor } from "./pattern-sample.ts";

/** A piece of a type's text; `reference` names the schema that it leads to. */
export interface LabelPart {
  readonly text: string;
  readonly reference?: string;
}

/** `integer >= 1`, `list of OrderLine`, `"open" | "closed"`. */
export function typeLabel(schema: JsonSchema, depth = 0): readonly LabelPart[] {
  if (typeof schema === "boolean") return [{ text: schema ? "any" : "nothing" }];
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return [{ text: name, reference: name }];
  }
  if (schema.const !== undefined) return [{ text: JSON.stringify(schema.const) }];
  if (Array.isArray(schema.enum)) {
    const shown = schema.enum.slice(0, 12).map((value) => JSON.stringify(value));
    return [{ text: shown.join(" | ") + (schema.enum.length > 12 ? " | …" : "") }];
  }
  if (depth > 4) return [{ text: "…" }];
  for (const [keyword, sign] of [
    ["oneOf", " | "],
    ["anyOf", " | "],
    ["allOf", " & "],
  ] as const) {
    const branches = schema[keyword] as readonly JsonSchema[] | undefined;
    if (branches === undefined) continue;
    return branches.flatMap((branch, at) => [...(at === 0 ? [] : [{ text: sign }]), ...typeLabel(branch, depth + 1)]);
  }
  const types = typeof schema.type === "string" ? [schema.type] : ((schema.type ?? []) as readonly string[]);
  if (types.includes("array")) {
    return [{ text: "list of " }, ...typeLabel((schema.items ?? true) as JsonSchema, depth + 1), ...orNull(types)];
  }
  const bounds = [
    typeof schema.format === "string" ? `(${schema.format})` : "",
    schema.minimum === undefined ? "" : `>= ${String(schema.minimum)}`,
    schema.exclusiveMinimum === undefined ? "" : `> ${String(schema.exclusiveMinimum)}`,
    schema.maximum === undefined ? "" : `<= ${String(schema.maximum)}`,
    lengthLabel(schema),
    typeof schema.pattern === "string" && schema.pattern.length <= 60 ? `matching ${schema.pattern}` : "",
  ].filter((text) => text !== "");
  const named = types.filter((type) => type !== "null").join(" | ");
  return [{ text: [named === "" ? "any" : named, ...bounds].join(" ") }, ...orNull(types)];
}

function lengthLabel({ minLength, maxLength }: { readonly [keyword: string]: unknown }): string {
  if (minLength === undefined && maxLength === undefined) return "";
  if (maxLength === undefined) return minLength === 1 ? "not empty" : `of ${String(minLength)} or more characters`;
  return `of ${minLength === undefined ? "at most" : `${String(minLength)} to`} ${String(maxLength)} characters`;
}

function orNull(types: readonly string[]): readonly LabelPart[] {
  return types.includes("null") && types.length > 1 ? [{ text: " | null" }] : [];
}

/** A value of the right shape, for examples. The schema's own `examples`, `example` or `default` come first. */
export function sampleOf(schema: JsonSchema, named: Readonly<Record<string, JsonSchema>>, name = "", depth = 0): Json {
  if (typeof schema === "boolean" || depth > 8) return name === "" ? "value" : name;
  if (typeof schema.$ref === "string") {
    const target = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    return Object.hasOwn(named, target) ? sampleOf(named[target] as JsonSchema, named, name, depth + 1) : {};
  }
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0] as Json;
  for (const keyword of ["example", "default", "const"])
    if (schema[keyword] !== undefined) return schema[keyword] as Json;
  if (Array.isArray(schema.enum)) return schema.enum[0] as Json;
  for (const keyword of ["oneOf", "anyOf"]) {
    const branches = schema[keyword] as readonly JsonSchema[] | undefined;
    if (branches?.[0] !== undefined) return sampleOf(branches[0], named, name, depth + 1);
  }
  const types = typeof schema.type === "string" ? [schema.type] : ((schema.type ?? []) as readonly string[]);
  if (types.includes("object") || schema.properties !== undefined || schema.allOf !== undefined) {
    const value: Record<string, Json> = {};
    for (const part of (schema.allOf ?? []) as readonly JsonSchema[]) {
      Object.assign(value, sampleOf(part, named, name, depth + 1));
    }
    const required = new Set((schema.required ?? []) as readonly string[]);
    for (const [inner, property] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
      if (required.has(inner)) value[inner] = sampleOf(property, named, inner, depth + 1);
    }
    return value;
  }
  if (types.includes("array")) return [sampleOf((schema.items ?? true) as JsonSchema, named, name, depth + 1)];
  if (types.includes("integer") || types.includes("number")) return Number(schema.minimum ?? 1);
  if (types.includes("boolean")) return true;
  if (types.includes("null") && types.length === 1) return null;
  const text = textSample(String(schema.format ?? ""), name);
  return typeof schema.pattern === "string" ? sampleFor(schema.pattern, text) : text;
}

function textSample(format: string, name: string): string {
  const samples: Readonly<Record<string, string>> = {
    date: "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    email: "ada@example.com",
    uuid: "8e03978e-40d5-43dd-bc93-6894a57f9324",
    uri: "https://example.com",
    decimal: "12.50",
  };
  return samples[format] ?? (name === "" ? "text" : name);
}

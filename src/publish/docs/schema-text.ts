/** Schemas as people read them: a short type, and a sample value. */
import { exampleOf } from "../../contract/example/example.ts";
import type { Json, JsonSchema } from "../../operation.ts";

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
  if (schema.format === "binary") return [{ text: "file" }, ...orNull(types)];
  const bounds = [
    typeof schema.format === "string" ? `(${schema.format})` : "",
    rangeLabel(schema),
    lengthLabel(schema),
    typeof schema.pattern === "string" && schema.pattern.length <= 60 ? `matching ${schema.pattern}` : "",
  ].filter((text) => text !== "");
  if (types.length === 1 && types[0] === "null") return [{ text: "null" }];
  const named = types.filter((type) => type !== "null").join(" | ");
  return [{ text: [named === "" ? "any" : named, ...bounds].join(" ") }, ...orNull(types)];
}

function rangeLabel({
  minimum,
  maximum,
  exclusiveMinimum,
  exclusiveMaximum,
}: {
  readonly [keyword: string]: unknown;
}): string {
  if (
    minimum !== undefined &&
    maximum !== undefined &&
    exclusiveMinimum === undefined &&
    exclusiveMaximum === undefined
  )
    return `from ${String(minimum)} to ${String(maximum)}`;
  const bounds = [
    [">=", minimum],
    [">", exclusiveMinimum],
    ["<=", maximum],
    ["<", exclusiveMaximum],
  ] as const;
  return bounds.flatMap(([sign, bound]) => (bound === undefined ? [] : [`${sign} ${String(bound)}`])).join(", ");
}

function lengthLabel({ minLength, maxLength }: { readonly [keyword: string]: unknown }): string {
  if (minLength === undefined && maxLength === undefined) return "";
  if (maxLength === undefined) return minLength === 1 ? "not empty" : `of ${String(minLength)} or more characters`;
  return `of ${minLength === undefined ? "at most" : `${String(minLength)} to`} ${String(maxLength)} characters`;
}

function orNull(types: readonly string[]): readonly LabelPart[] {
  return types.includes("null") && types.length > 1 ? [{ text: " | null" }] : [];
}

/**
 * A value that fits and may be sent, always the same; with what the schema itself gives as an example first. `named`: the schemas that
 * references lead to, whether they stand under `$defs` or under `components` of an OpenAPI document. Where no value fits: `null`.
 */
export function sampleOf(schema: JsonSchema, named: Named, name = ""): Json {
  if (typeof schema === "boolean") return name === "" ? "value" : name;
  let definitions = known.get(named);
  if (definitions === undefined) {
    definitions = withDefs(named) as Named;
    known.set(named, definitions);
  }
  return exampleOf(withDefs(schema) as JsonSchema, definitions, { side: "input", name }) ?? null;
}

type Named = Readonly<Record<string, JsonSchema>>;
const known = new WeakMap<Named, Named>();

function withDefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDefs);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([keyword, inner]) => [
      keyword,
      keyword === "$ref" && typeof inner === "string"
        ? inner.replace(/^#\/components\/schemas\//, "#/$defs/")
        : withDefs(inner),
    ]),
  );
}

/** Schemas as tables, with links to the named ones. */
import type { JsonSchema } from "../../operation.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { type Html, html } from "./html.ts";
import { typeLabel } from "./schema-text.ts";

/** The type's name where it has one, and its properties. */
export function schemaBlock(schema: JsonSchema, named: OpenApiDocument["components"]["schemas"]): Html {
  const name = referenced(schema);
  if (name === undefined || !Object.hasOwn(named, name)) return schemaTable(schema);
  return html`<p>${typeHtml(schema)}</p>${schemaTable(named[name] as JsonSchema)}`;
}

export function schemaTable(schema: JsonSchema): Html {
  if (typeof schema === "boolean") return html`<p>Any JSON value.</p>`;
  const description = typeof schema.description === "string" ? html`<p>${schema.description}</p>` : undefined;
  if (shapeOf(schema) === undefined) return html`${description}<p>${typeHtml(schema)}</p>`;
  return html`${description}${propertyTable(schema)}`;
}

/** Levels of what has no name, and rows, that a table shows; openapi.json has the rest. */
const deepest = 4;
const mostRows = 200;

/** What a schema that has no name holds, a row for each property, also of what stands in it: `output.number`, `lines[].sku`. */
export function propertyTable(schema: JsonSchema): Html {
  const rows = rowsOf(schema, "", 0);
  const more = rows.length - mostRows;
  const left =
    more > 0 ? html`<p class="id">and ${more} more, in <a href="openapi.json">openapi.json</a></p>` : undefined;
  return html`<table><tr><th>Property</th><th>Type</th><th></th></tr>${rows.slice(0, mostRows)}</table>${left}`;
}

function rowsOf(schema: JsonSchema, before: string, depth: number): readonly Html[] {
  const shape = shapeOf(schema);
  if (shape === undefined || depth > deepest) return [];
  return shape.properties.flatMap(([name, property]) => {
    const at = `${before}${shape.list}${before === "" && shape.list === "" ? "" : "."}${name}`;
    const row = html`<tr><td><code>${at}</code>${shape.required.has(name) ? html`<i>required</i>` : undefined}</td><td>${typeHtml(property)}</td><td>${typeof property === "boolean" ? undefined : (property.description as string | undefined)}</td></tr>`;
    return [row, ...rowsOf(property, at, depth + 1)];
  });
}

interface Shape {
  /** `[]` for each list around the object. */
  readonly list: string;
  readonly properties: readonly (readonly [string, JsonSchema])[];
  readonly required: ReadonlySet<string>;
}

/** Of a schema that is an object with properties, a list of them, or one of these or null; what is named is shown under its name. */
export function shapeOf(schema: JsonSchema): Shape | undefined {
  if (typeof schema === "boolean" || schema.$ref !== undefined) return undefined;
  const branches = ((schema.anyOf ?? schema.oneOf ?? []) as readonly JsonSchema[]).filter(
    (branch) => typeof branch === "boolean" || branch.type !== "null",
  );
  if (branches.length === 1) return shapeOf(branches[0] as JsonSchema);
  if (schema.items !== undefined) {
    const inner = shapeOf(schema.items as JsonSchema);
    return inner && { ...inner, list: `[]${inner.list}` };
  }
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  if (properties.length === 0) return undefined;
  return { list: "", properties, required: new Set((schema.required ?? []) as readonly string[]) };
}

export function typeHtml(schema: JsonSchema): Html {
  return html`<code class="type">${typeLabel(schema).map((part) =>
    part.reference === undefined ? html`${part.text}` : html`<a href="#schema-${part.reference}">${part.text}</a>`,
  )}</code>`;
}

function referenced(schema: JsonSchema): string | undefined {
  if (typeof schema === "boolean" || typeof schema.$ref !== "string") return undefined;
  return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
}

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
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  if (properties.length === 0) return html`${description}<p>${typeHtml(schema)}</p>`;
  const required = new Set((schema.required ?? []) as readonly string[]);
  return html`${description}<table><tr><th>Property</th><th>Type</th><th></th></tr>${properties.map(
    ([name, property]) =>
      html`<tr><td><code>${name}</code>${required.has(name) ? html`<i>required</i>` : undefined}</td><td>${typeHtml(property)}</td><td>${typeof property === "boolean" ? undefined : (property.description as string | undefined)}</td></tr>`,
  )}</table>`;
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

/**
 * The docs page of an API: one self-contained HTML page made from its OpenAPI document. No script, nothing from outside;
 * every text from a contract is escaped.
 */
import { STATUS_CODES } from "node:http";
import type { JsonSchema } from "../../operation.ts";
import type { ApiDefinition } from "../define.ts";
import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from "../openapi.ts";
import { deprecationOf } from "./changelog.ts";
import { deprecationNotice } from "./changes-page.ts";
import { frame } from "./frame.ts";
import { type Html, html } from "./html.ts";
import { sampleOf, typeLabel } from "./schema-text.ts";

/** Links are relative: the page stands at `<base>/docs`, its neighbours beside it. */
export function docsPage(document: OpenApiDocument, { base, description }: ApiDefinition): string {
  const { info, components } = document;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const schemas = Object.entries(components.schemas).filter(([name]) => name !== "Problem");
  const secured = components.securitySchemes !== undefined;
  const deprecation = deprecationOf(info);
  return frame({
    title: `${info.title} ${info.version}`,
    contents: html`<p class="brand">${info.title}<span>${info.version}</span></p>
<a href="#start">Getting started</a>
<p class="group">Operations</p>
${operations.map(({ method, operation }) => html`<a href="#${operation.operationId}"><b class="m ${method}">${method}</b>${operation.operationId}</a>\n`)}
${schemas.length === 0 ? undefined : html`<p class="group">Schemas</p>`}
${schemas.map(([name]) => html`<a href="#schema-${name}">${name}</a>\n`)}
<p class="group">Everywhere</p>
<a href="#errors">Errors</a>
<a href="docs/changes">Changes</a>
<a href="openapi.json">openapi.json</a>`,
    main: html`<header>
<h1>${info.title}</h1>
<p class="facts"><span class="tag">${info.version}</span><span class="tag ${String(info["x-lifecycle"])}">${String(info["x-lifecycle"])}</span><code>${document.servers[0]?.url ?? base}</code></p>
${deprecation === undefined ? undefined : deprecationNotice(deprecation)}
${description === undefined ? undefined : html`<p class="lead">${description}</p>`}
</header>
<section id="start">
<h2>Getting started</h2>
${
  secured
    ? html`<p>Every request carries an API key, as <code>Authorization: Bearer &lt;key&gt;</code> or as <code>X-API-Key: &lt;key&gt;</code>. What a key may do is given by its scopes. Send bodies as <code>application/json</code>.</p>`
    : html`<p>No key is needed. Send bodies as <code>application/json</code>.</p>`
}
<p>Every answer carries <code>X-Request-Id</code>. Quote it when you ask for help.</p>
<p>The examples below run as they stand in a shell that knows ${secured ? "these two" : "where this API is"}:</p>
<pre>API_URL=https://api.example.com   # what stands before ${base} in the address of this page${secured ? "\nAPI_KEY=mtz_live_...   # your key" : undefined}</pre>
</section>
${operations.map(({ method, path, operation }) => operationSection(document, base, method, path, operation))}
${schemas.map(([name, schema]) => html`<section id="schema-${name}" class="schema"><h2>${name}</h2>${schemaTable(schema)}</section>`)}
<section id="errors">
<h2>Errors</h2>
<p>Every error is a problem (RFC 9457) as <code>application/problem+json</code>. <code>type</code> is stable; <code>errors</code> names each field that does not fit, with a JSON Pointer.</p>
<pre>${problemSample}</pre>
</section>
<footer>Made by Mortise from <a href="openapi.json">openapi.json</a>.</footer>`,
  });
}

const problemSample = JSON.stringify(
  {
    type: "urn:mortise:error:input-invalid",
    title: "Bad Request",
    status: 400,
    detail: "The request does not fit the API's description; `errors` says where.",
    instance: "urn:mortise:request:6f1c2a90-1k",
    errors: [{ pointer: "/lines/0/quantity", message: "must be >= 1" }],
  },
  null,
  2,
);

function operationSection(
  document: OpenApiDocument,
  base: string,
  method: string,
  path: string,
  operation: OpenApiOperation,
): Html {
  const body = operation.requestBody?.content["application/json"]?.schema;
  const scope = scopeOf(operation);
  return html`<section id="${operation.operationId}" class="operation">
<h2><b class="m ${method}">${method}</b><code>${base}${path}</code></h2>
<p class="id">${operation.summary ?? operation.operationId}${scope === undefined ? html`<span class="tag">public</span>` : html`<span class="tag">scope ${scope}</span>`}</p>
${operation.description === undefined ? undefined : html`<p>${operation.description}</p>`}
${operation.parameters === undefined ? undefined : parameterTable(operation.parameters)}
${body === undefined ? undefined : html`<h3>Body</h3>${schemaBlock(body, document.components.schemas)}`}
<h3>Example</h3>
<pre>${curl(document, base, method, path, operation, body)}</pre>
<h3>Answers</h3>
<table class="answers">${Object.entries(operation.responses).map(([status, response]) => answerRow(document, status, response))}</table>
</section>`;
}

function scopeOf(operation: OpenApiOperation): string | undefined {
  const first = operation.security[0] as { readonly bearer?: readonly string[] } | undefined;
  return first?.bearer?.[0];
}

function parameterTable(parameters: readonly OpenApiParameter[]): Html {
  return html`<h3>Parameters</h3><table><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr>${parameters.map(
    (parameter) =>
      html`<tr><td><code>${parameter.name}</code>${parameter.required ? html`<i>required</i>` : undefined}</td><td>${parameter.in}</td><td>${typeHtml(parameter.schema)}</td><td>${parameter.description}</td></tr>`,
  )}</table>`;
}

function schemaBlock(schema: JsonSchema, named: OpenApiDocument["components"]["schemas"]): Html {
  const name = referenced(schema);
  if (name === undefined || !Object.hasOwn(named, name)) return schemaTable(schema);
  return html`<p>${typeHtml(schema)}</p>${schemaTable(named[name] as JsonSchema)}`;
}

function schemaTable(schema: JsonSchema): Html {
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

function typeHtml(schema: JsonSchema): Html {
  return html`<code class="type">${typeLabel(schema).map((part) =>
    part.reference === undefined ? html`${part.text}` : html`<a href="#schema-${part.reference}">${part.text}</a>`,
  )}</code>`;
}

function referenced(schema: JsonSchema): string | undefined {
  if (typeof schema === "boolean" || typeof schema.$ref !== "string") return undefined;
  return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
}

function answerRow(document: OpenApiDocument, status: string, response: unknown): Html {
  const reference = (response as { readonly $ref?: string }).$ref;
  const whole = (
    reference === undefined ? response : document.components.responses[reference.slice(reference.lastIndexOf("/") + 1)]
  ) as {
    readonly description: string;
    readonly content?: Record<string, { readonly schema: JsonSchema; readonly "x-event-data"?: JsonSchema }>;
  };
  const schema = whole.content?.["application/json"]?.schema ?? whole.content?.["text/event-stream"]?.["x-event-data"];
  return html`<tr><td><b class="s s${status.charAt(0)}">${status}</b></td><td>${STATUS_CODES[status] ?? ""}</td><td>${whole.description}${schema === undefined ? undefined : html` ${typeHtml(schema)}`}</td></tr>`;
}

function curl(
  document: OpenApiDocument,
  base: string,
  method: string,
  path: string,
  operation: OpenApiOperation,
  body: JsonSchema | undefined,
): string {
  const { schemas } = document.components;
  const given = operation.parameters ?? [];
  const text = (schema: JsonSchema) => encodeURIComponent(String(sampleOf(schema, schemas)));
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    text(given.find((parameter) => parameter.in === "path" && parameter.name === name)?.schema ?? true),
  );
  const query = given
    .filter((parameter) => parameter.in === "query" && parameter.required)
    .map((parameter) => `${parameter.name}=${text(parameter.schema)}`)
    .join("&");
  // Curl collects what comes, unless it is told not to.
  const events = given.some((parameter) => parameter.name === "Last-Event-ID") ? "-N " : "";
  const lines = [
    `curl ${events}${method === "GET" ? "" : `-X ${method} `}"$API_URL${base}${filled}${query === "" ? "" : `?${query}`}"`,
  ];
  if (scopeOf(operation) !== undefined) lines.push('  -H "Authorization: Bearer $API_KEY"');
  if (given.some((parameter) => parameter.name === "Idempotency-Key")) {
    lines.push("  -H 'Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"'");
  }
  if (body !== undefined) {
    const sample = JSON.stringify(sampleOf(body, schemas), null, 2).replaceAll("'", "'\\''").replaceAll("\n", "\n  ");
    lines.push("  -H 'Content-Type: application/json'", `  -d '${sample}'`);
  }
  return lines.join(" \\\n");
}

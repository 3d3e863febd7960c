/**
 * The docs page of an API: one self-contained HTML page made from its OpenAPI document. Nothing comes from outside; every text from a contract
 * is escaped. The one script is for trying out; everything else is there without it.
 */
import type { ApiDefinition } from "../define.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { deprecationOf } from "./changelog.ts";
import { deprecationNotice } from "./changes-page.ts";
import { credentialOf, securitySchemes } from "./examples.ts";
import { frame } from "./frame.ts";
import { type Html, html } from "./html.ts";
import { answerOf, operationSection } from "./operation.ts";
import { bodyTypeOf } from "./sample.ts";
import { schemaTable } from "./schema-html.ts";
import { tryScript } from "./try-script.ts";

export interface PageParts {
  /** Forms to try it out. */
  readonly tryIt: boolean;
  /** A link to what Swagger UI makes of it. */
  readonly swaggerUi: boolean;
}

/** Links are relative: the page stands at `<base>/docs`, its neighbours beside it. */
export function docsPage(
  document: OpenApiDocument,
  { base, description, server }: ApiDefinition,
  { tryIt, swaggerUi }: PageParts,
): string {
  const { info, components } = document;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const schemas = Object.entries(components.schemas).filter(([name]) => name !== "Problem");
  const deprecation = deprecationOf(info);
  // That of a given contract stands in the document alone.
  const lead = description ?? (deprecation === undefined ? textOf(info.description) : undefined);
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
${swaggerUi ? html`<a href="docs/swagger-ui">Swagger UI</a>` : undefined}
<a href="openapi.json">openapi.json</a>`,
    main: html`<header>
<h1>${info.title}</h1>
<p class="facts"><span class="tag">${info.version}</span><span class="tag ${String(info["x-lifecycle"])}">${String(info["x-lifecycle"])}</span><code>${document.servers[0]?.url ?? base}</code></p>
${deprecation === undefined ? undefined : deprecationNotice(deprecation)}
${lead === undefined ? undefined : html`<p class="lead">${lead}</p>`}
</header>
${gettingStarted(document, base, server)}
${operations.map((shown) => operationSection(document, base, shown, tryIt))}
${schemas.map(([name, schema]) => html`<section id="schema-${name}" class="schema"><h2>${name}</h2>${schemaTable(schema)}</section>`)}
<section id="errors">
<h2>Errors</h2>
<p>${errorsWords(document)} <code>application/problem+json</code>. <code>type</code> is stable; <code>errors</code> names each field that does not fit, with a JSON Pointer.</p>
<pre>${problemSample}</pre>
</section>
<footer>Made by Mortise from <a href="openapi.json">openapi.json</a>.</footer>`,
    ...(tryIt ? { script: tryScript } : {}),
  });
}

function gettingStarted(document: OpenApiDocument, base: string, server: string | undefined): Html {
  const credential = credentialOf(document);
  const ways = [...securitySchemes(document).values()];
  const variables = credential?.variables ?? [];
  return html`<section id="start">
<h2>Getting started</h2>
${
  ways.length === 0
    ? html`<p>No key is needed.${bodiesWords(document)}</p>`
    : html`<p>A request proves who sends it in ${ways.length === 1 ? "this way" : "one of these ways"}. What it may do is given by scopes, which stand beside each operation.</p>
<table class="ways">${ways.map((way) => html`<tr><td><code>${placeOf(way)}</code></td><td>${way.description}</td></tr>`)}</table>
<p>${bodiesWords(document)}</p>`
}
<p>Every answer carries <code>X-Request-Id</code>. Quote it when you ask for help.</p>
<p>The examples below run as they stand in a shell that knows ${variables.length === 0 ? "where this API is" : "these"}:</p>
<pre data-base="${base}">API_URL=${addressOf(base, server)}${variables.map(([name, sample]) => html`\n${name}=${sample}`)}</pre>
</section>`;
}

const textOf = (given: unknown): string | undefined => (typeof given === "string" ? given : undefined);

const operationsOf = ({ paths }: OpenApiDocument) => Object.values(paths).flatMap((item) => Object.values(item));

function bodiesWords(document: OpenApiDocument): Html | undefined {
  const taken = operationsOf(document).filter(({ requestBody }) => requestBody !== undefined);
  const types = [...new Set(taken.map(bodyTypeOf))];
  if (types.length === 0) return undefined;
  const each = types.length === 1 ? "." : ", as the operation says.";
  return html` Send bodies as ${types.map((type, at) => html`${at === 0 ? "" : " or "}<code>${type}</code>`)}${each}`;
}

/** A given contract may have errors of its own form. */
function errorsWords(document: OpenApiDocument): string {
  const own = operationsOf(document).some(({ responses }) =>
    Object.entries(responses).some(
      ([status, response]) =>
        /^(4|5|default)/.test(status) &&
        Object.keys(answerOf(document, response).content ?? {}).some((type) => type !== "application/problem+json"),
    ),
  );
  return own
    ? "An error that an operation declares has the form that stands there. Every other one is a problem (RFC 9457) as"
    : "Every error is a problem (RFC 9457) as";
}

/** As the API says, else what the script puts in the place of this: a page that is made once does not know by which address it is read. */
function addressOf(base: string, server: string | undefined): string {
  if (server !== undefined && /^[\w.~:/%[\]-]+$/.test(server)) return server;
  return `https://api.example.com   # what stands before ${base} in the address of this page`;
}

/** Where a credential stands. */
function placeOf({
  type,
  scheme,
  name,
}: {
  readonly type: string;
  readonly scheme?: string;
  readonly name?: string;
}): string {
  if (type === "mutualTLS") return "TLS client certificate";
  if (type === "apiKey") return `${name}: ...`;
  return `Authorization: ${scheme === "basic" ? "Basic" : "Bearer"} ...`;
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

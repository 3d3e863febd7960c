/** One operation on the docs page: what it takes, how it is called, what it answers, and a form to try it. */
import { bodyKind } from "../../contract/media.ts";
import { STATUS_CODES } from "../../http.ts";
import type { JsonSchema } from "../../operation.ts";
import type { OpenApiDocument, OpenApiParameter } from "../openapi.ts";
import { curlExample, fetchExample } from "./examples.ts";
import { type Html, html } from "./html.ts";
import { isForm, type Shown, sampleOfRequest, sentSchemaOf } from "./sample.ts";
import { propertyTable, schemaBlock, shapeOf, typeHtml } from "./schema-html.ts";
import { tryForm } from "./try-form.ts";

export function operationSection(document: OpenApiDocument, base: string, shown: Shown, tryIt: boolean): Html {
  const { method, path, operation } = shown;
  const body = sentSchemaOf(operation);
  const sample = sampleOfRequest(document, shown);
  return html`<section id="${operation.operationId}" class="operation">
<h2><b class="m ${method}">${method}</b><code>${base}${path}</code></h2>
<p class="id">${operation.summary ?? operation.operationId}${accessTag(shown)}</p>
${operation.description === undefined ? undefined : html`<p>${operation.description}</p>`}
${operation.parameters === undefined ? undefined : parameterTable(operation.parameters)}
${body === undefined ? undefined : html`<h3>Body</h3>${schemaBlock(body, document.components.schemas)}`}
<h3>Example</h3>
<pre>${curlExample(document, base, shown, sample)}</pre>
<details class="more"><summary>The same in JavaScript</summary><pre>${fetchExample(document, base, shown, sample)}</pre></details>
<h3>Answers</h3>
<table class="answers">${Object.entries(operation.responses).map(([status, response]) => answerRow(document, status, response))}</table>
${Object.entries(operation.responses).map(([status, response]) => answerShape(document, status, response))}
${tryIt && !isForm(operation) ? tryForm(shown, sample) : undefined}
</section>`;
}

function accessTag({ operation }: Shown): Html {
  if (operation.security.length === 0) return html`<span class="tag">public</span>`;
  const [scopes = []] = Object.values(operation.security[0] as Readonly<Record<string, readonly string[]>>);
  return html`${scopes.map((scope) => html`<span class="tag">scope ${scope}</span>`)}`;
}

function parameterTable(parameters: readonly OpenApiParameter[]): Html {
  return html`<h3>Parameters</h3><table><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr>${parameters.map(
    (parameter) =>
      html`<tr><td><code>${parameter.name}</code>${parameter.required ? html`<i>required</i>` : undefined}</td><td>${parameter.in}</td><td>${typeHtml(parameter.schema)}</td><td>${parameter.description}</td></tr>`,
  )}</table>`;
}

interface Answer {
  readonly description: string;
  readonly content?: Record<string, { readonly schema: JsonSchema; readonly "x-event-data"?: JsonSchema }>;
}

/** What stands under a status, or where that leads. */
export function answerOf(document: OpenApiDocument, response: unknown): Answer {
  const reference = (response as { readonly $ref?: string }).$ref;
  return (
    reference === undefined ? response : document.components.responses[reference.slice(reference.lastIndexOf("/") + 1)]
  ) as Answer;
}

/** The media type of an answer, and what it holds; problems have a section of their own. */
function contentOf({ content }: Answer): { readonly type: string; readonly schema: JsonSchema } | undefined {
  const [first] = Object.entries(content ?? {});
  if (first === undefined || first[0] === "application/problem+json") return undefined;
  const [type, { schema, "x-event-data": event }] = first;
  return { type, schema: bodyKind(type) === "bytes" ? { format: "binary" } : (event ?? schema) };
}

function answerRow(document: OpenApiDocument, status: string, response: unknown): Html {
  const whole = answerOf(document, response);
  const content = contentOf(whole);
  return html`<tr><td><b class="s s${status.charAt(0)}">${status}</b></td><td>${STATUS_CODES[status] ?? ""}</td><td>${whole.description}${content === undefined ? undefined : html` ${typeHtml(content.schema)}`}</td></tr>`;
}

/** What an answer holds whose schema has no name to lead to. */
function answerShape(document: OpenApiDocument, status: string, response: unknown): Html {
  const content = contentOf(answerOf(document, response));
  if (content === undefined || shapeOf(content.schema) === undefined) return html``;
  const of = content.type === "text/event-stream" ? "each event" : status;
  return html`<details class="more"${status.startsWith("2") ? html` open` : undefined}><summary>What ${of} holds</summary>${propertyTable(content.schema)}</details>`;
}

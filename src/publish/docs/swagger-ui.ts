/**
 * The same API in Swagger UI, for those who want it: its own two files, served from here, on a page below the docs. It asks for nothing
 * elsewhere; what is sent from it goes to the made-up answers.
 */
import type { OpenApiDocument, OpenApiOperation } from "../openapi.ts";
import { type Page, page } from "../page.ts";
import { html } from "./html.ts";
import { sampleOfRequest } from "./sample.ts";

/** Of the Swagger UI that a project has installed, as they come. */
export interface SwaggerUiFiles {
  readonly script: Uint8Array;
  readonly style: Uint8Array;
}

/** It needs no looser rules than these; `data:` is for the icons in its style sheet. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** By path below the base. */
export function swaggerUiPages(
  document: OpenApiDocument,
  { script, style }: SwaggerUiFiles,
  tryIt: boolean,
): ReadonlyMap<string, Page> {
  const { title, version } = document.info;
  const shown = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} ${version}</title>
<link rel="stylesheet" href="swagger-ui/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="swagger-ui/swagger-ui-bundle.js"></script>
<script src="swagger-ui/start.js"></script>
</body>
</html>
`.html;
  // Nothing is remembered, nothing is sent to be validated elsewhere.
  const options = {
    ...{ url: "swagger-ui/openapi.json", dom_id: "#docs", validatorUrl: null, persistAuthorization: false },
    ...{ displayRequestDuration: true, defaultModelsExpandDepth: 0, tryItOutEnabled: tryIt },
    ...(tryIt ? {} : { supportedSubmitMethods: [] }),
  };
  const start = `SwaggerUIBundle(${JSON.stringify(options)});\n`;
  return new Map([
    ["/docs/swagger-ui", page("text/html; charset=utf-8", shown, policy)],
    ["/docs/swagger-ui/swagger-ui-bundle.js", page("text/javascript; charset=utf-8", script)],
    ["/docs/swagger-ui/swagger-ui.css", page("text/css; charset=utf-8", style)],
    ["/docs/swagger-ui/start.js", page("text/javascript; charset=utf-8", start)],
    ["/docs/swagger-ui/openapi.json", page("application/json", JSON.stringify(tryIt ? tried(document) : document))],
  ]);
}

/** The document as it holds for what is made up: no credential, and the server beside the docs. */
function tried(document: OpenApiDocument): object {
  const { securitySchemes: _, ...components } = document.components;
  const notice =
    "What is sent from this page is answered by a fake: the answer is made up from the contract. Nothing is called, nothing is kept, no key is needed.";
  const description = [notice, document.info.description].filter((part) => part !== undefined).join("\n\n");
  const paths = Object.entries(document.paths).map(([path, item]) => [
    path,
    Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, open(document, operation)])),
  ]);
  return {
    ...document,
    info: { ...document.info, description },
    servers: [{ url: "../try", description: "answers that are made up from the contract" }],
    paths: Object.fromEntries(paths),
    components,
  };
}

/** Without access, and with values that fit in what has to be filled in. */
function open(document: OpenApiDocument, operation: OpenApiOperation): object {
  const { security: _, parameters, ...rest } = operation;
  if (parameters === undefined) return rest;
  const { fields } = sampleOfRequest(document, { operation });
  return {
    ...rest,
    parameters: parameters.map((parameter, at) => {
      const value = fields[at]?.value ?? "";
      return value === "" ? parameter : { ...parameter, example: value };
    }),
  };
}

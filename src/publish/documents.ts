/** What an API says of itself: written here, or given and served. */
import type { ApiDefinition } from "./define.ts";
import type { MountedPage } from "./docs/pages.ts";
import type { Prepared } from "./exchange.ts";
import { servedDocument } from "./implement/document.ts";
import { sourceOf } from "./implement/source.ts";
import { withLifecycle } from "./lifecycle/document.ts";
import { type OpenApiDocument, openApiOf } from "./openapi.ts";
import { page } from "./page.ts";

export interface Documents {
  /** As it is served. */
  readonly text: string;
  readonly document: OpenApiDocument;
  /** For the page for people: without references but to schemas. */
  readonly shown: OpenApiDocument;
  /** The files of a contract that was given, by path below the base of the API. */
  readonly files: readonly MountedPage[];
}

export function documentsOf(
  api: ApiDefinition,
  operations: readonly Prepared[],
  schemes: Readonly<Record<string, unknown>>,
): Documents {
  const source = api.contract === undefined ? undefined : sourceOf(api.contract);
  const info = source?.document.info as { readonly description?: string } | undefined;
  const described = { ...api, description: api.description ?? info?.description };
  const plain = JSON.stringify(withLifecycle(openApiOf(described, operations, schemes), api));
  const shown = JSON.parse(plain) as OpenApiDocument;
  if (source === undefined) return { text: plain, document: shown, shown, files: [] };
  const text = JSON.stringify(withLifecycle(servedDocument(api, source.document, operations, schemes), api));
  const files = source.files.map(({ path, bytes }): MountedPage => {
    const type = /\.ya?ml$/i.test(path) ? "application/yaml" : "application/json";
    return { method: "GET", path: `/openapi/${path}`, page: page(type, bytes) };
  });
  return { text, document: JSON.parse(text) as OpenApiDocument, shown, files };
}

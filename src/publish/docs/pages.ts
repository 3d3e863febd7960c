/** The pages that an API has besides its operations: its description, for machines and for people, what changed in it, and trying it out. */
import { failure } from "../../errors.ts";
import type { ApiDefinition } from "../define.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { type Page, page } from "../page.ts";
import { type PublishedVersion, toldVersions } from "./changelog.ts";
import { changesPage } from "./changes-page.ts";
import { docsPolicy } from "./frame.ts";
import { docsPage } from "./page.ts";
import { type SwaggerUiFiles, swaggerUiPages } from "./swagger-ui.ts";
import { type MakeUp, tryLimits, tryPage } from "./try.ts";
import { tryPolicy } from "./try-script.ts";

export interface DocsSources {
  /** What was published of the API of this name, the newest first. Read at each publication. Default: nothing. */
  readonly changes?: (api: string) => readonly PublishedVersion[];
  /** What makes answers up for a document. Default: none; then nothing can be tried out. */
  readonly makeUp?: (document: OpenApiDocument) => MakeUp;
  /** The files of Swagger UI, for APIs that ask for it; `undefined`: it is not installed. */
  readonly swaggerUi?: () => SwaggerUiFiles | undefined;
}

export interface MountedPage {
  readonly method: string;
  /** Below the base of the API. */
  readonly path: string;
  readonly page: Page;
}

/** `text`: the document as it is served. */
export type PagesOf = (api: ApiDefinition, document: OpenApiDocument, text: string) => readonly MountedPage[];

export function openDocs({ changes = () => [], makeUp, swaggerUi }: DocsSources, monotonic: () => number): PagesOf {
  const limits = tryLimits(monotonic);
  return (api, document, text) => {
    const get = (path: string, type: string, body: string, policy?: string): MountedPage => ({
      method: "GET",
      path,
      page: page(type, body, policy),
    });
    const described = get("/openapi.json", "application/json", text);
    if (api.docs === false) return [described];
    const make = api.docs?.tryIt === false ? undefined : makeUp?.(document);
    const rendered = swaggerUi === undefined ? undefined : renderedPages(api, document, swaggerUi, make !== undefined);
    const told = toldVersions(changes(api.name));
    const html = "text/html; charset=utf-8";
    const tried =
      make === undefined
        ? []
        : Object.entries(document.paths).flatMap(([path, item]) =>
            Object.keys(item).map(
              (method): MountedPage => ({
                method: method.toUpperCase(),
                path: `/docs/try${path === "/" ? "" : path}`,
                page: tryPage(`${api.base}/docs/try`, make, limits),
              }),
            ),
          );
    return [
      described,
      get(
        "/docs",
        html,
        docsPage(document, api, { tryIt: make !== undefined, swaggerUi: rendered !== undefined }),
        make === undefined ? docsPolicy : tryPolicy,
      ),
      get("/docs/changes", html, changesPage(document, told), docsPolicy),
      get("/docs/changes.json", "application/json", JSON.stringify({ api: api.name, ...told })),
      ...[...(rendered ?? [])].map(([path, shown]) => ({ method: "GET", path, page: shown })),
      ...tried,
    ];
  };
}

/** Throws `api-definition` where the API asks for what is not installed. */
function renderedPages(
  { name, docs }: ApiDefinition,
  document: OpenApiDocument,
  swaggerUi: NonNullable<DocsSources["swaggerUi"]>,
  tryIt: boolean,
): ReadonlyMap<string, Page> | undefined {
  if (docs === undefined || docs === false || docs.renderer === undefined) return undefined;
  const files = swaggerUi();
  if (files !== undefined) return swaggerUiPages(document, files, tryIt);
  const reason = "its docs are to be shown in Swagger UI, which is not installed; npm install @fastify/swagger-ui";
  throw failure("api-definition", { api: name, reason });
}

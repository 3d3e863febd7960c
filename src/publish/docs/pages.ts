/** The pages that an API has besides its operations: its description, for machines and for people, and what changed in it. */
import type { ApiDefinition } from "../define.ts";
import type { OpenApiDocument } from "../openapi.ts";
import { type Page, page } from "../page.ts";
import type { PublishedVersion } from "./changelog.ts";
import { changesPage } from "./changes-page.ts";
import { docsPolicy } from "./frame.ts";
import { docsPage } from "./page.ts";

export interface DocsSources {
  /** What was published of the API of this name, the newest first. */
  readonly changes: (api: string) => readonly PublishedVersion[];
}

/** By path below the base of the API. `text`: the document as it is served. */
export function pagesOf(
  api: ApiDefinition,
  document: OpenApiDocument,
  text: string,
  sources: DocsSources,
): ReadonlyMap<string, Page> {
  const shown = (body: string): Page => page("text/html; charset=utf-8", body, docsPolicy);
  const versions = sources.changes(api.name).map(publicly);
  return new Map([
    ["/openapi.json", page("application/json", text)],
    ["/docs", shown(docsPage(document, api))],
    ["/docs/changes", shown(changesPage(document, versions))],
    ["/docs/changes.json", page("application/json", JSON.stringify({ api: api.name, versions }))],
  ]);
}

/** What callers are told of it, and no more. */
function publicly({ version, date, since, changes, note, deprecation }: PublishedVersion): PublishedVersion {
  return {
    version,
    ...(date && { date }),
    ...(since && { since }),
    changes,
    ...(note && { note }),
    ...(deprecation && { deprecation }),
  };
}

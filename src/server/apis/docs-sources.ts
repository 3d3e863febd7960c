/** What the docs of the published APIs are made from, besides their descriptions: what was published before, and who makes answers up. */
import type { DocsSources } from "../../publish/docs/pages.ts";
import { readHistory } from "./published/history.ts";
import { swaggerUiOf } from "./swagger-ui.ts";
import { makeUp } from "./try-it.ts";

export function docsSources(project: string): DocsSources {
  // What is damaged was told when it was found (publication.ts). Callers go without it, and not without the API.
  return { changes: (name) => readHistory(project, name, () => {}), makeUp, swaggerUi: () => swaggerUiOf(project) };
}

/** What the docs of the published APIs are made from, besides their descriptions: what was published before. */
import type { PublisherOptions } from "../publish/publisher.ts";
import { readHistory } from "./published/history.ts";

export function docsSources(project: string): Pick<PublisherOptions, "changes"> {
  return { changes: (name) => readHistory(project, name) };
}

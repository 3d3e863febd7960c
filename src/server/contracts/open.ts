/** The watch of a server. */
import type { ResolvedSettings } from "../../connectors/system.ts";
import type { Log } from "../../observe/log.ts";
import type { Store } from "../../store/store.ts";
import type { Project } from "../project/project.ts";
import { type ContractWatch, watchContracts } from "./watch.ts";

export function openContracts(
  { systems, folder }: Pick<Project, "systems" | "folder">,
  settings: ReadonlyMap<string, ResolvedSettings>,
  store: Pick<Store, "submit" | "read">,
  everyMs: number,
  log: Log,
): ContractWatch {
  return watchContracts({
    systems,
    settings,
    project: folder,
    store,
    everyMs,
    failed: (error) => log.error({ error }, "the watch of contracts failed"),
    found: (system, found) => log.warn({ system, found }, "the live contract is not the pinned one"),
  });
}

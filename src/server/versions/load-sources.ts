/**
 * The modules of a pinned code version in the front, for what publishing needs of them: schemas and keys of processes. Apart from sources.ts, so that
 * no version's thread loads the loader and its parser.
 */
import type { Exports } from "../project/files.ts";
import { openModules } from "../project/modules/modules.ts";
import { isSystem, sourcesFrom, type VersionFiles, type VersionSources, versionRefused } from "./sources.ts";

/** As `importVersion`, for a thread that outlives versions: what is loaded is gone once nothing uses it. Throws `version-refused`. */
export async function loadVersionSources({ folder, manifest }: VersionFiles, project: string): Promise<VersionSources> {
  const files = [...manifest.files.map(({ path }) => path).filter(isSystem), ...manifest.entries];
  const { modules, problems } = await openModules({ folder, packages: project }).load(files);
  if (problems.length > 0) throw versionRefused(problems);
  return sourcesFrom(manifest, async (path) => modules.get(path) as Exports);
}

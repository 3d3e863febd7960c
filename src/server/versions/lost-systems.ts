/** Runs end on the code on which they began, and that code may call a system that the project has no more. */
import type { Project } from "../project/project.ts";
import { isSystem } from "./sources.ts";
import { loadVersion, type VersionManifest } from "./versions.ts";

/** What to know about open runs whose code has a system that is gone, as sentences. `store`: its folder. */
export function lostSystems(
  store: string,
  open: readonly { readonly version: string; readonly runs: number }[],
  { places }: Pick<Project, "places">,
): readonly string[] {
  const there = new Set(places.values());
  return open.flatMap(({ version, runs }) => {
    const lost = systemsOf(store, version).filter((file) => !there.has(file));
    if (lost.length === 0) return [];
    const whose = `${runs} open ${runs === 1 ? "run is" : "runs are"} on the code version ${version.slice(0, 8)}`;
    const what = lost.map((file) => file.replace(/\/index\.ts$/, "")).join(", ");
    return [
      `${whose}, which has ${what}, and the project has not: calls of it are refused, and their runs park. Put it back until they have ended`,
    ];
  });
}

function systemsOf(store: string, version: string): readonly string[] {
  let manifest: VersionManifest;
  try {
    ({ manifest } = loadVersion(store, version));
  } catch {
    // That it is damaged is told where its worker is started.
    return [];
  }
  return manifest.files.flatMap(({ path }) => (isSystem(path) ? [path] : []));
}

/**
 * A thread that loads a code version without serving it: no system is bound, no secret is given, nothing is written. It says
 * whether the code loads, with file and line where not. A loop without end in the code ends the thread, not the server.
 */
import { Worker } from "node:worker_threads";
import { moduleUrl } from "../../module-url.ts";
import type { SourceProblem } from "../project/sources.ts";
import type { Version } from "./versions.ts";

export interface TrialStart {
  readonly folder: string;
  readonly manifest: Version["manifest"];
  readonly project: string;
}

/** What the thread says once it has tried. */
export type TrialMessage =
  | { readonly kind: "loaded"; readonly processes: readonly string[]; readonly systems: readonly string[] }
  | { readonly kind: "broken"; readonly problems: readonly SourceProblem[] };

/** Longest time in which a version's modules may load. */
const patienceMs = 30_000;

/** Loads a version in a thread of its own, and ends the thread. */
export async function tryVersion(version: Version, project: string, memoryMiB: number): Promise<TrialMessage> {
  const thread = new Worker(moduleUrl("./trial-main", import.meta.url), {
    name: `mortise-trial-${version.id.slice(0, 8)}`,
    workerData: { folder: version.folder, manifest: version.manifest, project } satisfies TrialStart,
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
    stdout: true,
    stderr: true,
  });
  const broken = (message: string): TrialMessage => ({
    kind: "broken",
    problems: [{ file: version.manifest.entries[0] ?? "processes/", message }],
  });
  let timer: NodeJS.Timeout | undefined;
  const said = await new Promise<TrialMessage>((resolve) => {
    thread.once("message", resolve);
    thread.once("error", (error) => resolve(broken(error instanceof Error ? error.message : String(error))));
    thread.once("exit", (code) => resolve(broken(`its code ended the thread with code ${code}`)));
    const late = `its modules did not load within ${patienceMs / 1000} seconds`;
    timer = setTimeout(() => resolve(broken(late)), patienceMs);
  });
  clearTimeout(timer);
  await thread.terminate();
  return said;
}

/** What a code version has to pass before it is registered or promoted. */
import { asMortiseError } from "../../errors.ts";
import type { EmbeddedEngine } from "../../process/embedded/engine.ts";
import { projectFiles } from "../project/files.ts";
import type { Project } from "../project/project.ts";
import type { SourceProblem } from "../project/sources.ts";
import type { Workers } from "../workers/workers.ts";
import { versionRefused } from "./sources.ts";
import { tryVersion } from "./trial.ts";
import { planVersion, type Version, type VersionPlan } from "./versions.ts";

export interface Trials {
  /** Of the files as they are now. Throws `version-refused`. */
  plan(): VersionPlan;
  /** Loads its code away from everything. Throws `version-refused`. */
  tried(version: Version): Promise<void>;
  /** Makes its worker run, so that what is wrong shows now and not at the first order. Throws `version-refused`. */
  started(id: string): Promise<void>;
  /** Ends the worker of a version that nothing runs on. */
  rest(id: string): Promise<void>;
}

export interface TrialParts {
  readonly project: Pick<Project, "folder">;
  readonly memoryMiB: number;
  readonly engine: Pick<EmbeddedEngine, "version" | "ensureWorker" | "workerLost" | "openVersions">;
  readonly workers: Pick<Workers, "settled" | "retire">;
}

export function createTrials({ project: { folder }, memoryMiB, engine, workers }: TrialParts): Trials {
  async function rest(id: string): Promise<void> {
    if (id === engine.version || engine.openVersions().includes(id)) return;
    await workers.retire(id);
    engine.workerLost(id);
  }
  return {
    plan() {
      try {
        return planVersion({ folder, processFiles: projectFiles(folder).process });
      } catch (error) {
        const { code, details } = asMortiseError(error);
        throw code === "project-invalid" ? versionRefused(details as readonly SourceProblem[]) : error;
      }
    },
    async tried(version) {
      const said = await tryVersion(version, folder, memoryMiB);
      if (said.kind === "broken") throw versionRefused(said.problems);
    },
    async started(id) {
      engine.ensureWorker(id);
      const reason = await workers.settled(id);
      if (reason === undefined) return;
      await rest(id);
      throw versionRefused([{ file: "processes/", message: `its worker does not start: ${reason}` }]);
    },
    rest,
  };
}

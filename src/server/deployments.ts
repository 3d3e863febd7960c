/**
 * Deploy, promote, roll back. A deployment reads the project's files in the folder that the server runs in: who deploys needs the right
 * to write there and the role admin here, since deploying code is the right to run it. A version that does not load is refused
 * before anything is registered. One act at a time.
 */
import { asMortiseError, failure, plainName } from "../errors.ts";
import type { Log } from "../observe/log.ts";
import type { EmbeddedEngine } from "../process/embedded/engine.ts";
import { limitsOf } from "../process/limits.ts";
import type { Command } from "../store/store.ts";
import { type Live, unfit, unfitness } from "./live.ts";
import type { Project } from "./project.ts";
import { projectFiles } from "./project-files.ts";
import { type ServerFiles, serverFilesChanged } from "./server-files.ts";
import type { SourceProblem } from "./sources.ts";
import { tryVersion } from "./trial.ts";
import type { InTurn } from "./turns.ts";
import type { VersionBook } from "./version-book.ts";
import { importVersion } from "./version-sources.ts";
import { loadVersion, pinVersion, planVersion, removeVersion, type Version, type VersionPlan } from "./versions.ts";
import type { Workers } from "./workers.ts";

/** Who acts, why, and the entry of the audit that stands in the same commit. */
export interface Decision {
  readonly by: string;
  readonly reason: string;
  readonly audit: () => Command;
}

export interface Deployed {
  readonly version: string;
  /** False: these sources were registered before. */
  readonly fresh: boolean;
  readonly promoted: boolean;
  /** The version that was promoted until now, where it changed. */
  readonly before?: string;
  /** Files that the server reads only when it starts, and that are other ones by now. */
  readonly restart: readonly string[];
}

export interface Deployments {
  /** `expect`: the version that was checked. Refused with `version-refused`, `version-unfit`, `version-differs`, `project-invalid`. */
  deploy(
    given: { readonly expect?: string; readonly note: string; readonly promote: boolean },
    who: Decision,
  ): Promise<Deployed>;
  promote(version: string, who: Decision): Promise<Deployed>;
  /** To the version that was promoted before the current one. */
  rollback(who: Decision): Promise<Deployed>;
  /** The version of the folder's sources, pinned for a rehearsal without being registered. */
  pinFolder(): Promise<Version>;
}

export interface DeploymentParts {
  readonly project: Project;
  /** The store's folder. */
  readonly folder: string;
  readonly memoryMiB: number;
  readonly book: VersionBook;
  readonly engine: Pick<
    EmbeddedEngine,
    "version" | "promote" | "limit" | "ensureWorker" | "workerLost" | "openVersions"
  >;
  readonly workers: Pick<Workers, "settled" | "retire" | "state">;
  readonly live: Live;
  readonly serverFiles: ServerFiles;
  readonly inTurn: InTurn;
  readonly log: Log;
}

export function createDeployments(parts: DeploymentParts): Deployments {
  const { project, folder, book, engine, workers, live, inTurn, log } = parts;

  /** Of the files as they are now. Throws `version-refused`. */
  function plan(): VersionPlan {
    try {
      return planVersion({ folder: project.folder, processFiles: projectFiles(project.folder).process });
    } catch (error) {
      const { code, details } = asMortiseError(error);
      throw code === "project-invalid" ? refused(details as readonly SourceProblem[]) : error;
    }
  }

  /** Loads its code away from everything. Throws `version-refused`. */
  async function tried(version: Version): Promise<void> {
    const said = await tryVersion(version, project.folder, parts.memoryMiB);
    if (said.kind === "broken") throw refused(said.problems);
  }

  /** Makes its worker run, so that what is wrong shows now and not at the first order. */
  async function started(id: string): Promise<void> {
    engine.ensureWorker(id);
    const reason = await workers.settled(id);
    if (reason === undefined) return;
    await rest(id);
    throw refused([{ file: "processes/", message: `its worker does not start: ${reason}` }]);
  }

  /** Ends the worker of a version that nothing runs on. */
  async function rest(id: string): Promise<void> {
    if (id === engine.version || engine.openVersions().includes(id)) return;
    await workers.retire(id);
    engine.workerLost(id);
  }

  async function switchTo(
    version: Version,
    who: Decision,
    kind: "promote" | "rollback",
    register?: { readonly id: string; readonly by: string; readonly note: string },
  ): Promise<void> {
    const { id } = version;
    const sources = await importVersion(version, project.folder);
    const problems = await unfitness(live.project(), sources);
    if (problems.length > 0) throw unfit(id, problems);
    await started(id);
    const switchLive = live.prepare({ version: id, sources });
    await book.write({
      ...(register === undefined ? {} : { register }),
      promote: { version: id, by: who.by, reason: who.reason, kind },
      alongside: [who.audit()],
    });
    switchLive();
    engine.promote(id);
    engine.limit(limitsOf(sources.processes));
    log.info({ version: id, by: who.by, reason: who.reason }, "promoted a code version");
  }

  function done(version: string, before: string, fresh: boolean): Deployed {
    const promoted = engine.version === version;
    return {
      version,
      fresh,
      promoted,
      ...(promoted && before !== version ? { before } : {}),
      restart: serverFilesChanged(project.folder, parts.serverFiles),
    };
  }

  return {
    deploy: ({ expect, note, promote }, who) =>
      inTurn(async () => {
        const before = engine.version;
        const planned = plan();
        if (expect !== undefined && planned.id !== expect)
          throw failure("version-differs", { found: planned.id, expected: plainName(expect), folder: project.folder });
        const known = book.get(planned.id) !== undefined;
        const version = pinVersion(folder, planned);
        try {
          if (!known || promote) await tried(version);
          const register = { id: version.id, by: who.by, note };
          if (promote) await switchTo(version, who, "promote", register);
          else {
            await started(version.id);
            await book.write({ register, alongside: [who.audit()] });
            await rest(version.id);
            if (!known) log.info({ version: version.id, by: who.by, note }, "registered a code version");
          }
        } catch (error) {
          if (!known && !engine.openVersions().includes(version.id)) removeVersion(folder, version.id);
          throw error;
        }
        return done(version.id, before, !known);
      }),
    promote: (id, who) =>
      inTurn(async () => {
        const before = engine.version;
        if (book.get(id) === undefined) throw failure("version-unknown", { version: plainName(id) });
        const version = loadVersion(folder, id);
        await tried(version);
        await switchTo(version, who, "promote");
        return done(id, before, false);
      }),
    rollback: (who) =>
      inTurn(async () => {
        const before = engine.version;
        const id = book.previous();
        if (id === undefined || book.get(id) === undefined) throw failure("version-first", {});
        await switchTo(loadVersion(folder, id), who, "rollback");
        return done(id, before, false);
      }),
    pinFolder: () =>
      inTurn(async () => {
        const version = pinVersion(folder, plan());
        await tried(version);
        return version;
      }),
  };
}

function refused(problems: readonly SourceProblem[]): Error {
  const list = problems.map(({ file, line, message }) => `${file}${line === undefined ? "" : `:${line}`}: ${message}`);
  return failure("version-refused", { problems: list.join("; ") }, { details: problems });
}

/**
 * Deploy, promote, roll back. A deployment reads the project's files in the folder that the server runs in: who deploys needs the right
 * to write there and the role admin here, since deploying code is the right to run it. A version that does not load is refused
 * before anything is registered. One act at a time.
 */
import { failure, plainName } from "../../errors.ts";
import type { Log } from "../../observe/log.ts";
import type { EmbeddedEngine } from "../../process/embedded/engine.ts";
import { limitsOf } from "../../process/limits.ts";
import type { Command } from "../../store/store.ts";
import { type Live, unfit, unfitness } from "../live.ts";
import type { Project } from "../project/project.ts";
import { type ServerFiles, serverFilesChanged } from "../project/server-files.ts";
import type { InTurn } from "../turns.ts";
import type { VersionBook } from "./book.ts";
import { loadVersionSources } from "./load-sources.ts";
import type { Trials } from "./trials.ts";
import { loadVersion, pinVersion, removeVersion, type Version } from "./versions.ts";

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
  /** Files that are the server's and not the version's, and that have changed since it read them: `mortise reload` takes them. */
  readonly reload: readonly string[];
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
  readonly book: VersionBook;
  readonly engine: Pick<EmbeddedEngine, "version" | "promote" | "limit" | "openVersions">;
  readonly trials: Trials;
  readonly live: Live;
  /** Whether a rehearsal uses a version that is not registered. */
  readonly held: (version: string) => boolean;
  /** As they were read last. */
  readonly serverFiles: () => ServerFiles;
  readonly inTurn: InTurn;
  readonly log: Log;
}

export function createDeployments(parts: DeploymentParts): Deployments {
  const { project, folder, book, engine, trials, live, inTurn, log } = parts;

  async function switchTo(
    version: Version,
    who: Decision,
    kind: "promote" | "rollback",
    register?: { readonly id: string; readonly by: string; readonly note: string },
  ): Promise<void> {
    const { id } = version;
    const sources = await loadVersionSources(version, project.folder);
    const unread = serverFilesChanged(project.folder, parts.serverFiles());
    const problems = await unfitness(live.project(), sources, (notice) => log.info({ version: id }, notice), unread);
    if (problems.length > 0) throw unfit(id, problems);
    await trials.started(id);
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
      reload: serverFilesChanged(project.folder, parts.serverFiles()),
    };
  }

  return {
    deploy: ({ expect, note, promote }, who) =>
      inTurn(async () => {
        const before = engine.version;
        const planned = trials.plan();
        if (expect !== undefined && planned.id !== expect)
          throw failure("version-differs", { found: planned.id, expected: plainName(expect), folder: project.folder });
        const known = book.get(planned.id) !== undefined;
        const version = pinVersion(folder, planned);
        try {
          if (!known || promote) await trials.tried(version);
          const register = { id: version.id, by: who.by, note };
          if (promote) await switchTo(version, who, "promote", register);
          else {
            await trials.started(version.id);
            await book.write({ register, alongside: [who.audit()] });
            await trials.rest(version.id);
            if (!known) log.info({ version: version.id, by: who.by, note }, "registered a code version");
          }
        } catch (error) {
          const used = engine.openVersions().includes(version.id) || parts.held(version.id);
          if (!known && !used) removeVersion(folder, version.id);
          throw error;
        }
        return done(version.id, before, !known);
      }),
    promote: (id, who) =>
      inTurn(async () => {
        const before = engine.version;
        if (book.get(id) === undefined) throw failure("version-unknown", { version: plainName(id) });
        const version = loadVersion(folder, id);
        await trials.tried(version);
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
        const version = pinVersion(folder, trials.plan());
        await trials.tried(version);
        return version;
      }),
  };
}

/**
 * A reload: takes the project's files as they are now, as a restart would, without a gap. Everything is loaded and checked aside; then one switch for all of it.
 * Whatever goes wrong before the switch leaves all that was, and is told with file and line. Deployments, secrets and reloads take turns.
 *
 * Of the code of processes it takes what a start would take (first-version.ts): with `versions: "folder"` code that is new to the store is
 * promoted, after the same trials as a deployment; with `"promoted"` none.
 */
import { asMortiseError, failure } from "../../errors.ts";
import type { Log } from "../../observe/log.ts";
import type { EmbeddedEngine } from "../../process/embedded/engine.ts";
import { limitsOf } from "../../process/limits.ts";
import type { Store } from "../../store/store.ts";
import { checkRetired } from "../apis/published/in-use.ts";
import type { Surfaces } from "../apis/surface.ts";
import { asksClients, checkTls } from "../apis/tls.ts";
import type { Front } from "../front.ts";
import type { House } from "../housekeeping.ts";
import { unfit, unfitness } from "../live.ts";
import { type Config, resolveConfig } from "../project/config.ts";
import type { Reader } from "../project/reading.ts";
import { type ServerFiles, serverFiles, serverFilesChanged } from "../project/server-files.ts";
import type { SourceProblem } from "../project/sources.ts";
import type { StoredSecrets } from "../secrets/stored.ts";
import type { InTurn } from "../turns.ts";
import type { VersionBook } from "../versions/book.ts";
import type { Decision } from "../versions/deployments.ts";
import { staying } from "../versions/first-version.ts";
import { loadVersionSources } from "../versions/load-sources.ts";
import { lostSystems } from "../versions/lost-systems.ts";
import type { Trials } from "../versions/trials.ts";
import { listVersions, pinVersion, removeVersion, type VersionPlan } from "../versions/versions.ts";
import { configChanges, takenWithoutRestart } from "./config-changes.ts";

export interface Reloaded {
  /** The server's own files that changed: configuration, systems, APIs, requirements, schedules, and what they import. */
  readonly files: readonly string[];
  /** That new runs start on. */
  readonly version: string;
  /** The version that was promoted until now, where the reload promoted another. */
  readonly before?: string;
  /** Why the code of the processes in the files was not taken, where it is another. */
  readonly kept?: string;
  /** What is in force only after a restart. */
  readonly restart: readonly string[];
  /** What is served and not written down, and what open runs will miss. */
  readonly notices: readonly string[];
}

export interface Reloads {
  /** `promote`: take the code in the files whatever was decided before. Rejects with `reload-refused`; then nothing is changed. */
  reload(given: { readonly promote: boolean }, who: Decision): Promise<Reloaded>;
  /** The files that the server has read. */
  files(): ServerFiles;
}

export interface ReloadParts {
  readonly reader: Reader;
  /** As the server started. */
  readonly started: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The store's folder. */
  readonly folder: string;
  readonly store: Pick<Store, "submit">;
  readonly secrets: Pick<StoredSecrets, "value">;
  readonly surfaces: Surfaces;
  readonly front: Front;
  readonly engine: Pick<EmbeddedEngine, "version" | "promote" | "limit" | "openVersions" | "openByVersion">;
  readonly book: VersionBook;
  readonly trials: Trials;
  readonly house: Pick<House, "held">;
  readonly files: ServerFiles;
  readonly inTurn: InTurn;
  readonly log: Pick<Log, "info" | "warn" | "error">;
}

export function createReloads(parts: ReloadParts): Reloads {
  const { reader, started, environment, folder, store, front, engine, book, trials, house, inTurn, log } = parts;
  let files = parts.files;
  const asked = asksClients(front.surface().project);

  /** One that was not known goes again where it fails, unless a rehearsal uses it. */
  async function pinned(plan: VersionPlan, act: (known: boolean) => Promise<Reloaded>): Promise<Reloaded> {
    const known = book.get(plan.id) !== undefined;
    try {
      return await act(known);
    } catch (error) {
      await trials.rest(plan.id);
      const used = plan.id === engine.version || engine.openVersions().includes(plan.id) || house.held(plan.id);
      if (!known && !used && listVersions(folder).includes(plan.id)) removeVersion(folder, plan.id);
      throw error;
    }
  }

  async function reload(promote: boolean, who: Decision): Promise<Reloaded> {
    const before = engine.version;
    const root = front.surface().project.folder;
    // Looked at first: what changes while it is read is found by the next reload.
    const found = serverFiles(root);
    const changed = serverFilesChanged(root, files);
    const { project, keep } = await reader.read();
    const config = resolveConfig(project.config, environment);
    const plan = trials.plan();
    const kept = promote ? undefined : staying(book, plan.id, config.versions);

    const take = async (known: boolean): Promise<Reloaded> => {
      const other = kept === undefined && plan.id !== before;
      const version = other ? plan.id : before;
      let sources = front.live.sources();
      if (other) {
        const own = pinVersion(folder, plan);
        await trials.tried(own);
        sources = await loadVersionSources(own, root);
      }
      const surface = parts.surfaces.resolve(project, config, parts.secrets.value);
      checkTls(surface);
      const notices: string[] = [];
      const problems = await unfitness(project, sources, (notice) => notices.push(notice));
      if (problems.length > 0) throw unfit(version, problems);
      await checkRetired(project, front.live.publisher.lifecycle, front.inUse);
      if (other) await trials.started(version);
      const ready = await front.prepare({ surface, version, sources });
      const audit = who.audit();
      if (other)
        await book.write({
          ...(known ? {} : { register: { id: version, by: who.by, note: "" } }),
          promote: { version, by: who.by, reason: who.reason, kind: promote ? "promote" : "start" },
          alongside: [audit],
        });
      else await store.submit([audit]);

      // From here on nothing waits, and nothing fails.
      ready.switchTo();
      if (other) {
        engine.promote(version);
        engine.limit(limitsOf(sources.processes));
      }
      keep();
      files = found;

      await ready.follow();
      for (const lost of lostSystems(folder, engine.openByVersion(), project)) {
        log.warn({}, lost);
        notices.push(lost);
      }
      if (other) await trials.rest(before);
      const restart = [
        ...configChanges(started, config).filter((option) => !takenWithoutRestart(option)),
        ...(asksClients(project) === asked ? [] : ["whether the API port asks for client certificates"]),
      ];
      const left = kept === undefined ? {} : { kept };
      log.info({ files: changed, version, by: who.by, reason: who.reason, restart, ...left }, "reloaded the project");
      return {
        files: changed,
        version,
        ...(other ? { before } : {}),
        ...left,
        restart,
        notices,
      };
    };
    return plan.id === before || kept !== undefined ? take(true) : pinned(plan, take);
  }

  return {
    files: () => files,
    reload: ({ promote }, who) =>
      inTurn(async () => {
        try {
          return await reload(promote, who);
        } catch (error) {
          const why = refused(error);
          log.error({ error: why, by: who.by }, "the project was not reloaded; what was served goes on");
          throw why;
        }
      }),
  };
}

/** Everything that was found, with the place where there is one. */
function refused(error: unknown): Error {
  const { code, message, details } = asMortiseError(error);
  const isList =
    Array.isArray(details) && details.every((one) => typeof one === "object" && one !== null && "message" in one);
  const problems: readonly Partial<SourceProblem>[] = isList ? details : [{ message }];
  const list = problems.map(({ file, line, message: said }) =>
    [file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `, said].join(""),
  );
  const own = problems.map((problem) => ({ ...problem, code }));
  return failure("reload-refused", { problems: list.join("; ") }, { details: own, cause: error });
}

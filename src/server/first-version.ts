/**
 * Which code version a start of the server takes. A person's decision (deploy, promote, roll back) is not overruled by a start:
 * sources that were known when it was made stay where it put them. Sources that are new to the store are promoted, unless the
 * configuration says that only `mortise deploy` promotes.
 */
import type { Log } from "../observe/log.ts";
import type { VersionBook } from "./version-book.ts";
import { listVersions, loadVersion, movedPackages, pinVersion, type Version, type VersionPlan } from "./versions.ts";

export interface FirstVersionOptions {
  /** The store's folder. */
  readonly folder: string;
  /** Of the project's files. */
  readonly plan: VersionPlan;
  readonly book: VersionBook;
  readonly mode: "folder" | "promoted";
  /** `mortise start --promote`. */
  readonly promote: boolean;
  readonly log: Log;
}

/** The version that new runs start on. It is pinned, registered and promoted when this resolves. */
export async function firstVersion(options: FirstVersionOptions): Promise<Version> {
  const { folder, plan, book, mode, promote, log } = options;
  const current = book.current();
  const known = book.get(plan.id) !== undefined;
  const decided = current !== undefined && (mode === "promoted" || (known && current.kind !== "start"));
  if (current !== undefined && current.version !== plan.id && decided && !promote) {
    log.warn(
      { version: current.version, folder: plan.id },
      mode === "promoted"
        ? "the project's files are another code version than the promoted one, which is kept; take them with: mortise deploy --promote"
        : "the project's files are a code version that was left for the promoted one, which is kept; take them with: mortise start --promote",
    );
    return loadVersion(folder, current.version);
  }
  const version = pinVersion(folder, plan);
  if (current?.version !== plan.id || !known) {
    await book.write({
      register: { id: plan.id, by: "start", note: "" },
      promote: {
        version: plan.id,
        by: "start",
        reason: promote ? "mortise start --promote" : "found at the start",
        kind: promote ? "promote" : "start",
      },
    });
  }
  return version;
}

/** Old versions run with the packages that are installed now; say so where they differ. */
export function tellMoved(project: string, folder: string, log: Log): void {
  for (const id of listVersions(folder)) {
    try {
      const moved = movedPackages(project, loadVersion(folder, id).manifest);
      if (moved.length > 0) log.warn({ version: id, moved }, "the code version was made with other package versions");
    } catch (error) {
      log.error({ version: id, error }, "the code version can't be used");
    }
  }
}

/**
 * Which code version a start of the server takes. A person's decision (deploy, promote, roll back) is not overruled by a start:
 * sources that were known when it was made stay where it put them. Sources that are new to the store are promoted, unless the
 * configuration says that only `mortise deploy` promotes.
 */
import type { Log } from "../../observe/log.ts";
import type { VersionBook } from "./book.ts";
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
  const kept = promote ? undefined : staying(book, plan.id, mode);
  if (current !== undefined && kept !== undefined) {
    const how = mode === "promoted" ? "mortise deploy --promote" : "mortise start --promote";
    log.warn({ version: current.version, folder: plan.id }, `${kept}; take them with: ${how}`);
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

/** Why the project's files, of the version `id`, are not taken; `undefined`: they are, or it is the promoted one. */
export function staying(
  book: Pick<VersionBook, "current" | "get">,
  id: string,
  mode: "folder" | "promoted",
): string | undefined {
  const current = book.current();
  if (current === undefined || current.version === id) return undefined;
  if (mode === "promoted") return "the project's files are another code version than the promoted one, which is kept";
  const left = book.get(id) !== undefined && current.kind !== "start";
  return left ? "the project's files are a code version that was left for the promoted one, which is kept" : undefined;
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

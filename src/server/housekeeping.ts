/** What is done once an hour: old histories and keys go, and so do code versions without open runs, with their workers. */
import type { Log } from "../observe/log.ts";
import type { EmbeddedEngine } from "../process/embedded/engine.ts";
import type { VersionView } from "./admin/catalogue.ts";
import { listVersions, removeVersions } from "./versions.ts";
import type { Workers } from "./workers.ts";

const hour = 3_600_000;
/** Not right at the start, when every open run is taken up. */
const firstAfterMs = 60_000;

export interface HouseOptions {
  readonly engine: Pick<EmbeddedEngine, "openVersions" | "workerLost" | "retain" | "openByVersion">;
  readonly workers: Pick<Workers, "retire" | "state">;
  /** The store's folder. */
  readonly folder: string;
  /** The current code version. */
  readonly version: string;
  readonly history: { readonly retention: number; readonly keys: number };
  readonly log: Log;
}

export interface House {
  versions(): readonly VersionView[];
  /** Removes the versions that no open run needs. */
  removeDrained(): Promise<void>;
  close(): void;
}

export function keepHouse({ engine, workers, folder, version, history, log }: HouseOptions): House {
  async function removeDrained(): Promise<void> {
    const needed = new Set([version, ...engine.openVersions()]);
    for (const id of listVersions(folder)) {
      if (needed.has(id) || workers.state(id) === "none") continue;
      await workers.retire(id);
      engine.workerLost(id);
    }
    const gone = removeVersions(folder, needed);
    if (gone.length > 0) log.info({ versions: gone }, "removed code versions without open runs");
  }

  async function tidy(): Promise<void> {
    const now = Date.now();
    const removed = await engine.retain(now - history.retention, now - history.keys);
    if (removed > 0) log.info({ removed }, "removed old histories and keys");
    await removeDrained();
  }

  const run = () => {
    tidy().catch((error: unknown) => log.error({ error }, "housekeeping failed"));
  };
  const first = setTimeout(run, firstAfterMs).unref();
  const timer = setInterval(run, hour).unref();
  return {
    removeDrained,
    versions() {
      const open = new Map(engine.openByVersion().map(({ version: id, runs }) => [id, runs]));
      const ids = new Set([...listVersions(folder), ...open.keys()]);
      return [...ids].sort().map((id) => ({
        id,
        current: id === version,
        worker: workers.state(id),
        openRuns: open.get(id) ?? 0,
      }));
    },
    close() {
      clearTimeout(first);
      clearInterval(timer);
    },
  };
}

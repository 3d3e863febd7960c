/** What is done once an hour: old histories and keys go, and so do code versions without open runs, with their workers. */
import type { Log } from "../observe/log.ts";
import { milliseconds } from "../operation.ts";
import type { AnyProcess } from "../process/define.ts";
import type { EmbeddedEngine } from "../process/embedded/engine.ts";
import type { VersionView } from "./admin/versions.ts";
import type { InTurn } from "./turns.ts";
import type { VersionBook, VersionEntry } from "./versions/book.ts";
import { listVersions, removeVersions } from "./versions/versions.ts";
import type { Workers } from "./workers/workers.ts";

const hour = 3_600_000;
/** How long a version waits for its promotion. */
const waitsMs = 30 * 24 * hour;
/** Not right at the start, when every open run is taken up. */
const firstAfterMs = 60_000;

export interface HouseOptions {
  readonly engine: Pick<EmbeddedEngine, "version" | "openVersions" | "workerLost" | "retain" | "openByVersion">;
  readonly workers: Pick<Workers, "retire" | "state">;
  /** The store's folder. */
  readonly folder: string;
  readonly book: VersionBook;
  readonly history: { readonly atMost: number; readonly retention: number; readonly keys: number };
  /** As they are published now. */
  readonly processes: () => ReadonlyMap<string, Pick<AnyProcess, "history">>;
  /** A version that is being deployed or promoted is not needed by anything yet: nothing is removed meanwhile. */
  readonly inTurn: InTurn;
  readonly log: Log;
}

export interface House {
  versions(): readonly VersionView[];
  /**
   * Removes the versions that no open run needs. The promoted one and the one before stay, and so does one that was registered
   * in the last 30 days and never promoted.
   */
  removeDrained(): Promise<void>;
  /** Keeps a version that is not registered until the function that this gives is called. */
  hold(version: string): () => void;
  held(version: string): boolean;
  close(): void;
}

export function keepHouse({ engine, workers, folder, book, history, processes, inTurn, log }: HouseOptions): House {
  const held = new Map<string, number>();

  async function remove(): Promise<void> {
    const inUse = () => new Set([engine.version, ...engine.openVersions(), ...held.keys()]);
    const running = inUse();
    for (const id of listVersions(folder)) {
      if (running.has(id) || workers.state(id) === "none") continue;
      await workers.retire(id);
      engine.workerLost(id);
    }
    const before = book.previous();
    const since = Date.now() - waitsMs;
    const waiting = book.list().filter(({ promoted, registeredAt }) => promoted === undefined && registeredAt > since);
    // Looked at once more: runs may be on their way to a version by now.
    const needed = new Set([...inUse(), ...(before === undefined ? [] : [before]), ...waiting.map(({ id }) => id)]);
    const removed = removeVersions(folder, needed);
    const there = new Set(listVersions(folder));
    // Also those whose files went before, and a crash kept that from being written down.
    const lost = book.list().flatMap(({ id }) => (there.has(id) || needed.has(id) ? [] : [id]));
    const gone = [...new Set([...removed, ...lost])];
    await book.removed(gone);
    if (gone.length > 0) log.info({ versions: gone }, "removed code versions without open runs");
  }

  const removeDrained = (): Promise<void> => inTurn(remove);

  async function tidy(): Promise<void> {
    const now = Date.now();
    const removed = await engine.retain(now - history.retention, now - history.keys, {
      atMost: history.atMost,
      own(process) {
        const { retention, keys, atMost } = processes().get(process)?.history ?? {};
        return {
          ...(retention === undefined ? {} : { historyBefore: now - milliseconds(retention) }),
          ...(keys === undefined ? {} : { keyBefore: now - milliseconds(keys) }),
          ...(atMost === undefined ? {} : { atMost }),
        };
      },
    });
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
      const before = book.previous();
      const state = (id: string, entry: VersionEntry | undefined): VersionView["state"] => {
        if (id === engine.version) return "promoted";
        if (id === before) return "before";
        if ((open.get(id) ?? 0) > 0) return "draining";
        return entry === undefined || entry.promoted !== undefined ? "drained" : "registered";
      };
      const entries = new Map(book.list().map((entry) => [entry.id, entry]));
      const ids = new Set([...entries.keys(), ...listVersions(folder), ...open.keys()]);
      return [...ids].map((id) => {
        const entry = entries.get(id);
        const { registeredAt, registeredBy, note = "", promoted } = entry ?? {};
        return {
          id,
          state: state(id, entry),
          current: id === engine.version,
          worker: workers.state(id),
          openRuns: open.get(id) ?? 0,
          note,
          ...(registeredAt === undefined ? {} : { registeredAt }),
          ...(registeredBy === undefined ? {} : { registeredBy }),
          ...(promoted === undefined
            ? {}
            : { promotedAt: promoted.at, promotedBy: promoted.by, promotedFor: promoted.reason }),
        };
      });
    },
    hold(version) {
      held.set(version, (held.get(version) ?? 0) + 1);
      return () => {
        const left = (held.get(version) ?? 1) - 1;
        if (left === 0) held.delete(version);
        else held.set(version, left);
      };
    },
    held: (version) => held.has(version),
    close() {
      clearTimeout(first);
      clearInterval(timer);
    },
  };
}

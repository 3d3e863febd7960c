/**
 * Whether a start is taken at the moment. What is refused here costs nothing: it never reaches the writer. So memory stays bounded
 * whatever comes in: starts on their way to the disk are counted, and so are the runs that are open.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../../clock.ts";
import { failure } from "../../../errors.ts";

/** Space on the store's disk: enough; less than the reserve; none. */
export type DiskState = "ok" | "low" | "full";

export interface AdmissionOptions {
  /** Runs that may be open (accepted and not ended). Default 1,000,000. */
  readonly openRuns?: number;
  /** Starts that may be on their way to the disk at a time. Default 5000. */
  readonly underWay?: number;
  /** Characters of their inputs, together. Default 64 Mi. */
  readonly underWayText?: number;
  readonly disk?: () => DiskState;
}

export interface Admission {
  /** Takes a start whose input has so many characters. Throws `store-full`, `start-overload` or `start-open-runs`. */
  enter(characters: number): void;
  /** It is on disk, or refused. */
  leave(characters: number, started: boolean): void;
  /** A run has ended. */
  ended(): void;
}

const overloadRetryMs = 2000;
const openRetryMs = 10_000;
const diskRetryMs = 10_000;
/** The count of open runs is made anew this often, where it matters: children that runs start are not seen here. */
const recountMs = 10_000;

export function admission(read: DatabaseSync, clock: Clock, options: AdmissionOptions): Admission {
  const { openRuns = 1_000_000, underWay = 5000, underWayText = 64 * 1024 * 1024, disk = () => "ok" } = options;
  const count = read.prepare(
    "select count(*) as n from runs where status in ('queued', 'running', 'waiting', 'paused', 'parked', 'undoing')",
  );
  let starts = 0;
  let text = 0;
  let open = 0;
  let countedAt = Number.NEGATIVE_INFINITY;

  function recount(): void {
    open = Number(count.get()?.n);
    countedAt = clock.now();
  }

  return {
    enter(characters) {
      if (disk() !== "ok") throw failure("store-full", {}, { retryAfterMs: diskRetryMs });
      if (starts >= underWay || (starts > 0 && text + characters > underWayText))
        throw failure("start-overload", {}, { retryAfterMs: overloadRetryMs });
      if (countedAt === Number.NEGATIVE_INFINITY) recount();
      if (open + starts >= openRuns / 2) {
        const age = clock.now() - countedAt;
        if (age < 0 || age > recountMs) recount();
        if (open + starts >= openRuns)
          throw failure("start-open-runs", { limit: openRuns }, { retryAfterMs: openRetryMs });
      }
      starts += 1;
      text += characters;
    },
    leave(characters, started) {
      starts -= 1;
      text -= characters;
      if (started) open += 1;
    },
    ended() {
      open -= 1;
    },
  };
}

/** Moves runs to another code version: those that were rehearsed on it and continue, in bounded portions. */
import { asMortiseError, failure, MortiseError, plainName } from "../../errors.ts";
import type { EmbeddedEngine } from "../../process/embedded/engine.ts";
import { type OpenRun, openRuns } from "../../process/embedded/front/open-runs.ts";
import type { Verdict } from "../../process/embedded/verdict.ts";
import type { Actor } from "../../process/engine.ts";
import type { Store } from "../../store/store.ts";
import type { Live } from "../live.ts";
import type { VersionBook } from "./book.ts";
import { createRehearsals, maskedShown, type RehearsalParts, type Rehearsals } from "./rehearsals.ts";
import { loadVersion, type Version } from "./versions.ts";

export interface MoveRequest {
  readonly to: string;
  readonly run?: string;
  readonly process?: string;
  /** `next` of the portion before. */
  readonly after?: string;
  readonly limit: number;
}

export interface MoveResult {
  /** Those that were moved. */
  readonly moved: readonly { readonly run: string; readonly key: string; readonly goesOn: boolean }[];
  readonly refused: readonly {
    readonly run: string;
    readonly key: string;
    readonly code: string;
    readonly message: string;
  }[];
  /** `after` of the next portion; null: that was all. */
  readonly next: string | null;
}

export interface RunMoves {
  /** Refused with `version-unknown`; for a single run also with `run-unknown`, `run-ended` and `run-there`. */
  move(request: MoveRequest, actor: Actor): Promise<MoveResult>;
}

export interface RunMoveParts {
  readonly store: Pick<Store, "read">;
  readonly engine: Pick<EmbeddedEngine, "move" | "run">;
  readonly book: Pick<VersionBook, "get">;
  readonly rehearsals: Pick<Rehearsals, "last">;
}

/** Runs that are on their way at a time. */
const atOnce = 10;

export function createRunMoves({ store, engine, book, rehearsals }: RunMoveParts): RunMoves {
  const page = openRuns(store.read);

  async function one({ id }: OpenRun, to: string, actor: Actor): Promise<boolean> {
    const fared = rehearsals.last(to, id);
    if (fared === undefined) throw failure("run-not-rehearsed", { run: id, version: to });
    if (fared.verdict !== "continues") throw unfollowed(id, to, fared.message ?? `it stops with ${fared.at}`);
    const answer = await engine.move(id, to, actor);
    if (answer.kind === "refused") throw unfollowed(id, to, wordsOf(answer.verdict));
    return answer.goesOn;
  }

  return {
    async move({ to, run, process, after = "", limit }, actor) {
      if (book.get(to) === undefined) throw failure("version-unknown", { version: plainName(to) });
      const runs = page({ after, process, run, notOn: run === undefined ? to : undefined, limit });
      if (run !== undefined && runs.length === 0 && after === "") {
        const found = engine.run(run);
        if (found === undefined) throw failure("run-unknown", { run: plainName(run) });
        if (found.process === (process ?? found.process)) throw failure("run-ended", { run, status: found.status });
      }
      const moved: { run: string; key: string; goesOn: boolean }[] = [];
      const refused: { run: string; key: string; code: string; message: string }[] = [];
      const open = [...runs];
      const work = async (): Promise<void> => {
        for (let next = open.shift(); next !== undefined; next = open.shift()) {
          const { id, key } = next;
          try {
            moved.push({ run: id, key, goesOn: await one(next, to, actor) });
          } catch (error) {
            if (!(error instanceof MortiseError)) throw error;
            const { code, message } = asMortiseError(error);
            refused.push({ run: id, key, code, message });
          }
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
      return { moved, refused, next: runs.length === limit ? (runs.at(-1)?.id ?? null) : null };
    },
  };
}

/** Rehearsals and moves of a server, as its admin API needs them. */
export function openMoves({
  store,
  folder,
  project,
  memoryMiB,
  valueLimits,
  keys,
  engine,
  book,
  live,
  hold,
}: Pick<RehearsalParts, "store" | "project" | "memoryMiB" | "valueLimits" | "keys"> &
  Pick<RunMoveParts, "engine" | "book"> & {
    /** The store's folder. */
    readonly folder: string;
    readonly live: Pick<Live, "masking">;
    readonly hold: (version: string) => () => void;
  }) {
  const masked: RehearsalParts["masked"] = (run, shown) => maskedShown(run, shown, live.masking(), engine);
  const rehearsals = createRehearsals({ store, project, memoryMiB, valueLimits, keys, masked });
  return {
    rehearsals,
    moves: createRunMoves({ store, engine, book, rehearsals }),
    hold,
    version(id: string): Version {
      if (book.get(id) === undefined) throw failure("version-unknown", { version: plainName(id) });
      return loadVersion(folder, id);
    },
    close: () => rehearsals.close(),
  };
}

function unfollowed(run: string, version: string, reason: string): MortiseError {
  return failure("run-diverges", { run, version, reason: reason.replace(/\.$/, "") });
}

function wordsOf(verdict: Verdict): string {
  return verdict.kind === "continues" ? "" : verdict.message;
}

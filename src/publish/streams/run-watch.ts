/**
 * Finds out that followed runs have changed. The engine tells nobody: a run that no one follows costs nothing. Instead one look every `everyMs` at the runs that are followed,
 * one for all who follow the same. A look has a budget of time; what it did not get to comes first in the next.
 */
import type { Backend, BackendRun } from "../backend.ts";

/** The run; `undefined`: it is gone. */
export type RunSeen = (run: BackendRun | undefined) => void;

export interface RunWatch {
  /** `mark`: of what the follower has seen. Gives what ends it. */
  follow(process: string, key: string, mark: string | undefined, seen: RunSeen): () => void;
}

interface Followed {
  readonly process: string;
  readonly key: string;
  mark: string | undefined;
  readonly followers: Set<RunSeen>;
}

/** Milliseconds of the front's thread that one look may take. */
const budgetMs = 20;

export function openRunWatch(
  backend: Pick<Backend, "mark" | "runByKey">,
  everyMs = 250,
  report: (error: unknown) => void = () => {},
): RunWatch {
  /** In the order of the next look. */
  const followed = new Map<string, Followed>();
  let timer: NodeJS.Timeout | undefined;
  let looking = false;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    const begun = performance.now();
    try {
      for (const [id, one] of [...followed]) {
        if (performance.now() - begun > budgetMs) break;
        if (!followed.has(id)) continue;
        followed.delete(id);
        followed.set(id, one);
        const mark = backend.mark(one.process, one.key);
        if (mark === one.mark) continue;
        const run = await backend.runByKey(one.process, one.key);
        one.mark = mark;
        for (const seen of [...one.followers]) seen(run);
      }
    } catch (error) {
      // Looked at again the next time.
      report(error);
    } finally {
      looking = false;
    }
  }

  return {
    follow(process, key, mark, seen) {
      const id = `${process} ${key}`;
      let one = followed.get(id);
      if (one === undefined) {
        one = { process, key, mark, followers: new Set() };
        followed.set(id, one);
      } else if (one.mark !== mark) {
        // Who has seen something else than the others: all of them look again.
        one.mark = "";
      }
      one.followers.add(seen);
      timer ??= setInterval(() => void look(), everyMs).unref();
      return () => {
        one.followers.delete(seen);
        if (one.followers.size === 0 && followed.get(id) === one) followed.delete(id);
        if (followed.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

/**
 * Published contracts that are ahead of the server: written for definitions that it has not read yet. A version of the code of processes
 * is not to blame for that, and is promoted as long as it breaks nobody who calls what is served.
 */
import type { SourceProblem } from "../../project/sources.ts";
import { comparePublished } from "./compare.ts";
import type { Lock } from "./locked.ts";

interface Locked extends SourceProblem {
  readonly lock?: Lock;
}

export interface Blamed {
  readonly problems: readonly SourceProblem[];
  /** What keeps nothing back. */
  readonly notices: readonly string[];
}

/**
 * Takes out of `problems`, those of the version that is to be promoted, what `served` (what the server would be refused for as it is) has too.
 * `locks`: of what is served. `unread`: files that the server has not read as they are now; none: nothing is taken out.
 */
export async function blamed(
  problems: readonly Locked[],
  served: { readonly problems: readonly Locked[]; readonly locks: readonly Lock[] },
  unread: readonly string[],
): Promise<Blamed> {
  const left: SourceProblem[] = [];
  const notices: string[] = [];
  for (const { lock, ...problem } of problems) {
    const before = lock === undefined ? undefined : served.problems.find(({ lock: other }) => isSame(lock, other));
    if (lock === undefined || before === undefined || unread.length === 0 || !isComparable(lock)) left.push(problem);
    else if (await breaksServed(lock, served.locks))
      left.push({
        ...problem,
        message: `${problem.message}\nThe running server has not read ${unread.join(", ")} yet; take those and the code at once with: mortise reload --promote`,
      });
    else
      notices.push(
        `${lock.file} is ahead of the running server, which goes on serving what it has read; the change of the API comes in force with: mortise reload`,
      );
  }
  return { problems: left, notices };
}

function isSame(one: Lock, other: Lock | undefined): boolean {
  return other !== undefined && other.file === one.file && other.api?.version === one.api?.version;
}

/** A file that can't be read is a mistake whoever serves it. */
function isComparable({ state, api }: Lock): boolean {
  return state.kind === "changed" || (state.kind === "broken" && api === undefined);
}

/** Whether the version would change what is served now for those who call it. */
async function breaksServed(lock: Lock, locks: readonly Lock[]): Promise<boolean> {
  // The server has no such API: the version changes nothing of it.
  if (lock.api === undefined) return false;
  const now = locks.find((other) => isSame(lock, other));
  if (now?.text === undefined || lock.text === undefined) return true;
  return (await comparePublished(lock.file, now.text, lock.text)).verdict !== "safe";
}

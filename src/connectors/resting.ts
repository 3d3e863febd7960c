/** Whether files rest: their senders may still be writing, and nobody says so. */

/** What a look at a file sees. */
export interface Looked {
  readonly size: number;
  readonly mtimeMs: number;
}

interface Seen extends Looked {
  readonly since: number;
}

export const isSame = (one: Looked, other: Looked): boolean => one.size === other.size && one.mtimeMs === other.mtimeMs;

/** Files by name, with what was seen of each and since when. `settleMs`: how long size and time must not change. */
export class Resting {
  readonly #seen = new Map<string, Seen>();
  readonly #settleMs: number;
  readonly #now: () => number;

  constructor(settleMs: number, now: () => number) {
    this.#settleMs = settleMs;
    this.#now = now;
  }

  has(name: string): boolean {
    return this.#seen.has(name);
  }

  /** Its time begins now. */
  begin(name: string, { size, mtimeMs }: Looked): void {
    this.#seen.set(name, { size, mtimeMs, since: this.#now() });
  }

  rests(name: string, file: Looked): boolean {
    const before = this.#seen.get(name);
    if (before !== undefined && isSame(before, file)) return this.#now() - before.since >= this.#settleMs;
    this.begin(name, file);
    return false;
  }

  delete(name: string): void {
    this.#seen.delete(name);
  }

  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
  }
}

/**
 * Executions whose run is read from the store into a new one. What came for the old one since stands in the inbox, and comes again: the old one writes nothing
 * more, and the new one is not read before what the old one has sent is there. Two writers of one history would fence each other off, and nobody would go on.
 */
import type { Execution } from "../run/execution.ts";

export class Replacing {
  readonly #waiting = new Set<Execution>();
  readonly #replaced = new WeakSet<Execution>();

  /** Whether it writes no more. */
  has(execution: Execution): boolean {
    return this.#waiting.has(execution) || this.#replaced.has(execution);
  }

  /** Whether the new one may be read now; else once `sent` says so. */
  begin(execution: Execution): boolean {
    if (execution.journal.underWay > 0) {
      this.#waiting.add(execution);
      return false;
    }
    this.#waiting.delete(execution);
    this.#replaced.add(execution);
    return true;
  }

  /** Something that it had sent is on disk: whether that was all it waited for. */
  sent(execution: Execution): boolean {
    return this.#waiting.has(execution) && execution.journal.underWay === 0;
  }

  /** The run belongs to somebody else now. */
  drop(execution: Execution): void {
    this.#waiting.delete(execution);
  }
}

/** Counts the attempts of a worker, and tells them together once in a while: a message for each would cost more than the counting. */
import type { StoredFailure } from "../../../operation.ts";
import type { AttemptCount } from "../wire.ts";

/** How often they are told. */
const everyMs = 1000;

export class AttemptCounts {
  readonly #tell: (counts: readonly AttemptCount[]) => void;
  readonly #later: (ms: number, act: () => void, idle: boolean) => () => void;
  #counts = new Map<string, { what: string; outcome: string; times: number; ms: number }>();
  #cancel: (() => void) | undefined;

  constructor(
    tell: (counts: readonly AttemptCount[]) => void,
    later: (ms: number, act: () => void, idle: boolean) => () => void,
  ) {
    this.#tell = tell;
    this.#later = later;
  }

  add(what: string, ms: number, failed: StoredFailure | undefined): void {
    const outcome = failed === undefined ? "ok" : `${failed.class}/${failed.outcome}`;
    const name = `${what} ${outcome}`;
    const count = this.#counts.get(name) ?? { what, outcome, times: 0, ms: 0 };
    count.times += 1;
    count.ms += ms;
    this.#counts.set(name, count);
    this.#cancel ??= this.#later(everyMs, () => this.flush(), true);
  }

  /** Tells what was counted, now. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#counts.size === 0) return;
    this.#tell([...this.#counts.values()]);
    this.#counts = new Map();
  }
}

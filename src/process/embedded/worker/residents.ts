/**
 * Which runs are in a worker's memory: waiting ones leave it after a while, and no more than a bounded number are in it at a time. A
 * run that is not in memory costs nothing here; it is loaded from the store when something comes for it.
 *
 * Those that rest stand in a queue in the order in which they came to rest. An entry counts as long as nothing was written
 * since (`seq`); others are passed over, so that a run that rests for a moment only costs a push and a shift.
 */
import { NamedSlots } from "../../../slots.ts";
import type { Execution } from "../run/execution.ts";

export interface ResidentsOptions {
  /** How long a run rests before it leaves, in milliseconds. */
  readonly restMs: number;
  /** Runs in memory, at most; what comes for others waits until there is a place. */
  readonly atMost: number;
  /** Calls back later; what is returned cancels. */
  readonly later: (ms: number, act: () => void) => () => void;
  /** Calls when the microtasks have run dry. */
  readonly soon: (act: () => void) => void;
  readonly now: () => number;
  /** Whether something of it is still to be written. */
  readonly dirty: (execution: Execution) => boolean;
  /** Takes a run from the store into memory. */
  readonly load: (run: string) => void;
  /** Told of each that enters and leaves. */
  readonly watch?: ((run: string, here: boolean) => void) | undefined;
}

/** How long one run at a time is run where that is asked for. */
const carefulMs = 30_000;

/** Tells `watch` of the one run that is here, for a while; then `over` is called, and nothing more is told. */
export function watchWhileCareful(
  { watch }: { readonly watch: (run: string | undefined) => void },
  later: ResidentsOptions["later"],
  over: () => void,
): NonNullable<ResidentsOptions["watch"]> {
  let watching = true;
  later(carefulMs, () => {
    watching = false;
    watch(undefined);
    over();
  });
  return (run, here) => {
    if (watching) watch(here ? run : undefined);
  };
}

interface Resting {
  readonly execution: Execution;
  readonly seq: number;
  readonly since: number;
}

/** The queue's array is cut once so many of its places are behind its head. */
const cutAfter = 1000;

export class Residents {
  readonly #options: ResidentsOptions;
  readonly #executions = new NamedSlots<Execution>();
  #resting: Resting[] = [];
  /** Place of the first entry. */
  #head = 0;
  #cancel: (() => void) | undefined;
  /** Runs that wait for a place, first in, first out. */
  readonly #backlog = new Set<string>();
  #filling = false;
  #closed = false;
  #atMost: number;

  constructor(options: ResidentsOptions) {
    this.#options = options;
    this.#atMost = options.atMost;
  }

  get size(): number {
    return this.#executions.size;
  }
  /** Runs that wait for a place. */
  get waiting(): number {
    return this.#backlog.size;
  }
  get(run: string): Execution | undefined {
    return this.#executions.get(run);
  }
  has(run: string): boolean {
    return this.#executions.has(run);
  }
  all(): Execution[] {
    return this.#executions.values();
  }
  add(run: string, execution: Execution): void {
    this.#backlog.delete(run);
    this.#executions.set(run, execution);
    this.#options.watch?.(run, true);
  }
  /** It has ended, or belongs to somebody else now. */
  remove(run: string): void {
    this.#executions.delete(run);
    this.#options.watch?.(run, false);
    if (this.#backlog.size > 0) this.#fill();
  }

  /** Whether one more may be taken in now; the one that rests longest leaves for it. */
  room(): boolean {
    while (this.#executions.size >= this.#atMost) if (!this.#leaveFirst(Number.POSITIVE_INFINITY)) return false;
    return true;
  }

  /** Loads it now, or when there is a place. */
  want(run: string): void {
    if (this.#closed || this.#executions.has(run)) return;
    if (this.#backlog.size === 0 && this.room()) this.#options.load(run);
    else {
      this.#backlog.add(run);
      this.#fill();
    }
  }

  /** Something that it had to write is on disk, or there was nothing: if that was all and it only waits, its rest begins. */
  committed(execution: Execution): void {
    const { status, underWay } = execution.journal;
    if (this.#closed || underWay > 0 || status === "running" || status === "undoing" || !execution.resting) return;
    this.#resting.push({ execution, seq: execution.journal.seq, since: this.#options.now() });
    if (this.#backlog.size > 0) this.#fill();
    this.#cancel ??= this.#options.later(this.#options.restMs, () => this.#sweep());
  }

  /** More or fewer from now on. */
  limit(atMost: number): void {
    this.#atMost = atMost;
    this.#fill();
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#backlog.clear();
  }

  #sweep(): void {
    this.#cancel = undefined;
    const before = this.#options.now() - this.#options.restMs;
    while (this.#leaveFirst(before)) {
      // one after the other
    }
    if (!this.#closed && this.#resting.length > this.#head)
      this.#cancel = this.#options.later(this.#options.restMs, () => this.#sweep());
  }

  /** The first that rests, and has since `before`, leaves; `false` if there is none. */
  #leaveFirst(before: number): boolean {
    for (;;) {
      const first = this.#resting[this.#head];
      if (first === undefined) {
        this.#cut();
        return false;
      }
      // One that rests since a time to come: the clock was set back.
      if (first.since > before && first.since <= this.#options.now()) return false;
      this.#head += 1;
      if (this.#head > cutAfter) this.#cut();
      const { execution, seq } = first;
      const { id } = execution.identity;
      const { journal } = execution;
      // What is passed over here comes again: something of it is being written, and its end is told to `committed`.
      const rests =
        execution.resting && journal.seq === seq && journal.underWay === 0 && !this.#options.dirty(execution);
      if (!rests || this.#executions.get(id) !== execution) continue;
      this.#executions.delete(id);
      this.#options.watch?.(id, false);
      return true;
    }
  }

  #cut(): void {
    this.#resting = this.#resting.slice(this.#head);
    this.#head = 0;
  }

  /** Loads what waits, one run a turn of the event loop, so that others are served between them. */
  #fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    this.#options.soon(() => {
      this.#filling = false;
      if (this.#closed) return;
      for (const run of this.#backlog) {
        if (!this.room()) return;
        this.#backlog.delete(run);
        if (!this.#executions.has(run)) this.#options.load(run);
        break;
      }
      if (this.#backlog.size > 0 && this.room()) this.#fill();
    });
  }
}

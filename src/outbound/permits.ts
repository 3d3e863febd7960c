/**
 * How many calls to one system may be in flight at a time, over all threads of the server.
 *
 * Each permit is one cell of shared memory that holds the number of the thread that has it, or 0. Taking and giving back
 * are single atomic operations, so a thread may die at any instruction and `reclaim` finds exactly what it held.
 *  L1  at most `limit` cells are taken at any time, whatever dies.
 *  L2  a free permit is taken without a promise, a timer or a system call.
 *  L3  within a thread, whoever waits longest is next; between threads there is no order.
 *  L4  a wake-up that reaches a thread which no longer needs it is passed on; one lost with its thread costs `recheckMs`.
 */
import { failure, type MortiseError } from "../errors.ts";

const recheckMs = 100;
/** Cell that counts releases: what waiting threads watch. */
const bell = 0;

/** The shared part: plain data, to be handed to every thread (`workerData`). */
export interface PermitTable {
  readonly systems: readonly SharedPermits[];
}

/** Of one system. */
interface SharedPermits {
  /** The same in all threads and all tables; another limit is another one. */
  readonly id: number;
  readonly name: string;
  readonly limit: number;
  /** Cell 0 counts releases; the others are the permits. */
  readonly memory: SharedArrayBuffer;
}

/**
 * Makes the table for these systems: name to limit (`settings.concurrency`). A system of `before` with the same limit keeps its permits,
 * with those that are taken. One with another limit begins anew: calls under way then are not counted against the new limit.
 */
export function permitTable(limits: ReadonlyMap<string, number>, before?: PermitTable): PermitTable {
  let id = Math.max(0, ...(before?.systems ?? []).map((system) => system.id));
  const systems = [...limits].map(([name, limit]) => {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`concurrency of ${name} must be 1 or more`);
    const known = before?.systems.find((system) => system.name === name && system.limit === limit);
    if (known !== undefined) return known;
    id += 1;
    return Object.freeze({ id, name, limit, memory: new SharedArrayBuffer((1 + limit) * 4) });
  });
  return Object.freeze({ systems: Object.freeze(systems) });
}

/** Gives back everything that the thread `slot` held. Call it when that thread has ended, before its number is used again. */
export function reclaim(table: PermitTable, slot: number): number {
  let count = 0;
  for (const { limit, memory } of table.systems) {
    const cells = new Int32Array(memory);
    for (let cell = 1; cell <= limit; cell += 1)
      if (Atomics.compareExchange(cells, cell, slot + 1, 0) === slot + 1) count += 1;
    Atomics.add(cells, bell, 1);
    Atomics.notify(cells, bell);
  }
  return count;
}

/** The permits of one system as one thread sees them. */
export interface SystemPermits {
  /** Of the shared part. */
  readonly id: number;
  /**
   * A permit: at once, or a promise where all are taken. The promise rejects with `outbound-busy` at the deadline
   * (`Date.now()` milliseconds), or with `outbound-aborted` when the signal fires; outcome `none` either way.
   */
  acquire(deadline: number, signal?: AbortSignal): number | Promise<number>;
  /** Gives a permit back; what `acquire` gave. */
  release(permit: number): void;
  /** Permits taken now, by all threads. */
  taken(): number;
}

/**
 * All systems' permits for the thread `slot` (0, 1, ...), which no other living thread uses. `before`: what this thread had; who waits
 * there for permits that are the same goes on waiting in the same line.
 */
export function openPermits(
  table: PermitTable,
  slot: number,
  before?: ReadonlyMap<string, SystemPermits>,
): ReadonlyMap<string, SystemPermits> {
  if (!Number.isSafeInteger(slot) || slot < 0) throw new RangeError("slot must be 0 or more");
  return new Map(
    table.systems.map((system) => {
      const known = before?.get(system.name);
      return [system.name, known?.id === system.id ? known : new Permits(system, slot + 1)];
    }),
  );
}

interface Waiter {
  readonly resolve: (permit: number) => void;
  readonly stop: () => void;
}

class Permits implements SystemPermits {
  readonly id: number;
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #name: string;
  readonly #limit: number;
  readonly #owner: number;
  readonly #waiting = new Set<Waiter>();
  #watching = false;
  #next = 0;

  constructor(system: SharedPermits, owner: number) {
    this.id = system.id;
    this.#cells = new Int32Array(system.memory);
    this.#name = system.name;
    this.#limit = system.limit;
    this.#owner = owner;
  }

  acquire(deadline: number, signal?: AbortSignal): number | Promise<number> {
    if (this.#waiting.size === 0) {
      const permit = this.#take();
      if (permit !== -1) return permit;
    }
    return this.#wait(deadline, signal);
  }

  release(permit: number): void {
    // Only what this thread holds: a second release of the same permit must not free somebody else's.
    if (Atomics.compareExchange(this.#cells, permit, this.#owner, 0) === this.#owner) this.#ring();
  }

  taken(): number {
    let count = 0;
    for (let i = 1; i <= this.#limit; i += 1) if (Atomics.load(this.#cells, bell + i) !== 0) count += 1;
    return count;
  }

  #take(): number {
    const length = this.#limit;
    for (let tried = 0; tried < length; tried += 1) {
      const cell = bell + 1 + this.#next;
      this.#next = this.#next + 1 === length ? 0 : this.#next + 1;
      if (Atomics.load(this.#cells, cell) === 0 && Atomics.compareExchange(this.#cells, cell, 0, this.#owner) === 0)
        return cell;
    }
    return -1;
  }

  #ring(): void {
    Atomics.add(this.#cells, bell, 1);
    Atomics.notify(this.#cells, bell, 1);
  }

  #wait(deadline: number, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: MortiseError) => {
        this.#waiting.delete(waiter);
        waiter.stop();
        reject(error);
      };
      const busy = () => giveUp(failure("outbound-busy", { limit: this.#limit, system: this.#name }));
      const onAbort = () => {
        if (Date.now() >= deadline) busy();
        else giveUp(failure("outbound-aborted", { host: this.#name }));
      };
      const timer = setTimeout(busy, Math.max(0, deadline - Date.now()));
      const waiter: Waiter = {
        resolve,
        stop: () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
        },
      };
      this.#waiting.add(waiter);
      if (signal?.aborted === true) onAbort();
      else {
        signal?.addEventListener("abort", onAbort);
        if (!this.#watching) void this.#watch();
      }
    });
  }

  /** Serves this thread's waiting calls until none is left; one watcher per thread and system. */
  async #watch(): Promise<void> {
    this.#watching = true;
    for (;;) {
      const seen = Atomics.load(this.#cells, bell);
      for (const waiter of this.#waiting) {
        const permit = this.#take();
        if (permit === -1) break;
        this.#waiting.delete(waiter);
        waiter.stop();
        waiter.resolve(permit);
      }
      if (this.#waiting.size === 0) break;
      const pause = Atomics.waitAsync(this.#cells, bell, seen, recheckMs);
      if (pause.async) await pause.value;
    }
    this.#watching = false;
    // The wake-up may have been meant for another thread (L4).
    Atomics.notify(this.#cells, bell, 1);
  }
}

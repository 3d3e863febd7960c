/**
 * Whether a system is away, and how many calls it is sent again: one table in shared memory for all threads of the server, so that what
 * one learns counts for all, and repeats of all together stay within the budget.
 *
 *  C1  closed -> open: so many failures in a row without one answer, or half of all calls of ten seconds. Failures that may be the
 *      fault of what was asked count only where more than one step had them.
 *  C2  open -> looking: after a pause one call is let through, by one thread; its thread may die, then another takes over.
 *  C3  looking -> closed: it was answered. looking -> open: it was not, and the pause doubles.
 *  C4  calls that are sent again, or late, are at most a share of the first ones of the last ten seconds, with a floor.
 *
 * Numbers are single cells, so a thread may die at any instruction. Counts may be off by a few where threads meet: they are estimates.
 */
import { performance } from "node:perf_hooks";
import { isDeepStrictEqual } from "node:util";

/** All of it resolved. */
export interface GateSettings {
  /** Failures in a row; 0: it never counts as away. */
  readonly failures: number;
  readonly pauseMs: number;
  readonly maxPauseMs: number;
  /** Repeats per first attempt. */
  readonly share: number;
  /** Repeats a second in any case. */
  readonly floor: number;
}

/** The shared part: plain data, to be handed to every thread (`workerData`). */
export interface CircuitTable {
  /** Of the process's steady clock, in milliseconds. */
  readonly epoch: number;
  readonly systems: readonly SharedCircuit[];
}

/** Of one system. */
export interface SharedCircuit {
  /** The same in all threads and all tables; other settings are another one. */
  readonly id: number;
  readonly name: string;
  readonly memory: SharedArrayBuffer;
  readonly settings: GateSettings;
}

const state = 0;
const until = 1;
const since = 2;
const streak = 3;
/** Failures of the streak that were of another step than the one before. */
const others = 4;
const last = 5;
/** Times that looking failed, in a row. */
const reopened = 6;
/** Until when the thread that looks is believed to be alive. */
const lease = 7;
/** Second from which failures count for the rate. */
const countFrom = 8;
const ring = 9;
const seconds = 16;
const perSecond = 5;
const cellsPerSystem = ring + seconds * perSecond;
/** In a second's cells. */
const stamp = 0;
const first = 1;
const repeated = 2;
const failedCell = 3;
const answeredCell = 4;

const windowSeconds = 10;
/** Times are kept in units of this many milliseconds: 31 bits last for eight months. */
const tickMs = 10;
const leaseMs = 90_000;
/** Calls of a window below which their rate says nothing. */
const fewCalls = 20;
/** Of what was held, and is sent late, per first attempt. */
const lateShare = 0.5;

export const circuitStates = ["closed", "open", "looking"] as const;
export type CircuitState = (typeof circuitStates)[number];

export interface CircuitView {
  readonly state: CircuitState;
  /** Milliseconds from now (negative: ago): since when it is away, and when it is looked for. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** A system of `before` with the same settings keeps what is known of it. */
export function circuitTable(settings: ReadonlyMap<string, GateSettings>, before?: CircuitTable): CircuitTable {
  let id = Math.max(0, ...(before?.systems ?? []).map((system) => system.id));
  const systems = [...settings].map(([name, own]) => {
    const known = before?.systems.find((system) => system.name === name && isDeepStrictEqual(system.settings, own));
    if (known !== undefined) return known;
    id += 1;
    return Object.freeze({ id, name, memory: new SharedArrayBuffer(cellsPerSystem * 4), settings: own });
  });
  return Object.freeze({ epoch: before?.epoch ?? steadyMs(), systems: Object.freeze(systems) });
}

/** The same in all threads of the process, whatever happens to the wall clock. */
function steadyMs(): number {
  const [whole, nano] = process.hrtime();
  return whole * 1000 + nano / 1e6;
}

/** Milliseconds since the table was made. */
export function steadyClock({ epoch }: CircuitTable): () => number {
  const ahead = steadyMs() - performance.now() - epoch;
  return () => performance.now() + ahead;
}

export class Circuit {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #settings: GateSettings;
  readonly #now: () => number;
  /** The lease of the last time that this thread looked. */
  #mine = 0;

  constructor(system: SharedCircuit, now: () => number) {
    this.#cells = new Int32Array(system.memory);
    this.#settings = system.settings;
    this.#now = now;
  }

  get closed(): boolean {
    return this.#get(state) === 0;
  }
  /** Changes with every time that it is away. */
  get opening(): number {
    return this.#get(since);
  }

  view(): CircuitView {
    const now = this.#now();
    return {
      state: circuitStates[this.#get(state)] as CircuitState,
      sinceMs: this.#get(since) * tickMs - now,
      untilMs: this.#get(until) * tickMs - now,
    };
  }

  /** A first attempt has come, whether it is sent at once or not. */
  countFirst(): void {
    Atomics.add(this.#cells, this.#second() + first, 1);
  }

  /** Room for one call that is sent again (or late: `late`) in this second (C4). */
  takeRepeat(late: boolean): boolean {
    const cell = this.#second() + repeated;
    if (Atomics.load(this.#cells, cell) >= this.repeatsPerSecond(late)) return false;
    Atomics.add(this.#cells, cell, 1);
    return true;
  }

  repeatsPerSecond(late: boolean): number {
    const { share, floor } = this.#settings;
    return Math.max(floor, (late ? Math.max(share, lateShare) : share) * this.#perSecond(first, 0));
  }

  answered(looking: boolean): boolean {
    if (this.#get(streak) !== 0) {
      this.#set(streak, 0);
      this.#set(others, 0);
    }
    Atomics.add(this.#cells, this.#second() + answeredCell, 1);
    if (!looking) return false;
    this.#set(countFrom, this.#stamp());
    this.#set(reopened, 0);
    this.#set(state, 0);
    return true;
  }

  /**
   * `by`: a hash of the step. `sure`: it is not the fault of what was asked. `chance`: 0 to 1. Answers whether the system counts as away
   * from here, or is still.
   */
  failed(by: number, sure: boolean, saidMs: number, looking: boolean, chance: number): "opened" | "still" | undefined {
    if (Atomics.exchange(this.#cells, last, by) !== by) Atomics.add(this.#cells, others, 1);
    const inARow = Atomics.add(this.#cells, streak, 1) + 1;
    Atomics.add(this.#cells, this.#second() + failedCell, 1);
    if (looking && !this.#replaced()) {
      const times = Atomics.add(this.#cells, reopened, 1) + 1;
      this.#set(until, this.#tick(this.#pause(times, saidMs, chance)));
      this.#set(state, 1);
      return "still";
    }
    if (!this.closed) {
      // One that was under way: what it was told counts, too.
      const said = this.#tick(saidMs);
      if (saidMs > 0 && said > this.#get(until)) this.#set(until, said);
      return undefined;
    }
    const { failures } = this.#settings;
    if (failures === 0) return undefined;
    const many = inARow >= failures && (sure || this.#get(others) > 1);
    // Of a single failure since the last answer: whether it is of another step than the one before. Of several: as above.
    const half = this.#halfFail() && (sure || this.#get(others) > (inARow > 1 ? 1 : 0));
    if (!many && !half) return undefined;
    this.#set(until, this.#tick(this.#pause(0, saidMs, chance)));
    this.#set(since, Math.floor(this.#now() / tickMs));
    this.#set(reopened, 0);
    return Atomics.compareExchange(this.#cells, state, 0, 1) === 0 ? "opened" : undefined;
  }

  /** This thread looks whether it is back (C2), if the pause is over and no other does. */
  look(): boolean {
    const now = this.#now();
    const seen = this.#get(lease);
    if (this.#get(state) === 2) {
      if (now < seen * tickMs) return false;
    } else if (now < this.#get(until) * tickMs || Atomics.compareExchange(this.#cells, state, 1, 2) !== 1) return false;
    // Of those who come at the same moment, before or behind that word, one.
    const mine = this.#tick(leaseMs);
    if (Atomics.compareExchange(this.#cells, lease, seen, mine) !== seen) return false;
    this.#mine = mine;
    return true;
  }

  /** It looked, and what it saw says nothing: another may look at once. */
  sawNothing(): void {
    if (this.#replaced()) return;
    this.#set(until, this.#tick(0));
    Atomics.compareExchange(this.#cells, state, 2, 1);
  }

  /** This thread looked for so long that another took over: what that one found counts. */
  #replaced(): boolean {
    return this.#get(lease) !== this.#mine;
  }

  #pause(times: number, saidMs: number, chance: number): number {
    const { pauseMs, maxPauseMs } = this.#settings;
    return Math.max(saidMs, Math.min(pauseMs * 2 ** times, maxPauseMs) * (0.75 + chance / 2));
  }

  #halfFail(): boolean {
    const failures = this.#sum(failedCell, 1);
    return failures * 2 >= Math.max(fewCalls, failures + this.#sum(answeredCell, 1));
  }

  #perSecond(cell: number, current: 0 | 1): number {
    return this.#sum(cell, current) / windowSeconds;
  }

  /** Over the last ten whole seconds; `current`: and the present one. */
  #sum(cell: number, current: 0 | 1): number {
    const now = this.#stamp();
    const from = Math.max(now - windowSeconds, cell === first ? 0 : this.#get(countFrom));
    let sum = 0;
    for (let second = 0; second < seconds; second += 1) {
      const at = ring + second * perSecond;
      const of = Atomics.load(this.#cells, at + stamp);
      if (of >= from && of > 0 && of < now + current) sum += Atomics.load(this.#cells, at + cell);
    }
    return sum;
  }

  /** The cells of the present second, emptied if they were of an earlier one. */
  #second(): number {
    const now = this.#stamp();
    const at = ring + (now % seconds) * perSecond;
    const seen = Atomics.load(this.#cells, at + stamp);
    if (seen !== now && Atomics.compareExchange(this.#cells, at + stamp, seen, now) === seen)
      for (let cell = first; cell < perSecond; cell += 1) Atomics.store(this.#cells, at + cell, 0);
    return at;
  }

  #stamp(): number {
    return Math.floor(this.#now() / 1000) + 1;
  }
  #tick(inMs: number): number {
    return Math.ceil((this.#now() + inMs) / tickMs);
  }
  #get(cell: number): number {
    return Atomics.load(this.#cells, cell);
  }
  #set(cell: number, value: number): void {
    Atomics.store(this.#cells, cell, value);
  }
}

/**
 * What stands before a system in one thread: attempts that may not begin yet wait here in one line. While the system is away, one
 * of them now and then looks whether it is back; afterwards they are let go evenly, within the budget that all threads share.
 */
import { Circuit, type CircuitTable, type CircuitView, type SharedCircuit, steadyClock } from "./circuit.ts";
import { Ring, type Seat } from "./ring.ts";

/** Seconds of a told time of waiting are cut off here: 31 bits of ticks must hold it. */
const longestMs = 86_400_000;
const pollMs = 250;

/** An attempt that waits; see the engine's own description of a gate. */
export interface GateWaiter {
  readonly again: boolean;
  readonly harmless: boolean;
  readonly attempts: number;
  go(looking: boolean): void;
  away(at: number): void;
}
export interface GateFailure {
  readonly key: string;
  readonly outcome: "none" | "unknown";
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** A system is away, still away, or back. Times are epoch milliseconds. */
export interface CircuitChange {
  readonly system: string;
  readonly state: "open" | "closed";
  /** It was away already, and looking for it failed. */
  readonly still: boolean;
  readonly since: number;
  /** When it is looked for. */
  readonly until: number;
  /** The failure that opened it. */
  readonly reason?: string;
}

export interface GateClock {
  /** Steady milliseconds since the table was made. */
  now(): number;
  wall(): number;
  chance(): number;
  later(ms: number, act: () => void): () => void;
}

const passing = Object.freeze({ kind: "go", looking: false });
const looks = Object.freeze({ kind: "go", looking: true });

interface Entry {
  readonly waiter: GateWaiter;
  readonly order: number;
  /** The time away that it was told of. */
  told: number;
}

/** The gates of all systems for one thread. `before`: what this thread had; a gate that is the same stays, with those that wait there. */
export function openGates(
  table: CircuitTable,
  changed: (change: CircuitChange) => void,
  clock: GateClock = realClock(table),
  before?: ReadonlyMap<string, SystemGate>,
): ReadonlyMap<string, SystemGate> {
  return new Map(
    table.systems.map((system) => {
      const known = before?.get(system.name);
      return [system.name, known?.id === system.id ? known : new SystemGate(system, changed, clock)];
    }),
  );
}

/** How the systems are now. */
export function viewCircuits(table: CircuitTable): (system: string) => CircuitView | undefined {
  const now = steadyClock(table);
  const circuits = new Map(table.systems.map((system) => [system.name, new Circuit(system, now)]));
  return (system) => circuits.get(system)?.view();
}

function realClock(table: CircuitTable): GateClock {
  return {
    now: steadyClock(table),
    wall: Date.now,
    chance: Math.random,
    later(ms, act) {
      const timer = setTimeout(act, ms).unref();
      return () => clearTimeout(timer);
    },
  };
}

export class SystemGate {
  /** Of the shared part. */
  readonly id: number;
  readonly #system: string;
  readonly #circuit: Circuit;
  readonly #changed: (change: CircuitChange) => void;
  readonly #clock: GateClock;
  /** By how well they look: never tried and harmless, harmless, and those that a repeat would harm. Each in the order of coming. */
  readonly #lines: readonly Ring<Entry>[] = [new Ring(), new Ring(), new Ring()];
  #waiting = 0;
  #order = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(system: SharedCircuit, changed: (change: CircuitChange) => void, clock: GateClock) {
    this.id = system.id;
    this.#system = system.name;
    this.#circuit = new Circuit(system, clock.now);
    this.#changed = changed;
    this.#clock = clock;
  }

  pass(again: boolean): boolean {
    if (!again) this.#circuit.countFirst();
    if (!this.#circuit.closed) return false;
    return !again || (this.#waiting === 0 && this.#circuit.takeRepeat(false));
  }

  /** For a call that can't wait: whether it may be sent now, and whether it is then the one that looks. */
  enter():
    | { readonly kind: "go"; readonly looking: boolean }
    | { readonly kind: "away"; readonly retryAfterMs: number } {
    this.#circuit.countFirst();
    if (this.#circuit.closed) return passing;
    if (this.#circuit.look()) return looks;
    return { kind: "away", retryAfterMs: Math.max(this.#circuit.view().untilMs, pollMs) };
  }

  /** Whether a call that can't wait may be sent once more now. */
  repeat(): boolean {
    return this.#circuit.closed && this.#waiting === 0 && this.#circuit.takeRepeat(false);
  }

  hold(waiter: GateWaiter): () => void {
    const entry: Entry = { waiter, order: this.#order, told: -1 };
    this.#order += 1;
    const line = this.#lines[waiter.harmless ? (waiter.attempts === 0 ? 0 : 1) : 2] as Ring<Entry>;
    const seat = line.join(entry);
    this.#waiting += 1;
    if (!this.#circuit.closed) this.#tell(entry);
    this.#cancelTimer ??= this.#clock.later(this.#nextMs(), () => this.#turn());
    return () => this.#leave(seat);
  }

  answered(looking: boolean): void {
    if (!this.#circuit.answered(looking)) return;
    this.#say("closed", false, undefined);
    this.#again();
  }

  failed({ key, outcome, message, retryAfterMs = 0 }: GateFailure, looking: boolean): void {
    const said = Math.min(retryAfterMs, longestMs);
    // Nothing was sent, or it told everybody to wait: that is not the fault of what was asked.
    const sure = outcome === "none" || said > 0;
    const what = this.#circuit.failed(hash(key), sure, said, looking, this.#clock.chance());
    if (what !== undefined) this.#say("open", what === "still", message);
    if (what === "opened") this.#tellAll();
  }

  silent(looking: boolean): void {
    if (!looking) return;
    this.#circuit.sawNothing();
    this.#again();
  }

  #leave(seat: Seat<Entry>): void {
    if (seat.entry === undefined) return;
    seat.leave();
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Looks anew at once. */
  #again(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#waiting === 0 ? undefined : this.#clock.later(0, () => this.#turn());
  }

  /** One that waits is let go, if it may. */
  #turn(): void {
    this.#cancelTimer = undefined;
    if (this.#waiting === 0) return;
    if (this.#circuit.closed) {
      const next = this.#next();
      if (next !== undefined && this.#circuit.takeRepeat(!next.waiter.again)) this.#let(next, false);
    } else {
      this.#tellAll();
      if (this.#circuit.look()) {
        const line = this.#lines.find((one) => one.peek() !== undefined);
        this.#circuit.takeRepeat(true);
        this.#let(line?.peek() as Entry, true);
      }
    }
    if (this.#waiting > 0) this.#cancelTimer ??= this.#clock.later(this.#nextMs(), () => this.#turn());
  }

  /** Who has waited longest. */
  #next(): Entry | undefined {
    let found: Entry | undefined;
    for (const line of this.#lines) {
      const head = line.peek();
      if (head !== undefined && (found === undefined || head.order < found.order)) found = head;
    }
    return found;
  }

  #let(entry: Entry, looking: boolean): void {
    for (const line of this.#lines) {
      if (line.peek() !== entry) continue;
      line.shift();
      this.#waiting -= 1;
    }
    entry.waiter.go(looking);
  }

  /** Evenly within a second where it is there; at the time where it is away. */
  #nextMs(): number {
    if (this.#circuit.closed) return Math.max(1000 / this.#circuit.repeatsPerSecond(true), 1);
    const { state, untilMs } = this.#circuit.view();
    // Another thread may find it sooner, or look and fail.
    return state === "looking" ? pollMs : Math.min(Math.max(untilMs, 1), pollMs * 4);
  }

  #tellAll(): void {
    for (const line of this.#lines) for (const entry of line.entries()) this.#tell(entry);
  }

  #tell(entry: Entry): void {
    const { opening } = this.#circuit;
    if (entry.told === opening) return;
    entry.told = opening;
    entry.waiter.away(this.#clock.wall() + Math.max(this.#circuit.view().untilMs, 0));
  }

  #say(state: CircuitChange["state"], still: boolean, reason: string | undefined): void {
    const { sinceMs, untilMs } = this.#circuit.view();
    const now = this.#clock.wall();
    const times = { since: Math.floor(now + sinceMs), until: Math.round(now + untilMs) };
    this.#changed({ system: this.#system, state, still, ...times, ...(reason === undefined ? {} : { reason }) });
  }
}

/** FNV-1a: two steps are only told apart. */
function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  return value | 1;
}

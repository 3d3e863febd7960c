/** A clock that a test moves by hand, and the turns of the threads that are not there: nothing happens unless the test lets it. */
import type { Clock } from "../clock.ts";

interface Waiting {
  readonly lane: string;
  readonly act: () => void;
}

/** What is to be done next, in lanes (a thread's own turns, one direction of a port). Within a lane the order stays. */
export class Turns {
  readonly #choose: ((lanes: readonly string[]) => number) | undefined;
  #waiting: Waiting[] = [];

  /** `choose` picks one of the lanes in which something waits. Default: what came first. */
  constructor(choose?: (lanes: readonly string[]) => number) {
    this.#choose = choose;
  }

  readonly schedule = (lane: string, act: () => void): void => {
    this.#waiting.push({ lane, act });
  };

  /** Does the next; `false` if there is none. */
  takeOne(): boolean {
    if (this.#waiting.length === 0) return false;
    let index = 0;
    if (this.#choose !== undefined && this.#waiting.length > 1) {
      const lanes = [...new Set(this.#waiting.map(({ lane }) => lane))];
      const lane = lanes[this.#choose(lanes)];
      index = this.#waiting.findIndex((one) => one.lane === lane);
    }
    const [next] = this.#waiting.splice(index, 1);
    next?.act();
    return true;
  }

  /** The machine stopped: nothing of it is done any more. */
  clear(): void {
    this.#waiting = [];
  }
}

interface Timer {
  readonly due: number;
  readonly act: () => void;
}

/** Time that stands still until it is moved. */
export class HandClock {
  #now: number;
  #jumped = 0;
  #timers: Timer[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  get now(): number {
    return this.#now;
  }
  /** Time that passed, whatever the clock shows. */
  get elapsed(): number {
    return this.#now - this.#jumped;
  }

  later(ms: number, act: () => void): () => void {
    const timer: Timer = { due: this.#now + Math.max(0, Math.ceil(ms)), act };
    // After those that are due at the same time.
    const place = this.#timers.findIndex(({ due }) => due > timer.due);
    if (place < 0) this.#timers.push(timer);
    else this.#timers.splice(place, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** When the next timer is due. */
  nextDue(): number | undefined {
    return this.#timers[0]?.due;
  }

  /** Moves to the next timer and calls it. */
  fireNext(): void {
    const next = this.#timers.shift();
    if (next === undefined) return;
    this.#now = Math.max(this.#now, next.due);
    next.act();
  }

  moveTo(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  /** A jump of the machine's clock, back as well; the timers that run stay due after the time that was left. */
  jump(ms: number): void {
    this.#now += ms;
    this.#jumped += ms;
    this.#timers = this.#timers.map((timer) => {
      (timer as { due: number }).due += ms;
      return timer;
    });
  }
}

/** The clock of one thread in one life of the machine; when that life is over nothing of it happens any more. */
export function clockOf(
  lane: string,
  time: HandClock,
  turns: Turns,
  chance: () => number,
  alive: () => boolean,
): Clock {
  return {
    now: () => time.now,
    chance,
    later: (ms, act) =>
      time.later(ms, () => {
        if (alive()) act();
      }),
    soon: (act) => {
      if (alive()) turns.schedule(lane, act);
    },
  };
}

/** How often a key came again, counted in memory and written down now and then: a repeat costs the store nothing of its own. */
import type { RepeatedParameters, Repeats } from "./store-part.ts";

/** Records whose repeats are held at a time. What comes for others meanwhile is not counted. */
const mostHeld = 10_000;

type Counted = { -readonly [Name in keyof Repeats]: Repeats[Name] } & { at: number };
export type RepeatsSince = Readonly<Counted>;

export class RepeatCounts {
  readonly #clock: () => number;
  #held = new Map<string, Counted>();
  /** Given to the store, and perhaps not in it yet. */
  #given: ReadonlyMap<string, Counted> = new Map();
  /** Time of the last repeat that was given to the store. What comes after it is later, so that a record tells what is in it. */
  #givenAt = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** `id`: of the record. */
  note(id: string, what: keyof Repeats): void {
    let counted = this.#held.get(id);
    if (counted === undefined) {
      // With what may come back: a store that takes nothing for long fills no memory.
      if (this.#held.size + this.#given.size >= mostHeld) return;
      counted = { replayed: 0, inFlight: 0, reused: 0, at: 0 };
      this.#held.set(id, counted);
    }
    counted[what] += 1;
    counted.at = Math.max(Math.round(this.#clock()), this.#givenAt + 1);
  }

  /** What is not in the record yet, whose last repeat that is in it came at `repeatedAt`. */
  readonly since = (id: string, repeatedAt: number | null): RepeatsSince | undefined => {
    const held = this.#held.get(id);
    const given = this.#given.get(id);
    if (given === undefined || (repeatedAt ?? 0) >= given.at) return held;
    return held === undefined ? given : sum(given, held);
  };

  /** Has what is held written down, after what is being written. What fails is held again. */
  flush(write: (repeats: RepeatedParameters["repeats"]) => Promise<void>): Promise<void> {
    const written = this.#writing.then(() => this.#write(write));
    this.#writing = written.catch(() => {});
    return written;
  }

  async #write(write: (repeats: RepeatedParameters["repeats"]) => Promise<void>): Promise<void> {
    if (this.#held.size === 0) return;
    const given = this.#held;
    this.#held = new Map();
    this.#given = given;
    for (const { at } of given.values()) this.#givenAt = Math.max(this.#givenAt, at);
    try {
      await write([...given].map(([id, counted]) => ({ id, ...counted })));
    } catch (error) {
      for (const [id, counted] of given) {
        const held = this.#held.get(id);
        this.#held.set(id, held === undefined ? counted : sum(counted, held));
      }
      throw error;
    } finally {
      this.#given = new Map();
    }
  }
}

/** `later` came after `one`. */
function sum(one: RepeatsSince, later: RepeatsSince): Counted {
  return {
    replayed: one.replayed + later.replayed,
    inFlight: one.inFlight + later.inFlight,
    reused: one.reused + later.reused,
    at: later.at,
  };
}

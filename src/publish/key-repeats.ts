/** How often a key came again, counted in memory and written down now and then: a repeat costs the store nothing of its own. */
import type { RepeatedParameters, Repeats } from "./store-part.ts";

/** Records whose repeats are held at a time. What comes for others meanwhile is not counted. */
const mostHeld = 10_000;

type Counted = { -readonly [Name in keyof Repeats]: Repeats[Name] } & { at: number };

export class RepeatCounts {
  readonly #held = new Map<string, Counted>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** `id`: of the record. */
  note(id: string, what: keyof Repeats): void {
    let counted = this.#held.get(id);
    if (counted === undefined) {
      if (this.#held.size >= mostHeld) return;
      counted = { replayed: 0, inFlight: 0, reused: 0, at: 0 };
      this.#held.set(id, counted);
    }
    counted[what] += 1;
    counted.at = Math.round(this.#clock());
  }

  /** What is not written down yet. */
  readonly of = (id: string): (Repeats & { readonly at: number }) | undefined => this.#held.get(id);

  /** What is to be written down; it is held no more. */
  take(): RepeatedParameters["repeats"] {
    const told = [...this.#held].map(([id, counted]) => ({ id, ...counted }));
    this.#held.clear();
    return told;
  }
}

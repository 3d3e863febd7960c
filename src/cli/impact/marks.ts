/** What a project does with a contract, as marks on the places of its contract.ts. */
import type { Place } from "./contract-book.ts";

export type How =
  /** The operation is called, taken back with, probed with; the event is received. */
  | "calls"
  | "reads"
  | "writes"
  /** The value goes where it can't be followed, or as a whole to somebody else: every field counts as used. */
  | "whole";

export interface Use {
  /** Relative to the project, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly how: How;
  /** Of `whole` and `calls`: what happens there, as the end of a sentence: `is handed to JSON.stringify`. */
  readonly why?: string;
}

/** Marks of one contract. */
export class Marks {
  readonly #at = new Map<Place, Map<string, Use>>();

  add(place: Place, use: Use): void {
    const here = this.#at.get(place) ?? new Map<string, Use>();
    this.#at.set(place, here);
    const key = `${use.file}\n${use.line}\n${use.how}`;
    if (!here.has(key)) here.set(key, Object.freeze(use));
  }

  /** Places that have a mark of this kind. */
  places(how: How): readonly Place[] {
    return [...this.#at.keys()].filter((place) => this.of(place, how).length > 0);
  }

  of(place: Place, ...how: readonly How[]): readonly Use[] {
    return [...(this.#at.get(place)?.values() ?? [])].filter((use) => how.length === 0 || how.includes(use.how));
  }
}

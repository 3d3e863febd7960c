/**
 * Runs that begin: the front and the writer both tell the worker of each, in whichever order. Where the front's word does not
 * come (it was given to the worker before this one), the run is taken from the store a little later.
 */
import type { Clock } from "../../../clock.ts";

/** How long the front's word of a new run may come after the writer's. */
const expectMs = 100;
/** Runs that are remembered as begun: far more than begin in `expectMs`. */
const toldAtMost = 5000;

export class Expected {
  readonly #later: Clock["later"];
  readonly #want: (run: string) => void;
  /** Runs that began here of late, in two generations. */
  #told = new Set<string>();
  #toldBefore = new Set<string>();
  /** Runs that the writer has spoken of, and the front not yet. */
  readonly #expected: string[] = [];
  #cancel: (() => void) | undefined;

  /** `want` takes a run from the store. */
  constructor(later: Clock["later"], want: (run: string) => void) {
    this.#later = later;
    this.#want = want;
  }

  /** The front has told of it. */
  told(run: string): void {
    if (this.#told.size >= toldAtMost) {
      this.#toldBefore = this.#told;
      this.#told = new Set();
    }
    this.#told.add(run);
  }

  /** The writer has told of it; the front has, or will in a moment. */
  expect(run: string): void {
    if (this.#isTold(run)) return;
    this.#expected.push(run);
    this.#cancel ??= this.#later(
      expectMs,
      () => {
        this.#cancel = undefined;
        for (const one of this.#expected.splice(0)) if (!this.#isTold(one)) this.#want(one);
      },
      true,
    );
  }

  close(): void {
    this.#cancel?.();
  }

  #isTold(run: string): boolean {
    return this.#told.has(run) || this.#toldBefore.has(run);
  }
}

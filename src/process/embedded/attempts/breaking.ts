/**
 * An attempt of the user's own code, and what breaks it off: its time is over, or the worker is being stopped for good. The signal is
 * made when the code asks for it. Most never does, and a signal for each step, tied to others by `AbortSignal.any` with its weak
 * references, cost the garbage collector more than the step itself (npm run bench -- w3).
 *
 * A class, since each object literal with a getter has a hidden class of its own, which the young generation's collector does
 * not see die: it kept all that the run held.
 */
import type { CallContext } from "../../../operation.ts";

export class Breaking implements CallContext {
  readonly key: string;
  readonly run: string;
  readonly attempt: number;
  readonly deadline: number;
  #controller: AbortController | undefined;
  #broken = false;
  #told: (() => void) | undefined;

  constructor(key: string, run: string, attempt: number, deadline: number) {
    this.key = key;
    this.run = run;
    this.attempt = attempt;
    this.deadline = deadline;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#broken) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Who waits for the code: told once, at once if it is broken off already. There is one. */
  tell(told: () => void): void {
    this.#told = told;
    if (this.#broken) told();
  }

  abort(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#controller?.abort();
    this.#told?.();
  }
}

/** What the code is given of it. */
export class GivenContext {
  readonly key: string;
  readonly attempt: number;
  readonly #of: Breaking;

  constructor(of: Breaking) {
    this.key = of.key;
    this.attempt = of.attempt;
    this.#of = of;
  }

  get signal(): AbortSignal {
    return this.#of.signal;
  }
}

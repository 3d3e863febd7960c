/** Watches signals for a thread's requests: one listener for each signal, however many requests it can break off. */
import { Ring, type Seat } from "./ring.ts";

export class Aborts {
  readonly #watched = new WeakMap<AbortSignal, Ring<() => void>>();

  /** `act` is called when the signal fires, unless the seat was left before. The signal has not fired yet. */
  add(signal: AbortSignal, act: () => void): Seat<() => void> {
    let ring = this.#watched.get(signal);
    if (ring === undefined) {
      const fresh = new Ring<() => void>();
      ring = fresh;
      this.#watched.set(signal, fresh);
      signal.addEventListener("abort", () => {
        for (let one = fresh.shift(); one !== undefined; one = fresh.shift()) one();
      });
    }
    return ring.join(act);
  }
}

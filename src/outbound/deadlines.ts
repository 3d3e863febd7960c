/**
 * One coarse timer for all deadlines of a thread's requests, instead of a timer for each. Entries are kept in buckets of
 * `tickMs`, so adding, removing and expiring cost the same however many requests are in flight. An entry expires at most one
 * tick late, never early. Measured on the monotonic clock: a jump of the wall clock cuts nothing off.
 */
import { Ring, type Seat } from "./ring.ts";

const tickMs = 25;
/** Ticks without an entry before the timer is put away. */
const idleTicks = 40;

/** What expires. Both fields belong to this file. */
export interface Expiring {
  bucket: number;
  seat: Seat<Expiring> | undefined;
  expire(): void;
}

export class Deadlines {
  readonly #buckets = new Map<number, Ring<Expiring>>();
  #timer: NodeJS.Timeout | undefined;
  #idle = 0;

  /** Calls `entry.expire()` once `inMs` milliseconds are over, unless it is removed before. `now`: of the monotonic clock. */
  add(entry: Expiring, inMs: number, now: number): void {
    const bucket = Math.ceil((now + inMs) / tickMs);
    entry.bucket = bucket;
    let ring = this.#buckets.get(bucket);
    if (ring === undefined) {
      ring = new Ring();
      this.#buckets.set(bucket, ring);
    }
    entry.seat = ring.join(entry);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  remove(entry: Expiring): void {
    entry.seat?.leave();
    entry.seat = undefined;
    if (this.#buckets.get(entry.bucket)?.empty === true) this.#buckets.delete(entry.bucket);
  }

  #tick(): void {
    if (this.#buckets.size === 0) {
      this.#idle += 1;
      // An idle timer must not keep the process alive meanwhile.
      this.#timer?.unref();
      if (this.#idle >= idleTicks) {
        clearInterval(this.#timer);
        this.#timer = undefined;
        this.#idle = 0;
      }
      return;
    }
    if (this.#idle > 0) {
      this.#idle = 0;
      this.#timer?.ref();
    }
    const now = performance.now() / tickMs;
    for (const [bucket, ring] of this.#buckets) {
      if (bucket > now) continue;
      this.#buckets.delete(bucket);
      for (let entry = ring.shift(); entry !== undefined; entry = ring.shift()) entry.expire();
    }
  }
}

/**
 * One coarse timer for all deadlines of a thread's requests, instead of a timer for each. Entries are kept in buckets of
 * `tickMs`, so adding, removing and expiring cost the same however many requests are in flight. An entry expires at most one
 * tick late, never early. Measured on the monotonic clock: a jump of the wall clock cuts nothing off.
 */
const tickMs = 25;
/** Ticks without an entry before the timer is put away. */
const idleTicks = 40;

export interface Expiring {
  /** The bucket; belongs to this file. */
  bucket: number;
  expire(): void;
}

export class Deadlines {
  readonly #buckets = new Map<number, Set<Expiring>>();
  #timer: NodeJS.Timeout | undefined;
  #idle = 0;

  /** Calls `entry.expire()` once `inMs` milliseconds are over, unless it is removed before. */
  add(entry: Expiring, inMs: number): void {
    const bucket = Math.ceil((performance.now() + inMs) / tickMs);
    entry.bucket = bucket;
    const members = this.#buckets.get(bucket);
    if (members === undefined) this.#buckets.set(bucket, new Set([entry]));
    else members.add(entry);
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  remove(entry: Expiring): void {
    const members = this.#buckets.get(entry.bucket);
    if (members?.delete(entry) && members.size === 0) this.#buckets.delete(entry.bucket);
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
    for (const [bucket, members] of this.#buckets) {
      if (bucket > now) continue;
      this.#buckets.delete(bucket);
      for (const entry of members) entry.expire();
    }
  }
}

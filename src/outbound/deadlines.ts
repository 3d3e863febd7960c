/**
 * One coarse timer for all deadlines of a thread's requests, instead of a timer for each. Entries are kept in buckets of
 * `tickMs`, so adding, removing and expiring cost the same however many requests are in flight. An entry expires at most one
 * tick late, never early. Measured on the monotonic clock: a jump of the wall clock cuts nothing off.
 */
const tickMs = 25;
/** Ticks without an entry before the timer is put away. */
const idleTicks = 40;

/** What expires. The links belong to this file: a ring for each bucket, since a set that lives long keeps what it held (see slots.ts). */
export interface Expiring extends Linked {
  bucket: number;
  expire(): void;
}
interface Linked {
  previous: Linked | undefined;
  next: Linked | undefined;
}

function ring(): Linked {
  const head: Linked = { previous: undefined, next: undefined };
  head.previous = head;
  head.next = head;
  return head;
}

function unlink(entry: Expiring): void {
  const { previous, next } = entry;
  if (previous === undefined || next === undefined) return;
  previous.next = next;
  next.previous = previous;
  entry.previous = undefined;
  entry.next = undefined;
}

export class Deadlines {
  readonly #buckets = new Map<number, Linked>();
  #timer: NodeJS.Timeout | undefined;
  #idle = 0;

  /** Calls `entry.expire()` once `inMs` milliseconds are over, unless it is removed before. */
  add(entry: Expiring, inMs: number): void {
    const bucket = Math.ceil((performance.now() + inMs) / tickMs);
    entry.bucket = bucket;
    let head = this.#buckets.get(bucket);
    if (head === undefined) {
      head = ring();
      this.#buckets.set(bucket, head);
    }
    const last = head.previous as Linked;
    entry.previous = last;
    entry.next = head;
    last.next = entry;
    head.previous = entry;
    this.#timer ??= setInterval(() => this.#tick(), tickMs);
  }

  remove(entry: Expiring): void {
    unlink(entry);
    const head = this.#buckets.get(entry.bucket);
    if (head !== undefined && head.next === head) this.#buckets.delete(entry.bucket);
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
    for (const [bucket, head] of this.#buckets) {
      if (bucket > now) continue;
      this.#buckets.delete(bucket);
      while (head.next !== head) {
        const entry = head.next as Expiring;
        unlink(entry);
        entry.expire();
      }
    }
  }
}

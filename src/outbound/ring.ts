/**
 * A list that entries join and leave in any order, at no cost. Unlike a `Set`, and unlike the listeners of an `AbortSignal`, it keeps
 * nothing of an entry that has left (see slots.ts).
 */
export class Ring<T> {
  readonly #head: Seat<T>;

  constructor() {
    this.#head = new Seat<T>(undefined);
    this.#head.previous = this.#head;
    this.#head.next = this.#head;
  }

  get empty(): boolean {
    return this.#head.next === this.#head;
  }

  /** The entry's seat: `leave()` takes it out. */
  join(entry: T): Seat<T> {
    const seat = new Seat<T>(entry);
    const last = this.#head.previous as Seat<T>;
    seat.previous = last;
    seat.next = this.#head;
    last.next = seat;
    this.#head.previous = seat;
    return seat;
  }

  /** The entry that joined first. */
  peek(): T | undefined {
    return (this.#head.next as Seat<T>).entry;
  }

  /** In the order of joining. An entry that is reached may leave. */
  *entries(): Generator<T> {
    for (let seat = this.#head.next as Seat<T>; seat !== this.#head; ) {
      const next = seat.next as Seat<T>;
      yield seat.entry as T;
      seat = next;
    }
  }

  /** Takes the entry out that joined first. */
  shift(): T | undefined {
    const seat = this.#head.next as Seat<T>;
    if (seat === this.#head) return undefined;
    const { entry } = seat;
    seat.leave();
    return entry;
  }
}

/** A place in a ring. */
export class Seat<T> {
  entry: T | undefined;
  previous: Seat<T> | undefined;
  next: Seat<T> | undefined;

  constructor(entry: T | undefined) {
    this.entry = entry;
  }

  /** Leaves the ring; a second time does nothing. */
  leave(): void {
    const { previous, next } = this;
    if (previous === undefined || next === undefined) return;
    previous.next = next;
    next.previous = previous;
    this.previous = undefined;
    this.next = undefined;
    this.entry = undefined;
  }
}

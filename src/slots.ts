/**
 * Values that come and go fast, kept so that the garbage collector gets rid of them early.
 *
 * A `Map` or `Set` that lives long grows a new table every so often; the old tables stay in the old generation until the next full
 * collection, and keep alive whatever they held. Where thousands of short-lived entries pass through each second, a third of all
 * that was allocated survived that way (measured on the worker of the engine; a fifth of its time went into copying it). An
 * array whose places are used again keeps nothing.
 *
 * This file imports nothing; every room may import it.
 */

/** Values by number. A number is used again after `take`. */
export class Slots<T> {
  readonly #values: (T | undefined)[] = [];
  readonly #free: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of the value. */
  put(value: T): number {
    this.#size += 1;
    const slot = this.#free.pop() ?? this.#values.length;
    this.#values[slot] = value;
    return slot;
  }

  get(slot: number): T | undefined {
    return this.#values[slot];
  }

  /** Removes and gives it back; `undefined` if there is none. */
  take(slot: number): T | undefined {
    const value = this.#values[slot];
    if (value === undefined) return undefined;
    this.#values[slot] = undefined;
    this.#free.push(slot);
    this.#size -= 1;
    return value;
  }

  /** All values with their numbers, as they are now. */
  entries(): [number, T][] {
    const found: [number, T][] = [];
    for (const [slot, value] of this.#values.entries()) if (value !== undefined) found.push([slot, value]);
    return found;
  }
}

/** Values by name. The table of names holds numbers only. */
export class NamedSlots<T> {
  readonly #slots = new Slots<T>();
  readonly #names = new Map<string, number>();

  get size(): number {
    return this.#slots.size;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  get(name: string): T | undefined {
    const slot = this.#names.get(name);
    return slot === undefined ? undefined : this.#slots.get(slot);
  }

  set(name: string, value: T): void {
    this.delete(name);
    this.#names.set(name, this.#slots.put(value));
  }

  delete(name: string): void {
    const slot = this.#names.get(name);
    if (slot === undefined) return;
    this.#names.delete(name);
    this.#slots.take(slot);
  }

  values(): T[] {
    return this.#slots.entries().map(([, value]) => value);
  }
}

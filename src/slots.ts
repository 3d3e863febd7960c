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

const nobody = -1;
/** Characters of a name that is worth going over here; longer ones are V8's. */
const longest = 512;
/** Who chooses names does not know which of them share a place. */
const seed = Math.floor(Math.random() * 2 ** 31);

function hashOf(name: string): number {
  let hash = seed ^ name.length;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}

/**
 * Values by name. The table is our own: a `Map` has V8 enter each name into the table of all its texts, which costs several times what looking it up here
 * does, for names that come once. It grows and never shrinks, and holds numbers only.
 */
export class NamedSlots<T> {
  readonly #slots = new Slots<T>();
  /** By slot. */
  readonly #names: string[] = [];
  readonly #next: number[] = [];
  /** By the end of a name's hash, the first slot of those that share it. */
  #first = new Int32Array(64).fill(nobody);
  /** Slots of long names. */
  readonly #long = new Map<string, number>();

  get size(): number {
    return this.#slots.size;
  }

  has(name: string): boolean {
    return this.#find(name) !== nobody;
  }

  get(name: string): T | undefined {
    const slot = this.#find(name);
    return slot === nobody ? undefined : this.#slots.get(slot);
  }

  set(name: string, value: T): void {
    this.delete(name);
    if (this.#slots.size >= this.#first.length) this.#grow();
    const slot = this.#slots.put(value);
    this.#names[slot] = name;
    if (name.length > longest) this.#long.set(name, slot);
    else this.#link(slot);
  }

  delete(name: string): void {
    if (name.length > longest) {
      const slot = this.#find(name);
      if (slot === nobody) return;
      this.#long.delete(name);
      this.#names[slot] = "";
      this.#slots.take(slot);
      return;
    }
    const place = hashOf(name) & (this.#first.length - 1);
    let before = nobody;
    for (let slot = this.#first[place] as number; slot !== nobody; slot = this.#next[slot] as number) {
      if (this.#names[slot] === name) {
        const after = this.#next[slot] as number;
        if (before === nobody) this.#first[place] = after;
        else this.#next[before] = after;
        this.#names[slot] = "";
        this.#slots.take(slot);
        return;
      }
      before = slot;
    }
  }

  values(): T[] {
    return this.#slots.entries().map(([, value]) => value);
  }

  #find(name: string): number {
    if (name.length > longest) return this.#long.get(name) ?? nobody;
    let slot = this.#first[hashOf(name) & (this.#first.length - 1)] as number;
    while (slot !== nobody && this.#names[slot] !== name) slot = this.#next[slot] as number;
    return slot;
  }

  #link(slot: number): void {
    const place = hashOf(this.#names[slot] as string) & (this.#first.length - 1);
    this.#next[slot] = this.#first[place] as number;
    this.#first[place] = slot;
  }

  #grow(): void {
    this.#first = new Int32Array(this.#first.length * 2).fill(nobody);
    for (const [slot] of this.#slots.entries()) if ((this.#names[slot] as string).length <= longest) this.#link(slot);
  }
}

/**
 * What a map holds under a name, where most names are the one before: that one is known by a look, for the same reason. Nothing may be taken out of the map.
 */
export function lastFound<T>(map: ReadonlyMap<string, T>): (name: string) => T | undefined {
  let last: readonly [string, T] | undefined;
  return (name) => {
    if (last?.[0] === name) return last[1];
    const found = map.get(name);
    if (found !== undefined) last = [name, found];
    return found;
  };
}

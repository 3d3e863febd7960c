/**
 * The pieces of a body as they come, put together. The first is kept as it is, for most bodies come in one; all others are copied into room that doubles. Kept one
 * by one, a body in chunks of one byte would be held as a million small objects, of two hundred bytes each.
 */
export class Pieces {
  #held: Buffer | undefined;
  #size = 0;
  /** Whether what is held is ours, with room behind its end. */
  #own = false;

  add(piece: Buffer): void {
    const used = this.#size;
    this.#size += piece.length;
    if (this.#held === undefined) {
      this.#held = piece;
      return;
    }
    if (!this.#own || this.#held.length < this.#size) {
      const larger = Buffer.allocUnsafeSlow(this.#size * 2);
      this.#held.copy(larger, 0, 0, used);
      this.#held = larger;
      this.#own = true;
    }
    piece.copy(this.#held, used);
  }

  get size(): number {
    return this.#size;
  }

  /** The whole; the caller keeps it, or forgets it. */
  whole(): Buffer {
    return this.#held === undefined ? empty : this.#held.subarray(0, this.#size);
  }
}

const empty = Buffer.alloc(0);

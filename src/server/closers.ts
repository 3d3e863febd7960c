/** What was opened, closed again in the reverse order, within one grace for all of it. */

export class Closers {
  readonly #list: ((ms: number) => Promise<void>)[] = [];

  /** `close` is given the milliseconds that are left. */
  add(close: (ms: number) => Promise<void>): void {
    this.#list.push(close);
  }

  /** Closes everything, whatever fails in between. Rejects with the first failure. */
  async close(graceMs = 0): Promise<void> {
    const deadline = Date.now() + graceMs;
    let first: { readonly error: unknown } | undefined;
    for (let close = this.#list.pop(); close !== undefined; close = this.#list.pop()) {
      try {
        await close(Math.max(0, deadline - Date.now()));
      } catch (error) {
        first ??= { error };
      }
    }
    if (first !== undefined) throw first.error;
  }
}

/** Items of maps that are over, as a history has them: how each ended, and which are passed over when its code runs anew. */
import type { Json } from "../../../operation.ts";
import type { ChildEnd } from "../../flow.ts";

/** How the function of an item ended, as it is recorded. */
export type ItemEnd =
  | { readonly ok: Json }
  | { readonly fault: { readonly op: string; readonly fault: Json } }
  | { readonly timeout: string }
  | { readonly child: ChildEnd };

/** Items that are over, by the number of their map; those of maps in items that are over are not asked for. */
export class Finished {
  readonly #items = new Map<number, Set<number>>();
  readonly #passed = new Set<number>();
  readonly #none = new Set<number>();

  add(m: number, i: number): void {
    const items = this.#items.get(m);
    if (items === undefined) this.#items.set(m, new Set([i]));
    else items.add(i);
  }
  of(m: number): ReadonlySet<number> {
    return this.#items.get(m) ?? this.#none;
  }
  /** Whether this place is in an item that is over. */
  covers(s: readonly [number, number] | undefined): boolean {
    return s !== undefined && (this.#passed.has(s[0]) || this.of(s[0]).has(s[1]));
  }
  /** An ask, in recorded order: whether it belongs to an item that is over. */
  passes(n: number, s: readonly [number, number] | undefined): boolean {
    if (!this.covers(s)) return false;
    this.#passed.add(n);
    return true;
  }
  /** Whether the ask of this number was passed over. */
  passed(n: number): boolean {
    return this.#passed.has(n);
  }
  get any(): boolean {
    return this.#items.size > 0;
  }
}

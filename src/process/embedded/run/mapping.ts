/**
 * `flow.map`: one function over many items, a few at a time, each with a flow of its own.
 *
 * That an item is over is a delivery of its own (`item`): only then the next one begins. So what begins when is in the recorded order,
 * and a replay can pass over the items that are over: their functions are not called again, and their records are no cues.
 */
import type { Json } from "../../../operation.ts";
import { ChildFailed, DeclaredFault, FlowTimeout } from "../../flow.ts";
import type { ItemEnd } from "../history/finished-items.ts";
import type { Step } from "./steps.ts";

/** The flow of one item: what is asked in it, under names of its own. */
export interface Scope {
  /** Number of the map's ask. */
  readonly m: number;
  readonly i: number;
  /** `import[17]`. */
  readonly name: string;
  readonly occurrences: Map<string, number>;
  readonly steps: Step[];
  /** Scopes of maps inside. */
  readonly inner: Set<Scope>;
  readonly outer: Scope | undefined;
  /** The item is over: nothing more is asked in it. */
  closed: boolean;
}

export interface MapParts {
  readonly count: number;
  readonly concurrency: number;
  readonly outer: Scope | undefined;
  /** Calls the function for an item, in a scope. */
  readonly call: (scope: Scope) => unknown;
}

/** What a map needs of the code around it. */
export interface MapHost {
  /** The function of an item is over. */
  returned(mapping: Mapping, scope: Scope, value: unknown): void;
  threw(mapping: Mapping, scope: Scope, error: unknown): void;
  /** Every item is over. */
  mapped(mapping: Mapping): void;
}

export class Mapping {
  readonly #parts: MapParts;
  readonly #host: MapHost;
  readonly #ends: (ItemEnd | undefined)[];
  #step: Step | undefined;
  /** Items whose end the history holds. */
  #past: ReadonlySet<number> = new Set();
  readonly #scopes = new Map<number, Scope>();
  #next = 0;
  #underWay = 0;
  #over = 0;

  constructor(parts: MapParts, host: MapHost) {
    this.#parts = parts;
    this.#host = host;
    this.#ends = new Array(parts.count);
  }

  get n(): number {
    return (this.#step as Step).ask.n;
  }
  get done(): boolean {
    return this.#over === this.#parts.count;
  }
  scope(index: number): Scope | undefined {
    return this.#scopes.get(index);
  }

  /** The map is asked: the first items begin. */
  begin(step: Step, past: ReadonlySet<number>): void {
    this.#step = step;
    this.#past = past;
    this.#fill();
  }

  /** An item is over, in the recorded order; the next one begins. False: it had not begun, or was over. */
  settle(index: number, end: ItemEnd): boolean {
    if (index >= this.#next || this.#ends[index] !== undefined) return false;
    this.#ends[index] = end;
    this.#scopes.delete(index);
    this.#over += 1;
    this.#underWay -= 1;
    this.#fill();
    if (this.done) this.#host.mapped(this);
    return true;
  }

  #fill(): void {
    const { count, concurrency } = this.#parts;
    while (this.#underWay < concurrency && this.#next < count) {
      const index = this.#next;
      this.#next += 1;
      this.#underWay += 1;
      if (!this.#past.has(index)) this.#call(index);
    }
  }

  #call(i: number): void {
    const step = this.#step as Step;
    const { outer } = this.#parts;
    const scope: Scope = {
      m: step.ask.n,
      i,
      name: `${step.ask.id}[${i}]`,
      occurrences: new Map(),
      steps: [],
      inner: new Set(),
      outer,
      closed: false,
    };
    outer?.inner.add(scope);
    this.#scopes.set(i, scope);
    let promise: Promise<unknown>;
    try {
      promise = Promise.resolve(this.#parts.call(scope));
    } catch (error) {
      promise = Promise.reject(error);
    }
    promise.then(
      (value) => this.#host.returned(this, scope, value),
      (error: unknown) => this.#host.threw(this, scope, error),
    );
  }

  /** The results in order, or the first error in order. */
  give(step: Step): void {
    const failed = this.#ends.find((end) => end !== undefined && !("ok" in end));
    if (failed === undefined) step.resolve(this.#ends.map((end) => (end as { ok: Json }).ok));
    else step.reject(errorOf(failed));
  }

  /** As it is shown. */
  failure(): { readonly name: string; readonly message: string; readonly detail: Json } | undefined {
    const index = this.#ends.findIndex((end) => end !== undefined && !("ok" in end));
    if (index < 0) return undefined;
    const { name, message } = errorOf(this.#ends[index] as ItemEnd);
    return { name, message, detail: { item: index } };
  }
}

/** An error of a function as its item's end; `undefined` where it is no outcome of business but a bug. */
export function failedEnd(error: unknown): ItemEnd | undefined {
  if (error instanceof DeclaredFault) return { fault: { op: error.operation, fault: error.fault as unknown as Json } };
  if (error instanceof FlowTimeout) return { timeout: error.message };
  if (error instanceof ChildFailed) {
    const { run, process, status, reason, detail } = error;
    return { child: { run, process, status, reason, ...(detail === undefined ? {} : { detail }) } };
  }
  return undefined;
}

function errorOf(end: ItemEnd): Error {
  if ("fault" in end) return new DeclaredFault(end.fault.op, end.fault.fault as never);
  if ("child" in end) return new ChildFailed(end.child);
  return new FlowTimeout("timeout" in end ? end.timeout : "");
}

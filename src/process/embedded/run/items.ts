/** The items of a run's maps while its code runs: what is asked in each, and when it is over. */
import type { Json } from "../../../operation.ts";
import { Continuation, Rejection } from "../../flow.ts";
import type { ItemEnd } from "../history/finished-items.ts";
import { asText } from "../history/json-text.ts";
import type { Cue } from "../history/script.ts";
import { isLateNews } from "./children.ts";
import type { Code, Runs } from "./code.ts";
import { told } from "./ending.ts";
import { failedEnd, type MapHost, type Mapping, type Scope } from "./mapping.ts";
import { codeQuestion } from "./questions.ts";
import type { Step } from "./steps.ts";
import type { Asker, Draft } from "./verbs.ts";

const longestMessage = 2000;

interface Returned {
  readonly mapping: Mapping;
  readonly scope: Scope;
  readonly end: ItemEnd;
}

export class Items implements MapHost {
  readonly #code: Code;
  readonly #execution: Runs;
  /** Functions that have returned, and whose steps are still under way. */
  readonly #returned: Returned[] = [];
  /** Maps whose items are all over. */
  readonly #mapped: Mapping[] = [];
  /** Records of items that are over, since the history was last compacted. */
  foldable = 0;
  /** Whether any item is over: the steps of those are not held any more. */
  folded = false;

  constructor(code: Code, execution: Runs) {
    this.#code = code;
    this.#execution = execution;
  }

  /** Under the item's name, in the item's own count. */
  ask(scope: Scope, draft: Draft): Promise<unknown> {
    if (scope.closed) return new Promise(() => {});
    return this.#code.ask({ ...draft, name: `${scope.name}.${draft.name}`, scope });
  }

  returned(mapping: Mapping, scope: Scope, value: unknown): void {
    if (scope.closed || !this.#code.mayAsk(`returned ${scope.name}`)) return;
    let end: ItemEnd;
    try {
      end = { ok: JSON.parse(asText(value, scope.name, this.#execution.host.valueLimits)) as Json };
    } catch (error) {
      this.threw(mapping, scope, error);
      return;
    }
    this.#returned.push({ mapping, scope, end });
  }

  threw(mapping: Mapping, scope: Scope, error: unknown): void {
    if (scope.closed || error instanceof Rejection || error instanceof Continuation) return;
    if (!this.#code.mayAsk(`threw in ${scope.name}`)) return;
    const end = failedEnd(error);
    if (end !== undefined) {
      this.#returned.push({ mapping, scope, end });
      return;
    }
    const { message } = told(error);
    const text = `The function of ${scope.name} threw: ${message.slice(0, longestMessage)}`;
    this.#execution.stop(codeQuestion("process-threw", text, !this.#execution.pivoted));
  }

  mapped(mapping: Mapping): void {
    this.#mapped.push(mapping);
  }

  /** The code is at rest, and follows no history any more: what is over is delivered, one after the other. */
  flush(): void {
    for (const one of this.#returned.splice(0)) {
      if (isUnderWay(one.scope)) this.#returned.push(one);
      else this.#execution.post({ kind: "item", n: one.mapping.n, i: one.scope.i, end: one.end });
    }
    // At replay the history has the result already.
    for (const { n } of this.#mapped.splice(0))
      if (this.#execution.steps.get(n)?.got === undefined) this.#execution.post({ kind: "mapped", n });
  }

  /** An item is over: now, in the total order. */
  record(n: number, i: number, end: ItemEnd): void {
    const { journal, host, steps } = this.#execution;
    const live = steps.get(n)?.live;
    const mapping = live?.kind === "wait" ? live.mapping : undefined;
    if (mapping === undefined) return;
    const at = host.now();
    const scope = mapping.scope(i);
    journal.record({ t: "item", m: n, i, at, end });
    if (scope !== undefined) this.#close(scope);
    this.#code.resumeAt(at);
    mapping.settle(i, end);
    host.changed(this.#execution);
  }

  /** As the history says. False: the code does not do so. */
  replay(cue: Cue & { readonly t: "item" }): boolean {
    const live = this.#execution.steps.get(cue.m)?.live;
    const mapping = live?.kind === "wait" ? live.mapping : undefined;
    if (mapping === undefined) return false;
    this.folded = true;
    this.#code.resumeAt(cue.at);
    return mapping.settle(cue.i, cue.end);
  }

  /** What the item asked is forgotten; the history has what undo needs. Its waits are over. */
  #close(scope: Scope): void {
    const { journal, steps } = this.#execution;
    this.folded = true;
    scope.closed = true;
    scope.outer?.inner.delete(scope);
    for (const inner of scope.inner) this.#close(inner);
    for (const step of scope.steps) {
      const { n, child } = step.ask;
      if (
        step.got === undefined &&
        child === undefined &&
        step.live?.kind === "wait" &&
        step.live.mapping === undefined
      )
        journal.release(n);
      if (isLateNews(step)) steps.left.set(n, step);
      steps.delete(n);
      this.foldable += 2;
    }
    this.foldable += 1;
  }
}

/** Whether a step of the item, or of maps in it, is being performed. */
function isUnderWay(scope: Scope): boolean {
  const acts = (step: Step) => step.got === undefined && step.live?.kind !== "wait";
  return scope.steps.some(acts) || [...scope.inner].some(isUnderWay);
}

/** The verbs' side of an item. */
export function askerWithin(code: Code, scope: Scope): Asker {
  return {
    run: code.run,
    seed: `${code.seed}/${scope.name}`,
    scope,
    maps: code.maps,
    within: (inner) => askerWithin(code, inner),
    ask: (draft) => code.items.ask(scope, draft),
    pivot: () => code.pivot(scope),
    group: (promise, branches) => code.group(promise, branches),
    release: (branches) => code.release(branches),
    reject: (rejection) => code.reject(rejection),
    continueAs: (next) => code.continueAs(next),
    state: (value) => code.state(value, scope),
    log: (message, fields) => code.log(message, fields, scope),
    now: () => code.now(),
  };
}

/** One run of a world, as a test looks at it. */
import { failure } from "../errors.ts";
import type { Json } from "../operation.ts";
import {
  type AskedQuestion,
  finalStatuses,
  type OperatorAct,
  type RunDetail,
  type RunStatus,
} from "../process/engine.ts";
import type { Call } from "./fakes.ts";
import type { World } from "./world.ts";

/** How a run ended. */
export interface Ended<O> {
  readonly status: RunStatus;
  /** Of a completed run. */
  readonly output?: O;
  /** Of a run that did not complete. */
  readonly failure?: { readonly reason: string; readonly detail?: Json };
}

export class TestRun<O = unknown> {
  readonly id: string;
  readonly #world: World;

  constructor(world: World, id: string) {
    this.#world = world;
    this.id = id;
  }

  /** Everything that operators see: history, question, reason. */
  get detail(): RunDetail {
    const detail = this.#world.engine.run(this.id);
    if (detail === undefined) throw failure("run-unknown", { run: this.id });
    return detail;
  }
  /** The business key. */
  get key(): string {
    return this.detail.key;
  }
  get status(): RunStatus {
    return this.detail.status;
  }
  /** The history, step by step; undo steps too. */
  get steps(): RunDetail["steps"] {
    return this.detail.steps;
  }
  /** What it asks a person, if it is parked. */
  get parked(): AskedQuestion | undefined {
    return this.detail.parked;
  }
  /** The calls of this run, in order. */
  get calls(): readonly Call[] {
    return this.#world.calls().filter(({ run }) => run === this.id);
  }

  /** How the run ended. Moves no clock: rejects with `test-not-ended`, saying what it waits for. */
  async ended(): Promise<Ended<O>> {
    await this.#world.settle();
    const { status, output, failure: why } = this.detail;
    if (!finalStatuses.has(status)) throw failure("test-not-ended", { run: this.described() });
    return {
      status,
      ...(output === undefined ? {} : { output: output as O }),
      ...(why === undefined ? {} : { failure: why }),
    };
  }

  /** An operator acts on it: answers its parked question, cancels it, and so on. */
  operate(act: OperatorAct, reason?: string): Promise<void> {
    return this.#world.operate(this, act, reason);
  }

  /** `order-to-cash A-1: waiting, for carrier.shipped`; where it waits for runs below it that are parked, these too. */
  described(): string {
    return [this.detail, ...this.#parkedBelow()]
      .map(
        ({ process, key, status, reason }) =>
          `${process} ${key}: ${status}${reason === undefined ? "" : `, ${reason}`}`,
      )
      .join("; ");
  }

  #parkedBelow(): readonly RunDetail[] {
    const found: RunDetail[] = [];
    const seen = new Set([this.id]);
    const look = ({ status, children = [] }: RunDetail): void => {
      if (finalStatuses.has(status)) return;
      for (const { run } of children) {
        if (seen.has(run)) continue;
        seen.add(run);
        const { detail } = this.#world.runOf(run);
        if (detail.status === "parked") found.push(detail);
        look(detail);
      }
    };
    look(this.detail);
    return found;
  }
}

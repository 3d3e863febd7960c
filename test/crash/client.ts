/** The client of the scenario: does what its runs need, never anything twice that was acknowledged, and logs each acknowledgement. */
import { setTimeout as pause } from "node:timers/promises";
import { MortiseError } from "../../src/errors.ts";
import type { EmbeddedEngine } from "../../src/process/embedded/engine.ts";
import {
  finalStatuses,
  type RunDetail,
  type RunStatus,
  type RunSummary,
  type TaskView,
} from "../../src/process/engine.ts";
import type { LogLine } from "./client-log.ts";
import { arrived, planOf } from "./journey.ts";
import { appliedUnder } from "./ledger.ts";
import type { ReportedRun, ScenarioOptions } from "./scenario.ts";

/** Between two looks at what the runs need. */
const lookEveryMs = 4;
const actor = { by: "finance", reason: "looked in the ledger" };
/** What was committed by a life that was killed before it could log it, is refused the second time. */
const doneBefore: ReadonlySet<string> = new Set(["run-operation", "run-ended", "task-closed"]);
const open: readonly RunStatus[] = ["queued", "running", "waiting", "paused", "undoing", "parked"];

export class Client {
  readonly #engine: EmbeddedEngine;
  readonly #options: ScenarioOptions;
  readonly #log: (line: LogLine) => void;
  /** `what key`, of everything that was acknowledged or is being asked now. */
  readonly #taken = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  #started = 0;
  #failure: unknown;

  constructor(
    engine: EmbeddedEngine,
    options: ScenarioOptions,
    before: readonly LogLine[],
    log: (line: LogLine) => void,
  ) {
    this.#engine = engine;
    this.#options = options;
    this.#log = log;
    for (const line of before) {
      if (line.kind !== "accepted") continue;
      this.#taken.add(line.what === "operate" ? `operate ${line.key} ${line.parks}` : `${line.what} ${line.key}`);
    }
  }

  /** Until all runs were started and each has ended, or asks what a person can't answer from the ledger. */
  async untilIdle(): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const runs = open.flatMap((status) => this.#engine.runs({ status, limit: 500 }));
      for (const run of runs) this.#serve(run);
      for (const task of this.#engine.tasks({ status: "open" })) this.#answer(task);
      const journeys = runs.filter(({ process }) => process === "journey").length;
      for (let free = this.#options.inFlight - journeys; free > 0 && this.#started < this.#options.runs; free--) {
        this.#start(`${this.#options.prefix}-${this.#started++}`);
      }
      if (this.#pending.size === 0 && this.#started >= this.#options.runs && this.#atRest()) return;
      await pause(lookEveryMs);
    }
  }

  #once(name: string, act: () => Promise<void>): void {
    if (this.#taken.has(name)) return;
    this.#taken.add(name);
    const promise = act()
      .catch((error: unknown) => {
        if (!(error instanceof MortiseError && doneBefore.has(error.code))) this.#failure = error;
      })
      .finally(() => this.#pending.delete(promise));
    this.#pending.add(promise);
  }

  #start(key: string): void {
    const plan = planOf(key, this.#options.scenario);
    this.#once(`start ${key}`, async () => {
      // One that was acknowledged is never sent again: that would hide its loss.
      if (plan.early && !this.#taken.has(`signal ${key}`)) await this.#signal(key);
      const answer = await this.#engine.start({
        process: "journey",
        key,
        input: { id: key, ...plan },
        origin: "test:crash",
      });
      if (answer.kind === "refused") throw new Error(`the start of ${key} was refused`);
      this.#log({ kind: "accepted", what: "start", key, run: answer.run });
    });
  }

  #serve(run: RunSummary): void {
    const { key } = run;
    // An early signal was sent before the start; a process that was killed in between starts none of its later runs.
    if (run.status === "waiting" && run.reason?.startsWith("waits for ledger.arrived") === true)
      this.#once(`signal ${key}`, () => this.#signal(key));
    if (run.status === "parked") this.#answerQuestion(run);
  }

  #answer({ id, key, run }: TaskView): void {
    if (planOf(key, this.#options.scenario).end === "cancelled") {
      this.#once(`operate ${key} 0`, async () => {
        await this.#engine.operate(run, { kind: "cancel" }, actor);
        this.#log({ kind: "accepted", what: "operate", key, parks: 0 });
      });
      return;
    }
    this.#once(`answer ${key}`, async () => {
      const answer = { approved: key };
      await this.#engine.answer(id, answer, actor);
      this.#log({ kind: "accepted", what: "answer", key, answer });
    });
  }

  async #signal(key: string): Promise<void> {
    this.#taken.add(`signal ${key}`);
    const payload = { arrived: key };
    await this.#engine.signal({ system: arrived.system, event: arrived.name, key, payload, delivery: `d-${key}` });
    this.#log({ kind: "accepted", what: "signal", key, payload });
  }

  /** By one statement: between two, a run may move from one status to another and be in neither list. */
  #atRest(): boolean {
    if (this.#engine.counts().some(({ status }) => status !== "parked" && !finalStatuses.has(status))) return false;
    const parked = this.#engine.runs({ status: "parked", limit: 500 });
    return parked.every(({ id }) => {
      const detail = this.#engine.run(id);
      return detail?.status === "parked" && detail.parked?.code !== "step-unknown";
    });
  }

  #answerQuestion(run: RunSummary): void {
    const detail = this.#engine.run(run.id);
    if (detail === undefined || detail.status !== "parked" || detail.parked?.code !== "step-unknown") return;
    const parks = parksOf(detail);
    this.#once(`operate ${run.key} ${parks}`, async () => {
      const step = detail.steps.find(({ id }) => id === detail.parked?.step);
      if (step?.key === undefined) throw new Error(`the question of ${run.key} names no step with a key`);
      const [found] = await appliedUnder(this.#options.ledger, step.key);
      if (found === undefined) this.#log({ kind: "asking", key: run.key });
      const operation =
        found === undefined
          ? ({ kind: "repeat" } as const)
          : ({ kind: "happened", result: { number: found.n } } as const);
      await this.#engine.operate(run.id, operation, actor);
      this.#log({ kind: "accepted", what: "operate", key: run.key, parks });
    });
  }

  report(): readonly ReportedRun[] {
    const reported: ReportedRun[] = [];
    const statuses = [...open, ...finalStatuses];
    for (const status of statuses) {
      for (let before: string | undefined; ; ) {
        const page = this.#engine.runs({ status, limit: 500, ...(before === undefined ? {} : { before }) });
        for (const { id, process, key, reason } of page) {
          const detail = this.#engine.run(id) as RunDetail;
          reported.push({
            id,
            process,
            key,
            status,
            parks: parksOf(detail),
            ...(reason === undefined ? {} : { reason }),
          });
        }
        before = page.at(-1)?.id;
        if (before === undefined) break;
      }
    }
    return reported;
  }
}

function parksOf({ steps }: RunDetail): number {
  return steps.filter(({ kind }) => kind === "park").length;
}

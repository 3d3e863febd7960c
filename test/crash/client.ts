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
import { abridged, arrived, goodsOf, papersOf, planOf, versions } from "./journey.ts";
import { appliedUnder } from "./ledger.ts";
import type { ReportedRun, ScenarioOptions } from "./scenario.ts";
import { isDoor, WorksClient } from "./works-client.ts";

/** Between two looks at what the runs need. */
const lookEveryMs = 4;
const actor = { by: "finance", reason: "looked in the ledger" };
/** What was committed by a life that was killed before it could log it, is refused the second time. */
const doneBefore: ReadonlySet<string> = new Set(["run-operation", "run-ended", "task-closed", "run-there"]);
const open: readonly RunStatus[] = ["queued", "running", "waiting", "paused", "undoing", "parked"];

export class Client {
  readonly #engine: EmbeddedEngine;
  readonly #options: ScenarioOptions;
  readonly #log: (line: LogLine) => void;
  /** `what key`, of everything that was acknowledged or is being asked now. */
  readonly #taken = new Set<string>();
  readonly #pending = new Set<Promise<void>>();
  readonly #works: WorksClient;
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
      this.#taken.add(nameOf(line));
    }
    this.#works = new WorksClient({
      engine,
      options,
      log,
      once: (name, act) => this.#once(name, act),
      taken: (name) => this.#taken.has(name),
    });
  }

  /**
   * Until all runs were started and each has ended, or asks what a person can't answer from the ledger. `closing` is called once
   * when nothing is left but what starts by itself, and stops that.
   */
  async untilIdle(closing: () => Promise<void>): Promise<void> {
    for (let closed = false; ; ) {
      if (this.#failure !== undefined) throw this.#failure;
      const runs = open.flatMap((status) => this.#engine.runs({ status, limit: 500 }));
      for (const run of runs) this.#serve(run);
      for (const task of this.#engine.tasks({ status: "open" })) this.#answer(task);
      this.#works.serve(runs);
      const journeys = runs.filter(({ process }) => process === "journey").length;
      for (let free = this.#options.inFlight - journeys; free > 0 && this.#started < this.#options.runs; free--) {
        this.#start(`${this.#options.prefix}-${this.#started++}`);
      }
      const all = this.#pending.size === 0 && this.#started >= this.#options.runs && this.#works.done;
      // Those of a life that was killed before it opened them, too.
      if (closed || runs.some(isDoor)) this.#works.doors(runs);
      if (all && closed && this.#works.doorsOver && this.#atRest()) return;
      if (all && !closed && this.#atRest()) {
        await closing();
        closed = true;
      }
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
        input: { id: key, goods: goodsOf(key), ...plan, ...(plan.papers === "start" ? { text: papersOf(key) } : {}) },
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
    const { moves, end, papers } = planOf(key, this.#options.scenario);
    // Only then is it known on which code it ends.
    if (moves && this.#engine.run(run)?.version !== versions[1]) {
      this.#move(key, run);
      return;
    }
    if (end === "cancelled") {
      this.#once(`operate ${key} 0`, async () => {
        await this.#engine.operate(run, { kind: "cancel" }, actor);
        this.#log({ kind: "accepted", what: "operate", key, parks: 0 });
      });
      return;
    }
    this.#once(`answer ${key}`, async () => {
      const answer = { approved: key, ...(papers === "answer" ? { text: papersOf(key) } : {}) };
      await this.#engine.answer(id, answer, actor);
      this.#log({ kind: "accepted", what: "answer", key, answer: abridged(answer) });
    });
  }

  #move(key: string, run: string): void {
    this.#once(`move ${key}`, async () => {
      const answer = await this.#engine.move(run, versions[1], actor).catch((error: unknown) => {
        // Something comes in between: it is asked again.
        if (error instanceof MortiseError && error.code === "run-busy") return undefined;
        throw error;
      });
      if (answer?.kind === "refused") throw new Error(`the move of ${key} was refused: ${JSON.stringify(answer)}`);
      if (answer === undefined) this.#taken.delete(`move ${key}`);
      else this.#log({ kind: "accepted", what: "move", key, run });
    });
  }

  async #signal(key: string): Promise<void> {
    this.#taken.add(`signal ${key}`);
    const { papers } = planOf(key, this.#options.scenario);
    const payload = { arrived: key, ...(papers === "signal" ? { text: papersOf(key) } : {}) };
    await this.#engine.signal({ system: arrived.system, event: arrived.name, key, payload, delivery: `d-${key}` });
    this.#log({ kind: "accepted", what: "signal", key, payload: abridged(payload) });
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
        for (const { id, process, key, version, reason } of page) {
          const detail = this.#engine.run(id) as RunDetail;
          reported.push({
            id,
            process,
            key,
            version,
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

/** What was acknowledged, as it is known by. */
function nameOf(line: LogLine & { readonly kind: "accepted" }): string {
  if (line.what === "operate") return `operate ${line.key} ${line.parks}`;
  return line.what === "bulk" ? `bulk ${line.act} ${line.key}` : `${line.what} ${line.key}`;
}

function parksOf({ steps }: RunDetail): number {
  return steps.filter(({ kind }) => kind === "park").length;
}

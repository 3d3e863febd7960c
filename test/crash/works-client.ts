/**
 * The part of the client that looks after what many runs have in common: presses in front of their limits, claims and the bulk jobs on
 * them, and, when all else is done, the doors.
 */
import type { EmbeddedEngine } from "../../src/process/embedded/engine.ts";
import type { RunSummary } from "../../src/process/engine.ts";
import type { LogLine } from "./client-log.ts";
import type { ScenarioOptions } from "./scenario.ts";
import { groupPrefix, limits, opened } from "./works.ts";

const actor = { by: "operations", reason: "all of them" };
/** More than the engine takes in one portion, so that a kill can come between two. */
const largeGroup = 60;
const startsInMs = 25;

export interface WorksParts {
  readonly engine: EmbeddedEngine;
  readonly options: ScenarioOptions;
  readonly log: (line: LogLine) => void;
  /** Acts unless that was acknowledged, or is under way. */
  once(name: string, act: () => Promise<void>): void;
  /** Whether that was acknowledged, or is under way. */
  taken(name: string): boolean;
}

export class WorksClient {
  readonly #parts: WorksParts;
  #presses = 0;
  #claims = 0;
  /** Starts under way of presses and claims, and of jobs. */
  #busy = { press: false, claim: false, job: false };

  constructor(parts: WorksParts) {
    this.#parts = parts;
  }

  /** `runs`: those that are open. */
  serve(runs: readonly RunSummary[]): void {
    const { presses, claims, finish } = this.#parts.options;
    if (this.#presses < presses && !this.#busy.press) this.#press(this.#presses++);
    const open = runs.filter(({ process }) => process === "claim");
    const all = this.#claims >= claims && !this.#busy.claim;
    if (!this.#busy.job && !this.#busy.claim && (open.length >= largeGroup || all)) this.#jobs(open, finish && all);
    if (this.#claims < claims && !this.#busy.claim && !this.#busy.job) this.#claim(this.#claims++);
  }

  /** Everything was started, and no claim is left that a job would act on. */
  get done(): boolean {
    const { presses, claims } = this.#parts.options;
    return this.#presses >= presses && this.#claims >= claims && !this.#busy.job && this.#openGroup() === undefined;
  }

  /** The doors have been opened, if there are any, and have ended. */
  get doorsOver(): boolean {
    const { engine, options } = this.#parts;
    if (options.presses === 0) return true;
    return this.#doorKeys().every((key) => engine.runByKey("press", key)?.status === "completed");
  }
  #doorKeys(): readonly string[] {
    return Array.from({ length: limits.concurrency }, (_, at) => `${this.#parts.options.prefix}-door-${at}`);
  }

  /** As many as may be under way at a time, each in a lane of its own. */
  doors(runs: readonly RunSummary[]): void {
    const { engine, options } = this.#parts;
    if (options.presses === 0) return;
    const keys = this.#doorKeys();
    for (const [at, key] of keys.entries())
      this.#start(`start ${key}`, "press", { id: key, lane: `door${at}`, door: true });
    const waiting = runs.filter((run) => isDoor(run) && run.status === "waiting");
    if (waiting.length < keys.length) return;
    for (const { key } of waiting) {
      this.#parts.once(`open ${key}`, async () => {
        await engine.signal({ system: opened.system, event: opened.name, key, payload: null, delivery: `open-${key}` });
      });
    }
  }

  /** One after the other, so that the order of acceptance is known. */
  #press(number: number): void {
    const id = `${this.#parts.options.prefix}-press-${number}`;
    const lane = `lane${number % limits.lanes}`;
    if (number === 0) this.#parts.log({ kind: "pressing", at: Date.now() });
    this.#busy.press = true;
    this.#start(`start ${id}`, "press", { id, lane, door: false }, () => {
      this.#busy.press = false;
    });
  }

  #claim(number: number): void {
    const { lineage, prefix } = this.#parts.options;
    const id = `${groupPrefix(lineage, this.#group())}${prefix}.${number}`;
    this.#busy.claim = true;
    const done = () => {
      this.#busy.claim = false;
    };
    // Some begin later, as those do that wait for a time.
    this.#start(`start ${id}`, "claim", { id }, done, number % 2 === 0 ? undefined : Date.now() + startsInMs);
  }

  #start(
    name: string,
    process: string,
    input: { readonly id: string; readonly [name: string]: string | boolean },
    done = () => {},
    at?: number,
  ): void {
    const { engine, log } = this.#parts;
    const key = input.id;
    if (this.#parts.taken(name)) {
      done();
      return;
    }
    this.#parts.once(name, async () => {
      const answer = await engine
        .start({ process, key, input, origin: "test:crash", ...(at === undefined ? {} : { at }) })
        .finally(done);
      if (answer.kind === "refused") throw new Error(`the start of ${key} was refused`);
      log({ kind: "accepted", what: "start", key, run: answer.run });
    });
  }

  /** Of claims that are started now: the one after the last that a job was begun for. */
  #group(): number {
    return Math.max(-1, ...this.#parts.engine.bulkJobs().map(({ filter }) => groupOf(filter.keyPrefix))) + 1;
  }

  /** A group that a job has to act on or is acting on. */
  #openGroup(): number | undefined {
    const { engine } = this.#parts;
    const jobs = engine.bulkJobs();
    for (const job of jobs) {
      if (job.status === "running") return groupOf(job.filter.keyPrefix);
      const group = groupOf(job.filter.keyPrefix);
      const again = jobs.some(({ act, filter }) => act.kind === "restart" && groupOf(filter.keyPrefix) === group);
      if (!again) return group;
    }
    const some = ["queued", "running", "waiting", "parked", "undoing"] as const;
    return some.some((status) => engine.runs({ process: "claim", status, limit: 1 }).length > 0)
      ? this.#group()
      : undefined;
  }

  /** Begins the next job where one is due. `last`: no more claims will come. */
  #jobs(open: readonly RunSummary[], last: boolean): void {
    const { engine, options } = this.#parts;
    const jobs = engine.bulkJobs();
    if (jobs.some(({ status }) => status === "running")) return;
    const cancelled = jobs.find(
      ({ act, filter }) =>
        act.kind === "cancel" &&
        !jobs.some((one) => one.act.kind === "restart" && one.filter.keyPrefix === filter.keyPrefix),
    );
    if (cancelled !== undefined) {
      const keyPrefix = cancelled.filter.keyPrefix as string;
      // A restart waits for nothing: the cancels have to be carried out.
      if (!open.some(({ key }) => key.startsWith(keyPrefix))) this.#begin("restart", keyPrefix);
      return;
    }
    const keyPrefix = groupPrefix(options.lineage, this.#group());
    const mine = open.filter(({ key }) => key.startsWith(keyPrefix));
    const ready = mine.length > 0 && mine.every(({ status }) => status === "waiting");
    if (ready && (last || mine.length >= largeGroup)) this.#begin("cancel", keyPrefix);
  }

  #begin(kind: "cancel" | "restart", keyPrefix: string): void {
    const { engine, log } = this.#parts;
    this.#busy.job = true;
    this.#parts.once(`bulk ${kind} ${keyPrefix}`, async () => {
      const filter = { process: "claim", keyPrefix, status: kind === "cancel" ? "waiting" : "cancelled" } as const;
      try {
        const { runs } = engine.bulkPreview(filter, { kind });
        const { id } = await engine.bulk(filter, { kind }, actor, runs);
        log({ kind: "accepted", what: "bulk", key: keyPrefix, act: kind, job: id });
      } finally {
        this.#busy.job = false;
      }
    });
  }
}

export const isDoor = ({ process, key }: RunSummary): boolean => process === "press" && key.includes("-door-");

function groupOf(keyPrefix: string | undefined): number {
  return Number(/-claim-(\d+)\.$/.exec(keyPrefix ?? "")?.[1] ?? -1);
}

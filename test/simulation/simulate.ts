/**
 * One simulated installation: random processes on the real engine, random systems, clients, operators, crashes, orders and clocks, all
 * from one seed. The same seed does the same, to the last row.
 */
import { MortiseError } from "../../src/errors.ts";
import type { Json, Operation } from "../../src/operation.ts";
import type { OperatorAct } from "../../src/process/engine.ts";
import { finalStatuses } from "../../src/process/engine.ts";
import { FaultAnswer, fails } from "../../src/testing/answers.ts";
import type { Call, Interference } from "../../src/testing/fakes.ts";
import type { Hooks, StepInterference } from "../../src/testing/hooks.ts";
import { historyOf, intentIsRecorded } from "../../src/testing/promises.ts";
import { Story } from "../../src/testing/story.ts";
import { World } from "../../src/testing/world.ts";
import { type Chance, chanceOf } from "../crash/chance.ts";
import { type Accepted, deliveryOf, judge, replays } from "./judge.ts";
import { find, operations, processOf, question, takeBack, told } from "./shapes.ts";

export interface Simulated {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly story: string;
  /** Of every run, record by record. */
  readonly histories: string;
  readonly figures: Readonly<Record<"runs" | "calls" | "crashes" | "commits" | "faults" | "jumps", number>>;
}

const actions = 40;
/** Rounds in which clients and operators bring everything to its end. */
const rounds = 3000;

export async function simulate(seed: number): Promise<Simulated> {
  const simulation = new Simulation(seed);
  let broken: string[];
  try {
    broken = await simulation.run();
  } catch (error) {
    broken = [`it broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  }
  return {
    seed,
    broken,
    story: simulation.story.text(),
    histories: simulation.histories(),
    figures: simulation.figures,
  };
}

class Simulation {
  readonly story: Story;
  readonly figures = { runs: 0, calls: 0, crashes: 0, commits: 0, faults: 0, jumps: 0 };
  readonly #chance: Chance;
  readonly #world: World;
  readonly #processes;
  readonly #accepted: Accepted = { starts: new Set(), signals: new Set(), answers: new Set(), cancels: new Set() };
  readonly #broken: string[] = [];
  /** Signals sent by key: those that are not acknowledged are sent again. */
  readonly #sent = new Map<string, number>();
  readonly #asked = new Map<string, number>();
  /** How often something goes wrong: each seed has its own weather. */
  readonly #crashRate: number;
  readonly #faultRate: number;
  readonly #disturbRate: number;
  #calm = false;

  constructor(seed: number) {
    const chance = chanceOf(seed);
    this.#chance = chance;
    const pick = (rates: readonly number[]) => rates[chance.below(rates.length)] as number;
    this.#crashRate = pick([0, 0.01, 0.05, 0.15]);
    this.#faultRate = pick([0, 0.1, 0.3]);
    this.#disturbRate = pick([0, 0.05, 0.2]);
    const ordered = chance.next() < 0.3;
    this.#processes = [0, 1].map((number) => processOf(`p${number}`, chance));
    const hooks = this.#hooks();
    this.#world = new World(
      { processes: this.#processes },
      ordered ? hooks : { ...hooks, choose: ({ length }) => chance.below(length) },
    );
    this.story = new Story(this.#world.now, () => this.#world.now);
    fake(this.#world);
  }

  // --- what goes wrong ------------------------------------------------------------------------------------------------

  #hooks(): Hooks {
    const chance = this.#chance;
    return {
      chance: () => chance.next(),
      crashes: (point, group) => {
        const commands = group.filter((batch) => batch.length > 1);
        if (point === "before" && commands.length > 0) {
          this.figures.commits += 1;
          this.story.commit(this.figures.commits, commands);
          this.#disturb();
        }
        if (this.#calm || chance.next() >= this.#crashRate) return false;
        this.story.fault(`crash ${point} the commit`);
        return true;
      },
      interfere: (call) => this.#interfere(call),
      interfereStep: (step, context) => {
        if (!intentIsRecorded(this.#world.database, runOf(context.key), context.key))
          this.#broken.push(`P3: step ${step} began unrecorded`);
        if (this.#calm || chance.next() >= this.#faultRate) return undefined;
        const kind = (["fails", "loses", "crash before", "crash after"] as const)[chance.below(4)] as StepInterference;
        this.story.fault(`step ${step}: ${kind}`);
        this.figures.faults += 1;
        return kind;
      },
      called: (call) => {
        this.story.call(call);
        if (call.outcome !== "open") this.#disturb();
      },
      restarted: () => {
        this.figures.crashes += 1;
        this.story.tell("the server starts again");
      },
    };
  }

  #interfere(call: Call): Interference | undefined {
    const chance = this.#chance;
    this.figures.calls += 1;
    if (!intentIsRecorded(this.#world.database, call.run, call.key))
      this.#broken.push(`P3: ${call.operation} was called before its intent was on disk`);
    if (this.#calm || chance.next() >= this.#faultRate) return undefined;
    const kinds: Interference[] = [
      { kind: "fails", with: fails.none() },
      { kind: "fails", with: fails.unknown() },
      { kind: "fails", with: fails.refused() },
      { kind: "fails", with: fails.wait(1 + chance.below(5000)) },
      { kind: "answers-last" },
      { kind: "crash", point: "before" },
      { kind: "crash", point: "after" },
    ];
    if (call.effect !== "read") kinds.push({ kind: "loses" }, { kind: "acts-later", ms: 1 + chance.below(1500) });
    if (call.operation !== "fake.takeBack" && call.operation !== "fake.find" && call.attempt === 1)
      kinds.push({ kind: "fault", with: new FaultAnswer("Refused", null, "") });
    const kind = kinds[chance.below(kinds.length)] as Interference;
    this.figures.faults += 1;
    this.story.fault(
      `${call.operation} call ${call.times}: ${kind.kind}${kind.kind === "crash" ? ` ${kind.point}` : ""}`,
    );
    return kind;
  }

  /** Something comes from outside in the middle of other things; a crash may lose it, or only its acknowledgement. */
  #disturb(): void {
    if (this.#calm || this.#chance.next() >= this.#disturbRate) return;
    const runs = [...this.#accepted.starts];
    const run = runs[this.#chance.below(runs.length)];
    if (run === undefined) return;
    const roll = this.#chance.next();
    if (roll < 0.7) this.#signalSoon(run);
    else this.#operateSoon(run, roll < 0.8 ? "cancel" : roll < 0.9 ? "pause" : "resume");
  }

  #signalSoon(run: string): void {
    const key = `${this.#keyOf(run)}/${this.#chance.below(2)}`;
    const number = this.#nextNumber(key);
    const delivery = deliveryOf(key, number);
    this.story.tell(`signal ${delivery}, in between`);
    this.#world.signalSoon(told, { payload: number, key, delivery }).then(
      () => void this.#accepted.signals.add(delivery),
      () => {},
    );
  }

  #operateSoon(run: string, kind: "cancel" | "pause" | "resume"): void {
    this.story.tell(`${kind} ${this.#keyOf(run)}, in between`);
    this.#world.engine.operate(run, { kind }, { by: "simulation", reason: kind }).then(
      () => {
        if (kind === "cancel") this.#accepted.cancels.add(run);
      },
      () => {},
    );
  }

  #keyOf(run: string): string {
    return this.#world.runOf(run).key;
  }

  #nextNumber(key: string): number {
    const number = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, number);
    return number;
  }

  // --- what happens ---------------------------------------------------------------------------------------------------

  async run(): Promise<string[]> {
    const world = this.#world;
    const wanted = 1 + this.#chance.below(4);
    for (let number = 0; number < wanted; number++) await this.#start(`r${number}`);
    for (let action = 0; action < actions; action++) await this.#act(wanted);
    this.#calm = true;
    this.story.tell("from here on nothing goes wrong any more");
    await this.#bringToAnEnd();
    this.figures.runs = this.#accepted.starts.size;
    const broken = [...this.#broken, ...judge(world, this.#accepted)];
    if (broken.length > 0) return broken;
    return replays(world.database, () => new World({ processes: this.#processes, now: world.now }, {}, world.database));
  }

  histories(): string {
    const db = this.#world.database;
    const runs = db.prepare("select id, process, key, status from runs order by id").all() as {
      id: string;
      process: string;
      key: string;
      status: string;
    }[];
    return runs
      .map(({ id, process, key, status }) => {
        const records = historyOf(db, id).map((record) => `    ${JSON.stringify(record)}`);
        return [`  ${process} ${key} (${id}): ${status}`, ...records].join("\n");
      })
      .join("\n");
  }

  async #start(id: string): Promise<void> {
    const process = this.#processes[this.#chance.below(this.#processes.length)]!;
    this.story.tell(`start ${process.name} ${id}`);
    this.#accepted.starts.add((await this.#world.start(process, { id })).id);
  }

  async #act(wanted: number): Promise<void> {
    const world = this.#world;
    const chance = this.#chance;
    const roll = chance.next();
    if (roll < 0.1) await this.#start(`r${chance.below(wanted)}`);
    else if (roll < 0.35) await this.#signal(`r${chance.below(wanted)}/${chance.below(2)}`);
    else if (roll < 0.5) await this.#answer();
    else if (roll < 0.6) await this.#decide(chance.next() < 0.3);
    else if (roll < 0.65) {
      this.story.fault("crash at rest");
      await world.crash();
    } else if (roll < 0.7) {
      this.figures.jumps += 1;
      const ms = (chance.next() - 0.4) * 20 * 86_400_000;
      this.story.fault(`the clock jumps by ${Math.round(ms / 3_600_000)} hours`);
      world.time.jump(Math.round(ms));
      await world.settle();
    } else if (world.time.nextDue() !== undefined) {
      world.time.fireNext();
      await world.settle();
    }
  }

  async #signal(key: string): Promise<void> {
    const number = this.#nextNumber(key);
    const delivery = deliveryOf(key, number);
    this.story.tell(`signal ${delivery}`);
    await this.#world.signal(told, { payload: number, key, delivery });
    this.#accepted.signals.add(delivery);
    // Told twice, as webhooks are.
    if (this.#chance.next() < 0.2) await this.#world.signal(told, { payload: number, key, delivery });
  }

  async #answer(): Promise<boolean> {
    const open = this.#world.engine.tasks({ status: "open" });
    const task = open[this.#chance.below(open.length)];
    if (task === undefined) return false;
    this.story.tell(`answer a task of ${task.key}`);
    await this.#world.answer(this.#world.runOf(task.run), question, "yes");
    // The answer may have come to a task that time closed meanwhile.
    if (this.#world.engine.tasks({ id: task.id })[0]?.status === "answered") this.#accepted.answers.add(task.id);
    return true;
  }

  /** An operator looks at a parked or paused run; `rashly`: cancels it. Otherwise says what the books show. */
  async #decide(rashly: boolean): Promise<boolean> {
    const world = this.#world;
    for (const { id, status } of [
      ...world.engine.runs({ status: "parked" }),
      ...world.engine.runs({ status: "paused" }),
    ]) {
      const run = world.runOf(id);
      const asked = run.parked;
      const name = `${id} ${asked?.code ?? status} ${asked?.step ?? ""}`;
      const times = this.#asked.get(name) ?? 0;
      if (this.#calm && asked !== undefined && times > 60) continue;
      this.#asked.set(name, times + 1);
      await world.advance("1m");
      if (run.parked?.number !== asked?.number) return true;
      const act = asked === undefined ? ({ kind: "resume" } as const) : this.#judged(id, asked, rashly);
      if (act === undefined) continue;
      this.story.tell(`operator: ${run.key} ${act.kind}`);
      try {
        await world.operate(run, act);
        if (act.kind === "cancel") this.#accepted.cancels.add(id);
      } catch (error) {
        // It moved on meanwhile.
        if (!(error instanceof MortiseError && /^(run-operation|run-ended|question-stale)$/.test(error.code)))
          throw error;
      }
      return true;
    }
    return false;
  }

  #judged(
    id: string,
    asked: NonNullable<ReturnType<World["runOf"]>["parked"]>,
    rashly: boolean,
  ): OperatorAct | undefined {
    const kinds = new Set(asked.answers.map(({ kind }) => kind));
    if (rashly && kinds.has("cancel")) return { kind: "cancel" };
    if (kinds.has("repeat")) {
      const key =
        this.#world.runOf(id).steps.findLast(({ id: step, key: sent }) => step === asked.step && sent !== undefined)
          ?.key ?? "";
      const act = this.#world.calls().find((call) => call.acted && call.key === key) ?? this.#world.doneSteps.get(key);
      return act === undefined ? { kind: "repeat" } : { kind: "happened", result: (act.output ?? null) as never };
    }
    if (asked.code === "process-after-pivot") return undefined;
    return kinds.has("retry") ? { kind: "retry" } : undefined;
  }

  async #bringToAnEnd(): Promise<void> {
    const world = this.#world;
    for (let round = 0; round < rounds; round++) {
      await world.settle();
      const waits = world.database.prepare("select event, key from waits order by key limit 1").get() as
        | { key: string }
        | undefined;
      if (waits !== undefined) await this.#signal(waits.key);
      else if (!(await this.#answer()) && !(await this.#decide(false))) {
        if (world.time.nextDue() === undefined) return;
        world.time.fireNext();
      }
      if (world.engine.runs({ limit: 500 }).every(({ status }) => finalStatuses.has(status))) break;
    }
    // What a system still does by itself.
    for (let round = 0; round < rounds && world.time.nextDue() !== undefined; round++) {
      world.time.fireNext();
      await world.settle();
    }
  }
}

/** The run in an effect key. */
function runOf(key: string): string {
  return key.split("-")[0] ?? "";
}

/** Systems that keep what their contracts promise. */
function fake(world: World): void {
  const acted = new Map<string, string>();
  for (const operation of operations) {
    world.fake(operation as Operation<Json, Json>, (_input, { key, times }) => {
      const output = `${operation.name} ${times}`;
      acted.set(key, output);
      return output;
    });
  }
  world.fake(find, (input) => acted.get((input as { key: string }).key) ?? null);
  world.fake(takeBack, (input) => (acted.has((input as { key: string }).key) ? "taken back" : "nothing there"));
}

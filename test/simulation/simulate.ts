/**
 * One simulated installation: random processes on the real engine, random systems, clients, operators, crashes, orders and clocks, all
 * from one seed. The same seed does the same, to the last row.
 */
import type { Json, Operation } from "../../src/operation.ts";
import type { AnyProcess } from "../../src/process/define.ts";
import { finalStatuses } from "../../src/process/engine.ts";
import { FaultAnswer, fails } from "../../src/testing/answers.ts";
import type { Call, Interference } from "../../src/testing/fakes.ts";
import type { Hooks, StepInterference } from "../../src/testing/hooks.ts";
import { historyOf, intentIsRecorded } from "../../src/testing/promises.ts";
import { Story } from "../../src/testing/story.ts";
import { World } from "../../src/testing/world.ts";
import { type Chance, chanceOf } from "../crash/chance.ts";
import { type Accepted, judge, replays } from "./judge.ts";
import { People } from "./people.ts";
import { processesOf, StepBooks } from "./perform.ts";
import { find, operations, roots, takeBack } from "./shapes.ts";
import { Watch } from "./watch.ts";

export interface Simulated {
  readonly seed: number;
  readonly broken: readonly string[];
  readonly story: string;
  /** Of every run, record by record. */
  readonly histories: string;
  readonly figures: Readonly<Record<string, number>>;
}

const actions = 40;
/** Of twenty steps at a time one nearly always takes the server along, before any has ended: without a bound such a seed would never end. */
const mostStepCrashes = 100;
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
  readonly #figures = { runs: 0, calls: 0, crashes: 0, commits: 0, faults: 0, jumps: 0 };
  readonly #acts: Record<string, number> = {};
  readonly #chance: Chance;
  readonly #world: World;
  readonly #processes: readonly AnyProcess[];
  readonly #books = new StepBooks();
  readonly #watch: Watch;
  readonly #people: People;
  readonly #accepted: Accepted = {
    starts: new Set(),
    signals: new Set(),
    answers: new Set(),
    ends: new Set(),
    restarts: new Map(),
    words: new Map(),
  };
  readonly #broken: string[] = [];
  /** How often something goes wrong: each seed has its own weather. */
  readonly #crashRate: number;
  readonly #faultRate: number;
  readonly #disturbRate: number;
  #calm = false;
  #stepCrashes = 0;

  constructor(seed: number) {
    const chance = chanceOf(seed);
    this.#chance = chance;
    const pick = (rates: readonly number[]) => rates[chance.below(rates.length)] as number;
    this.#crashRate = pick([0, 0.01, 0.05, 0.15]);
    this.#faultRate = pick([0, 0.1, 0.3]);
    this.#disturbRate = pick([0, 0.05, 0.2]);
    const ordered = chance.next() < 0.3;
    this.#processes = processesOf(chance, this.#books);
    this.#watch = new Watch(this.#processes);
    const hooks = this.#hooks();
    this.#world = new World(
      { processes: this.#processes },
      ordered ? hooks : { ...hooks, choose: ({ length }) => chance.below(length) },
    );
    this.story = new Story(this.#world.now, () => this.#world.now);
    this.#people = new People({
      world: this.#world,
      chance,
      story: this.story,
      accepted: this.#accepted,
      books: this.#books,
      acts: this.#acts,
      calm: () => this.#calm,
    });
    fake(this.#world);
  }

  get figures(): Readonly<Record<string, number>> {
    return { ...this.#figures, ...this.#acts };
  }

  // --- what goes wrong ------------------------------------------------------------------------------------------------

  #hooks(): Hooks {
    const chance = this.#chance;
    return {
      chance: () => chance.next(),
      crashes: (point, group) => {
        const commands = group.filter((batch) => batch.length > 1);
        if (point === "after") this.#watch.committed(this.#world.database, commands);
        if (point === "before" && commands.length > 0) {
          this.#figures.commits += 1;
          this.story.commit(this.#figures.commits, commands);
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
        const kinds = ["fails", "loses", "crash before", "crash after"] as const;
        const kind = kinds[chance.below(this.#stepCrashes < mostStepCrashes ? 4 : 2)] as StepInterference;
        if (kind === "crash before" || kind === "crash after") this.#stepCrashes += 1;
        this.story.fault(`step ${step}: ${kind}`);
        this.#figures.faults += 1;
        return kind;
      },
      called: (call) => {
        this.story.call(call);
        if (call.outcome !== "open") this.#disturb();
      },
      restarted: () => {
        this.#figures.crashes += 1;
        this.story.tell("the server starts again");
      },
    };
  }

  #interfere(call: Call): Interference | undefined {
    const chance = this.#chance;
    this.#figures.calls += 1;
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
    this.#figures.faults += 1;
    this.story.fault(
      `${call.operation} call ${call.times}: ${kind.kind}${kind.kind === "crash" ? ` ${kind.point}` : ""}`,
    );
    return kind;
  }

  #disturb(): void {
    if (!this.#calm && this.#chance.next() < this.#disturbRate) this.#people.disturb();
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
    this.#figures.runs = Number(world.database.prepare("select count(*) as runs from runs").get()?.runs);
    const broken = [...this.#broken, ...this.#watch.broken, ...judge(world, this.#accepted, this.#books)];
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
    await this.#people.start(this.#processes[this.#chance.below(roots)] as AnyProcess, id);
  }

  async #act(wanted: number): Promise<void> {
    const world = this.#world;
    const people = this.#people;
    const chance = this.#chance;
    const roll = chance.next();
    if (roll < 0.08) await this.#start(`r${chance.below(wanted)}`);
    else if (roll < 0.3) await people.signalSome();
    else if (roll < 0.43) await people.answer();
    else if (roll < 0.57) await people.decide(chance.next() < 0.4);
    else if (roll < 0.62) await people.meddle();
    else if (roll < 0.66) {
      this.story.fault("crash at rest");
      await world.crash();
    } else if (roll < 0.7) {
      this.#figures.jumps += 1;
      const ms = (chance.next() - 0.4) * 20 * 86_400_000;
      this.story.fault(`the clock jumps by ${Math.round(ms / 3_600_000)} hours`);
      world.time.jump(Math.round(ms));
      await world.settle();
    } else if (world.time.nextDue() !== undefined) {
      world.time.fireNext();
      await world.settle();
    }
  }

  async #bringToAnEnd(): Promise<void> {
    const world = this.#world;
    for (let round = 0; round < rounds; round++) {
      await world.settle();
      const waits = world.database.prepare("select event, key from waits order by key limit 1").get() as
        | { key: string }
        | undefined;
      if (waits !== undefined) await this.#people.signal(waits.key);
      else if (!(await this.#people.answer()) && !(await this.#people.decide(false))) {
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

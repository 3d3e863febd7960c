/**
 * A world for tests: processes on the real engine, fake systems, a clock that stands still, and no file, port or thread. Nothing goes
 * on by itself: each method lets happen what can happen now, and returns when all there is waits for somebody.
 */
import { DatabaseSync } from "node:sqlite";
import type { definition, SystemDefinition } from "../connectors/system.ts";
import { failure } from "../errors.ts";
import {
  type AnyOperation,
  type CallContext,
  type Duration,
  type EventType,
  type Faults,
  type InputOf,
  type Json,
  milliseconds,
  type Operation,
  type OutputOf,
  type PayloadOf,
} from "../operation.ts";
import type { AnyProcess, ProcessDefinition } from "../process/define.ts";
import {
  type Engine,
  finalStatuses,
  type OperatorAct,
  type SignalAnswer,
  type SignalCommand,
} from "../process/engine.ts";
import type { TaskDefinition } from "../process/task.ts";
import type { Told } from "./answers.ts";
import { deliveryOf } from "./events.ts";
import { behavioursOf, type FakeContractOptions } from "./fake-system.ts";
import { type Call, type FakeOptions, Fakes, nameOf } from "./fakes.ts";
import type { Hooks } from "./hooks.ts";
import { Life } from "./life.ts";
import { TestRun } from "./run.ts";
import { HandClock, Turns } from "./turns.ts";
import { checked } from "./values.ts";

export interface WorldOptions {
  /** The processes of this world. */
  readonly processes: readonly AnyProcess[];
  /** What the clock shows at the beginning: an ISO date or epoch milliseconds. Default `"2026-01-05T08:00:00Z"`, a Monday. */
  readonly now?: string | number;
}

const firstMorning = "2026-01-05T08:00:00Z";
/** Turns without an end: a fault in the test, or in Mortise. */
const turnsAtMost = 100_000;

export class World {
  readonly #options: WorldOptions;
  readonly #hooks: Hooks;
  readonly #time: HandClock;
  readonly #turns: Turns;
  readonly #fakes: Fakes;
  readonly #db: DatabaseSync;
  readonly #held: (() => void)[] = [];
  readonly #runs = new Map<string, TestRun>();
  #life: Life | undefined;
  /** Attempts whose end the code of the test decides. */
  #underWay = 0;
  #broken: { readonly error: unknown } | undefined;
  readonly #signals = new Map<string, { readonly event: EventType; readonly key: string; readonly payload: Json }>();
  #runCount = 0;
  #deliveries = 0;

  /** `database`: one that holds what an earlier world committed. */
  constructor(options: WorldOptions, hooks: Hooks = {}, database = new DatabaseSync(":memory:")) {
    this.#db = database;
    this.#options = options;
    this.#hooks = hooks;
    const { now = firstMorning } = options;
    this.#time = new HandClock(typeof now === "number" ? now : Date.parse(now));
    this.#turns = new Turns(hooks.choose?.bind(hooks));
    this.#fakes = new Fakes({
      now: () => this.#time.now,
      elapsed: () => this.#time.elapsed,
      later: (ms, act) => void this.#time.later(ms, act),
      hold: (release) => {
        this.#underWay -= 1;
        this.#held.push(() => {
          this.#underWay += 1;
          release();
        });
      },
      crash: () => this.#life?.end(),
      interfere: (call) => hooks.interfere?.(call),
      note: (call) => hooks.called?.(call),
      broken: (error) => {
        this.#broken ??= { error };
      },
    });
  }

  /** What the clock shows, in epoch milliseconds. */
  get now(): number {
    return this.#time.now;
  }

  /**
   * How an operation behaves from now on. `behaviour` is a function of the input, or an answer that is always the same; an answer is an
   * output, `fault(...)`, or one of `fails`. Checked against the contract of the operation's system.
   */
  fake<I, O, F extends Faults>(
    operation: Operation<I, O, F>,
    behaviour: NoInfer<Told<I, O, F>>,
    options?: FakeOptions,
  ): void {
    this.#fakes.set(operation, behaviour, options);
  }

  /**
   * Fakes every operation of a system as its contract promises: valid examples, and a memory for what is created, changed and deleted over
   * REST. `fake` says otherwise of single ones, before or after.
   */
  fakeSystem(system: { readonly [definition]: SystemDefinition }, options: FakeContractOptions = {}): void {
    const members = system as unknown as Readonly<Record<string, AnyOperation>>;
    for (const [name, behaviour] of behavioursOf(system, options)) this.#fakes.setUsual(members[name]!, behaviour);
  }

  /** The calls that reached the operation, in order; without one: every call. */
  calls(): readonly Call[];
  calls<T extends AnyOperation>(operation: T): readonly Call<InputOf<T>, OutputOf<T>>[];
  calls(operation?: AnyOperation): readonly Call[] {
    return operation === undefined ? [...this.#fakes.ledger] : this.#fakes.calls(operation);
  }

  /** What the system's own books show: the calls of the operation that took effect, each once. */
  acts<T extends AnyOperation>(operation: T): readonly Call<InputOf<T>, OutputOf<T>>[] {
    return this.#fakes.calls(operation).filter(({ acted }) => acted);
  }

  /** Starts a run. A second start with the same business key gives the run that is there. Rejects with `test-value` on a wrong input. */
  async start<I, O>(process: ProcessDefinition<I, O>, input: I): Promise<TestRun<O>> {
    this.#known(process);
    const json = checked(process.input, input, `the input of ${process.name}`);
    const key = process.key(input);
    const answer = await this.outside((engine) =>
      engine.start({ process: process.name, key, input: json, origin: "test" }),
    );
    if (answer.kind === "refused") throw failure("internal", { reason: `the start was refused by ${answer.by}` });
    return this.runOf(answer.run) as TestRun<O>;
  }

  /**
   * An event comes from its system. `key`: the correlation key; default: as the system defines it. `delivery`: its unique id; default: by
   * the system's definition, else a new one. Where a process says `on` of the event, it starts. Rejects with `test-value` on a wrong payload.
   */
  async signal<E extends EventType>(
    event: E,
    given: { readonly payload: PayloadOf<E>; readonly key?: string; readonly delivery?: string },
  ): Promise<SignalAnswer | "started"> {
    const starts = this.#options.processes.filter(({ on }) => on?.system === event.system && on.name === event.name);
    const { payload, key, delivery } = deliveryOf(event, given, starts.length > 0);
    if (starts.length > 0) {
      for (const process of starts) await this.start(process, payload);
      return "started";
    }
    const command = this.#signalCommand(event, payload, key, delivery);
    const result = await this.outside((engine) => engine.signal(command));
    this.#signals.set(`${event.system}.${event.name} ${command.delivery}`, { event, key, payload });
    return result;
  }

  /** The events of this type that were accepted, in order: their payloads. One that is delivered twice counts once. */
  signals<E extends EventType>(event: E): readonly PayloadOf<E>[] {
    const name = nameOf(event);
    return [...this.#signals.values()]
      .filter((one) => nameOf(one.event) === name)
      .map(({ payload }) => payload as PayloadOf<E>);
  }

  #signalCommand(event: EventType, payload: Json, key: string, delivery: string | undefined): SignalCommand {
    this.#deliveries += 1;
    return {
      system: event.system,
      event: event.name,
      key,
      payload,
      delivery: delivery ?? `delivery-${this.#deliveries}`,
    };
  }

  /** A person answers the run's open task. Rejects with `test-no-task`, or `test-value` on a wrong answer. */
  async answer<I, A>(run: TestRun<unknown>, task: TaskDefinition<I, A>, answer: A): Promise<void> {
    await this.settle();
    const json = checked(task.answer, answer, `the answer of ${task.name}`);
    const open = this.engine.tasks({ run: run.id, status: "open" }).find(({ name }) => name === task.name);
    if (open === undefined) throw failure("test-no-task", { task: task.name, run: run.described() });
    await this.outside(async (engine) => {
      if (engine.tasks({ id: open.id })[0]?.status !== "open") return;
      await engine.answer(open.id, json, { by: "test", reason: "answered" });
    });
  }

  /** An operator acts on the run: answers its parked question, cancels it, and so on. */
  async operate(run: TestRun<unknown>, act: OperatorAct, reason = "test"): Promise<void> {
    await this.settle();
    const before = run.detail.parked?.number;
    await this.outside(async (engine, again) => {
      // It was accepted before the crash, and its answer lost.
      if (again && (finalStatuses.has(run.status) || run.detail.parked?.number !== before)) return;
      await engine.operate(run.id, act, { by: "test", reason }).catch((error: unknown) => {
        if (!again) throw error;
      });
    });
  }

  /** Moves the clock, and does on the way everything that becomes due, in order. */
  async advance(duration: Duration): Promise<void> {
    await this.settle();
    const target = this.#time.now + milliseconds(duration);
    for (;;) {
      const due = this.#time.nextDue();
      if (due === undefined || due > target) break;
      this.#time.fireNext();
      await this.settle();
    }
    this.#time.moveTo(target);
  }

  /** The server dies as by a power cut, and is started again: what is not on disk is lost, and runs go on from their histories. */
  async crash(): Promise<void> {
    await this.settle();
    this.#life?.end();
    await this.settle();
  }

  /** As `signal`, in the middle of other things: lets nothing happen by itself, and a crash may lose it. */
  async signalSoon(
    event: EventType,
    given: { readonly payload: unknown; readonly key?: string; readonly delivery?: string },
  ): Promise<void> {
    const { payload, key, delivery } = deliveryOf(event, given, false);
    const command = this.#signalCommand(event, payload, key, delivery);
    await this.engine.signal(command);
    this.#signals.set(`${event.system}.${event.name} ${command.delivery}`, { event, key, payload });
  }

  /** Local steps whose code was done, by effect key. */
  readonly doneSteps = new Map<string, { readonly output: Json }>();

  operation(name: string): AnyOperation | undefined {
    return this.#fakes.operation(name);
  }

  // --- for explore and the simulation ---------------------------------------------------------------------------------

  get engine(): Engine {
    return this.#living().engine;
  }
  /** What is committed. */
  get database(): DatabaseSync {
    return this.#db;
  }
  get time(): HandClock {
    return this.#time;
  }

  runOf(id: string): TestRun {
    let run = this.#runs.get(id);
    if (run === undefined) {
      run = new TestRun(this, id);
      this.#runs.set(id, run);
    }
    return run;
  }

  /** Something comes from outside. Who sent it sends it again where a crash kept the answer back. */
  async outside<T>(act: (engine: Engine, again: boolean) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true) {
      let result: { readonly value: T } | { readonly error: unknown } | undefined;
      const life = this.#living();
      act(life.engine, again).then(
        (value) => {
          result = { value };
        },
        (error: unknown) => {
          result = { error };
        },
      );
      await this.settle();
      if (result !== undefined) {
        if ("error" in result) throw result.error;
        return (result as { readonly value: T }).value;
      }
      if (life.alive) throw failure("internal", { reason: "the engine does not answer" });
    }
  }

  /** Lets everything happen that can happen without an event, an answer or time. */
  async settle(): Promise<void> {
    for (let turn = 0; ; turn++) {
      this.#living();
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#broken !== undefined) throw this.#broken.error;
      if (turn > turnsAtMost) throw failure("test-endless", { turns: turnsAtMost });
      if (this.#life?.alive !== true) continue;
      if (this.#turns.takeOne()) continue;
      if (this.#underWay > 0) {
        // Code of the test, which may take its time.
        turn -= 1;
        continue;
      }
      const release = this.#held.shift();
      if (release === undefined) return;
      release();
    }
  }

  #living(): Life {
    if (this.#life?.alive === true) return this.#life;
    const restarts = this.#life !== undefined;
    this.#turns.clear();
    this.#held.length = 0;
    this.#underWay = 0;
    this.#life = new Life({
      db: this.#db,
      time: this.#time,
      turns: this.#turns,
      chance: () => this.#hooks.chance?.() ?? 0.5,
      processes: this.#options.processes,
      call: (name, input, context) => this.#counted(() => this.#fakes.call(name, input, context)),
      step: (step, context, act) => this.#step(step, context, act),
      operation: (name) => this.#fakes.operation(name),
      crashes: (point, group) => this.#hooks.crashes?.(point, group) ?? false,
      failed: (reason) => {
        this.#broken ??= { error: failure("store-failed", { reason }) };
      },
      nextRun: () => {
        this.#runCount += 1;
        return this.#runCount;
      },
    });
    if (restarts) this.#hooks.restarted?.();
    return this.#life;
  }

  /** Whether it ends is up to the test's own code; what is kept back by the world itself does not count. */
  async #counted<T>(act: () => Promise<T>): Promise<T> {
    const life = this.#life;
    this.#underWay += 1;
    try {
      return await act();
    } finally {
      if (this.#life === life) this.#underWay -= 1;
    }
  }

  async #step<T>(step: string, context: CallContext, act: () => Promise<T>): Promise<T> {
    const interference = this.#hooks.interfereStep?.(step, context);
    if (interference === "crash before") return this.#die();
    if (interference === "fails") throw new Error("the step fails before it does anything");
    const result = await this.#counted(act);
    // The result of a probe has another form.
    const done = result as { readonly ok?: boolean; readonly output?: Json } | undefined;
    if (done?.ok === true) this.doneSteps.set(context.key, { output: done.output ?? null });
    if (interference === "crash after") return this.#die();
    if (interference === "loses") throw new Error("the step's result is lost");
    return result;
  }

  #die(): Promise<never> {
    this.#life?.end();
    return new Promise(() => {});
  }

  #known(process: AnyProcess): void {
    if (this.#options.processes.includes(process)) return;
    throw failure("test-process-unknown", { process: process.name });
  }
}

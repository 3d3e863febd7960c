/**
 * One history of an explored process: a world of its own, the faults of the plan put where they belong, everything that comes from
 * outside, and an operator who answers parked questions by what the systems' books show.
 */
import { failure } from "../errors.ts";
import type { Json } from "../operation.ts";
import type { ProcessDefinition } from "../process/define.ts";
import { finalStatuses, type RunStatus } from "../process/engine.ts";
import { deliveryOf } from "./events.ts";
import type { ExploreOptions } from "./explore.ts";
import type { Call } from "./fakes.ts";
import {
  answerNumber,
  commitFaults,
  crashAfter,
  crashBefore,
  early,
  faultsOf,
  interferenceOf,
  late,
  never,
  outsidePoints,
  type Point,
  stepFaultNames,
  stepInterferenceOf,
  unanswered,
} from "./faults.ts";
import type { Hooks } from "./hooks.ts";
import type { ComingEvent, Decision } from "./outside.ts";
import { brokenPromises, intentIsRecorded } from "./promises.ts";
import type { TestRun } from "./run.ts";
import { Story } from "./story.ts";
import { World } from "./world.ts";

/** What became of one history. */
export interface Played {
  readonly faults: readonly string[];
  /** In the order in which they were passed. */
  readonly points: readonly Point[];
  /** What is broken, in words; empty: nothing. */
  readonly broken: readonly string[];
  readonly status: RunStatus | undefined;
  /** Code of the question, if it stays parked. */
  readonly question: string | undefined;
  readonly story: Story;
  readonly ledger: readonly Call[];
}

/** Turns of driver and operator; a history that needs more is told as endless. */
const turnsAtMost = 2000;
/** The same question is answered so often; then the run stays parked. */
const answersAtMost = 3;

export async function play<I, O>(
  process: ProcessDefinition<I, O>,
  options: ExploreOptions<I, O>,
  faults: readonly string[],
): Promise<Played> {
  const scenario = new Scenario(process, options, faults);
  let status: RunStatus | undefined;
  let question: string | undefined;
  let broken: readonly string[];
  try {
    const run = await scenario.drive();
    status = run.status;
    question = run.parked?.code;
    broken = scenario.judge(run);
  } catch (error) {
    // In the history without faults it is the test's own mistake, and its own error says it best.
    if (faults.length === 0) throw error;
    broken = [`the test itself: ${(error as Error).message}`];
  }
  const { points, story, world } = scenario;
  return { faults, points: [...points.values()], broken, status, question, story, ledger: world.calls() };
}

interface Coming {
  readonly outside: ComingEvent;
  readonly name: string;
  sent: boolean;
  /** A run waited for it. */
  waited: boolean;
}

class Scenario {
  readonly points = new Map<string, Point>();
  readonly story: Story;
  readonly world: World;
  readonly #process: ProcessDefinition<unknown, unknown>;
  readonly #options: ExploreOptions<unknown, unknown>;
  readonly #plan = new Map<string, string>();
  readonly #broken: string[] = [];
  readonly #coming: Coming[];
  readonly #decisions: readonly Decision[];
  readonly #questions = new Map<string, number>();
  readonly #steps = new Map<string, number>();
  #commits = 0;

  constructor(process: unknown, options: unknown, faults: readonly string[]) {
    this.#process = process as ProcessDefinition<unknown, unknown>;
    this.#options = options as ExploreOptions<unknown, unknown>;
    for (const fault of faults) {
      const cut = fault.lastIndexOf(": ");
      this.#plan.set(fault.slice(0, cut), fault.slice(cut + 2));
    }
    const { outside = [], processes = [], now } = this.#options;
    this.#coming = outside
      .filter((one) => one.kind === "event")
      .map((one) => ({ outside: one, name: `${one.event.system}.${one.event.name}`, sent: false, waited: false }));
    this.#decisions = outside.filter((one) => one.kind === "decision");
    this.world = new World(
      { processes: [...new Set([this.#process, ...processes])], ...(now === undefined ? {} : { now }) },
      this.#hooks(),
    );
    this.story = new Story(this.world.now, () => this.world.now);
    this.#options.fakes(this.world);
    for (const point of outsidePoints(outside)) this.points.set(point.name, point);
  }

  // --- where faults are put -------------------------------------------------------------------------------------------

  #hooks(): Hooks {
    return {
      crashes: (point, group) => {
        const commands = group.filter((batch) => batch.length > 1);
        if (commands.length === 0) return false;
        if (point === "before") {
          this.#commits += 1;
          this.story.commit(this.#commits, commands);
        }
        const fault = this.#put(`commit ${this.#commits}`, commitFaults);
        const crashes = fault === (point === "before" ? crashBefore : crashAfter);
        if (crashes) this.story.fault(fault as string);
        return crashes;
      },
      interfere: (call) => {
        if (!intentIsRecorded(this.world.database, call.run, call.key))
          this.#broken.push(
            `nothing is sent before its intent is on disk: ${call.operation} under the key ${call.key}`,
          );
        const operation = this.world.operation(call.operation);
        if (operation === undefined) return undefined;
        const fault = this.#put(`${call.operation} call ${call.times}`, faultsOf(operation));
        if (fault === undefined) return undefined;
        this.story.fault(`${call.operation} call ${call.times} ${fault}`);
        return interferenceOf(operation, fault);
      },
      interfereStep: (step) => {
        const times = (this.#steps.get(step) ?? 0) + 1;
        this.#steps.set(step, times);
        this.story.tell(`step ${step}, attempt ${times}`);
        const fault = this.#put(`step ${step} attempt ${times}`, stepFaultNames);
        if (fault === undefined) return undefined;
        this.story.fault(fault);
        return stepInterferenceOf(fault);
      },
      called: (call) => {
        this.story.call(call);
        if (call.acted) this.#sendEarly();
      },
      restarted: () => this.story.tell("the server starts again"),
    };
  }

  /** Passes a point; gives the fault that the plan has for it. */
  #put(name: string, faults: readonly string[]): string | undefined {
    if (!this.points.has(name)) this.points.set(name, { name, faults });
    return this.#plan.get(name);
  }

  // --- the course of things -------------------------------------------------------------------------------------------

  async drive(): Promise<TestRun> {
    const { world, story } = this;
    for (const coming of this.#coming)
      if (this.#mayComeEarly(coming) && coming.outside.when === undefined) await this.#send(coming);
    for (const [point, fault] of this.#plan) if (/^(event|task) /.test(point)) story.fault(`${point} ${fault}`);
    story.tell(`${this.#process.name} is started with ${JSON.stringify(this.#options.input)}`);
    const run = await world.start(this.#process, this.#options.input);
    for (let turn = 0; ; turn++) {
      if (turn > turnsAtMost) throw failure("test-endless", { turns: turnsAtMost });
      await world.settle();
      if (await this.#fromOutside()) continue;
      if (await this.#operate()) continue;
      if (world.time.nextDue() === undefined) break;
      // What ended needs no time, but a system that acts late does.
      world.time.fireNext();
    }
    story.tell(`${run.described()}`);
    return run;
  }

  async #fromOutside(): Promise<boolean> {
    for (const coming of this.#coming) {
      if (coming.sent) continue;
      const { when } = coming.outside;
      const waiting = this.#isWaitedFor(coming.name);
      if (waiting) coming.waited = true;
      const plan = this.#plan.get(`event ${coming.name}`);
      if (plan === never || (when !== undefined && !when(this.world))) continue;
      const now = plan === early || (plan === late ? coming.waited && !waiting : waiting);
      if (!now) continue;
      await this.#send(coming);
      return true;
    }
    for (const task of this.world.engine.tasks({ status: "open" })) {
      const decision = this.#decisions.find((one) => one.task.name === task.name);
      const plan = this.#plan.get(`task ${task.name}`);
      if (decision === undefined || plan === unanswered) continue;
      const index = decision.answers.findIndex((_, at) => plan === answerNumber(at + 1));
      const answer = decision.answers[Math.max(index, 0)];
      this.story.tell(`task ${task.name} is answered: ${JSON.stringify(answer)}`);
      await this.world.answer(this.world.runOf(task.run), decision.task, answer);
      return true;
    }
    return false;
  }

  #isWaitedFor(event: string): boolean {
    return this.world.database.prepare("select 1 from waits where event = ? limit 1").get(event) !== undefined;
  }

  #given({ outside, name }: Coming) {
    const { key, payload } = outside;
    const given = { payload: payload(this.world) as never, ...(key === undefined ? {} : { key }) };
    return { ...given, delivery: deliveryOf(outside.event, given, false).delivery ?? `explore ${name}` };
  }

  async #send(coming: Coming): Promise<void> {
    coming.sent = true;
    this.story.tell(`event ${coming.name} comes`);
    await this.world.signal(coming.outside.event, this.#given(coming));
  }

  #mayComeEarly(coming: Coming): boolean {
    return !coming.sent && this.#plan.get(`event ${coming.name}`) === early;
  }

  /** In the middle of other things. Where a crash loses it, it comes again when all is at rest. */
  #sendEarly(): void {
    for (const coming of this.#coming) {
      const { event, when } = coming.outside;
      if (!this.#mayComeEarly(coming) || when?.(this.world) !== true || this.#isWaitedFor(coming.name)) continue;
      this.story.tell(`event ${coming.name} comes early`);
      void this.world.signalSoon(event, this.#given(coming)).then(() => {
        coming.sent = true;
      });
    }
  }

  /** Somebody looks at parked runs, and says what the books say. */
  async #operate(): Promise<boolean> {
    for (const { id } of this.world.engine.runs({ status: "parked" })) {
      const run = this.world.runOf(id);
      const asked = run.parked;
      if (asked === undefined) continue;
      const name = `${id} ${asked.code} ${asked.step ?? ""}`;
      const times = this.#questions.get(name) ?? 0;
      if (times >= answersAtMost) continue;
      this.#questions.set(name, times + 1);
      this.story.tell(`${run.described()}`);
      // Not at once: what is still on its way arrives first.
      await this.world.advance("1m");
      if (run.parked?.number !== asked.number) return true;
      const kinds = new Set(asked.answers.map(({ kind }) => kind));
      if (kinds.has("repeat") && kinds.has("happened")) {
        const act = this.#actOf(run, asked.step);
        this.story.tell(
          `an operator looks into the books: it ${act === undefined ? "did not happen, repeat" : "happened"}`,
        );
        await run.operate(act === undefined ? { kind: "repeat" } : { kind: "happened", result: act.output });
      } else if (kinds.has("retry")) {
        this.story.tell("an operator has it tried again");
        await run.operate({ kind: "retry" });
      } else continue;
      return true;
    }
    return false;
  }

  #actOf(run: TestRun, step: string | undefined): { readonly output: Json } | undefined {
    const key = run.steps.findLast(({ id, key: sent }) => id === step && sent !== undefined)?.key;
    if (key === undefined) return undefined;
    const act = this.world.calls().find((call) => call.acted && call.key === key);
    if (act !== undefined) return { output: act.output as Json };
    return this.world.doneSteps.get(key);
  }

  // --- the judgement --------------------------------------------------------------------------------------------------

  /**
   * What stands still in the history in which nothing goes wrong. All others begin like it, so that none would come to what the test
   * is about: it would pass, and prove nothing.
   */
  *#stuck(run: TestRun, mustEnd: boolean): Generator<string> {
    for (const { id } of this.world.engine.runs({ status: "parked" }))
      yield `where nothing goes wrong, no run stays parked: ${this.world.runOf(id).described()}`;
    if (mustEnd && !finalStatuses.has(run.status) && run.status !== "parked")
      yield `where nothing goes wrong, the run ends, or its invariants are never judged: ${run.described()}. Say in outside what comes and who decides`;
  }

  judge(run: TestRun): readonly string[] {
    const broken = [...this.#broken, ...brokenPromises(this.world.database, this.world.calls())];
    const { invariants = {}, always = {} } = this.#options;
    if (this.#plan.size === 0) broken.push(...this.#stuck(run, Object.keys(invariants).length > 0));
    const checks = [...Object.entries(always), ...(finalStatuses.has(run.status) ? Object.entries(invariants) : [])];
    for (const [name, holds] of checks) {
      try {
        if (holds({ world: this.world, run }) === false) broken.push(name);
      } catch (error) {
        broken.push(`${name}: ${(error as Error).message}`);
      }
    }
    return broken;
  }
}

/** Who acts from outside: clients that start runs and send events, people that answer tasks, operators that do all that operators may do. */
import { MortiseError } from "../../src/errors.ts";
import { rewindTargets } from "../../src/process/embedded/front/possible.ts";
import { finalStatuses, type OperatorAct, type RunDetail } from "../../src/process/engine.ts";
import type { Story } from "../../src/testing/story.ts";
import type { World } from "../../src/testing/world.ts";
import type { Chance } from "../crash/chance.ts";
import { type Accepted, deliveryOf } from "./judge.ts";
import type { StepBooks } from "./perform.ts";
import { goodsOf, question, type Start, told } from "./shapes.ts";

/** An operator that asks himself the same thing so often lets it be. */
const patience = 60;
/** Of an act that came too late, or twice. */
const tooLate = /^(run-operation|run-ended|run-restarted|run-step-unknown|question-stale)$/;

export interface PeopleParts {
  readonly world: World;
  readonly chance: Chance;
  readonly story: Story;
  readonly accepted: Accepted;
  readonly books: StepBooks;
  readonly acts: Record<string, number>;
  /** Nothing goes wrong any more. */
  calm(): boolean;
}

export class People {
  readonly #parts: PeopleParts;
  /** Signals sent by key: those that are not acknowledged are sent again. */
  readonly #sent = new Map<string, number>();
  readonly #asked = new Map<string, number>();

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  // --- in the middle of other things ----------------------------------------------------------------------------------

  /** A crash may lose it, or only its acknowledgement. */
  disturb(): void {
    const { world, chance } = this.#parts;
    const open = world.engine.runs({ limit: 50 });
    const run = open[chance.below(open.length)];
    if (run === undefined) return;
    const roll = chance.next();
    if (roll < 0.6) this.#signalSoon(run.key);
    else {
      const kinds = ["cancel", "pause", "resume", "resume", "terminate", "retry"] as const;
      this.#operateSoon(run.id, roll < 0.65 ? "cancel" : (kinds[chance.below(kinds.length)] as "pause"));
    }
  }

  #signalSoon(of: string): void {
    const { world, chance, story, accepted } = this.#parts;
    const key = `${of}/${chance.below(2)}`;
    const number = this.#nextNumber(key);
    const delivery = deliveryOf(key, number);
    story.tell(`signal ${delivery}, in between`);
    world.signalSoon(told, { payload: number, key, delivery }).then(
      () => void accepted.signals.add(delivery),
      () => {},
    );
  }

  #operateSoon(run: string, kind: "cancel" | "pause" | "resume" | "terminate" | "retry"): void {
    const { world, story, accepted } = this.#parts;
    story.tell(`${kind} ${world.runOf(run).key}, in between`);
    world.engine.operate(run, { kind }, { by: "simulation", reason: kind }).then(
      () => {
        if (kind === "cancel" || kind === "terminate") accepted.ends.add(run);
      },
      () => {},
    );
  }

  #nextNumber(key: string): number {
    const number = (this.#sent.get(key) ?? 0) + 1;
    this.#sent.set(key, number);
    return number;
  }

  // --- clients --------------------------------------------------------------------------------------------------------

  async start(process: Parameters<World["start"]>[0], id: string): Promise<void> {
    const { world, story, accepted } = this.#parts;
    story.tell(`start ${process.name} ${id}`);
    accepted.starts.add((await world.start(process, { id, goods: goodsOf(id) } satisfies Start)).id);
  }

  async signal(key: string): Promise<void> {
    const { world, chance, story, accepted } = this.#parts;
    const number = this.#nextNumber(key);
    const delivery = deliveryOf(key, number);
    story.tell(`signal ${delivery}`);
    await world.signal(told, { payload: number, key, delivery });
    accepted.signals.add(delivery);
    // Told twice, as webhooks are.
    if (chance.next() < 0.2) await world.signal(told, { payload: number, key, delivery });
  }

  /** An event for a run there is, or for one that is to come, or one that has ended. */
  async signalSome(): Promise<void> {
    const { world, chance } = this.#parts;
    const runs = world.engine.runs({ limit: 50 });
    const key = runs[chance.below(runs.length)]?.key ?? "r0";
    await this.signal(`${chance.next() < 0.2 ? `${key}/c0` : key}/${chance.below(2)}`);
  }

  async answer(): Promise<boolean> {
    const { world, chance, story, accepted } = this.#parts;
    const open = world.engine.tasks({ status: "open" });
    const task = open[chance.below(open.length)];
    if (task === undefined) return false;
    story.tell(`answer a task of ${task.key}`);
    await world.answer(world.runOf(task.run), question, "yes");
    // The answer may have come to a task that time closed meanwhile.
    if (world.engine.tasks({ id: task.id })[0]?.status === "answered") accepted.answers.add(task.id);
    return true;
  }

  // --- operators ------------------------------------------------------------------------------------------------------

  /** An operator looks at a parked or paused run, and says what the books show; `rashly`: whatever comes to his mind. */
  async decide(rashly: boolean): Promise<boolean> {
    const { world, calm } = this.#parts;
    for (const { id, status } of [
      ...world.engine.runs({ status: "parked" }),
      ...world.engine.runs({ status: "paused" }),
    ]) {
      const run = world.runOf(id);
      const asked = run.parked;
      const name = `${id} ${asked?.code ?? status} ${asked?.step ?? ""}`;
      const times = this.#asked.get(name) ?? 0;
      if (calm() && asked !== undefined && times > patience) continue;
      this.#asked.set(name, times + 1);
      await world.advance("1m");
      if (run.parked?.number !== asked?.number || finalStatuses.has(run.status)) return true;
      const act = (rashly ? this.#rash(run.detail) : undefined) ?? this.#judged(run.detail);
      if (act === undefined) continue;
      await this.#operate(run.detail, act);
      return true;
    }
    return false;
  }

  /** Whatever state the run is in: a restart of one that has ended, a cancel of one that undoes, a pause of one that waits. */
  async meddle(): Promise<void> {
    const { world, chance } = this.#parts;
    const runs = world.engine.runs({ limit: 50 });
    const id = runs[chance.below(runs.length)]?.id;
    if (id === undefined) return;
    const { detail } = world.runOf(id);
    if (finalStatuses.has(detail.status)) {
      if (chance.next() < 0.5) await this.#operate(detail, { kind: "restart" });
      return;
    }
    const roll = chance.next();
    if (roll < 0.5) await this.#operate(detail, { kind: "pause" });
    else if (roll < 0.85 || detail.status === "undoing") await this.#operate(detail, { kind: "cancel" });
    else await this.#operate(detail, { kind: "terminate" });
  }

  async #operate({ id, key, parked }: RunDetail, act: OperatorAct): Promise<void> {
    const { world, story, accepted, acts } = this.#parts;
    story.tell(`operator: ${key} ${act.kind}${"to" in act ? ` to ${act.to}` : ""}`);
    await world.settle();
    try {
      const done = await world.outside((engine) => {
        // Only an operator's word lets anything be done twice; said again where a crash kept the answer back, it counts again.
        if (act.kind === "edit" || act.kind === "rewind") accepted.words.set(id, (accepted.words.get(id) ?? 0) + 1);
        return engine.operate(id, act, { by: "simulation", reason: act.kind }, parked?.number);
      });
      acts[act.kind] = (acts[act.kind] ?? 0) + 1;
      if (act.kind === "cancel" || act.kind === "terminate") accepted.ends.add(id);
      if (act.kind === "restart") accepted.restarts.set(id, done.run);
    } catch (error) {
      // It moved on meanwhile, or the act was accepted before a crash that kept the answer back.
      if (!(error instanceof MortiseError && tooLate.test(error.code))) throw error;
    }
  }

  #rash(run: RunDetail): OperatorAct | undefined {
    const { chance } = this.#parts;
    const kinds = new Set(run.parked?.answers.map(({ kind }) => kind));
    const roll = chance.next();
    if (roll < 0.35) {
      const targets = rewindTargets(run.steps);
      const target = targets[chance.below(targets.length)];
      if (target !== undefined) return { kind: "rewind", to: target.id };
    }
    if (roll < 0.55 && kinds.has("edit")) {
      const { input } = run.steps.findLast(({ n }) => n === run.parked?.n) ?? {};
      if (input !== undefined) return { kind: "edit", input: { ...(input as object), edited: true } };
    }
    if (roll < 0.7 && run.parked !== undefined)
      return { kind: "restart", first: chance.next() < 0.5 ? "terminate" : "cancel" };
    if (roll < 0.8 && kinds.has("happened") && run.parked?.known?.mayHaveHappened === false)
      return { kind: "happened", result: "by hand" };
    if (roll < 0.85) return { kind: "terminate" };
    return kinds.has("cancel") || run.parked === undefined ? { kind: "cancel" } : undefined;
  }

  #judged({ parked: asked, steps }: RunDetail): OperatorAct | undefined {
    if (asked === undefined) return { kind: "resume" };
    const { world, books, calm } = this.#parts;
    const kinds = new Set(asked.answers.map(({ kind }) => kind));
    if (kinds.has("repeat")) {
      const key = steps.findLast(({ id: step, key: sent }) => step === asked.step && sent !== undefined)?.key ?? "";
      const act = world.calls().find((call) => call.acted && call.key === key);
      const result = act === undefined ? books.found(key) : (act.output ?? null);
      return result === undefined ? { kind: "repeat" } : { kind: "happened", result: result as never };
    }
    if (asked.code === "child-conflict" || asked.code === "child-gone") return { kind: "happened", result: null };
    // Only the code could go on, and it does not.
    if (asked.code === "process-after-pivot") return calm() ? { kind: "terminate" } : undefined;
    return kinds.has("retry") ? { kind: "retry" } : undefined;
  }
}

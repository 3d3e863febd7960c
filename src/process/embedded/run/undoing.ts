/**
 * The undo of a run: what took effect is taken back, last first, one step at a time, each recorded and performed like any call.
 *
 * The undo of a step is data in its records, so that it needs no code of the process. A step whose outcome is unknown is
 * undone too, with the input that was computed before its output was known; a fault that answers such an undo and means that it is not there
 * (`notFound`: "there is no such reservation") says that there was nothing to take back. Any other fault asks a person.
 */
import type { Json } from "../../../operation.ts";
import { pastsOf } from "../attempts/past.ts";
import {
  type AskRecord,
  childRunOf,
  editsOf,
  generationsOf,
  type HistoryRecord,
  olderGenerations,
} from "../history/records.ts";
import { openQuestions } from "../history/script.ts";
import { isAwaited, recallChildren } from "./children.ts";
import { findOut } from "./finding.ts";
import { openSteps, type Running, type UndoAs } from "./host.ts";
import { callWork, knownOf, startWork, stopAll } from "./performing.ts";
import { undoQuestion } from "./questions.ts";
import { recordResult } from "./results.ts";
import { supersededIn } from "./rewinding.ts";
import { inputOf, pastStep, type Step, undoOf } from "./steps.ts";

export class Undoing {
  #as: UndoAs;
  #reason: string;
  #detail: Json | undefined;
  readonly #execution: Running;
  /** Steps of which it is known that they never took effect. */
  readonly #harmless: Set<number>;
  /** Steps whose outcome could not be found out: they are undone as they are. */
  readonly #unknown = new Set<number>();
  /** By step: its earlier generations that may have taken effect too (their input was edited since). */
  readonly #older = new Map<number, readonly Step[]>();
  /** Steps that were asked before a rewind. */
  #superseded: ReadonlySet<number> = new Set();
  /** What was under way when the end began has ended: only now it is known what took effect. */
  #othersOver: boolean;

  private constructor(
    execution: Running,
    as: UndoAs,
    reason: string,
    detail: Json | undefined,
    harmless?: Set<number>,
  ) {
    this.#execution = execution;
    this.#othersOver = harmless !== undefined;
    this.#as = as;
    this.#reason = reason;
    this.#detail = detail;
    this.#harmless = harmless ?? new Set();
  }

  get reason(): string {
    return this.#reason;
  }

  /** The run ends otherwise than it would have; what is taken back stays the same. */
  endAs(as: UndoAs, reason: string): void {
    if (this.#as === as) return;
    this.#as = as;
    this.#reason = reason;
    this.#detail = undefined;
    const { journal, host } = this.#execution;
    journal.record({ t: "undoing", at: host.now(), as, again: true, reason });
  }

  /** Records that the end has begun. Follow with `stopOthers`. */
  static start(execution: Running, as: UndoAs, reason: string, detail: Json | undefined, again: boolean): Undoing {
    const { journal, host } = execution;
    journal.record({
      t: "undoing",
      at: host.now(),
      as,
      ...(again ? { again } : {}),
      reason,
      ...(detail === undefined ? {} : { detail }),
    });
    journal.drop();
    recallChildren(execution, new Set());
    return new Undoing(execution, as, reason, detail);
  }

  /** After a crash, or where the code was stopped: everything from the records. */
  static resume(
    execution: Running,
    begun: HistoryRecord & { t: "undoing" },
    records: readonly HistoryRecord[],
  ): Undoing {
    const pasts = pastsOf(records);
    const harmless = new Set([...pasts].filter(([, past]) => past.resting).map(([n]) => n));
    const questions = openQuestions(records);
    const generations = generationsOf(records);
    const edits = editsOf(records);
    for (const record of records) {
      if (record.t === "ask") {
        const { n } = record;
        execution.steps.set(n, pastStep(record, generations.get(n), edits.get(n), pasts.get(n)));
      } else if (record.t === "release") {
        for (const n of record.ns) {
          const step = execution.steps.get(n);
          if (step !== undefined) step.got = { t: "got", n, at: record.at, released: true };
        }
      } else if (record.t === "got") {
        const step = execution.steps.get(record.n);
        const { of, og } = step?.ask ?? {};
        const original = of === undefined || og !== undefined ? undefined : execution.steps.get(of);
        if (step !== undefined && !isRefused(execution, step, original, record)) step.got = record;
      }
    }
    recallChildren(execution, recalledIn(records));
    const undoing = new Undoing(execution, begun.as, begun.reason, begun.detail, harmless);
    undoing.#superseded = supersededIn(records);
    for (const [n, older] of olderGenerations(records)) {
      const step = execution.steps.get(n);
      if (step !== undefined)
        undoing.#older.set(
          n,
          older.map(({ generation, undo }) => ({ ...pastStep({ ...step.ask, undo }, generation), got: undefined })),
        );
    }
    for (const step of openSteps(execution.steps)) if (step.ask.v === "undo") step.question = questions.get(step.ask.n);
    return undoing;
  }

  /** Lets what is under way end, then begins. */
  stopOthers(): void {
    const open = openSteps(this.#execution.steps);
    for (const step of open) step.question = undefined;
    this.#execution.restate();
    stopAll(open, () => {
      this.#othersOver = true;
      this.next();
    });
  }

  /** Takes back the next step, or ends the run. */
  next(): void {
    if (!this.#othersOver) return;
    const execution = this.#execution;
    const open = openSteps(execution.steps).find((step) => step.ask.v === "undo");
    if (open !== undefined) {
      // One that was asked just now is begun once that is on disk (P3).
      if (open.recorded && open.question === undefined && open.performance === undefined)
        this.#perform(open, !this.#harmless.has(open.ask.n));
      execution.restate();
      return;
    }
    const steps = [...execution.steps.values()];
    if (steps.some(isAwaited)) {
      // What it did later than this run's own steps is taken back before them.
      execution.restate();
      return;
    }
    const undone = new Set(steps.map(({ ask }) => `${ask.of}/${ask.og ?? "last"}`));
    const lastOf = new Map(steps.map((one) => [childUndo(one), one.ask.n]));
    // A child that was asked for again after a rewind is one run, with one effect.
    const again = (one: Step) =>
      one.ask.child !== undefined && this.#superseded.has(one.ask.n) && lastOf.get(childUndo(one)) !== one.ask.n;
    const step = steps
      .flatMap((one) => [...(this.#older.get(one.ask.n) ?? []), one])
      .filter((one) => undoOf(one) !== undefined && !undone.has(this.#named(one)))
      .findLast((one) => !again(one) && this.#tookEffect(one));
    if (step === undefined) {
      execution.end(this.#as, this.#reason, this.#detail, undefined);
      return;
    }
    if (!this.#mayFindOut(step)) this.#ask(step);
  }

  /** Of a step whose outcome is not known, its probe is asked first, after its settle time: so nothing is taken back that comes later. */
  #mayFindOut(step: Step): boolean {
    const { n, op } = step.ask;
    if (step.got !== undefined || op === undefined || this.#isOlder(step) || this.#unknown.has(n)) return false;
    const execution = this.#execution;
    const operation = execution.host.operation(op);
    if (operation?.probe === undefined) return false;
    findOut(execution, step, operation, (outcome) => {
      if (outcome.kind === "unknown") this.#unknown.add(n);
      else if (outcome.kind === "nothing") {
        execution.journal.record({ t: "missing", n, at: execution.host.now() });
        this.#harmless.add(n);
        if (step.past !== undefined) step.past.maybe = false;
      } else {
        recordResult(execution, {
          kind: "result",
          n,
          ...outcome.result,
          attempts: step.past?.attempts ?? 0,
          by: "probe",
        });
      }
      execution.host.changed(execution);
      this.next();
    });
    execution.restate();
    return true;
  }

  #isOlder(step: Step): boolean {
    return this.#older.get(step.ask.n)?.includes(step) ?? false;
  }

  #named(step: Step): string {
    return `${step.ask.n}/${this.#isOlder(step) ? step.generation : "last"}`;
  }

  #tookEffect(step: Step): boolean {
    if (this.#isOlder(step)) return true;
    const { got, performance, ask, recorded } = step;
    if (got !== undefined) return got.fault === undefined && got.timeout === undefined;
    if (ask.child !== undefined) return false;
    if (this.#harmless.has(ask.n)) return false;
    if (performance !== undefined) return performance.mayHaveHappened;
    return recorded;
  }

  #ask(step: Step): void {
    const { journal, host } = this.#execution;
    const undo = undoOf(step) as NonNullable<AskRecord["undo"]>;
    const n = this.#execution.nextAsk();
    const input = step.got?.undo ?? undo.in;
    const head = {
      t: "ask" as const,
      n,
      id: `undo ${step.ask.id}`,
      v: "undo" as const,
      at: host.now(),
      op: undo.op,
      e: undo.e,
      of: step.ask.n,
      ...(this.#isOlder(step) ? { og: step.generation } : {}),
    };
    journal.ask(head, input === undefined ? undefined : JSON.stringify(input), undefined);
    const asked = { ...pastStep({ ...head, ...(input === undefined ? {} : { in: input }) }), recorded: false };
    this.#execution.steps.set(n, asked);
    if (input === undefined) {
      this.#execution.park(
        asked,
        undoQuestion(
          step.ask.id,
          "its input can't be computed, since the outcome of the step is not known.",
          undefined,
        ),
      );
      return;
    }
    journal.whenCommitted(() => this.#perform(asked, false));
    this.#execution.restate();
  }

  #perform(step: Step, resumed: boolean): void {
    const { ask } = step;
    const operation = this.#execution.host.operation(ask.op as string);
    if (operation === undefined || inputOf(step) === undefined) {
      const why =
        operation === undefined ? `this code version has no operation ${String(ask.op)}.` : "its input is not known.";
      this.#execution.park(step, undoQuestion(takenBack(ask), why, undefined));
      return;
    }
    const work = callWork(this.#execution, step, operation, resumed);
    startWork(this.#execution, step, work, (_, failed) =>
      undoQuestion(takenBack(ask), failed.message, failed, knownOf(work)),
    );
  }

  /** A step has its result. */
  settled(step: Step): void {
    if (step.ask.child !== undefined) this.next();
    if (step.ask.v !== "undo") return;
    const { got, ask } = step;
    const original = ask.og === undefined ? this.#execution.steps.get(ask.of as number) : undefined;
    if (got?.fault !== undefined && isRefused(this.#execution, step, original, got)) {
      const { name, message } = got.fault;
      // A person decides. The undo is asked anew.
      this.#execution.steps.reopen(step);
      this.#execution.park(
        step,
        undoQuestion(takenBack(ask), `${name}${message === "" ? "" : `, ${message}`}.`, undefined),
      );
      return;
    }
    this.next();
  }

  /** A person wants the undo tried again. */
  again(step: Step): void {
    this.#execution.journal.whenCommitted(() => this.#perform(step, false));
  }
}

/**
 * Whether this fault of an undo is no result: what it takes back surely happened, or the fault says something else than that there is nothing to take
 * back, such as that one may not.
 */
function isRefused(
  { host }: Running,
  { ask }: Step,
  original: Step | undefined,
  { fault }: HistoryRecord & { readonly t: "got" },
): boolean {
  if (ask.v !== "undo" || fault === undefined) return false;
  return original?.got !== undefined || host.operation(ask.op as string)?.notFound?.includes(fault.name) !== true;
}

/** Steps whose children were recalled. While it was paused, another run may have taken the place of such a child: it is recalled again. */
function recalledIn(records: readonly HistoryRecord[]): ReadonlySet<number> {
  const recalled = new Set<number>();
  for (const record of records) {
    if (record.t === "recall") recalled.add(record.n);
    else if (record.t === "op" && record.op.kind === "pause") recalled.clear();
  }
  return recalled;
}

/** Of a step with a child: the run, and what takes it back. */
function childUndo({ ask, got }: Step): string | undefined {
  const run = childRunOf(ask, got);
  return run && `${run} ${String(ask.undo?.op)}`;
}

/** Name of the step that an undo takes back. */
function takenBack({ id }: AskRecord): string {
  return id.replace(/^undo /, "");
}

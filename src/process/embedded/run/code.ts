/**
 * The code of a run, as it runs: what its verbs ask, how the history answers at replay, and how it ended. It knows nothing of
 * mail, parking and undo; those belong to the execution around it.
 */
import { failure } from "../../../errors.ts";
import { inWords, type Json, type Validate } from "../../../operation.ts";
import type { AnyProcess } from "../../define.ts";
import type { ParkedQuestion } from "../../engine.ts";
import { type Continuation, DeclaredFault, type Flow, FlowTimeout, type Rejection } from "../../flow.ts";
import { asText, defaultHistoryBytes, type ValueLimits } from "../history/json-text.ts";
import { type AskRecord, type ChildAsk, countedIn, type GotRecord, type ItemRecord } from "../history/records.ts";
import { Repeats } from "../history/repeats.ts";
import { type Cue, Script } from "../history/script.ts";
import { type Asked, askedAsJson, askedOf, matches, recordAsk } from "./asking.ts";
import { childAsk, childFailed } from "./children.ts";
import { type Ending, endingOf, type Result } from "./ending.ts";
import type { ExecutionParts, Running } from "./host.ts";
import { askerWithin, Items } from "./items.ts";
import type { Scope } from "./mapping.ts";
import { perform } from "./performing.ts";
import { type HistoryLimits, historyLimits, historyQuestion } from "./questions.ts";
import { newStep, type Step } from "./steps.ts";
import { type Asker, type Draft, flowOf } from "./verbs.ts";

/** What the code needs of its execution. */
export interface Runs extends Running {
  /** The code asked for something else than was recorded (P4). */
  diverge(recorded: Cue, asked: Json): void;
  /** The code can't go on. */
  stop(question: ParkedQuestion): void;
  /** It waits for something that is not recorded (X1). */
  foreignAwait(what: string): void;
}

const unlimited: ValueLimits = { bytes: Number.POSITIVE_INFINITY, depth: Number.POSITIVE_INFINITY };

/** Longest line that a process logs. */
const longestMessage = 4096;

/** Each its own: what awaits it must not be kept by all that ever did. */
const never = (): Promise<never> => new Promise(() => {});

export class Code implements Asker {
  readonly run: Flow["run"];
  readonly seed: string;
  readonly scope = undefined;
  readonly items: Items;
  readonly #execution: Runs;
  readonly #script: Script;
  readonly #validateOutput: ExecutionParts["validateOutput"];
  readonly #validateState: Validate;
  readonly #occurrences = new Map<string, number>();
  /** By the promise that a verb gave, or that was made of such: what a race releases. Made when there is one: most runs wait for nothing. */
  #waits: WeakMap<object, readonly Step[]> | undefined;
  #released = false;
  #awake = false;
  #asked = 0;
  #now: number;
  #pivoted = false;
  /** Records of the history. */
  #size: number;
  readonly #most: HistoryLimits;
  #continuation: Continuation | undefined;
  #rejection: Rejection | undefined;
  #result: Result | undefined;

  constructor(execution: Runs, parts: ExecutionParts) {
    this.#execution = execution;
    this.run = Object.freeze({ ...parts.identity });
    this.items = new Items(this, execution);
    this.#validateOutput = parts.validateOutput;
    this.#validateState = parts.validateState;
    this.#script = new Script(parts.records);
    const { part } = this.#script;
    this.seed = part === 1 ? this.run.id : `${this.run.id}/part ${part}`;
    this.#size = countedIn(parts.records);
    this.#most = historyLimits(parts.records, this.#bytesAtMost);
    this.#asked = this.#script.asked;
    this.#pivoted = this.#script.pivoted;
    const [start] = parts.records;
    parts.journal.repeating(Repeats.of(start));
    const begin = parts.records.slice(1, 3).find((record) => record.t === "begin");
    this.#now = (begin?.t === "begin" ? begin : (start as { at: number })).at;
  }

  get awake(): boolean {
    return this.#awake;
  }
  get pivoted(): boolean {
    return this.#pivoted;
  }
  get rejected(): boolean {
    return this.#rejection !== undefined;
  }
  /** It returned, threw or rejected. */
  get over(): boolean {
    return this.#rejection !== undefined || this.#continuation !== undefined || this.#result !== undefined;
  }

  get #bytesAtMost(): number {
    return this.#execution.host.valueLimits.historyBytes ?? defaultHistoryBytes;
  }

  /** The run goes on without its code, where the history left off. */
  leave(pivoted: boolean, asked: number): void {
    this.#pivoted = pivoted;
    this.#asked = asked;
  }

  begin(process: AnyProcess, input: Json): void {
    this.#wake();
    let promise: Promise<unknown>;
    try {
      promise = Promise.resolve(process.run(flowOf(this), input));
    } catch (error) {
      promise = Promise.reject(error);
    }
    promise.then(
      (value) => {
        this.#result = { ok: true, value };
      },
      (error: unknown) => {
        this.#result = { ok: false, error };
      },
    );
  }

  #wake(): void {
    this.#awake = true;
    this.#execution.host.awoke(this.#execution);
  }

  /** The microtasks have run dry. */
  rest(): void {
    this.#awake = false;
  }

  // --- verbs ----------------------------------------------------------------------------------------------------------

  ask(draft: Draft): Promise<unknown> {
    if (!this.#mayAsk(`${draft.kind} ${draft.name}`)) return never();
    const execution = this.#execution;
    const occurrences = draft.scope?.occurrences ?? this.#occurrences;
    const occurrence = (occurrences.get(draft.name) ?? 0) + 1;
    const cue = this.#script.peek();
    // What was recorded was within the limits of its time.
    const limits = cue === undefined ? execution.host.valueLimits : unlimited;
    // After a rewind the numbers that were used go on above those that are replayed.
    const asked: Asked = askedOf(draft, cue?.t === "ask" ? cue.n : this.#asked + 1, occurrence, limits);
    occurrences.set(draft.name, occurrence);
    if (cue === undefined) {
      if (this.#size >= this.#most.records || execution.journal.size >= this.#most.bytes) {
        execution.stop(historyQuestion(execution.journal.size, this.#bytesAtMost, this.#most, !this.#pivoted));
        return never();
      }
      this.#asked += 1;
      this.#size += 2;
      const { journal, identity, host } = execution;
      let child: ChildAsk | undefined;
      if (draft.child !== undefined) {
        const made = childAsk(host, draft.child, asked.input as string, identity, !this.#pivoted);
        if ("code" in made) {
          execution.stop(made);
          return never();
        }
        child = made;
      }
      const step = this.#addStep(recordAsk(journal, identity, asked, host.now(), child, host.vault), draft, false);
      if (draft.live.kind !== "wait") journal.whenCommitted(() => perform(execution, step, false));
      return step.promise;
    }
    if (cue.t !== "ask" || !matches(cue, asked)) {
      execution.diverge(cue, askedAsJson(asked));
      return never();
    }
    this.#script.advance();
    return this.#addStep(cue, draft, true).promise;
  }

  pivot(scope?: Scope): void {
    if (!this.#mayAsk("pivot")) return;
    this.#pivoted = true;
    const cue = this.#script.peek();
    if (cue === undefined)
      this.#execution.journal.record(scope === undefined ? { t: "pivot" } : { t: "pivot", s: [scope.m, scope.i] });
    else if (cue.t === "pivot") this.#script.advance();
    else this.#execution.diverge(cue, { asked: "pivot" });
  }

  group(promise: Promise<unknown>, branches: readonly unknown[]): void {
    const waits = this.#waitsIn(branches);
    if (waits.length > 0) this.#remember(promise, waits);
  }

  release(branches: readonly unknown[]): void {
    const steps = this.#waitsIn(branches).filter(({ given, got }) => !given && got?.released !== true);
    if (steps.length === 0 || !this.#mayAsk("race")) return;
    const ns = [...new Set(steps.map(({ ask }) => ask.n))];
    const { journal, host } = this.#execution;
    const cue = this.#script.peek();
    let at: number;
    if (cue === undefined) {
      at = host.now();
      journal.record({ t: "release", at, ns });
      for (const n of ns) journal.release(n);
    } else if (cue.t === "release" && cue.ns.join() === ns.join()) {
      at = cue.at;
      this.#script.advance();
    } else {
      this.#execution.diverge(cue, { asked: "race", released: steps.map(({ ask }) => ask.id) });
      return;
    }
    this.#released = true;
    for (const step of steps) step.got = { t: "got", n: step.ask.n, at, released: true };
  }

  #remember(promise: Promise<unknown>, waits: readonly Step[]): void {
    this.#waits ??= new WeakMap();
    this.#waits.set(promise, waits);
  }

  #waitsIn(branches: readonly unknown[]): readonly Step[] {
    return branches.flatMap((branch) => this.#waits?.get(branch as object) ?? []);
  }

  /** Whether any wait lost a race. */
  get released(): boolean {
    return this.#released;
  }

  state(value: unknown, scope?: Scope): void {
    if (!this.#mayAsk("state")) return;
    const text = this.#noteText(value, "the state");
    const problems = this.#validateState(JSON.parse(text));
    const { journal, identity } = this.#execution;
    if (problems.length > 0)
      throw failure("state-invalid", { process: identity.process, problems: inWords(problems.slice(0, 20)) });
    if (!this.#script.noted("state")) journal.show(text, scope && [scope.m, scope.i]);
  }

  log(message: string, fields: unknown, scope?: Scope): void {
    if (!this.#mayAsk("log")) return;
    const m = String(message).slice(0, longestMessage);
    const f = fields === undefined ? undefined : (JSON.parse(this.#noteText(fields, "the log")) as Json);
    const { journal, host } = this.#execution;
    if (!this.#script.noted("log"))
      journal.record({
        t: "log",
        at: host.now(),
        m,
        ...(f === undefined ? {} : { f }),
        s: scope && [scope.m, scope.i],
      });
  }

  /** Limits are for what is new. */
  #noteText(value: unknown, what: string): string {
    return asText(value, what, this.#script.peek() === undefined ? this.#execution.host.valueLimits : unlimited);
  }

  continueAs(next: Continuation): void {
    if (this.#mayAsk("continueAs")) this.#continuation ??= next;
  }

  /** The code wants to go on as its next part. */
  get continuation(): Continuation | undefined {
    return this.#continuation;
  }
  get part(): number {
    return this.#script.part;
  }
  /** The highest number that was asked. */
  get asked(): number {
    return this.#asked;
  }

  get maps(): Items {
    return this.items;
  }
  within(scope: Scope): Asker {
    return askerWithin(this, scope);
  }
  mayAsk(what: string): boolean {
    return this.#mayAsk(what);
  }
  /** The code is given something that was recorded at this time. */
  resumeAt(at: number): void {
    this.#now = at;
    this.#wake();
  }
  /** The history was compacted. */
  shortened(records: number): void {
    this.#size = Math.max(0, this.#size - records);
  }

  reject(rejection: Rejection): void {
    if (this.#mayAsk("reject")) this.#rejection ??= rejection;
  }

  now(): number {
    return this.#now;
  }

  nextAsk(): number {
    this.#asked += 1;
    return this.#asked;
  }

  /** X1. */
  #mayAsk(what: string): boolean {
    if (this.#execution.phase !== "code") return false;
    if (this.#awake) return this.#rejection === undefined && this.#continuation === undefined;
    this.#execution.foreignAwait(`called ${what} after it had awaited`);
    return false;
  }

  #addStep(ask: AskRecord, { live, scope }: Draft, recorded: boolean): ReturnType<typeof newStep> {
    const step = newStep(ask, live, recorded, this.#script.generations.get(ask.n));
    step.edit = this.#script.edits.get(ask.n);
    this.#execution.steps.set(ask.n, step);
    // A child that loses a race goes on, and its end is recorded: it can be undone.
    if (live.kind === "wait" && ask.child === undefined && live.mapping === undefined)
      this.#remember(step.promise, [step]);
    scope?.steps.push(step);
    // Its items begin in the order in which they are asked for.
    if (live.kind === "wait") live.mapping?.begin(step, this.#script.finished.of(ask.n));
    return step;
  }

  // --- results --------------------------------------------------------------------------------------------------------

  /** Gives the code the result of a step. */
  give(step: Step): void {
    const got = step.got as GotRecord;
    const { live, ask } = step;
    this.#now = got.at;
    step.given = true;
    this.#wake();
    const asValue = live?.kind === "call" && live.faultIsValue;
    if (live?.kind === "wait" && live.mapping !== undefined) live.mapping.give(step);
    else if (got.timeout === true) step.reject(new FlowTimeout(`${ask.id}: nothing came in time`));
    else if (ask.v === "sleep") step.resolve(undefined);
    else if (got.fault === undefined) step.resolve(asValue ? { ok: true, output: got.ok } : got.ok);
    else if (ask.child !== undefined) step.reject(childFailed(got));
    else if (asValue) step.resolve({ ok: false, fault: got.fault });
    else step.reject(new DeclaredFault(ask.op ?? ask.id, got.fault as never));
  }

  /**
   * X3: the code has asked all it asks now, so the next cue must be a result, which it is given. False once the history is
   * replayed.
   */
  replay(): boolean {
    const cue = this.#script.peek();
    if (cue === undefined) {
      this.#script.over();
      return false;
    }
    if (cue.t === "item") {
      this.#script.advance();
      if (!this.items.replay(cue)) this.#execution.diverge(cue, { asked: "nothing" });
      return true;
    }
    const step = cue.t === "got" ? this.#execution.steps.get(cue.n) : undefined;
    const unfinished = step?.live?.kind === "wait" && step.live.mapping?.done === false;
    if (cue.t !== "got" || step === undefined || unfinished) {
      this.#execution.diverge(cue, { asked: this.#result === undefined ? "nothing" : "the end" });
      return true;
    }
    this.#script.advance();
    step.got = cue;
    this.give(step);
    return true;
  }

  /** Whether the history holds steps that a rewind superseded. */
  get rewound(): boolean {
    return this.#script.rewound;
  }

  /** Results that are known, and that the code was not given yet. */
  get held(): readonly GotRecord[] {
    return this.#script.held;
  }
  /** The same of items of maps. */
  get heldItems(): readonly ItemRecord[] {
    return this.#script.heldItems;
  }

  /** How it ended. */
  ending(): Ending {
    const { valueLimits, where } = this.#execution.host;
    return endingOf(this.#rejection, this.#result, this.#pivoted, this.#validateOutput, valueLimits, where);
  }
}

/**
 * One run in its worker: the process's code, its history, its steps.
 *
 * Invariants:
 *  X1  Code runs only between a delivery and the drain after it (`awake`); a verb called at any other time means that the code
 *      awaits something that is not recorded, and parks the run.
 *  X2  One delivery at a time: the next one waits until the microtasks of the one before have run dry. So the order in which
 *      results were recorded is the order in which the code saw them, and replay can follow it.
 *  X3  While cues of the history are left, a verb must be the one the next cue names, and a result is given only when the next
 *      cue is that result (P4). What differs parks the run; it never surfaces in the code.
 *  X4  A step is performed only after its intent is on disk (P3); nothing else waits for the disk.
 *  X5  Once the end has begun (`undoing`), the code is given nothing more.
 */
import { failure } from "../../errors.ts";
import {
  type AnyOperation,
  type Caller,
  type CallResult,
  type Json,
  milliseconds,
  type Validate,
} from "../../operation.ts";
import type { AnyProcess } from "../define.ts";
import type { Actor, Operation, ParkedQuestion, RunStatus } from "../engine.ts";
import { DeclaredFault, type Flow, FlowTimeout, type Rejection } from "../flow.ts";
import { Performance, probeOf, type Surroundings, settleOf, type Work } from "./attempts.ts";
import type { Journal } from "./journal.ts";
import { asText, jsonOf, sameInput } from "./json-text.ts";
import type { Policy } from "./policy.ts";
import { codeQuestion, divergenceQuestion, stepQuestion } from "./questions.ts";
import { type AskRecord, effectKey, type GotRecord, type HistoryRecord } from "./records.ts";
import { openQuestions, restingSteps, Script } from "./script.ts";
import type { LiveStep, Mail, Step } from "./steps.ts";
import { type UndoAs, Undoing } from "./undoing.ts";
import { type Asker, type Draft, flowOf } from "./verbs.ts";
import type { Delivery } from "./wire.ts";

/** What a worker lends to its executions. */
export interface Host extends Surroundings {
  readonly caller: Caller;
  /** An operation by `system.name`, for undo after a crash. */
  operation(name: string): AnyOperation | undefined;
  /** Nothing new may be begun. */
  readonly stopping: boolean;
  /** Something is to be written. */
  changed(execution: Execution): void;
  /** Mail is waiting and the execution is free to take it. */
  ready(execution: Execution): void;
  /** Code was given something: call `drained` when the microtasks have run dry. */
  awoke(execution: Execution): void;
  /** The run has ended, and its end is on disk. */
  ended(execution: Execution): void;
  /** Forget this execution, and load the run from the store again. */
  reload(execution: Execution): void;
}

export interface Identity {
  readonly id: string;
  readonly key: string;
  readonly process: string;
  readonly version: string;
}

type Phase =
  | { readonly kind: "code" }
  /** The code can't go on; a person decides. */
  | { readonly kind: "stopped"; readonly question: ParkedQuestion }
  | { readonly kind: "undoing"; readonly undoing: Undoing }
  | { readonly kind: "ended" };

/** How the process's code ended. */
type Result = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown };

const never = new Promise<never>(() => {});
const callTimeout = 60_000;

export class Execution implements Asker {
  readonly identity: Identity;
  readonly run: Flow["run"];
  readonly journal: Journal;
  readonly steps = new Map<number, Step>();
  readonly policy: Policy;
  readonly host: Host;
  readonly #process: AnyProcess | undefined;
  readonly #validateOutput: Validate;
  readonly #script: Script;
  /** Step questions of the history that are still open. */
  readonly #openQuestions: ReadonlyMap<number, ParkedQuestion>;
  readonly #resting: ReadonlySet<number>;
  readonly #occurrences = new Map<string, number>();
  readonly #seen = new Set<number>();
  readonly #mail: Mail[] = [];
  #phase: Phase = { kind: "code" };
  #awake = false;
  #replayed = false;
  #asked = 0;
  #now: number;
  #pivoted = false;
  #rejection: Rejection | undefined;
  #result: Result | undefined;

  constructor(
    host: Host,
    identity: Identity,
    process: AnyProcess | undefined,
    policy: Policy,
    validateOutput: Validate,
    journal: Journal,
    records: readonly HistoryRecord[],
  ) {
    this.host = host;
    this.identity = identity;
    this.run = Object.freeze({ ...identity });
    this.journal = journal;
    this.policy = policy;
    this.#process = process;
    this.#validateOutput = validateOutput;
    this.#script = new Script(records);
    this.#now = (records[0] as { at: number }).at;
    this.#openQuestions = openQuestions(records);
    this.#resting = restingSteps(records);
  }

  /** Runs the code from the start, on what the history holds. A run whose undo had begun goes on undoing, a stopped one stays stopped. */
  begin(): void {
    const { records } = this.#script;
    const undoing = records.findLast((record) => record.t === "undoing");
    if (undoing?.t === "undoing") {
      this.#pivoted = records.some((record) => record.t === "pivot");
      this.#asked = records.reduce((most, record) => (record.t === "ask" ? Math.max(most, record.n) : most), 0);
      const resumed = Undoing.resume(this, undoing, records);
      this.#phase = { kind: "undoing", undoing: resumed };
      resumed.next();
      return;
    }
    const last = records.findLast((record) => (record.t === "park" && record.n === undefined) || record.t === "op");
    if (last?.t === "park") {
      this.#phase = { kind: "stopped", question: last.q };
      return;
    }
    if (this.#process === undefined) {
      const { process, version } = this.identity;
      this.#stop(codeQuestion("process-missing", `Code version ${version} has no process ${process}.`, !this.#pivoted));
      return;
    }
    const { input } = records[0] as { input: Json };
    this.#awake = true;
    this.host.awoke(this);
    let promise: Promise<unknown>;
    try {
      promise = this.#process.run(flowOf(this), input);
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

  // --- verbs ----------------------------------------------------------------------------------------------------------

  ask(draft: Draft): Promise<unknown> {
    if (!this.#mayAsk(`${draft.kind} ${draft.name}`)) return never;
    const times = (this.#occurrences.get(draft.name) ?? 0) + 1;
    this.#occurrences.set(draft.name, times);
    const id = times === 1 ? draft.name : `${draft.name}#${times}`;
    const n = ++this.#asked;
    const key = effectKey(this.identity.id, n);
    const input = draft.input === undefined && draft.kind !== "call" ? undefined : asText(draft.input, id);
    const operation = draft.operation && `${draft.operation.system}.${draft.operation.name}`;

    const cue = this.#script.peek();
    if (cue !== undefined) {
      if (cue.t !== "ask" || !matches(cue, draft, id, operation, input)) {
        this.#diverge(cue, {
          asked: draft.kind,
          id,
          ...(input === undefined ? {} : { input: JSON.parse(input) as Json }),
        });
        return never;
      }
      this.#script.advance();
      return this.#addStep(cue, draft.live, true);
    }
    const at = this.host.now();
    const due = draft.within === undefined ? undefined : at + milliseconds(draft.within);
    const undo = draft.undo && undoText(draft.undo, key);
    const head: Omit<AskRecord, "in" | "undo" | "t"> = {
      n,
      id,
      v: draft.kind,
      at,
      ...(operation === undefined ? {} : { op: operation }),
      ...(draft.effect === undefined ? {} : { e: draft.effect }),
      ...(due === undefined ? {} : { due }),
      ...(draft.event === undefined ? {} : { ev: draft.event.name, key: draft.event.key }),
    };
    this.journal.ask(head, input, undo);
    this.#recordWait(draft, n, due, input);
    const parsed: AskRecord = {
      t: "ask",
      ...head,
      ...(input === undefined ? {} : { in: JSON.parse(input) as Json }),
      ...(undo === undefined ? {} : { undo: JSON.parse(undo) }),
    };
    const promise = this.#addStep(parsed, draft.live, false);
    const step = this.steps.get(n) as Step;
    if (draft.live.kind !== "wait") this.journal.whenCommitted(() => this.#perform(step, false));
    return promise;
  }

  pivot(): void {
    if (!this.#mayAsk("pivot")) return;
    this.#pivoted = true;
    const cue = this.#script.peek();
    if (cue === undefined) this.journal.record({ t: "pivot" });
    else if (cue.t === "pivot") this.#script.advance();
    else this.#diverge(cue, { asked: "pivot" });
  }

  reject(rejection: Rejection): void {
    if (this.#mayAsk("reject")) this.#rejection ??= rejection;
  }

  now(): number {
    return this.#now;
  }

  /** X1. */
  #mayAsk(what: string): boolean {
    if (this.#phase.kind !== "code") return false;
    if (this.#awake) return this.#rejection === undefined;
    this.#stop(
      codeQuestion(
        "process-foreign-await",
        `The process called ${what} after it had awaited something other than a verb of flow. Such a wait is not recorded and can't be replayed: wrap it in flow.step.`,
        !this.#pivoted,
      ),
    );
    return false;
  }

  #addStep(ask: AskRecord, live: LiveStep, recorded: boolean): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    // A branch that nobody awaits yet must not count as an unhandled rejection.
    promise.catch(() => {});
    this.steps.set(ask.n, {
      ask,
      live,
      recorded,
      got: undefined,
      performance: undefined,
      question: undefined,
      resolve,
      reject,
    });
    return promise;
  }

  #recordWait(draft: Draft, n: number, due: number | undefined, input: string | undefined): void {
    if (draft.kind === "sleep") this.journal.timer(n, due as number);
    else if (draft.event !== undefined) {
      const { name: event, key } = draft.event;
      this.journal.wait({ n, event, key, ...(due === undefined ? {} : { due }) });
    } else if (draft.task !== undefined) {
      const { definition, assign } = draft.task;
      const { id, process, key: runKey } = this.identity;
      this.journal.task({
        n,
        id: effectKey(id, n),
        process,
        runKey,
        name: definition.name,
        title: definition.title,
        assign,
        input: input ?? "null",
        form: JSON.stringify(definition.answer.json),
        ...(due === undefined ? {} : { due }),
      });
    }
  }

  // --- deliveries -----------------------------------------------------------------------------------------------------

  /** A row of the inbox. One that was seen is ignored: it comes again when the run is loaded. */
  receive(delivery: Delivery): void {
    if (this.#seen.has(delivery.id) || this.#phase.kind === "ended") return;
    this.#seen.add(delivery.id);
    if (delivery.kind === "operate") {
      this.journal.consume(delivery.id);
      const { operation, actor } = JSON.parse(delivery.body) as { operation: Operation; actor: Actor };
      this.#operate(operation, actor);
      this.host.changed(this);
      return;
    }
    this.#post({ kind: "inbox", id: delivery.id, n: delivery.n, what: delivery.kind, body: delivery.body });
  }

  #post(mail: Mail): void {
    if (this.#phase.kind === "code") {
      this.#mail.push(mail);
      if (!this.#awake && this.#replayed) this.host.ready(this);
      return;
    }
    // X5: recorded, and given to nobody.
    this.#record(mail);
    this.host.changed(this);
  }

  /** Whether code is running. */
  get awake(): boolean {
    return this.#awake;
  }

  /** The worker is being stopped: results are written, and given to the code at the next start. Attempts under way end first. */
  settleForStop(done: () => void): void {
    let left = 1;
    const one = () => {
      left -= 1;
      if (left > 0) return;
      for (const mail of this.#mail.splice(0)) this.#record(mail);
      this.host.changed(this);
      done();
    };
    for (const step of this.openSteps()) {
      if (step.performance === undefined) continue;
      left += 1;
      step.performance.stop(one);
    }
    one();
  }

  /** Gives the code the next result (X2). */
  takeMail(): void {
    while (this.#phase.kind === "code" && !this.#awake && this.#replayed) {
      const mail = this.#mail.shift();
      if (mail === undefined) return;
      const step = this.#record(mail);
      if (step === undefined) continue;
      this.#give(step);
      return;
    }
  }

  /** Writes what came as the step's result; `undefined` if the step has one. */
  #record(mail: Mail): Step | undefined {
    if (mail.kind === "inbox") this.journal.consume(mail.id);
    const step = this.steps.get(mail.n);
    if (step === undefined || step.got !== undefined) return undefined;
    const { n } = mail;
    const at = this.host.now();
    step.question = undefined;
    if (mail.kind === "inbox") {
      if (mail.what === "timer") {
        const timeout = step.ask.v !== "sleep";
        step.got = { t: "got", n, at, ...(timeout ? { timeout } : { ok: null }) };
        this.journal.got({ n, at, ...(timeout ? { timeout } : {}) }, timeout ? undefined : "null", undefined);
      } else {
        step.got = { t: "got", n, at, ok: JSON.parse(mail.body) as Json };
        this.journal.got({ n, at }, mail.body, undefined);
      }
      return step;
    }
    const head = {
      n,
      at,
      ...(mail.attempts > 1 ? { a: mail.attempts } : {}),
      ...(mail.by === undefined ? {} : { by: mail.by }),
    };
    if (mail.result.ok) {
      const ok = mail.result.output;
      const undo = this.#undoWithOutput(step, ok);
      this.journal.got(head, JSON.stringify(ok), undo);
      step.got = { t: "got", ...head, ok, ...(undo === undefined ? {} : { undo: JSON.parse(undo) as Json }) };
    } else {
      this.journal.got({ ...head, fault: mail.result.fault }, undefined, undefined);
      step.got = { t: "got", ...head, fault: mail.result.fault };
    }
    return step;
  }

  #undoWithOutput(step: Step, output: Json): string | undefined {
    const { live, ask } = step;
    if (ask.undo === undefined || live === undefined || live.kind === "wait" || live.undoWith === undefined)
      return undefined;
    try {
      return asText(live.undoWith({ output: output as never, key: effectKey(this.identity.id, ask.n) }), ask.id);
    } catch {
      // Without it the undo that was computed with the intent counts; if there is none either, undoing asks a person.
      return undefined;
    }
  }

  #give(step: Step): void {
    const got = step.got as GotRecord;
    this.#now = got.at;
    this.#awake = true;
    this.host.awoke(this);
    const { live, ask } = step;
    if (got.timeout === true) step.reject(new FlowTimeout(`${ask.id}: nothing came in time`));
    else if (got.fault !== undefined) {
      if (live?.kind === "call" && live.faultIsValue) step.resolve({ ok: false, fault: got.fault });
      else step.reject(new DeclaredFault(ask.op ?? ask.id, got.fault as never));
    } else if (live?.kind === "call" && live.faultIsValue) step.resolve({ ok: true, output: got.ok });
    else step.resolve(got.ok);
  }

  /** The microtasks have run dry. */
  drained(): void {
    this.#awake = false;
    if (this.#phase.kind !== "code") return;
    const cue = this.#script.peek();
    if (cue !== undefined) {
      const step = cue.t === "got" ? this.steps.get(cue.n) : undefined;
      if (cue.t !== "got" || step === undefined) {
        this.#diverge(cue, { asked: this.#result === undefined ? "nothing" : "the end" });
        return;
      }
      this.#script.advance();
      step.got = cue;
      this.#give(step);
      return;
    }
    if (!this.#replayed) {
      this.#replayed = true;
      this.#resume();
    }
    if (this.#mail.length > 0) {
      this.host.ready(this);
      return;
    }
    if (this.#rejection !== undefined || this.#result !== undefined) this.#finish();
    else if (this.openSteps().length === 0) {
      this.#stop(
        codeQuestion(
          "process-foreign-await",
          "The process awaits something other than a verb of flow. Such a wait is not recorded and can't be replayed: wrap it in flow.step.",
          !this.#pivoted,
        ),
      );
    } else this.restate();
  }

  /** Steps whose intent is on disk and whose result is not. */
  #resume(): void {
    for (const step of this.openSteps()) {
      if (!step.recorded) continue;
      const question = this.#openQuestions.get(step.ask.n);
      if (question !== undefined) step.question = question;
      else this.#perform(step, !this.#resting.has(step.ask.n));
    }
  }

  openSteps(): Step[] {
    const open: Step[] = [];
    for (const step of this.steps.values()) if (step.got === undefined) open.push(step);
    return open;
  }

  // --- performing -----------------------------------------------------------------------------------------------------

  #perform(step: Step, resumed: boolean): void {
    const { live, ask } = step;
    if (live === undefined || live.kind === "wait" || step.got !== undefined || this.#phase.kind === "ended") return;
    // The end began before this step did: it never happens.
    if (this.#phase.kind === "undoing" && !resumed) return;
    const common = {
      what: ask.op ?? "step",
      run: this.identity.id,
      key: effectKey(this.identity.id, ask.n),
      askedAt: ask.at,
      policy: this.policy,
      resumed,
    };
    const { caller } = this.host;
    const work: Work =
      live.kind === "call"
        ? {
            ...common,
            effect: ask.e ?? live.operation.effect,
            keyLifetimeMs: live.operation.keyLifetimeMs,
            timeoutMs: callTimeout,
            attempt: (context) => caller(live.operation, ask.in as Json, context),
            probe: probeOf(live.operation, ask.in as Json, caller),
            settleMs: settleOf(live.operation),
          }
        : {
            ...common,
            effect: ask.e ?? "unrepeatable",
            keyLifetimeMs: undefined,
            timeoutMs: live.timeoutMs,
            attempt: (context) => localAttempt(live, context),
            probe: live.probe && (async (context) => jsonOf(await live.probe?.(context))),
            settleMs: 0,
          };
    this.start(step, work, (code, failed) => stepQuestion(code, ask.id, work.key, failed, !this.#pivoted));
  }

  /** Performs a step; `asking` words the question if it parks. */
  start(
    step: Step,
    work: Work,
    asking: (code: Parameters<typeof stepQuestion>[0], failed: Parameters<typeof stepQuestion>[3]) => ParkedQuestion,
  ): void {
    const { n } = step.ask;
    step.question = undefined;
    if (this.host.stopping) {
      if (!work.resumed) this.journal.record({ t: "held", n, at: this.host.now() });
      this.host.changed(this);
      return;
    }
    step.performance = new Performance(
      work,
      {
        settled: (result: CallResult, attempts, by) => {
          this.#post({ kind: "result", n, result, attempts, by });
          if (this.#phase.kind === "undoing") this.#phase.undoing.settled(step);
        },
        failed: (attempt, failed, next) => {
          if (this.#phase.kind === "ended") return;
          this.journal.record({
            t: "try",
            n,
            a: attempt,
            at: this.host.now(),
            f: failed,
            ...(next === undefined ? {} : { next }),
          });
          this.host.changed(this);
        },
        again: (attempt, go) => {
          if (this.#phase.kind === "ended") return;
          this.journal.record({ t: "again", n, a: attempt, at: this.host.now() });
          this.journal.whenCommitted(go);
          this.host.changed(this);
        },
        parked: (code, failed) => {
          if (this.#phase.kind === "ended") return;
          this.park(step, asking(code, failed));
        },
      },
      this.host,
    );
    step.performance.begin();
  }

  park(step: Step, question: ParkedQuestion): void {
    step.question = question;
    this.journal.record({ t: "park", at: this.host.now(), n: step.ask.n, q: question });
    this.restate();
  }

  // --- states ---------------------------------------------------------------------------------------------------------

  /** Derives the status that people see. */
  restate(): void {
    const [status, reason] = this.#statusNow();
    this.journal.state(status, reason);
    this.host.changed(this);
  }

  #statusNow(): [RunStatus, string | undefined] {
    const open = this.openSteps();
    const asking = open.find((step) => step.question !== undefined);
    if (asking?.question !== undefined) return ["parked", asking.question.message];
    if (this.#phase.kind === "stopped") return ["parked", this.#phase.question.message];
    if (this.#phase.kind === "undoing") return ["undoing", this.#phase.undoing.reason];
    if (open.length > 0 && open.every((step) => step.live?.kind === "wait"))
      return ["waiting", waitReason(open[0] as Step)];
    return ["running", undefined];
  }

  #diverge(recorded: unknown, asked: Json): void {
    const message =
      "The code does not follow this run's history: it asked for something else than was recorded. The run goes on only with code that asks the same.";
    this.#stop(divergenceQuestion(message, recorded as Json, asked, !this.#pivoted));
  }

  #stop(question: ParkedQuestion): void {
    this.#phase = { kind: "stopped", question };
    this.journal.record({ t: "park", at: this.host.now(), q: question });
    this.restate();
  }

  /** The code is through, or was rejected. Attempts under way are awaited, so that their results are recorded. */
  #finish(): void {
    const working = this.openSteps().some((step) => step.live?.kind !== "wait");
    if (this.#rejection !== undefined) {
      if (this.#pivoted)
        this.#stop(
          codeQuestion("process-after-pivot", `The process rejected after its pivot: ${this.#rejection.reason}`, false),
        );
      else this.undo("rejected", this.#rejection.reason, jsonOf(this.#rejection.detail));
      return;
    }
    if (working) {
      this.restate();
      return;
    }
    const result = this.#result as Result;
    if (!result.ok) {
      this.#failed(result.error);
      return;
    }
    let out: string;
    try {
      out = asText(result.value ?? null, "the output");
    } catch (error) {
      this.#stop(codeQuestion("process-output", (error as Error).message, !this.#pivoted));
      return;
    }
    const problems = this.#validateOutput(JSON.parse(out));
    if (problems.length > 0) {
      const text = problems.map(({ at, message }) => `${at || "/"} ${message}`).join("; ");
      this.#stop(
        codeQuestion("process-output", `The output does not fit the process's output schema: ${text}`, !this.#pivoted),
      );
      return;
    }
    this.end("completed", undefined, undefined, out);
  }

  #failed(error: unknown): void {
    if (error instanceof DeclaredFault || error instanceof FlowTimeout) {
      if (this.#pivoted)
        this.#stop(codeQuestion("process-after-pivot", `After its pivot the process failed: ${error.message}`, false));
      else this.undo("undone", error.message, error instanceof DeclaredFault ? jsonOf(error.fault) : undefined);
      return;
    }
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#stop(codeQuestion("process-threw", `The process's code threw: ${message.slice(0, 2000)}`, !this.#pivoted));
  }

  undo(as: UndoAs, reason: string, detail: Json | undefined): void {
    const undoing = Undoing.start(this, as, reason, detail);
    this.#phase = { kind: "undoing", undoing };
    for (const mail of this.#mail.splice(0)) this.#record(mail);
    undoing.stopOthers();
  }

  end(status: RunStatus, reason: string | undefined, detail: Json | undefined, out: string | undefined): void {
    this.#phase = { kind: "ended" };
    const at = this.host.now();
    this.journal.end(
      { at, status, ...(reason === undefined ? {} : { reason }), ...(detail === undefined ? {} : { detail }) },
      out,
    );
    if (this.openSteps().length > 0) this.journal.drop();
    this.journal.state(status, reason);
    this.journal.settle({
      ...(out === undefined ? {} : { out }),
      ...(reason === undefined
        ? {}
        : { failure: JSON.stringify({ reason, ...(detail === undefined ? {} : { detail }) }) }),
    });
    this.journal.whenCommitted(() => this.host.ended(this));
    this.host.changed(this);
  }

  nextAsk(): number {
    return ++this.#asked;
  }

  // --- operators ------------------------------------------------------------------------------------------------------

  #operate(operation: Operation, actor: Actor): void {
    const asking = this.openSteps().find((step) => step.question !== undefined);
    const at = this.host.now();
    this.journal.record({ t: "op", at, op: operation, actor, ...(asking === undefined ? {} : { n: asking.ask.n }) });
    const { kind } = operation;
    if (kind === "terminate") {
      for (const step of this.openSteps()) step.performance?.stop(() => {});
      this.end("terminated", actor.reason, undefined, undefined);
    } else if (kind === "undo" || kind === "cancel") {
      if (this.#phase.kind === "undoing" || this.#pivoted) return;
      this.undo(kind === "undo" ? "undone" : "cancelled", actor.reason, undefined);
    } else if (asking === undefined) {
      if (kind !== "happened" && this.#phase.kind === "stopped") this.#again();
    } else if (kind === "happened") {
      this.#post({
        kind: "result",
        n: asking.ask.n,
        result: { ok: true, output: operation.result },
        attempts: 0,
        by: "operator",
      });
      if (this.#phase.kind === "undoing") this.#phase.undoing.settled(asking);
    } else {
      if (this.#phase.kind === "undoing") this.#phase.undoing.again(asking);
      else this.journal.whenCommitted(() => this.#perform(asking, false));
      asking.question = undefined;
      this.restate();
    }
  }

  /** Stopped code starts anew from the history, once nothing is under way. */
  #again(): void {
    this.journal.state("running");
    let left = 1;
    const done = () => {
      left -= 1;
      if (left === 0) this.journal.whenCommitted(() => this.host.reload(this));
      this.host.changed(this);
    };
    for (const step of this.openSteps()) {
      if (step.performance === undefined) continue;
      left += 1;
      step.performance.stop(done);
    }
    done();
  }
}

function localAttempt(
  live: LiveStep & { readonly kind: "step" },
  context: Parameters<Work["attempt"]>[0],
): Promise<CallResult> {
  const { key, attempt } = context;
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(live.timeoutMs)]);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener(
      "abort",
      () => reject(failure("step-timeout", { ms: live.timeoutMs }, { outcome: "unknown" })),
      { once: true },
    );
  });
  const work = (async () => ({
    ok: true as const,
    output: jsonOf(await live.perform({ key, attempt, signal })) ?? null,
  }))();
  return Promise.race([work, late]);
}

function matches(
  cue: AskRecord,
  draft: Draft,
  id: string,
  operation: string | undefined,
  input: string | undefined,
): boolean {
  return (
    cue.v === draft.kind &&
    cue.id === id &&
    cue.op === operation &&
    cue.ev === draft.event?.name &&
    cue.key === draft.event?.key &&
    sameInput(cue.in, input)
  );
}

/** The undo of a step before its output is known. What throws here needs the output, and is computed with it. */
function undoText(undo: NonNullable<Draft["undo"]>, key: string): string {
  const { operation } = undo;
  const head = JSON.stringify({ op: `${operation.system}.${operation.name}`, e: operation.effect }).slice(0, -1);
  let input: string | undefined;
  try {
    input = asText(undo.with({ output: undefined as never, key }), "an undo");
  } catch {
    input = undefined;
  }
  return `${head}${input === undefined ? "" : `,"in":${input}`}}`;
}

function waitReason({ ask }: Step): string {
  const until = ask.due === undefined ? "" : ` until ${new Date(ask.due).toISOString()}`;
  if (ask.v === "receive") return `waits for ${String(ask.ev)} of ${String(ask.key)}${until}`;
  return ask.v === "task" ? `waits for people: ${ask.id}${until}` : `sleeps${until}`;
}

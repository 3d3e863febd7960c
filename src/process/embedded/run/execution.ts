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
 *  X6  A result that comes while the code is given nothing (stopped, paused, a worker that stops) is held: written at once, and given
 *      later by a record of its own, which is its place in the order.
 *
 * The parts: code.ts runs the code, asking.ts and results.ts write records, performing.ts and attempts.ts act, undoing.ts takes back, ending.ts judges how
 * the code ended, operating.ts does what operators say. What decides between them is one file, since it keeps X1 to X6.
 */
import type { ErrorCode } from "../../../errors.ts";
import type { Json } from "../../../operation.ts";
import type { AnyProcess } from "../../define.ts";
import type { ParkedQuestion, RunStatus } from "../../engine.ts";
import { causeOf } from "../history/causes.ts";
import type { HistoryRecord } from "../history/records.ts";
import { type Cue, questionsIn } from "../history/script.ts";
import { places } from "../history/vault.ts";
import type { ActDelivery, Delivery } from "../wire.ts";
import { Code, type Runs } from "./code.ts";
import { Folding, nextPart } from "./continuing.ts";
import { divergenceOf } from "./divergence.ts";
import { type ExecutionParts, type Host, type Identity, openSteps, type UndoAs } from "./host.ts";
import type { Journal } from "./journal.ts";
import { openingOf } from "./opening.ts";
import { operate } from "./operating.ts";
import { stopAll } from "./performing.ts";
import { codeQuestion, divergenceQuestion, foreignAwaitQuestion } from "./questions.ts";
import { recordResult } from "./results.ts";
import { holdBack, resume } from "./resuming.ts";
import { receivesFrom } from "./rewinding.ts";
import { stackHere } from "./stack.ts";
import { type Phase, statusOf } from "./status.ts";
import { isSignal, type Mail, type Step, Steps } from "./steps.ts";
import { Undoing } from "./undoing.ts";

export class Execution implements Runs {
  readonly host: Host;
  readonly identity: Identity;
  readonly journal: Journal;
  readonly retry: ExecutionParts["retry"];
  readonly steps = new Steps();
  readonly #process: AnyProcess | undefined;
  readonly #records: readonly HistoryRecord[];
  readonly #unreadable: string | undefined;
  readonly #code: Code;
  /** Inbox rows that were taken in. */
  readonly #seen = new Set<number>();
  readonly #mail: Mail[] = [];
  /** Operators' acts that came before the history was replayed. */
  readonly #early: Delivery[] = [];
  restarting = false;
  #phase: Phase = { kind: "code" };
  #replayed = false;
  /** Questions that were asked since it was loaded. */
  #parked = 0;
  readonly #folding = new Folding();
  /** It will be loaded anew, and its status is set. */
  #leaving = false;
  /** It is being let go: the code gets nothing, nothing is begun, and what comes stays in the inbox for whoever has the run next. */
  settling = false;

  constructor(parts: ExecutionParts) {
    this.host = parts.host;
    this.identity = parts.identity;
    this.journal = parts.journal;
    this.retry = parts.retry;
    this.#process = parts.process;
    this.#records = parts.records;
    this.#unreadable = parts.unreadable;
    this.#code = new Code(this, parts);
  }

  get phase(): Phase["kind"] {
    return this.#phase.kind;
  }
  get pivoted(): boolean {
    return this.#code.pivoted;
  }
  get awake(): boolean {
    return this.#code.awake;
  }
  nextAsk(): number {
    return this.#code.nextAsk();
  }

  /** Nothing is under way here, and nothing will be before something comes: the store alone can hold it meanwhile. */
  get resting(): boolean {
    if (this.awake || this.#mail.length > 0 || this.#early.length > 0) return false;
    const { kind } = this.#phase;
    if (kind === "ended" || (kind === "code" && !this.#replayed)) return false;
    const open = openSteps(this.steps);
    if (kind === "stopped" || kind === "paused") return open.every((step) => step.performance?.over !== false);
    return open.length > 0 && open.every((step) => step.live?.kind === "wait" || step.question !== undefined);
  }

  /**
   * Runs the code from the start, on what the history holds. A run whose undo had begun goes on undoing, a stopped one stays stopped. With
   * `halt` the code is not run: the run stops, and asks a person.
   */
  begin(halt?: Delivery): void {
    const { left, next } = openingOf(this.#records, {
      process: this.#process,
      identity: this.identity,
      unreadable: this.#unreadable,
      halted: halt === undefined ? undefined : this.#opened(halt, "halt"),
    });
    if (halt !== undefined) {
      this.#seen.add(halt.id);
      this.journal.consume(halt.id);
      this.host.changed(this);
    }
    if (next.kind !== "run") this.#code.leave(left.pivoted, left.asked);
    if (next.kind === "run") this.#code.begin(next.process, next.input);
    else if (next.kind === "stop") this.stop(next.question);
    else if (next.kind === "undoing") {
      const undoing = Undoing.resume(this, next.begun, this.#records);
      this.#phase = { kind: "undoing", undoing };
      undoing.next();
    } else this.#phase = next;
    // Where a pause has ended, the status says that it runs.
    if (next.kind === "stopped") this.restate();
  }

  // --- deliveries -----------------------------------------------------------------------------------------------------

  /** A row of the inbox. One that was seen is ignored: it comes again when the run is loaded. */
  receive(delivery: Delivery): void {
    if (this.#seen.has(delivery.id) || this.#phase.kind === "ended" || this.settling) return;
    this.#seen.add(delivery.id);
    if (delivery.kind === "halt") {
      this.journal.consume(delivery.id);
      this.host.changed(this);
      if (this.#phase.kind === "code")
        this.stop(codeQuestion("process-quarantined", this.#opened(delivery, "halt"), !this.pivoted));
    } else if (delivery.kind !== "operate") {
      this.post({ kind: "inbox", id: delivery.id, n: delivery.n, what: delivery.kind, body: delivery.body });
    } else if (this.#phase.kind === "code" && !this.#replayed) {
      // What it is about may not have been asked again yet.
      this.#early.push(delivery);
    } else this.#operate(delivery);
  }

  #opened = ({ body }: Delivery, what: "halt" | "act"): string =>
    this.host.vault.open(body, places[what](this.identity.id));

  #operate(delivery: Delivery): void {
    const act = JSON.parse(this.#opened(delivery, "act")) as ActDelivery;
    this.journal.consume(delivery.id);
    operate(this, act);
    this.host.changed(this);
  }

  /** Where it is being let go, they stay in the inbox: what they bring could no longer be written. */
  #operateEarly(): void {
    if (!this.settling) for (const delivery of this.#early.splice(0)) this.#operate(delivery);
  }

  post(mail: Mail): void {
    if (this.#phase.kind === "code") {
      this.#mail.push(mail);
      if (this.settling) this.#goesOnLater();
      else if (!this.awake && this.#replayed) this.host.ready(this);
      return;
    }
    // A signal for a run that undoes the store gives to the next who wants it.
    if (this.#phase.kind === "ended" || (this.#phase.kind === "undoing" && isSignal(mail))) return;
    if (this.#phase.kind !== "undoing") {
      this.#hold(mail);
      return;
    }
    // X5: recorded, and given to nobody.
    const step = recordResult(this, mail);
    this.host.changed(this);
    if (step !== undefined) this.#phase.undoing.settled(step);
  }

  /** Gives the code the next result (X2). */
  takeMail(): void {
    while (this.#phase.kind === "code" && !this.awake && this.#replayed && !this.settling) {
      const mail = this.#mail.shift();
      if (mail === undefined) {
        // Nobody wanted what there was.
        this.#atRest();
        return;
      }
      if (mail.kind === "item") {
        this.#code.items.record(mail.n, mail.i, mail.end);
        this.#folding.consider(this, this.#code);
        continue;
      }
      // Code that is over takes no event: the end of the waits gives it to the next who wants it.
      if (this.#code.over && isSignal(mail)) continue;
      const step = recordResult(this, mail);
      if (step !== undefined) this.#code.give(step);
    }
  }

  /**
   * The code gets nothing now, and will go on from the history: a result is written, to be given then; a row of the inbox stays
   * there, and is found again.
   */
  #hold(mail: Mail): void {
    if (mail.kind !== "result") return;
    recordResult(this, mail, true);
    this.host.changed(this);
  }

  #holdMail(): void {
    for (const mail of this.#mail.splice(0)) this.#hold(mail);
  }

  /** The worker is being stopped: results are written, and given to the code at the next start. Attempts under way end first. */
  settleForStop(done: () => void): void {
    this.settling = true;
    if (this.#phase.kind === "code" && this.#mail.length > 0) this.#goesOnLater();
    stopAll(openSteps(this.steps), () => {
      this.#holdMail();
      done();
    });
  }

  /** The code is still to be given something: whoever has the run next takes it up, though nothing comes for it. */
  #goesOnLater(): void {
    this.#leaving = true;
    this.journal.state("running");
    this.host.changed(this);
  }

  abort(): void {
    for (const step of openSteps(this.steps)) step.performance?.abort();
  }

  /** The microtasks have run dry. */
  drained(): void {
    this.#code.rest();
    if (this.#phase.kind !== "code" || this.#code.replay()) return;
    if (!this.#replayed) {
      this.#replayed = true;
      // They came before whatever came since.
      this.#mail.unshift(...resume(this, this.#code, this.#records));
      this.#operateEarly();
      if (this.phase !== "code" || this.awake) return;
    }
    this.#code.items.flush();
    if (this.phase !== "code" || this.awake) return;
    if (this.#mail.length > 0) this.host.ready(this);
    else this.#atRest();
  }

  /** The code has all that came, and asks nothing more. */
  #atRest(): void {
    if (this.#code.over) this.#finish();
    // What it awaits may be held for the next start.
    else if (
      !this.settling &&
      openSteps(this.steps).every(({ live }) => live?.kind === "wait" && live.mapping !== undefined)
    )
      this.foreignAwait(this.#code.released ? "awaits a branch of flow.race that had lost, or" : "awaits");
    else this.restate();
  }

  // --- states ---------------------------------------------------------------------------------------------------------

  park(step: Step, question: ParkedQuestion): void {
    step.question = question;
    this.#parked += 1;
    this.journal.record({ t: "park", at: this.host.now(), n: step.ask.n, q: question });
    this.restate();
  }

  restate(): void {
    if (this.#leaving) return;
    const stopped = this.#phase.kind === "stopped" ? this.#phase.question : undefined;
    const undoing = this.#phase.kind === "undoing" ? this.#phase.undoing.reason : undefined;
    if (this.#phase.kind === "paused") this.journal.state("paused", this.#phase.reason);
    else {
      const [status, reason, asked] = statusOf(openSteps(this.steps), stopped, undoing);
      const { id, key } = this.identity;
      this.journal.state(status, reason, asked === undefined ? undefined : causeOf(asked, [id, key]));
    }
    this.host.changed(this);
  }

  diverge(recorded: Cue, asked: Json): void {
    const nameOf = (n: number) => this.steps.get(n)?.ask.id ?? `step ${n}`;
    const at = this.host.where?.(stackHere());
    this.stop(divergenceQuestion(divergenceOf(recorded, asked, nameOf), at, !this.pivoted));
  }

  foreignAwait(what: string): void {
    this.stop(foreignAwaitQuestion(what, this.host.where?.(stackHere()), !this.pivoted));
  }

  /** The code can't go on. */
  stop(question: ParkedQuestion): void {
    this.#phase = { kind: "stopped", question };
    this.#parked += 1;
    this.journal.record({ t: "park", at: this.host.now(), q: question });
    this.restate();
    this.#operateEarly();
  }

  /** What can't be read stops the run, which asks a person; it is never passed over. Other errors are thrown again. */
  failedToRead(error: unknown): void {
    const { code, message } = error as { code?: ErrorCode; message: string };
    if (code !== "value-unreadable") throw error;
    if (this.#phase.kind !== "ended") this.stop(codeQuestion("process-unreadable", message, false));
  }

  /** Nothing new is begun from now on. Attempts under way end. */
  pause(reason: string): void {
    this.#leaving = false;
    this.#phase = { kind: "paused", reason, undoes: this.#phase.kind === "undoing" };
    this.#holdMail();
    stopAll(openSteps(this.steps), () => this.host.changed(this));
    this.restate();
  }

  rewind(to: number): void {
    const { journal } = this;
    journal.record({ t: "rewound", n: to, at: this.host.now() });
    journal.rewind({ from: to, events: receivesFrom(to, this.host.recordsOf(this.identity.id), this.steps) });
    if (this.#phase.kind === "paused") return;
    this.#phase = { kind: "paused", reason: "" };
    this.#holdMail();
    this.again();
  }

  /** Stopped or paused code starts anew from the history, once nothing is under way. */
  again(): void {
    this.#leaving = true;
    if (this.#phase.kind === "undoing") this.journal.state("undoing", this.#phase.undoing.reason);
    else this.journal.state("running");
    // One that is being let go is loaded anew after that, and what is under way is being stopped for it already.
    if (this.settling) this.host.changed(this);
    else
      stopAll(openSteps(this.steps), () => {
        this.journal.whenCommitted(() => this.host.reload(this));
        this.host.changed(this);
      });
  }

  #finish(): void {
    if (!this.#code.rejected && openSteps(this.steps).some((step) => step.live?.kind !== "wait")) {
      // What is under way ends first, so that its result is recorded.
      this.restate();
      return;
    }
    const { continuation, rejected } = this.#code;
    const ending = continuation === undefined || rejected ? this.#code.ending() : undefined;
    if (ending === undefined) this.#continueAs(continuation?.input);
    else if (ending.kind === "completed") this.end("completed", undefined, undefined, ending.out);
    else if (ending.kind === "undo") this.undo(ending.as, ending.reason, ending.detail);
    else this.stop(ending.question);
  }

  #continueAs(given: unknown): void {
    const question = nextPart(this, this.#code, given, questionsIn(this.#records) + this.#parked);
    if (question !== undefined) {
      this.stop(question);
      return;
    }
    this.#phase = { kind: "ended" };
    this.journal.whenCommitted(() => this.host.reload(this));
    this.host.changed(this);
  }

  undo(as: UndoAs, reason: string, detail: Json | undefined): void {
    const stopped = this.#phase.kind === "stopped" || this.#phase.kind === "paused";
    const begun = ("undoes" in this.#phase && this.#phase.undoes) || this.#records.some(({ t }) => t === "undoing");
    const undoing = Undoing.start(this, as, reason, detail, begun);
    this.#phase = { kind: "undoing", undoing };
    for (const mail of this.#mail.splice(0))
      if (mail.kind === "result" || (mail.kind === "inbox" && !isSignal(mail))) recordResult(this, mail);
    holdBack(this);
    this.host.changed(this);
    // Stopped code may not have asked all that the history holds: the undo is read from the records.
    // Nor does it hold superseded steps, and what was done under a key before the last one.
    const { rewound, items } = this.#code;
    const partly = rewound || items.folded || [...this.steps.values()].some(({ generation }) => generation > 1);
    if (stopped || this.settling || partly) this.again();
    else undoing.stopOthers();
  }

  endAs(as: UndoAs, reason: string): void {
    if (this.#phase.kind === "undoing") this.#phase.undoing.endAs(as, reason);
    this.restate();
  }

  undoAgain(step: Step): void {
    if (this.#phase.kind === "undoing") this.#phase.undoing.again(step);
  }

  end(status: RunStatus, reason: string | undefined, detail: Json | undefined, out: string | undefined): void {
    // Code that was stopped or paused may not have asked again for what the store holds.
    const waits = openSteps(this.steps).length > 0 || !this.#replayed;
    this.#phase = { kind: "ended" };
    const why = { reason, detail };
    this.journal.end({ at: this.host.now(), status, ...why }, out);
    if (waits) this.journal.drop();
    if (this.restarting || this.#records.some((record) => record.t === "op" && record.op.kind === "restart"))
      this.journal.restart();
    this.journal.state(status, reason);
    this.journal.settle({ out, failure: reason === undefined ? undefined : JSON.stringify(why) });
    this.journal.whenCommitted(() => this.host.ended(this));
    this.host.changed(this);
  }
}

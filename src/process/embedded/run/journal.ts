/**
 * What an execution wants written: records as text, and the rows beside them. Taken as one append at the end of a turn.
 * On the path of every step: text is put together by hand, and what is empty is not made anew.
 */
import type { Json } from "../../../operation.ts";
import type { RunStatus } from "../../engine.ts";
import type { AskRecord, GotRecord, HistoryRecord, StartRecord } from "../history/records.ts";
import type { Repeats } from "../history/repeats.ts";
import type { Vault } from "../history/vault.ts";
import type { AppendParameters, NewChild, NewTask, Rewind } from "../wire.ts";

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
type Rows = Pick<AppendParameters, "consume" | "timers" | "waits" | "tasks" | "children" | "recalls" | "release">;
type RowLists = { -readonly [Name in keyof Rows]: NonNullable<Rows[Name]>[number][] };

const heldUp: ReadonlySet<RunStatus> = new Set(["parked", "paused"]);
const nothing: readonly (() => void)[] = [];

export class Journal {
  readonly #run: string;
  readonly #vault: Vault;
  #seq: number;
  /** A list of records that lacks its end. Nothing is cut off it: that would put its pieces together twice. */
  #records = "";
  /** Characters that were left out of them. */
  #leftOut = 0;
  #repeats: Repeats | undefined;
  #rows: RowLists | undefined;
  #drop = false;
  #anew = false;
  #bytes = 0;
  #size: number;
  #shown: string | undefined;
  #settled: AppendParameters["settled"];
  #rewind: Rewind | undefined;
  #restarts = false;
  #status: RunStatus;
  #reason: string | undefined;
  #cause: string | undefined;
  #storedStatus: RunStatus;
  #storedReason: string | undefined;
  #committed: (() => void)[] | undefined;

  /** `size`: characters of the history so far. */
  constructor(run: string, seq: number, status: RunStatus, reason: string | undefined, vault: Vault, size = 0) {
    this.#size = size;
    this.#vault = vault;
    this.#run = run;
    this.#seq = seq;
    this.#status = status;
    this.#reason = reason;
    this.#storedStatus = status;
    this.#storedReason = reason;
  }

  /** What of the run's input is not written again. */
  repeating(repeats: Repeats | undefined): void {
    this.#repeats = repeats;
  }
  /** Characters of records that were taken since `counted`, what was left out of them counted. */
  get bytes(): number {
    return this.#bytes;
  }
  counted(): void {
    this.#bytes = 0;
  }
  /** Characters of the whole history, values that stand beside it and what was left out counted: it is as long as this when it is read. */
  get size(): number {
    return this.#size + this.#records.length + this.#leftOut;
  }
  /** What was there when it was `counted` was put together, and has so many characters now. */
  compacted(left: number): void {
    this.#size = left + this.#bytes;
  }
  /** Appends that were sent and are not yet on disk. */
  underWay = 0;

  /** Number of the next row. */
  get seq(): number {
    return this.#seq;
  }
  get status(): RunStatus {
    return this.#status;
  }

  get #lead(): "[" | "," {
    return this.#records === "" ? "[" : ",";
  }
  record(record: Exclude<HistoryRecord, AskRecord | GotRecord>): void {
    this.#records += `${this.#lead}${JSON.stringify(record)}`;
  }
  /** `input` and `undo` are JSON text already. */
  ask(ask: Omit<AskRecord, "in" | "undo">, input: string | undefined, undo: string | undefined): void {
    let text = `${this.#lead}{"t":"ask","n":${ask.n},"id":${quoted(ask.id)},"v":"${ask.v}","at":${ask.at}`;
    if (ask.op !== undefined) text += `,"op":${quoted(ask.op)}`;
    if (ask.e !== undefined) text += `,"e":"${ask.e}"`;
    if (ask.due !== undefined) text += `,"due":${ask.due}`;
    if (ask.ev !== undefined) text += `,"ev":${quoted(ask.ev)},"key":${JSON.stringify(ask.key)}`;
    if (ask.late !== undefined) text += `,"late":"drop"`;
    if (ask.child !== undefined) text += `,"child":${JSON.stringify(ask.child)}`;
    if (ask.s !== undefined) text += `,"s":[${ask.s[0]},${ask.s[1]}]`;
    if (ask.of !== undefined) text += `,"of":${ask.of}`;
    if (ask.og !== undefined) text += `,"og":${ask.og}`;
    const short = input === undefined ? undefined : this.#repeats?.shorten(input);
    const left = short === undefined ? input : short.input;
    if (left !== undefined) text += `,"in":${left}`;
    if (undo !== undefined) text += `,"undo":${undo}`;
    if (short !== undefined) {
      text += `,"as":${short.as}`;
      this.#leftOut += short.saved;
    }
    this.#records += `${text}}`;
  }
  /** `ok` and `undo` are JSON text already. */
  got(got: Omit<GotRecord, "ok" | "undo">, ok: string | undefined, undo: string | undefined): void {
    let text = `${this.#lead}{"t":"got","n":${got.n},"at":${got.at}`;
    if (got.a !== undefined) text += `,"a":${got.a}`;
    if (got.by !== undefined) text += `,"by":"${got.by}"`;
    if (got.run !== undefined) text += `,"run":${JSON.stringify(got.run)}`;
    if (got.h === true) text += `,"h":true`;
    if (got.timeout === true) text += `,"timeout":true`;
    if (got.fault !== undefined) text += `,"fault":${JSON.stringify(got.fault)}`;
    if (ok !== undefined) text += `,"ok":${ok}`;
    if (undo !== undefined) text += `,"undo":${undo}`;
    this.#records += `${text}}`;
  }
  end(record: { at: number; status: RunStatus; reason?: string; detail?: Json }, out: string | undefined): void {
    const head = JSON.stringify({ t: "end", ...record }).slice(0, -1);
    this.#records += `${this.#lead}${head}${out === undefined ? "" : `,"out":${out}`}}`;
  }
  consume(id: number): void {
    this.#list("consume").push(id);
  }
  timer(n: number, due: number): void {
    this.#list("timers").push({ n, due });
  }
  wait(wait: NonNullable<AppendParameters["waits"]>[number]): void {
    this.#list("waits").push(wait);
  }
  task(task: NewTask): void {
    this.#list("tasks").push(task);
  }
  child(child: NewChild): void {
    this.#list("children").push(child);
  }
  recall(recall: NonNullable<AppendParameters["recalls"]>[number]): void {
    this.#list("recalls").push(recall);
  }
  /** The wait of this step is over. One that began in this very turn never was. */
  release(n: number): void {
    for (const name of ["timers", "waits", "tasks"] as const) {
      const list = this.#rows?.[name] ?? [];
      const index = list.findIndex((row) => row.n === n);
      if (index < 0) continue;
      list.splice(index, 1);
      return;
    }
    this.#list("release").push(n);
  }
  #list<N extends keyof RowLists>(name: N): NonNullable<RowLists[N]> {
    this.#rows ??= {};
    this.#rows[name] ??= [];
    return this.#rows[name] as NonNullable<RowLists[N]>;
  }
  /** Waits, timers and tasks are over. */
  drop(): void {
    this.#drop = true;
  }
  /** The run ends, and is to be started anew. */
  restart(): void {
    this.#restarts = true;
  }
  /** The run goes on as its next part: what was recorded before goes. `input` is JSON text already. */
  next(start: Omit<StartRecord, "t" | "input">, input: string): void {
    this.#records = `[${JSON.stringify({ t: "start", ...start }).slice(0, -1)},"input":${input}}`;
    this.#leftOut = 0;
    this.#anew = true;
  }
  rewind(rewind: Rewind): void {
    this.#rewind = rewind;
  }
  /** `cause`: of a parked run. */
  /** What the run shows of itself, as JSON text; the last of a turn counts. */
  show(text: string, s?: readonly [number, number]): void {
    this.#shown = text;
    this.record(s === undefined ? { t: "state" } : { t: "state", s });
  }
  state(status: RunStatus, reason?: string, cause?: string): void {
    this.#status = status;
    this.#reason = reason;
    this.#cause = cause;
  }
  settle(settled: NonNullable<AppendParameters["settled"]>): void {
    this.#settled = settled;
  }
  /** Called once what was recorded until now is on disk (P2). */
  whenCommitted(act: () => void): void {
    if (this.#committed === undefined) this.#committed = [act];
    else this.#committed.push(act);
  }

  /** The append, or `undefined` if nothing changed. */
  take(): { readonly parameters: AppendParameters; readonly committed: readonly (() => void)[] } | undefined {
    const changed = this.#status !== this.#storedStatus || this.#reason !== this.#storedReason;
    if (this.#records === "" && this.#rows === undefined && !changed && this.#committed === undefined) return undefined;
    const parameters: Writable<AppendParameters> = {
      run: this.#run,
      seq: this.#seq,
      body: this.#records === "" ? "[]" : `${this.#records}]`,
    };
    this.#seq += 1;
    this.#records = "";
    if (changed) {
      parameters.status = this.#status;
      parameters.reason = this.#reason ?? null;
      if (this.#cause !== undefined) parameters.cause = this.#cause;
      else if (this.#storedStatus === "parked") parameters.cause = null;
      if (heldUp.has(this.#storedStatus) && !heldUp.has(this.#status)) parameters.resumed = true;
      this.#storedStatus = this.#status;
      this.#storedReason = this.#reason;
    }
    if (this.#rows !== undefined) Object.assign(parameters, this.#rows);
    this.#rows = undefined;
    if (this.#shown !== undefined) parameters.shown = this.#shown;
    this.#shown = undefined;
    if (this.#anew) parameters.anew = true;
    this.#anew = false;
    const characters = parameters.body.length + this.#leftOut;
    this.#leftOut = 0;
    this.#bytes += characters;
    this.#size += characters;
    if (this.#drop) parameters.drop = true;
    this.#drop = false;
    if (this.#rewind !== undefined) parameters.rewind = this.#rewind;
    this.#rewind = undefined;
    if (this.#restarts) parameters.restarts = true;
    if (this.#settled !== undefined) parameters.settled = this.#settled;
    const committed = this.#committed ?? nothing;
    this.#committed = undefined;
    this.#vault.append(parameters);
    return { parameters, committed };
  }
}

/** Names of steps and operations come again and again. */
const names = new Map<string, string>();
const namesAtMost = 2000;

function quoted(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = JSON.stringify(name);
  if (names.size < namesAtMost) names.set(name, text);
  return text;
}

/** What an execution wants written: records as text, and the rows beside them. Taken as one append at the end of a turn. */
import type { Json } from "../../operation.ts";
import type { RunStatus } from "../engine.ts";
import type { AskRecord, GotRecord, HistoryRecord } from "./records.ts";
import type { AppendParameters, NewTask } from "./wire.ts";

export class Journal {
  readonly #run: string;
  readonly #version: string;
  #seq: number;
  #records: string[] = [];
  #consume: number[] = [];
  #timers: { n: number; due: number }[] = [];
  #waits: NonNullable<AppendParameters["waits"]>[number][] = [];
  #tasks: NewTask[] = [];
  #drop = false;
  #settled: AppendParameters["settled"];
  #status: RunStatus;
  #reason: string | undefined;
  #stored: { status: RunStatus; reason: string | undefined };
  #committed: (() => void)[] = [];

  constructor(run: string, version: string, seq: number, status: RunStatus, reason: string | undefined) {
    this.#run = run;
    this.#version = version;
    this.#seq = seq;
    this.#status = status;
    this.#reason = reason;
    this.#stored = { status, reason };
  }

  get status(): RunStatus {
    return this.#status;
  }

  record(record: Exclude<HistoryRecord, AskRecord | GotRecord>): void {
    this.#records.push(JSON.stringify(record));
  }
  /** `input` and `undo` are JSON text already. */
  ask(ask: Omit<AskRecord, "in" | "undo" | "t">, input: string | undefined, undo: string | undefined): void {
    const head = JSON.stringify({ t: "ask", ...ask }).slice(0, -1);
    this.#records.push(
      `${head}${input === undefined ? "" : `,"in":${input}`}${undo === undefined ? "" : `,"undo":${undo}`}}`,
    );
  }
  /** `ok` and `undo` are JSON text already. */
  got(got: Omit<GotRecord, "ok" | "undo" | "t">, ok: string | undefined, undo: string | undefined): void {
    const head = JSON.stringify({ t: "got", ...got }).slice(0, -1);
    this.#records.push(
      `${head}${ok === undefined ? "" : `,"ok":${ok}`}${undo === undefined ? "" : `,"undo":${undo}`}}`,
    );
  }
  end(record: { at: number; status: RunStatus; reason?: string; detail?: Json }, out: string | undefined): void {
    const head = JSON.stringify({ t: "end", ...record }).slice(0, -1);
    this.#records.push(`${head}${out === undefined ? "" : `,"out":${out}`}}`);
  }
  consume(id: number): void {
    this.#consume.push(id);
  }
  timer(n: number, due: number): void {
    this.#timers.push({ n, due });
  }
  wait(wait: NonNullable<AppendParameters["waits"]>[number]): void {
    this.#waits.push(wait);
  }
  task(task: NewTask): void {
    this.#tasks.push(task);
  }
  /** Waits, timers and tasks are over. */
  drop(): void {
    this.#drop = true;
  }
  state(status: RunStatus, reason?: string): void {
    this.#status = status;
    this.#reason = reason;
  }
  settle(settled: NonNullable<AppendParameters["settled"]>): void {
    this.#settled = settled;
  }
  /** Called once what was recorded until now is on disk (P2). */
  whenCommitted(act: () => void): void {
    this.#committed.push(act);
  }

  /** The append, or `undefined` if nothing changed. */
  take(): { readonly parameters: AppendParameters; readonly committed: readonly (() => void)[] } | undefined {
    const changed = this.#status !== this.#stored.status || this.#reason !== this.#stored.reason;
    if (this.#records.length === 0 && this.#consume.length === 0 && !changed) return undefined;
    const parameters: AppendParameters = {
      run: this.#run,
      version: this.#version,
      seq: this.#seq++,
      body: `[${this.#records.join(",")}]`,
      ...(changed ? { status: this.#status, reason: this.#reason ?? null } : {}),
      ...(this.#consume.length === 0 ? {} : { consume: this.#consume }),
      ...(this.#timers.length === 0 ? {} : { timers: this.#timers }),
      ...(this.#waits.length === 0 ? {} : { waits: this.#waits }),
      ...(this.#tasks.length === 0 ? {} : { tasks: this.#tasks }),
      ...(this.#drop ? { drop: true } : {}),
      ...(this.#settled === undefined ? {} : { settled: this.#settled }),
    };
    const committed = this.#committed;
    this.#records = [];
    this.#consume = [];
    this.#timers = [];
    this.#waits = [];
    this.#tasks = [];
    this.#drop = false;
    this.#committed = [];
    this.#stored = { status: this.#status, reason: this.#reason };
    return { parameters, committed };
  }
}

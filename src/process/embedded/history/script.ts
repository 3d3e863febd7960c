/** A history read back: what the code must ask again, and what it is given, in the recorded total order (P4). */
import type { Json } from "../../../operation.ts";
import type { Actor, ParkedQuestion } from "../../engine.ts";
import { itemsOf } from "./compacting.ts";
import type { Finished } from "./finished-items.ts";
import {
  type AskRecord,
  type Edit,
  editsOf,
  finishedIn,
  type GotRecord,
  generationsOf,
  type HistoryRecord,
  type ItemRecord,
  type PivotRecord,
  type ReleaseRecord,
} from "./records.ts";

/** The records that order matters for; undo steps are not asked by the code. */
export type Cue = AskRecord | GotRecord | ReleaseRecord | PivotRecord | ItemRecord;

export class Script {
  readonly records: readonly HistoryRecord[];
  /** Of the steps' keys, where not 1. */
  readonly generations: ReadonlyMap<number, number>;
  /** Of the steps whose input an operator edited. */
  readonly edits: ReadonlyMap<number, Edit>;
  /** Results that are known, and were not given to the code yet; in their order. */
  readonly held: readonly GotRecord[];
  /** Whether steps were superseded. */
  readonly rewound: boolean;
  /** A pivot was passed, wherever in the history: code that stops before it has come there again must not be undone, nor is a superseded one taken back. */
  readonly pivoted: boolean = false;
  /** Items of maps that are over: they are passed over. */
  readonly finished: Finished;
  /** Items that are over, and that the code was not told of again since a rewind; in their order. */
  readonly heldItems: readonly ItemRecord[];
  /** Which part of the run it is. */
  readonly part: number;
  /** The highest number that was asked; superseded ones and undos count. */
  readonly asked: number;
  readonly #cues: readonly Cue[];
  /** What was noted behind this many cues: no cue, since code may note more or less than it did. */
  readonly #notes = new Map<number, { state: number; log: number }>();
  #next = 0;

  constructor(records: readonly HistoryRecord[]) {
    this.records = records;
    this.generations = generationsOf(records);
    this.edits = editsOf(records);
    const undos = new Set<number>();
    const cues: Cue[] = [];
    const held = new Map<number, GotRecord>();
    const superseded = new Set<number>();
    const finished = finishedIn(records);
    this.finished = finished;
    const items = new Map<string, ItemRecord>();
    const over = (item: ItemRecord): void => {
      if (finished.passed(item.m)) return;
      items.delete(`${item.m} ${item.i}`);
      cues.push(item);
    };
    const [start] = records;
    this.part = start?.t === "start" ? (start.part ?? 1) : 1;
    let asked = start?.t === "start" ? (start.from ?? 0) : 0;
    /** Cues before each ask, also of those that are none. */
    const before = new Map<number, number>();
    for (const record of records) {
      switch (record.t) {
        case "ask":
          asked = Math.max(asked, record.n);
          before.set(record.n, cues.length);
          if (record.v === "undo") undos.add(record.n);
          else if (finished.passes(record.n, record.s)) break;
          else cues.push(record);
          break;
        case "got":
          if (undos.has(record.n) || superseded.has(record.n) || finished.passed(record.n)) break;
          if (record.h === true) held.set(record.n, record);
          else cues.push(record);
          break;
        case "give": {
          const got = held.get(record.n);
          if (got !== undefined) cues.push({ ...got, at: record.at });
          held.delete(record.n);
          break;
        }
        case "rewound": {
          const cut = cues.splice(before.get(record.n) ?? cues.length);
          for (const at of this.#notes.keys()) if (at > cues.length) this.#notes.delete(at);
          for (const cue of cut) {
            if (cue.t === "ask") superseded.add(cue.n);
          }
          // What an earlier step brought is known, and is given again after what is replayed.
          const kept = cut.filter((cue): cue is GotRecord => cue.t === "got" && !superseded.has(cue.n));
          const later = [...held.values()].filter(({ n }) => !superseded.has(n));
          held.clear();
          for (const got of [...kept, ...later]) held.set(got.n, got);
          // Items do not know of what is outside: what is over stays over, and is told again after what is replayed.
          const earlier = [...items.values()];
          items.clear();
          for (const item of [...cut.filter((cue) => cue.t === "item"), ...earlier])
            if (!superseded.has(item.m)) items.set(`${item.m} ${item.i}`, item);
          break;
        }
        case "state":
        case "log": {
          if (finished.covers(record.s)) break;
          const notes = this.#notes.get(cues.length) ?? { state: 0, log: 0 };
          notes[record.t] += 1;
          this.#notes.set(cues.length, notes);
          break;
        }
        case "release":
          for (const n of record.ns) held.delete(n);
          if (!record.ns.every((n) => finished.passed(n))) cues.push(record);
          break;
        case "pivot":
          this.pivoted = true;
          if (!finished.covers(record.s)) cues.push(record);
          break;
        case "item":
          over(record);
          break;
        case "items":
          for (const item of itemsOf(record)) over(item);
          break;
        default:
          break;
      }
    }
    this.#cues = cues;
    this.asked = asked;
    this.held = [...held.values()];
    this.heldItems = [...items.values()];
    this.rewound = superseded.size > 0;
  }

  /** What comes next; `undefined` once everything was replayed. */
  peek(): Cue | undefined {
    return this.#cues[this.#next];
  }

  advance(): void {
    this.#next += 1;
  }

  /** Whether what the code notes now stands in the history already. */
  noted(kind: "state" | "log"): boolean {
    if (this.#next < this.#cues.length) return true;
    const notes = this.#notes.get(this.#next);
    if (notes === undefined || notes[kind] === 0) return false;
    notes[kind] -= 1;
    return true;
  }

  /** The code has asked all that it had asked: what it notes from now on is new. */
  over(): void {
    this.#notes.clear();
  }
}

/** Questions about steps that no person has answered, by step. */
export function openQuestions(records: readonly HistoryRecord[]): Map<number, ParkedQuestion> {
  const open = new Map<number, ParkedQuestion>();
  for (const record of records) {
    if (record.t === "park" && record.n !== undefined) open.set(record.n, record.q);
    else if ((record.t === "op" || record.t === "got") && record.n !== undefined) open.delete(record.n);
    // Whatever was asked before counts no more.
    else if (record.t === "undoing" && record.again !== true) open.clear();
    else if (record.t === "rewound") dropFrom(open, record.n);
  }
  return open;
}

function dropFrom(steps: Map<number, unknown>, n: number): void {
  for (const one of steps.keys()) if (one >= n) steps.delete(one);
}

/** Questions that were asked, those of the parts before counted. */
export function questionsIn(records: readonly HistoryRecord[]): number {
  const [start] = records;
  const before = start?.t === "start" ? (start.parks ?? 0) : 0;
  return before + records.filter(({ t }) => t === "park").length;
}

/** The question that a person is asked now. */
export interface OpenQuestion {
  /** Of the run's questions, from 1. */
  readonly number: number;
  /** The step that it is about; absent: the code itself can't go on. */
  readonly n: number | undefined;
  readonly question: ParkedQuestion;
}

/** Of several the one that comes first: about the code, then about the step that was asked first. */
export function openQuestion(records: readonly HistoryRecord[]): OpenQuestion | undefined {
  const steps = new Map<number, OpenQuestion>();
  let stopped: OpenQuestion | undefined;
  const [start] = records;
  let number = start?.t === "start" ? (start.parks ?? 0) : 0;
  for (const record of records) {
    if (record.t === "park") {
      number += 1;
      const asked = { number, n: record.n, question: record.q };
      if (record.n === undefined) stopped = asked;
      else steps.set(record.n, asked);
    } else if (record.t === "undoing") {
      if (record.again === true) continue;
      steps.clear();
      stopped = undefined;
    } else if (goesOn(record)) {
      stopped = undefined;
      if (record.t === "rewound") dropFrom(steps, record.n);
    } else if ((record.t === "op" || record.t === "got") && record.n !== undefined) steps.delete(record.n);
  }
  return stopped ?? [...steps.values()].sort((a, b) => Number(a.n) - Number(b.n))[0];
}

/** Why an operator paused the run, if it is paused now. Begun undo ends a pause: it was a later act. */
export function pausedBy(records: readonly HistoryRecord[]): string | undefined {
  const last = records.findLast(
    (record) =>
      record.t === "undoing" || (record.t === "op" && (record.op.kind === "pause" || record.op.kind === "resume")),
  );
  return last?.t === "op" && last.op.kind === "pause" ? pauseReason(last.actor) : undefined;
}

export function pauseReason({ by, reason }: Actor): string {
  return `paused by ${by}: ${reason}`;
}

/** Whether stopped code runs again from here: an operator said so, or it is other code now. What an operator said in vain does not. */
function goesOn(record: HistoryRecord): boolean {
  if (record.t === "moved" || record.t === "rewound") return true;
  return record.t === "op" && record.op.kind === "retry" && record.n === undefined;
}

/** Where a run left off: its code runs, it was stopped or paused, or its end had begun. */
export type LeftOff =
  | { readonly kind: "code"; readonly input: Json; readonly pivoted: boolean; readonly asked: number }
  | { readonly kind: "paused"; readonly reason: string; readonly pivoted: boolean; readonly asked: number }
  | { readonly kind: "stopped"; readonly question: ParkedQuestion; readonly pivoted: boolean; readonly asked: number }
  | {
      readonly kind: "undoing";
      readonly begun: HistoryRecord & { readonly t: "undoing" };
      readonly pivoted: boolean;
      readonly asked: number;
    };

export function leftOff(records: readonly HistoryRecord[]): LeftOff {
  const pivoted = records.some((record) => record.t === "pivot");
  const from = records[0]?.t === "start" ? (records[0].from ?? 0) : 0;
  const asked = records.reduce((most, record) => (record.t === "ask" ? Math.max(most, record.n) : most), from);
  const paused = pausedBy(records);
  if (paused !== undefined) return { kind: "paused", reason: paused, pivoted, asked };
  const begun = records.findLast((record) => record.t === "undoing");
  if (begun?.t === "undoing") return { kind: "undoing", begun, pivoted, asked };
  const last = records.findLast((record) => (record.t === "park" && record.n === undefined) || goesOn(record));
  if (last?.t === "park") return { kind: "stopped", question: last.q, pivoted, asked };
  return { kind: "code", input: (records[0] as HistoryRecord & { readonly t: "start" }).input, pivoted, asked };
}

/**
 * What a history holds. A history is a list of batches (rows), each a JSON list of records; read one after the other they are
 * the run's total order: what was asked, and what was delivered (P4).
 *
 * The worker that owns the run is the only author, from its first row on. Row 0 is the start, and row 1 of a run that was queued
 * is its begin (or its end, if it never began): the writer writes both, before there is a worker. Each row `seq` can be written once (primary key), which
 * fences off a late writer (P6).
 */
import type { Effect, Json, StoredFailure } from "../../../operation.ts";
import type { Actor, OperatorAct, ParkedQuestion, RunStatus } from "../../engine.ts";
import { Finished, type ItemEnd } from "./finished-items.ts";

export type AskKind = "call" | "step" | "sleep" | "receive" | "task" | "child" | "map" | "undo";

export type HistoryRecord =
  | StartRecord
  /** Row 1 of a run that was queued, written by the writer: it begins now. */
  | { readonly t: "begin"; readonly at: number }
  | AskRecord
  | GotRecord
  /** A failed attempt; shown, and without effect on replay. */
  | {
      readonly t: "try";
      readonly n: number;
      readonly a: number;
      readonly at: number;
      readonly f: StoredFailure;
      readonly next?: number;
      /** Milliseconds of the pause that the system asked for. */
      readonly said?: number;
      /** It counts for nothing: the step's probe failed, or the attempt looked whether the system is back. */
      readonly by?: "probe" | "circuit";
      /** This attempt surely had no effect; one before it, of which there may be no record, may have had. */
      readonly m?: true;
    }
  /** A step that surely was not under way is tried: from here it may have been. `found`: what its probe said before. */
  | { readonly t: "again"; readonly n: number; readonly a: number; readonly at: number; readonly found?: "nothing" }
  /** The step was not begun: the server was being stopped, or the system was away. */
  | { readonly t: "held"; readonly n: number; readonly at: number }
  /** Of a step that is to be undone, its probe found nothing: it never took effect. */
  | { readonly t: "missing"; readonly n: number; readonly at: number }
  /** A result that was written while the code was given nothing (`h`) is given to it now; here, in the total order. */
  | { readonly t: "give"; readonly n: number; readonly at: number }
  /** The run undoes: the child run of step `n` was told to cancel. */
  | { readonly t: "recall"; readonly n: number; readonly at: number }
  | PivotRecord
  | ItemRecord
  | ItemsRecord
  /** The code showed its state, which stands in a table of its own. */
  | { readonly t: "state"; readonly s?: readonly [number, number] | undefined }
  /** A line for people. */
  | {
      readonly t: "log";
      readonly at: number;
      readonly m: string;
      readonly f?: Json;
      readonly s?: readonly [number, number] | undefined;
    }
  /** Waits that lost a race: nothing is delivered to them any more. */
  | ReleaseRecord
  | { readonly t: "park"; readonly at: number; readonly n?: number; readonly q: ParkedQuestion }
  | {
      readonly t: "op";
      readonly at: number;
      readonly op: OperatorAct;
      readonly actor: Actor;
      readonly n?: number;
      /** From here the key of step `n` is of this generation: what was done under the one before does not count for it. */
      readonly g?: number;
      /** With `g`: what was done under the key before may have taken effect, so an undo takes that back too. */
      readonly maybe?: true;
      /** With `g`: the undo under the new key, computed without the output. */
      readonly undo?: UndoData;
    }
  /** The run goes on with the code of another version, which was rehearsed on this history: by the worker of that version. */
  | { readonly t: "moved"; readonly at: number; readonly from: string; readonly to: string; readonly actor: Actor }
  /** A rewind: ask `n`, and what came after it in the order, is superseded. Results of asks before it stay known. */
  | { readonly t: "rewound"; readonly n: number; readonly at: number }
  /** The end has begun: undo what was done, then end as `as`. */
  | {
      readonly t: "undoing";
      readonly at: number;
      readonly as: "rejected" | "undone" | "cancelled";
      /** It had begun before: only how the run ends is another. */
      readonly again?: true;
      readonly reason: string;
      readonly detail?: Json;
    }
  | {
      readonly t: "end";
      readonly at: number;
      readonly status: RunStatus;
      readonly out?: Json;
      readonly reason?: string;
      readonly detail?: Json;
    };

/** The first record. A part after `flow.continueAs` begins with one of its own, and what was before it is gone. */
export interface StartRecord {
  readonly t: "start";
  readonly at: number;
  readonly input: Json;
  /** From 2 on. */
  readonly part?: number;
  /** The highest number that was asked in the parts before, and in items whose records are gone: effect keys stay unique. */
  readonly from?: number;
  /** Questions that were asked in the parts before. */
  readonly parks?: number;
}

export interface PivotRecord {
  readonly t: "pivot";
  /** Of a pivot in an item of a map: number of the map's ask, and the item's index. */
  readonly s?: readonly [number, number];
}

/** Item `i` of the map `m` is over. From here its own records are passed over. */
export interface ItemRecord {
  readonly t: "item";
  readonly m: number;
  readonly i: number;
  readonly at: number;
  readonly end: ItemEnd;
}

/** Items that were over one after the other, put together by compaction: index, milliseconds after `at`, result; or the failure. */
export interface ItemsRecord {
  readonly t: "items";
  readonly m: number;
  readonly at: number;
  readonly d: readonly (readonly [number, number, Json, ItemEnd?])[];
}

/** The items that are over in these records. */
export function finishedIn(records: readonly HistoryRecord[]): Finished {
  const finished = new Finished();
  for (const record of records) {
    if (record.t === "item") finished.add(record.m, record.i);
    else if (record.t === "items") for (const [i] of record.d) finished.add(record.m, i);
  }
  return finished;
}

/** The records that count for how long a history may be. What code notes is nothing that a replay follows; its characters count. */
export function countedIn(records: readonly HistoryRecord[]): number {
  let count = 0;
  for (const { t } of records) if (t !== "log" && t !== "state") count += 1;
  return count;
}

/** A verb was called. `n` counts the asks of a run from 1. */
export interface AskRecord {
  readonly t: "ask";
  readonly n: number;
  /** Name, and from the second time on the occurrence: `erp.lookup#2`. */
  readonly id: string;
  readonly v: AskKind;
  readonly at: number;
  /** Of a call or an undo: `system.operation`. */
  readonly op?: string;
  readonly e?: Effect;
  readonly in?: Json;
  /** Only as it is stored: what of the input is the run's own (repeats.ts). The last member. */
  readonly as?: Repeat;
  /** Of a sleep, receive or task: when it is over. */
  readonly due?: number;
  /** Of a receive: system.event and correlation key. */
  readonly ev?: string;
  readonly key?: string;
  /** Of a receive: what comes late is dropped. */
  readonly late?: "drop" | undefined;
  readonly child?: ChildAsk;
  /** In an item of a map: number of the map's ask, and the item's index. */
  readonly s?: readonly [number, number] | undefined;
  /** Undo, with its input computed without the output. */
  readonly undo?: UndoData;
  /** Of an undo: the step that it takes back. */
  readonly of?: number;
  /** Of an undo: the generation of that step, where it is not the last one. */
  readonly og?: number;
}

/** All of an ask's input is the run's input; or each of these members is the member of the run's input that it names, or all of it. */
export type Repeat = true | Readonly<Record<string, true | string>>;

/** Of a child: the run that was asked for. Where its key was taken with the same input, the run that has the key is the child. */
export interface ChildAsk {
  readonly run: string;
  readonly process: string;
  readonly key: string;
  /** Where its process has limits: the key it counts for. */
  readonly lane?: string;
  /** `false`: started, and forgotten. */
  readonly wait?: false;
  /** It is not cancelled when the run undoes. */
  readonly leave?: true;
}

/** `in` is absent where it could not be computed without the output. */
export interface UndoData {
  readonly op: string;
  readonly e: Effect;
  readonly in?: Json;
}

/** A result was delivered. Exactly one of `ok`, `fault`, `timeout`; `released` is never written, a release says it. */
export interface GotRecord {
  readonly t: "got";
  readonly n: number;
  readonly at: number;
  readonly ok?: Json;
  readonly fault?: { readonly name: string; readonly message: string; readonly detail: Json };
  readonly timeout?: true;
  readonly released?: true;
  /** Undo input computed with the output. */
  readonly undo?: Json;
  /** Attempts, if more than one. */
  readonly a?: number;
  /** How the result came, if not by the answer itself: `probe`, `operator`. */
  readonly by?: "probe" | "operator";
  /** Of a child: the run that it is, where that is not the one that its ask would have begun. */
  readonly run?: string;
  /** Held: written while the code was given nothing (a stop, a pause). Its place in the order is that of its `give`. */
  readonly h?: true;
}

export interface ReleaseRecord {
  readonly t: "release";
  readonly at: number;
  readonly ns: readonly number[];
}

/**
 * The key that a step acts under now: that of its generation. Everything that names a step's key asks here, so that what is sent, what is
 * shown and what an undo is told are one.
 */
export function keyOf(
  run: string,
  step: { readonly ask: { readonly n: number }; readonly generation: number },
): string {
  return effectKey(run, step.ask.n, step.generation);
}

/** The steps whose key is not of generation 1 any more, after these records. */
export function generationsOf(records: readonly HistoryRecord[]): ReadonlyMap<number, number> {
  const generations = new Map<number, number>();
  for (const record of records)
    if (record.t === "op" && record.n !== undefined && record.g !== undefined) generations.set(record.n, record.g);
  return generations;
}

/** The effect key of a step (P3): derived from run, step and generation; unique world-wide, since run ids are. */
export function effectKey(run: string, n: number, generation = 1): string {
  return generation === 1 ? `${run}-${n}` : `${run}-${n}-g${generation}`;
}

/** The child run of a step that has its end. */
export function childRunOf({ child }: AskRecord, got: GotRecord | undefined): string | undefined {
  return child && (got?.run ?? child.run);
}

/** What an operator put in the place of a step's input. */
export interface Edit {
  readonly input: Json;
  readonly undo: UndoData | undefined;
}

/** The steps that act on an edited input, after these records. */
export function editsOf(records: readonly HistoryRecord[]): ReadonlyMap<number, Edit> {
  const edits = new Map<number, Edit>();
  for (const record of records) {
    if (record.t === "op" && record.op.kind === "edit" && record.n !== undefined && record.g !== undefined)
      edits.set(record.n, { input: record.op.input, undo: record.undo });
  }
  return edits;
}

/** Generations before a step's last one that may have taken effect, with the undo that counts for each; the oldest first. */
export function olderGenerations(
  records: readonly HistoryRecord[],
): ReadonlyMap<number, readonly { readonly generation: number; readonly undo: UndoData }[]> {
  const older = new Map<number, { generation: number; undo: UndoData }[]>();
  const undos = new Map<number, UndoData>();
  const generations = new Map<number, number>();
  for (const record of records) {
    if (record.t === "ask" && record.undo !== undefined) undos.set(record.n, record.undo);
    if (record.t !== "op" || record.n === undefined || record.g === undefined) continue;
    const undo = undos.get(record.n);
    if (record.maybe === true && undo !== undefined) {
      const list = older.get(record.n) ?? [];
      older.set(record.n, list);
      list.push({ generation: generations.get(record.n) ?? 1, undo });
    }
    generations.set(record.n, record.g);
    if (record.undo !== undefined) undos.set(record.n, record.undo);
  }
  return older;
}

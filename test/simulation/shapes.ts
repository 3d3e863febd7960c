/** Processes of random shape, as data: every verb in sequence, in branches, in races and in maps, with undo, faults that are caught or not, children, limits, parts. */
import { hash } from "node:crypto";
import type { AnyOperation, EventType, Json, Operation } from "../../src/operation.ts";
import { anything } from "../../src/process/embedded/engine-harness.ts";
import type { ProcessLimits } from "../../src/process/limits.ts";
import { defineTask } from "../../src/process/task.ts";
import type { Chance } from "../crash/chance.ts";

type Faulty = { readonly Refused: null };
export type Op = Operation<Json, Json, Faulty>;
const operation = (name: string, effect: Op["effect"], more: Partial<Op> = {}): Op =>
  Object.freeze({ kind: "operation", system: "fake", name, effect, ...more });

export const takeBack = operation("takeBack", "idempotent");
export const find = operation("find", "read");
const probe = { call: "find", with: ({ key }: { readonly key: string }) => ({ key }), settle: "2s" as const };
export const callable: readonly Op[] = [
  operation("look", "read"),
  operation("keyed", "idempotent"),
  operation("shortKey", "idempotent", { keyLifetimeMs: 60_000, probe }),
  operation("probed", "unrepeatable", { probe }),
  operation("blind", "unrepeatable"),
];
export const operations: readonly AnyOperation[] = [...callable, takeBack, find];

/** The payload is a number: the place among the signals of its key. */
export const told: EventType<Json> = Object.freeze({ kind: "event", system: "fake", name: "told" });
export const question = defineTask({ name: "question", title: "?", input: anything, answer: anything });

/** A verb whose promise a race can release. */
export type Leaf =
  | {
      readonly kind: "call";
      readonly operation: number;
      readonly id: number;
      readonly undo: boolean;
      readonly caught: boolean;
    }
  | {
      readonly kind: "step";
      readonly id: number;
      readonly effect: "read" | "idempotent" | "unrepeatable";
      readonly probed: boolean;
    }
  | { readonly kind: "sleep" | "until"; readonly ms: number }
  | {
      readonly kind: "receive";
      readonly slot: number;
      readonly within: number | undefined;
      readonly late: "keep" | "drop";
    }
  | { readonly kind: "task"; readonly within: number | undefined }
  | {
      readonly kind: "child";
      /** Place in the list of processes. */
      readonly process: number;
      readonly name: string;
      /** Not of this run alone: another may have started it. */
      readonly shared: boolean;
      /** Its input is another than that of the others of its key. */
      readonly other: boolean;
      readonly wait: boolean;
      readonly leave: boolean;
      readonly undo: boolean;
      readonly caught: boolean;
    };
export type Shape =
  | Leaf
  | { readonly kind: "pivot" | "reject" }
  | { readonly kind: "seq" | "all" | "native" | "race"; readonly of: readonly Shape[] }
  /** `flow.race`. */
  | { readonly kind: "choice"; readonly of: readonly Leaf[] }
  | { readonly kind: "map"; readonly items: number; readonly concurrency: number; readonly body: Shape }
  /** Items whose results are so large that the history is put together on the way. */
  | { readonly kind: "bulk"; readonly items: number }
  /** The next part, until there were so many. */
  | { readonly kind: "again"; readonly parts: number };

const times = [50, 1000, 30_000, 3_600_000, 86_400_000];
/** Processes: two that clients start, two that are children of others only. */
export const roots = 2;
export const processCount = 4;

function leaf(chance: Chance): Leaf {
  const roll = chance.next();
  const time = () => times[chance.below(times.length)] as number;
  const within = () => (chance.next() < 0.5 ? time() : undefined);
  if (roll < 0.45) {
    const undo = chance.next() < 0.5;
    return {
      kind: "call",
      operation: chance.below(callable.length),
      id: chance.below(9),
      undo,
      caught: chance.next() < 0.7,
    };
  }
  if (roll < 0.55)
    return {
      kind: "step",
      id: chance.below(9),
      effect: (["read", "idempotent", "unrepeatable"] as const)[chance.below(3)] as "read",
      probed: chance.next() < 0.5,
    };
  if (roll < 0.62) return { kind: "sleep", ms: time() };
  if (roll < 0.65) return { kind: "until", ms: time() };
  if (roll < 0.8)
    return {
      kind: "receive",
      slot: chance.below(2),
      within: within(),
      late: chance.next() < 0.25 ? "drop" : "keep",
    };
  if (roll < 0.88) return { kind: "task", within: within() };
  return {
    kind: "child",
    process: chance.next() < 0.7 ? roots + chance.below(processCount - roots) : chance.below(roots),
    name: `c${chance.below(3)}`,
    shared: chance.next() < 0.15,
    other: chance.next() < 0.05,
    wait: chance.next() < 0.75,
    leave: chance.next() < 0.2,
    undo: chance.next() < 0.3,
    caught: chance.next() < 0.7,
  };
}

function shapeOf(chance: Chance, depth: number): Shape {
  if (depth === 0 || chance.next() < 0.25) return leaf(chance);
  const kind = (["seq", "seq", "seq", "all", "native", "race", "choice", "map"] as const)[chance.below(8)] as "seq";
  if ((kind as string) === "choice")
    return { kind: "choice", of: Array.from({ length: 1 + chance.below(3) }, () => leaf(chance)) };
  if ((kind as string) === "map") {
    if (chance.next() < 0.04) return { kind: "bulk", items: 24 };
    const [items, concurrency] = [chance.below(5), 1 + chance.below(3)];
    return { kind: "map", items, concurrency, body: shapeOf(chance, Math.min(depth - 1, 1)) };
  }
  return { kind, of: Array.from({ length: 1 + chance.below(3) }, () => shapeOf(chance, depth - 1)) };
}

/** Some end with a refusal, some pass a pivot before their last part, some go on as their next part. */
export function wholeShape(chance: Chance, depth: number): Shape {
  const parts: Shape[] = [shapeOf(chance, depth)];
  const roll = chance.next();
  if (roll < 0.15) parts.push({ kind: "reject" });
  else if (roll < 0.3) parts.push({ kind: "pivot" }, shapeOf(chance, 1));
  else if (roll < 0.45) parts.push({ kind: "again", parts: 2 + chance.below(2) });
  return { kind: "seq", of: parts };
}

export interface Start {
  readonly id: string;
  readonly part?: number;
  readonly other?: true;
  readonly goods: readonly Json[];
}

/** What a run is given and tells others of: long enough to stand in a history once. */
export function goodsOf(id: string): readonly Json[] {
  return Array.from({ length: 3 }, (_, line) => ({ line, what: `goods "${id}" of a line that is long enough` }));
}

/** What is told with the goods, to be compared by whoever gets them. */
export function sumOf(goods: Json): string {
  return hash("sha1", JSON.stringify(goods));
}

/** Of a key: what its first part names. */
const laneOf = ({ id }: Start): string => id.split("/")[0] ?? id;

export function limitsOf(chance: Chance): ProcessLimits<Start> | undefined {
  if (chance.next() < 0.6) return undefined;
  const sometimes = <T>(share: number, value: T): T | undefined => (chance.next() < share ? value : undefined);
  const parked = () => (["frees", "keeps"] as const)[chance.below(2)] as "frees";
  const rate = { starts: 1 + chance.below(2), every: times[2 + chance.below(2)] as number };
  const drawn = {
    concurrency: sometimes(0.8, 1 + chance.below(2)),
    rate: sometimes(0.2, rate),
    whenParked: sometimes(0.5, parked()),
    per: sometimes(0.4, { key: laneOf, concurrency: 1, ...(chance.next() < 0.5 ? { whenParked: parked() } : {}) }),
  };
  const said = Object.entries(drawn).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as ProcessLimits<Start>;
}

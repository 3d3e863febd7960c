/** Processes of random shape: every verb in sequence, in branches and in races, with undo, faults that are caught or not, pivot and refusal. */

import type { AnyOperation, EventType, Json, Operation, Schema } from "../../src/operation.ts";
import { type AnyProcess, defineProcess } from "../../src/process/define.ts";
import { anything } from "../../src/process/embedded/engine-harness.ts";
import type { Flow } from "../../src/process/flow.ts";
import { defineTask } from "../../src/process/task.ts";
import type { Chance } from "../crash/chance.ts";

type Faulty = { readonly Refused: null };
type Op = Operation<Json, Json, Faulty>;
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

export type Shape =
  | {
      readonly kind: "call";
      readonly operation: number;
      readonly id: number;
      readonly undo: boolean;
      readonly caught: boolean;
    }
  | { readonly kind: "step"; readonly id: number; readonly effect: "read" | "idempotent" | "unrepeatable" }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "until"; readonly ms: number }
  | { readonly kind: "receive"; readonly slot: number; readonly within: number | undefined }
  | { readonly kind: "task"; readonly within: number | undefined }
  | { readonly kind: "pivot" | "reject" }
  | { readonly kind: "seq" | "all" | "native" | "race"; readonly of: readonly Shape[] };

const times = [50, 1000, 30_000, 3_600_000, 86_400_000];

function leaf(chance: Chance): Shape {
  const roll = chance.next();
  const time = () => times[chance.below(times.length)] as number;
  const within = () => (chance.next() < 0.5 ? time() : undefined);
  if (roll < 0.55) {
    const undo = chance.next() < 0.5;
    return {
      kind: "call",
      operation: chance.below(callable.length),
      id: chance.below(9),
      undo,
      caught: chance.next() < 0.7,
    };
  }
  if (roll < 0.65)
    return {
      kind: "step",
      id: chance.below(9),
      effect: (["read", "idempotent", "unrepeatable"] as const)[chance.below(3)] as "read",
    };
  if (roll < 0.73) return { kind: "sleep", ms: time() };
  if (roll < 0.76) return { kind: "until", ms: time() };
  if (roll < 0.9) return { kind: "receive", slot: chance.below(2), within: within() };
  return { kind: "task", within: within() };
}

function shapeOf(chance: Chance, depth: number): Shape {
  if (depth === 0 || chance.next() < 0.25) return leaf(chance);
  const kind = (["seq", "seq", "all", "native", "race"] as const)[chance.below(5)] as "seq";
  return { kind, of: Array.from({ length: 1 + chance.below(3) }, () => shapeOf(chance, depth - 1)) };
}

/** Some end with a refusal, some pass a pivot before their last part. */
function wholeShape(chance: Chance): Shape {
  const parts: Shape[] = [shapeOf(chance, 3)];
  const roll = chance.next();
  if (roll < 0.2) parts.push({ kind: "reject" });
  else if (roll < 0.4) parts.push({ kind: "pivot" }, shapeOf(chance, 1));
  return { kind: "seq", of: parts };
}

export interface Start {
  readonly id: string;
}

export function processOf(name: string, chance: Chance): AnyProcess {
  const shape = wholeShape(chance);
  return defineProcess({
    name,
    input: anything as Schema<Start>,
    key: ({ id }) => id,
    async run(flow, { id }) {
      const log: Json[] = [];
      const result = await perform(flow, shape, log, id);
      return { result: result ?? null, log };
    },
  });
}

/** Branches see each other through the log: what one writes another reads, so the order of deliveries must be the recorded one. */
async function perform(flow: Flow, shape: Shape, log: Json[], run: string): Promise<Json> {
  switch (shape.kind) {
    case "call": {
      const called = callable[shape.operation] as Op;
      const input = { id: shape.id, soFar: log.length };
      const undo = shape.undo ? { undo: { call: takeBack, with: ({ key }: { key: string }) => ({ key }) } } : {};
      if (!shape.caught) return flow.call(called, input, undo);
      const result = await flow.attempt(called, input, undo);
      log.push(result.ok ? "done" : "refused");
      return result.ok ? result.output : "refused";
    }
    case "step": {
      const result: number = await flow.step<number>(
        `step ${shape.id}`,
        { effect: shape.effect, probe: () => undefined as never },
        () => shape.id,
      );
      log.push([result, flow.random()]);
      return result;
    }
    case "sleep":
      await flow.sleep(shape.ms);
      log.push("slept");
      return null;
    case "until":
      await flow.until(flow.now() + shape.ms);
      return null;
    case "receive": {
      const within = shape.within === undefined ? {} : { within: shape.within };
      const number = await flow.receive(told, { key: `${run}/${shape.slot}`, ...within });
      log.push({ slot: shape.slot, number });
      return number;
    }
    case "task":
      return (await flow.task(question, {
        assign: "all",
        input: log.length,
        ...(shape.within === undefined ? {} : { within: shape.within }),
      })) as Json;
    case "pivot":
      flow.pivot();
      return null;
    case "reject":
      return flow.reject("enough", log.length);
    case "seq": {
      const results: Json[] = [];
      for (const one of shape.of) {
        results.push(await perform(flow, one, log, run));
        log.push(results.length);
      }
      return results;
    }
    case "all":
      return flow.all(shape.of.map((one) => perform(flow, one, log, run)));
    case "native":
      return Promise.all(shape.of.map((one) => perform(flow, one, log, run)));
    case "race": {
      const winner = await Promise.race(
        shape.of.map(async (one, index) => [index, await perform(flow, one, log, run)] as const),
      );
      log.push(winner[0]);
      return winner[1];
    }
  }
}

/** Shapes made to processes: what their code does. Every effect says whose it is (run, part, place), so that the books of the systems can be compared. */
import type { Json, Schema } from "../../src/operation.ts";
import { type AnyProcess, defineProcess } from "../../src/process/define.ts";
import { anything } from "../../src/process/embedded/engine-harness.ts";
import { ChildFailed, type Flow } from "../../src/process/flow.ts";
import type { Chance } from "../crash/chance.ts";
import {
  callable,
  goodsOf,
  type Leaf,
  limitsOf,
  type Op,
  processCount,
  question,
  roots,
  type Shape,
  type Start,
  sumOf,
  takeBack,
  told,
  wholeShape,
} from "./shapes.ts";

/** What the code of local steps did: by whose step it was, the keys under which it was done. */
export class StepBooks {
  readonly #done = new Map<string, { readonly effect: string; readonly keys: string[] }>();
  readonly #results = new Map<string, number>();

  do(whose: string, effect: string, key: string, result: number): number {
    const book = this.#done.get(whose) ?? { effect, keys: [] };
    this.#done.set(whose, book);
    // A repeat under its key does no harm.
    if (effect !== "idempotent" || !book.keys.includes(key)) book.keys.push(key);
    this.#results.set(key, result);
    return result;
  }
  found(key: string): number | undefined {
    return this.#results.get(key);
  }
  /** Effects, and how often each was had. */
  *effects(): Iterable<readonly [whose: string, times: number]> {
    for (const [whose, { effect, keys }] of this.#done) if (effect !== "read") yield [whose, keys.length];
  }
}

interface Place {
  readonly flow: Flow;
  readonly id: string;
  /** Where in the code. */
  readonly at: string;
  readonly part: number;
  /** Of the run's input; some code changes it. */
  readonly goods: Json[];
  readonly log: Json[];
  readonly books: StepBooks;
  readonly processes: readonly AnyProcess[];
}

/** Children of children of children start none. */
const deepest = 3;
const large = "x".repeat(12_000);

export function processesOf(chance: Chance, books: StepBooks): readonly AnyProcess[] {
  const processes: AnyProcess[] = [];
  for (let number = 0; number < processCount; number++) {
    const root = number < roots;
    const shape = wholeShape(chance, root ? 3 : 1);
    const limits = limitsOf(chance);
    processes.push(
      defineProcess({
        name: root ? `p${number}` : `c${number - roots}`,
        input: anything as Schema<Start>,
        key: ({ id }) => id,
        ...(limits === undefined ? {} : { limits }),
        async run(flow, { id, part = 1, goods }) {
          const log: Json[] = [];
          const result = await perform(
            { flow, id, at: "0", part, goods: goods as Json[], log, books, processes },
            shape,
          );
          return { result: result ?? null, log };
        },
      }),
    );
  }
  return processes;
}

/** The promise of the verb itself: what a race can release. */
function verb(place: Place, leaf: Leaf): Promise<unknown> {
  const { flow, id, log, books } = place;
  const whose = `${flow.run.id} part ${place.part} at ${place.at}`;
  const undo = { undo: { call: takeBack, with: ({ key }: { key: string }) => ({ key }) } };
  switch (leaf.kind) {
    case "call": {
      const called = callable[leaf.operation] as Op;
      const { goods } = place;
      if (log.length % 5 === 4) goods.push({ changed: log.length });
      const input = { whose, id: leaf.id, soFar: log.length, goods, sum: sumOf(goods) };
      return (leaf.caught ? flow.attempt : flow.call)(called, input, leaf.undo ? undo : {});
    }
    case "step": {
      const probe = leaf.probed ? { probe: async ({ key }: { key: string }) => books.found(key) as number } : {};
      return flow.step<number>(`step ${leaf.id}`, { effect: leaf.effect, ...probe }, ({ key }) =>
        books.do(whose, leaf.effect, key, leaf.id),
      );
    }
    case "sleep":
      return flow.sleep(leaf.ms);
    case "until":
      return flow.until(flow.now() + leaf.ms);
    case "receive":
      return flow.receive(told, { key: `${id}/${leaf.slot}`, late: leaf.late, ...within(leaf) });
    case "task":
      return flow.task(question, { assign: "all", input: log.length, ...within(leaf) });
    case "child": {
      const levels = id.split("/").length;
      if (levels > deepest) return flow.sleep(1);
      // One that everybody may start is a child of the first level only, and starts none that its starter may wait for.
      const shared = leaf.shared && levels === 1 && leaf.process >= roots;
      const child = place.processes[leaf.process] as AnyProcess;
      const childId = `${shared ? "s" : id}/${leaf.name}`;
      const input: Start = { id: childId, goods: goodsOf(childId), ...(leaf.other ? { other: true } : {}) };
      if (!leaf.wait) return flow.child(child, input, { wait: false, ...(leaf.undo ? undo : {}) });
      return flow.child(child, input, {
        whenUndone: leaf.leave ? "leave" : "cancel",
        ...((leaf.undo ? undo : {}) as object),
      });
    }
  }
}

function within({ within: ms }: { readonly within: number | undefined }): { within?: number } {
  return ms === undefined ? {} : { within: ms };
}

/** Branches see each other through the log: what one writes another reads, so the order of deliveries must be the recorded one. */
async function perform(place: Place, shape: Shape): Promise<Json> {
  const { flow, log, at } = place;
  const inner = (index: number): Place => ({ ...place, at: `${at}.${index}` });
  switch (shape.kind) {
    case "call": {
      const result = (await verb(place, shape)) as Json;
      if (shape.caught) log.push((result as { readonly ok: boolean }).ok ? "done" : "refused");
      return result;
    }
    case "step": {
      const result = (await verb(place, shape)) as number;
      log.push([result, flow.random()]);
      return result;
    }
    case "receive": {
      const number = (await verb(place, shape)) as number;
      log.push({ slot: shape.slot, number });
      return number;
    }
    case "child":
      try {
        const result = (await verb(place, shape)) as Json;
        log.push({ child: shape.name });
        return result ?? null;
      } catch (error) {
        if (!shape.caught || !(error instanceof ChildFailed)) throw error;
        log.push({ child: shape.name, status: error.status });
        return error.status;
      }
    case "sleep":
    case "until":
    case "task":
      return ((await verb(place, shape)) ?? null) as Json;
    case "pivot":
      flow.pivot();
      return null;
    case "reject":
      return flow.reject("enough", log.length);
    case "again":
      if (place.part < shape.parts) flow.continueAs({ id: place.id, part: place.part + 1, goods: place.goods });
      return place.part;
    case "seq": {
      const results: Json[] = [];
      for (const [index, one] of shape.of.entries()) {
        results.push(await perform(inner(index), one));
        log.push(results.length);
      }
      return results;
    }
    case "all":
      return flow.all(shape.of.map((one, index) => perform(inner(index), one)));
    case "native":
      return Promise.all(shape.of.map((one, index) => perform(inner(index), one)));
    case "race": {
      const winner = await Promise.race(
        shape.of.map(async (one, index) => [index, await perform(inner(index), one)] as const),
      );
      log.push(winner[0]);
      return winner[1];
    }
    case "choice": {
      const branches = shape.of.map((one, index) => [`b${index}`, verb(inner(index), one)] as const);
      const { winner, value } = await flow.race(Object.fromEntries(branches));
      log.push(winner);
      return (value ?? null) as Json;
    }
    case "map":
      return mapped(place, shape.items, shape.concurrency, (item) => perform(item, shape.body));
    case "bulk":
      return mapped(place, shape.items, 10, (item) =>
        item.flow.step(
          "large",
          { effect: "idempotent" },
          ({ key }) =>
            `${large}${item.books.do(`${flow.run.id} part ${place.part} at ${item.at}`, "idempotent", key, 1)}`,
        ),
      ).then((results) => (results as Json[]).length);
  }
}

/** Each item writes to a log of its own; its results come in the order of the items. */
async function mapped(
  place: Place,
  items: number,
  concurrency: number,
  act: (item: Place) => Promise<Json>,
): Promise<Json> {
  const list = Array.from({ length: items }, (_, index) => index);
  const results = await place.flow.map(
    list,
    async (item, flow, index) => {
      const log: Json[] = [];
      // What is over is not done again at replay: items change nothing that is outside of them.
      const goods = [...place.goods];
      const result = await act({ ...place, flow, log, goods, at: `${place.at}[${index}]` });
      return { item, result, log };
    },
    { concurrency },
  );
  for (const [index, { item }] of results.entries())
    if (item !== index) throw new Error(`item ${index} of the map at ${place.at} has the result of item ${item}`);
  place.log.push({ mapped: results.length });
  return results as unknown as Json;
}

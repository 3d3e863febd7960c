/**
 * Replay under adversarial orders (P4): processes of random shape, with native Promise.all and Promise.race, whose calls end in random
 * order. Each history, cut after any batch, must be followed by the same code without divergence, and lead to an end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyOperation, CallResult, Json } from "../../operation.ts";
import { defineProcess } from "../define.ts";
import type { Flow } from "../flow.ts";
import { anything } from "./engine-harness.ts";
import { Execution } from "./execution.ts";
import type { Held, Host } from "./host.ts";
import { Journal } from "./journal.ts";
import { defaultLimits } from "./json-text.ts";
import type { HistoryRecord } from "./records.ts";
import { Vault } from "./vault.ts";

/** A small generator of pseudo-random numbers: one seed, one order. */
function chances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const operation: AnyOperation = Object.freeze({
  kind: "operation",
  system: "fake",
  name: "work",
  effect: "idempotent",
});

type Shape =
  | { readonly kind: "call"; readonly id: number }
  | { readonly kind: "step"; readonly id: number }
  | { readonly kind: "seq" | "all" | "native" | "race"; readonly of: readonly Shape[] };

function shapeOf(chance: () => number, depth: number): Shape {
  const id = Math.floor(chance() * 5);
  if (depth === 0 || chance() < 0.3) return { kind: chance() < 0.8 ? "call" : "step", id };
  const kind = (["seq", "all", "native", "race"] as const)[Math.floor(chance() * 4)] as "seq";
  return { kind, of: Array.from({ length: 1 + Math.floor(chance() * 3) }, () => shapeOf(chance, depth - 1)) };
}

async function perform(flow: Flow, shape: Shape, log: unknown[]): Promise<unknown> {
  switch (shape.kind) {
    case "call":
      return flow.call(operation, { id: shape.id, soFar: log.length });
    case "step": {
      const result = await flow.step(`step ${shape.id}`, { effect: "idempotent" }, () => shape.id);
      // Branches see each other: what one writes another reads, so the order of deliveries must be the recorded one.
      log.push([result, flow.now() > 0]);
      return result;
    }
    case "seq": {
      const results: unknown[] = [];
      for (const one of shape.of) {
        results.push(await perform(flow, one, log));
        log.push(results.length);
      }
      return results;
    }
    case "all":
      return flow.all(shape.of.map((one) => perform(flow, one, log)));
    case "native":
      return Promise.all(shape.of.map((one) => perform(flow, one, log)));
    case "race": {
      const winner = await Promise.race(shape.of.map(async (one, index) => [index, await perform(flow, one, log)]));
      log.push(winner);
      return winner;
    }
  }
}

/** A worker without threads and disk: batches go to a list, calls end in the order that the seed says. */
class FakeWorker implements Host {
  readonly valueLimits = defaultLimits;
  readonly vault = new Vault(undefined, undefined);
  readonly stopping = false;
  readonly signal = new AbortController().signal;
  readonly batches: HistoryRecord[][] = [];
  readonly ended_ = Promise.withResolvers<void>();
  readonly chance: () => number;
  #clock = 1;
  #pending: (() => void)[] = [];
  #dirty = new Set<Held>();
  #draining: Held[] = [];

  constructor(seed: number) {
    this.chance = chances(seed);
  }
  now = (): number => this.#clock++;
  later = (_ms: number, act: () => void): (() => void) => {
    this.#pending.push(act);
    return () => {};
  };
  attempted(): void {}
  readonly around = undefined;
  systemRetry() {
    return undefined;
  }
  gate() {
    return undefined;
  }
  operation(): AnyOperation {
    return operation;
  }
  readonly caller = (_: unknown, input: Json): Promise<CallResult> =>
    new Promise((resolve) => this.#pending.push(() => resolve({ ok: true, output: { of: input, at: this.#clock } })));
  awoke(execution: Held): void {
    this.#draining.push(execution);
  }
  changed(execution: Held): void {
    this.#dirty.add(execution);
  }
  ready(execution: Held): void {
    execution.takeMail();
  }
  ended(): void {
    this.ended_.resolve();
  }
  reload(): void {}
  compact(): void {}
  endOf(): undefined {}
  process(): undefined {}
  newRun(): string {
    return "child";
  }

  async run(records: readonly HistoryRecord[], shape: Shape): Promise<Execution> {
    let over = false;
    void this.ended_.promise.then(() => {
      over = true;
    });
    const process = defineProcess({
      name: "p",
      input: anything,
      key: () => "k",
      async run(flow) {
        const log: unknown[] = [];
        const result = await perform(flow, shape, log);
        return { result, log };
      },
    });
    const journal = new Journal("r", records.length, "running", undefined, this.vault);
    const identity = { id: "r", key: "k", process: "p", version: "v" };
    const execution = new Execution({
      host: this,
      identity,
      process,
      retry: undefined,
      validateOutput: () => [],
      validateState: () => [],
      journal,
      records,
    });
    execution.begin();
    for (let turn = 0; !over && execution.phase !== "stopped"; turn++) {
      assert.ok(turn < 10_000, "the run neither ends nor stops");
      await new Promise((resolve) => setImmediate(resolve));
      const drained = this.#draining;
      this.#draining = [];
      for (const one of drained) one.drained();
      const dirty = this.#dirty;
      this.#dirty = new Set();
      for (const one of dirty) {
        if (one.awake) this.#dirty.add(one);
        else this.#append(one);
      }
      // Now and then one of the pending calls ends; which one, the seed says.
      if (this.#draining.length === 0 && this.#pending.length > 0) {
        this.#pending.splice(Math.floor(this.chance() * this.#pending.length), 1)[0]?.();
      }
    }
    for (const one of this.#dirty) this.#append(one);
    return execution;
  }

  #append(execution: Held): void {
    const taken = execution.journal.take();
    if (taken === undefined) return;
    this.batches.push(JSON.parse(taken.parameters.body) as HistoryRecord[]);
    for (const act of taken.committed) act();
  }
}

const start: HistoryRecord = { t: "start", at: 1, input: null };

test("a history, cut after any batch, is followed by the same code to an end", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const shape = shapeOf(chances(seed), 3);
    const first = new FakeWorker(seed);
    const execution = await first.run([start], shape);
    assert.equal(execution.phase, "ended", `seed ${seed} did not end`);
    const whole = first.batches.flat();
    const out = JSON.stringify(whole.findLast((record) => record.t === "end"));
    for (let cut = 0; cut < first.batches.length; cut++) {
      const kept = first.batches.slice(0, cut).flat();
      const again = new FakeWorker(seed * 1000 + cut);
      const replayed = await again.run([start, ...kept], shape);
      assert.equal(
        replayed.phase,
        "ended",
        `seed ${seed}, cut after batch ${cut}: ${JSON.stringify(again.batches.flat().at(-1))}`,
      );
      // Everything but the end itself was recorded: the end must be the same to the letter.
      if (cut === first.batches.length - 1 && kept.length === whole.length - 1) {
        const end = again.batches.flat().findLast((record) => record.t === "end") as { out?: Json };
        assert.equal(JSON.stringify(end.out), JSON.stringify((JSON.parse(out) as { out?: Json }).out), `seed ${seed}`);
      }
    }
  }
});

test("code that asks something else is stopped, with both sides shown", async () => {
  const first = new FakeWorker(1);
  await first.run([start], {
    kind: "seq",
    of: [
      { kind: "call", id: 1 },
      { kind: "call", id: 2 },
    ],
  });
  const kept = first.batches.flat().filter((record) => record.t !== "end");
  const changes: Shape[] = [
    {
      kind: "seq",
      of: [
        { kind: "call", id: 9 },
        { kind: "call", id: 2 },
      ],
    }, // another input
    {
      kind: "seq",
      of: [
        { kind: "step", id: 1 },
        { kind: "call", id: 2 },
      ],
    }, // another verb
    { kind: "seq", of: [{ kind: "call", id: 1 }] }, // one less
    {
      kind: "all",
      of: [
        { kind: "call", id: 1 },
        { kind: "call", id: 2 },
      ],
    }, // another order
  ];
  for (const [index, shape] of changes.entries()) {
    const again = new FakeWorker(2);
    const replayed = await again.run([start, ...kept], shape);
    assert.equal(replayed.phase, "stopped", `change ${index}`);
    const park = again.batches.flat().findLast((record) => record.t === "park");
    assert.ok(park?.t === "park");
    assert.equal(park.q.code, "process-diverged");
    assert.ok(park.q.recorded !== undefined && park.q.asked !== undefined);
  }
});

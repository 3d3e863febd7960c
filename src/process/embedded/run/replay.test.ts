/**
 * Replay under adversarial orders (P4): processes of random shape, with native Promise.all and Promise.race and with every verb that waits
 * or notes, whose calls end, timers ring and events come in random order. Each history, cut after any batch, must be followed by the same
 * code without divergence, and lead to an end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnyOperation, CallResult, Json } from "../../../operation.ts";
import { defineProcess } from "../../define.ts";
import type { Flow } from "../../flow.ts";
import { anything } from "../engine-harness.ts";
import { defaultLimits } from "../history/json-text.ts";
import type { HistoryRecord } from "../history/records.ts";
import { Vault } from "../history/vault.ts";
import { Execution } from "./execution.ts";
import type { Held, Host } from "./host.ts";
import { Journal } from "./journal.ts";

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

type Wait =
  | { readonly kind: "sleep"; readonly id: number }
  | { readonly kind: "until"; readonly id: number }
  | { readonly kind: "receive"; readonly id: number; readonly within: boolean; readonly drops: boolean };
type Shape =
  | Wait
  | { readonly kind: "call" | "step" | "log" | "state"; readonly id: number }
  | { readonly kind: "seq" | "all" | "native" | "race" | "flow race"; readonly of: readonly Shape[] };

const leaves = ["call", "call", "call", "step", "sleep", "until", "receive", "receive", "log", "state"] as const;
const groups = ["seq", "seq", "all", "native", "race", "flow race", "flow race"] as const;

function shapeOf(chance: () => number, depth: number): Shape {
  const one = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T;
  const id = Math.floor(chance() * 5);
  if (depth === 0 || chance() < 0.3) {
    const kind = one(leaves);
    return kind === "receive" ? { kind, id, within: chance() < 0.4, drops: chance() < 0.5 } : { kind, id };
  }
  const kind = one(groups);
  return { kind, of: Array.from({ length: 1 + Math.floor(chance() * 3) }, () => shapeOf(chance, depth - 1)) };
}

const event = { kind: "event", system: "fake", name: "came" } as const;
/** Code that sees what others wrote: the order of deliveries must be the recorded one. */
type Log = unknown[] & { notes: number };

/** A verb's own promise: as a branch of a race it is released when it loses. */
function waitFor(flow: Flow, shape: Wait): Promise<unknown> {
  if (shape.kind === "sleep") return flow.sleep(shape.id);
  if (shape.kind === "until") return flow.until(flow.now() + shape.id);
  return flow.receive(event, {
    key: String(shape.id),
    ...(shape.within ? { within: shape.id } : {}),
    ...(shape.drops ? { late: "drop" } : {}),
  });
}

function isWait(shape: Shape): shape is Wait {
  return shape.kind === "sleep" || shape.kind === "until" || shape.kind === "receive";
}

const branch = (flow: Flow, shape: Shape, log: Log): Promise<unknown> =>
  isWait(shape) ? waitFor(flow, shape) : perform(flow, shape, log);

async function perform(flow: Flow, shape: Shape, log: Log): Promise<unknown> {
  switch (shape.kind) {
    case "call":
      return flow.call(operation, { id: shape.id, soFar: log.length });
    case "step": {
      const result = await flow.step(`step ${shape.id}`, { effect: "idempotent" }, () => shape.id);
      // Branches see each other: what one writes another reads, so the order of deliveries must be the recorded one.
      log.push([result, flow.now() > 0]);
      return result;
    }
    case "sleep":
    case "until":
    case "receive":
      return waitFor(flow, shape).catch((error: Error) => error.name);
    case "log":
      log.notes += 1;
      flow.log(String(log.notes), { seen: log.length });
      return null;
    case "state":
      log.notes += 1;
      flow.state(log.notes);
      return null;
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
    case "flow race": {
      const named = Object.fromEntries(shape.of.map((one, index) => [`b${index}`, branch(flow, one, log)]));
      const winner = await flow.race(named).catch((error: Error) => error.name);
      log.push(winner);
      return winner;
    }
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
  stopping = false;
  readonly signal = new AbortController().signal;
  readonly batches: HistoryRecord[][] = [];
  readonly ended_ = Promise.withResolvers<void>();
  readonly chance: () => number;
  /** As the store keeps them, by the step's number; and deliveries by their id. */
  readonly #waits = new Set<number>();
  readonly #timers = new Set<number>();
  readonly #inbox = new Map<number, { readonly n: number; readonly kind: "signal" | "timer" }>();
  #lastDelivery = 0;
  /** Events that were delivered, and those that went back. */
  delivered = 0;
  givenBack = 0;
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
  systemTimeoutMs() {
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
  recordsOf(): readonly HistoryRecord[] {
    return [];
  }
  process(): undefined {}
  newRun(): string {
    return "child";
  }

  async run(records: readonly HistoryRecord[], shape: Shape, stopAt = Number.POSITIVE_INFINITY): Promise<Execution> {
    let over = false;
    void this.ended_.promise.then(() => {
      over = true;
    });
    const process = defineProcess({
      name: "p",
      input: anything,
      key: () => "k",
      async run(flow) {
        const log: Log = Object.assign([], { notes: 0 });
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
    this.#restore(execution, records);
    execution.begin();
    for (let turn = 0; !over && execution.phase !== "stopped"; turn++) {
      assert.ok(turn < 10_000, "the run neither ends nor stops");
      if (turn === stopAt) {
        this.stopping = true;
        execution.settleForStop(() => {
          over = true;
        });
      }
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
      // Now and then some of what is pending comes, at once; which, the seed says.
      if (this.#draining.length > 0) continue;
      do this.#pending.splice(Math.floor(this.chance() * this.#pending.length), 1)[0]?.();
      while (this.chance() < 0.5);
    }
    for (const one of this.#dirty) this.#append(one);
    return execution;
  }

  /** What the store holds after a crash: what was asked for, and neither came nor was released. */
  #restore(execution: Execution, records: readonly HistoryRecord[]): void {
    const over = new Set(records.flatMap((one) => (one.t === "got" ? [one.n] : one.t === "release" ? one.ns : [])));
    for (const record of records) {
      if (record.t !== "ask" || over.has(record.n) || (record.v !== "sleep" && record.v !== "receive")) continue;
      if (record.v === "receive") this.#wait(execution, record.n);
      if (record.due !== undefined) this.#timer(execution, record.n);
    }
  }

  #wait(execution: Held & Pick<Execution, "receive">, n: number): void {
    this.#waits.add(n);
    this.#pending.push(() => {
      if (!this.#waits.delete(n)) return;
      this.#timers.delete(n);
      this.delivered += 1;
      this.#deliver(execution, n, "signal");
    });
  }
  #timer(execution: Held & Pick<Execution, "receive">, n: number): void {
    this.#timers.add(n);
    this.#pending.push(() => {
      if (!this.#timers.delete(n)) return;
      this.#waits.delete(n);
      this.#deliver(execution, n, "timer");
    });
  }
  #deliver(execution: Pick<Execution, "receive">, n: number, kind: "signal" | "timer"): void {
    const id = ++this.#lastDelivery;
    this.#inbox.set(id, { n, kind });
    // Messages take their time, and others may come in between.
    const post = () => execution.receive({ id, n, kind, body: kind === "timer" ? "" : `"event ${n}"` });
    if (this.chance() < 0.5) post();
    else this.#pending.push(post);
  }
  #release(ns: ReadonlySet<number> | undefined): void {
    for (const n of ns ?? [...this.#waits, ...this.#timers]) {
      this.#waits.delete(n);
      this.#timers.delete(n);
    }
    for (const [id, { n, kind }] of this.#inbox) {
      if (ns?.has(n) === false) continue;
      this.#inbox.delete(id);
      if (kind === "signal") this.givenBack += 1;
    }
  }

  #append(execution: Held): void {
    const taken = execution.journal.take();
    if (taken === undefined) return;
    const { body, consume = [], release, waits = [], timers = [], drop } = taken.parameters;
    this.batches.push(JSON.parse(body) as HistoryRecord[]);
    for (const id of consume) this.#inbox.delete(id);
    if (release !== undefined) this.#release(new Set(release));
    for (const { n, due } of waits) {
      this.#wait(execution as Execution, n);
      if (due !== undefined) this.#timer(execution as Execution, n);
    }
    for (const { n } of timers) this.#timer(execution as Execution, n);
    if (drop === true) this.#release(undefined);
    for (const act of taken.committed) act();
  }
}

const start: HistoryRecord = { t: "start", at: 1, input: null };

/** Events were taken in or went back, none was lost; and what was noted was noted once, in order. */
function check(worker: FakeWorker, history: readonly HistoryRecord[], what: string): void {
  const receives = new Set(history.flatMap((one) => (one.t === "ask" && one.v === "receive" ? [one.n] : [])));
  const taken = worker.batches.flat().filter((one) => one.t === "got" && receives.has(one.n) && one.timeout !== true);
  assert.equal(taken.length + worker.givenBack, worker.delivered, `${what}: events`);
  const released = new Set(history.flatMap((one) => (one.t === "release" ? one.ns : [])));
  assert.ok(!history.some((one) => one.t === "got" && released.has(one.n)), `${what}: a wait that lost got something`);
  let notes = 0;
  for (const record of history) {
    if (record.t !== "state" && record.t !== "log") continue;
    notes += 1;
    if (record.t === "log") assert.equal(record.m, String(notes), `${what}: notes`);
  }
}

const endOf = (history: readonly HistoryRecord[]) =>
  JSON.stringify((history.findLast(({ t }) => t === "end") as { out?: Json } | undefined)?.out);

test("a history, cut after any batch, is followed by the same code to an end", async () => {
  let cuts = 0;
  let givenBack = 0;
  let released = 0;
  for (let seed = 1; seed <= 600; seed++) {
    const shape = shapeOf(chances(seed), 4);
    const first = new FakeWorker(seed);
    const execution = await first.run([start], shape);
    assert.equal(execution.phase, "ended", `seed ${seed} did not end`);
    const whole = first.batches.flat();
    check(first, [start, ...whole], `seed ${seed}`);
    for (let cut = 0; cut < first.batches.length; cut++) {
      cuts += 1;
      const what = `seed ${seed}, cut after batch ${cut}`;
      const kept = first.batches.slice(0, cut).flat();
      const again = new FakeWorker(seed * 1000 + cut);
      const replayed = await again.run([start, ...kept], shape);
      assert.equal(replayed.phase, "ended", `${what}: ${JSON.stringify(again.batches.flat().at(-1))}`);
      const history: readonly HistoryRecord[] = [start, ...kept, ...again.batches.flat()];
      check(again, history, what);
      givenBack += again.givenBack;
      released += history.filter(({ t }) => t === "release").length;
      // Everything but the end itself was recorded: the end must be the same to the letter.
      if (kept.length === whole.length - 1) assert.equal(endOf(history), endOf(whole), what);
    }
  }
  // The shapes are worth it.
  assert.ok(
    cuts > 1500 && givenBack > 100 && released > 500,
    `${cuts} cuts, ${givenBack} events given back, ${released} releases`,
  );
});

test("a run that is stopped at any time, again and again, goes on to an end", async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const shape = shapeOf(chances(seed), 4);
    const chance = chances(seed + 7);
    const history: HistoryRecord[] = [start];
    for (let stops = 0; ; stops++) {
      const worker = new FakeWorker(seed * 100 + stops);
      const execution = await worker.run(history, shape, stops < 4 ? Math.floor(chance() * 12) : undefined);
      history.push(...worker.batches.flat());
      assert.notEqual(execution.phase, "stopped", `seed ${seed}, stop ${stops}: ${JSON.stringify(history.at(-1))}`);
      if (execution.phase !== "ended") continue;
      check(
        new FakeWorker(0),
        history.filter(({ t }) => t !== "got"),
        `seed ${seed}`,
      );
      break;
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

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import type { PartContext } from "../../../store/store.ts";
import type { LimitData } from "../../limits.ts";
import { type Gates, rateTimer, storeGates } from "./gates.ts";
import { migrations } from "./tables.ts";

/** The gates over a database in memory, with a clock and timers that the test moves. */
class Model {
  readonly db = new DatabaseSync(":memory:");
  readonly begun: { run: string; at: number }[] = [];
  readonly submitted: string[] = [];
  now = 1_000_000;
  gates: Gates;
  #count = 0;

  constructor(limits: readonly LimitData[]) {
    for (const sql of migrations) this.db.exec(sql);
    this.gates = this.#open(limits);
  }
  #open(limits: readonly LimitData[]): Gates {
    const context = {
      db: this.db,
      now: () => this.now,
      submit: ({ parameters }: { parameters: unknown }) => void this.submitted.push(parameters as string),
    } as unknown as PartContext;
    const gates = storeGates(context, (run) => void this.begun.push({ run, at: this.now }));
    gates.limits(limits);
    return gates;
  }
  /** As after a restart: memory is empty, the database is as it was. */
  restart(limits: readonly LimitData[]): void {
    this.gates = this.#open(limits);
    this.settle();
  }
  join(lane: string): { run: string; fits: boolean } {
    this.#count += 1;
    const run = `${lane}${this.#count}`;
    this.db
      .prepare(
        "insert into runs (id, process, key, input_hash, version, status, origin, created, updated, lane, place) values (?, 'p', ?, '', '', 'queued', '', 0, 0, ?, 0)",
      )
      .run(run, run, lane);
    this.db.exec("savepoint start");
    const fits = this.gates.join(run, "p", lane);
    if (!fits) this.db.exec("rollback to start");
    this.db.exec("release start");
    this.settle();
    return { run, fits };
  }
  move(run: string, phase: "under way" | "held" | "over"): void {
    const { lane, place } = this.db.prepare("select lane, place from runs where id = ?").get(run) as never;
    this.gates.placed(run, "p", lane, place, phase);
    this.settle();
  }
  /** What follows by itself: the rest of a portion, timers that are due. */
  settle(): void {
    for (;;) {
      const process = this.submitted.shift();
      if (process !== undefined) {
        this.gates.dispatch(process);
        continue;
      }
      const timer = this.db
        .prepare("select due, run from timers where n = ? and due <= ? order by due limit 1")
        .get(rateTimer, this.now) as { due: number; run: string } | undefined;
      if (timer === undefined) return;
      this.db.prepare("delete from timers where due = ? and run = ?").run(timer.due, timer.run);
      this.gates.due(timer.run);
    }
  }
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const due = this.db.prepare("select min(due) as due from timers").get()?.due;
      if (typeof due !== "number" || due > end) break;
      this.now = Math.max(this.now, due);
      this.settle();
    }
    this.now = end;
    this.settle();
  }
  rows<T>(sql: string): T[] {
    return this.db.prepare(sql).all() as T[];
  }
}

const plain: LimitData = { process: "p", keeps: false, perKeeps: true, queue: 1000 };

test("a rate lets a burst through, then one each interval, and wakes by itself", () => {
  const model = new Model([{ ...plain, rate: { intervalMs: 100, burst: 3 } }]);
  for (let number = 0; number < 6; number += 1) model.join("a");
  assert.equal(model.begun.length, 3);
  model.advance(99);
  assert.equal(model.begun.length, 3);
  model.advance(1);
  assert.equal(model.begun.length, 4);
  model.advance(250);
  assert.deepEqual(
    model.begun.map(({ at }) => at - 1_000_000),
    [0, 0, 0, 100, 200, 300],
  );
});

test("a rate of one key holds up that key alone, and an idle key is forgotten", () => {
  const model = new Model([{ ...plain, perRate: { intervalMs: 1000, burst: 1 } }]);
  const runs = ["a", "a", "b"].map((lane) => model.join(lane).run);
  assert.deepEqual(
    model.begun.map(({ run }) => run),
    [runs[0], runs[2]],
  );
  model.advance(1000);
  for (const run of runs) model.move(run, "over");
  assert.equal(model.rows("select * from lanes").length, 1);
  model.advance(5000);
  assert.deepEqual(model.rows("select * from lanes"), []);
  assert.deepEqual(model.rows("select * from timers"), []);
});

test("row 9: a clock that is set back keeps no start waiting for the time that it went back", () => {
  const model = new Model([
    { ...plain, rate: { intervalMs: 1000, burst: 1 }, perRate: { intervalMs: 1000, burst: 1 } },
  ]);
  model.join("a");
  model.now -= 20 * 86_400_000;
  const { run } = model.join("a");
  model.advance(1000);
  assert.equal(model.begun.at(-1)?.run, run);
});

test("nothing begins before the limits are told", () => {
  const model = new Model([{ ...plain, concurrency: 1 }]);
  model.join("a");
  model.join("a");
  assert.equal(model.begun.length, 1);
  const untold = storeGates({ db: model.db, now: () => model.now } as unknown as PartContext, () =>
    assert.fail("it began"),
  );
  untold.dispatch("p");
});

test("whatever happens: order per key, turns between keys, exact counts, and nothing waits that could begin", () => {
  const bound = fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined });
  const rate = fc.option(
    fc.record({ intervalMs: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 3 }) }),
    {
      nil: undefined,
    },
  );
  const limits = fc
    .record({
      concurrency: bound,
      rate,
      perConcurrency: bound,
      perRate: rate,
      keeps: fc.boolean(),
      perKeeps: fc.boolean(),
    })
    .map((drawn) => {
      const set = Object.entries(drawn).filter(([, value]) => value !== undefined);
      return { ...plain, queue: 12, ...Object.fromEntries(set) } as LimitData;
    });
  const act = fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant("join" as const), lane: fc.constantFrom("a", "b", "c") }) },
    {
      weight: 5,
      arbitrary: fc.record({ act: fc.constantFrom("over", "held", "under way", "leave"), which: fc.nat(50) } as const),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("advance" as const), ms: fc.integer({ min: 1, max: 120 }) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("restart" as const), limits }) },
  );
  fc.assert(
    fc.property(limits, fc.array(act, { maxLength: 60 }), (first, acts) => {
      let limit = first;
      const model = new Model([limit]);
      const order = new Map<string, string[]>();
      const state = new Map<string, "queued" | "under way" | "held">();
      let seen = 0;
      for (const one of acts) {
        if (one.act === "join") {
          const { run, fits } = model.join(one.lane);
          if (fits) {
            state.set(run, "queued");
            order.set(one.lane, [...(order.get(one.lane) ?? []), run]);
          }
        } else if (one.act === "advance") model.advance(one.ms);
        else if (one.act === "restart") {
          limit = one.limits;
          model.restart([limit]);
        } else {
          const queued = one.act === "leave";
          const candidates = [...state].filter(([, now]) => (now === "queued") === queued);
          const run = candidates[one.which % Math.max(1, candidates.length)]?.[0];
          if (run === undefined) continue;
          if (queued) {
            model.gates.leave(run, "p", run.slice(0, 1));
            order.set(
              run.slice(0, 1),
              (order.get(run.slice(0, 1)) ?? []).filter((other) => other !== run),
            );
            state.delete(run);
          } else {
            if (one.act === "over") state.delete(run);
            else state.set(run, one.act as "held");
            model.move(run, one.act as "held");
          }
        }
        for (; seen < model.begun.length; seen += 1) {
          const { run } = model.begun[seen] as { run: string };
          assert.equal(order.get(run.slice(0, 1))?.shift(), run, "G1");
          if (state.has(run)) state.set(run, "under way");
        }
        check(model, limit, state);
      }
    }),
    { numRuns: 150 },
  );
});

function check(model: Model, limit: LimitData, state: ReadonlyMap<string, string>): void {
  const lanes = model.rows<{ lane: string; queued: number; taken: number; rate_at: number }>("select * from lanes");
  const [gate] = model.rows<{ queued: number; taken: number; rate_at: number }>("select * from gates");
  const places = model.rows<{ lane: string; place: number }>("select lane, place from runs where place > 0");
  const queued = model.rows<{ lane: string }>("select lane from queue");
  assert.equal(queued.length, [...state.values()].filter((one) => one === "queued").length);
  assert.equal(gate?.queued ?? 0, queued.length);
  assert.equal(gate?.taken ?? 0, places.filter(({ place }) => (place & 2) !== 0).length);
  for (const lane of lanes) {
    assert.equal(lane.queued, queued.filter((one) => one.lane === lane.lane).length);
    assert.equal(lane.taken, places.filter((one) => one.lane === lane.lane && (one.place & 1) !== 0).length);
  }
  // G3: nothing that could begin is left.
  const allows = (at: number, rate: LimitData["rate"]) =>
    rate === undefined || at - (rate.burst - 1) * rate.intervalMs <= model.now;
  const gateOpen =
    gate !== undefined &&
    gate.taken < (limit.concurrency ?? Number.POSITIVE_INFINITY) &&
    allows(gate.rate_at, limit.rate);
  if (!gateOpen) return;
  for (const lane of lanes) {
    const could =
      lane.queued > 0 &&
      lane.taken < (limit.perConcurrency ?? Number.POSITIVE_INFINITY) &&
      allows(lane.rate_at, limit.perRate);
    assert.ok(!could, `${lane.lane} could begin one`);
  }
}

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import type { Clock } from "../../clock.ts";
import type { ScheduleFact } from "../../observe/facts.ts";
import { defineProcess } from "../../process/define.ts";
import { type Rig, remove, rig } from "../../process/embedded/engine-harness.ts";
import type { DiskState } from "../../process/embedded/front/admission.ts";
import { type AnySchedule, defineSchedule, type ScheduleOptions, type Tick } from "../../process/schedule.ts";
import { openScheduleBook } from "./book.ts";
import { openScheduler, type Scheduler } from "./scheduler.ts";

const day = 86_400_000;
const hour = 3_600_000;

interface Job {
  readonly at: string;
}
const job = defineProcess<Job, unknown>({
  name: "job",
  input: {
    kind: "schema",
    json: { type: "object", properties: { at: { type: "string" } }, required: ["at"] },
  },
  key: () => assert.fail("the key of a tick is its own"),
  run: async (_, { at }) => at,
});

/** Time that the test moves; timers fire as it passes them. */
class HandClock implements Clock {
  time = Date.parse("2026-03-02T05:30:00Z");
  timers: { at: number; act: () => void }[] = [];
  now = () => this.time;
  chance = () => 0.5;
  later(ms: number, act: () => void): () => void {
    const timer = { at: this.time + ms, act };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }
  soon(act: () => void): void {
    setImmediate(act);
  }
}

class Bench {
  readonly clock = new HandClock();
  readonly facts: ScheduleFact[] = [];
  disk: DiskState = "ok";
  ticks: Tick[] = [];
  engine!: Rig;
  scheduler!: Scheduler;
  #options: Partial<ScheduleOptions<Job>>;
  #schedules!: AnySchedule;
  readonly #heard = (fact: unknown) => void this.facts.push(fact as ScheduleFact);

  constructor(options: Partial<ScheduleOptions<Job>>) {
    this.#options = options;
  }
  async open(folder?: string, options = this.#options): Promise<void> {
    this.#options = options;
    this.engine = await rig({
      processes: [job],
      admission: { disk: () => this.disk },
      ...(folder === undefined ? {} : { folder }),
    });
    const schedule = defineSchedule<Job>({
      name: "nightly",
      process: job,
      cron: "0 6 * * *",
      input: (tick) => {
        this.ticks.push(tick);
        return { at: tick.at };
      },
      ...options,
    });
    await this.#schedule(schedule);
    subscribe("mortise:server:schedule", this.#heard);
    await this.scheduler.look();
  }
  async #schedule(schedule: AnySchedule, before?: Scheduler): Promise<void> {
    this.#schedules = schedule;
    this.scheduler = await openScheduler({
      ...(before === undefined ? {} : { before }),
      schedules: [schedule],
      process: () => job,
      engine: this.engine.engine,
      book: openScheduleBook(this.engine.store),
      clock: this.clock,
      lookEveryMs: 30 * 60_000,
    });
  }
  /** The schedules are read anew, while the server runs. */
  async reload(changed: Partial<AnySchedule> = {}): Promise<void> {
    await this.scheduler.close();
    await this.#schedule({ ...this.#schedules, ...changed }, this.scheduler);
    await this.scheduler.look();
  }
  async close(): Promise<void> {
    await this.scheduler.close();
    unsubscribe("mortise:server:schedule", this.#heard);
    await this.engine.stop();
  }
  /** Time passes, with its timers: whole looks, one after the other. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.time + ms;
    for (;;) {
      const [next] = this.clock.timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.clock.time = Math.max(this.clock.time, next.at);
      this.clock.timers = this.clock.timers.filter((one) => one !== next);
      next.act();
      await this.scheduler.look();
    }
    this.clock.time = end;
  }
  /** The clock is set: timers know nothing of it. */
  async jump(ms: number): Promise<void> {
    this.clock.time += ms;
    await this.scheduler.look();
  }
  keys(): string[] {
    return this.engine.engine
      .runs({ limit: 500 })
      .map(({ key }) => key)
      .reverse();
  }
}

async function bench(body: (one: Bench) => Promise<void>, options: Partial<ScheduleOptions<Job>> = {}): Promise<void> {
  const one = new Bench(options);
  await one.open();
  try {
    await body(one);
  } finally {
    await one.close();
    remove(one.engine.folder);
  }
}

test("each tick starts one run, with a key of its own and the tick's input", async () => {
  await bench(
    async (one) => {
      await one.pass(2 * day);
      assert.deepEqual(one.keys(), ["schedule:nightly:2026-03-03T05:00:00Z", "schedule:nightly:2026-03-04T05:00:00Z"]);
      const [first, second] = one.ticks;
      assert.deepEqual(first, {
        schedule: "nightly",
        at: "2026-03-03T05:00:00Z",
        date: "2026-03-03",
        time: "06:00:00",
        timeZone: "Europe/Berlin",
        late: false,
        byHand: false,
      });
      assert.equal(second?.previous, "2026-03-03T05:00:00Z");
      const run = one.engine.engine.runByKey("job", one.keys()[0] as string);
      assert.equal(run?.origin, "schedule:nightly");
      await one.engine.until(run?.id as string, "completed");
      const view = one.scheduler.get("nightly");
      assert.equal(view.started?.tick, Date.parse("2026-03-04T05:00:00Z"));
      assert.deepEqual(view.next.slice(0, 2), [Date.parse("2026-03-05T05:00:00Z"), Date.parse("2026-03-06T05:00:00Z")]);
    },
    { timeZone: "Europe/Berlin" },
  );
});

test("after a crash at any time a tick has one run: the start and the note of it are one commit", async () => {
  await bench(async (one) => {
    for (let night = 0; night < 3; night += 1) {
      // Lost with everything in memory, right after the look that started it, and looked at twice in the next life.
      await one.jump(night === 0 ? 30 * 60_000 : day);
      const { folder } = one.engine;
      await one.close();
      await one.open(folder);
      await one.scheduler.look();
    }
    assert.equal(one.keys().length, 3);
    assert.equal(new Set(one.keys()).size, 3);
  });
});

for (const [catchUp, expected] of [
  ["one", ["09:00"]],
  ["all", ["07:00", "08:00", "09:00"]],
  ["none", []],
] as const) {
  test(`ticks that passed while the server was down: ${catchUp}`, async () => {
    await bench(
      async (one) => {
        const { folder } = one.engine;
        await one.close();
        one.clock.time += 4 * hour - 10 * 60_000;
        await one.open(folder);
        assert.deepEqual(
          one.ticks.map(({ time, late }) => `${time.slice(0, 5)} ${late}`),
          expected.map((time) => `${time} true`),
        );
        const skipped = one.facts.filter(({ event }) => event === "skipped").length;
        await one.scheduler.look();
        assert.equal(one.facts.filter(({ event }) => event === "skipped").length, skipped, "told once");
        await one.pass(hour);
        assert.equal(one.keys().at(-1), "schedule:nightly:2026-03-02T10:00:00Z");
      },
      { cron: "0 * * * *", catchUp, catchUpLimit: 3 },
    );
  });
}

test("row 9: a clock that jumps ahead and back starts no storm and nothing twice, and misses no tick that comes again", async () => {
  await bench(
    async (one) => {
      await one.pass(hour);
      assert.equal(one.keys().length, 1);
      await one.jump(40 * day);
      assert.equal(one.keys().length, 2);
      await one.jump(-40 * day);
      assert.equal(one.facts.at(-1)?.event, "clock");
      await one.pass(2 * hour);
      assert.deepEqual(one.keys(), [
        "schedule:nightly:2026-03-02T06:00:00Z",
        "schedule:nightly:2026-04-11T06:00:00Z",
        "schedule:nightly:2026-03-02T07:00:00Z",
        "schedule:nightly:2026-03-02T08:00:00Z",
      ]);
      // Twenty days back, and the same ticks once more: each has its run.
      await one.jump(-20 * day);
      await one.jump(20 * day);
      await one.pass(hour);
      assert.equal(new Set(one.keys()).size, one.keys().length);
      assert.equal(one.keys().filter((key) => key.endsWith("2026-03-02T08:00:00Z")).length, 1);
    },
    { cron: "0 * * * *" },
  );
});

test("a paused schedule starts nothing; once it is resumed it goes on with the next tick", async () => {
  await bench(async (one) => {
    const audit: unknown[] = [];
    const alongside = () => {
      audit.push(1);
      return [];
    };
    await one.scheduler.pause("nightly", "olivia", "month end", alongside);
    await assert.rejects(one.scheduler.pause("nightly", "olivia", "again", alongside), { code: "schedule-state" });
    await one.pass(2 * day);
    assert.deepEqual(one.keys(), []);
    assert.equal(one.scheduler.get("nightly").paused?.by, "olivia");
    await one.scheduler.resume("nightly", alongside);
    await assert.rejects(one.scheduler.resume("nightly", alongside), { code: "schedule-state" });
    assert.deepEqual(one.keys(), []);
    await one.pass(day);
    assert.equal(one.keys().length, 1);
    await assert.rejects(one.scheduler.pause("none", "olivia", "", alongside), { code: "schedule-unknown" });
  });
});

test("a pause holds over a restart; a schedule that begins paused waits to be resumed", async () => {
  await bench(
    async (one) => {
      await one.pass(2 * day);
      const { folder } = one.engine;
      await one.close();
      await one.open(folder);
      await one.pass(2 * day);
      assert.deepEqual(one.keys(), []);
      await one.scheduler.resume("nightly", () => []);
      await one.pass(day);
      assert.equal(one.keys().length, 1);
    },
    { paused: true },
  );
});

test("another pattern counts from when it is taken, not from the last tick of the one before", async () => {
  await bench(async (one) => {
    await one.pass(hour);
    const { folder } = one.engine;
    await one.close();
    one.clock.time += 10 * hour;
    await one.open(folder, { cron: "*/10 * * * *" });
    assert.equal(one.keys().length, 1);
    await one.pass(10 * 60_000);
    assert.equal(one.keys().length, 2);
  });
});

test("a start that can't be taken now is tried again until it is, and is not missed", async () => {
  await bench(
    async (one) => {
      one.disk = "low";
      await one.pass(2 * hour);
      assert.deepEqual(one.keys(), []);
      assert.ok(one.facts.some(({ event, code }) => event === "held" && code === "store-full"));
      one.disk = "ok";
      await one.pass(60_000);
      assert.deepEqual(one.keys(), ["schedule:nightly:2026-03-02T06:00:00Z"]);
    },
    { catchUp: "none" },
  );
});

test("nor is it missed where the schedules are read anew meanwhile, unless its pattern is another then", async () => {
  for (const [changed, expected] of [
    [{ description: "what is due" }, ["schedule:nightly:2026-03-02T06:00:00Z"]],
    [{ cron: "5 6 * * *" }, []],
  ] as const)
    await bench(
      async (one) => {
        one.disk = "low";
        await one.pass(2 * hour);
        await one.reload(changed);
        assert.deepEqual(one.keys(), []);
        one.disk = "ok";
        await one.pass(60_000);
        assert.deepEqual(one.keys(), expected);
      },
      { catchUp: "none" },
    );
});

test("a tick whose input can't be made is shown as a problem, and the next one has its turn", async () => {
  let broken = true;
  await bench(
    async (one) => {
      await one.pass(hour);
      assert.deepEqual(one.keys(), []);
      const { problem } = one.scheduler.get("nightly");
      assert.match(String(problem?.reason), /can't start a run for 2026-03-02T06:00:00Z: its input does not fit/);
      await assert.rejects(one.scheduler.runNow("nightly", "olivia"), { code: "schedule-input", status: 422 });
      broken = false;
      await one.pass(day);
      assert.equal(one.keys().length, 1);
      assert.equal(one.scheduler.get("nightly").problem, undefined);
    },
    { input: ({ at }) => (broken ? ({} as Job) : { at }) },
  );
});

test("a run by hand is one more, also while the schedule is paused", async () => {
  await bench(async (one) => {
    await one.scheduler.pause("nightly", "olivia", "test", () => []);
    const { run, key } = await one.scheduler.runNow("nightly", "olivia");
    assert.equal(key, "schedule:nightly:by-hand:2026-03-02T05:30:00.000Z");
    assert.equal((await one.engine.until(run, "completed")).origin, "schedule:nightly by olivia");
    assert.equal(one.ticks[0]?.byHand, true);
  });
});

test("a definition that is no schedule is refused where it is written", () => {
  const good = { name: "a", process: job, cron: "0 6 * * *", input: () => ({ at: "" }) };
  for (const bad of [
    { name: "Nightly" },
    { name: "a".repeat(101) },
    { process: {} },
    { cron: 5 },
    { input: "x" },
    { catchUp: "some" },
    { catchUpLimit: 0 },
  ])
    assert.throws(() => defineSchedule({ ...good, ...bad } as never), TypeError);
});

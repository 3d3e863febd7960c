/** Many steps against one system that has bad times, by a clock that is moved by hand: hours of a storm in a moment. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MortiseError } from "../../../errors.ts";
import type { CallResult, Effect, StoredFailure } from "../../../operation.ts";
import { circuitTable, type GateSettings } from "../../../outbound/circuit.ts";
import { type CircuitChange, openGates } from "../../../outbound/gates.ts";
import type { RetryPolicy } from "../../../retry.ts";
import { Performance } from "./attempts.ts";
import { newPast } from "./past.ts";
import { policyOf } from "./policy.ts";
import type { FailedAttempt } from "./work.ts";

/** What the system answers at this time; `ok`: well. */
type Weather = (now: number, step: number) => "ok" | { status: number; retryAfterMs?: number };

interface Storm {
  readonly calls: readonly { readonly at: number; readonly step: number; readonly ok: boolean }[];
  readonly changes: readonly CircuitChange[];
  /** By step: when it ended, or why it parked. */
  readonly ended: ReadonlyMap<number, { readonly at: number; readonly parked?: string; readonly failures: number }>;
  /** Most calls in any second. */
  peak(from?: number, to?: number): number;
}

interface StormOptions {
  readonly weather: Weather;
  /** Steps a second, evenly, from 0 to `stepsMs`. */
  readonly rate: number;
  readonly stepsMs: number;
  /** When everything must be over. */
  readonly untilMs: number;
  readonly effect?: Effect;
  readonly retry?: RetryPolicy;
  readonly settings?: Partial<GateSettings>;
  /** Threads that share the table. */
  readonly threads?: number;
  /** How long the system takes. */
  readonly tookMs?: number;
}

const usualGate: GateSettings = { failures: 5, pauseMs: 2000, maxPauseMs: 30_000, share: 0.2, floor: 5 };

/** A clock that jumps from one timer to the next; promises run dry in between. */
class HandClock {
  time = 0;
  readonly #timers: { at: number; order: number; act: () => void }[] = [];
  #order = 0;

  later(ms: number, act: () => void): () => void {
    const timer = { at: this.time + Math.max(ms, 0), order: this.#order++, act };
    this.#timers.push(timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  async run(until: number): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 6; turn += 1) await Promise.resolve();
      let next = this.#timers[0];
      for (const one of this.#timers)
        if (next === undefined || one.at < next.at || (one.at === next.at && one.order < next.order)) next = one;
      if (next === undefined || next.at > until) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.time = next.at;
      next.act();
    }
    this.time = until;
  }
}

/** The same numbers every time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function storm(options: StormOptions): Promise<Storm> {
  const clock = new HandClock();
  const chance = dice(7);
  const table = circuitTable(new Map([["erp", { ...usualGate, ...options.settings }]]));
  const changes: CircuitChange[] = [];
  const gateClock = {
    now: () => clock.time,
    wall: () => clock.time,
    chance,
    later: (ms: number, act: () => void) => clock.later(ms, act),
  };
  const gates = Array.from({ length: options.threads ?? 1 }, () =>
    openGates(table, (change) => changes.push(change), gateClock).get("erp"),
  );
  const calls: { at: number; step: number; ok: boolean }[] = [];
  const ended = new Map<number, { at: number; parked?: string; failures: number }>();
  const policy = policyOf(options.retry);

  function call(step: number): Promise<CallResult> {
    const weather = options.weather(clock.time, step);
    calls.push({ at: clock.time, step, ok: weather === "ok" });
    const { promise, resolve, reject } = Promise.withResolvers<CallResult>();
    clock.later(options.tookMs ?? 20, () => {
      if (weather === "ok") resolve({ ok: true, output: null });
      else reject(failureOf(weather));
    });
    return promise;
  }

  function begin(step: number): void {
    let failures = 0;
    const effect = options.effect ?? "idempotent";
    new Performance(
      {
        what: "erp.order",
        run: `r${step}`,
        key: `r${step}-1`,
        effect,
        past: newPast(clock.time),
        keyLifetimeMs: undefined,
        timeoutMs: 60_000,
        policy: () => policy,
        undone: false,
        breakable: false,
        attempt: () => call(step),
        text: () => "null",
        probe: undefined,
        settleMs: 0,
        gate: gates[step % gates.length],
        resumed: false,
      },
      {
        settled: () => ended.set(step, { at: clock.time, failures }),
        failed: ({ by }: FailedAttempt) => {
          if (by === undefined) failures += 1;
        },
        held: () => {},
        unbegun: () => {},
        again: (_, __, go) => clock.later(1, go),
        parked: (code: string, _: StoredFailure) => ended.set(step, { at: clock.time, parked: code, failures }),
      },
      {
        now: () => clock.time,
        chance,
        later: (ms, act) => clock.later(ms, act),
        signal: new AbortController().signal,
        around: undefined,
        attempted: () => {},
      },
    ).begin();
  }

  const steps = Math.floor((options.rate * options.stepsMs) / 1000);
  for (let step = 0; step < steps; step += 1) clock.later((step * 1000) / options.rate, () => begin(step));
  await clock.run(options.untilMs);
  return {
    calls,
    changes,
    ended,
    peak(from = 0, to = options.untilMs) {
      let most = 0;
      let begun = 0;
      const times = calls.map(({ at }) => at).filter((at) => at >= from && at < to);
      for (const [i, at] of times.entries()) {
        while ((times[begun] as number) <= at - 1000) begun += 1;
        most = Math.max(most, i - begun + 1);
      }
      return most;
    },
  };
}

function failureOf({ status, retryAfterMs }: Exclude<ReturnType<Weather>, "ok">): MortiseError {
  const outcome = status === 429 ? "none" : "unknown";
  const wait = retryAfterMs !== undefined;
  return new MortiseError(wait ? "rest-wait" : "rest-unavailable", `status ${status}`, {
    outcome,
    ...(wait ? { retryAfterMs } : {}),
  });
}

const allEnd = ({ ended }: Storm, steps: number) => {
  assert.equal(ended.size, steps);
  assert.deepEqual(
    [...ended.values()].filter(({ parked }) => parked !== undefined),
    [],
  );
};

/** Good until 20 s, then 500, then 503, then 429 with Retry-After, each for 10 s; then good again. */
const phases: Weather = (now) => {
  if (now < 20_000 || now >= 50_000) return "ok";
  if (now < 30_000) return { status: 500 };
  return { status: now < 40_000 ? 503 : 429, retryAfterMs: 3000 };
};

for (const threads of [1, 3]) {
  test(`a storm of 500, 503 and 429 loads the system no more than usual, nor does its end (${threads} threads)`, async () => {
    const seen = await storm({ weather: phases, rate: 20, stepsMs: 120_000, untilMs: 400_000, threads });
    allEnd(seen, 2400);
    assert.ok(seen.peak() < 40, `at most ${seen.peak()} calls in a second, of 20 that come`);
    // While it was away, only those that looked for it were sent.
    const during = seen.calls.filter(({ at }) => at >= 21_000 && at < 50_000).length;
    assert.ok(during < 40, `${during} calls while it was away, where 580 came`);
    // Nobody was close to the end of its attempts.
    assert.ok(Math.max(...[...seen.ended.values()].map(({ failures }) => failures)) <= 3);
    assert.deepEqual(
      seen.changes.filter(({ still }) => !still).map(({ state }) => state),
      ["open", "closed"],
    );
    // Who was held went first come, first served, and was over in the time that half of the usual rate takes.
    assert.ok(Math.max(...[...seen.ended.values()].map(({ at }) => at)) < 180_000);
  });
}

test("nothing comes back before the time that was said, and not all at once then", async () => {
  const said = 10_000;
  const weather: Weather = (now) => (now >= 20_000 && now < 20_500 ? { status: 429, retryAfterMs: said } : "ok");
  const seen = await storm({ weather, rate: 20, stepsMs: 60_000, untilMs: 200_000 });
  allEnd(seen, 1200);
  const refused = new Map(seen.calls.filter(({ ok }) => !ok).map(({ at, step }) => [step, at]));
  for (const { at, step, ok } of seen.calls)
    if (ok && refused.has(step)) assert.ok(at - (refused.get(step) as number) >= said);
  assert.ok(seen.peak() < 40);
});

test("a night's outage burns no attempts: what looks for the system is not counted, and all end in the morning", async () => {
  const night = 8 * 3_600_000;
  const weather: Weather = (now) => (now >= 20_000 && now < night ? { status: 503 } : "ok");
  const seen = await storm({ weather, rate: 1, stepsMs: 120_000, untilMs: night + 600_000 });
  allEnd(seen, 120);
  assert.ok(Math.max(...[...seen.ended.values()].map(({ failures }) => failures)) <= 5);
  const looks = seen.calls.filter(({ at }) => at > 100_000 && at < night).length;
  assert.ok(looks > 500 && looks < 1500, `looked ${looks} times in eight hours`);
  assert.equal(seen.changes.at(-1)?.state, "closed");
});

test("one step whose input the system can't bear opens nothing: the others pass, and it parks", async () => {
  const weather: Weather = (_, step) => (step === 500 ? { status: 500 } : "ok");
  const seen = await storm({ weather, rate: 20, stepsMs: 60_000, untilMs: 300_000 });
  assert.deepEqual(seen.changes, []);
  assert.deepEqual(
    [...seen.ended].filter(([, { parked }]) => parked !== undefined).map(([step, { parked }]) => [step, parked]),
    [[500, "step-attempts"]],
  );
  assert.equal(seen.calls.length, 1199 + 10);
});

test("repeats are a share of the calls: where a third fails, the system is not loaded with a third more", async () => {
  // Too few to count as away, and spread over all steps: the first attempt of every third fails.
  const tried = new Set<number>();
  const weather: Weather = (_, step) => {
    const first = !tried.has(step);
    tried.add(step);
    return step % 3 === 0 && first ? { status: 500 } : "ok";
  };
  const seen = await storm({ weather, rate: 60, stepsMs: 60_000, untilMs: 400_000 });
  allEnd(seen, 3600);
  assert.deepEqual(seen.changes, []);
  assert.ok(seen.peak(20_000, 60_000) <= 60 * 1.2 + 2, `${seen.peak(20_000, 60_000)} calls in a second`);
});

test("unrepeatable calls that were not sent are held, and sent once", async () => {
  const weather: Weather = (now) => (now >= 5000 && now < 20_000 ? { status: 429, retryAfterMs: 1000 } : "ok");
  const seen = await storm({ weather, rate: 10, stepsMs: 30_000, untilMs: 200_000, effect: "unrepeatable" });
  allEnd(seen, 300);
  assert.equal(new Set(seen.calls.filter(({ ok }) => ok).map(({ step }) => step)).size, 300);
  assert.equal(seen.calls.filter(({ ok }) => ok).length, 300);
});

test("a system that is told never to count as away is called as the steps' own policies say", async () => {
  const weather: Weather = (now) => (now >= 5000 && now < 10_000 ? { status: 503 } : "ok");
  const seen = await storm({ weather, rate: 5, stepsMs: 20_000, untilMs: 200_000, settings: { failures: 0 } });
  allEnd(seen, 100);
  assert.deepEqual(seen.changes, []);
});

test("the time that a policy gives goes on while the system is away, and ends in a parked run", async () => {
  const weather: Weather = () => ({ status: 503 });
  const seen = await storm({ weather, rate: 1, stepsMs: 30_000, untilMs: 300_000, retry: { within: "1m" } });
  assert.equal(seen.ended.size, 30);
  for (const [step, { at, parked }] of seen.ended) {
    assert.equal(parked, "step-attempts");
    assert.ok(at <= step * 1000 + 60_100, `step ${step} parked at ${at}`);
  }
});

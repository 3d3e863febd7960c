/**
 * Starts the runs of schedules: looks which ticks are due, and starts each with a business key made of schedule and tick, in one commit with
 * the note that the tick is handled. So a tick starts one run, whatever crashes and however the clock jumps.
 *
 * One schedule at a time is worked on, and its ticks in their order. A start that can't be taken at the moment is tried again; one that
 * can't be made at all (its input does not fit) is noted, and the next tick has its turn.
 */
import { channel } from "node:diagnostics_channel";
import type { Clock } from "../../clock.ts";
import { compileSchema } from "../../contract/validate.ts";
import { asMortiseError, failure, plainName } from "../../errors.ts";
import type { ScheduleFact } from "../../observe/facts.ts";
import { inWords, type Json } from "../../operation.ts";
import type { AnyProcess } from "../../process/define.ts";
import type { Engine } from "../../process/engine.ts";
import type { AnySchedule, Tick } from "../../process/schedule.ts";
import type { Command } from "../../store/store.ts";
import type { ScheduleBook, ScheduleState } from "./book.ts";
import { dueTicks, type Pattern, patternOf } from "./ticks.ts";

export interface SchedulerOptions {
  readonly schedules: readonly AnySchedule[];
  /** The process of this name, of the code that new runs start on. */
  readonly process: (name: string) => AnyProcess | undefined;
  readonly engine: Pick<Engine, "start">;
  readonly book: ScheduleBook;
  readonly clock: Clock;
  /** The scheduler before this one, which is closed: what it holds is still to be taken. */
  readonly before?: Pick<Scheduler, "held">;
  /** The clock is looked at this often at least, since it may have been set; milliseconds. Default 30000. */
  readonly lookEveryMs?: number;
}

/** A schedule as people see it. Times are epoch milliseconds. */
export interface ScheduleView {
  readonly name: string;
  readonly process: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly catchUp: string;
  readonly description?: string;
  /** The next ticks; of a paused one those that there would be. */
  readonly next: readonly number[];
  readonly started?: { readonly tick: number; readonly run: string };
  readonly problem?: { readonly at: number; readonly reason: string };
  readonly paused?: { readonly at: number; readonly by: string; readonly reason: string };
}

export interface Scheduler {
  list(): readonly ScheduleView[];
  /** Throws `schedule-unknown`. */
  get(name: string): ScheduleView;
  /** `alongside`: commands of the same commit, made once the schedule is known to be there. */
  pause(name: string, by: string, reason: string, alongside: () => readonly Command[]): Promise<void>;
  resume(name: string, alongside: () => readonly Command[]): Promise<void>;
  /** Starts a run now, besides the ticks. Rejects with what a start may reject with, and with `schedule-input`. */
  runNow(name: string, by: string): Promise<{ readonly run: string; readonly key: string }>;
  /** Ticks of a schedule that were due and could not be taken yet, where it has this definition. */
  held(name: string, definition: string): readonly HeldTick[];
  /** Looks now; resolves when what was due is started. */
  look(): Promise<void>;
  close(): Promise<void>;
}

const retryMs = 5000;
const ticksShown = 5;
const longestProblem = 1000;
const facts = channel("mortise:server:schedule");

interface HeldTick {
  readonly at: number;
  readonly late: boolean;
}

interface Entry {
  readonly schedule: AnySchedule;
  readonly pattern: Pattern;
  /** Ticks that were due and could not be taken; they come first, and are not missed. */
  held: readonly HeldTick[];
}

/** `definition` of a schedule: where it changes, its past ticks don't count. */
const definitionOf = ({ cron, timeZone }: AnySchedule): string => `${timeZone} ${cron}`;

/** Resolves once the schedules are known to the store; the first `look` starts what is due. Throws a `RangeError` on a pattern that is none. */
export async function openScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { engine, book, clock, lookEveryMs = 30_000 } = options;
  const entries = new Map<string, Entry>();
  for (const schedule of options.schedules) {
    const { name, cron, timeZone } = schedule;
    const held = options.before?.held(name, definitionOf(schedule)) ?? [];
    entries.set(name, { schedule, pattern: patternOf(cron, timeZone), held });
  }
  await book.sync({
    at: clock.now(),
    all: options.schedules.map((one) => ({
      name: one.name,
      definition: definitionOf(one),
      paused: one.paused === true,
    })),
  });
  let stopTimer: (() => void) | undefined;
  let closed = false;
  let working: Promise<void> | undefined;
  let again = false;

  const tell = (fact: ScheduleFact) => facts.publish(fact);

  /** The input of a tick. Throws `schedule-input`. */
  function inputOf({ schedule }: Entry, tick: Tick): Json {
    const process = options.process(schedule.process.name);
    const refuse = (reason: string, cause?: unknown) =>
      failure(
        "schedule-input",
        { schedule: schedule.name, at: tick.at, reason: reason.slice(0, longestProblem) },
        cause === undefined ? {} : { cause },
      );
    if (process === undefined) throw refuse(`the current code has no process ${schedule.process.name}`);
    let input: unknown;
    try {
      input = schedule.input(tick);
    } catch (cause) {
      throw refuse(`its input function threw ${cause instanceof Error ? cause.name : "a value"}`, cause);
    }
    const problems = compileSchema(process.input)(input);
    if (problems.length > 0) throw refuse(`its input does not fit: ${inWords(problems.slice(0, 5))}`);
    return input as Json;
  }

  function tickOf({ schedule }: Entry, at: number, state: ScheduleState, late: boolean, byHand: boolean): Tick {
    const { date, time } = localTime(at, schedule.timeZone);
    const previous = state.started === undefined ? {} : { previous: textOf(state.started.tick) };
    return Object.freeze({
      schedule: schedule.name,
      at: textOf(at),
      date,
      time,
      timeZone: schedule.timeZone,
      ...previous,
      late,
      byHand,
    });
  }

  /** Starts the run of a tick. False: not now, try it again later. */
  async function start(entry: Entry, at: number, late: boolean, state: ScheduleState): Promise<boolean> {
    const { name, process } = entry.schedule;
    try {
      const answer = await engine.start({
        process: process.name,
        key: keyOf(name, at),
        input: inputOf(entry, tickOf(entry, at, state, late, false)),
        origin: `schedule:${name}`,
        alongside: [{ name: "process.schedule-tick", parameters: { name, tick: at, run: "$run" } }],
      });
      // Started before the clock was set back, or another input by now: the tick has its run.
      if (answer.kind === "exists") await book.skip(name, at);
      if (answer.kind === "started") tell({ schedule: name, event: "started", at, run: answer.run, late });
      return true;
    } catch (error) {
      const known = asMortiseError(error);
      if (known.code === "run-key-conflict") {
        await book.skip(name, at);
        return true;
      }
      if (known.class === "wait" || known.class === "retry") {
        tell({ schedule: name, event: "held", at, code: known.code });
        return false;
      }
      tell({ schedule: name, event: "failed", at, code: known.code });
      await book.problem({ name, tick: at, at: clock.now(), problem: known.message });
      return true;
    }
  }

  /** Resolves with when to look again at the latest; `undefined`: no tick will come. */
  async function lookAt(entry: Entry): Promise<number | undefined> {
    const { schedule, pattern } = entry;
    const { name, catchUp, catchUpLimit: limit } = schedule;
    let state = book.get(name);
    if (state === undefined) return undefined;
    if (state.paused !== undefined) {
      entry.held = [];
      return undefined;
    }
    const now = clock.now();
    if (state.last > now) {
      // The clock was ahead, and is right again. What was started then has its key: it is not started twice.
      tell({ schedule: name, event: "clock", at: state.last });
      await book.reset(name, now);
      entry.held = [];
      return pattern.next(now);
    }
    const known = entry.held.at(-1)?.at ?? state.last;
    const due = dueTicks(pattern, { last: Math.max(known, state.last), now, catchUp, limit });
    if (due.skipped) tell({ schedule: name, event: "skipped", at: now });
    const ticks = [...entry.held, ...due.ticks];
    entry.held = [];
    for (const [index, { at, late }] of ticks.entries()) {
      if (closed || !(await start(entry, at, late, state))) {
        entry.held = ticks.slice(index, index + limit);
        return clock.now() + retryMs;
      }
      state = book.get(name) ?? state;
      if (state.paused !== undefined) return undefined;
    }
    if (due.ticks.length === 0 && due.skipped) await book.skip(name, now);
    return pattern.next(now);
  }

  async function work(): Promise<void> {
    do {
      again = false;
      stopTimer?.();
      let next = Number.POSITIVE_INFINITY;
      for (const entry of entries.values()) {
        if (closed) return;
        try {
          next = Math.min(next, (await lookAt(entry)) ?? Number.POSITIVE_INFINITY);
        } catch (error) {
          // The store is full or failed; it says so itself.
          tell({ schedule: entry.schedule.name, event: "held", at: clock.now(), code: asMortiseError(error).code });
          next = Math.min(next, clock.now() + retryMs);
        }
      }
      if (closed) return;
      if (entries.size > 0) {
        const wait = Math.min(Math.max(next - clock.now(), 0), lookEveryMs);
        stopTimer = clock.later(wait, () => void look(), true);
      }
    } while (again);
  }

  function look(): Promise<void> {
    if (closed) return working ?? Promise.resolve();
    if (working !== undefined) {
      again = true;
      return working;
    }
    working = work().finally(() => {
      working = undefined;
    });
    return working;
  }

  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw failure("schedule-unknown", { schedule: plainName(name, "of that name") });
    return entry;
  };
  function view({ schedule, pattern }: Entry): ScheduleView {
    const { name, process, cron, timeZone, catchUp, description } = schedule;
    const next: number[] = [];
    for (let at = pattern.next(clock.now()); at !== undefined && next.length < ticksShown; at = pattern.next(at))
      next.push(at);
    const { started, problem, paused } = book.get(name) ?? {};
    return {
      name,
      process: process.name,
      cron,
      timeZone,
      catchUp,
      ...(description === undefined ? {} : { description }),
      next,
      ...(started === undefined ? {} : { started }),
      ...(problem === undefined ? {} : { problem }),
      ...(paused === undefined ? {} : { paused }),
    };
  }

  return {
    list: () => [...entries.values()].map(view).sort((a, b) => (a.name < b.name ? -1 : 1)),
    get: (name) => view(entryOf(name)),
    async pause(name, by, reason, alongside) {
      entryOf(name);
      await book.pause({ name, at: clock.now(), by, reason }, alongside());
    },
    async resume(name, alongside) {
      entryOf(name);
      await book.resume(name, clock.now(), alongside());
      await look();
    },
    async runNow(name, by) {
      const entry = entryOf(name);
      const at = clock.now();
      const state = book.get(name) ?? { name, last: at };
      const key = `schedule:${name}:by-hand:${new Date(at).toISOString()}`;
      const answer = await engine.start({
        process: entry.schedule.process.name,
        key,
        input: inputOf(entry, tickOf(entry, at, state, false, true)),
        origin: `schedule:${name} by ${by}`,
      });
      if (answer.kind === "refused") throw failure("internal", { reason: `the start was refused by ${answer.by}` });
      return { run: answer.run, key };
    },
    held(name, definition) {
      const entry = entries.get(name);
      return entry !== undefined && definitionOf(entry.schedule) === definition ? entry.held : [];
    },
    look,
    async close() {
      closed = true;
      stopTimer?.();
      await working;
    },
  };
}

/** The business key of a tick's run. */
export function keyOf(schedule: string, at: number): string {
  return `schedule:${schedule}:${textOf(at)}`;
}

/** ISO 8601 in UTC, with the seconds that ticks have. */
function textOf(at: number): string {
  return new Date(at).toISOString().replace(/\.000Z$/, "Z");
}

function localTime(at: number, timeZone: string): { readonly date: string; readonly time: string } {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    date: `${parts.year}-${parts.month}-${parts.day}`,
    time: `${parts.hour}:${parts.minute}:${parts.second}`,
  };
}

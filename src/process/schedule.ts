/** What a user writes to start a process by the clock. Plain data and one function. */
import type { ProcessDefinition } from "./define.ts";

/** A moment that a schedule names, as its `input` is given it. */
export interface Tick {
  readonly schedule: string;
  /** ISO 8601, in UTC: `2026-03-02T05:00:00Z`. */
  readonly at: string;
  /** Date and time of it in the schedule's time zone: `2026-03-02`, `06:00:00`. */
  readonly date: string;
  readonly time: string;
  readonly timeZone: string;
  /** The tick that started a run last, if there was one: what was missed since lies between. */
  readonly previous?: string;
  /** It was missed, and is made up for now. */
  readonly late: boolean;
  /** Somebody asked for this run; the clock did not. */
  readonly byHand: boolean;
}

/**
 * What becomes of ticks that passed while nothing could be started (the server was down). `one`: the last of them is started.
 * `all`: each of them is, oldest first. `none`: they are left out.
 */
export type CatchUp = "one" | "all" | "none";

export interface ScheduleOptions<I = unknown> {
  /** Unique in the project; lower case with dashes, at most 100 characters. Part of the business key of the runs. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: its output is of no concern here
  readonly process: ProcessDefinition<I, any>;
  /** Five fields (minute, hour, day of month, month, day of week), or six with seconds first: `"0 6 * * 1-5"`. */
  readonly cron: string;
  /** IANA name, such as `"Europe/Berlin"`. Default `"UTC"`. */
  readonly timeZone?: string;
  /** Pure: makes the input of the run of a tick. */
  readonly input: (tick: Tick) => I;
  /** Default `"one"`. */
  readonly catchUp?: CatchUp;
  /** With `"all"`: at most so many, the newest. Default 100, at most 1000. */
  readonly catchUpLimit?: number;
  /** Begins paused: nothing is started until `mortise schedules resume`. */
  readonly paused?: true;
  readonly description?: string;
}

export interface ScheduleDefinition<I = unknown> extends ScheduleOptions<I> {
  readonly kind: "schedule";
  readonly timeZone: string;
  readonly catchUp: CatchUp;
  readonly catchUpLimit: number;
}
// biome-ignore lint/suspicious/noExplicitAny: a schedule of whatever types
export type AnySchedule = ScheduleDefinition<any>;

const nameForm = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const longestName = 100;

/** Defines a schedule. Throws a `TypeError` on what no schedule can be; cron and time zone are checked when the project is loaded. */
export function defineSchedule<I>(options: ScheduleOptions<I>): ScheduleDefinition<I> {
  const { name, timeZone = "UTC", catchUp = "one", catchUpLimit = 100 } = options;
  if (!nameForm.test(name) || name.length > longestName) {
    throw new TypeError(`a schedule is named in lower case with dashes, such as "nightly-stock"; not "${name}"`);
  }
  const refuse = (what: string) => new TypeError(`schedule ${name}: ${what}`);
  if (options.process?.kind !== "process") throw refuse("process must be what defineProcess gives");
  if (typeof options.input !== "function") throw refuse("input must be a function of the tick");
  if (typeof options.cron !== "string") throw refuse('cron must be text such as "0 6 * * 1-5"');
  if (typeof timeZone !== "string") throw refuse('timeZone must be text such as "Europe/Berlin"');
  if (!["one", "all", "none"].includes(catchUp)) throw refuse('catchUp must be "one", "all" or "none"');
  if (!Number.isInteger(catchUpLimit) || catchUpLimit < 1 || catchUpLimit > 1000)
    throw refuse("catchUpLimit must be a whole number from 1 to 1000");
  return Object.freeze({ ...options, kind: "schedule", timeZone, catchUp, catchUpLimit });
}

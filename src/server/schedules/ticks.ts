/**
 * Which ticks of a schedule are due: a pure function of its pattern, of what was handled, and of the clock. Patterns are croner's.
 *
 * A time that the change to summer time leaves out fires at the moment of the change; one that comes twice in autumn fires at its first
 * coming. A pattern that goes through the hours (`0 * * * *`) fires in every hour that passes, so also in both of the doubled one.
 */
import { Cron } from "croner";
import type { CatchUp } from "../../process/schedule.ts";

/** Ticks as epoch milliseconds, whole seconds. */
export interface Pattern {
  /** The first one after `after`. */
  next(after: number): number | undefined;
  /** At most `count` up to and with `upTo`, newest first. */
  newest(count: number, upTo: number): readonly number[];
}

/** Throws a `RangeError` that says what is wrong. */
export function patternOf(cron: string, timeZone: string): Pattern {
  const fields = cron.trim().split(/\s+/).length;
  if (fields !== 5 && fields !== 6) throw new RangeError(`cron "${cron}" must have five fields, or six with seconds`);
  let known: Cron;
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw new RangeError(`timeZone "${timeZone}" is no IANA time zone such as "Europe/Berlin"`);
  }
  try {
    known = new Cron(cron, { timezone: timeZone, paused: true });
  } catch (error) {
    throw new RangeError(`cron "${cron}" can't be read: ${(error as Error).message.replace(/^CronPattern: /, "")}`);
  }
  return {
    next: (after) => known.nextRun(new Date(after))?.getTime(),
    newest: (count, upTo) => known.previousRuns(count, new Date(Math.floor(upTo) + 1)).map((one) => one.getTime()),
  };
}

/** A tick this much ago is not missed: looking may take a moment, and so does a restart. */
export const graceMs = 60_000;

export interface Due {
  /** Oldest first. */
  readonly ticks: readonly { readonly at: number; readonly late: boolean }[];
  /** Some were missed and are not made up for. */
  readonly skipped: boolean;
}

const nothing: Due = { ticks: [], skipped: false };

/** What is due at `now`, where every tick up to `last` was handled. */
export function dueTicks(
  pattern: Pattern,
  { last, now, catchUp, limit }: { last: number; now: number; catchUp: CatchUp; limit: number },
): Due {
  const [newest] = pattern.newest(1, now);
  if (newest === undefined || newest <= last) return nothing;
  const missedUntil = now - graceMs;
  const inTime = pattern.newest(graceMs / 1000 + 1, now).filter((at) => at > last && at > missedUntil);
  const wanted = catchUp === "all" ? limit : catchUp === "one" && inTime.length === 0 ? 1 : 0;
  // One more than wanted: it tells whether some are left out.
  const missed = missedUntil <= last ? [] : pattern.newest(wanted + 1, missedUntil).filter((at) => at > last);
  const late = missed.slice(0, wanted).map((at) => ({ at, late: true }));
  const ticks = [...inTime.map((at) => ({ at, late: false })), ...late].reverse();
  return { ticks, skipped: missed.length > wanted };
}

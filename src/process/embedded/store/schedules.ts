/**
 * What is kept of schedules, in the writer thread: up to which tick they were handled, and whether they are paused. The start of a tick
 * and the move of `last` are one commit, so a tick starts one run whatever crashes.
 */
import type { CommandHandler, PartContext } from "../../../store/store.ts";

export interface ScheduleSync {
  /** Epoch milliseconds; of the clock that looks for ticks. */
  readonly at: number;
  readonly all: readonly {
    readonly name: string;
    /** Cron and time zone: where they change, ticks of the past are not those of the new ones. */
    readonly definition: string;
    readonly paused: boolean;
  }[];
}
export interface ScheduleTick {
  readonly name: string;
  readonly tick: number;
  readonly run: string;
}
export interface ScheduleProblem {
  readonly name: string;
  readonly tick: number;
  readonly at: number;
  readonly problem: string;
}
export interface SchedulePause {
  readonly name: string;
  readonly at: number;
  readonly by: string;
  readonly reason: string;
}

export function storeSchedules({ db, refuse }: PartContext): Record<string, CommandHandler> {
  const sql = {
    names: db.prepare("select name from schedules"),
    drop: db.prepare("delete from schedules where name = ?"),
    insert: db.prepare(
      `insert into schedules (name, definition, last, paused_at, paused_by, paused_reason) values (?, ?, ?, ?, ?, ?)
       on conflict (name) do nothing`,
    ),
    redefine: db.prepare("update schedules set definition = ?, last = ? where name = ? and definition <> ?"),
    tick: db.prepare(
      `update schedules set last = ?, started = ?, run = ?, problem = null, problem_at = null
       where name = ? and last < ? and paused_at is null`,
    ),
    skip: db.prepare("update schedules set last = ? where name = ? and last < ?"),
    problem: db.prepare("update schedules set last = max(last, ?), problem = ?, problem_at = ? where name = ?"),
    reset: db.prepare("update schedules set last = ? where name = ? and last > ?"),
    pause: db.prepare(
      "update schedules set paused_at = ?, paused_by = ?, paused_reason = ? where name = ? and paused_at is null",
    ),
    resume: db.prepare(
      `update schedules set last = ?, paused_at = null, paused_by = null, paused_reason = null
       where name = ? and paused_at is not null`,
    ),
  };
  return {
    /** The schedules that the project has; a new one begins now. */
    "schedule-sync"({ at, all }: ScheduleSync) {
      const kept = new Set(all.map(({ name }) => name));
      for (const { name } of sql.names.all() as { name: string }[]) if (!kept.has(name)) sql.drop.run(name);
      for (const { name, definition, paused } of all) {
        const by = paused ? [at, "its definition", "it begins paused"] : [null, null, null];
        if (sql.insert.run(name, definition, at, ...by).changes === 0)
          sql.redefine.run(definition, at, name, definition);
      }
    },
    /** Beside the start of its run. Refuses where it was handled before, or where the schedule is paused. */
    "schedule-tick"({ name, tick, run }: ScheduleTick) {
      if (sql.tick.run(tick, tick, run, name, tick).changes === 0) refuse("handled");
    },
    "schedule-skip"({ name, to }: { readonly name: string; readonly to: number }) {
      sql.skip.run(to, name, to);
    },
    /** A tick that can start nothing. */
    "schedule-problem"({ name, tick, at, problem }: ScheduleProblem) {
      sql.problem.run(tick, problem, at, name);
    },
    /** The clock went back. */
    "schedule-reset"({ name, to }: { readonly name: string; readonly to: number }) {
      sql.reset.run(to, name, to);
    },
    "schedule-pause"({ name, at, by, reason }: SchedulePause) {
      if (sql.pause.run(at, by, reason, name).changes === 0) refuse("paused");
    },
    /** What passed meanwhile is not made up for. */
    "schedule-resume"({ name, at }: { readonly name: string; readonly at: number }) {
      if (sql.resume.run(at, name).changes === 0) refuse("running");
    },
  };
}

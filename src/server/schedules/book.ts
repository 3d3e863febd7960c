/** What is kept of schedules: read from the store, changed by commands of the writer. */
import { failure } from "../../errors.ts";
import type { SchedulePause, ScheduleProblem, ScheduleSync } from "../../process/embedded/store/schedules.ts";
import type { Command, Store } from "../../store/store.ts";

export interface ScheduleState {
  readonly name: string;
  /** Every tick up to this one was handled; epoch milliseconds. */
  readonly last: number;
  /** The tick that started a run last, and the run. */
  readonly started?: { readonly tick: number; readonly run: string };
  /** The last tick started nothing, and why. */
  readonly problem?: { readonly at: number; readonly reason: string };
  readonly paused?: { readonly at: number; readonly by: string; readonly reason: string };
}

export interface ScheduleBook {
  sync(given: ScheduleSync): Promise<void>;
  get(name: string): ScheduleState | undefined;
  skip(name: string, to: number): Promise<void>;
  problem(given: ScheduleProblem): Promise<void>;
  reset(name: string, to: number): Promise<void>;
  /** Throws `schedule-state` where it is paused already, or not. */
  pause(given: SchedulePause, alongside: readonly Command[]): Promise<void>;
  resume(name: string, at: number, alongside: readonly Command[]): Promise<void>;
}

interface Row {
  readonly name: string;
  readonly last: number;
  readonly started: number | null;
  readonly run: string | null;
  readonly problem: string | null;
  readonly problem_at: number | null;
  readonly paused_at: number | null;
  readonly paused_by: string | null;
  readonly paused_reason: string | null;
}

export function openScheduleBook(store: Pick<Store, "submit" | "read">): ScheduleBook {
  const find = store.read.prepare(
    "select name, last, started, run, problem, problem_at, paused_at, paused_by, paused_reason from schedules where name = ?",
  );
  const submit = (name: string, parameters: unknown, alongside: readonly Command[] = []) =>
    store.submit([...alongside, { name: `process.schedule-${name}`, parameters }]);
  return {
    async sync(given) {
      await submit("sync", given);
    },
    get(name) {
      const row = find.get(name) as unknown as Row | undefined;
      if (row === undefined) return undefined;
      const { last, started, run, problem, problem_at, paused_at, paused_by, paused_reason } = row;
      return {
        name,
        last,
        ...(started === null ? {} : { started: { tick: started, run: run ?? "" } }),
        ...(problem === null ? {} : { problem: { at: problem_at ?? 0, reason: problem } }),
        ...(paused_at === null ? {} : { paused: { at: paused_at, by: paused_by ?? "", reason: paused_reason ?? "" } }),
      };
    },
    async skip(name, to) {
      await submit("skip", { name, to });
    },
    async problem(given) {
      await submit("problem", given);
    },
    async reset(name, to) {
      await submit("reset", { name, to });
    },
    async pause(given, alongside) {
      const answer = await submit("pause", given, alongside);
      if (answer.kind === "refused") throw failure("schedule-state", { schedule: given.name, state: "paused already" });
    },
    async resume(name, at, alongside) {
      const answer = await submit("resume", { name, at }, alongside);
      if (answer.kind === "refused") throw failure("schedule-state", { schedule: name, state: "not paused" });
    },
  };
}

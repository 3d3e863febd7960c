/** The front's side of a move: one worker lets the run go, the other takes it over; see moving.ts. */
import type { MessagePort } from "node:worker_threads";
import { failure } from "../../../errors.ts";
import type { Actor } from "../../engine.ts";
import { finalStatuses, type RunStatus } from "../../engine.ts";
import type { FromWorker, MoveAnswer, ToWorkerControl } from "../wire.ts";

export interface Moves {
  /**
   * Moves the run to the code of another version, if that follows its history as it is now. Refused with `run-unknown`, `run-ended`,
   * `run-there`, or `run-busy`; `refused` says where the code does not follow.
   */
  move(run: string, to: string, actor: Actor): Promise<MoveAnswer & { readonly kind: "moved" | "refused" }>;
  /** What a worker says of moves. */
  heard(version: string, message: FromWorker & { readonly kind: "released" | "adopted" }): void;
  /** Its thread is gone: what it was asked is not answered any more. */
  lost(version: string): void;
}

export interface MovesParts {
  readonly row: (run: string) => { readonly version: string; readonly status: RunStatus } | undefined;
  /** Port to the worker of a version; made to run if `make`. */
  readonly control: (version: string, make: boolean) => MessagePort | undefined;
  readonly later: (ms: number, act: () => void) => () => void;
}

/** How long attempts under way may take to end before a move is given up. */
const patienceMs = 10_000;

interface Pending {
  readonly version: string;
  readonly done: (answer: MoveAnswer | "released" | "lost") => void;
}

export function moves({ row, control, later }: MovesParts): Moves {
  /** By run: one move at a time. */
  const pending = new Map<string, Pending>();

  function ask(version: string, message: ToWorkerControl & { readonly run: string }, make: boolean) {
    return new Promise<MoveAnswer | "released" | "lost">((resolve) => {
      const port = control(version, make);
      if (port === undefined) {
        resolve("lost");
        return;
      }
      pending.set(message.run, { version, done: resolve });
      port.postMessage(message);
    });
  }

  async function move(run: string, to: string, actor: Actor) {
    const found = row(run);
    if (found === undefined) throw failure("run-unknown", { run });
    const { version: from, status } = found;
    if (finalStatuses.has(status)) throw failure("run-ended", { run, status });
    if (from === to) throw failure("run-there", { run, version: to });
    if (pending.has(run)) throw failure("run-busy", { run });
    const keep = () => control(from, false)?.postMessage({ kind: "keep", run } satisfies ToWorkerControl);
    let cancel = () => {};
    try {
      const late = new Promise<"late">((resolve) => {
        cancel = later(patienceMs, () => resolve("late"));
      });
      // A version without a worker holds no run.
      const freed = await Promise.race([ask(from, { kind: "release", run }, false), late]);
      cancel();
      if (freed === "late") throw failure("run-busy", { run });
      const answer = await ask(to, { kind: "adopt", run, from, actor }, true);
      if (typeof answer === "string" || answer.kind === "changed") throw failure("run-busy", { run });
      if (answer.kind === "refused") keep();
      return answer;
    } catch (error) {
      keep();
      throw error;
    } finally {
      cancel();
      pending.delete(run);
    }
  }

  return {
    move,
    heard(version, message) {
      const waiting = pending.get(message.run);
      if (waiting?.version !== version) return;
      waiting.done(message.kind === "released" ? "released" : message.answer);
    },
    lost(version) {
      for (const waiting of pending.values()) if (waiting.version === version) waiting.done("lost");
    },
  };
}

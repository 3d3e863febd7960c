/** Runs the commands of batches inside a transaction: all of a group at first, each batch by itself where one of them can't be done (W1 of writer.ts). */
import type { DatabaseSync } from "node:sqlite";
import type { Json } from "../operation.ts";
import { lastFound } from "../slots.ts";
import { done, type WireAnswer, type WireBatch } from "./protocol.ts";
import { isFatal } from "./sqlite-errors.ts";
import type { CommandHandler } from "./store.ts";

export type Post = { readonly to: string; readonly message: unknown };

/** What came of a group; `From`: whose batches they are. */
export interface Outcome<From> {
  readonly answers: readonly (readonly [From, number, WireAnswer])[];
  readonly posts: readonly Post[];
}

export interface Applier<From> {
  /** For handlers: to be sent once it is on disk. */
  readonly post: (to: string, message: unknown) => void;
  /** For handlers: the batch is not done, and this is its answer. */
  readonly refuse: (answer: Json) => never;
  /** Without savepoints; `undefined`: a batch is refused or broken, and all of the transaction has to be rolled back. */
  plainly(group: readonly [From, WireBatch][]): Outcome<From> | undefined;
  /** With a savepoint around each batch. */
  carefully(group: readonly [From, WireBatch][]): Outcome<From>;
}

class Refusal extends Error {
  readonly answer: Json;
  constructor(answer: Json) {
    super("refused");
    this.answer = answer;
  }
}

/** Both throw what is no fault of a batch: the disk is full, or broken. `applied`: of a group, or a batch by itself, all commands were run. `undone`: a batch was rolled back by itself. */
export function openApplier<From>(
  db: DatabaseSync,
  handlers: ReadonlyMap<string, CommandHandler>,
  applied: () => void,
  undone: () => void,
): Applier<From> {
  const savepoint = db.prepare("savepoint batch");
  const release = db.prepare("release batch");
  const back = db.prepare("rollback to batch");
  /** Of the batch under way: kept only if it is not rolled back. */
  let posted: Post[] = [];
  let current = "";

  const handlerOf = lastFound(handlers);

  function runCommands(batch: WireBatch): WireAnswer {
    const answers: unknown[] = [];
    for (let at = 1; at < batch.length; at += 2) {
      current = batch[at] as string;
      const handler = handlerOf(current);
      if (handler === undefined) throw new Error(`there is no store command ${current}`);
      answers.push(handler(batch[at + 1] as never));
    }
    return answers.every((one) => one === undefined) ? done : { kind: "done", answers };
  }

  function applyBatch(batch: WireBatch): WireAnswer {
    savepoint.run();
    try {
      const answer = runCommands(batch);
      applied();
      release.run();
      return answer;
    } catch (error) {
      if (isFatal(error)) throw error;
      back.run();
      release.run();
      undone();
      if (error instanceof Refusal) return { kind: "refused", by: current, answer: error.answer };
      return { kind: "error", message: `${current}: ${(error as Error).message}` };
    }
  }

  return {
    post: (to, message) => void posted.push({ to, message }),
    refuse: (answer) => {
      throw new Refusal(answer);
    },
    plainly(group) {
      const answers: [From, number, WireAnswer][] = [];
      posted = [];
      try {
        for (const [one, batch] of group) answers.push([one, batch[0], runCommands(batch)]);
        applied();
      } catch (error) {
        if (isFatal(error)) throw error;
        return undefined;
      }
      return { answers, posts: posted };
    },
    carefully(group) {
      const answers: [From, number, WireAnswer][] = [];
      const posts: Post[] = [];
      for (const [one, batch] of group) {
        posted = [];
        const reply = applyBatch(batch);
        answers.push([one, batch[0], reply]);
        if (reply.kind === "done") posts.push(...posted);
      }
      return { answers, posts };
    },
  };
}

/** What came of both; `undefined` where nothing came of the second. */
export function joined<From>(one: Outcome<From>, other: Outcome<From> | undefined): Outcome<From> | undefined {
  return other && { answers: [...one.answers, ...other.answers], posts: [...one.posts, ...other.posts] };
}

/**
 * The embedded store's interface: one SQLite database, one writer thread, any number of readers.
 *
 * Rooms that keep data bring a part: numbered migrations, and named commands that the writer thread runs. A batch of
 * commands is one savepoint inside the group's transaction: it is applied whole or not at all, and one bad batch does not
 * sink the others. A batch's promise resolves after the group's fsync (P1). After a write or fsync error nothing more is
 * accepted: the server stops and starts again; it never retries the fsync and goes on. A full disk is no such error: new work is refused
 * until there is space, and nothing that was acknowledged is lost.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import type { Json } from "../operation.ts";

/**
 * What a room brings. The module at `url` exports it as `storePart`; the writer thread imports that module, so it must
 * import nothing heavy.
 */
export interface StorePart {
  /** Prefix of its commands: `publish` gives `publish.reserve`. */
  readonly name: string;
  /** SQL text; number 1 first. Never edited after a release, only added to. */
  readonly migrations: readonly string[];
  /** Called once, in the writer thread. Prepare statements here. */
  commands(context: PartContext): { readonly [name: string]: CommandHandler };
}

/**
 * Runs inside its batch's part of the transaction. What it returns is the command's answer. Synchronous. It changes nothing but the
 * database: where a batch of the group is refused, the group is rolled back and done again. (What it remembers besides is for `whenUndone`.)
 */
export type CommandHandler = (parameters: never) => unknown;

export interface PartContext {
  readonly db: DatabaseSync;
  /** For timers; what is written takes its time from `now`. */
  readonly clock: Clock;
  /** Sends a message to a named port after the commit; never if the batch is rolled back. */
  post(to: string, message: unknown): void;
  /** Rolls this batch back; its promise resolves with `refused`. */
  refuse(answer: Json): never;
  /** Epoch milliseconds, the same for a whole group. */
  now(): number;
  /** Whether a port of this name is there to take posts. */
  attached(name: string): boolean;
  /** `write` is called inside the transaction, after the last command of a group or of a batch that is applied by itself: what a part collected is written once. */
  whenApplied(write: () => void): void;
  /** `forget` is called after each rollback: what a part remembers of the database may be gone from it. */
  whenUndone(forget: () => void): void;
  /** `look` is called after start and whenever the writer has nothing to do: the place to arm a timer. */
  whenIdle(look: () => void): void;
  /** Hands the writer a batch of the part's own (a timer that is due); nobody waits for it. */
  submit(command: Command): void;
}

export interface Command {
  /** `part.command`. */
  readonly name: string;
  readonly parameters: unknown;
}

/** `answers`: one per command, in order; none at all where no command has something to say. */
export type BatchAnswer =
  | { readonly kind: "done"; readonly answers: readonly unknown[] }
  | { readonly kind: "refused"; readonly by: string; readonly answer: Json };

/** One end of a port to the writer. Batches of one end are applied first in, first out. */
export interface WriterClient {
  /**
   * Resolves when on disk, or refused. Rejects with `store-full` while the disk is full (the front's batches only: those of workers wait),
   * and with `store-failed` once the store has stopped.
   */
  submit(commands: readonly Command[]): Promise<BatchAnswer>;
}

export interface Store extends WriterClient {
  /** A read-only connection of this thread; sees what is committed. */
  readonly read: DatabaseSync;
  /** The installation's id, made with the database. */
  readonly installation: string;
  /** Rejects with `store-failed` if the last write to the disk fails; what was acknowledged stands in the journal all the same. */
  close(): Promise<void>;
}

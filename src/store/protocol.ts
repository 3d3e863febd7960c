/** What travels between the writer thread and its clients. */
import type { BatchAnswer } from "./store.ts";

export interface WriterData {
  readonly file: string;
  readonly parts: readonly string[];
  readonly checkpointPages: number;
}

/** Number (0: nobody waits), then name and parameters of each command: flat, since it is cloned for every commit. */
export type WireBatch = readonly [number, ...unknown[]];
/** First whether more follows at once: it is worth waiting for before the commit. */
export type ToWriter = readonly [more: boolean, ...WireBatch[]];
export type WireAnswer = BatchAnswer | { readonly kind: "error"; readonly message: string } | { readonly kind: "full" };

/** A batch was applied, and none of its commands has something to say: nearly all of them. */
export const done: BatchAnswer = Object.freeze({ kind: "done", answers: Object.freeze([]) });

/** To a client, after a commit. Of a batch whose answer is `done` the number alone: to clone the answer costs more than all else in the message. */
export type ToClient =
  | { readonly answers: readonly (number | readonly [number, WireAnswer])[]; readonly posts: readonly unknown[] }
  | { readonly failed: string };

/** To the thread that opened the store. */
export type FromWriter =
  | { readonly kind: "open"; readonly installation: string }
  | { readonly kind: "failed"; readonly reason: string; readonly code?: string | undefined }
  /** The disk is full, or has space again. */
  | { readonly kind: "full"; readonly full: boolean }
  | { readonly kind: "closed" };

/** What travels between the writer thread and its clients. */
import type { BatchAnswer } from "./store.ts";

export interface WriterData {
  readonly file: string;
  readonly parts: readonly string[];
  readonly checkpointPages: number;
}

/** Number (0: nobody waits), then name and parameters of each command: flat, since it is cloned for every commit. */
export type WireBatch = readonly [number, ...unknown[]];
export type ToWriter = readonly WireBatch[];
export type WireAnswer = BatchAnswer | { readonly kind: "error"; readonly message: string } | { readonly kind: "full" };

/** To a client, after a commit. */
export type ToClient =
  | { readonly answers: readonly (readonly [number, WireAnswer])[]; readonly posts: readonly unknown[] }
  | { readonly failed: string };

/** To the thread that opened the store. */
export type FromWriter =
  | { readonly kind: "open"; readonly installation: string }
  | { readonly kind: "failed"; readonly reason: string; readonly code?: string | undefined }
  /** The disk is full, or has space again. */
  | { readonly kind: "full"; readonly full: boolean }
  | { readonly kind: "closed" };

/**
 * What takes space in the database: each table with its indexes, and the pages that are free. Measured in a thread and over a connection of
 * its own, one tree at a time, so that neither the writer nor requests wait; a snapshot of the journal is held for one tree only.
 */
import { Worker } from "node:worker_threads";
import { failure } from "../errors.ts";
import { moduleUrl } from "../module-url.ts";

export interface TableSize {
  readonly name: string;
  readonly rows: number;
  /** Of its pages, with what is unused in them. */
  readonly bytes: number;
  /** Of the pages of its indexes. */
  readonly indexBytes: number;
}

/** In bytes. */
export interface StoreSize {
  /** The database's pages. What was written of late may still stand in the journal. */
  readonly bytes: number;
  /** The journal's file. */
  readonly journalBytes: number;
  /** Pages that are used for what comes next: the file does not get smaller. */
  readonly freeBytes: number;
  /** Largest first. */
  readonly tables: readonly TableSize[];
  /** Pages that were not looked at, since there was no time. 0: all were. */
  readonly leftBytes: number;
}

export interface SizeOptions {
  /** The database file. */
  readonly file: string;
  /** Looks at no more pages after so many milliseconds. Default 20000. */
  readonly withinMs?: number;
  /** Tables that are looked at last, since they are large. */
  readonly last?: readonly string[];
}

/** Looks at every page of the database once. Rejects with `store-failed` if it can't be read. */
export function storeSize(options: SizeOptions): Promise<StoreSize> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(failure("store-failed", { reason: error.message }, { cause: error }));
    const thread = new Worker(moduleUrl("./size-worker", import.meta.url), {
      name: "mortise-size",
      workerData: { withinMs: 20_000, last: [], ...options } satisfies Required<SizeOptions>,
    });
    thread.once("message", resolve);
    thread.once("error", (error) => fail(error as Error));
    thread.once("exit", (code) => fail(new Error(`its thread ended with ${code}`)));
  });
}

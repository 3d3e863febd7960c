/**
 * The baseline of W3: a bare loop that appends the same rows to the same kind of table with group commit. Each round of the loop takes the next
 * row of every run in flight into one transaction; the next row of a run is appended only after the commit that holds the one before.
 * No code, no replay, no threads: what is left is the disk and SQLite.
 */
import { DatabaseSync } from "node:sqlite";

export interface BareRow {
  readonly body: string;
  /** The run's status after it, where it changes. */
  readonly status?: string;
}

/** Opens a database of its own with the tables of the engine. `rows` is what one run wrote, in order. */
export function openBare(
  file: string,
  migrations: readonly string[],
  rows: readonly BareRow[],
  pragmas: string,
): { run(runs: number, inFlight: number, prefix: string): number; close(): void } {
  const db = new DatabaseSync(file);
  db.exec(pragmas);
  for (const sql of migrations) db.exec(sql);
  const start = db.prepare(
    "insert into runs (id, process, key, input_hash, version, status, origin, created, updated, number) values (?, 'ten-steps', ?, '', 'v1', 'running', 'bench', 0, 0, ?)",
  );
  const append = db.prepare("insert into history (run, seq, body, sum) values (?, ?, ?, 1234567890)");
  const status = db.prepare("update runs set status = ? where id = ?");
  const begin = db.prepare("begin immediate");
  const commit = db.prepare("commit");
  const checkpoint = db.prepare("pragma wal_checkpoint(passive)");
  let numbers = 0;
  return {
    run(runs, inFlight, prefix) {
      const begun = performance.now();
      let next = 0;
      let commits = 0;
      const slots: { id: string; number: number; seq: number }[] = [];
      for (;;) {
        begin.run();
        while (slots.length < inFlight && next < runs) {
          const id = `${prefix}-${String(next++).padStart(12, "0")}`;
          start.run(id, id, ++numbers);
          slots.push({ id, number: numbers, seq: 0 });
        }
        for (const slot of slots) {
          const row = rows[slot.seq] as BareRow;
          append.run(slot.number, slot.seq, row.body);
          if (row.status !== undefined) status.run(row.status, slot.id);
          slot.seq += 1;
        }
        commit.run();
        if (++commits % 64 === 0) checkpoint.run();
        for (let at = slots.length - 1; at >= 0; at--) if (slots[at]?.seq === rows.length) slots.splice(at, 1);
        if (slots.length === 0 && next === runs) break;
      }
      return (performance.now() - begun) / 1000;
    },
    close: () => db.close(),
  };
}

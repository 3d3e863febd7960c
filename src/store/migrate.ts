/**
 * Numbered migrations, per part. Two servers may try at once (the first takes the lock); an old server refuses a newer database, and a
 * database that was made by other text of a migration is refused too: that happens between unreleased builds.
 */
import { hash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { failure } from "../errors.ts";
import type { StorePart } from "./store.ts";

const bookkeeping = `
  create table if not exists mortise_schema (part text not null, number integer not null, applied_at integer not null,
    primary key (part, number)) strict, without rowid;
  create table if not exists mortise_meta (name text primary key, value text not null) strict, without rowid;`;

/** Brings every part up to date, in one transaction: after a crash in the middle the database is as it was before. */
export function migrate(db: DatabaseSync, parts: readonly StorePart[], now: number): void {
  db.exec("begin immediate");
  try {
    db.exec(bookkeeping);
    const applied = db.prepare("select coalesce(max(number), 0) as number from mortise_schema where part = ?");
    const record = db.prepare("insert into mortise_schema (part, number, applied_at) values (?, ?, ?)");
    const text = db.prepare("select value from mortise_meta where name = ?");
    const keep = db.prepare("insert into mortise_meta (name, value) values (?, ?)");
    for (const part of parts) {
      const reached = Number(applied.get(part.name)?.number);
      if (reached > part.migrations.length) {
        throw failure("store-newer", { part: part.name, found: reached, known: part.migrations.length });
      }
      for (const [index, sql] of part.migrations.entries()) {
        const name = `migration ${part.name} ${index + 1}`;
        const sha256 = hash("sha256", sql, "hex");
        if (index < reached) {
          if (text.get(name)?.value !== sha256) throw failure("store-changed", { part: part.name, number: index + 1 });
          continue;
        }
        db.exec(sql);
        record.run(part.name, index + 1, now);
        keep.run(name, sha256);
      }
    }
    db.exec("commit");
  } catch (error) {
    try {
      db.exec("rollback");
    } catch {
      // A full disk has ended the transaction already: its own error says more.
    }
    throw error;
  }
}

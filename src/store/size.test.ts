import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { storeSize } from "./size.ts";

function database(t: { after(act: () => void): void }): { readonly file: string; readonly db: DatabaseSync } {
  const folder = mkdtempSync(join(tmpdir(), "mortise-size-"));
  const file = join(folder, "mortise.db");
  const db = new DatabaseSync(file);
  t.after(() => {
    db.close();
    rmSync(folder, { recursive: true });
  });
  db.exec("pragma page_size = 2048; pragma journal_mode = wal; begin");
  db.exec("create table rows (id integer primary key, text text not null) strict; create index by_text on rows (text)");
  db.exec(
    "create table keyed (key text primary key, text text not null) strict, without rowid; create table none (id)",
  );
  const insert = db.prepare("insert into rows (text) values (?)");
  for (let at = 0; at < 2000; at++) insert.run(`${at} `.padEnd(100, "x"));
  // Wider than a page: it takes pages of its own.
  insert.run("y".repeat(20_000));
  const insertKeyed = db.prepare("insert into keyed values (?, ?)");
  for (let at = 0; at < 3000; at++) insertKeyed.run(`key ${at}`, "z".repeat(50));
  db.exec("commit");
  return { file, db };
}

test("each table has its rows and its bytes, with its indexes; the sum is the whole file", async (t) => {
  const { file, db } = database(t);
  db.exec("delete from rows where id % 2 = 0");
  const size = await storeSize({ file });
  const of = (name: string) => size.tables.find((table) => table.name === name);
  assert.equal(of("rows")?.rows, 1001);
  assert.equal(of("keyed")?.rows, 3000);
  assert.equal(of("none")?.rows, 0);
  assert.ok((of("rows")?.bytes ?? 0) > 100_000 && (of("rows")?.indexBytes ?? 0) > 100_000);
  assert.equal(of("keyed")?.indexBytes, 0);
  const sum = size.tables.reduce((all, { bytes, indexBytes }) => all + bytes + indexBytes, size.freeBytes);
  assert.equal(sum, size.bytes);
  assert.equal(size.leftBytes, 0);
  assert.ok(size.journalBytes > 0);
  assert.deepEqual(
    size.tables.map(({ name }) => name).toSorted(),
    ["keyed", "none", "rows", "sqlite_schema"],
    "the largest stand first",
  );
});

test("it can be measured while somebody writes, who is not kept waiting", async (t) => {
  const { file, db } = database(t);
  db.exec("begin immediate; insert into none values (1)");
  const size = await storeSize({ file });
  assert.equal(size.tables.find(({ name }) => name === "none")?.rows, 0);
  db.exec("commit");
});

test("where there is no time, it says how much was not looked at, of what is looked at last", async (t) => {
  const { file } = database(t);
  const size = await storeSize({ file, withinMs: 0, last: ["rows"] });
  assert.ok(size.leftBytes > 0);
  assert.ok(size.leftBytes + size.freeBytes <= size.bytes);
});

test("a file that is no database is an error that says so", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mortise-size-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "mortise.db");
  writeFileSync(file, "nothing of the kind".repeat(1000));
  await assert.rejects(storeSize({ file }), { code: "store-failed", message: /not a database/ });
});

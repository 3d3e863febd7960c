/** The warehouse simulator: its rules, its audit, and how it is slow, fails and goes away as a database. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import type { Simulator } from "./launch.ts";
import { send } from "./send.ts";
import { folder, launched, until } from "./test-bench.ts";

function open(t: TestContext, data: string, timeout = 1000): DatabaseSync {
  const database = new DatabaseSync(join(data, "warehouse.db"), { timeout });
  t.after(() => {
    if (database.isOpen) database.close();
  });
  return database;
}
const hold = "INSERT INTO holds (reference, sku, quantity) VALUES (?, ?, ?)";
const release = "UPDATE holds SET released_at = 'now' WHERE reference = ? AND released_at IS NULL";

async function audit(warehouse: Simulator) {
  const rows = JSON.parse((await send(`${warehouse.url}/audit`)).body) as Record<string, unknown>[];
  return rows
    .filter((row) => row.action !== "receipt")
    .map((row) => [row.action, row.reference, row.sku, row.quantity]);
}

test("whoever writes, every hold and release is on record, and what is held can't be held again", async (t) => {
  const data = folder(t);
  const warehouse = await launched(t, "warehouse", ["--data", data]);
  const database = open(t, data);
  database.prepare(hold).run("k1", "COMPASS-BRASS", 10);
  assert.throws(() => database.prepare(hold).run("k2", "COMPASS-BRASS", 3), /^Error: out of stock/);
  assert.throws(() => database.prepare(hold).run("k2", "NOTHING", 1), /unknown product/);
  database.prepare(release).run("k1");
  database.prepare(release).run("k1");
  database.prepare(hold).run("k2", "COMPASS-BRASS", 3);
  const expected = [
    ["hold", "k1", "COMPASS-BRASS", 10],
    ["release", "k1", "COMPASS-BRASS", 10],
    ["hold", "k2", "COMPASS-BRASS", 3],
  ];
  assert.deepEqual(await audit(warehouse), expected);
  assert.throws(() => database.exec("DELETE FROM audit"), /append only/);
  await warehouse.stop("SIGKILL");
  assert.deepEqual(await audit(await launched(t, "warehouse", ["--data", data])), expected);
});

test("goods are received while others work", async (t) => {
  const warehouse = await launched(t, "warehouse", ["--data", folder(t), "--receipt-ms", "20"]);
  await until(async () => (await send(`${warehouse.url}/audit`)).body.includes("receipt"));
});

test("told to be slow it holds the write lock, told to fail its holds fail, and both end", async (t) => {
  const data = folder(t);
  const warehouse = await launched(t, "warehouse", ["--data", data]);
  const database = open(t, data, 0);
  await warehouse.behave({ mode: "slow", ms: 60_000, times: 1 });
  assert.throws(() => database.prepare(hold).run("k1", "ROPE-12MM", 1), /locked/);
  await warehouse.behave({ mode: "fail" });
  assert.throws(() => database.prepare(hold).run("k1", "ROPE-12MM", 1), /told to fail/);
  await warehouse.behave({ mode: "ok" });
  database.prepare(hold).run("k1", "ROPE-12MM", 1);
  assert.equal((await audit(warehouse)).length, 1);
});

test("told to go away, neither an old nor a new connection gets through; afterwards both do", async (t) => {
  const data = folder(t);
  const warehouse = await launched(t, "warehouse", ["--data", data]);
  const old = open(t, data, 0);
  old.prepare(hold).run("k1", "ROPE-12MM", 1);
  await warehouse.behave({ mode: "away", ms: 60_000 });
  assert.throws(() => old.prepare(hold).run("k2", "ROPE-12MM", 1), /locked/);
  assert.throws(() => open(t, data).exec("SELECT 1 FROM stock"), /unable to open/);
  await warehouse.stop("SIGKILL");
  const again = await launched(t, "warehouse", ["--data", data]);
  open(t, data).prepare(hold).run("k3", "ROPE-12MM", 1);
  assert.deepEqual(
    (await audit(again)).map((row) => row[1]),
    ["k1", "k3"],
  );
});

/** Procedures of MariaDB (MySQL), which may commit by themselves: see sql/test-servers.ts. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openTexts } from "../contract/read/source.ts";
import { readSql } from "../contract/read/sql.ts";
import { MortiseError } from "../errors.ts";
import type { Json } from "../operation.ts";
import type { ConnectorEnvironment } from "./connector.ts";
import { readDatabase } from "./sql/introspect.ts";
import { testDatabase } from "./sql/test-servers.ts";
import { sqlConnector } from "./sql.ts";

const schema = `create table stock (sku varchar(40) primary key, on_hand int not null check (on_hand >= 0));
create procedure take(in what varchar(40), in n int) begin
  if (select on_hand from stock where sku = what) < n then signal sqlstate '45000' set message_text = 'out of stock'; end if;
  update stock set on_hand = on_hand - n where sku = what; end;
create procedure take_for_good(in what varchar(40), in n int) begin
  update stock set on_hand = on_hand - n where sku = what; commit; end;
create procedure take_and_fail(in what varchar(40), in n int) begin
  update stock set on_hand = on_hand - n where sku = what; commit;
  signal sqlstate '45000' set message_text = 'out of paper'; end;
create procedure take_and_wait(in what varchar(40)) begin
  update stock set on_hand = on_hand - 1 where sku = what; commit;
  signal sqlstate '40001' set mysql_errno = 1213, message_text = 'Deadlock found'; end;
insert into stock values ('A', 10);
`;

const statements = `
-- @database database.json
-- @operation take
-- @fault OutOfStock when "out of stock"
-- @returns none
-- @param sku text
-- @param quantity integer
call take(:sku, :quantity);
-- @operation takeForGood
-- @returns none
-- @param sku text
-- @param quantity integer
call take_for_good(:sku, :quantity);
update stock set on_hand = on_hand - 100 where sku = :sku;
-- @operation takeAndFail
-- @returns none
-- @param sku text
-- @param quantity integer
call take_and_fail(:sku, :quantity);
-- @operation takeAndWait
-- @effect unrepeatable
-- @returns none
-- @param sku text
call take_and_wait(:sku);
`;

async function fixture(t: TestContext) {
  const database = await testDatabase(t, "mysql", schema);
  if (database === undefined) return undefined;
  const asked = { system: "warehouse", connection: database.url, project: import.meta.dirname, internal: true };
  const read = await readDatabase(asked, "warehouse.sql", statements);
  const model = await readSql(await openTexts({ "warehouse.sql": statements, [read.path]: read.text }), "warehouse");
  const settings = {
    name: "warehouse",
    connection: database.url,
    timeoutMs: 5000,
    concurrency: 4,
    maxResponseBytes: 100_000,
    internal: true,
    sensitive: [],
  };
  const client = sqlConnector.open(model, settings, { project: import.meta.dirname } as ConnectorEnvironment);
  t.after(() => client.close());
  const call = (name: string, input: Json, key: string) =>
    client.call(model.operations[name]!, input, {
      key,
      attempt: 1,
      deadline: Date.now() + 20_000,
      signal: new AbortController().signal,
    });
  return { database, model, call, onHand: () => database.value("select on_hand from stock") };
}

const failing = (code: string, outcome: string, text: RegExp) => (thrown: unknown) => {
  assert.ok(thrown instanceof MortiseError, String(thrown));
  assert.deepEqual([thrown.code, thrown.outcome], [code, outcome], thrown.message);
  assert.match(thrown.message, text);
  return true;
};

test("mysql: a fault that a procedure raises before anything is committed is a value, and leaves the key free", async (t) => {
  const made = await fixture(t);
  if (made === undefined) return;
  const { call, database, onHand } = made;
  const fault = await call("take", { sku: "A", quantity: 11 }, "k1");
  assert.equal(!fault.ok && fault.fault.name, "OutOfStock");
  assert.equal(await database.value("select count(*) from mortise_effects"), "0");
  for (let n = 0; n < 2; n += 1)
    assert.deepEqual(await call("take", { sku: "A", quantity: 4 }, "k1"), { ok: true, output: null });
  assert.equal(await onHand(), "6");
});

test("mysql: whatever breaks after a procedure committed by itself is unknown, and its repeat does nothing and says so", async (t) => {
  const made = await fixture(t);
  if (made === undefined) return;
  const { call, onHand } = made;
  const once = failing("sql-commit", "unknown", /on_hand|out of paper/);
  const again = failing("sql-commit", "unknown", /committed by itself under this key/);
  let left = 10;
  for (const name of ["takeForGood", "takeAndFail"]) {
    await assert.rejects(call(name, { sku: "A", quantity: 1 }, name), once, name);
    left -= 1;
    assert.equal(await onHand(), String(left), name);
    await assert.rejects(call(name, { sku: "A", quantity: 1 }, name), again, name);
    assert.equal(await onHand(), String(left), name);
  }
});

test("mysql: a deadlock behind what a procedure committed by itself does not let an unrepeatable call be made again", async (t) => {
  const made = await fixture(t);
  if (made === undefined) return;
  await assert.rejects(made.call("takeAndWait", { sku: "A" }, "k"), failing("sql-commit", "unknown", /Deadlock/));
  assert.equal(await made.onHand(), "9");
});

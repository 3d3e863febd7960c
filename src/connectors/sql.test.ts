import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import type { ContractModel } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readSql } from "../contract/read/sql.ts";
import { MortiseError } from "../errors.ts";
import type { CallContext, Json } from "../operation.ts";
import type { Client, ConnectorEnvironment } from "./connector.ts";
import { plain } from "./sql/sqlite-values.ts";
import { sqlConnector } from "./sql.ts";
import type { ResolvedSettings } from "./system.ts";

const text = `
-- @type Line { sku: text, quantity: integer }
create table stock (sku text primary key not null, on_hand integer not null check (on_hand >= 0), price decimal, serial bigint, active boolean, tags json);
create table holds (id integer primary key, reference text not null, sku text not null, quantity integer not null);
create trigger hold_taken before insert on holds begin
  select raise(abort, 'out of stock: ' || new.sku) from stock where sku = new.sku and on_hand < new.quantity;
  update stock set on_hand = on_hand - new.quantity where sku = new.sku;
end;
-- @operation getStock
-- @returns one
select sku, on_hand as onHand, price, serial, active, tags from stock where sku = :sku;
-- @operation listStock
select sku from stock order by sku limit :most;
-- @operation reserve
-- @param lines Line[]
-- @fault OutOfStock when "out of stock"
insert into holds (reference, sku, quantity) select :key, value ->> 'sku', value ->> 'quantity' from json_each(:lines) where true
  returning id, sku;
-- @operation addStock
-- @returns none
insert into stock (sku, on_hand, price, serial, active, tags) values (:sku, :onHand, :price, :serial, :active, :tags);
-- @operation move
-- @returns row
update stock set on_hand = on_hand - :quantity where sku = :from;
update stock set on_hand = on_hand + :quantity where sku = :to returning sku, on_hand as onHand;
-- @operation bump
-- @effect unrepeatable
-- @returns none
update stock set on_hand = on_hand + 1;
`;

interface Fixture {
  readonly client: Client;
  readonly model: ContractModel;
  readonly file: string;
  readonly other: DatabaseSync;
  call(name: string, input: Json, more?: Partial<CallContext>): ReturnType<Client["call"]>;
}

async function fixture(t: TestContext, settings: Partial<ResolvedSettings> = {}): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), "mortise-sql-"));
  writeFileSync(join(folder, "warehouse.sql"), text);
  const model = await readSql(await openSource(join(folder, "warehouse.sql")), "warehouse");
  const file = join(folder, "warehouse.db");
  const other = new DatabaseSync(file);
  other.exec(text.slice(0, text.indexOf("-- @operation")));
  other.exec("insert into stock (sku, on_hand) values ('A', 10), ('B', 5)");
  const client = sqlConnector.open(
    model,
    {
      name: "warehouse",
      connection: "warehouse.db",
      timeoutMs: 1000,
      concurrency: 4,
      maxResponseBytes: 1_000_000,
      internal: true,
      sensitive: [],
      ...settings,
    },
    { project: folder } as ConnectorEnvironment,
  );
  t.after(async () => {
    await client.close();
    other.close();
    rmSync(folder, { recursive: true });
  });
  const call = (name: string, input: Json, more: Partial<CallContext> = {}) =>
    client.call(model.operations[name]!, input, {
      key: crypto.randomUUID(),
      attempt: 1,
      deadline: Date.now() + 2_000,
      signal: new AbortController().signal,
      ...more,
    });
  return { client, model, file, other, call };
}

function error(code: string, outcome: string, kind?: string) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof MortiseError, String(thrown));
    assert.deepEqual([thrown.code, thrown.outcome], [code, outcome], thrown.message);
    if (kind !== undefined) assert.equal(thrown.class, kind);
    return true;
  };
}

test("reads rows by their declared types; 64-bit integers and decimals stay exact", async (t) => {
  const { call } = await fixture(t);
  const values = {
    sku: "Ä'; drop table stock; --",
    onHand: 3,
    price: "12345678.90",
    serial: "9223372036854775807",
    active: true,
    tags: { __proto__: null, a: [1] },
  };
  assert.deepEqual(await call("addStock", values), { ok: true, output: null });
  const found = await call("getStock", { sku: values.sku });
  assert.deepEqual(found, { ok: true, output: { ...values, price: "12345678.9", tags: { a: [1] } } });
  assert.deepEqual(await call("getStock", { sku: "none" }), { ok: true, output: null });
  assert.deepEqual(await call("listStock", { most: 2 }), { ok: true, output: [{ sku: "A" }, { sku: "B" }] });
});

test("a repeat with the same key gives the stored output and writes nothing", async (t) => {
  const { call, other } = await fixture(t);
  const input = { lines: [{ sku: "A", quantity: 2 }] };
  const first = await call("reserve", input, { key: "k1" });
  assert.deepEqual(await call("reserve", input, { key: "k1", attempt: 2 }), first);
  assert.deepEqual(
    { ...other.prepare("select count(*) n, (select on_hand from stock where sku = 'A') a from holds").get() },
    { n: 1, a: 8 },
  );
  assert.notDeepEqual(await call("reserve", input, { key: "k2" }), first);
  await assert.rejects(
    call("addStock", { sku: "K", onHand: 1, price: "1", serial: "1", active: true, tags: 1 }, { key: "k1" }),
    error("sql-refused", "none"),
  );
});

test("a declared fault is a value, everything is rolled back, and the key is free again", async (t) => {
  const { call, other } = await fixture(t);
  const lines = [
    { sku: "A", quantity: 1 },
    { sku: "B", quantity: 6 },
  ];
  assert.deepEqual(await call("reserve", { lines }, { key: "k" }), {
    ok: false,
    fault: { name: "OutOfStock", message: "out of stock: B", detail: null },
  });
  assert.equal(other.prepare("select count(*) n from holds").get()?.n, 0);
  other.exec("update stock set on_hand = 6 where sku = 'B'");
  assert.equal((await call("reserve", { lines }, { key: "k" })).ok, true);
});

test("several statements are one transaction; what breaks a rule undoes them all", async (t) => {
  const { call, other } = await fixture(t);
  assert.deepEqual(await call("move", { quantity: 4, from: "A", to: "B" }), {
    ok: true,
    output: { sku: "B", onHand: 9 },
  });
  await assert.rejects(call("move", { quantity: 7, from: "A", to: "B" }), error("sql-refused", "none", "give-up"));
  // No row where the contract promises one: taken back as well.
  await assert.rejects(call("move", { quantity: 1, from: "A", to: "Z" }), error("contract-output", "none", "ask"));
  assert.deepEqual(
    other
      .prepare("select on_hand n from stock order by sku")
      .all()
      .map(({ n }) => n),
    [6, 9],
  );
});

test("an operation stated unrepeatable leaves no key row", async (t) => {
  const { call, other } = await fixture(t);
  await call("bump", {}, { key: "k" });
  await call("bump", {}, { key: "k" });
  assert.equal(other.prepare("select on_hand n from stock where sku = 'A'").get()?.n, 12);
  assert.equal(other.prepare("select count(*) n from sqlite_schema where name = 'mortise_effects'").get()?.n, 0);
});

test("a locked database is waited for without blocking, until the deadline", async (t) => {
  const { call, other } = await fixture(t);
  other.exec("begin immediate");
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 5);
  t.after(() => clearInterval(timer));
  await assert.rejects(call("bump", {}, { deadline: Date.now() + 150 }), error("sql-unavailable", "none", "retry"));
  assert.ok(ticks > 3, `the thread was free: ${ticks}`);
  const waiting = call("bump", {});
  setTimeout(() => other.exec("commit"), 30);
  assert.deepEqual(await waiting, { ok: true, output: null });
});

test("a commit that readers hold up is tried again as a whole", async (t) => {
  const { call, other } = await fixture(t);
  other.exec("begin; select * from stock");
  const reader = other.prepare("select * from stock").iterate();
  reader.next();
  await assert.rejects(call("bump", {}, { deadline: Date.now() + 60 }), error("sql-unavailable", "none"));
  reader.return?.();
  other.exec("commit");
  await call("bump", {});
  assert.equal(other.prepare("select on_hand n from stock where sku = 'A'").get()?.n, 11);
});

test("calls side by side do not mix their transactions", async (t) => {
  const { call, other } = await fixture(t);
  const results = await Promise.all(
    Array.from({ length: 20 }, () => call("reserve", { lines: [{ sku: "A", quantity: 1 }] })),
  );
  assert.equal(results.filter(({ ok }) => ok).length, 10);
  assert.equal(other.prepare("select count(*) n from holds").get()?.n, 10);
});

test("input that does not fit the contract changes nothing", async (t) => {
  const { call } = await fixture(t);
  await assert.rejects(call("getStock", { sku: 5 }), error("contract-input", "none", "give-up"));
  await assert.rejects(call("getStock", { sku: "A", more: 1 }), error("contract-input", "none"));
  await assert.rejects(call("reserve", { lines: [{ sku: "A" }] }), error("contract-input", "none"));
  await assert.rejects(call("listStock", { most: 1e300 }), error("contract-input", "none"));
});

test("what the database holds against the contract is said, and an answer has a limit", async (t) => {
  const { call, other } = await fixture(t, { maxResponseBytes: 100 });
  other.exec("insert into stock (sku, on_hand, active) values ('C', 9007199254740993, 7)");
  await assert.rejects(call("getStock", { sku: "C" }), (thrown) => {
    assert.match((thrown as Error).message, /\/0\/onHand is an integer beyond 2\^53/);
    return error("contract-output", "none")(thrown);
  });
  for (let i = 0; i < 20; i += 1) other.exec(`insert into stock (sku, on_hand) values ('item-${i}', 1)`);
  await assert.rejects(call("listStock", { most: 100 }), error("sql-too-large", "none", "ask"));
});

test("a file that is not there is not made, and a later one is found", async (t) => {
  const { call, client, file, other } = await fixture(t);
  const content = readFileSync(file);
  other.close();
  rmSync(file);
  await assert.rejects(call("bump", {}), error("sql-unavailable", "none", "retry"));
  assert.equal((await client.health(new AbortController().signal)).healthy, false);
  assert.throws(() => readFileSync(file));
  writeFileSync(file, content);
  await call("bump", {});
  assert.deepEqual(await client.health(new AbortController().signal), { healthy: true });
  other.open();
});

test("the settings of the other's database stay as they are", async (t) => {
  const { call, other } = await fixture(t);
  await call("bump", {});
  assert.equal(other.prepare("pragma journal_mode").get()?.journal_mode, "delete");
});

test("doubles become plain decimals", () => {
  for (const [value, shown] of [
    [0.1, "0.1"],
    [1e21, "1000000000000000000000"],
    [1.5e-7, "0.00000015"],
    [-2.25e22, "-22500000000000000000000"],
    [123456.789, "123456.789"],
  ] as const)
    assert.equal(plain(value), shown);
});

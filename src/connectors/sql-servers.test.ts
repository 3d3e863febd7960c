/** PostgreSQL and MariaDB (MySQL), as they run on this machine: see sql/test-servers.ts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import type { ContractModel } from "../contract/model.ts";
import { openTexts } from "../contract/read/source.ts";
import { readSql } from "../contract/read/sql.ts";
import { MortiseError } from "../errors.ts";
import type { CallContext, Json } from "../operation.ts";
import type { Client, ConnectorEnvironment } from "./connector.ts";
import { readDatabase } from "./sql/introspect.ts";
import { type TestDatabase, testDatabase } from "./sql/test-servers.ts";
import { sqlConnector } from "./sql.ts";
import type { ResolvedSettings } from "./system.ts";

type Dialect = "postgresql" | "mysql";
const dialects: readonly Dialect[] = ["postgresql", "mysql"];

const schemas: Readonly<Record<Dialect, string>> = {
  postgresql: `create table stock (sku text primary key, on_hand integer not null check (on_hand >= 0));
create table holds (id bigint generated always as identity primary key, reference text not null, sku text not null, quantity int not null);
create function hold_taken() returns trigger language plpgsql as $$ begin
  if (select on_hand from stock where sku = new.sku) < new.quantity then raise exception 'out of stock: %', new.sku; end if;
  update stock set on_hand = on_hand - new.quantity where sku = new.sku;
  return new; end $$;
create trigger hold_taken before insert on holds for each row execute function hold_taken();
create function sneaky() returns int language plpgsql as $$ begin delete from stock; return 1; end $$;
insert into stock values ('A', 10), ('B', 5);
`,
  mysql: `create table stock (sku varchar(40) primary key, on_hand int not null check (on_hand >= 0));
create table holds (id bigint auto_increment primary key, reference varchar(200) not null, sku varchar(40) not null, quantity int not null);
create trigger hold_taken before insert on holds for each row begin
  if (select on_hand from stock where sku = new.sku) < new.quantity then
    signal sqlstate '45000' set message_text = 'out of stock: sorry'; end if;
  update stock set on_hand = on_hand - new.quantity where sku = new.sku; end;
create function sneaky() returns int begin delete from stock; return 1; end;
insert into stock values ('A', 10), ('B', 5);
`,
};

const statements: Readonly<Record<Dialect, string>> = {
  postgresql: `
-- @operation reserve
-- @fault OutOfStock when "out of stock"
-- @returns row
insert into holds (reference, sku, quantity) values (:key, :sku, :quantity) returning sku, quantity;
-- @operation wrong
-- @column n integer
select sneaky() as n;
-- @operation many
-- @column n integer
select n, repeat('x', 1000) as filler from generate_series(1, :most::int) n;
`,
  mysql: `
-- @operation reserve
-- @fault OutOfStock when "out of stock"
-- @returns row
insert into holds (reference, sku, quantity) values (:key, :sku, :quantity);
select sku, quantity from holds where id = last_insert_id();
-- @operation wrong
-- @column n integer
select sneaky() as n;
-- @operation many
-- @param most integer
-- @column n integer
-- @column filler text
with recursive c as (select 1 as n union all select n + 1 from c where n < :most) select n, repeat('x', 1000) as filler from c;
`,
};

const shared = `
-- @database database.json
-- @operation getStock
-- @returns one
select sku, on_hand from stock where sku = :sku;
-- @operation move
-- @returns none
update stock set on_hand = on_hand - :quantity where sku = :from;
update stock set on_hand = on_hand + :quantity where sku = :to;
-- @operation bump
-- @effect unrepeatable
-- @returns none
update stock set on_hand = on_hand + 1 where sku = :sku;
`;

interface Fixture {
  readonly client: Client;
  readonly database: TestDatabase;
  readonly model: ContractModel;
  call(name: string, input: Json, more?: Partial<CallContext>): ReturnType<Client["call"]>;
}

async function contractOf(url: string, text: string): Promise<ContractModel> {
  const read = await readDatabase(
    { system: "warehouse", connection: url, project: import.meta.dirname, internal: true },
    "warehouse.sql",
    text,
  );
  return readSql(await openTexts({ "warehouse.sql": text, [read.path]: read.text }), "warehouse");
}

function open(t: TestContext, model: ContractModel, connection: string, more: Partial<ResolvedSettings> = {}): Client {
  const client = sqlConnector.open(
    model,
    {
      name: "warehouse",
      connection,
      timeoutMs: 5000,
      concurrency: 4,
      maxResponseBytes: 100_000,
      internal: true,
      sensitive: [],
      ...more,
    },
    { project: import.meta.dirname } as ConnectorEnvironment,
  );
  t.after(() => client.close());
  return client;
}

const calling =
  (client: Client, model: ContractModel): Fixture["call"] =>
  (name, input, more = {}) =>
    client.call(model.operations[name]!, input, {
      key: crypto.randomUUID(),
      attempt: 1,
      deadline: Date.now() + 20_000,
      signal: new AbortController().signal,
      ...more,
    });

async function fixture(
  t: TestContext,
  dialect: Dialect,
  more: Partial<ResolvedSettings> = {},
): Promise<Fixture | undefined> {
  const database = await testDatabase(t, dialect, schemas[dialect]);
  if (database === undefined) return undefined;
  const model = await contractOf(database.url, shared + statements[dialect]);
  const client = open(t, model, database.url, more);
  return { client, database, model, call: calling(client, model) };
}

function error(code: string, outcome: string, text?: RegExp) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof MortiseError, String(thrown));
    assert.deepEqual([thrown.code, thrown.outcome], [code, outcome], thrown.message);
    if (text !== undefined) assert.match(thrown.message, text);
    return true;
  };
}

for (const dialect of dialects) {
  test(`${dialect}: a repeat with the same key gives the stored output, also while the first one is under way`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { call, database } = made;
    const input = { sku: "A", quantity: 2 };
    // Of ten at once with one key, one writes; the others wait for it.
    const results = await Promise.all(Array.from({ length: 10 }, () => call("reserve", input, { key: "k1" })));
    for (const result of results) assert.deepEqual(result, { ok: true, output: input });
    assert.equal(await database.value("select count(*) from holds"), "1");
    assert.equal(await database.value("select on_hand from stock where sku = 'A'"), "8");
    assert.equal(await database.value("select operation from mortise_effects"), "reserve");
    assert.deepEqual(await call("getStock", { sku: "A" }), { ok: true, output: { sku: "A", on_hand: 8 } });
    assert.deepEqual(await call("getStock", { sku: "none" }), { ok: true, output: null });
    await assert.rejects(
      call("move", { quantity: 1, from: "A", to: "B" }, { key: "k1" }),
      error("sql-refused", "none"),
    );
    // The first one took all there is: its repeat must not be told that nothing is left.
    const all = await Promise.all([1, 2].map(() => call("reserve", { sku: "B", quantity: 5 }, { key: "k2" })));
    assert.deepEqual(all[0], all[1]);
  });

  test(`${dialect}: a repeat with the same key does nothing, also where the operation gives nothing back`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { call, database } = made;
    const input = { quantity: 2, from: "A", to: "B" };
    const results = await Promise.all(Array.from({ length: 4 }, () => call("move", input, { key: "k1" })));
    results.push(await call("move", input, { key: "k1" }));
    for (const result of results) assert.deepEqual(result, { ok: true, output: null });
    assert.equal(await database.value("select on_hand from stock where sku = 'A'"), "8");
    assert.equal(await database.value("select on_hand from stock where sku = 'B'"), "7");
  });

  test(`${dialect}: a declared fault is a value; what breaks a rule undoes all statements; the key is free again`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { call, database } = made;
    const fault = await call("reserve", { sku: "B", quantity: 6 }, { key: "k" });
    assert.equal(!fault.ok && fault.fault.name, "OutOfStock");
    await assert.rejects(call("move", { quantity: 6, from: "B", to: "A" }), error("sql-refused", "none"));
    assert.equal(await database.value("select on_hand from stock where sku = 'A'"), "10");
    await call("move", { quantity: 5, from: "A", to: "B" });
    assert.equal((await call("reserve", { sku: "B", quantity: 6 }, { key: "k" })).ok, true);
    assert.equal(await database.value("select count(*) from mortise_effects"), "2");
    await call("bump", { sku: "A" }, { key: "u" });
    assert.equal(await database.value("select count(*) from mortise_effects"), "2");
  });

  test(`${dialect}: a reading operation can't write, whatever its statement calls`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    assert.equal(made.model.operations.wrong!.effect, "read");
    await assert.rejects(made.call("wrong", {}), error("sql-refused", "none", /read.only/i));
    assert.equal(await made.database.value("select count(*) from stock"), "2");
  });

  test(`${dialect}: at the deadline the statement is cancelled on the server, and so it is when the caller calls off`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { call, database } = made;
    await database.run(dialect === "mysql" ? "start transaction" : "begin");
    await database.run("update stock set on_hand = 1 where sku = 'A'");
    await assert.rejects(call("bump", { sku: "A" }, { deadline: Date.now() + 200 }), error("sql-timeout", "none"));
    const caller = new AbortController();
    const called = call("bump", { sku: "A" }, { signal: caller.signal });
    // It waits for the lock by then, or has not begun: it is called off in either case.
    setImmediate(() => caller.abort());
    await assert.rejects(called, error("outbound-aborted", "none"));
    const waiting = await database.value(
      dialect === "postgresql"
        ? "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        : "select count(*) from information_schema.processlist where db = database() and info like 'update%'",
    );
    assert.equal(waiting, "0");
    await database.run("rollback");
    await call("bump", { sku: "A" });
    assert.equal(await database.value("select on_hand from stock where sku = 'A'"), "11");
  });

  test(`${dialect}: a connection that breaks before COMMIT leaves nothing behind: none; idle ones are replaced`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { call, database } = made;
    await call("bump", { sku: "B" });
    await database.breakOthers();
    // The one in the pool is dead.
    await call("bump", { sku: "B" });
    await database.run(dialect === "mysql" ? "start transaction" : "begin");
    await database.run("update stock set on_hand = 1 where sku = 'A'");
    const called = call("reserve", { sku: "A", quantity: 1 });
    called.catch(() => {});
    const blocked =
      dialect === "postgresql"
        ? "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        : `select count(*) from information_schema.processlist where db = database() and info like 'insert into holds%'`;
    while ((await database.value(blocked)) !== "1") await new Promise((go) => setTimeout(go, 5));
    await database.breakOthers();
    await assert.rejects(called, error("sql-unavailable", "none"));
    await database.run("rollback");
    assert.equal(await database.value("select count(*) from holds"), "0");
  });

  test(`${dialect}: a lost answer to COMMIT is unknown, and the repeat finds out`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { database, model } = made;
    const proxy = await cuttingProxy(t, database.url);
    const call = calling(open(t, model, proxy.url), model);
    // The table of the keys is made before, so that the cut meets the operation's own COMMIT.
    await call("move", { quantity: 1, from: "A", to: "B" });
    proxy.cut = true;
    await assert.rejects(call("reserve", { sku: "A", quantity: 2 }, { key: "k" }), error("sql-commit", "unknown"));
    proxy.cut = false;
    const repeated = await call("reserve", { sku: "A", quantity: 2 }, { key: "k", attempt: 2 });
    assert.deepEqual(repeated, { ok: true, output: { sku: "A", quantity: 2 } });
    assert.equal(await database.value("select count(*) from holds"), "1");
    // An operation that only reads takes no effect, however its answer is lost.
    proxy.cut = true;
    await assert.rejects(call("getStock", { sku: "A" }), error("sql-unavailable", "none"));
  });

  test(`${dialect}: an answer has a limit, and more calls than connections wait in line`, async (t) => {
    const made = await fixture(t, dialect, { concurrency: 2 });
    if (made === undefined) return;
    const { call, database, client } = made;
    await assert.rejects(call("many", { most: 5000 }), error("sql-too-large", "none"));
    const some = await call("many", { most: 50 });
    assert.equal(some.ok && (some.output as Json[]).length, 50);
    const results = await Promise.all(Array.from({ length: 20 }, () => call("bump", { sku: "A" })));
    assert.equal(results.length, 20);
    assert.equal(await database.value("select on_hand from stock where sku = 'A'"), "30");
    const open = await database.value(
      dialect === "postgresql"
        ? "select count(*) from pg_stat_activity where application_name = 'mortise' and datname = current_database() and pid <> pg_backend_pid()"
        : "select count(*) from information_schema.processlist where db = database() and id <> connection_id()",
    );
    assert.ok(Number(open) <= 2, open);
    assert.deepEqual(await client.health(new AbortController().signal), { healthy: true });
  });

  test(`${dialect}: who is not let in, or not to be trusted, is told without the password`, async (t) => {
    const made = await fixture(t, dialect);
    if (made === undefined) return;
    const { database, model } = made;
    const password = "s3cr3t/pass@word";
    const wrong = new URL(database.url);
    wrong.pathname = "/no_such_database";
    const basic = { kind: "basic", user: "nobody_here", password } as const;
    for (const client of [
      open(t, model, wrong.href, { credentials: { ...basic, user: wrong.username } }),
      open(t, model, database.url, { credentials: basic }),
    ]) {
      const call = calling(client, model);
      await assert.rejects(call("getStock", { sku: "A" }), (thrown) => {
        assert.equal(String(thrown).includes("s3cr3t"), false);
        return error("sql-unavailable", "none")(thrown);
      });
      const health = await client.health(new AbortController().signal);
      assert.equal(health.healthy, false);
      assert.equal(JSON.stringify(health).includes("s3cr3t"), false);
    }
    // This machine's own certificate is signed by nobody we know, or there is none.
    const secure = open(t, model, `${database.url}?sslmode=require`);
    await assert.rejects(calling(secure, model)("getStock", { sku: "A" }), error("outbound-tls", "none"));
    const outside = open(t, model, database.url, { internal: false });
    await assert.rejects(calling(outside, model)("getStock", { sku: "A" }), error("outbound-address", "none"));
  });
}

test("postgresql: over TLS the certificate must be trusted, in time, and of this host", async (t) => {
  const made = await fixture(t, "postgresql");
  if (made === undefined) return;
  const { database, model } = made;
  const fixtures = new URL("../outbound/fixtures/", import.meta.url);
  const through = async (certificate: string, trusted: boolean) => {
    const { port } = await tlsProxy(
      t,
      database.url,
      readFileSync(new URL(certificate, fixtures)),
      readFileSync(new URL("server.key", fixtures)),
    );
    const ca = trusted ? `&sslrootcert=${encodeURIComponent(fileURLToPath(new URL("ca.pem", fixtures)))}` : "";
    const url = new URL(database.url);
    url.hostname = "localhost";
    url.port = String(port);
    const client = open(t, model, `${url.href}?sslmode=verify-full${ca}`);
    return calling(client, model)("getStock", { sku: "A" });
  };
  assert.deepEqual(await through("good.pem", true), { ok: true, output: { sku: "A", on_hand: 10 } });
  await assert.rejects(through("good.pem", false), error("outbound-tls", "none"));
  await assert.rejects(through("expired.pem", true), error("outbound-tls", "none", /expired/));
  await assert.rejects(through("wrong.pem", true), error("outbound-tls", "none", /altnames/));
});

test("postgresql: numbers, times, bytes, lists and enumerations pass exactly, both ways", async (t) => {
  const database = await testDatabase(
    t,
    "postgresql",
    `create type mood as enum ('glad', 'so so');
create domain price as numeric(20,4) check (value >= 0);
create table kinds (id int8 primary key, amount numeric, cost price, day date, at timestamptz, local timestamp, clock time, span interval,
  doc jsonb, raw bytea, uid uuid, feel mood, tags text[], counts int8[], feels mood[], yes boolean, ratio float8, small real, label varchar(10), net inet);
`,
  );
  if (database === undefined) return;
  const names =
    "id amount cost day at local clock span doc raw uid feel tags counts feels yes ratio small label net".split(" ");
  const model = await contractOf(
    database.url,
    `-- @database database.json
-- @operation put
-- @returns none
insert into kinds (${names.join(", ")}) values (${names.map((name) => `:${name}`).join(", ")});
-- @operation get
-- @returns one
select ${names.join(", ")} from kinds where id = :id;
-- @operation clear
-- @returns none
delete from kinds;
`,
  );
  const value = {
    id: "9223372036854775807",
    amount: "12345678901234567890.123456789012345678901",
    cost: "0.1000",
    day: "2026-02-28",
    at: "2026-11-23T09:30:00.123456Z",
    local: "2026-11-23T09:30:00.123456",
    clock: "23:59:59.5",
    span: "P1Y2M3DT4H5M6.7S",
    doc: { a: [1, 2.5, null, 'ä"\\'], n: 9007199254740991 },
    raw: Buffer.from([0, 255, 92, 39]).toString("base64"),
    uid: "0b8e3c6e-1f0d-4a1b-9d39-0123456789ab",
    feel: "so so",
    tags: ["plain", 'quote " and \\ back', "", "NULL", "{,}", null],
    counts: ["-9223372036854775808", "1"],
    feels: ["glad", "so so"],
    yes: true,
    ratio: 0.1,
    small: 0.1,
    label: "ten letter",
    net: "10.0.0.1",
  };
  const call = calling(open(t, model, database.url), model);
  await call("put", value);
  assert.deepEqual(await call("get", { id: value.id }), { ok: true, output: value });
  await database.run("set timezone = 'Asia/Tokyo'");
  assert.equal(await database.value("select to_char(at, 'HH24:MI:SS.US') from kinds"), "18:30:00.123456");
  const properties = (model.schemas.Kinds as { properties: Record<string, Json> }).properties;
  assert.deepEqual(properties.feel, { anyOf: [{ $ref: "#/$defs/Mood" }, { type: "null" }] });
  assert.deepEqual(model.schemas.Mood, { type: "string", enum: ["glad", "so so"] });
  assert.deepEqual(model.database?.types.price, {
    kind: "domain",
    type: "numeric(20,4)",
    notNull: false,
    checks: ["CHECK ((VALUE >= (0)::numeric))"],
  });
  // Empty is not null; what has no JSON form is an error that says so, and nothing rounds.
  for (const [column, sql, said] of [
    ["amount", "'NaN'", /NaN/],
    ["at", "'infinity'", /ISO 8601/],
    ["doc", "'{\"n\": 90071992547409931}'", /can't be read as JSON/],
  ] as const) {
    await database.run(`update kinds set amount = 1, at = now(), doc = null; update kinds set ${column} = ${sql}`);
    await assert.rejects(call("get", { id: value.id }), error("contract-output", "none", said));
  }
  await assert.rejects(call("put", { ...value, feel: "angry" }), error("contract-input", "none"));
});

test("mysql: numbers, times, bytes, bits, sets and JSON pass exactly, both ways", async (t) => {
  const database = await testDatabase(
    t,
    "mysql",
    `create table kinds (id bigint primary key, big bigint unsigned, amount decimal(40,20), day date, at timestamp(6) null, local datetime(6), clock time(3),
  doc json, raw varbinary(20), flag tinyint(1), tiny tinyint, bit1 bit(1), bits bit(10), tags set('a','b','c'), feel enum('glad','so so'), ratio double, small float, label varchar(10), made year);
`,
  );
  if (database === undefined) return;
  const names = "id big amount day at local clock doc raw flag tiny bit1 bits tags feel ratio small label made".split(
    " ",
  );
  const model = await contractOf(
    database.url,
    `-- @database database.json
-- @operation put
-- @returns none
insert into kinds (${names.join(", ")}) values (${names.map((name) => `:${name}`).join(", ")});
-- @operation get
-- @returns one
select ${names.join(", ")} from kinds where id = :id and amount = :amount and big = :big;
-- @operation page
select id from kinds order by id limit :most;
`,
  );
  const value = {
    id: "9007199254740993",
    big: "18446744073709551615",
    amount: "12345678901234567890.12345678901234567891",
    day: "2026-02-28",
    at: "2026-11-23T09:30:00.123456Z",
    local: "2026-11-23T09:30:00.123456",
    clock: "-100:59:59.5",
    doc: { a: [1, 2.5, null, 'ä"\\'] },
    raw: Buffer.from([0, 255, 92, 39]).toString("base64"),
    flag: true,
    tiny: -128,
    bit1: true,
    bits: 1023,
    tags: ["a", "c"],
    feel: "so so",
    ratio: 0.1,
    small: 0.1,
    label: "ten letter",
    made: 2026,
  };
  const call = calling(open(t, model, database.url), model);
  await call("put", value);
  // A neighbour that a comparison as doubles would take for the same.
  await call("put", { ...value, id: "9007199254740992", big: "18446744073709551614" });
  const { id, amount, big } = value;
  assert.deepEqual(await call("get", { id, amount, big }), { ok: true, output: value });
  assert.deepEqual(await call("page", { most: 1 }), { ok: true, output: [{ id: "9007199254740992" }] });
  await database.run("set time_zone = '+09:00'");
  assert.equal(await database.value(`select date_format(at, '%H:%i:%s.%f') from kinds limit 1`), "18:30:00.123456");
  await database.run("update kinds set flag = 7");
  await assert.rejects(call("get", { id, amount, big }), error("contract-output", "none", /other than 0 and 1/));
  // What does not fit is refused, never cut.
  await assert.rejects(
    call("put", { ...value, id: "1", raw: Buffer.alloc(21).toString("base64") }),
    error("sql-refused", "none"),
  );
});

/** Speaks TLS as a PostgreSQL server does (manual, "SSL Session Encryption"), and plainly with the real one. */
async function tlsProxy(t: TestContext, target: string, cert: Buffer, key: Buffer): Promise<{ readonly port: number }> {
  const to = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client.on("error", () => {}));
    // The first packet asks for TLS.
    client.once("data", () => {
      client.write("S");
      const secure = new TLSSocket(client, { isServer: true, cert, key });
      const upstream = connect(Number(to.port || 5432), to.hostname);
      sockets.add(upstream);
      secure.on("error", () => upstream.destroy());
      upstream.on("error", () => secure.destroy());
      secure.pipe(upstream).pipe(secure);
    });
  });
  await new Promise<void>((go) => server.listen(0, "localhost", go));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port };
}

/** Passes everything on; with `cut`, a COMMIT is passed on, and its answer is not: the connection breaks instead. */
async function cuttingProxy(t: TestContext, target: string) {
  const to = new URL(target);
  const port = Number(to.port === "" ? (to.protocol === "mysql:" ? 3306 : 5432) : to.port);
  const state = { cut: false, url: "" };
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(port, to.hostname);
    let swallow = false;
    client.on("data", (bytes) => {
      if (state.cut && /commit/i.test(bytes.toString("latin1"))) swallow = true;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (swallow) client.destroy();
      else client.write(bytes);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {}).on("close", () => other.destroy());
    }
  });
  await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const own = new URL(target);
  own.port = String((server.address() as { port: number }).port);
  state.url = own.href;
  return state;
}

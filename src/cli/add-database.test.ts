/** `mortise add` from a database that runs on this machine; where none does, the test is skipped. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { testDatabase } from "../connectors/sql/test-servers.ts";
import type { ContractModel } from "../contract/model.ts";
import { mortise } from "./test-terminal.ts";

const password = "pa55+w/ord@of:app";

function newProject(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "mortise-add-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "secrets"));
  writeFileSync(join(folder, "mortise.config.ts"), "export default {};\n");
  writeFileSync(join(folder, "secrets", "WAREHOUSE_PASSWORD"), `${password}\n`, { mode: 0o600 });
  const system = join(folder, "systems", "warehouse");
  return {
    folder,
    system,
    run: (...args: string[]) => mortise(args, { folder }),
    model: () => JSON.parse(readFileSync(join(system, "contract.json"), "utf8")) as ContractModel,
    /** Everything that was written, in one text. */
    written: () =>
      readdirSync(system)
        .map((name) => readFileSync(join(system, name), "utf8"))
        .join("\n"),
  };
}

for (const dialect of ["postgresql", "mysql"] as const) {
  test(`${dialect}: tables, statements and their types are pinned; the password is written nowhere`, async (t) => {
    const database = await testDatabase(
      t,
      dialect,
      `create table stock (sku varchar(20) primary key, on_hand int not null, price decimal(10,2));
create table audit (note varchar(20));
`,
    );
    if (database === undefined) return;
    const { run, model, written, system } = newProject(t);
    const added = await run(
      "add",
      "warehouse",
      database.url,
      "--password",
      "secret:WAREHOUSE_PASSWORD",
      "--table",
      "st*",
    );
    // PostgreSQL lets everybody in on this machine, whatever the password; MariaDB looks at it.
    if (dialect === "mysql") {
      assert.equal(added.code, 1);
      assert.match(added.err, /sql-unavailable/);
      assert.equal(added.err.includes(password), false);
      assert.throws(() => readdirSync(system));
      assert.equal((await run("add", "warehouse", database.url, "--table", "st*")).code, 0);
    } else {
      assert.equal(added.code, 0, added.err);
      const index = readFileSync(join(system, "index.ts"), "utf8");
      assert.match(index, /credentials: \{ kind: "basic", user: "\w+", password: secret\("WAREHOUSE_PASSWORD"\) \}/);
      assert.match(index, /import \{ env, secret, sql \}/);
    }
    for (const text of [added.out, added.err, written()]) assert.equal(text.includes("pa55"), false);
    assert.deepEqual(Object.keys(model().database!.tables), ["stock"]);
    assert.deepEqual(Object.keys(model().operations), ["getStock"]);
    assert.match(readFileSync(join(system, "contract.ts"), "utf8"), /export interface Stock /);

    // The author's statements stay, and the database is asked about them; what it refuses is told with its line.
    const own =
      "-- @database database.json\n\n-- @operation cheap\n-- @param most decimal\nselect sku from stock where price < :most;\n";
    writeFileSync(join(system, "warehouse.sql"), own);
    assert.match((await run("types", "--check")).err, /was not asked about this statement/);
    const replaced = await run("add", "warehouse", database.url, "--replace");
    assert.equal(replaced.code, 0, replaced.err);
    assert.equal(readFileSync(join(system, "warehouse.sql"), "utf8"), own);
    assert.deepEqual(Object.keys(model().operations), ["cheap"]);
    assert.deepEqual(Object.keys(model().database!.tables), ["audit", "stock"]);
    assert.equal((await run("types", "--check")).code, 0);
    writeFileSync(join(system, "warehouse.sql"), own.replace("sku from", "nothing from"));
    const refused = await run("add", "warehouse", database.url, "--replace");
    assert.match(refused.err, /warehouse\.sql.*line 5.*nothing/s);
    assert.deepEqual(Object.keys(model().operations), ["cheap"]);
  });
}

for (const dialect of ["postgresql", "mysql"] as const) {
  test(`${dialect}: who a database lets in is taken from the system's own index.ts, once it is there`, async (t) => {
    const database = await testDatabase(t, dialect, "create table stock (sku varchar(20) primary key);\n");
    if (database === undefined) return;
    const { run, system } = newProject(t);
    const nobody = new URL(database.url);
    nobody.username = "";
    assert.match((await run("add", "warehouse", nobody.href)).err, /names no user/);
    assert.equal((await run("add", "warehouse", database.url)).code, 0);
    writeFileSync(
      join(system, "index.ts"),
      `import { env, secret, sql } from "mortise";
import { contract } from "./contract.ts";
export const warehouse = sql(contract, { connection: env("NOT_SET"),
  credentials: { kind: "basic", user: "${new URL(database.url).username}", password: secret("WAREHOUSE_PASSWORD") } });
`,
    );
    const known = await run("add", "warehouse", nobody.href, "--replace");
    // PostgreSQL lets everybody in on this machine; MariaDB looks at the password, and this one is wrong.
    assert.match(known.err, dialect === "mysql" ? /sql-unavailable/ : /^$/);
    assert.equal(`${known.out}${known.err}`.includes("pa55"), false);
    const odd = database.url.replace(/\/\/[^@]*@/, "//a%zz@");
    const told = (await run("add", "warehouse", odd, "--replace")).err;
    assert.match(told, /connection-invalid/);
  });
}

test("sqlite: the DDL is pinned, and every table is a schema", async (t) => {
  const { run, model, folder, system } = newProject(t);
  const database = new DatabaseSync(join(folder, "live.db"));
  database.exec(`create table orders (id integer primary key, "order" text not null, total real as (2 * id) stored) strict;
    create table lines (order_id integer references orders, n integer, sku text, primary key (order_id, n));
    create view open_orders as select "order" from orders; create virtual table texts using fts5(body);`);
  database.close();
  const added = await run("add", "warehouse", "sqlite:live.db");
  assert.equal(added.code, 0, added.err);
  assert.deepEqual(Object.keys(model().operations), ["getLines", "getOrders"]);
  const { orders, lines, open_orders: view } = model().database!.tables;
  assert.deepEqual(
    orders?.columns.map(({ name, generated, nullable }) => [name, generated, nullable]),
    [
      ["id", "identity", false],
      ["order", undefined, false],
      ["total", "stored", true],
    ],
  );
  assert.deepEqual(lines?.references, [{ columns: ["order_id"], table: "orders", to: [] }]);
  assert.deepEqual([lines?.primaryKey, view?.kind], [["order_id", "n"], "view"]);
  assert.match(
    readFileSync(join(system, "warehouse.sql"), "utf8"),
    /select id, "order", total\nfrom orders\nwhere id = :id;/,
  );
  assert.equal((await run("types", "--check")).code, 0);
  assert.match((await run("add", "other", "sqlite:none.db")).err, /connection-invalid/);
});

test("a password is taken by reference only", async (t) => {
  const { run } = newProject(t);
  const url = "postgres://app@127.0.0.1:1/warehouse";
  assert.match((await run("add", "warehouse", url, "--password", "plain")).err, /secret:NAME/);
  assert.match((await run("add", "warehouse", url, "--password", "env:NOT_SET")).err, /NOT_SET/);
  assert.match((await run("add", "warehouse", "env:NOT_SET")).err, /NOT_SET/);
});

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MortiseError } from "../../errors.ts";
import type { ContractModel, SqlBinding } from "../model.ts";
import { openSource } from "./source.ts";
import { readSql } from "./sql.ts";

async function read(t: TestContext, text: string, more: Record<string, string> = {}): Promise<ContractModel> {
  const folder = await mkdtemp(join(tmpdir(), "mortise-sql-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries({ ...more, "warehouse.sql": text }))
    await writeFile(join(folder, name), content);
  return readSql(await openSource(join(folder, "warehouse.sql")), "warehouse");
}

const warehouse = `
-- The warehouse of Harbour Supply. Its tables are kept by others.
-- @title Warehouse
-- @version 3
-- @type Line { sku: text, quantity: integer, note?: text? }
create table stock (sku text primary key not null, on_hand integer not null, price decimal(10,2), serial bigint not null);
create table holds (id integer primary key, reference text not null, sku text not null references stock, quantity integer not null);
create trigger hold_check before insert on holds begin
  select raise(abort, 'out of stock; sorry') from stock where sku = new.sku and on_hand < new.quantity;
  update stock set on_hand = on_hand - new.quantity where sku = new.sku;
end;

-- @operation getStock  What is on hand.
-- @returns one
-- Of one product.
select sku, on_hand as onHand, price, serial from stock where sku = :sku;

-- @operation reserveStock  Reserves stock for an order, all lines or none.
-- @param lines Line[]  What to hold.
-- @fault OutOfStock when "out of stock"  There is not enough.
insert into holds (reference, sku, quantity)
  select :key, value ->> 'sku', value ->> 'quantity' from json_each(:lines);

-- @operation addStock
-- @effect unrepeatable
update stock set on_hand = on_hand + :quantity where sku = :sku returning sku, on_hand;
-- @deprecated
-- @param quantity integer

-- @operation countHolds
-- @returns row
-- @column n integer
-- @param limit integer?
select count(*) as n from holds h where h.reference = :reference and :limit is null or h.quantity > :least;
`;

test("reads operations with typed input, output, faults and effect", async (t) => {
  const model = await read(t, warehouse);
  assert.equal(model.source.title, "Warehouse");
  assert.equal(model.source.version, "3");
  assert.deepEqual(model.schemas.Line, {
    type: "object",
    properties: { sku: { type: "string" }, quantity: { type: "integer" }, note: { type: ["string", "null"] } },
    required: ["sku", "quantity"],
    additionalProperties: false,
  });
  const { getStock, reserveStock, addStock, countHolds } = model.operations;
  assert.deepEqual(
    [getStock?.effect, getStock?.key, getStock?.summary, getStock?.description],
    ["read", undefined, "What is on hand.", "Of one product."],
  );
  assert.deepEqual(getStock?.input, {
    type: "object",
    properties: { sku: { type: "string" } },
    required: ["sku"],
    additionalProperties: false,
  });
  assert.deepEqual((getStock!.output as { anyOf: { properties: unknown }[] }).anyOf[0]?.properties, {
    sku: { type: "string" },
    onHand: { type: "integer" },
    price: { type: ["string", "null"], format: "decimal" },
    serial: { type: "string", format: "int64" },
  });
  assert.deepEqual([reserveStock?.effect, reserveStock?.key], ["idempotent", { in: "row" }]);
  assert.deepEqual((reserveStock!.input as { properties: unknown }).properties, {
    lines: { type: "array", items: { $ref: "#/$defs/Line" }, description: "What to hold." },
  });
  assert.deepEqual(reserveStock?.output, { type: "null" });
  assert.deepEqual(reserveStock?.faults, {
    OutOfStock: { description: "There is not enough.", detail: { type: "null" } },
  });
  const binding = reserveStock!.binding as SqlBinding;
  assert.deepEqual(binding.parameters, [
    { name: "key", as: "key" },
    { name: "lines", as: "json" },
  ]);
  assert.deepEqual(binding.faults, [{ message: "out of stock", fault: "OutOfStock" }]);
  assert.match(binding.statements[0] ?? "", /^insert into holds[^;]*json_each\(:lines\)$/);
  assert.deepEqual([addStock?.effect, addStock?.key, addStock?.deprecated], ["unrepeatable", undefined, true]);
  assert.equal((addStock!.binding as SqlBinding).rows, "many");
  assert.deepEqual((countHolds!.input as { properties: unknown; required: unknown }).required, ["reference", "least"]);
  assert.deepEqual((countHolds!.output as { properties: unknown }).properties, { n: { type: "integer" } });
});

test("parameters take the type of the column that they meet, by comparison or by position", async (t) => {
  const model = await read(
    t,
    `create table t (a text not null, n integer not null, x bigint, p decimal, b boolean);
     -- @operation byValues
     insert into t (b, p, x) values (:b, :p, :x), (:b2, 1, 2);
     -- @operation bySelect
     insert into t (a, n) select :a, :n where :n > 0;
     -- @operation inOrder
     insert into t values (:a, :n, :x, :p, :b);
     -- @operation byComparison
     select a from t as u where u.x >= :x and :p <> t_p and b = :b limit :most;`.replace("t_p", "u.p"),
  );
  const types = (name: string) =>
    Object.fromEntries((model.operations[name]!.binding as SqlBinding).parameters.map((p) => [p.name, p.as]));
  assert.deepEqual(types("byValues"), { b: "boolean", p: "decimal", x: "bigint", b2: "boolean" });
  assert.deepEqual(types("bySelect"), { a: "text", n: "integer" });
  assert.deepEqual(types("inOrder"), { a: "text", n: "integer", x: "bigint", p: "decimal", b: "boolean" });
  assert.deepEqual(types("byComparison"), { x: "bigint", p: "decimal", b: "boolean", most: "integer" });
});

test("the schema may stand in a file of its own, whose data is passed over", async (t) => {
  const model = await read(t, "-- @schema db.sql\n-- @operation all\nselect a from t;", {
    "db.sql": "create table t (a text); insert into t values ('x');",
  });
  assert.deepEqual(
    model.source.files.map(({ path }) => path),
    ["warehouse.sql", "db.sql"],
  );
});

test("a type may be a JSON Schema, over several lines", async (t) => {
  const model = await read(
    t,
    `-- @type Address {"type": "object",
     --   "properties": {"street": {"type": "string"}}}
     create table t (a json not null);
     -- @operation all
     -- @column a Address
     select a from t;`,
  );
  assert.deepEqual(model.schemas.Address, { type: "object", properties: { street: { type: "string" } } });
});

test("a column behind an outer join or a view may be null", async (t) => {
  const model = await read(
    t,
    `create table a (x integer not null); create table b (y integer not null);
     create view v as select y from a left join b on x = y;
     -- @operation joined
     select x, y from a left join b on x = y;
     -- @operation viewed
     select y from v;`,
  );
  for (const name of ["joined", "viewed"]) {
    const output = model.operations[name]!.output as { items: { properties: { y: unknown } } };
    assert.deepEqual(output.items.properties.y, { type: ["integer", "null"] });
  }
});

const table = "create table t (a text, n integer);\n";
for (const [title, text, place, reason] of [
  ["an unknown column", `${table}-- @operation x\nselect nope from t;`, "line 3", /no such column: nope/],
  [
    "a parameter without a type",
    `${table}-- @operation x\nselect a from t where length(a) = :size;`,
    "line 2",
    /@param size/,
  ],
  ["a column without a type", `${table}-- @operation x\nselect count(*) as c from t;`, "line 3", /@column c/],
  [
    "an unknown directive",
    `${table}-- @operation x\n-- @colum a text\nselect a from t;`,
    "line 3",
    /"@colum" is not known/,
  ],
  [
    "an unknown type",
    `${table}-- @operation x\n-- @param a string\nselect a from t where a = :a;`,
    "line 3",
    /no type "string"/,
  ],
  ["an unfinished statement", `${table}-- @operation x\nselect a from t\n-- @operation y\nselect 1;`, "line 4", /no ;/],
  ["an open quote", `${table}-- @operation x\nselect 'a from t;`, "line 3", /quote/],
  ["a question mark", `${table}-- @operation x\nselect a from t where a = ?;`, "line 3", /:name/],
  ["a name twice", `${table}-- @operation x\nselect a from t;\n-- @operation x\nselect a from t;`, "line 4", /taken/],
  ["a reserved name", `${table}-- @operation schemas\nselect a from t;`, "line 2", /taken/],
  ["a parameter that is not there", `${table}-- @operation x\n-- @param z text\nselect a from t;`, "line 2", /:z/],
  ["a column twice", `${table}-- @operation x\nselect a, a from t;`, "line 3", /two columns/],
  ["an effect that is not true", `${table}-- @operation x\n-- @effect read\ndelete from t;`, "line 2", /writes/],
  ["no operation", table, "line 1", /no operation/],
  ["no statement", `${table}-- @operation x\n`, "line 2", /no statement/],
  ["a reference to elsewhere", `-- @type T {"$ref": "file:///etc/passwd"}\n${table}`, "line 1", /leads nowhere/],
] as const) {
  test(`refuses ${title}, naming file and line`, async (t) => {
    await assert.rejects(read(t, text), (error) => {
      assert.ok(error instanceof MortiseError, String(error));
      assert.equal(error.code, "contract-unreadable");
      assert.ok(error.message.includes(`warehouse.sql can't be read: at ${place},`), error.message);
      assert.match(error.message, reason);
      return true;
    });
  });
}

for (const statement of [
  "attach 'other.db' as other;",
  "pragma writable_schema = on;",
  "select load_extension('x');",
  "vacuum into 'copy.db';",
  "begin;",
  "insert into t values ('x', 1);",
  "create table u as with recursive c(n) as (select 1 union all select n + 1 from c) select n from c;",
  "create virtual table u using fts5(a);",
]) {
  test(`a contract can't make the reader run: ${statement.slice(0, 30)}`, async (t) => {
    const refused = (error: unknown) => error instanceof MortiseError && error.code === "contract-unreadable";
    await assert.rejects(read(t, `${table}${statement}\n-- @operation x\nselect a from t;`), refused);
    if (!statement.startsWith("insert"))
      await assert.rejects(read(t, `${table}-- @operation x\n${statement}`), refused);
  });
}

test("the same text gives the same model", async (t) => {
  assert.equal(JSON.stringify(await read(t, warehouse)), JSON.stringify(await read(t, warehouse)));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { MortiseError } from "../../errors.ts";
import type { ContractModel, SqlBinding } from "../model.ts";
import { openTexts } from "./source.ts";
import { readSql } from "./sql.ts";

const snapshot = (dialect: "postgresql" | "mysql", statements: readonly object[], tables: object = {}): string =>
  JSON.stringify({
    format: 1,
    dialect,
    server: "a server",
    tables: {
      stock: {
        kind: "table",
        comment: "What is there",
        columns: [
          { name: "sku", type: dialect === "mysql" ? "varchar(20)" : "text", nullable: false },
          { name: "on_hand", type: dialect === "mysql" ? "int(11)" : "integer", nullable: false },
        ],
        primaryKey: ["sku"],
      },
      ...tables,
    },
    types: {},
    statements,
  });

async function read(database: string, text: string): Promise<ContractModel> {
  const files = { "warehouse.sql": `-- @database database.json\n${text}`, "database.json": database };
  return readSql(await openTexts(files), "warehouse");
}

const refused = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MortiseError && error.code === "contract-unreadable", String(error));
  assert.match(error.message, reason);
  return true;
};

test("PostgreSQL's own signs are no parameters, and the same name has one place", async () => {
  const sql = `select sku::text as sku, $$it's :this$$ as a, E'\\':x' as b from stock
  where sku = $1 and '[1,2]'::jsonb ? $1 and on_hand > $2 -- :none`;
  const facts = {
    sql,
    parameters: ["text", "integer"],
    columns: [
      { name: "sku", type: "text" },
      { name: "a", type: "text" },
      { name: "b", type: "text" },
    ],
  };
  const model = await read(
    snapshot("postgresql", [{ ...facts, sql: sql.replace(" -- :none", "") }]),
    `-- @operation find\n${sql.replaceAll("$1", ":sku").replace("$2", ":least")}\n;\n`,
  );
  const binding = model.operations.find!.binding as SqlBinding;
  assert.deepEqual(binding.places, [["sku", "least"]]);
  assert.deepEqual(binding.parameters, [
    { name: "sku", as: "text" },
    { name: "least", as: "integer" },
  ]);
  assert.deepEqual(model.schemas.Stock, {
    type: "object",
    properties: { sku: { type: "string" }, on_hand: { type: "integer", minimum: -2147483648, maximum: 2147483647 } },
    required: ["sku", "on_hand"],
    additionalProperties: false,
    description: "What is there",
  });
});

test("MySQL's own signs are no parameters; a parameter takes the type of the column that it meets", async () => {
  const sql = "update stock set on_hand = on_hand - ? where sku = ? and sku <> \"it\\\"s :x\" and sku <> 'a\\'b:y'";
  const model = await read(
    snapshot("mysql", [{ sql, parameters: [null, null], columns: [] }]),
    `# not mine :z\n-- @operation take\n${sql.replace("?", ":quantity").replace("?", ":sku")};\n`,
  );
  const { take } = model.operations;
  assert.deepEqual((take!.binding as SqlBinding).places, [["quantity", "sku"]]);
  assert.deepEqual((take!.input as { properties: unknown }).properties, {
    quantity: { type: "integer", minimum: -2147483648, maximum: 2147483647 },
    sku: { type: "string", maxLength: 20 },
  });
  assert.deepEqual([take?.effect, take?.key], ["idempotent", { in: "row" }]);
});

test("what writes is told by its words, or by @writes", async () => {
  const statements = [
    "with gone as (delete from stock returning sku) select sku from gone",
    "select insert('abc', 1, 2, 'x') as a",
    "select take() as a",
  ].map((sql) => ({ sql, parameters: [], columns: [{ name: sql.includes("sku") ? "sku" : "a", type: "text" }] }));
  const model = await read(
    snapshot("postgresql", statements),
    `-- @operation deletes\n${statements[0]!.sql};\n-- @operation reads\n${statements[1]!.sql};\n-- @operation calls\n-- @writes\n${statements[2]!.sql};\n`,
  );
  const effects = Object.values(model.operations).map(({ name, effect, key }) => [name, effect, key?.in]);
  assert.deepEqual(effects, [
    ["deletes", "idempotent", "row"],
    ["reads", "read", undefined],
    ["calls", "idempotent", "row"],
  ]);
});

test("what the database was not asked about, or what no operation may do, is refused with its line", async () => {
  const asked = { sql: "select 1 as one", parameters: [], columns: [{ name: "one", type: "int" }] };
  const engine = {
    log: { kind: "table", columns: [{ name: "a", type: "int(11)", nullable: true }], transactional: false },
  };
  for (const [text, reason] of [
    ["select 2 as two;", /line 3.*was not asked about this statement/],
    ["drop table stock;", /may not run "drop"/],
    ["select sku from stock into outfile 'x';", /outfile/],
    ["select @a;", /something else/],
    ["select /*!50000 sku */ 1;", /is run by the database/],
    ["insert into log values (1);", /no part in transactions/],
  ] as const)
    await assert.rejects(
      read(
        snapshot("mysql", [asked, { sql: "insert into log values (1)", parameters: [], columns: [] }], engine),
        `-- @operation x\n${text}\n`,
      ),
      refused(reason),
      text,
    );
  await assert.rejects(
    read(snapshot("mysql", [asked]), "create table t (a int);\n"),
    refused(/come from the @database/),
  );
  await assert.rejects(read("{}", "-- @operation x\nselect 1;\n"), refused(/database\.json.*no schema of a database/));
  await assert.rejects(read('{"format":1', "-- @operation x\nselect 1;\n"), refused(/database\.json/));
});

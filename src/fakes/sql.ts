/**
 * A fake database: a SQLite file with the tables of a SQL contract, filled with generated rows. The connector then works on it as on the
 * real one. Databases of other kinds have no server of ours: run one, and put the contract's tables into it.
 */
import { existsSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { exampleOf } from "../contract/example/example.ts";
import { Random } from "../contract/example/random.ts";
import type { ContractModel } from "../contract/model.ts";
import { schemaStatements } from "../contract/read/sql-statements.ts";
import { columnType } from "../contract/read/sql-types.ts";
import { failure } from "../errors.ts";
import type { Json, JsonSchema } from "../operation.ts";
import type { Opened } from "./open.ts";

export interface FakeDatabaseOptions {
  readonly file: string;
  readonly seed?: number;
  /** Rows of each table. Default 10, at most 10,000. */
  readonly rows?: number;
  /** Take the place of a file that is there. Default false. */
  readonly replace?: boolean;
}

export interface FakeDatabase {
  readonly file: string;
  /** Rows by table. */
  readonly tables: Readonly<Record<string, number>>;
}

type Value = string | number | null;

interface Column {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly notNull: boolean;
  /** The row's own number: left to the database. */
  readonly counted: boolean;
  readonly values: readonly string[] | undefined;
  readonly parent: { readonly table: string; readonly column: string } | undefined;
}

const mostRows = 10_000;

/** Makes the file. Rejects with `fake-database`. */
export async function makeFakeDatabase({ model, files }: Opened, options: FakeDatabaseOptions): Promise<FakeDatabase> {
  const { file, seed = 1, rows = 10 } = options;
  const other = dialectOf(model);
  if (other !== "sqlite")
    throw failure("fake-database", {
      file,
      reason: `the contract is for ${other}, and only SQLite needs no server; start a ${other} of your own with its tables and connect to that`,
    });
  if (!Number.isSafeInteger(rows) || rows < 0 || rows > mostRows)
    throw failure("fake-database", { file, reason: `the number of rows must be from 0 to ${mostRows}` });
  if (existsSync(file)) {
    if (options.replace !== true) throw failure("fake-database", { file, reason: "it is there already" });
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
  }
  const statements = await schemaStatements(files);
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    database.exec("pragma journal_mode = wal");
    // These have passed the reader's own guard when the contract was read (contract/read/sql-schema.ts).
    for (const statement of statements) database.exec(statement);
    database.exec("begin");
    const tables = fill(database, seed, rows);
    database.exec("commit");
    return { file, tables };
  } finally {
    database.close();
  }
}

function dialectOf(model: ContractModel): string {
  for (const { binding } of Object.values(model.operations)) if (binding.protocol === "sql") return binding.dialect;
  return "sqlite";
}

function fill(database: DatabaseSync, seed: number, rows: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of inOrder(database)) counts[table] = fillTable(database, table, seed, rows);
  // What found no parent after all is no row that the real system could have.
  for (const { table, rowid } of database.prepare("pragma foreign_key_check").all() as {
    table: string;
    rowid: number | null;
  }[]) {
    if (rowid === null) continue;
    database.prepare(`delete from ${quoted(table)} where rowid = ?`).run(rowid);
    counts[table] = Math.max(0, (counts[table] ?? 0) - 1);
  }
  return counts;
}

/** Tables, those first that others refer to. */
function inOrder(database: DatabaseSync): readonly string[] {
  const all = (
    database
      .prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
      )
      .all() as {
      name: string;
    }[]
  ).map(({ name }) => name);
  const ordered: string[] = [];
  const open = new Set<string>();
  const visit = (table: string): void => {
    if (ordered.includes(table) || open.has(table)) return;
    open.add(table);
    for (const { table: parent } of foreignKeys(database, table)) {
      const known = all.find((name) => name.toLowerCase() === parent.toLowerCase());
      if (known !== undefined) visit(known);
    }
    open.delete(table);
    ordered.push(table);
  };
  for (const table of all) visit(table);
  return ordered;
}

function foreignKeys(
  database: DatabaseSync,
  table: string,
): readonly { readonly table: string; readonly from: string; readonly to: string | null }[] {
  return database.prepare('select "table", "from", "to" from pragma_foreign_key_list(?)').all(table) as {
    table: string;
    from: string;
    to: string | null;
  }[];
}

function fillTable(database: DatabaseSync, table: string, seed: number, rows: number): number {
  const columns = columnsOf(database, table).filter(({ counted }) => !counted);
  const names = columns.map(({ name }) => quoted(name));
  const insert =
    columns.length === 0
      ? database.prepare(`insert into ${quoted(table)} default values`)
      : database.prepare(
          `insert into ${quoted(table)} (${names.join(", ")}) values (${columns.map(() => "?").join(", ")})`,
        );
  let count = 0;
  // A rule of the table (unique, check, a trigger) may refuse a row: then another one is tried.
  for (let tries = 0; count < rows && tries < rows * 4; tries++) {
    const values = columns.map((column) => cellOf(database, column, table, seed, tries));
    if (values.includes(undefined)) return count;
    try {
      insert.run(...(values as Value[]));
      count += 1;
    } catch {
      // refused
    }
  }
  return count;
}

function columnsOf(database: DatabaseSync, table: string): readonly Column[] {
  const { sql = "" } = database.prepare("select sql from sqlite_schema where name = ?").get(table) as { sql?: string };
  const keys = foreignKeys(database, table);
  const all = database
    .prepare('select name, type, "notnull" as required, pk, hidden from pragma_table_xinfo(?)')
    .all(table) as { name: string; type: string; required: number; pk: number; hidden: number }[];
  const single = all.filter(({ pk }) => pk > 0).length === 1;
  return all
    .filter(({ hidden }) => hidden === 0)
    .map(({ name, type, required, pk }) => {
      const key = keys.find(({ from }) => from.toLowerCase() === name.toLowerCase());
      return {
        name,
        schema: columnType(type)?.schema ?? { type: "string" },
        notNull: required === 1 || pk > 0,
        counted: single && pk === 1 && type.toLowerCase() === "integer",
        values: listed(sql, name),
        parent: key === undefined ? undefined : { table: key.table, column: key.to ?? primaryKey(database, key.table) },
      };
    });
}

/** `check (state in ('open', 'closed'))`, as tables say what an enumeration would. */
function listed(sql: string, column: string): readonly string[] | undefined {
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`\\b"?${name}"?\\s+in\\s*\\(((?:\\s*'[^']{0,200}'\\s*,?){1,100})\\)`, "i").exec(sql);
  return found?.[1]?.match(/'[^']*'/g)?.map((text) => text.slice(1, -1));
}

function primaryKey(database: DatabaseSync, table: string): string {
  const row = database.prepare("select name from pragma_table_xinfo(?) where pk = 1").get(table) as
    | { name: string }
    | undefined;
  return row?.name ?? "rowid";
}

/** `undefined`: there is none, because what it refers to has no row. */
function cellOf(database: DatabaseSync, column: Column, table: string, seed: number, row: number): Value | undefined {
  const random = new Random(`${seed}:${table}:${column.name}:${row}`);
  if (column.parent !== undefined) {
    const { table: parent, column: to } = column.parent;
    const found = database.prepare(`select ${quoted(to)} as value from ${quoted(parent)} limit 1000`).all() as {
      value: Value;
    }[];
    if (found.length > 0) return random.pick(found).value;
    return column.notNull ? undefined : null;
  }
  if (column.values !== undefined) return random.pick(column.values);
  const made: Json | undefined = exampleOf(
    column.schema,
    {},
    { seed: seed * 100_003 + row, name: column.name, stated: false },
  );
  if (made === undefined || made === null) return column.notNull ? undefined : null;
  if (typeof made === "boolean") return made ? 1 : 0;
  return typeof made === "object" ? JSON.stringify(made) : made;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

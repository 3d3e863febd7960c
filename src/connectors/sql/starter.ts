/** Statements to begin with, for a contract whose tables were read from a database: each table's row by its key. */
import type { DatabaseModel, SqlDialect, TableModel } from "../../contract/model.ts";
import { camelCase, Names, reservedMembers } from "../../contract/read/names.ts";
import { databaseType, type NamedTypes } from "../../contract/read/sql-database-types.ts";
import { columnType } from "../../contract/read/sql-types.ts";

/** Tables that get a statement. It is a beginning, not a data access layer. */
const most = 50;

/** The text of `<system>.sql`. `file` holds the tables: `database.json`, `database.sql`. */
export function starterText(database: DatabaseModel, title: string, file: string): string {
  const { dialect } = database;
  const named: NamedTypes = { types: database.types, schemaOf: () => true };
  const readable = (type: string) =>
    (dialect === "sqlite" ? columnType(type) : databaseType(dialect, type, named)) !== undefined;
  const taken = new Names(reservedMembers);
  const operations: string[] = [];
  for (const [name, table] of Object.entries(database.tables)) {
    const { primaryKey = [] } = table;
    if (primaryKey.length === 0 || operations.length >= most) continue;
    const columns = table.columns.filter(({ type }) => readable(type)).map((column) => column.name);
    if (!primaryKey.every((column) => columns.includes(column))) continue;
    operations.push(getByKey(taken.take(camelCase(`get ${name}`)), name, table, columns, dialect));
  }
  const head = [`-- @title ${title}`, `-- @database ${file}`, ""];
  const none =
    "-- Write the statements that you run below, each with its name. Nothing else is ever run:\n-- @operation countOrders  How many there are.\n";
  return `${head.join("\n")}\n${operations.length === 0 ? none : operations.join("\n")}`;
}

function getByKey(
  operation: string,
  table: string,
  { primaryKey = [], comment }: TableModel,
  columns: readonly string[],
  dialect: SqlDialect,
): string {
  const name = (part: string) => quoted(part, dialect);
  const shown = table.split(".").map(name).join(".");
  const summary = (comment ?? `A row of ${table} by its key; null where there is none.`)
    .replace(/\s+/g, " ")
    .slice(0, 200);
  const where = primaryKey.map((column) => `${name(column)} = :${parameterName(column)}`);
  return [
    `-- @operation ${operation}  ${summary}`,
    "-- @returns one",
    `select ${columns.map(name).join(", ")}`,
    `from ${shown}`,
    `where ${where.join(" and ")};`,
    "",
  ].join("\n");
}

/** `:key` is the step's key, so a column of that name gets another one. */
function parameterName(column: string): string {
  const name = camelCase(column).replace(/[^A-Za-z0-9_]/g, "_");
  return name === "key" ? "keyValue" : /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}

/** Words that the databases reserve and that people call tables and columns all the same. */
const reserved = new Set(
  `all and any as asc between by case check column condition constraint create cross current_date current_time current_timestamp current_user
  database default delete desc distinct else end exists false fetch for foreign from full function grant group groups having if in index
  inner insert interval into is join key keys left leave like limit lock match natural not null of offset on option or order out outer over
  partition primary procedure range rank read references release repeat right row rows schema select session_user set some statement system
  table then to trigger true union unique update usage use user using value values when where window with write`.split(
    /\s+/,
  ),
);

function quoted(name: string, dialect: SqlDialect): string {
  const plain = dialect === "mysql" ? /^[A-Za-z_][A-Za-z0-9_]*$/ : /^[a-z_][a-z0-9_]*$/;
  if (plain.test(name) && !reserved.has(name.toLowerCase())) return name;
  const quote = dialect === "mysql" ? "`" : '"';
  return `${quote}${name.replaceAll(quote, quote + quote)}${quote}`;
}

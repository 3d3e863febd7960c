/** What a MySQL or MariaDB database holds, by INFORMATION_SCHEMA, and what it says of statements that it prepares. Nothing is run. */
import type { TableColumn, TableModel } from "../../contract/model.ts";
import type { DatabaseSnapshot, StatementFacts } from "../../contract/read/sql-database.ts";
import type { Refuse, Wanted } from "./introspect.ts";
import type { Field, MysqlSession, PreparedInfo } from "./mysql.ts";

type Row = readonly unknown[];

export async function readMysql(
  session: MysqlSession,
  wanted: Wanted,
  statements: readonly string[],
  refuse: Refuse,
): Promise<DatabaseSnapshot> {
  const [[version] = []] = await session.ask("select version()");
  const maria = /mariadb/i.test(String(version));
  const relations = (
    await session.ask(
      `select table_name, table_type, engine, table_comment from information_schema.tables
       where table_schema = database() and table_type in ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') and table_name <> 'mortise_effects'
       order by table_name`,
    )
  ).filter(([name]) => wanted.takes(String(name)));
  const columns = byTable(
    await session.ask(
      `select table_name, column_name, column_type, is_nullable, column_default, extra, column_comment, generation_expression
       from information_schema.columns where table_schema = database() order by table_name, ordinal_position`,
    ),
  );
  const keys = byTable(
    await session.ask(
      `select k.table_name, k.constraint_name, c.constraint_type, k.column_name, k.referenced_table_name, k.referenced_column_name
       from information_schema.key_column_usage k join information_schema.table_constraints c
         on c.constraint_schema = k.constraint_schema and c.table_name = k.table_name and c.constraint_name = k.constraint_name
       where k.constraint_schema = database() order by k.table_name, k.constraint_name, k.ordinal_position`,
    ),
  );
  const checks = byTable(await checkRules(session, maria));
  return {
    format: 1,
    dialect: "mysql",
    server: `${maria ? "MariaDB" : "MySQL"} ${/^\d+\.\d+/.exec(String(version))?.[0] ?? ""}`.trim(),
    tables: Object.fromEntries(
      relations.map((relation) => {
        const name = String(relation[0]);
        return [name, tableOf(relation, columns.get(name) ?? [], keys.get(name) ?? [], checks.get(name) ?? [])];
      }),
    ),
    types: {},
    statements: await describe(session, statements, refuse),
  };
}

/** MariaDB names the table of a check; MySQL only by the constraint. */
function checkRules(session: MysqlSession, maria: boolean): Promise<readonly Row[]> {
  return session.ask(
    maria
      ? `select table_name, check_clause from information_schema.check_constraints
         where constraint_schema = database() order by table_name, constraint_name`
      : `select t.table_name, c.check_clause from information_schema.check_constraints c
         join information_schema.table_constraints t using (constraint_schema, constraint_name)
         where constraint_schema = database() order by t.table_name, constraint_name`,
  );
}

function byTable(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  return Map.groupBy(rows, ([table]) => String(table));
}

function tableOf(
  [, type, engine, comment]: Row,
  columns: readonly Row[],
  keys: readonly Row[],
  checkRows: readonly Row[],
): TableModel {
  const checks = checkRows.map(([, clause]) => String(clause));
  // MariaDB keeps JSON as text with a check.
  const json = new Set(checks.flatMap((clause) => /^json_valid\(`(.+)`\)$/i.exec(clause)?.slice(1, 2) ?? []));
  const rules = checks.filter((clause) => !/^json_valid\(`.+`\)$/i.test(clause));
  const named = Map.groupBy(keys, ([, name]) => String(name));
  const of = (kind: string) => [...named.values()].filter(([first]) => first?.[2] === kind);
  const names = (rows: readonly Row[]) => rows.map(([, , , column]) => String(column));
  const [primary] = of("PRIMARY KEY");
  const unique = of("UNIQUE").map(names);
  const foreign = of("FOREIGN KEY").map((rows) => ({
    columns: names(rows),
    table: String(rows[0]![4]),
    to: rows.map((row) => String(row[5])),
  }));
  const view = type === "VIEW";
  const transactional = view || /^(innodb|ndbcluster|rocksdb|tokudb)$/i.test(String(engine));
  return {
    kind: view ? "view" : "table",
    ...(view || comment === "" || comment === null ? {} : { comment: String(comment) }),
    columns: columns.map((row) => columnOf(row, json)),
    ...(primary === undefined ? {} : { primaryKey: names(primary) }),
    ...(unique.length === 0 ? {} : { unique }),
    ...(foreign.length === 0 ? {} : { references: foreign }),
    ...(rules.length === 0 ? {} : { checks: rules }),
    ...(transactional ? {} : { transactional: false as const }),
  };
}

function columnOf(
  [, name, type, nullable, fallback, extra, comment, expression]: Row,
  json: ReadonlySet<string>,
): TableColumn {
  const facts = String(extra ?? "").toLowerCase();
  const generated = facts.includes("auto_increment")
    ? ("identity" as const)
    : facts.includes("virtual generated")
      ? ("virtual" as const)
      : /(stored|persistent) generated/.test(facts)
        ? ("stored" as const)
        : undefined;
  return {
    name: String(name),
    type: json.has(String(name)) ? "json" : String(type),
    nullable: nullable === "YES",
    ...(fallback === null || fallback === "NULL" ? {} : { default: String(fallback) }),
    ...(expression === null || expression === "" ? {} : { default: String(expression) }),
    ...(generated === undefined ? {} : { generated }),
    ...(comment === "" || comment === null ? {} : { comment: String(comment) }),
  };
}

async function describe(
  session: MysqlSession,
  statements: readonly string[],
  refuse: Refuse,
): Promise<readonly StatementFacts[]> {
  const facts: StatementFacts[] = [];
  for (const sql of statements) {
    let prepared: PreparedInfo;
    try {
      prepared = await session.prepare(sql);
    } catch (error) {
      throw refuse(sql, `the database refuses it: ${(error as Error).message}`);
    }
    facts.push({
      sql,
      // Parameters have no types in the protocol.
      parameters: prepared.parameters.map(() => null),
      columns: prepared.columns.map((field) => ({
        name: field.name,
        type: typeOf(field),
        ...(field.orgTable === "" || field.orgName === "" ? {} : { table: field.orgTable, column: field.orgName }),
      })),
    });
    prepared.close();
  }
  return facts;
}

const unsignedFlag = 32;
const enumFlag = 256;
const setFlag = 2048;
/** Character set "binary". */
const binary = 63;

const byCode: Readonly<Record<number, string>> = {
  0: "decimal",
  1: "tinyint",
  2: "smallint",
  3: "int",
  4: "float",
  5: "double",
  7: "timestamp",
  8: "bigint",
  9: "mediumint",
  10: "date",
  11: "time",
  12: "datetime",
  13: "year",
  16: "bit",
  245: "json",
  246: "decimal",
};

/** The type as DDL writes it, or `null` where it has no JSON form. A column behind it knows better: see the reader. */
function typeOf({ columnType, flags, characterSet, columnLength, extendedFormat }: Field): string | null {
  if (extendedFormat === "json") return "json";
  const name = byCode[columnType];
  if (name === "tinyint" || name === "bit")
    return `${name}(${columnLength})${(flags & unsignedFlag) === 0 ? "" : " unsigned"}`;
  if (name !== undefined) {
    const whole = /int$/.test(name);
    return whole && (flags & unsignedFlag) !== 0 ? `${name} unsigned` : name;
  }
  // Strings and blobs; enumerations and sets come as strings.
  const text = columnType === 15 || (columnType >= 249 && columnType <= 254);
  if (!text) return null;
  if ((flags & (enumFlag | setFlag)) !== 0) return "varchar";
  return characterSet === binary ? "varbinary" : "text";
}

/** What a PostgreSQL database holds, by its own catalogue (manual, "System Catalogs"), and what it says of statements. Nothing is run. */
import type { DatabaseType, TableColumn, TableModel } from "../../contract/model.ts";
import type { DatabaseSnapshot, StatementFacts } from "../../contract/read/sql-database.ts";
import type { Refuse, Wanted } from "./introspect.ts";
import type { PostgresSession } from "./postgres.ts";

interface Row {
  readonly [name: string]: unknown;
}

/** Reads tables and types of the schemas that are wanted, and asks about the statements. */
export async function readPostgres(
  session: PostgresSession,
  wanted: Wanted,
  statements: readonly string[],
  refuse: Refuse,
): Promise<DatabaseSnapshot> {
  const ask = async (sql: string, ...values: unknown[]): Promise<readonly Row[]> =>
    (await session.client.query(sql, values)).rows as readonly Row[];
  await ask("set default_transaction_read_only = on");
  const [about] = await ask("select current_setting('server_version') as version, current_schemas(false) as schemas");
  const schemas = wanted.schemas.length > 0 ? wanted.schemas : (about!.schemas as readonly string[]);
  const relations = (
    await ask(
      `select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind, obj_description(c.oid, 'pg_class') as comment,
         case when pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end as shown
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
         and c.relname <> 'mortise_effects'
       order by 6`,
      schemas,
    )
  ).filter(({ shown }) => wanted.takes(String(shown)));
  const ids = relations.map(({ oid }) => oid);
  const columns = Map.groupBy(
    await ask(
      `select a.attrelid as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "notNull",
         pg_get_expr(d.adbin, d.adrelid) as expression, a.attgenerated as generated, a.attidentity as identity,
         col_description(a.attrelid, a.attnum) as comment
       from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       where a.attrelid = any($1) and a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum`,
      ids,
    ),
    (row) => row.table,
  );
  const rules = Map.groupBy(
    await ask(
      `select c.conrelid as table, c.contype as kind, pg_get_constraintdef(c.oid) as text,
         array(select attname::text from unnest(c.conkey) with ordinality k(n, i)
           join pg_attribute on attrelid = c.conrelid and attnum = n order by i) as columns,
         case when r.oid is null then null when pg_table_is_visible(r.oid) then r.relname
           else r.relnamespace::regnamespace || '.' || r.relname end as other,
         array(select attname::text from unnest(c.confkey) with ordinality k(n, i)
           join pg_attribute on attrelid = c.confrelid and attnum = n order by i) as "to"
       from pg_constraint c left join pg_class r on r.oid = nullif(c.confrelid, 0)
       where c.conrelid = any($1) and c.contype in ('p', 'u', 'f', 'c') order by c.conname`,
      ids,
    ),
    (row) => row.table,
  );
  const tables = relations.map((relation): [string, TableModel] => [
    String(relation.shown),
    tableOf(relation, columns.get(relation.oid) ?? [], rules.get(relation.oid) ?? []),
  ]);
  return {
    format: 1,
    dialect: "postgresql",
    server: `PostgreSQL ${String(about!.version).split(".")[0]}`,
    tables: Object.fromEntries(tables),
    types: await typesOf(ask, schemas),
    statements: await describe(session, ask, statements, refuse),
  };
}

function tableOf(relation: Row, columns: readonly Row[], rules: readonly Row[]): TableModel {
  const of = (kind: string) => rules.filter((rule) => rule.kind === kind);
  const names = (rule: Row) => rule.columns as readonly string[];
  const primary = of("p")[0];
  const unique = of("u").map(names);
  const foreign = of("f").map((rule) => ({
    columns: names(rule),
    table: String(rule.other),
    to: rule.to as readonly string[],
  }));
  const checks = of("c").map(({ text }) => String(text));
  return {
    kind: relation.kind === "v" || relation.kind === "m" ? "view" : "table",
    ...commented(relation),
    columns: columns.map(columnOf),
    ...(primary === undefined ? {} : { primaryKey: names(primary) }),
    ...(unique.length === 0 ? {} : { unique }),
    ...(foreign.length === 0 ? {} : { references: foreign }),
    ...(checks.length === 0 ? {} : { checks }),
  };
}

function columnOf(row: Row): TableColumn {
  const generated =
    row.generated === "s"
      ? ("stored" as const)
      : row.generated === "v"
        ? ("virtual" as const)
        : row.identity === "a"
          ? ("always" as const)
          : row.identity === "d" || /^nextval\(/.test(String(row.expression ?? ""))
            ? ("identity" as const)
            : undefined;
  return {
    name: String(row.name),
    type: String(row.type),
    nullable: row.notNull !== true,
    ...(row.expression === null ? {} : { default: String(row.expression) }),
    ...(generated === undefined ? {} : { generated }),
    ...commented(row),
  };
}

async function typesOf(
  ask: (sql: string, ...values: unknown[]) => Promise<readonly Row[]>,
  schemas: readonly string[],
): Promise<DatabaseSnapshot["types"]> {
  const rows = await ask(
    `select format_type(t.oid, null) as name, t.typtype as kind, t.typnotnull as "notNull",
       case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end as base, obj_description(t.oid, 'pg_type') as comment,
       array(select enumlabel::text from pg_enum where enumtypid = t.oid order by enumsortorder) as values,
       array(select pg_get_constraintdef(oid) from pg_constraint where contypid = t.oid and contype = 'c' order by conname) as checks
     from pg_type t join pg_namespace n on n.oid = t.typnamespace
     where t.typtype in ('e', 'd') and n.nspname <> 'information_schema'
       and (n.nspname = any($1) or exists (select from pg_attribute a where a.atttypid = t.oid and a.attnum > 0))
     order by 1`,
    schemas,
  );
  const typeOf = (row: Row): DatabaseType =>
    row.kind === "e"
      ? { kind: "enum", values: row.values as readonly string[], ...commented(row) }
      : {
          kind: "domain",
          type: String(row.base),
          notNull: row.notNull === true,
          checks: row.checks as readonly string[],
          ...commented(row),
        };
  return Object.fromEntries(rows.map((row) => [String(row.name), typeOf(row)]));
}

function commented({ comment }: Row): { readonly comment?: string } {
  return typeof comment === "string" && comment !== "" ? { comment } : {};
}

interface Description {
  readonly parameters: readonly number[];
  readonly fields: readonly {
    readonly name: string;
    readonly tableID: number;
    readonly columnID: number;
    readonly dataTypeID: number;
    readonly dataTypeModifier: number;
  }[];
}

async function describe(
  session: PostgresSession,
  ask: (sql: string, ...values: unknown[]) => Promise<readonly Row[]>,
  statements: readonly string[],
  refuse: Refuse,
): Promise<readonly StatementFacts[]> {
  const facts: StatementFacts[] = [];
  for (const sql of statements) {
    let found: Description;
    try {
      found = await describeOne(session, sql);
    } catch (error) {
      throw refuse(sql, `PostgreSQL refuses it: ${(error as Error).message}`);
    }
    const parameters = await ask(
      "select format_type(t, null) as type from unnest($1::oid[]) with ordinality as k(t, i) order by i",
      found.parameters,
    );
    const columns = await ask(
      `select format_type(t, m) as type, a.attname as column,
         case when c.oid is null then null when pg_table_is_visible(c.oid) then c.relname
           else c.relnamespace::regnamespace || '.' || c.relname end as table
       from unnest($1::oid[], $2::int[], $3::oid[], $4::int[]) with ordinality as k(t, m, r, n, i)
       left join pg_class c on c.oid = k.r left join pg_attribute a on a.attrelid = k.r and a.attnum = k.n order by i`,
      found.fields.map(({ dataTypeID }) => dataTypeID),
      found.fields.map(({ dataTypeModifier }) => dataTypeModifier),
      found.fields.map(({ tableID }) => tableID),
      found.fields.map(({ columnID }) => columnID),
    );
    facts.push({
      sql,
      parameters: parameters.map(({ type }) => String(type)),
      columns: columns.map(({ type, table, column }, i) => ({
        name: found.fields[i]!.name,
        type: String(type),
        ...(table === null || column === null ? {} : { table: String(table), column: String(column) }),
      })),
    });
  }
  return facts;
}

/** The part of the driver's connection that a "submittable" of its query queue works with. */
interface Wire extends NodeJS.EventEmitter {
  parse(query: { readonly name: string; readonly text: string; readonly types: readonly number[] }): void;
  describe(message: { readonly type: "S"; readonly name: string }): void;
  sync(): void;
}

/** Parse and Describe of the extended protocol (manual, "Message Flow"): the statement is prepared, and never run. */
function describeOne({ client }: PostgresSession, text: string): Promise<Description> {
  return new Promise((resolve, reject) => {
    let parameters: readonly number[] = [];
    let fields: Description["fields"] = [];
    let wire: Wire | undefined;
    const told = (message: { readonly dataTypeIDs: readonly number[] }) => {
      parameters = message.dataTypeIDs;
    };
    client.query({
      submit(connection: unknown) {
        wire = connection as Wire;
        wire.on("parameterDescription", told);
        wire.parse({ name: "", text, types: [] });
        wire.describe({ type: "S", name: "" });
        wire.sync();
      },
      handleRowDescription(message: Pick<Description, "fields">) {
        fields = message.fields;
      },
      // The driver tells only one of the two.
      handleError(error: Error) {
        wire?.removeListener("parameterDescription", told);
        reject(error);
      },
      handleReadyForQuery() {
        wire?.removeListener("parameterDescription", told);
        resolve({ parameters, fields });
      },
    } as never);
  });
}

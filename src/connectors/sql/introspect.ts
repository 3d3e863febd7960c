/**
 * Reads the live schema of a database into the files of a contract: `database.json` (SQLite: `database.sql`) and named statements
 * to begin with. Credentials are used, and stand in none of the files.
 */
import { isAbsolute, resolve } from "node:path";
import type { DatabaseSnapshot } from "../../contract/read/sql-database.ts";
import { checkStatement } from "../../contract/read/sql-database.ts";
import { positional, type Statement, sqlParts, unreadable } from "../../contract/read/sql-text.ts";
import { failure, MortiseError } from "../../errors.ts";
import { databaseAddress, dialectOfUrl } from "./address.ts";
import { readMysql } from "./introspect-mysql.ts";
import { readPostgres } from "./introspect-postgres.ts";
import { readSqlite } from "./introspect-sqlite.ts";
import { saidOf } from "./mask.ts";
import { connectMysql } from "./mysql.ts";
import { mysqlFailure } from "./mysql-errors.ts";
import { connectPostgres } from "./postgres.ts";
import { postgresFailure } from "./postgres-errors.ts";

/** Which tables are read. */
export interface Wanted {
  /** PostgreSQL. Empty: those of the search path. */
  readonly schemas: readonly string[];
  takes(table: string): boolean;
}

/** The error for a statement that the database refuses: the place in the contract's file is known to the caller. */
export type Refuse = (sql: string, reason: string) => Error;

export interface DatabaseSource {
  readonly system: string;
  /** `postgres://...`, `mysql://...`, or an SQLite file: `sqlite:path`. */
  readonly connection: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Relative paths are resolved against it; drivers are looked up there. */
  readonly project: string;
  /** Allow private and loopback addresses. */
  readonly internal: boolean;
  readonly schemas?: readonly string[];
  /** Names with `*` for any text. Default: every table. */
  readonly tables?: readonly string[];
  /** Total time. Default 60 seconds. */
  readonly timeoutMs?: number;
}

export interface ReadDatabase {
  /** `database.json` or `database.sql`, relative to the system's folder. */
  readonly path: string;
  readonly text: string;
}

/** Whether a contract's location names a database. */
export function isDatabase(location: string): boolean {
  return dialectOfUrl(location) !== undefined || /^sqlite:/i.test(location);
}

/**
 * The schema as a file, with what the database says of the statements in `contract` (the text of the contract's SQL file, called `file`).
 * Rejects with `connection-invalid`, `sql-unavailable`, `driver-missing`, `outbound-address`, `outbound-tls`; with
 * `contract-unreadable` where the database refuses a statement.
 */
export async function readDatabase(source: DatabaseSource, file: string, contract: string): Promise<ReadDatabase> {
  const wanted = wantedOf(source);
  const { schemas = [], tables = [] } = source;
  const only =
    schemas.length + tables.length === 0
      ? undefined
      : { ...(schemas.length === 0 ? {} : { schemas }), ...(tables.length === 0 ? {} : { tables }) };
  const dialect = dialectOfUrl(source.connection);
  if (dialect === undefined) {
    const path = source.connection.replace(/^(?:sqlite|file):(?:\/\/)?/i, "");
    const full = isAbsolute(path) ? path : resolve(source.project, path);
    const head = only === undefined ? "" : `-- @only ${JSON.stringify(only)}\n\n`;
    return { path: "database.sql", text: head + readSqlite(full, source.system, wanted) };
  }
  const statements = statementsOf(file, contract, dialect);
  const refuse: Refuse = (sql, reason) => unreadable(file, statements.get(sql)?.line ?? 1, reason);
  const snapshot = await live(source, dialect, wanted, [...statements.keys()], refuse);
  const written = only === undefined ? snapshot : { ...snapshot, only };
  return { path: "database.json", text: `${JSON.stringify(written, null, 2)}\n` };
}

async function live(
  source: DatabaseSource,
  dialect: "postgresql" | "mysql",
  wanted: Wanted,
  statements: readonly string[],
  refuse: Refuse,
): Promise<DatabaseSnapshot> {
  const { system, project, internal, user, password } = source;
  const address = databaseAddress(source.connection, { system, project, internal, user, password });
  const deadline = Date.now() + (source.timeoutMs ?? 60_000);
  const failureOf = dialect === "postgresql" ? postgresFailure : mysqlFailure;
  try {
    if (dialect === "postgresql") {
      const session = await connectPostgres(address, system, project, deadline);
      return await within(deadline, session, () => readPostgres(session, wanted, statements, refuse));
    }
    const session = await connectMysql(address, system, project, deadline);
    return await within(deadline, session, () => readMysql(session, wanted, statements, refuse));
  } catch (error) {
    if (error instanceof MortiseError) throw error;
    throw failure("sql-unavailable", { system, reason: saidOf(failureOf(error, false), null) });
  }
}

async function within<T>(
  deadline: number,
  session: { destroy(): void; close(): Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => session.destroy(), Math.max(1, deadline - Date.now()));
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    await session.close();
  }
}

/** The statements of the operations, as the database takes them. Throws `contract-unreadable`. */
function statementsOf(
  file: string,
  contract: string,
  dialect: "postgresql" | "mysql",
): ReadonlyMap<string, Pick<Statement, "line">> {
  const found = new Map<string, Pick<Statement, "line">>();
  for (const part of sqlParts(file, contract, dialect)) {
    if (part.kind !== "statement") continue;
    // It is prepared only, but a database might do more for some.
    checkStatement(file, part.statement, dialect);
    found.set(positional(part.statement, dialect).sql, part.statement);
  }
  return found;
}

function wantedOf({ schemas = [], tables = [] }: DatabaseSource): Wanted {
  const forms = tables.map(
    (name) =>
      new RegExp(
        `^${name
          .split("*")
          .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*")}$`,
        "i",
      ),
  );
  return { schemas, takes: (table) => forms.length === 0 || forms.some((form) => form.test(table)) };
}

/**
 * MySQL and MariaDB through the package "mysql2", with prepared statements: values travel apart from the text, numbers as numbers of the
 * right kind (a number sent as text would be compared as a double). A session is set to UTC and to strict mode.
 */
import type { Connection, ConnectionOptions, FieldPacket, QueryError } from "mysql2";
import { AddressRefused, type DatabaseAddress, openSocket } from "./address.ts";
import { loadDriver } from "./driver-package.ts";
import { mysqlFailure } from "./mysql-errors.ts";
import { bound, type Mysql, read } from "./mysql-values.ts";
import { connectFailure } from "./postgres.ts";
import type { SqlDriver, SqlSession, TakeRow, TransactionMode } from "./session.ts";

const connectMs = 10_000;
const closeMs = 1_000;
/** Column type FLOAT: 32 bits, which the driver widens. */
const float = 4;

export function mysqlDriver(address: DatabaseAddress, system: string, project: string): SqlDriver {
  return {
    keys: {
      create: `create table if not exists mortise_effects (
        \`key\` varchar(190) character set utf8mb4 collate utf8mb4_bin not null primary key, operation varchar(190) not null,
        output longtext character set utf8mb4 not null, at timestamp(6) not null default current_timestamp(6)) engine = InnoDB`,
      claim: "insert into mortise_effects (`key`, operation, output) values (?, ?, '')",
      find: "select operation, output from mortise_effects where `key` = ?",
      store: "update mortise_effects set output = ? where `key` = ?",
    },
    connect: (deadline) => connectMysql(address, system, project, deadline),
    bound: (value, as, list) => bound(loadDriver<Mysql>("mysql2", system, project), value, as, list),
    read,
    failureOf: mysqlFailure,
  };
}

/** Opens a session. Rejects as `mysql2` does, or with `driver-missing`, `outbound-address`, `outbound-tls`. */
export async function connectMysql(
  address: DatabaseAddress,
  system: string,
  project: string,
  deadline: number,
): Promise<MysqlSession> {
  const mysql = loadDriver<Mysql>("mysql2", system, project);
  const { host, user, database, password, tls } = address;
  const timeout = Math.max(1, Math.min(connectMs, deadline - Date.now()));
  const config: ConnectionOptions = {
    host,
    user,
    database,
    password: password ?? "",
    charset: "utf8mb4_general_ci",
    connectTimeout: timeout,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    decimalNumbers: false,
    multipleStatements: false,
    disableEval: true,
    rowsAsArray: true,
    stream: () => openSocket(address),
    ...(tls === false
      ? {}
      : {
          ssl: {
            rejectUnauthorized: true,
            verifyIdentity: true,
            minVersion: "TLSv1.2",
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          },
        }),
  };
  let session: MysqlSession | undefined;
  try {
    const connection = mysql.createConnection(config);
    session = new MysqlSession(mysql, connection, address, (until) => connectMysql(address, system, project, until));
    await session.opened(timeout);
    await session.ask(
      `set time_zone = '+00:00', autocommit = 1,
         sql_mode = concat(replace(replace(@@sql_mode, 'ANSI_QUOTES', ''), 'NO_BACKSLASH_ESCAPES', ''),
           ',STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION')`,
    );
    return session;
  } catch (error) {
    session?.destroy();
    throw error instanceof AddressRefused || session?.usable !== true ? connectFailure(error, address) : error;
  }
}

type Command = NodeJS.EventEmitter;

/** What a prepared statement says of itself. Columns are the protocol's definitions (introspect-mysql.ts reads them). */
export interface PreparedInfo {
  readonly columns: readonly Field[];
  readonly parameters: readonly unknown[];
  close(): void;
}

/** MySQL internals, "Column Definition". */
export interface Field {
  readonly name: string;
  readonly orgName: string;
  readonly orgTable: string;
  readonly columnType: number;
  readonly flags: number;
  readonly characterSet: number;
  readonly columnLength: number;
  readonly extendedFormat?: string;
}

export class MysqlSession implements SqlSession {
  readonly connection: Connection;
  readonly #address: DatabaseAddress;
  readonly #again: (deadline: number) => Promise<MysqlSession>;
  /** Rejects when the connection breaks: the driver forgets those who wait. */
  readonly #broken = Promise.withResolvers<never>();
  usable = true;
  #maria = false;
  /** The limits that the session has. */
  #seconds = 0;

  constructor(
    _mysql: Mysql,
    connection: Connection,
    address: DatabaseAddress,
    again: (deadline: number) => Promise<MysqlSession>,
  ) {
    this.connection = connection;
    this.#address = address;
    this.#again = again;
    this.#broken.promise.catch(() => {});
    connection.on("error", (error: unknown) => this.#break(error));
    (connection as unknown as { stream: NodeJS.EventEmitter }).stream.on("close", () =>
      this.#break(new Error("the connection was closed")),
    );
  }

  /** Resolves when the server has let us in. */
  async opened(timeoutMs: number): Promise<void> {
    await this.#guarded(
      new Promise((resolve, reject) => {
        const slow = setTimeout(() => reject(new Error(`no connection to ${this.#address.host} in time`)), timeoutMs);
        this.connection.connect((error) => {
          clearTimeout(slow);
          if (error === null) resolve(undefined);
          else reject(error);
        });
      }),
    );
    const [[version] = []] = await this.ask("select version()");
    this.#maria = /mariadb/i.test(String(version));
  }

  /** A statement of our own, without values. */
  ask(sql: string): Promise<readonly (readonly unknown[])[]> {
    return this.#guarded(
      new Promise((resolve, reject) => {
        this.connection.query({ sql, rowsAsArray: true }, (error: QueryError | null, rows: unknown) =>
          error === null ? resolve(rows as readonly (readonly unknown[])[]) : reject(error),
        );
      }),
    );
  }

  /** Prepares a statement, which is not run. */
  prepare(sql: string): Promise<PreparedInfo> {
    return this.#guarded(
      new Promise((resolve, reject) => {
        this.connection.prepare(sql, (error, statement) =>
          error === null ? resolve(statement as unknown as PreparedInfo) : reject(error),
        );
      }),
    );
  }

  async begin(mode: TransactionMode, timeoutMs: number): Promise<void> {
    const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
    if (seconds !== this.#seconds) {
      // What we can't cancel any more, the server ends by itself: any statement of MariaDB, a SELECT of MySQL, a wait for a lock.
      const limit = this.#maria ? `max_statement_time = ${seconds}` : `max_execution_time = ${seconds * 1000}`;
      await this.ask(`set ${limit}, innodb_lock_wait_timeout = ${seconds}`);
      this.#seconds = seconds;
    }
    const how = { read: "read only", snapshot: "with consistent snapshot, read only", write: "read write" }[mode];
    await this.ask(`start transaction ${how}`);
  }

  run(sql: string, values: readonly unknown[], take?: TakeRow): Promise<number> {
    return this.#guarded(
      new Promise((resolve, reject) => {
        let wanted = take !== undefined;
        let names: readonly string[] = [];
        let floats: readonly number[] = [];
        let changed = 0;
        const command = this.connection.execute({ sql, values: [...values] as never, rowsAsArray: true }) as Command;
        command.on("fields", (fields: readonly FieldPacket[] | undefined) => {
          if (fields === undefined) return;
          names = fields.map(({ name }) => name);
          floats = fields.flatMap((field, i) => (field.columnType === float ? [i] : []));
        });
        command.on("result", (row: unknown) => {
          if (!Array.isArray(row)) {
            changed = (row as { affectedRows?: number }).affectedRows ?? 0;
            return;
          }
          if (!wanted || take === undefined) return;
          for (const i of floats) row[i] = shortest(row[i]);
          wanted = take(names, row);
          if (!wanted) void this.cancel();
        });
        command.on("error", reject);
        command.on("end", () => resolve(changed));
      }),
    );
  }

  /** A savepoint goes with its transaction, whoever ends that. */
  async mark(): Promise<() => Promise<boolean>> {
    await this.ask("savepoint mortise_call");
    return () =>
      this.ask("release savepoint mortise_call").then(
        () => true,
        () => false,
      );
  }

  async commit(): Promise<void> {
    await this.ask("commit");
  }

  async rollback(): Promise<void> {
    await this.ask("rollback");
  }

  async cancel(): Promise<void> {
    const { threadId } = this.connection;
    if (!this.usable || typeof threadId !== "number") return;
    // It may arrive late, and must not hit whoever comes next.
    this.usable = false;
    try {
      const other = await this.#again(Date.now() + connectMs);
      try {
        await other.ask(`kill query ${threadId}`);
      } finally {
        await other.close();
      }
    } catch {
      // It ends by its own timeout then, or with the connection.
    }
  }

  destroy(): void {
    this.#break(new Error("the connection was given up"));
    this.connection.destroy();
  }

  async close(): Promise<void> {
    this.usable = false;
    await new Promise<void>((resolve) => {
      const slow = setTimeout(() => {
        this.connection.destroy();
        resolve();
      }, closeMs);
      this.connection.end(() => {
        clearTimeout(slow);
        resolve();
      });
    });
  }

  #break(error: unknown): void {
    this.usable = false;
    this.#broken.reject(error);
  }

  #guarded<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    return Promise.race([work, this.#broken.promise]);
  }
}

/** The shortest decimal that is this float of 32 bits: 0.1, not 0.10000000149011612. */
function shortest(value: unknown): unknown {
  if (typeof value !== "number" || !Number.isFinite(value)) return value;
  for (let digits = 1; digits < 9; digits += 1) {
    const shown = Number(value.toPrecision(digits));
    if (Math.fround(shown) === value) return shown;
  }
  return value;
}

/**
 * PostgreSQL through the package "pg". Every value travels as text, both ways, so that no number and no time is rounded on its way.
 * A session is set to ISO dates, UTC, ISO intervals and hexadecimal bytes.
 */
import type { ClientConfig, Client as PgClient, Query as PgQuery } from "pg";
import { failure } from "../../errors.ts";
import { AddressRefused, type DatabaseAddress, openSocket } from "./address.ts";
import { loadDriver } from "./driver-package.ts";
import { postgresFailure } from "./postgres-errors.ts";
import { bound, read } from "./postgres-values.ts";
import type { SqlDriver, SqlSession, TakeRow, TransactionMode } from "./session.ts";

interface Pg {
  readonly Client: new (config: ClientConfig) => PgClient;
  readonly Query: new (config: object) => PgQuery<unknown[]>;
}

/** What the types of the package do not tell. */
interface Identified {
  readonly processID: number | null;
  readonly secretKey: number | null;
}

const connectMs = 10_000;
/** The server ends a transaction whose owner has not spoken for so long: a blocked thread must not hold locks for ever. */
const idleInTransactionMs = 60_000;
const closeMs = 1_000;
const textOnly = { getTypeParser: () => (text: string) => text };

export function postgresDriver(address: DatabaseAddress, system: string, project: string): SqlDriver {
  return {
    keys: {
      create: `create table if not exists mortise_effects (
        key text primary key, operation text not null, output text not null, at timestamptz not null default now())`,
      claim: "insert into mortise_effects (key, operation, output) values ($1, $2, '') on conflict (key) do nothing",
      find: "select operation, output from mortise_effects where key = $1",
      store: "update mortise_effects set output = $2 where key = $1",
    },
    connect: (deadline) => connectPostgres(address, system, project, deadline),
    bound,
    read,
    failureOf: postgresFailure,
  };
}

/** Opens a session. Rejects as `pg` does, or with `driver-missing`, `outbound-address`, `outbound-tls`. */
export async function connectPostgres(
  address: DatabaseAddress,
  system: string,
  project: string,
  deadline: number,
): Promise<PostgresSession> {
  const pg = loadDriver<Pg>("pg", system, project);
  const { host, port, user, database, password, tls, schemas } = address;
  const config = {
    host,
    port,
    user,
    database,
    // A function: what is undefined here would be taken from PGPASSWORD, which is meant for others.
    password: () => password ?? "",
    // The object is read by tls.connect; certificates and the host's name are verified by default.
    ssl: tls === false ? false : { minVersion: "TLSv1.2", ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
    connectionTimeoutMillis: Math.max(1, Math.min(connectMs, deadline - Date.now())),
    application_name: "mortise",
    stream: () => guardedStream(address),
  };
  let session: PostgresSession | undefined;
  try {
    const client = new pg.Client(config as ClientConfig);
    session = new PostgresSession(pg, client, address);
    await client.connect();
    await client.query(
      `set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set intervalstyle = 'iso_8601'; set bytea_output = 'hex';
       set extra_float_digits = 1; set client_min_messages = 'error'; set standard_conforming_strings = on;
       set idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
    );
    if (schemas.length > 0)
      await client.query("select set_config('search_path', $1, false)", [schemas.map(quoted).join(", ")]);
    return session;
  } catch (error) {
    session?.destroy();
    throw connectFailure(error, address);
  }
}

/** A socket that goes where we say, whatever the driver asks for. */
function guardedStream(address: DatabaseAddress) {
  const socket = openSocket(address);
  // The driver connects its stream; this one is on its way already.
  Object.defineProperty(socket, "connect", { value: () => socket });
  return socket;
}

export function connectFailure(error: unknown, { host }: DatabaseAddress): unknown {
  if (error instanceof AddressRefused)
    return failure("outbound-address", { host, place: error.place, reason: error.message });
  const { code, message } = error as { code?: unknown; message?: string };
  const tls =
    typeof code === "string" &&
    /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH)/.test(code);
  if (tls || /support(s)? (SSL|secure) connection/i.test(message ?? ""))
    return failure("outbound-tls", { host, reason: message ?? String(code) });
  return error;
}

export class PostgresSession implements SqlSession {
  readonly #pg: Pg;
  readonly client: PgClient;
  readonly #address: DatabaseAddress;
  usable = true;

  constructor(pg: Pg, client: PgClient, address: DatabaseAddress) {
    this.#pg = pg;
    this.client = client;
    this.#address = address;
    // An idle connection that the server ends; calls under way are rejected by the driver.
    client.on("error", () => {
      this.usable = false;
    });
    client.on("end", () => {
      this.usable = false;
    });
  }

  async begin(mode: TransactionMode, timeoutMs: number): Promise<void> {
    const how = { read: "read only", snapshot: "isolation level repeatable read, read only", write: "read write" }[
      mode
    ];
    await this.client.query(`begin ${how}; set local statement_timeout = ${Math.max(1, Math.ceil(timeoutMs))}`);
  }

  run(sql: string, values: readonly unknown[], take?: TakeRow): Promise<number> {
    const query = new this.#pg.Query({
      text: sql,
      values: [...values],
      rowMode: "array",
      types: textOnly,
      queryMode: "extended",
    });
    return new Promise((resolve, reject) => {
      let wanted = take !== undefined;
      let names: readonly string[] | undefined;
      query.on("row", (row, result) => {
        if (!wanted || take === undefined) return;
        names ??= result?.fields.map(({ name }) => name) ?? [];
        wanted = take(names, row);
        if (!wanted) void this.cancel();
      });
      query.on("error", reject);
      query.on("end", (result) => resolve(result.rowCount ?? 0));
      this.client.query(query);
    });
  }

  async commit(): Promise<void> {
    const { command } = await this.client.query("commit");
    // COMMIT of a transaction that failed is answered with ROLLBACK, and no error.
    if (command !== "COMMIT") throw Object.assign(new Error("the transaction was rolled back"), { code: "25P02" });
  }

  async rollback(): Promise<void> {
    await this.client.query("rollback");
  }

  /** PostgreSQL manual, "Canceling Requests in Progress": a connection of its own, with the key of this one. */
  cancel(): Promise<void> {
    // It may arrive late, and must not hit whoever comes next.
    this.usable = false;
    const { processID, secretKey } = this.client as unknown as Identified;
    if (typeof processID !== "number" || typeof secretKey !== "number") return Promise.resolve();
    const message = Buffer.alloc(16);
    message.writeInt32BE(16, 0);
    message.writeInt32BE(80_877_102, 4);
    message.writeInt32BE(processID, 8);
    message.writeInt32BE(secretKey, 12);
    return new Promise((resolve) => {
      try {
        const socket = openSocket(this.#address);
        socket.setTimeout(connectMs, () => socket.destroy());
        socket.on("error", () => {}).on("close", () => resolve());
        socket.on("connect", () => socket.end(message)).resume();
      } catch {
        resolve();
      }
    });
  }

  destroy(): void {
    this.usable = false;
    const { stream } = (this.client as unknown as { connection: { stream: { destroy(): void } } }).connection;
    stream.destroy();
  }

  async close(): Promise<void> {
    this.usable = false;
    const slow = setTimeout(() => this.destroy(), closeMs);
    await this.client.end().catch(() => {});
    clearTimeout(slow);
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Databases for tests: PostgreSQL and MariaDB or MySQL that run on this machine. Each test makes a database of its own and drops it.
 * Where no server answers, the test is skipped, with the reason. Addresses: MORTISE_TEST_POSTGRES, MORTISE_TEST_MYSQL.
 */
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { databaseAddress } from "./address.ts";
import { connectMysql, type MysqlSession } from "./mysql.ts";
import { connectPostgres, type PostgresSession } from "./postgres.ts";

const root = import.meta.dirname;
const servers = {
  postgresql: process.env.MORTISE_TEST_POSTGRES ?? "postgres://postgres@127.0.0.1/postgres",
  mysql: process.env.MORTISE_TEST_MYSQL ?? "mysql://root@127.0.0.1/mysql",
};

export interface TestDatabase {
  /** Its URL, as a connection has it. */
  readonly url: string;
  readonly name: string;
  /** Runs statements as an administrator would, beside the code under test. */
  run(sql: string): Promise<readonly (readonly unknown[])[]>;
  /** Text of a single value. */
  value(sql: string): Promise<string>;
  /** Ends the connections of the code under test on the server's side. */
  breakOthers(): Promise<void>;
}

/** A new, empty database with this schema; `undefined`: the test was skipped. */
export async function testDatabase(
  t: TestContext,
  dialect: "postgresql" | "mysql",
  schema = "",
): Promise<TestDatabase | undefined> {
  const url = servers[dialect];
  const name = `mortise_${randomBytes(6).toString("hex")}`;
  const open = (to: string) => {
    const address = databaseAddress(to, { system: "test", project: root, internal: true });
    return dialect === "postgresql"
      ? connectPostgres(address, "test", root, Date.now() + 15_000)
      : connectMysql(address, "test", root, Date.now() + 15_000);
  };
  let admin: PostgresSession | MysqlSession;
  try {
    admin = await open(url);
  } catch (error) {
    t.skip(`no ${dialect} server on this machine: ${(error as Error).message}`);
    return undefined;
  }
  await ask(admin, `create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const inside = await open(own.href);
  t.after(async () => {
    await inside.close();
    if (dialect === "postgresql")
      await ask(admin, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    await ask(admin, `drop database ${name}`);
    await admin.close();
  });
  for (const statement of schema.split(/;\n(?=\S|$)/).filter((text) => text.trim() !== ""))
    await ask(inside, statement);
  const run = (sql: string) => ask(inside, sql);
  return {
    url: own.href,
    name,
    run,
    async value(sql) {
      const [[value] = []] = await run(sql);
      return String(value);
    },
    async breakOthers() {
      if (dialect === "postgresql")
        await run(
          "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
        );
      else
        for (const [id] of await run(
          `select id from information_schema.processlist where db = '${name}' and id <> connection_id()`,
        ))
          await run(`kill connection ${String(id)}`).catch(() => {});
    },
  };
}

async function ask(session: PostgresSession | MysqlSession, sql: string): Promise<readonly (readonly unknown[])[]> {
  if ("ask" in session) {
    const rows = await session.ask(sql);
    return Array.isArray(rows) ? rows : [];
  }
  const found = await session.client.query({ text: sql, rowMode: "array" });
  return (Array.isArray(found) ? [] : found.rows) as readonly (readonly unknown[])[];
}

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MortiseError } from "../../errors.ts";
import { databaseAddress } from "./address.ts";
import { loadDriver, missingDriver } from "./driver-package.ts";

const facts = { system: "erp", project: "/tmp", internal: true };

test("TLS is verified wherever the server is not on this machine", () => {
  const tls = (url: string) => databaseAddress(url, facts).tls;
  assert.deepEqual(tls("postgres://app@db.example.com/erp"), {});
  assert.deepEqual(tls("mysql://app@10.0.0.7/erp?sslmode=require"), {});
  assert.equal(tls("postgres://app@db.example.com/erp?sslmode=disable"), false);
  assert.equal(tls("postgres://app@127.0.0.1/erp"), false);
  assert.equal(tls("postgres://app@localhost/erp?host=/run/postgresql"), false);
  assert.deepEqual(tls("postgres://app@localhost/erp?sslmode=verify-full"), {});
});

test("user and password are decoded, and the settings' own count first", () => {
  const address = databaseAddress("postgres://a%40b:p%2Fw@db.example.com:6543/er%20p?schema=sales,public", facts);
  assert.deepEqual(
    [address.user, address.password, address.database, address.port, address.schemas],
    ["a@b", "p/w", "er p", 6543, ["sales", "public"]],
  );
  const own = databaseAddress("mysql://db.example.com/erp", { ...facts, user: "x", password: "y" });
  assert.deepEqual([own.user, own.password, own.port], ["x", "y", 3306]);
  assert.equal(databaseAddress("postgres://app@localhost/erp?host=/run/pg", facts).socket, "/run/pg/.s.PGSQL.5432");
});

test("what can't work is refused, and no error repeats the address", () => {
  for (const url of [
    "postgres://app:hunter2@/",
    "postgres://:hunter2@db/erp",
    "postgres://app:hunter2@db/erp?sslmode=prefer",
    "postgres://app:hunter2@db/erp?sslmode=no-verify",
    "postgres://app:hunter2@db/erp?options=-c%20x",
    "postgres://app:hunter2@db/erp?sslrootcert=missing.pem",
    "postgres://app:hunter2@bad host/erp",
    "postgres://app:hun%ter2@db/erp",
    "http://app:hunter2@db/erp",
    "hunter2",
  ])
    assert.throws(
      () => databaseAddress(url, facts),
      (error) => {
        assert.ok(error instanceof MortiseError && error.code === "connection-invalid", url);
        assert.equal(/hun|ter2/.test(error.message), false, error.message);
        return true;
      },
    );
});

test("a driver that is not installed is named", () => {
  assert.throws(
    () => loadDriver("not-installed-here" as "pg", "erp", "/tmp"),
    (error) =>
      error instanceof MortiseError &&
      error.code === "driver-missing" &&
      /npm install not-installed-here/.test(error.message),
  );
});

test("a contract says which driver it lacks before anything is called", () => {
  const contract = (dialect?: "sqlite" | "postgresql" | "mysql") =>
    ({
      name: "records",
      operations: {
        getPatient: { binding: dialect === undefined ? { protocol: "rest" } : { protocol: "sql", dialect } },
      },
    }) as unknown as Parameters<typeof missingDriver>[0];
  const folder = mkdtempSync(join(tmpdir(), "drivers-"));
  try {
    const nothing = join(folder, "mortise.js");
    const lacks = (dialect?: "sqlite" | "postgresql" | "mysql") =>
      missingDriver(contract(dialect), folder, nothing)?.message;
    assert.match(lacks("postgresql") ?? "", /^records speaks to PostgreSQL, .*npm install pg$/);
    assert.match(lacks("mysql") ?? "", /^records speaks to MySQL or MariaDB, .*npm install mysql2$/);
    assert.equal(lacks("sqlite"), undefined);
    assert.equal(lacks(), undefined);
    mkdirSync(join(folder, "node_modules/pg"), { recursive: true });
    writeFileSync(join(folder, "node_modules/pg/package.json"), '{"name":"pg","main":"index.js"}');
    writeFileSync(join(folder, "node_modules/pg/index.js"), "throw new Error('it is not loaded');");
    assert.equal(lacks("postgresql"), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

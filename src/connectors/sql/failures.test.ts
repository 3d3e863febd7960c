import assert from "node:assert/strict";
import { test } from "node:test";
import { saidOf } from "./mask.ts";
import { mysqlFailure } from "./mysql-errors.ts";
import { postgresFailure } from "./postgres-errors.ts";

test("what a database says is shown without the values that we sent", () => {
  const said = (reason: string, input: Parameters<typeof saidOf>[1]) =>
    saidOf({ kind: "refused", reason, message: reason, code: "SQLSTATE 23505" }, input);
  const input = { card: "4111111111111111", lines: [{ sku: "AB" }], n: 23505 };
  assert.equal(
    said("Duplicate entry '4111111111111111' of AB, 23505", input),
    "Duplicate entry '…' of AB, … (SQLSTATE 23505)",
  );
  const { reason } = postgresFailure(
    { code: "22P02", message: 'invalid input syntax for type integer: "se""cret"' },
    false,
  );
  assert.equal(reason, 'invalid input syntax for type integer: "…"');
  const mysql = { errno: 1366, sqlState: "22007", sqlMessage: "Incorrect integer value: 'secret' for column `a`.`b`" };
  assert.equal(mysqlFailure(mysql, false).reason, "Incorrect integer value: '…' for column `a`.`b`");
});

test("only the server's own word makes a failed COMMIT sure", () => {
  const kinds = (codes: readonly string[], committing: boolean) =>
    codes.map((code) => postgresFailure({ code, message: "" }, committing).kind);
  assert.deepEqual(kinds(["40001", "23505", "57P01", "08006", "53300", "ECONNRESET"], false), [
    "busy",
    "duplicate",
    "lost",
    "lost",
    "away",
    "lost",
  ]);
  assert.deepEqual(kinds(["40001", "23505", "57P01", "08006", "40003", "ECONNRESET"], true), [
    "busy",
    "duplicate",
    "lost",
    "lost",
    "lost",
    "lost",
  ]);
  const mysql = (errno: number, committing: boolean) =>
    mysqlFailure({ errno, sqlState: "HY000", sqlMessage: "x" }, committing).kind;
  assert.deepEqual(
    [mysql(1213, false), mysql(1213, true), mysql(1317, false), mysql(1317, true)],
    ["busy", "busy", "cancelled", "lost"],
  );
});

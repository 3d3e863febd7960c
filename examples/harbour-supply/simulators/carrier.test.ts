/** The carrier simulator: files that appear at once or slowly, each shipment once, through a kill. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { Simulator } from "./launch.ts";
import { send } from "./send.ts";
import { folder, launched, until } from "./test-bench.ts";

function ship(carrier: Simulator, number: number) {
  const body = JSON.stringify({ salesOrder: `SO-${number}`, orderId: `HS-${number}`, pieces: 2 });
  return send(`${carrier.url}/shipments`, { method: "POST", body });
}
function rows(outbox: string): string[] {
  return readdirSync(outbox).flatMap((file) => readFileSync(join(outbox, file), "utf8").split("\r\n").slice(1, -1));
}

test("what is shipped stands in one file, once, with an exact weight", async (t) => {
  const outbox = folder(t);
  const carrier = await launched(t, "carrier", ["--data", folder(t), "--outbox", outbox, "--every-ms", "20"]);
  assert.equal((await ship(carrier, 1)).status, 202);
  assert.equal((await ship(carrier, 1)).status, 202);
  const lines = await until(() => rows(outbox).length > 0 && rows(outbox));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^HS-1,TW1[0-9]{4},"Tidewater Freight, North",[0-9]+\.[0-9]{3},[0-9TZ:.-]+$/);
});

test("after a kill what was taken is shipped, under the planned name, and a file can be dropped again", async (t) => {
  const outbox = folder(t);
  const data = folder(t);
  const before = await launched(t, "carrier", ["--data", data, "--outbox", outbox, "--every-ms", "60000"]);
  await ship(before, 1);
  await ship(before, 2);
  await before.stop("SIGKILL");
  assert.deepEqual(readdirSync(outbox), []);
  const after = await launched(t, "carrier", ["--data", data, "--outbox", outbox, "--every-ms", "20"]);
  await until(async () => (await after.ledger()).some((line) => line.kind === "dropped"));
  assert.deepEqual(readdirSync(outbox), ["shipments-000001.csv"]);
  assert.equal(rows(outbox).length, 2);
  await after.command("again", { file: "shipments-000001.csv" });
  assert.equal((await after.ledger()).filter((line) => line.kind === "dropped").length, 2);
});

test("told to be slow, it writes in place: the file grows under its final name", async (t) => {
  const outbox = folder(t);
  const carrier = await launched(t, "carrier", ["--data", folder(t), "--outbox", outbox, "--every-ms", "20"]);
  await carrier.behave({ mode: "slow", ms: 1 });
  await ship(carrier, 1);
  const size = () => readFileSync(join(outbox, "shipments-000001.csv"), "utf8").length;
  const half = await until(() => readdirSync(outbox).length === 1 && size() > 0 && size());
  await until(async () => (await carrier.ledger()).some((line) => line.slowly === true));
  assert.ok(size() > half);
});

/** `mortise fake` as a person runs it: what it prints, its errors, and Ctrl-C. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServer } from "../http.ts";
import { mortise } from "./test-terminal.ts";

const example = join(import.meta.dirname, "../../examples/harbour-supply");
const shelf = join(import.meta.dirname, "../fakes/fixtures/shelf.yaml");
const folder = mkdtempSync(join(tmpdir(), "mortise-fake-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("it prints its address and lines that work, then a line per request, and ends with Ctrl-C", async () => {
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      join(import.meta.dirname, "../main.ts"),
      "fake",
      "payments",
      "--port",
      "0",
      "--set",
      "getPayment=503*1",
    ],
    {
      cwd: example,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let out = "";
  let wanted: { readonly text: RegExp; readonly resolve: (found: RegExpExecArray) => void } | undefined;
  const look = (): void => {
    const found = wanted?.text.exec(out);
    if (found) wanted?.resolve(found);
  };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      look();
    });
  const until = (text: RegExp) =>
    new Promise<RegExpExecArray>((resolve) => {
      wanted = { text, resolve };
      look();
    });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  try {
    await until(/Ctrl-C ends it/);
    assert.match(out, /^fake payments \(.*\): openapi 3\.\d\.\d, seed 1\n {2}http:\/\/127\.0\.0\.1:\d+\n/);
    const [, line] = await until(/ {2}getPayment\n {4}(curl .*)\n/);
    const url = /http:\/\/\S+/.exec(line!)![0].replaceAll("'", "");
    assert.equal((await fetch(url, { headers: { connection: "close" } })).status, 503);
    assert.equal((await fetch(url, { headers: { connection: "close" } })).status, 200);
    await until(/503 {2}getPayment {2}GET \/payments\/\S+ {2}[\d.]+ ms\n200 {2}getPayment/);
    child.kill("SIGINT");
    assert.equal(await closed, 0);
  } finally {
    child.kill("SIGKILL");
  }
});

test("what can't be served is a clear error before anything listens", async () => {
  const fails = async (args: readonly string[], message: RegExp) => {
    const { code, err } = await mortise(["fake", ...args], { folder: example });
    assert.equal(code, 1);
    assert.match(err, message);
  };
  await fails(["nobody"], /\(system-missing\)/);
  await fails(["./nothing.yaml"], /\(contract-unreadable\)/);
  await fails(["payments", "--port", "80000"], /whole number from 0 to 65535/);
  await fails(["payments", "--set", "pay=503"], /no operation "pay".*\(fake-rule\)/);
  await fails(["payments", "--emit", "gone"], /the contract has paymentSettled.*\(fake-event\)/);
  await fails(["payments", "--emit", "paymentSettled", "--secret", "NOT_SET"], /variable NOT_SET is not set/);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await fails(
      ["payments", "--port", String((server.address() as AddressInfo).port)],
      /something listens there already.*\(fake-port\)/,
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("who refuses an event is heard", async () => {
  const server = createServer((request, response) =>
    request.resume().on("end", () => {
      response.writeHead(422, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ status: 422, detail: "The message names none of its events." }));
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/shelf`;
    const sent = await mortise(["fake", shelf, "--emit", "restocked", "--to", to]);
    assert.deepEqual(
      [sent.code, sent.out],
      [1, "sent 1 event: answered 422\n  The message names none of its events.\n"],
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test("an event is printed, or sent where --to says; a SQL contract becomes a database", async () => {
  const printed = await mortise(["fake", shelf, "--emit", "restocked"]);
  assert.equal(printed.code, 0);
  assert.ok((JSON.parse(printed.out) as { item: { id: number } }).item.id > 0);
  const dropped = await mortise(
    ["fake", "carrier", "--emit", "shipped", "--count", "2", "--to", join(folder, "drop")],
    { folder: example },
  );
  assert.equal(dropped.code, 0);
  assert.match(readdirSync(join(folder, "drop")).join(" "), /^shipments-.*\.csv$/);
  const database = await mortise(["fake", "warehouse", "--database", join(folder, "w.db"), "--rows", "3", "--json"], {
    folder: example,
  });
  assert.equal(database.code, 0);
  assert.deepEqual((JSON.parse(database.out) as { tables: object }).tables, { holds: 3, stock: 3 });
});

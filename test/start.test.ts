/** What `npm start` runs: it ends by itself where it was told to, stops cleanly on Ctrl-C, and goes on at the next start. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readLedger } from "../examples/harbour-supply/simulators/ledger.ts";

const file = fileURLToPath(new URL("../examples/harbour-supply/start.ts", import.meta.url));

interface Started {
  readonly child: ChildProcess;
  text(): string;
  readonly ended: Promise<number | null>;
}

function start(t: TestContext, folder: string, ...args: readonly string[]): Started {
  const child = spawn(process.execPath, [file, "--folder", folder, "--any-port", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (text += chunk));
  t.after(() => child.kill("SIGKILL"));
  return { child, text: () => text, ended: once(child, "exit").then(([code]) => code as number | null) };
}

/** Waits until the text fits; fails with it when the program ends before, or says nothing for a minute. */
async function until(started: Started, form: RegExp): Promise<void> {
  const ended = started.ended.then(() => "ended" as const);
  while (!form.test(started.text())) {
    const signal = AbortSignal.timeout(60_000);
    const said = once(started.child.stdout as NodeJS.EventEmitter, "data", { signal });
    const what = await Promise.race([ended, said]).catch(() => "silent" as const);
    if (typeof what === "string") assert.fail(`${what} before ${form}:\n${started.text()}`);
  }
}

test("orders are placed, each that ends gets a line; Ctrl-C stops everything, and the next start goes on", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "harbour-start-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const first = start(t, folder, "--rate", "8");
  await until(first, /paid +[0-9.]+ s {2}SO-[0-9]+ {2}TW[0-9]+/);
  await until(first, /refused +[0-9.]+ s {2}card declined/);
  assert.match(first.text(), /API docs +http:\/\/127\.0\.0\.1:[0-9]+\/orders\/v1\/docs/);
  first.child.kill("SIGINT");
  assert.equal(await first.ended, 0, first.text());
  assert.match(first.text(), /orders? ended\n/);
  assert.match(first.text(), /under way; the next start goes on from there/);
  assert.ok(!existsSync(join(folder, "store", "admin.json")), "the server was stopped, not killed");
  assert.doesNotMatch(readFileSync(join(folder, "logs", "mortise.log"), "utf8"), /"level":"(error|fatal)"/);

  const second = start(t, folder, "--orders", "2", "--rate", "20");
  assert.equal(await second.ended, 0, second.text());
  assert.match(second.text(), /\(from before\)/);
  const ledger = readLedger(join(folder, "systems", "shop", "ledger.jsonl"));
  const ids = (kind: string) =>
    ledger.filter((line) => line.kind === kind).map((line) => line.id ?? (line.order as { id: string }).id);
  assert.deepEqual(ids("ended").sort(), ids("order").sort(), "every order that was ever placed has ended, once");
});

test("when it is killed, the systems and Mortise end too", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "harbour-start-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const started = start(t, folder);
  await until(started, /API docs/);
  const tokenFile = join(folder, "store", "admin.json");
  assert.ok(existsSync(tokenFile));
  started.child.kill("SIGKILL");
  await started.ended;
  // Its streams are inherited by the simulators: they end when the last of them has.
  await once(started.child.stderr as NodeJS.EventEmitter, "close", { signal: AbortSignal.timeout(30_000) });
  const deadline = Date.now() + 30_000;
  while (existsSync(tokenFile)) {
    assert.ok(Date.now() < deadline, "Mortise still runs");
    await pause(50);
  }
});

test("options that do not fit are refused with the usage", async (t) => {
  const started = start(t, tmpdir(), "--orders", "none");
  assert.equal(await started.ended, 2);
  assert.match(started.text(), /--orders takes a whole number/);
  assert.match(started.text(), /--rate <n>/);
});

/** schedules, and starts by hand, against a real server of a real project. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadProject } from "../server/project/project.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-schedules-"));
const project = join(home, "demo");
let server: RunningServer;
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await run(...args, "--json")).out) as T;
const quote = (id: string) => JSON.stringify({ id, customer: "acme", lines: [{ sku: "bolt", quantity: 1 }] });

before(async () => {
  await mortise(["init", "demo"], { folder: home });
  mkdirSync(join(project, "schedules"));
  writeFileSync(
    join(project, "schedules", "quotes.ts"),
    `import { defineSchedule } from "mortise";
import { quote } from "../processes/quote.ts";
export const yearly = defineSchedule({
  name: "yearly-quote", process: quote, cron: "0 6 1 1 *", timeZone: "Europe/Berlin", description: "for the books",
  input: ({ at }) => ({ id: at, customer: "acme", lines: [{ sku: "bolt", quantity: 1 }] }),
});
export const secondly = defineSchedule({
  name: "secondly-quote", process: quote, cron: "* * * * * *", paused: true,
  input: ({ at }) => ({ id: at, customer: "acme", lines: [{ sku: "bolt", quantity: 1 }] }),
});
`,
  );
  server = await startServer(await loadProject(project), { apiPort: 0, adminPort: 0, log: () => {} });
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

test("schedules are listed and shown with their next ticks", async () => {
  const { schedules } = await json<{ schedules: { name: string; next: number[]; paused?: unknown }[] }>(
    "schedules",
    "list",
  );
  assert.deepEqual(
    schedules.map(({ name, paused }) => [name, paused !== undefined]),
    [
      ["secondly-quote", true],
      ["yearly-quote", false],
    ],
  );
  const next = new Date(schedules[1]?.next[0] ?? 0);
  assert.equal(next.toISOString().slice(4), "-01-01T05:00:00.000Z");
  assert.match((await run("schedules", "list")).out, /secondly-quote +quote +\* \* \* \* \* \* +UTC +paused/);
  const shown = await run("schedules", "show", "yearly-quote");
  assert.match(shown.out, /starts quote, on\n {2}what +for the books\n {2}cron +0 6 1 1 \* {2}\(Europe\/Berlin\)/);
  const none = await run("schedules", "show", "none");
  assert.deepEqual([none.code, /no schedule none/.test(none.err)], [1, true]);
});

test("a schedule that is resumed starts by the clock, one that is paused nothing, and both stand in the audit", async () => {
  assert.equal((await run("schedules", "pause", "secondly-quote")).code, 1);
  const resumed = await run("schedules", "resume", "secondly-quote", "--reason", "counting again");
  assert.match(resumed.out, /secondly-quote goes on with its next tick/);
  for (;;) {
    const { runs } = await json<{ runs: { key: string; origin: string }[] }>("runs", "list", "--process", "quote");
    const found = runs.find(({ origin }) => origin === "schedule:secondly-quote");
    if (found === undefined) continue;
    assert.match(found.key, /^schedule:secondly-quote:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    break;
  }
  assert.equal((await run("schedules", "pause", "secondly-quote", "--reason", "enough")).code, 0);
  assert.match((await run("schedules", "show", "secondly-quote")).out, /paused .* by local:\S+: enough/);
  const audit = await fetch(`${server.adminUrl}/audit`, { headers: { authorization: `Bearer ${server.adminToken}` } });
  const { entries } = (await audit.json()) as { entries: { action: string; target: string; reason: string }[] };
  assert.deepEqual(
    entries.slice(0, 3).map(({ action, target, reason }) => `${action} ${target} ${reason}`),
    [
      "schedule.pause secondly-quote enough",
      "schedule.resume secondly-quote counting again",
      "schedule.pause secondly-quote by the command line",
    ],
  );
});

test("a schedule is run by hand", async () => {
  const answer = await json<{ run: string; key: string }>("schedules", "run-now", "yearly-quote");
  assert.match(answer.key, /^schedule:yearly-quote:by-hand:/);
  assert.match((await run("runs", "show", answer.run)).out, /started +.* by schedule:yearly-quote by local:/);
});

test("a run is started by hand from JSON or a file, once per key, with its input checked", async () => {
  writeFileSync(join(project, "quote.json"), quote("q-1"));
  const started = await run("runs", "start", "quote", "--input", "@quote.json");
  assert.match(started.out, /^started run \S+ \(q-1\)/);
  assert.match((await run("runs", "start", "quote", "--input", quote("q-1"))).out, /has the key q-1 already/);
  const wrong = await run("runs", "start", "quote", "--input", '{"id":5}');
  assert.deepEqual([wrong.code, /\/input\/id/.test(wrong.err)], [1, true]);
  assert.match((await run("runs", "start", "none", "--input", "{}")).err, /process-unknown/);
  assert.match((await run("runs", "start", "quote", "--input", "@none.json")).err, /option-invalid/);
  assert.equal((await run("runs", "start", "quote")).code, 2);
});

test("a run is started for later, and can be cancelled until then", async () => {
  const later = await json<{ run: string }>("runs", "start", "quote", "--input", quote("q-2"), "--in", "2h");
  assert.match((await run("runs", "list", "--status", "queued")).out, /q-2 +queued .*starts at/);
  const at = "2031-01-01T06:00:00+01:00";
  assert.match(
    (await run("runs", "start", "quote", "--input", quote("q-3"), "--at", at)).out,
    /^queued run .* until 2031/,
  );
  assert.match((await run("runs", "start", "quote", "--input", quote("q-4"), "--at", "tomorrow")).err, /ISO 8601/);
  const cancelled = await run("runs", "cancel", later.run, "--yes");
  assert.equal(cancelled.code, 0, cancelled.err);
  assert.match((await run("runs", "show", "q-2")).out, /cancelled/);
});

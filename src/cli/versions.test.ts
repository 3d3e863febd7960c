/** deploy, versions, promote, rollback, rehearse and runs move, against a real server of a real project. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadProject } from "../server/project/project.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-versions-"));
const project = join(home, "demo");
let server: RunningServer;
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });
const file = join(project, "processes/quote.ts");

async function quote(id: string, quantity: number): Promise<void> {
  const answer = await fetch(`${server.apiUrl}/quotes/v1/quotes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, customer: "acme", lines: [{ sku: "bolt", quantity }] }),
  });
  assert.equal(answer.status, 202);
}

before(async () => {
  await mortise(["init", "demo"], { folder: home });
  const api = join(project, "apis/quotes.v1.ts");
  writeFileSync(api, readFileSync(api, "utf8").replace(`, wait: "2s"`, ""));
  server = await startServer(await loadProject(project), {
    environment: {},
    apiPort: 0,
    adminPort: 0,
    log: () => {},
  });
  await quote("q-1", 100);
  await quote("q-2", 400);
  for (;;) {
    const { out } = await run("runs", "tasks", "--json");
    if ((JSON.parse(out) as { tasks: unknown[] }).tasks.length === 2) break;
  }
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

test("changed code is rehearsed, deployed, and open runs that follow it are moved; the others stay, with a reason", async () => {
  const first = server.version;
  const text = readFileSync(file, "utf8");
  writeFileSync(
    file,
    text.replace("customer: input.customer, total }", "customer: input.customer, total: Math.min(total, 3000) }"),
  );
  const rehearsed = await run("rehearse");
  assert.equal(rehearsed.code, 3);
  assert.match(rehearsed.out, /quote q-1 {2}continues {2}then task large-quote/);
  assert.match(rehearsed.out, /quote q-2 {2}diverges at large-quote {2}processes\/quote\.ts:\d+/);
  assert.match(rehearsed.out, /large-quote is asked again, with another input: it differs at \/total\./);
  assert.match(rehearsed.out, /2 open runs on [0-9a-f]{12}: 1 continue, 1 diverge/);

  const deployed = await run("deploy", "--promote", "--no-types", "--note", "at most 3000");
  assert.equal(deployed.code, 0, deployed.err);
  assert.match(deployed.out, /promoted [0-9a-f]{12}: new runs start on it instead of/);
  const second = server.version;
  assert.notEqual(second, first);
  const moved = await run("runs", "move", "--all", "--reason", "the cap is there now");
  assert.equal(moved.code, 3);
  assert.match(moved.out, /1 run moved to [0-9a-f]{12}\n1 run stayed where they were|1 run moved/);
  const shown = await run("runs", "show", "q-1");
  assert.match(shown.out, new RegExp(second));
  assert.match(shown.out, /the cap is there now \(from code version/);

  const listed = await run("versions", "list");
  assert.match(listed.out, new RegExp(`${second.slice(0, 12)} +promoted +running +1 .*at most 3000`));
  assert.match(listed.out, new RegExp(`${first.slice(0, 12)} +before +running +1`));
  assert.match((await run("rollback", "--reason", "r")).out, new RegExp(`promoted ${first.slice(0, 12)}`));
  assert.match((await run("promote", second.slice(0, 8))).out, new RegExp(`promoted ${second.slice(0, 12)}`));
  assert.match((await run("versions", "show", second.slice(0, 6))).out, /note +at most 3000/);
});

test("a single run is named by its business key, and as JSON everything is there", async () => {
  const { out, code } = await run("rehearse", "--run", "q-2", "--version", server.version, "--json");
  assert.equal(code, 3);
  const { runs, diverges, points } = JSON.parse(out) as {
    runs: { key: string }[];
    diverges: number;
    points: { example: { recorded: { input: { total: number } } } }[];
  };
  assert.deepEqual([runs.map(({ key }) => key), diverges], [["q-2"], 1]);
  assert.equal(points[0]?.example.recorded.input.total, 5000);
});

test("what can't be: code with errors, an unknown version, no runs named", async () => {
  const text = readFileSync(file, "utf8");
  writeFileSync(file, `${text}\nexport const broken = ;\n`);
  const broken = await run("deploy", "--no-types");
  assert.equal(broken.code, 3);
  assert.match(broken.out, /processes\/quote\.ts:\d+ .*error[\s\S]*not deployed/);
  writeFileSync(file, text);
  assert.match((await run("promote", "ffff")).err, /version-unknown/);
  assert.match((await run("runs", "move")).err, /one of --run, --process and --all/);
});

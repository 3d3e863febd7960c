/** runs and keys, against a real server of a real project. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadProject } from "../server/project/project.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-runs-"));
const project = join(home, "demo");
let server: RunningServer;
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });

interface Listed {
  readonly runs: readonly { readonly id: string; readonly key: string; readonly status: string }[];
}
async function idOf(key: string): Promise<string> {
  const { runs } = JSON.parse((await run("runs", "list", "--key", key, "--json")).out) as Listed;
  assert.equal(runs.length, 1);
  return runs[0]!.id;
}
/** `undefined`: there is no such run yet. */
async function statusOf(key: string): Promise<string | undefined> {
  return (JSON.parse((await run("runs", "list", "--key", key, "--json")).out) as Listed).runs[0]?.status;
}
/** Until a run has a status: it is shown a moment after the act was accepted. */
async function becomes(key: string, status: string): Promise<void> {
  for (let tries = 0; (await statusOf(key)) !== status; tries++) {
    assert.ok(tries < 1000, `${key} is ${await statusOf(key)}, not ${status}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
function quote(id: string, quantity: number): Promise<Response> {
  return fetch(`${server.apiUrl}/quotes/v1/quotes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id, customer: "acme", lines: [{ sku: "bolt", quantity }] }),
  });
}

before(async () => {
  await mortise(["init", "demo"], { folder: home });
  writeFileSync(
    join(project, "processes", "risky.ts"),
    `import { defineProcess, t } from "mortise";
export const risky = defineProcess({
  name: "risky",
  input: t.object({ id: t.string() }),
  key: (input) => input.id,
  run: (flow) => flow.step("ship", { effect: "unrepeatable" }, () => { throw new Error("the line was cut"); }),
});
`,
  );
  writeFileSync(
    join(project, "processes", "patient.ts"),
    `import { defineProcess, t } from "mortise";
let attempts = 0;
export const patient = defineProcess({
  name: "patient",
  input: t.object({ id: t.string(), backoff: t.string() }),
  key: (input) => input.id,
  run: async (flow, { backoff }) => {
    const retry = { backoff: backoff as "1ms", maxBackoff: backoff as "1ms" };
    await flow.step("ask", { effect: "read", retry }, ({ signal }) => {
      if (backoff === "1h" || attempts++ === 0) throw new Error("the line was cut, as it is so often where the sea is near, and nobody knows when it will be there again; look at the cable first");
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
  },
});
`,
  );
  writeFileSync(
    join(project, "processes", "above.ts"),
    `import { defineProcess, t } from "mortise";
import { risky } from "./risky.ts";
export const above = defineProcess({
  name: "above",
  input: t.object({ id: t.string() }),
  key: (input) => input.id,
  run: (flow, { id }) => flow.child(risky, { id: id + "-below" }),
});
`,
  );
  writeFileSync(
    join(project, "apis", "risky.v1.ts"),
    `import { defineApi, post, published } from "mortise";
import { risky } from "../processes/risky.ts";
export default defineApi({
  name: "risky", version: "1.0.0", base: "/risky/v1", lifecycle: published(), access: [],
  operations: { ship: post("/shipments", { access: "public", starts: risky, wait: "5s" }) },
});
`,
  );
  server = await startServer(await loadProject(project), { apiPort: 0, adminPort: 0, log: () => {} });
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

test("a task is listed, refuses what does not fit its form, and takes an answer once", async () => {
  await quote("q-1", 4);
  await quote("q-2", 400);
  await becomes("q-1", "completed");
  const { runs } = JSON.parse((await run("runs", "list", "--json")).out) as Listed;
  assert.deepEqual(runs.map(({ key }) => key).sort(), ["q-1", "q-2"]);
  assert.match((await run("runs", "list", "--status", "completed", "--since", "1h")).out, /q-1/);
  assert.match((await run("runs", "list", "--process", "nothing")).out, /No runs/);
  const listed = await run("runs", "tasks");
  assert.match(listed.out, /Which discount.*\n {2}quote q-2, for sales/);
  const { tasks } = JSON.parse((await run("runs", "tasks", "--json")).out) as { tasks: { id: string }[] };
  const task = tasks[0]!.id;
  const refused = await run("runs", "answer", task, "--with", '{"discount":99}');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /\/answer\/discount/);
  assert.equal((await run("runs", "answer", task, "--with", '{"discount":10}')).code, 0);
  await becomes("q-2", "completed");
  assert.match((await run("runs", "answer", task, "--with", '{"discount":10}')).err, /task-closed/);
  assert.match((await run("runs", "tasks")).out, /No tasks/);
  assert.match((await run("runs", "tasks", "--all")).out, /answered/);
  const shown = await run("runs", "show", await idOf("q-2"));
  assert.match(shown.out, /output +\{"total":4500,"discount":10\}/);
  assert.match(shown.out, /large-quote +task +done/);
  assert.equal((await run("runs", "show", "q-2")).out, shown.out, "by its business key too");
  assert.match((await run("runs", "show", "q-9")).err, /There is no run q-9/);
  const wrong = await run("runs", "list", "--status", "bogus");
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /Allowed choices are queued, running, waiting/);
});

test("a run that waits for people shows what to type, and its own id or key is enough to answer its only task", async () => {
  await quote("q-8", 400);
  await quote("q-9", 400);
  const shown = await run("runs", "show", "q-8");
  assert.match(
    shown.out,
    /Which discount.*\n {2}quote q-8, for sales.*\n.*\n {2}mortise runs answer \S+ --with '<JSON>'/,
  );
  assert.match((await run("runs", "answer", "q-8", "--with", '{"discount":10}')).out, /^answered \S+-\d+\n$/);
  assert.equal((await run("runs", "answer", await idOf("q-9"), "--with", '{"discount":10}')).code, 0);
  await becomes("q-8", "completed");
  await becomes("q-9", "completed");
  const none = await run("runs", "answer", "q-8", "--with", '{"discount":10}');
  assert.match(none.err, /There is no task q-8\. List the open ones with: mortise runs tasks/);
});

test("a parked run shows its question and what to type, and goes on with the answer", async () => {
  await fetch(`${server.apiUrl}/risky/v1/shipments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"id":"r-1"}',
  });
  await becomes("r-1", "parked");
  const id = await idOf("r-1");
  const shown = await run("runs", "show", id);
  assert.match(shown.out, /parked at ship/);
  assert.ok(shown.out.includes(`mortise runs answer ${id} --happened`));
  assert.ok(shown.out.includes(`mortise runs answer ${id} --repeat --question 1`));
  const stale = await run("runs", "answer", id, "--happened", '"T-1"', "--question", "2");
  assert.match(stale.err, /question-stale/);
  assert.equal((await run("runs", "answer", id, "--happened", '"T-1"', "--reason", "asked the carrier")).code, 0);
  await becomes("r-1", "completed");
  assert.match((await run("runs", "show", id)).out, /asked the carrier/);
});

test("an attempt whose time has come is shown as due, and one to come with its time", async () => {
  const begin = async (id: string, backoff: string): Promise<void> => {
    const input = JSON.stringify({ id, backoff });
    assert.equal((await run("runs", "start", "patient", "--input", input)).code, 0);
  };
  const steps = async (id: string): Promise<string> => (await run("runs", "show", id)).out;
  const until = async (id: string, shown: RegExp): Promise<string> => {
    for (let tries = 0; ; tries++) {
      const out = await steps(id);
      if (shown.test(out)) return out;
      assert.ok(tries < 1000, out);
    }
  };
  await begin("p-1", "1ms");
  const due = await until("p-1", /ask .*next attempt now/);
  assert.match(due, /why +tries ask again now: the line was cut/);
  await begin("p-2", "1h");
  const later = await until("p-2", /ask .*next attempt \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/);
  assert.match(later, /why +tries ask again at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: the line was cut/);
  const listed = await run("runs", "list", "--process", "patient");
  assert.match(listed.out, /tries ask again now: the line was cut, .{20,}…\n/);
  assert.match((await run("runs", "list", "--process", "patient", "--json")).out, /look at the cable first"/);
  await run("runs", "cancel", "p-1", "--now", "--yes");
});

test("a run that waits for a parked one is listed as such", async () => {
  const begun = await run("runs", "start", "above", "--input", '{"id":"above-1"}');
  assert.equal(begun.code, 0, begun.err);
  await becomes("above-1-below", "parked");
  await becomes("above-1", "waiting");
  assert.match((await run("runs", "list", "--key", "above-1")).out, /waits for risky above-1-below, which is parked\n/);
  assert.equal((await run("runs", "cancel", "above-1-below", "--now", "--yes")).code, 0);
  await becomes("above-1", "undone");
});

test("an act on several runs does what it can, and ends with 1 if one was refused", async () => {
  await quote("q-3", 400);
  const [open, ended] = [await idOf("q-3"), await idOf("q-1")];
  const acted = await run("runs", "cancel", open, ended, "nothing", "--json", "--yes", "--reason", "ordered twice");
  assert.equal(acted.code, 1);
  const results = JSON.parse(acted.out) as { run: string; done: boolean; error?: { code: string } }[];
  assert.deepEqual(
    results.map(({ done, error }) => [done, error?.code]),
    [
      [true, undefined],
      [false, "run-ended"],
      [false, "run-unknown"],
    ],
  );
  await becomes("q-3", "cancelled");
  await quote("q-4", 400);
  assert.equal((await run("runs", "cancel", await idOf("q-4"), "--now", "--yes")).code, 0);
  await becomes("q-4", "terminated");
  assert.equal((await run("runs", "retry", open)).code, 1);
});

test("what can't be taken back is shown first, and done once a person says so", async () => {
  await quote("q-5", 400);
  const id = await idOf("q-5");
  const refused = await run("runs", "cancel", id);
  assert.equal(refused.code, 1);
  assert.match(refused.out, /Undoes what took effect/);
  assert.match(refused.err, /confirmation-needed/);
  const no = await mortise(["runs", "cancel", id], { folder: project, answer: false });
  assert.match(no.out, /Nothing was done/);
  assert.equal(await statusOf("q-5"), "waiting");
  assert.equal((await run("runs", "pause", id)).code, 0);
  await becomes("q-5", "paused");
  assert.equal((await mortise(["runs", "cancel", id], { folder: project, answer: true })).code, 0);
  await becomes("q-5", "cancelled");
  const again = await run("runs", "restart", id, "--yes", "--json");
  const [{ as }] = JSON.parse(again.out) as [{ as: string }];
  const shown = await run("runs", "show", id);
  assert.match(shown.out, new RegExp(`restarted as +${as}`));
  assert.match((await run("runs", "show", as)).out, new RegExp(`restart of +${id}`));
});

test("parked runs are seen by cause, and acted on all at once", async () => {
  for (const id of ["c-1", "c-2", "c-3"]) {
    await fetch(`${server.apiUrl}/risky/v1/shipments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id }),
    });
    await becomes(id, "parked");
  }
  const listed = await run("runs", "causes");
  assert.match(listed.out, /3 runs {2}risky at ship {2}step-unknown step-threw\n {2}the line was cut\n {2}since /);
  const { causes } = JSON.parse((await run("runs", "causes", "--json")).out) as { causes: { cause: string }[] };
  const cause = causes[0]!.cause;
  const all = ["runs", "cancel", "--all", "--cause", cause, "--now", "--reason", "shipped by hand"];
  const refused = await run(...all);
  assert.equal(refused.code, 1);
  assert.match(refused.out, /terminate 3 runs[\s\S]*possible for 3 of 3[\s\S]*stays:\n +3 {2}ship/);
  const acted = await run(...all, "--yes");
  assert.equal(acted.code, 0);
  assert.match(acted.out, /done: 3 runs of 3/);
  for (const id of ["c-1", "c-2", "c-3"]) await becomes(id, "terminated");
  assert.match((await run("runs", "causes")).out, /No parked runs/);
  assert.match((await run("runs", "jobs")).out, /terminate +done +3 +0 +3 .*shipped by hand/);
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const audit = (await (await fetch(`${server.adminUrl}/audit`, { headers })).json()) as {
    entries: { action: string; target: string; result: string; reason: string }[];
  };
  const entry = audit.entries.find(({ action }) => action === "runs.act");
  assert.deepEqual([entry?.reason, entry?.result], ["shipped by hand", "done"]);
  assert.match(entry?.target ?? "", new RegExp(`^terminate .*${cause}`));
  assert.match((await run("runs", "retry", "--all")).err, /say which/);
  assert.match((await run("runs", "retry")).err, /name the runs/);
});

test("many runs are answered at once: a result that all of them have, checked before", async () => {
  for (const id of ["d-1", "d-2"]) {
    await fetch(`${server.apiUrl}/risky/v1/shipments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id }),
    });
    await becomes(id, "parked");
  }
  // By its key, as an order is known; after a restart the key means the new run.
  const shown = async () =>
    JSON.parse((await run("runs", "show", "d-1", "--json")).out) as { id: string; status: string };
  const first = await shown();
  assert.equal((await run("runs", "restart", "d-1", "--now", "--yes")).code, 0);
  for (let tries = 0; ; tries++) {
    const now = await shown();
    if (now.id !== first.id && now.status === "parked") break;
    assert.ok(tries < 1000, JSON.stringify(now));
  }
  const filter = ["--all", "--process", "risky", "--status", "parked"];
  assert.match((await run("runs", "answer", ...filter, "--with", "1")).err, /name one task/);
  assert.match((await run("runs", "edit", ...filter)).err, /--input, or --patch/);
  // What code of one's own asks has no input that could be edited.
  const edited = await run("runs", "edit", ...filter, "--patch", '{"a":1}', "--yes");
  assert.match(edited.out, /possible for 0 of 2[\s\S]*2 refused/);
  const acted = await run("runs", "answer", ...filter, "--happened", '"T-1"', "--reason", "seen there", "--yes");
  assert.equal(acted.code, 0, acted.err);
  assert.match(acted.out, /happened 2 runs[\s\S]*done: 2 runs of 2/);
  await becomes("d-2", "completed");
  assert.match((await run("runs", "show", "d-1")).out, /completed[\s\S]*restart of/);
  assert.match((await run("runs", "retry", "d-9")).err, /no run d-9/);
});

test("an event of no system is refused, with its code", async () => {
  const { code, err } = await run("runs", "signal", "carrier.shipped", "k-1", "--payload", "{}");
  assert.equal(code, 1);
  assert.match(err, /event-unknown/);
});

test("a key is shown once, listed without itself, and revoked", async () => {
  const made = await run("keys", "create", "acme", "--scope", "a:read", "--scope", "a:write", "--expires", "90d");
  assert.match(made.out, /^mtz_live_\S+\n$/);
  assert.match(made.err, /no operation asks for the scope a:read\n/, "it may be a slip");
  assert.match((await run("consumers", "set", "acme", "--plan", "dayly")).err, /^no API has the plan dayly/);
  const secret = made.out.trim();
  const listed = await run("keys", "list", "--consumer", "acme");
  assert.match(listed.out, /acme +a:read a:write/);
  assert.ok(!listed.out.includes(secret));
  const { keys } = JSON.parse((await run("keys", "list", "--json")).out) as { keys: { id: string }[] };
  assert.equal((await run("keys", "revoke", keys[0]!.id)).code, 0);
  assert.match((await run("keys", "list")).out, /revoked/);
  assert.equal((await run("keys", "revoke", "nothing")).code, 1);
});

test("the list of consumers says who does not stand in it, and where such callers show", async () => {
  const { out } = await run("consumers", "list");
  assert.match(out, /\nacme .*enabled\n/);
  assert.match(
    out,
    /\nwho comes with an access token, .* stands here only if it was set; .*mortise apis usage <api> <version>\n$/,
  );
  const { consumers } = JSON.parse((await run("consumers", "list", "--json")).out) as { consumers: { name: string }[] };
  assert.deepEqual(
    consumers.map(({ name }) => name),
    ["acme"],
  );
});

test("what takes space in the store is shown by what it is, with rows, bytes and shares", async () => {
  const { parts, bytes, freeBytes, leftBytes } = JSON.parse((await run("store", "size", "--json")).out) as {
    readonly parts: readonly { readonly part: string; readonly rows: number; readonly bytes: number }[];
    readonly bytes: number;
    readonly freeBytes: number;
    readonly leftBytes: number;
  };
  const total = Number(JSON.parse((await run("runs", "list", "--limit", "500", "--json")).out).runs.length);
  assert.ok(total > 0 && (parts.find(({ part }) => part === "runs")?.rows ?? 0) >= total);
  assert.ok((parts.find(({ part }) => part === "histories")?.rows ?? 0) >= total);
  assert.equal(
    parts.reduce((sum, one) => sum + one.bytes, freeBytes),
    bytes,
  );
  assert.equal(leftBytes, 0);
  const { out } = await run("store", "size");
  assert.match(out, /mortise\.db {2}[\d.]+ KiB\npart +rows +size +share +what it is\n/);
  assert.match(out, /histories +\d+ +[\d.]+ KiB +[\d.]+ % +of ended runs/);
});

test("a wrong token is refused, and nothing is shown", async () => {
  const env = { MORTISE_ADMIN_URL: server.adminUrl, MORTISE_ADMIN_TOKEN: "mta_wrong" };
  const { code, out, err } = await mortise(["runs", "list"], { folder: project, env });
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(err, /admin-unauthorized/);
});

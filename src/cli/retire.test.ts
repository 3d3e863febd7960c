/** Retiring a version when it is safe: a real server, with a consumer that calls it and a run that was started through it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { MortiseError } from "../errors.ts";
import { loadProject } from "../server/project/project.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-retire-"));
const project = join(home, "demo");
let server: RunningServer;
let key = "";
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await run(...args, "--json")).out) as T;
const start = async () => startServer(await loadProject(project), { apiPort: 0, adminPort: 0, log: () => {} });

/** Under another name each time: Node keeps what it has imported. */
function writeApis(file: string, lifecycle: string): void {
  for (const old of ["one", "two"]) rmSync(join(project, "apis", `${old}.ts`), { force: true });
  writeFileSync(
    join(project, "apis", `${file}.ts`),
    `import { adapt, apiKey, defineApi, deprecated, get, post, published, retired, t } from "mortise";
import { ship } from "../processes/ship.ts";
export const v2 = defineApi({ name: "orders", version: "2.0.0", base: "/orders/v2", lifecycle: published(), access: [apiKey()], operations: {
  placeOrder: post("/orders", { scope: "orders", starts: ship }),
  getOrder: get("/orders/{key}", { scope: "orders", run: ship, allow: ({ caller, run }) => run.input.customer === caller.id }),
} });
export const v1 = defineApi({ ...v2, version: "1.2.0", base: "/orders/v1", lifecycle: ${lifecycle}, operations: {
  placeOrder: adapt(v2.operations.placeOrder, { path: "/order",
    accepts: { body: t.object({ id: t.string() }), map: ({ id }, { caller }) => ({ id, customer: caller.id }) } }),
  getOrder: adapt(v2.operations.getOrder, {}),
} });
`,
  );
}

before(async () => {
  await mortise(["init", "demo"], { folder: home });
  writeFileSync(
    join(project, "processes", "ship.ts"),
    `import { defineProcess, defineTask, t } from "mortise";
const pack = defineTask({ name: "pack", title: () => "Pack it", form: t.object({ done: t.boolean() }) });
export const ship = defineProcess({ name: "ship", input: t.object({ id: t.string(), customer: t.string() }),
  output: t.object({ done: t.boolean() }), key: ({ id }) => id,
  run: async (flow) => flow.task(pack, { assign: "stock", input: {} }) });
`,
  );
  writeApis("one", `deprecated({ since: "2026-01-01", sunset: "2999-01-01", migration: "/moving", successor: v2 })`);
  server = await start();
  ({ key } = await json<{ key: string }>("keys", "create", "acme", "--scope", "orders"));
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown): Promise<number> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(`${server.apiUrl}${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
  });
  await answer.body?.cancel();
  return answer.status;
}

interface Board {
  successor: { name: string; version: string };
  consumers: {
    consumer: string;
    calls: number;
    trend: string;
    lastAt: number;
    operations: { operation: string; calls: number }[];
    changes: { rule: string; verdict: string; at: string; example?: { value: unknown } }[];
  }[];
  openRuns: number;
  runs: { id: string; operation: string; consumer: string; version: string }[];
}
const board = () => json<Board>("apis", "migration", "orders", "1.2.0");

test("the migration board says who uses what, and what changes for exactly that", async () => {
  assert.deepEqual((await board()).consumers, []);
  assert.equal(await call("POST", "/orders/v1/order", { id: "o-1" }), 202);
  assert.equal(await call("POST", "/orders/v2/orders", { id: "o-2", customer: "acme" }), 202);
  const { successor, consumers, openRuns, runs } = await board();
  assert.deepEqual(successor, { name: "orders", version: "2.0.0" });
  const [acme] = consumers;
  assert.deepEqual(
    [consumers.length, acme?.consumer, acme?.calls, acme?.trend, acme?.operations.map(({ operation }) => operation)],
    [1, "acme", 1, "rising", ["placeOrder"]],
  );
  const breaking = acme?.changes.filter(({ verdict }) => verdict === "breaking") ?? [];
  assert.deepEqual(
    breaking.map(({ rule, at }) => [rule, at]),
    [
      ["operation-moved", "placeOrder"],
      ["required-property", "placeOrder: request"],
    ],
  );
  assert.ok(
    acme?.changes.every(({ at }) => at.startsWith("placeOrder")),
    JSON.stringify(acme?.changes),
  );
  assert.deepEqual(breaking[1]?.example?.value, { id: "text" });
  assert.deepEqual(
    [openRuns, runs[0]?.operation, runs[0]?.consumer, runs[0]?.version],
    [1, "placeOrder", "acme", "1.2.0"],
  );
  const shown = await run("apis", "migration", "orders", "1.2.0");
  assert.match(
    shown.out,
    /1 consumer called orders 1\.2\.0 since \d{4}-\d\d-\d\d, 1 open run; what comes next is orders 2\.0\.0/,
  );
  assert.match(shown.out, /placeOrder: it is POST \/orders now, and was POST \/order \(operation-moved\)/);
});

test("a version with live consumers or open runs does not retire, unless by a decision that names all of them", async () => {
  const retire = (...args: string[]) => run("apis", "retire", "orders", "1.2.0", "--reason", "agreed", ...args);
  const refused = await retire();
  assert.equal(refused.code, 1);
  assert.match(refused.err, /orders 1\.2\.0 is in use and does not retire: called by acme; open runs: 1 \(\S+\)/);
  assert.match(
    refused.err,
    /naming all of them: mortise apis retire orders 1\.2\.0 --reason <why> --despite acme --despite-runs 1 /,
  );
  assert.match((await retire("--despite", "acme")).err, /open runs: 1/);
  assert.match((await retire("--despite", "acme", "--despite-runs", "2")).err, /open runs: 1/);
  assert.match((await retire("--despite", "other", "--despite-runs", "1")).err, /called by acme/);
  assert.equal(await call("GET", "/orders/v1/orders/o-1"), 200);
  const { runs } = await board();
  const done = await retire("--despite", "acme", "--despite-runs", "1");
  assert.deepEqual(
    [done.code, done.out.split("\n")[0]],
    [0, "orders 1 is retired: its route is gone; its contract, audit and usage are kept"],
  );
  assert.equal((await retire("--despite", "acme", "--despite-runs", "1")).code, 1);
  const { apis } = await json<{ apis: { version: string; lifecycle: string; retired?: { despite: unknown } }[] }>(
    "apis",
    "list",
  );
  const kept = apis.find(({ version }) => version === "1.2.0");
  assert.deepEqual(
    [kept?.lifecycle, kept?.retired?.despite],
    ["retired", { consumers: ["acme"], openRuns: 1, runs: runs.map(({ id }) => id) }],
  );
  const audit = await fetch(`${server.adminUrl}/audit`, { headers: { authorization: `Bearer ${server.adminToken}` } });
  const { entries } = (await audit.json()) as { entries: Record<string, string>[] };
  assert.deepEqual(
    entries.slice(0, 3).map(({ action, reason, result }) => [action, reason, result]),
    [
      ["api.retire", "agreed", "api-retired"],
      ["api.retire", "agreed (in spite of acme, 1 open run)", "done"],
      ["api.retire", "agreed", "api-in-use"],
    ],
  );
  // What is retired is answered 404, whatever else is said of it.
  const block = (act: string) => run("apis", act, "orders", "1.2.0", "--reason", "harm");
  assert.match((await block("block")).out, /1\.2\.0 is blocked; it is retired as well, so callers are answered 404/);
  assert.equal(await call("GET", "/orders/v1/orders/o-1"), 404);
  assert.match(
    (await block("unblock")).out,
    /not blocked any more; it is retired, .*mortise apis reinstate orders 1\.2\.0/,
  );
});

test("a run that was restarted by hand is bound to the version of the first one", async () => {
  const before = (await board()).runs[0]?.id ?? "";
  const authorization = `Bearer ${server.adminToken}`;
  for (const act of ["terminate", "restart"]) {
    // A run ends by its worker, some moments after that was asked for.
    while (act === "restart") {
      const answer = await fetch(`${server.adminUrl}/runs/${before}`, { headers: { authorization } });
      if (((await answer.json()) as { status: string }).status === "terminated") break;
    }
    const done = await fetch(`${server.adminUrl}/runs/${before}/${act}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ reason: "anew" }),
    });
    assert.equal(done.status, 200, await done.text());
  }
  const { openRuns, runs } = await board();
  assert.deepEqual([openRuns, runs[0]?.consumer, runs[0]?.version], [1, "acme", "1.2.0"]);
  assert.notEqual(runs[0]?.id, before);
});

test("OW-9: what was retired is unreachable at once and after a restart, its usage is kept, and it can be reinstated", async () => {
  for (let round = 0; round < 2; round++) {
    for (const [method, path] of [
      ["POST", "/order"],
      ["GET", "/orders/o-1"],
      ["DELETE", "/order"],
      ["GET", "/openapi.json"],
      ["GET", "/docs"],
    ] as const)
      assert.equal(await call(method, `/orders/v1${path}`, method === "POST" ? { id: "o-3" } : undefined), 404, path);
    assert.equal(await call("GET", "/orders/v2/orders/o-2"), 200);
    assert.equal((await board()).consumers.length, 1);
    await server.stop();
    server = await start();
  }
  assert.equal((await run("apis", "reinstate", "orders", "1.2.0", "--reason", "too early")).code, 0);
  assert.equal(await call("GET", "/orders/v1/orders/o-1"), 200);
  assert.equal((await run("apis", "reinstate", "orders", "1.2.0", "--reason", "too early")).code, 1);
});

test("a definition that says retired() does not start while the version is in use, and does once a decision names who uses it", async () => {
  await server.stop();
  writeApis("two", "retired()");
  await assert.rejects(start(), (error: unknown) => {
    assert.ok(error instanceof MortiseError && error.code === "api-in-use", String(error));
    assert.match(error.message, /called by acme; open runs: 1/);
    return true;
  });
  writeApis("one", "published()");
  server = await start();
  const retired = await run(
    "apis",
    "retire",
    "orders",
    "1.2.0",
    "--reason",
    "agreed",
    "--despite",
    "acme",
    "--despite-runs",
    "1",
  );
  assert.equal(retired.code, 0, retired.err);
  await server.stop();
  writeApis("two", "retired()");
  server = await start();
  assert.equal(await call("GET", "/orders/v1/orders/o-1"), 404);
  assert.equal(await call("GET", "/orders/v2/orders/o-2"), 200);
});

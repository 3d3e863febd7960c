import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { RunningServer } from "../server.ts";
import { admin, files, place, processText, send, setUp } from "./test-versions.ts";

async function versionOfRun(server: RunningServer, key: string): Promise<string> {
  return (await admin(server, `/runs?key=${key}`)).body.runs[0].version;
}
const stateOf = async (server: RunningServer, id: string): Promise<string | undefined> =>
  (await admin(server, "/versions")).body.versions.find((one: { id: string }) => one.id === id)?.state;

test("what is deployed waits to be promoted; then new runs start on it at once, and open ones end where they began", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  const first = server.version;
  assert.equal((await place(server, { order: "o-1" })).status, 202);
  project.write({ "processes/order.ts": processText("two", { field: "reference" }) });
  const deployed = await admin(server, "/versions", { note: "by reference", reason: "r" });
  assert.equal(deployed.status, 200, JSON.stringify(deployed.body));
  const second = deployed.body.version as string;
  assert.deepEqual(deployed.body, { version: second, fresh: true, promoted: false, reload: [] });
  assert.equal(await stateOf(server, second), "registered");
  // The input's schema and the key are still those of the first version.
  assert.equal((await place(server, { order: "o-2" })).status, 202);
  assert.equal((await place(server, { reference: "o-3" })).status, 400);

  const promoted = await admin(server, `/versions/${second}/promote`, { reason: "tested" });
  assert.deepEqual(promoted.body, { version: second, fresh: false, promoted: true, before: first, reload: [] });
  assert.equal((await place(server, { order: "o-4" })).status, 400);
  assert.equal((await place(server, { reference: "o-4" })).status, 202);
  assert.equal(await versionOfRun(server, "o-4"), second);
  assert.equal(await versionOfRun(server, "o-1"), first);
  assert.deepEqual([await stateOf(server, first), await stateOf(server, second)], ["before", "promoted"]);
  const [task] = (await admin(server, "/tasks")).body.tasks;
  await admin(server, `/tasks/${task.id}/answer`, { answer: true });
  const run = task.run as string;
  for (;;) {
    const { body } = await admin(server, `/runs/${run}`);
    if (body.status !== "completed") continue;
    assert.deepEqual(body.output, { mark: "one" });
    break;
  }
  const { entries } = (await admin(server, "/audit")).body;
  assert.deepEqual(
    entries.map((entry: { action: string; result: string }) => `${entry.action} ${entry.result}`).slice(-2),
    ["version.promote done", "version.deploy done"],
  );
});

test("a rollback switches back at once, and stands after a restart though the files are the newer ones", async (t) => {
  const { project, start, lines } = setUp(t);
  const one = await start();
  const first = one.version;
  assert.equal((await admin(one, "/rollback", { reason: "r" })).body.code, "version-first");
  project.write({ "processes/order.ts": processText("two", { field: "reference" }) });
  const { body } = await admin(one, "/versions", { promote: true, reason: "new key" });
  assert.equal(one.version, body.version);
  assert.equal((await place(one, { reference: "o-1" })).status, 202);
  assert.equal((await admin(one, "/rollback", { reason: "orders without a key" })).body.version, first);
  assert.equal((await place(one, { order: "o-2" })).status, 202);
  assert.equal(await versionOfRun(one, "o-2"), first);
  await one.stop();

  const two = await start();
  assert.equal(two.version, first);
  assert.ok(lines.some((line) => line.includes("mortise start --promote")));
  // The front's schemas are those of the promoted version, not those of the files.
  assert.equal((await place(two, { order: "o-3" })).status, 202);
  assert.equal((await place(two, { reference: "o-3" })).status, 400);
  await two.stop();
  const three = await start(true);
  assert.equal(three.version, body.version);
  assert.equal((await place(three, { reference: "o-5" })).status, 202);
  await three.stop();
  // Nobody has decided against files that are new to the store.
  project.write({ "processes/order.ts": processText("three") });
  const four = await start();
  assert.notEqual(four.version, body.version);
  assert.equal((await place(four, { order: "o-6" })).status, 202);
});

test("with versions: promoted a start takes the promoted version, and says that the files are others", async (t) => {
  const config = `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, versions: "promoted" });`;
  const { project, start, lines } = setUp(t, { "mortise.config.ts": config });
  const one = await start();
  await one.stop();
  project.write({ "processes/order.ts": processText("two") });
  const two = await start();
  assert.equal(two.version, one.version);
  assert.ok(lines.some((line) => line.includes("mortise deploy --promote")));
  const { body } = await admin(two, "/versions", { promote: true, reason: "r" });
  assert.equal(two.version, body.version);
  assert.notEqual(two.version, one.version);
});

test("a version that does not load is refused with file and line, and nothing is changed", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  const first = server.version;
  const versions = async () => (await admin(server, "/versions")).body.versions.length;
  const refused = async (text: string) => {
    project.write({ "processes/order.ts": text });
    return (await admin(server, "/versions", { promote: true, reason: "r" })).body;
  };
  const thrown = await refused(processText("two", { before: `\n\nthrow new Error("no rates for 2027");` }));
  assert.equal(thrown.code, "version-refused");
  assert.match(thrown.detail, /processes\/order\.ts:3: no rates for 2027/);
  assert.match((await refused("export const a = ;")).detail, /processes\/order\.ts:1: syntax/);
  assert.match((await refused(`process.exit(5);`)).detail, /ended the thread with code 5/);
  const name = `import { nothing } from "../lib/a.ts"; export const b = nothing;`;
  project.write({ "lib/a.ts": "export const something = 1;" });
  assert.match((await refused(name)).detail, /processes\/order\.ts:1: .*nothing/);
  assert.equal(await versions(), 1);
  assert.equal(server.version, first);
  assert.equal((await place(server, { order: "o-1" })).status, 202);
});

test("what does not fit the running server is not promoted; what it read at its start is named", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  project.write({ "processes/order.ts": processText("two", { name: "renamed" }) });
  const { body } = await admin(server, "/versions", { promote: true, reason: "r" });
  assert.equal(body.code, "version-unfit");
  assert.match(body.detail, /apis\/orders\.v1\.ts: placeOrder names the process order/);
  project.write({
    "processes/order.ts": processText("two"),
    "apis/orders.v1.ts": files["apis/orders.v1.ts"].replace("/orders/v1", "/orders/v2"),
  });
  const deployed = (await admin(server, "/versions", { promote: true, reason: "r" })).body;
  assert.deepEqual(deployed.reload, ["apis/orders.v1.ts"]);
  assert.equal((await place(server, { order: "o-1" })).status, 202);
});

test("only an admin deploys, and only what was checked", async (t) => {
  const { start } = setUp(t);
  const server = await start();
  const { body } = await admin(server, "/tokens", { name: "op", role: "operator" });
  const asOperator = (path: string) =>
    send(`${server.adminUrl}${path}`, { authorization: `Bearer ${body.token}` }, { reason: "r" });
  for (const path of ["/versions", `/versions/${server.version}/promote`, "/rollback"])
    assert.equal((await asOperator(path)).status, 403, path);
  const other = await admin(server, "/versions", { expect: "0".repeat(32), reason: "r" });
  assert.equal(other.body.code, "version-differs");
  assert.equal((await admin(server, "/versions/nothing", undefined)).body.code, "version-unknown");
});

test("a version that two decide about at once is promoted by one of them", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  const first = server.version;
  project.write({ "processes/order.ts": processText("two") });
  const both = await Promise.all([
    admin(server, "/versions", { promote: true, reason: "a" }),
    admin(server, "/versions", { promote: true, reason: "b" }),
  ]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  );
  assert.deepEqual(both.map(({ body }) => body.fresh).sort(), [false, true]);
  assert.ok(existsSync(join(project.folder, ".mortise/versions", first)));
});

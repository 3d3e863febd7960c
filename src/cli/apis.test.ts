/** Versions of APIs, against a real server of a real project. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadProject } from "../server/project/project.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-apis-"));
const project = join(home, "demo");
let server: RunningServer;
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });
const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await run(...args, "--json")).out) as T;
const start = async () => startServer(await loadProject(project), { apiPort: 0, adminPort: 0, log: () => {} });

before(async () => {
  await mortise(["init", "demo"], { folder: home });
  writeFileSync(
    join(project, "apis", "quotes.v2.ts"),
    `import { defineApi, deprecated, post, published } from "mortise";
import { quote } from "../processes/quote.ts";
const operations = { place: post("/quotes", { access: "public", starts: quote }) };
export const v3 = defineApi({ name: "shop", version: "3.0.0", base: "/shop/v3", lifecycle: published(), access: [], operations });
export const v2 = defineApi({ name: "shop", version: "2.0.0", base: "/shop/v2", access: [], operations,
  lifecycle: deprecated({ since: "2026-01-01", sunset: "2999-01-01", migration: "/moving", successor: v3 }) });
`,
  );
  server = await start();
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

const place = async (version: string) => {
  const answer = await fetch(`${server.apiUrl}/shop/${version}/quotes`, { method: "POST", body: "{}" });
  await answer.body?.cancel();
  return answer.status;
};

test("versions are listed with their states", async () => {
  const { apis } = await json<{ apis: { name: string; version: string; lifecycle: string; successor?: string }[] }>(
    "apis",
    "list",
  );
  const shop = apis.filter(({ name }) => name === "shop");
  assert.deepEqual(
    shop.map(({ version, lifecycle, successor }) => [version, lifecycle, successor]),
    [
      ["2.0.0", "deprecated", "/shop/v3"],
      ["3.0.0", "published", undefined],
    ],
  );
  assert.match(
    (await run("apis", "list")).out,
    /shop +2\.0\.0 +\/shop\/v2 +deprecated +ends 2999-01-01 .*then \/shop\/v3/,
  );
});

test("an operator blocks a version at once and across a restart, with a reason in the audit, and unblocks it", async () => {
  assert.equal(await place("v2"), 415);
  const blocked = await run("apis", "block", "shop", "2.0.0", "--reason", "booked twice", "--retry-after", "10m");
  assert.deepEqual([blocked.code, blocked.out], [0, "shop 2.0.0 is blocked: callers are answered 503\n"]);
  assert.equal(await place("v2"), 503);
  assert.equal(await place("v3"), 415);
  await server.stop();
  server = await start();
  const answer = await fetch(`${server.apiUrl}/shop/v2/quotes`, { method: "POST" });
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "600"]);
  await answer.body?.cancel();
  assert.match((await run("apis", "list")).out, /deprecated, blocked +by local:\S+ since .*: booked twice/);
  const unknown = await run("apis", "block", "shop", "9.0.0", "--reason", "x");
  assert.deepEqual([unknown.code, /no version 9\.0\.0 of an API shop/.test(unknown.err)], [1, true]);
  assert.equal((await run("apis", "unblock", "shop", "2.0.0", "--reason", "mended")).code, 0);
  assert.equal(await place("v2"), 415);
  assert.equal((await run("apis", "unblock", "shop", "2.0.0", "--reason", "mended")).code, 1);
  const audit = await fetch(`${server.adminUrl}/audit`, { headers: { authorization: `Bearer ${server.adminToken}` } });
  const { entries } = (await audit.json()) as { entries: Record<string, string>[] };
  assert.deepEqual(
    entries.slice(0, 4).map(({ action, target, reason, result }) => `${action} ${target} ${reason} ${result}`),
    [
      "api.unblock shop/2.0.0 mended api-not-blocked",
      "api.unblock shop/2.0.0 mended done",
      "api.block shop/9.0.0 x api-version-unknown",
      "api.block shop/2.0.0 booked twice done",
    ],
  );
});

test("who called what is counted, across a stop", async () => {
  const quote = JSON.stringify({ id: "q-1", customer: "acme", lines: [{ sku: "bolt", quantity: 1 }] });
  const call = async (version: string) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${server.apiUrl}/shop/${version}/quotes`, { method: "POST", headers, body: quote });
    await answer.body?.cancel();
    return answer.status;
  };
  const before = await json<{ usage: { calls: number }[] }>("apis", "usage", "shop", "3.0.0");
  const had = before.usage[0]?.calls ?? 0;
  assert.equal(await call("v3"), 202);
  assert.equal(await call("v3"), 202);
  await server.stop();
  server = await start();
  assert.equal(await call("v3"), 202);
  const { usage } = await json<{ usage: Record<string, unknown>[] }>("apis", "usage", "shop", "3.0.0", "--days", "1");
  const [one] = usage;
  assert.deepEqual([usage.length, one?.consumer, one?.operation, one?.calls], [1, "", "place", had + 3]);
  assert.match(
    (await run("apis", "usage", "shop", "3.0.0")).out,
    /\(public\) +3\.0\.0 +place +\d+ +\d+ \(0 the week before\)/,
  );
  assert.equal((await run("apis", "usage", "shop", "3.0.0", "--days", "none")).code, 1);
  // Both begin on the day that the first call of the window can have been on.
  const froms = async (): Promise<readonly unknown[]> => {
    const all = [];
    for (const words of [["usage"], ["usage", "--days", "30"], ["migration"]]) {
      const [what = "", ...options] = words;
      all.push((await json<{ from: string }>("apis", what, "shop", "3.0.0", ...options)).from);
    }
    return all;
  };
  const day = () => new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
  let before30 = day();
  let begun = await froms();
  // Midnight came between.
  if (before30 !== day()) [before30, begun] = [day(), await froms()];
  assert.deepEqual(begun, [before30, before30, before30]);
});

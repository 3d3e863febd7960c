/** `mortise secrets`, against a real server of a real project. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadProject } from "../server/project/project.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-secrets-"));
const project = join(home, "demo");
let server: RunningServer;
const run = (args: readonly string[], secret?: string): Promise<Ran> =>
  mortise(args, { folder: project, ...(secret === undefined ? {} : { secret }) });

before(async () => {
  await mortise(["init", "demo"], { folder: home });
  writeFileSync(
    join(project, "mortise.config.ts"),
    'import { defineConfig, secret } from "mortise"; export default defineConfig({ encryption: { key: secret("STORE_KEY") } });',
  );
  mkdirSync(join(project, "apis"), { recursive: true });
  writeFileSync(
    join(project, "apis", "partners.v1.ts"),
    `import { basic, defineApi, get, published, secret } from "mortise"; import { quote } from "../processes/quote.ts";
export default defineApi({ name: "partners", version: "1.0.0", base: "/partners/v1", lifecycle: published(),
  access: [basic({ users: { acme: { password: secret("acme-password"), scopes: ["read"] } } })],
  operations: { getQuote: get("/quotes/{key}", { scope: "read", run: quote, allow: () => true }) } });`,
  );
  server = await startServer(await loadProject(project), {
    apiPort: 0,
    adminPort: 0,
    environment: { STORE_KEY: Buffer.alloc(32, 7).toString("base64"), "acme-password": "of-the-environment" },
    log: () => {},
  });
});
after(async () => {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

test("a secret is set without being shown, listed without its value, and removed", async () => {
  assert.match((await run(["secrets", "list"])).out, /acme-password +environment +apis\/partners: access/);
  const value = "canary-of-the-store";
  const set = await run(["secrets", "set", "acme-password", "--reason", "yearly"], value);
  assert.deepEqual([set.code, set.err], [0, ""]);
  assert.match(
    set.out,
    /^set acme-password: in force for the next call of apis\/partners: access\.users\.acme\.password\n$/,
  );
  const get = (password: string) =>
    fetch(`${server.apiUrl}/partners/v1/quotes/none`, {
      headers: { authorization: `Basic ${Buffer.from(`acme:${password}`).toString("base64")}` },
    });
  assert.equal((await get("of-the-environment")).status, 401);
  assert.equal((await get(value)).status, 404);
  const list = await run(["secrets", "list"]);
  assert.match(list.out, /acme-password +store +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +local/);
  const unused = await run(["secrets", "set", "for-later"], "x");
  assert.match(
    unused.out,
    /set for-later: nothing uses it yet\ncareful a secret is short or an ordinary word: the log masks/,
  );
  const removed = await run(["secrets", "remove", "acme-password"]);
  assert.match(removed.out, /^removed acme-password from the store: its value comes from the environment now\n$/);
  assert.equal((await get("of-the-environment")).status, 404);
  const twice = await run(["secrets", "remove", "acme-password"]);
  assert.deepEqual([twice.code, /secret-unknown/.test(twice.err)], [1, true]);
  const whole = [set, list, removed, await run(["secrets", "list", "--json"])]
    .map(({ out, err }) => out + err)
    .join("");
  assert.ok(!whole.includes("canary"));
});

test("a value is never an argument", async () => {
  const given = await run(["secrets", "set", "acme-password", "on-the-command-line"]);
  assert.equal(given.code, 2);
  const none = await run(["secrets", "set", "acme-password"]);
  assert.match(none.err, /pipe it in/);
});

test("while no server runs a secret is written into the store itself, sealed and with its audit, and the next start uses it", async (t) => {
  const folder = join(home, "offline");
  await mortise(["init", "offline"], { folder: home });
  const config = (key: string) =>
    writeFileSync(
      join(folder, "mortise.config.ts"),
      `import { defineConfig, secret } from "mortise"; export default defineConfig({ ${key} });`,
    );
  // The configuration is read once in a process: each way has its own.
  config('encryption: { key: secret("STORE_KEY") }');
  mkdirSync(join(folder, "apis"), { recursive: true });
  copyFileSync(join(project, "apis", "partners.v1.ts"), join(folder, "apis", "partners.v1.ts"));
  const env = { STORE_KEY: Buffer.alloc(32, 9).toString("base64") };
  const offline = (args: readonly string[], secret?: string, given: Readonly<Record<string, string>> = env) =>
    mortise(["secrets", "set", ...args, "--offline"], {
      folder,
      env: given,
      ...(secret === undefined ? {} : { secret }),
    });

  const unserved = await mortise(["secrets", "set", "acme-password"], { folder, env, secret: "x" });
  assert.match(unserved.err, /mortise secrets set acme-password --offline/);
  const keyless = await offline(["acme-password"], "x", {});
  assert.match(keyless.err, /values are missing: secret STORE_KEY \(encryption\.key\)/);
  assert.ok(!existsSync(join(folder, ".mortise", "mortise.db")), "nothing was made");
  const value = "canary-without-a-server";
  const set = await offline(["acme-password", "--reason", "first"], value);
  assert.deepEqual([set.code, set.err], [0, ""]);
  assert.equal(set.out, "set acme-password: in the store, and in force from the next start on\n");
  for (const file of readdirSync(join(folder, ".mortise")))
    assert.ok(!readFileSync(join(folder, ".mortise", file)).includes("canary"), file);
  assert.match((await offline(["acme-password"], "two\nlines")).err, /one line/);
  assert.match((await offline(["../x"], value)).err, /a name is up to 100 letters/);
  assert.match((await offline(["acme-password"])).err, /pipe it in/);
  assert.match((await offline(["for-later"], "x")).out, /careful a secret is short/);
  const other = { STORE_KEY: Buffer.alloc(32, 8).toString("base64") };
  assert.match((await offline(["acme-password"], "y", other)).err, /encryption-key-missing/);
  // Two at once: one is done, or both, and neither half.
  const both = await Promise.all([offline(["twice"], "the-first-value"), offline(["twice"], "the-second-value")]);
  assert.ok(both.some(({ code }) => code === 0));
  for (const { code, err } of both) if (code !== 0) assert.match(err, /--offline/);

  const running = await startServer(await loadProject(folder), {
    apiPort: 0,
    adminPort: 0,
    environment: env,
    log: () => {},
  });
  t.after(() => running.stop());
  const asked = await fetch(`${running.apiUrl}/partners/v1/quotes/none`, {
    headers: { authorization: `Basic ${Buffer.from(`acme:${value}`).toString("base64")}` },
  });
  assert.equal(asked.status, 404);
  const list = await mortise(["secrets", "list"], { folder });
  assert.match(list.out, /acme-password +store +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +local:/);
  const headers = { authorization: `Bearer ${running.adminToken}` };
  const audit = (await (await fetch(`${running.adminUrl}/audit`, { headers })).text()) as string;
  assert.match(audit, /"secret\.set","target":"acme-password","reason":"first","result":"done"/);
  const busy = await offline(["acme-password"], "z");
  assert.equal(busy.code, 1);
  assert.match(busy.err, /a server runs on this store, .*without --offline it is asked/);
});

test("without a key of the store nothing is kept in it, also while no server runs", async () => {
  const folder = join(home, "clear");
  await mortise(["init", "clear"], { folder: home });
  writeFileSync(
    join(folder, "mortise.config.ts"),
    'import { defineConfig } from "mortise"; export default defineConfig({});',
  );
  const set = await mortise(["secrets", "set", "a", "--offline"], { folder, secret: "a-long-value-1" });
  assert.match(set.err, /The store keeps secrets only where it encrypts.*\(secrets-unencrypted\)/);
  assert.ok(!existsSync(join(folder, ".mortise", "mortise.db")));
});

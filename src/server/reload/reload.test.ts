import assert from "node:assert/strict";
import { chmodSync, cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Agent, get } from "../../http.ts";
import { admin, files, place, processText, type Running, send, setUp } from "../versions/test-versions.ts";
import { keepAliveLoad } from "./load.ts";

const api = (
  mark: string,
  more = "",
) => `import { apiKey, defineApi, get, post, published } from "mortise"; import { order } from "../processes/order.ts";
  const mark = "${mark}";
  export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [apiKey()], ${more}
    operations: { placeOrder: post("/orders", { access: "public", starts: order }),
      ${mark}: get("/${mark}/{key}", { access: "public", run: order, allow: ({ run }) => { if (mark !== "${mark}") throw new Error("mixed"); return true; } }) } });`;

const reload = (server: Awaited<ReturnType<Running["start"]>>, promote = false) =>
  admin(server, "/reload", { reason: "changed", promote });
const problems = (body: { problems: readonly { file?: string; line?: number; message: string }[] }) =>
  body.problems
    .map(({ file, line, message }) => `${file ?? ""}${line === undefined ? "" : `:${line}`} ${message}`)
    .join("\n");

test("a changed API is served after a reload, and one that was taken away is gone; the version of the code stays", async (t) => {
  const { project, start } = setUp(t, { "apis/orders.v1.ts": api("first") });
  const server = await start();
  const { version } = server;
  assert.equal((await place(server, { order: "o-1" })).status, 202);
  const shown = (mark: string) => send(`${server.apiUrl}/orders/v1/${mark}/o-1`, {});
  assert.equal((await shown("first")).status, 200);
  project.write({ "apis/orders.v1.ts": api("second") });
  assert.equal((await shown("second")).status, 404, "nothing is taken by itself");
  const answer = await reload(server);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.deepEqual(answer.body, { files: ["apis/orders.v1.ts"], version, restart: [], notices: [] });
  assert.deepEqual([(await shown("first")).status, (await shown("second")).status], [404, 200]);
  assert.equal(server.version, version);
  assert.deepEqual((await reload(server)).body.files, []);
  const [, entry] = (await admin(server, "/audit")).body.entries;
  assert.deepEqual([entry.action, entry.reason, entry.result], ["server.reload", "changed", "done"]);
});

test("changed code of a process is promoted by a reload as by a start: new runs start on it, a decision of people stays", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  const first = server.version;
  await place(server, { order: "o-1" });
  project.write({ "processes/order.ts": processText("two", { field: "reference" }) });
  const { body } = await reload(server);
  assert.equal(body.before, first);
  assert.equal(server.version, body.version);
  assert.equal((await place(server, { order: "o-2" })).status, 400);
  assert.equal((await place(server, { reference: "o-2" })).status, 202);
  const versionOf = async (key: string) => (await admin(server, `/runs?key=${key}`)).body.runs[0].version;
  assert.deepEqual([await versionOf("o-1"), await versionOf("o-2")], [first, body.version]);

  await admin(server, "/rollback", { reason: "orders without a key" });
  const kept = (await reload(server)).body;
  assert.match(kept.kept, /left for the promoted one/);
  assert.equal(server.version, first);
  assert.equal((await place(server, { order: "o-3" })).status, 202);
  assert.equal((await reload(server, true)).body.version, body.version);
  assert.equal(server.version, body.version);
});

test("with versions: promoted a reload takes APIs and settings, and no code of processes", async (t) => {
  const { project, start } = setUp(t, {
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, versions: "promoted" });`,
    "apis/orders.v1.ts": api("first"),
  });
  const server = await start();
  const first = server.version;
  project.write({
    "processes/order.ts": processText("two", { field: "reference" }),
    "apis/orders.v1.ts": api("second"),
  });
  const { body } = await reload(server);
  assert.match(body.kept, /another code version than the promoted one/);
  assert.deepEqual([body.version, server.version], [first, first]);
  assert.equal((await place(server, { order: "o-1" })).status, 202);
  assert.equal((await send(`${server.apiUrl}/orders/v1/second/o-1`, {})).status, 200);
});

test("what can't be put in force while it runs is named", async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  project.write({
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 1 }, admin: { port: 0 }, secrets: "other", log: { level: "warn" },
        limits: { connectionsPerAddress: 1000 }, shutdown: { grace: "5s" } });`,
  });
  const { body } = await reload(server);
  assert.deepEqual(body.restart, ["api.port", "log.level"]);
  assert.equal((await place(server, { order: "o-1" })).status, 202);
});

const contractFile = "apis/published/orders.v1.json";
const cases: readonly {
  readonly what: string;
  readonly write?: Readonly<Record<string, string>>;
  readonly remove?: string;
  readonly open?: string;
  readonly told: RegExp;
}[] = [
  {
    what: "a syntax error",
    write: { "apis/orders.v1.ts": "\n\nexport default {;" },
    told: /^apis\/orders\.v1\.ts:3 syntax/,
  },
  {
    what: "code that throws",
    write: { "processes/order.ts": processText("two", { before: "\nthrow new Error('no rates');" }) },
    told: /^processes\/order\.ts:2 no rates/,
  },
  {
    what: "a definition of the wrong type",
    write: {
      "mortise.config.ts":
        'import { defineConfig } from "mortise"; export default defineConfig({ api: { port: "many" as any } });',
    },
    told: /^mortise\.config\.ts api\.port must be a whole number/,
  },
  {
    what: "an API that says nothing of access",
    write: { "apis/orders.v1.ts": files["apis/orders.v1.ts"].replace('access: "public", ', "") },
    told: /^apis\/orders\.v1\.ts:\d+ .*neither a scope/,
  },
  {
    what: "an import of nothing",
    write: { "apis/orders.v1.ts": `import { none } from "../processes/order.ts"; export const x = none;` },
    told: /^apis\/orders\.v1\.ts:1 .*does not provide an export named 'none'/,
  },
  {
    what: "a missing secret",
    write: {
      "apis/orders.v1.ts": files["apis/orders.v1.ts"]
        .replace(
          "access: [apiKey()]",
          'access: [basic({ users: { a: { password: secret("not-there"), scopes: [] } } })]',
        )
        .replace("apiKey,", "basic, secret,"),
    },
    told: /secret not-there \(apis\/orders: access\.users\.a\.password\)/,
  },
  {
    what: "a file that is gone",
    remove: "processes/order.ts",
    told: /^apis\/orders\.v1\.ts:1 imports \.\.\/processes\/order\.ts, and there is no such file/,
  },
  {
    what: "two APIs at one address",
    write: { "apis/other.v1.ts": files["apis/orders.v1.ts"].replace('name: "orders"', 'name: "others"') },
    told: /is served already/,
  },
  {
    what: "a certificate that can't be read",
    write: {
      "mortise.config.ts": files["mortise.config.ts"].replace(
        "port: 0 }",
        'port: 0, certificate: "a.pem", key: "a.key" }',
      ),
    },
    told: /the TLS file a\.pem can't be read/,
  },
  {
    what: "a secret file that others can read",
    write: {
      "secrets/not-there": "x".repeat(20),
      "apis/orders.v1.ts": files["apis/orders.v1.ts"]
        .replace(
          "access: [apiKey()]",
          'access: [basic({ users: { a: { password: secret("not-there"), scopes: [] } } })]',
        )
        .replace("apiKey,", "basic, secret,"),
    },
    open: "secrets/not-there",
    told: /chmod 600/,
  },
  {
    what: "a published contract that is broken",
    write: {
      [contractFile]: "PUBLISHED",
      "apis/orders.v1.ts": files["apis/orders.v1.ts"].replace('"/orders"', '"/purchases"'),
    },
    told: /^apis\/orders\.v1\.ts .*orders/,
  },
];

test("whatever is wrong, nothing is changed, the place is told, and the next reload is none the worse", async (t) => {
  const { project, lines, start } = setUp(t);
  const server = await start();
  const published = await (await fetch(`${server.apiUrl}/orders/v1/openapi.json`)).text();
  const { version } = server;
  let count = 0;
  for (const { what, write = {}, remove, open, told } of cases) {
    for (const [path, text] of Object.entries(write))
      project.write({ [path]: text === "PUBLISHED" ? published : text });
    if (remove !== undefined) rmSync(join(project.folder, remove));
    if (open !== undefined) chmodSync(join(project.folder, open), 0o644);
    const { status, body } = await reload(server);
    assert.deepEqual([status, body.code], [422, "reload-refused"], `${what}: ${JSON.stringify(body)}`);
    assert.match(problems(body), told, what);
    assert.equal(server.version, version);
    assert.equal((await place(server, { order: `o-${count++}` })).status, 202, what);
    for (const path of Object.keys(write)) rmSync(join(project.folder, path));
    rmSync(join(project.folder, "apis/published"), { recursive: true, force: true });
    project.write(files);
    assert.equal((await reload(server)).status, 200, what);
  }
  assert.equal((await admin(server, "/versions")).body.versions.length, 1);
  assert.ok(
    lines.some((line) => line.includes("the project was not reloaded")),
    lines.at(-1),
  );
  assert.ok(
    (await admin(server, "/audit")).body.entries.some((entry: { result: string }) => entry.result === "reload-refused"),
  );
});

test("counts of limits go on over a reload, and what a module holds stays unless it has changed", async (t) => {
  const limits = (rate: number) => `limits: [{ per: "all", rate: ${rate}, every: "1h" }],`;
  const { project, start } = setUp(t, { "apis/orders.v1.ts": api("first", limits(4)) });
  const server = await start();
  const ask = async () => (await place(server, { order: "o-1" })).status;
  assert.deepEqual(
    [await ask(), await ask()],
    [202, 202].map(() => 202),
  );
  project.write({ "apis/orders.v1.ts": api("second", limits(4)) });
  await reload(server);
  assert.deepEqual([await ask(), await ask(), await ask()], [202, 202, 429]);
  project.write({ "apis/orders.v1.ts": api("second", limits(5)) });
  await reload(server);
  assert.equal(await ask(), 202, "another limit begins anew");
});

test("a request under way ends on what it began with; reloads, deployments and secrets take turns", async (t) => {
  const { project, start } = setUp(t, { "apis/orders.v1.ts": api("first") });
  const server = await start();
  await place(server, { order: "o-1" });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  // It waits for the end of its run, for a second.
  const waiting = new Promise<number>((resolve, reject) => {
    get(`${server.apiUrl}/orders/v1/first/o-1`, { agent, headers: { prefer: "wait=1" } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    }).on("error", reject);
  });
  project.write({ "apis/orders.v1.ts": api("second"), "processes/order.ts": processText("two") });
  const all = await Promise.all([
    reload(server),
    reload(server),
    admin(server, "/versions", { promote: true, reason: "r" }),
    reload(server),
  ]);
  assert.deepEqual(
    all.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal(all.filter(({ body }) => body.files?.length === 1).length, 1);
  assert.equal(await waiting, 200);
  assert.equal((await send(`${server.apiUrl}/orders/v1/second/o-1`, {})).status, 200);
});

test("100 reloads under load: no request fails, each is answered by one definition, on connections that are kept and on new ones", {
  timeout: 120_000,
}, async (t) => {
  const { project, start } = setUp(t, { "apis/orders.v1.ts": api("m0") });
  const server = await start();
  await place(server, { order: "o-1" });
  const load = keepAliveLoad(server.apiUrl, "/orders/v1/openapi.json");
  for (let count = 1; count <= 100; count++) {
    project.write({ "apis/orders.v1.ts": api(`m${count}`) });
    const { status, body } = await reload(server);
    assert.equal(status, 200, JSON.stringify(body));
    load.reached(count);
  }
  const { answers, failed, mixed } = await load.stop();
  assert.deepEqual({ failed, mixed }, { failed: [], mixed: [] });
  assert.ok(answers > 500, `${answers} requests`);
});

test("a server that was killed in the middle of a reload starts again, on the one code or the other", {
  timeout: 60_000,
}, async (t) => {
  const { project, start } = setUp(t);
  const server = await start();
  const first = server.version;
  await server.stop();
  // What a reload had done when it was killed: pinned and not yet registered; or half written.
  project.write({ "processes/order.ts": processText("two") });
  const store = join(project.folder, ".mortise");
  cpSync(join(store, "versions", first), join(store, "versions", ".new-0123456789ab"), { recursive: true });
  rmSync(join(store, "versions", ".new-0123456789ab", "version.json"));
  const again = await start();
  assert.notEqual(again.version, first);
  assert.equal((await place(again, { order: "o-1" })).status, 202);
  await again.stop();
  const third = await start();
  assert.equal(third.version, again.version);
});

/** What was published when, and what changed: written down by `mortise publish`, shown by the command and by the server. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OpenApiDocument } from "../publish/openapi.ts";
import { migrationBoard } from "../server/apis/published/migration.ts";
import { loadProject } from "../server/project/project.ts";
import { startServer } from "../server/server.ts";
import { mortise } from "./test-terminal.ts";

const today = () => new Date().toISOString().slice(0, 10);

interface Version {
  readonly version: string;
  readonly base: string;
  readonly input: string;
  readonly lifecycle?: string;
  readonly limits?: string;
}

interface Told {
  readonly version: string;
  readonly date?: string;
  readonly nth?: number;
  readonly since?: { readonly version: string; readonly date?: string; readonly nth?: number };
  readonly note?: string;
  readonly deprecation?: { readonly sunset: string; readonly successor: string };
  readonly changes: readonly {
    readonly verdict: string;
    readonly rule: string;
    readonly at: string;
    readonly example?: string;
  }[];
}

async function shop(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "mortise-changelog-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  await mortise(["init", "demo"], { folder: home });
  const demo = join(home, "demo");
  let count = 0;
  const run = (...args: string[]) => mortise(args, { folder: demo });
  return {
    demo,
    run,
    history: join(demo, "apis/published/history"),
    /** These versions, and no others; under names of their own, since Node keeps what it has imported. */
    write(...versions: readonly Version[]) {
      count += 1;
      for (const folder of ["processes", "apis"]) {
        mkdirSync(join(demo, folder), { recursive: true });
        rmSync(join(demo, folder, `o${count - 1}.ts`), { force: true });
      }
      const processes = versions.map(
        ({ input }, at) => `export const place${at} = defineProcess({ name: "place${at}", input: t.object({ ${input} }),
  output: t.object({ number: t.string() }), key: ({ id }) => id, run: async () => ({ number: "N" }) });`,
      );
      const apis = versions.map(
        (
          { version, base, lifecycle = "published()", limits = "[]" },
          at,
        ) => `export const api${at} = defineApi({ name: "orders", version: "${version}", base: "${base}",
  lifecycle: ${lifecycle}, limits: ${limits}, access: [apiKey()], operations: { placeOrder: post("/orders", { scope: "orders:write", starts: place${at} }) } });`,
      );
      const imported = versions.map((_, at) => `place${at}`).join(", ");
      writeFileSync(
        join(demo, "processes", `o${count}.ts`),
        `import { defineProcess, t } from "mortise";\n${processes.join("\n")}\n`,
      );
      writeFileSync(
        join(demo, "apis", `o${count}.ts`),
        `import { apiKey, defineApi, deprecated, post, published } from "mortise";\nimport { ${imported} } from "../processes/o${count}.ts";\n${apis.join("\n")}\n`,
      );
    },
    async told(...args: string[]): Promise<readonly Told[]> {
      const { code, out, err } = await run("apis", "changelog", "orders", ...args, "--json");
      assert.equal(code, 0, err);
      return (JSON.parse(out) as { versions: readonly Told[] }).versions;
    },
    async publish(...args: string[]) {
      const { code, out, err } = await run("publish", "orders", ...args);
      assert.equal(code, 0, `${out}\n${err}`);
    },
  };
}

const v1: Version = { version: "1.0.0", base: "/orders/v1", input: "id: t.string()" };
const v11: Version = { ...v1, version: "1.1.0", input: "id: t.string(), note: t.optional(t.string())" };
const v2: Version = { version: "2.0.0", base: "/orders/v2", input: "id: t.string(), customer: t.string()" };
const ending = `deprecated({ since: "2030-01-01", sunset: "2030-07-01", migration: "https://docs.harbour.example/v2", successor: api0 })`;

test("each version that is published is written down with its day, its note, and what changed since the one before", async (t) => {
  const { write, publish, told, history, run } = await shop(t);
  const none = await run("apis", "changelog", "orders");
  assert.match(none.err, /nothing is on record yet; mortise publish writes it down/);
  write(v1);
  await publish("--note", "The first one.");
  assert.deepEqual(readdirSync(history), [`orders.1.0.0.${today()}.json`]);
  assert.deepEqual(await told(), [{ version: "1.0.0", date: today(), changes: [], note: "The first one." }]);

  write(v11);
  await publish();
  write(v11, v2);
  await publish();
  const [second, minor, first, ...more] = await told();
  assert.deepEqual([more.length, first?.version], [0, "1.0.0"]);
  assert.deepEqual([minor?.version, minor?.since], ["1.1.0", { version: "1.0.0", date: today() }]);
  assert.deepEqual(
    minor?.changes.map(({ verdict, at }) => [verdict, at]),
    [["safe", "placeOrder: request"]],
  );
  assert.deepEqual([second?.version, second?.since?.version], ["2.0.0", "1.1.0"]);
  const breaking = second?.changes.filter(({ verdict }) => verdict === "breaking") ?? [];
  assert.deepEqual(breaking.map(({ rule }) => rule).sort(), ["required-property", "unknown-property"]);
  const base = second?.changes.find(({ rule }) => rule === "base-path");
  assert.equal(base?.verdict, "safe", "a new major version has a base path of its own");
  assert.match(breaking.find(({ rule }) => rule === "required-property")?.example ?? "", /^fails: \{"id":/);
  assert.equal(second?.changes[0]?.verdict, "breaking", "the worst first");
});

test("a deprecation is told with its sunset and its successor, in an entry of its own on the same day", async (t) => {
  const { write, publish, told, history } = await shop(t);
  write(v1);
  await publish();
  write(v2, { ...v1, lifecycle: ending });
  await publish();
  assert.deepEqual(readdirSync(history).sort(), [
    `orders.1.0.0.${today()}.2.json`,
    `orders.1.0.0.${today()}.json`,
    `orders.2.0.0.${today()}.json`,
  ]);
  const old = (await told()).find(({ version }) => version === "1.0.0");
  assert.deepEqual([old?.deprecation?.sunset, old?.deprecation?.successor], ["2030-07-01T00:00:00.000Z", "/orders/v2"]);
});

test("several publications on one day add up: each keeps its note and its changes, compared with the one before", async (t) => {
  const { write, publish, told, history, run, demo } = await shop(t);
  const input = (...names: readonly string[]) =>
    ["id: t.string()", ...names.map((name) => `${name}: t.optional(t.string())`)].join(", ");
  write(v1);
  await publish("--note", "The first one.");
  write({ ...v1, input: input("note") });
  await publish("--note", "A note is possible.");
  write({ ...v1, input: input("note", "colour") });
  await publish("--note", "A colour is possible.");
  assert.equal(readdirSync(history).length, 3);
  const all = await told();
  assert.deepEqual(
    all.map(({ nth, note, since, changes }) => [nth, note, since?.nth, changes.length]),
    [
      [3, "A colour is possible.", 2, 1],
      [2, "A note is possible.", undefined, 1],
      [undefined, "The first one.", undefined, 0],
    ],
  );
  const { out } = await run("apis", "changelog", "orders");
  assert.ok(
    out.includes(`orders 1.0.0 (${today()}, no. 3), since 1.0.0 (${today()}, no. 2)\n  A colour is possible.`),
    out,
  );
  const [whole] = await told(`1.0.0@${today()}.1`, "1.0.0");
  assert.deepEqual([whole?.note, whole?.changes.length], ["A colour is possible.", 1]);
  const unknown = await run("apis", "changelog", "orders", "1.0.0@2026-01-01");
  assert.ok(unknown.err.includes(`there are: 1.0.0@${today()}.3, 1.0.0@${today()}.2, 1.0.0@${today()}.1`), unknown.err);
  // A crash between the record and the contract: the same is written once more, not as one more.
  const lock = join(demo, "apis/published/orders.v1.json");
  const published = JSON.parse(readFileSync(join(history, `orders.1.0.0.${today()}.2.json`), "utf8")) as {
    document: object;
  };
  writeFileSync(lock, JSON.stringify(published.document));
  await publish();
  assert.deepEqual(await told(), all);
});

test("a note goes to the one version that is written; else nothing is written, and it is asked of which", async (t) => {
  const { write, publish, told, run, history } = await shop(t);
  write(v1);
  await publish("--note", "The first one.");
  const nothing = await run("publish", "orders", "--note", "Forgotten.");
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /nothing has changed that it could be told of/);
  write(v2, { ...v1, lifecycle: ending });
  const both = await run("publish", "orders", "--note", "Prices are in euros.");
  assert.equal(both.code, 1);
  assert.match(
    both.err,
    /it would be told of each of orders@2\.0\.0, orders@1\.0\.0; say of which one: mortise publish orders@2\.0\.0 --note/,
  );
  assert.deepEqual(readdirSync(history), [`orders.1.0.0.${today()}.json`]);
  const one = await run("publish", "orders@2.0.0", "--note", "Prices are in euros.");
  assert.deepEqual([one.code, one.out.split(":")[0]], [0, "orders 2.0.0 published"]);
  await publish();
  assert.deepEqual(
    (await told()).map(({ version, note }) => [version, note]),
    [
      ["2.0.0", "Prices are in euros."],
      ["1.0.0", undefined],
      ["1.0.0", "The first one."],
    ],
  );
  const strange = await run("publish", "orders@3.0.0");
  assert.match(strange.err, /there is no version 3\.0\.0 of orders; there are: orders@2\.0\.0, orders@1\.0\.0/);
});

test("limits that come or go are one safe line, of the changelog and of the migration board", async (t) => {
  const { write, publish, told, demo } = await shop(t);
  const limits = '[{ per: "consumer", rate: 5, every: "1s" }]';
  write({ ...v1, limits });
  await publish();
  write({ ...v1, limits }, { ...v1, version: "2.0.0", base: "/orders/v2" });
  await publish();
  const [second] = await told();
  assert.deepEqual(
    second?.changes.map(({ verdict, rule }) => [verdict, rule]),
    [
      ["safe", "answer-header"],
      ["safe", "base-path"],
    ],
  );
  const [back] = await told("2.0.0", "1.0.0");
  assert.deepEqual(
    back?.changes.map(({ verdict, rule }) => [verdict, rule]),
    [
      ["safe", "answer-header"],
      ["safe", "base-path"],
    ],
  );
  const { apis } = await loadProject(demo);
  const document = (_: string, version: string) =>
    JSON.parse(readFileSync(join(demo, `apis/published/orders.v${version[0]}.json`), "utf8")) as OpenApiDocument;
  const call = {
    version: "1.0.0",
    key: "k",
    consumer: "acme",
    operation: "placeOrder",
    calls: 1,
    lastAt: 1,
    recent: 1,
    before: 0,
  };
  const board = await migrationBoard(
    {
      apis: () => apis,
      openapi: document,
      inUse: async () => ({ from: "2026-11-27", calls: [call], consumers: ["acme"], openRuns: 0, runs: [] }),
    },
    apis.find(({ name, version }) => name === "orders" && version === "1.0.0")!,
  );
  assert.deepEqual(
    board.consumers[0]?.changes?.map(({ verdict, reason }) => [verdict, reason]),
    [["safe", "header fields that tell of limits are gone"]],
  );
});

test("any two versions are compared, whatever lies between; a day tells two of one version apart", async (t) => {
  const { write, publish, told, history, run } = await shop(t);
  write(v1);
  await publish();
  // Written down on an earlier day.
  const file = join(history, `orders.1.0.0.${today()}.json`);
  writeFileSync(
    join(history, "orders.1.0.0.2026-01-31.json"),
    readFileSync(file, "utf8").replace(today(), "2026-01-31"),
  );
  rmSync(file);
  write({ ...v11, version: "1.0.0" });
  await publish();
  write(v11, v2);
  await publish();
  const [all] = await told("1.0.0@2026-01-31", "2.0.0");
  assert.deepEqual(all?.since, { version: "1.0.0", date: "2026-01-31" });
  assert.ok(all?.changes.some(({ rule }) => rule === "required-property"));
  const [newest] = await told(`1.0.0@${today()}`);
  assert.equal(newest?.version, "2.0.0");
  const [back] = await told("1.1.0", "1.0.0@2026-01-31");
  assert.deepEqual(
    back?.changes.map(({ verdict }) => verdict),
    ["breaking"],
    "the other way round, the note is refused",
  );
  const unknown = await run("apis", "changelog", "orders", "3.0.0");
  assert.match(unknown.err, /3\.0\.0 was never published; there are: 2\.0\.0@.*, 1\.0\.0@2026-01-31/);
  const same = await run("apis", "changelog", "orders", "2.0.0");
  assert.match(same.err, /is the one that it would be compared with/);
  assert.match((await run("apis", "changelog", "stock")).err, /nothing of stock is on record; there are: orders/);
  const { out } = await run("apis", "changelog", "orders", "1.1.0", "2.0.0", "--markdown");
  assert.match(out, /^# Changes of orders\n\n## 2\.0\.0 \(\d{4}-\d\d-\d\d\)\n\nCompared with 1\.1\.0/);
  assert.match(out, /### Breaks callers\n\n- \*\*.*\(required-property\)\n {2}- fails: /s);
});

test("what was published before there was a history is kept, without a day", async (t) => {
  const { write, publish, told, history } = await shop(t);
  write(v1);
  await publish();
  rmSync(history, { recursive: true });
  assert.deepEqual(await told(), [{ version: "1.0.0", changes: [] }]);
  write(v11);
  await publish();
  assert.deepEqual(readdirSync(history).sort(), [`orders.1.0.0.json`, `orders.1.1.0.${today()}.json`]);
  assert.deepEqual(
    (await told()).map(({ version, date, since }) => [version, date, since]),
    [
      ["1.1.0", today(), { version: "1.0.0" }],
      ["1.0.0", undefined, undefined],
    ],
  );
});

test("the server shows the changelog beside the docs, for people and for programs; text in it stays text", async (t) => {
  const { write, publish, demo } = await shop(t);
  write(v1);
  await publish("--note", "<img src=x onerror=alert(1)>");
  write(v1, v2);
  await publish();
  const server = await startServer(await loadProject(demo), { apiPort: 0, adminPort: 0, log: () => {} });
  t.after(() => server.stop());
  const page = await fetch(`${server.apiUrl}/orders/v1/docs/changes`);
  const text = await page.text();
  assert.match(page.headers.get("content-security-policy") ?? "", /^default-src 'none'; style-src 'sha256-/);
  assert.ok(text.includes("Breaks callers") && text.includes(today()));
  assert.ok(text.includes("&#60;img src=x") && !text.includes("<img") && !text.includes("<script"));
  const { versions } = (await (await fetch(`${server.apiUrl}/orders/v2/docs/changes.json`)).json()) as {
    versions: Told[];
  };
  assert.deepEqual(
    versions.map(({ version, date }) => [version, date]),
    [
      ["2.0.0", today()],
      ["1.0.0", today()],
    ],
  );
  assert.ok((await (await fetch(`${server.apiUrl}/orders/v1/docs`)).text()).includes('href="docs/changes"'));
});

test("a damaged file of the history is refused by check and publish, and keeps no server from starting: it decides nothing", async (t) => {
  const { write, publish, demo, run, history } = await shop(t);
  write(v1);
  await publish();
  writeFileSync(join(history, "orders.0.9.0.json"), '{"api":"orders"}');
  const checked = await run("check");
  assert.equal(checked.code, 3);
  assert.match(checked.out + checked.err, /orders\.0\.9\.0\.json can't be read/);
  assert.match((await run("publish")).err, /orders\.0\.9\.0\.json can't be read.*\(api-unpublishable\)/);
  const lines: string[] = [];
  const start = async () =>
    startServer(await loadProject(demo), { apiPort: 0, adminPort: 0, log: (line) => lines.push(line) });
  const server = await start();
  t.after(() => server.stop());
  assert.match(lines.join(""), /The changelog lacks a publication: .*orders\.0\.9\.0\.json can't be read/);
  const { versions } = (await (await fetch(`${server.apiUrl}/orders/v1/docs/changes.json`)).json()) as {
    versions: Told[];
  };
  assert.deepEqual(
    versions.map(({ version }) => version),
    ["1.0.0"],
    "the others are told",
  );
  await server.stop();
  // What decides what is served is not passed over.
  writeFileSync(join(demo, "apis/published/overrides.json"), "{");
  await assert.rejects(start, { code: "version-unfit", message: /overrides\.json/ });
});

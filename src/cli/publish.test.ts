/** The published contract in the project's folder: written, compared, kept, by the commands and by the server. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { MortiseError } from "../errors.ts";
import { loadProject } from "../server/project/project.ts";
import { startServer } from "../server/server.ts";
import { mortise, type Ran } from "./test-terminal.ts";

interface Parts {
  /** Members of the input. */
  readonly input?: string;
  readonly lifecycle?: string;
  readonly version?: string;
  readonly base?: string;
  readonly more?: string;
  /** Another file with APIs. */
  readonly beside?: string;
}

/** A project with one API, `orders`. Each state of it is loaded from a folder of its own, since Node keeps modules. */
async function shop(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "mortise-publish-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  await mortise(["init", "demo"], { folder: home });
  const demo = join(home, "demo");
  const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: demo });
  let count = 0;
  return {
    demo,
    run,
    lock: join(demo, "apis", "published", "orders.v1.json"),
    write({
      input = "",
      lifecycle = "published()",
      version = "1.0.0",
      base = "/orders/v1",
      more = "",
      beside = "",
    }: Parts = {}) {
      // Another name each time: Node keeps what it has imported.
      count += 1;
      for (const folder of ["processes", "apis"]) {
        mkdirSync(join(demo, folder), { recursive: true });
        rmSync(join(demo, folder, `o${count - 1}.ts`), { force: true });
      }
      writeFileSync(
        join(demo, "processes", `o${count}.ts`),
        `import { defineProcess, t } from "mortise";
export const place = defineProcess({ name: "place", input: t.object({ id: t.string(), ${input} }),
  output: t.object({ number: t.string() }), key: ({ id }) => id, run: async () => ({ number: "N" }) });
`,
      );
      writeFileSync(
        join(demo, "apis", `o${count}.ts`),
        `import { apiKey, defineApi, deprecated, draft, get, post, preview, published, retired } from "mortise";
import { place } from "../processes/o${count}.ts";
const operations = { placeOrder: post("/orders", { scope: "orders:write", starts: place }), ${more} };
export const api = defineApi({ name: "orders", version: "${version}", base: "${base}", lifecycle: ${lifecycle}, access: [apiKey()], operations });
${beside}
`,
      );
    },
    /** The process's file in place, as a deployment changes it. */
    change(input: string) {
      const file = join(demo, "processes", `o${count}.ts`);
      writeFileSync(file, readFileSync(file, "utf8").replace(/id: t\.string\(\),[^}]*/, `id: t.string(), ${input} `));
    },
    remove() {
      for (const folder of ["processes", "apis"]) rmSync(join(demo, folder, `o${count}.ts`));
    },
    async starts(): Promise<string[]> {
      const lines: string[] = [];
      const server = await startServer(await loadProject(demo), {
        apiPort: 0,
        adminPort: 0,
        log: (line) => lines.push(line),
      });
      await server.stop();
      return lines;
    },
    async refusal(): Promise<string> {
      const refused = await startServer(await loadProject(demo), { apiPort: 0, adminPort: 0, log: () => {} }).then(
        async (server) => {
          await server.stop();
          return assert.fail("it started");
        },
        (error: unknown) => error,
      );
      assert.ok(refused instanceof MortiseError && refused.code === "version-unfit", String(refused));
      assert.match(refused.message, /^The project can't be served: .* Nothing was started\./s);
      return refused.message;
    },
    async findings(): Promise<{ level: string; rule: string; file: string; message: string }[]> {
      const { out } = await run("check", "--no-types", "--json");
      const { findings } = JSON.parse(out) as {
        findings: { level: string; rule: string; file: string; message: string }[];
      };
      return findings.filter(({ rule }) => rule === "published-contract" || rule === "unpublished");
    },
  };
}

test("the first publication writes the OpenAPI document; the same code publishes nothing more", async (t) => {
  const { demo, write, run, lock, findings, starts } = await shop(t);
  write();
  assert.deepEqual(await findings(), [], "nothing is locked before the first publication");
  const first = await run("publish", "orders");
  assert.deepEqual([first.code, first.out], [0, "orders 1.0.0 published: apis/published/orders.v1.json\n"]);
  const document = JSON.parse(readFileSync(lock, "utf8")) as { openapi: string; paths: object };
  assert.equal(document.openapi, "3.1.1");
  assert.deepEqual(Object.keys(document.paths), ["/orders"]);
  assert.match((await run("publish", "orders")).out, /orders 1\.0\.0 is published as it stands/);
  // Another API of the project is not: now that something is published, that is said.
  assert.deepEqual(
    (await findings()).map(({ level, rule }) => [level, rule]),
    [["warning", "unpublished"]],
  );
  assert.equal((await starts()).filter((line) => line.includes("its contract is not published yet")).length, 1);
  assert.equal((await run("publish")).code, 0);
  assert.deepEqual(await findings(), []);
  assert.equal(existsSync(join(demo, "apis", "published", "orders.v1.json.new")), false);
  writeFileSync(lock, JSON.stringify(document));
  assert.match((await run("publish", "orders")).out, /is published as it stands/, "a formatter changes nothing");
  writeFileSync(lock, "{");
  assert.match((await run("publish", "orders")).out, /refused .*\n?.*orders\.v1\.json/);
  assert.equal((await findings())[0]?.rule, "published-contract");
  const unknown = await run("publish", "nothing");
  assert.deepEqual([unknown.code, /there is no API nothing/.test(unknown.err)], [1, true]);
});

test("a breaking change within a major version is not published, not checked as good, not started: rule, place and failing example are shown", async (t) => {
  const { write, run, lock, findings, refusal } = await shop(t);
  write();
  await run("publish");
  const before = readFileSync(lock, "utf8");
  write({ input: "customer: t.string()" });
  const refused = await run("publish");
  assert.equal(refused.code, 3);
  assert.match(refused.out, /placeOrder: request.*customer.*\n +fails: \{"id":.*\}, since .*customer/);
  assert.match(refused.out, /nothing was written/);
  assert.equal(readFileSync(lock, "utf8"), before);
  const [finding] = await findings();
  assert.deepEqual([finding?.level, finding?.rule, finding?.file], ["error", "published-contract", "apis/o2.ts"]);
  for (const message of [finding?.message ?? "", await refusal()]) {
    assert.match(message, /orders 1 is published \(apis\/published\/orders\.v1\.json\)/);
    assert.match(message, /breaking: placeOrder: request.*\([a-z-]+\)\n {2}fails: \{/);
    assert.match(message, /make it a new major version/);
  }
  // As a new major version beside the old one it is nobody's loss.
  write({
    beside: `export const next = defineApi({ name: "orders", version: "2.0.0", base: "/orders/v2", lifecycle: published(), access: [apiKey()],
      operations: { placeOrder: post("/orders", { scope: "orders:all", starts: place }) } });`,
  });
  assert.match((await run("publish")).out, /orders 2\.0\.0 published: apis\/published\/orders\.v2\.json/);
});

test("a safe change is served and said until it is published; the command writes it for a review", async (t) => {
  const { write, run, lock, findings, starts } = await shop(t);
  write();
  await run("publish");
  write({ input: "note: t.optional(t.string())", version: "1.1.0" });
  const [finding] = await findings();
  assert.deepEqual([finding?.level, finding?.rule], ["warning", "unpublished"]);
  assert.equal((await starts()).filter((line) => line.includes("changes that break nobody")).length, 1);
  const updated = await run("publish", "--json");
  assert.equal(updated.code, 0);
  const { contracts } = JSON.parse(updated.out) as { contracts: { api: string; state: string; verdict: string }[] };
  assert.deepEqual(
    contracts.filter(({ api }) => api === "orders").map(({ state, verdict }) => [state, verdict]),
    [["changed", "safe"]],
  );
  assert.match(readFileSync(lock, "utf8"), /"note"/);
  assert.deepEqual(await findings(), []);
  // What was a safe addition is a promise now.
  write({ version: "1.1.0" });
  assert.equal((await run("publish")).code, 3);
});

test("a version is not moved, not unpublished, not dropped, and its announced sunset does not come earlier", async (t) => {
  const { write, run, refusal, findings, remove, starts } = await shop(t);
  const next = `export const next = defineApi({ name: "orders", version: "2.0.0", base: "/orders/v2", lifecycle: published(), access: [apiKey()], operations });`;
  const ends = (sunset: string) =>
    `deprecated({ since: "2026-01-01", sunset: "${sunset}", migration: "/m", successor: "/orders/v2" })`;
  write({ beside: next, lifecycle: ends("2999-06-01") });
  assert.equal((await run("publish")).code, 0);
  write({ beside: next, lifecycle: ends("2999-05-31") });
  assert.match(
    await refusal(),
    /its sunset was announced for 2999-06-01, and would be on 2999-05-31 \(sunset-earlier\)/,
  );
  write({ beside: next, lifecycle: ends("2999-06-02") });
  assert.equal((await findings())[0]?.rule, "unpublished");
  write({ beside: next, base: "/old/orders" });
  assert.match(await refusal(), /its base path is \/old\/orders, and was \/orders\/v1 \(base-path\)/);
  write({ beside: next, lifecycle: "draft()" });
  assert.match(await refusal(), /orders 1 is published .* and would be a draft again/);
  write({ beside: next, lifecycle: "retired()" });
  assert.deepEqual(await findings(), []);
  await starts();
  remove();
  assert.match(await refusal(), /orders 1 is published .* and no API is it any more/);
});

test("what can't be decided is not published until an owner decides; what breaks, no owner can allow", async (t) => {
  const { demo, write, run, findings } = await shop(t);
  write({ input: 'code: t.string({ pattern: "^[A-Z](?=.*[0-9])[A-Z0-9]*$" })' });
  await run("publish");
  write({ input: 'code: t.string({ pattern: "^[A-Z](?=.*[0-9])[A-Z0-9]{0,}$" })' });
  const review = await run("publish", "--json");
  const { contracts } = JSON.parse(review.out) as {
    contracts: { api: string; verdict: string; findings: { rule: string; at: string; verdict: string }[] }[];
  };
  const orders = contracts.find(({ api }) => api === "orders");
  assert.deepEqual([review.code, orders?.verdict], [5, "review"], review.out);
  assert.equal((await findings())[0]?.level, "error");
  const decide = (rule: string) =>
    writeFileSync(
      join(demo, "apis", "published", "overrides.json"),
      JSON.stringify([
        { rule, verdict: "safe", reason: "the same texts", owner: "anna@harbour.example", expires: "2999-01-01" },
      ]),
    );
  decide(orders?.findings.find(({ verdict }) => verdict === "review")?.rule ?? "");
  assert.equal((await run("publish")).code, 0);
  assert.deepEqual(await findings(), []);
  write({ input: "code: t.string(), customer: t.string()" });
  const broken = JSON.parse((await run("publish", "--json")).out) as typeof contracts extends unknown
    ? { contracts: typeof contracts }
    : never;
  const [worst] = broken.contracts.find(({ api }) => api === "orders")?.findings ?? [];
  assert.equal(worst?.verdict, "breaking");
  decide(worst?.rule ?? "");
  assert.equal((await run("publish")).code, 3);
});

test("a server keeps what it serves when a promoted process would break what is published", async (t) => {
  const { demo, write, run, change } = await shop(t);
  write();
  await run("publish");
  const server = await startServer(await loadProject(demo), { apiPort: 0, adminPort: 0, log: () => {} });
  t.after(() => server.stop());
  const { key } = JSON.parse((await run("keys", "create", "acme", "--scope", "orders:write", "--json")).out) as {
    key: string;
  };
  const place = async (body: object) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch(`${server.apiUrl}/orders/v1/orders`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    await answer.body?.cancel();
    return answer.status;
  };
  assert.equal(await place({ id: "1" }), 202);
  change("customer: t.string()");
  // This process has imported the file before, so its own check sees nothing; the server's worker reads it anew.
  const deployed = await run("deploy", "--promote", "--no-types");
  assert.equal(deployed.code, 1);
  assert.match(
    deployed.err,
    /orders 1 is published .*\nbreaking: placeOrder: request.*\n {2}fails: \{[\s\S]*version-unfit/,
  );
  assert.equal(await place({ id: "2" }), 202);
  // What breaks nobody is promoted, and callers may use it.
  change("note: t.optional(t.string())");
  assert.equal((await run("deploy", "--promote", "--no-types")).code, 0);
  assert.equal(await place({ id: "3", note: "fragile" }), 202);
});

test("a published contract that is ahead of the running server keeps no code of a process back; a reload takes the API", async (t) => {
  const { demo, write, run, change } = await shop(t);
  write();
  await run("publish");
  const server = await startServer(await loadProject(demo), { apiPort: 0, adminPort: 0, log: () => {} });
  t.after(() => server.stop());
  const paths = async () => {
    const { paths: served } = (await (await fetch(`${server.apiUrl}/orders/v1/openapi.json`)).json()) as {
      paths: Record<string, unknown>;
    };
    return Object.keys(served);
  };
  const more = `showOrder: get("/orders/{key}", { scope: "orders:write", run: place, allow: () => true })`;
  const beside = `export const other = defineApi({ name: "parcels", version: "1.0.0", base: "/parcels/v1", lifecycle: published(), access: [apiKey()], operations });`;
  write({ input: "note: t.optional(t.string())", more, beside });
  assert.equal((await run("publish")).code, 0);
  const deployed = await run("deploy", "--promote", "--no-types");
  assert.deepEqual([deployed.code, deployed.err], [0, ""], deployed.out);
  assert.match(deployed.out, /not yet in force.*apis\/o2\.ts\n.*mortise reload/);
  assert.deepEqual(await paths(), ["/orders"]);
  assert.equal((await run("reload")).code, 0);
  assert.deepEqual(await paths(), ["/orders", "/orders/{key}"]);
  assert.equal((await fetch(`${server.apiUrl}/parcels/v1/openapi.json`)).status, 200);

  // What would break those who call what is served is not let through by that.
  const again = `${more}, showAgain: get("/again/{key}", { scope: "orders:write", run: place, allow: () => true })`;
  write({ input: "note: t.optional(t.string())", more: again, beside });
  const published = await run("publish");
  assert.deepEqual([published.code, published.err], [0, ""], published.out);
  const { version } = server;
  change("note: t.string()");
  const refused = await run("deploy", "--promote", "--no-types");
  assert.equal(refused.code, 1, refused.out);
  assert.match(
    refused.err,
    /orders 1 is published [\s\S]*has not read apis\/o2\.ts, apis\/o3\.ts yet;.* mortise reload --promote/,
  );
  assert.equal(server.version, version);
});

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { testDatabase } from "../connectors/sql/test-servers.ts";
import { createServer } from "../http.ts";
import { loadProject } from "../server/project/project.ts";
import { startServer } from "../server/server.ts";
import { shopContract, type TestShop, testShop } from "./impact/test-shop.ts";
import { mortise } from "./test-terminal.ts";

const processes = {
  "processes/watch-order.ts": `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const watchOrder = defineProcess({
  name: "watch-order",
  input: t.object({ id: t.string() }),
  output: t.object({ state: t.string() }),
  key: (input) => input.id,
  async run(flow, input) {
    await flow.sleep("1d");
    const order = await flow.call(shop.getOrder, { id: input.id });
    return { state: order.status };
  },
});
`,
};

/** The contract with each text replaced by another. */
function changed(...pairs: readonly (readonly [from: string | RegExp, to: string])[]): string {
  return pairs.reduce((text, [from, to]) => {
    assert.match(text, typeof from === "string" ? new RegExp(from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")) : from);
    return text.replace(from, to);
  }, shopContract);
}
const withoutCancel = [/ {4}delete:\n(.*\n){3}/, ""] as const;
const newStatus = ["enum: [open, closed]", "enum: [open, closed, held]"] as const;
const renamedStatus = [/status: \{ type: string, enum/, "state: { type: string, enum"] as const;

interface Report {
  readonly verdict: string;
  readonly contractVerdict: string;
  readonly applied: boolean;
  readonly changed: readonly string[];
  readonly types: string;
  readonly findings: readonly {
    readonly rule: string;
    readonly at: string;
    readonly verdict: string;
    readonly unused: boolean;
    readonly touches: readonly {
      readonly file: string;
      readonly line: number;
      readonly what: string;
      readonly how: string;
    }[];
  }[];
  readonly runs: {
    readonly runs: readonly { readonly key: string; readonly called: string[]; readonly code: string[] }[];
  };
  readonly errors: readonly { readonly file: string; readonly line: number; readonly message: string }[];
}

/** Everything that is pinned, in one text. */
function pinned({ folder }: TestShop, name = "shop"): string {
  const system = join(folder, "systems", name);
  return readdirSync(system)
    .sort()
    .map((file) => `${file}\n${readFileSync(join(system, file), "utf8")}`)
    .join("\n");
}

async function upgraded(shop: TestShop, contract: string, ...options: string[]) {
  shop.write({ "../shop-2.yaml": contract });
  const ran = await shop.run("upgrade", "shop", "--from", "../shop-2.yaml", "--json", ...options);
  return { ...ran, report: JSON.parse(ran.out === "" ? "{}" : ran.out) as Report };
}

test("what breaks and is not used does not block: it is taken over, and the project is well", async (t) => {
  const shop = await testShop(t, processes);
  const before = pinned(shop);
  const seen = await upgraded(shop, changed(withoutCancel, [", shelf: { type: string }", ""]));
  assert.equal(seen.code, 0, seen.err + seen.out);
  const { report } = seen;
  assert.deepEqual([report.verdict, report.contractVerdict, report.applied], ["safe", "breaking", false]);
  const gone = report.findings.find(({ rule }) => rule === "operation-removed");
  assert.deepEqual([gone?.at, gone?.unused, gone?.touches], ["cancelOrder", true, []]);
  assert.equal(pinned(shop), before);
  const taken = await upgraded(shop, changed(withoutCancel), "--yes");
  assert.deepEqual([taken.code, taken.report.applied], [0, true], taken.err);
  assert.deepEqual([...taken.report.changed].sort(), ["contract.json", "contract.ts", "shop-2.yaml", "shop.yaml"]);
  const system = readdirSync(join(shop.folder, "systems", "shop")).sort();
  assert.deepEqual(system, ["contract.json", "contract.ts", "index.ts", "shop-2.yaml"]);
  const checked = await shop.run("check", "--json");
  assert.equal(checked.code, 0, checked.out);
  const again = await shop.run("upgrade", "shop", "--from", "../shop-2.yaml");
  assert.match(again.out, /nothing to do/);
});

test("what breaks and is used names the field, the file and the line, and is written only by force", async (t) => {
  const shop = await testShop(t, processes);
  const before = pinned(shop);
  const seen = await upgraded(shop, changed(newStatus), "--yes");
  assert.deepEqual([seen.code, seen.report.verdict, seen.report.applied], [3, "breaking", false], seen.err);
  const found = seen.report.findings.filter(({ unused, verdict }) => !unused && verdict === "breaking");
  assert.deepEqual(
    found.map(({ at, rule, touches }) => [
      at,
      rule,
      touches.map(({ file, line, what, how }) => `${file}:${line} ${how} ${what}`),
    ]),
    [["getOrder: answer 200 /status", "allowed-values", ["processes/watch-order.ts:11 reads getOrder.output.status"]]],
  );
  assert.equal(pinned(shop), before);
  const text = await shop.run("upgrade", "shop", "--from", "../shop-2.yaml");
  assert.match(text.out, /processes\/watch-order\.ts:11 {2}reads getOrder\.output\.status/);
  assert.match(text.out, /fails: .*"held"/);
  assert.match(text.out, /Nothing was written/);
  const forced = await upgraded(shop, changed(newStatus), "--yes", "--force");
  assert.deepEqual([forced.code, forced.report.applied], [0, true], forced.err);
});

test("what an owner has decided counts, until it ends", async (t) => {
  const shop = await testShop(t, processes);
  const decide = (expires: string) =>
    shop.write({
      "decided.json": JSON.stringify([
        { rule: "allowed-values", verdict: "safe", reason: "shown as it is", owner: "anna@harbour.example", expires },
      ]),
    });
  const options = ["--overrides", "decided.json", "--yes", "--no-types"];
  decide("2020-01-31");
  const ended = await upgraded(shop, changed(newStatus), ...options);
  assert.deepEqual([ended.code, ended.report.applied], [3, false], ended.err);
  decide("9999-01-31");
  const decided = await upgraded(shop, changed(newStatus), ...options);
  assert.deepEqual([decided.code, decided.report.verdict, decided.report.applied], [0, "safe", true], decided.err);
});

test("what a new request asks for touches those who make it, and a parameter only those who send it", async (t) => {
  const shop = await testShop(t, {
    "processes/place.ts": `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const place = defineProcess({ name: "place", input: t.object({ id: t.string() }), output: t.object({}), key: (input) => input.id,
  async run(flow, input) {
    await flow.call(shop.getOrder, { id: input.id });
    await flow.call(shop.placeOrder, {
      id: input.id,
      lines: [{ sku: "a", quantity: 1 }],
    });
    return {};
  } });
`,
  });
  const { code, report } = await upgraded(
    shop,
    changed(
      ["required: [id, lines]", "required: [id, lines, note]"],
      ["required: [sku, quantity]", "required: [sku, quantity, price]"],
      ["schema: { type: string, enum: [short, long] }", "schema: { type: string, enum: [short] }"],
    ),
  );
  assert.equal(code, 3);
  const shown = report.findings
    .filter(({ verdict }) => verdict === "breaking")
    .map(
      ({ at, unused, touches }) =>
        `${at}: ${unused ? "unused" : touches.map(({ file, line }) => `${file}:${line}`).join()}`,
    );
  assert.deepEqual(shown.sort(), [
    "getOrder: query detail: unused",
    "placeOrder: request /lines/*: processes/place.ts:8",
    "placeOrder: request: processes/place.ts:6",
  ]);
  assert.ok(
    report.errors.some(({ file, line }) => file === "processes/place.ts" && line > 5),
    JSON.stringify(report.errors),
  );
});

test("a type that is handed on as a whole counts where its operation is called, and where values are checked against it", async (t) => {
  const text = (more: string) => `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const text = defineProcess({ name: "text", ${more} output: t.object({}), key: (input) => input.id,
  async run(flow, input) {
    flow.log(JSON.stringify(await flow.call(shop.getOrder, { id: input.id })));
    return {};
  } });
`;
  const shop = await testShop(t, { "processes/text.ts": text("input: t.object({ id: t.string() }),") });
  const next = changed(["price: { type: string }", "price: { type: integer }"]);
  const seen = async () =>
    (await upgraded(shop, next)).report.findings
      .filter(({ verdict, unused }) => verdict === "breaking" && !unused)
      .map(({ at, touches }) => `${at}: ${touches.map(({ line, what }) => `${line} ${what}`).join(", ")}`);
  // placeOrder gives the same type, and takes its lines; nobody calls it.
  assert.deepEqual(await seen(), ["getOrder: answer 200 /lines/*/price: 5 getOrder.output.lines.*.price"]);
  shop.write({ "processes/text.ts": text("input: shop.schemas.NewOrder,") });
  assert.deepEqual(await seen(), [
    "placeOrder: request /lines/*/price: 3 placeOrder.input.lines.*.price",
    "placeOrder: answer 201 /lines/*/price: 3 placeOrder.output.lines.*.price, 3 getOrder.output.lines.*.price, 5 getOrder.output.lines.*.price",
  ]);
});

test("an error of the compiler is shown at its line, and nothing is written", async (t) => {
  const shop = await testShop(t, {
    ...processes,
    // Wrong before: it is not the new contract's doing.
    "processes/wrong.ts": `export const wrong: number = "text";\n`,
  });
  const before = pinned(shop);
  const next = changed(renamedStatus, ["required: [id, status", "required: [id, state"]);
  const seen = await upgraded(shop, next, "--yes");
  assert.deepEqual([seen.code, seen.report.applied], [3, false]);
  assert.deepEqual(
    seen.report.errors.map(({ file, line }) => `${file}:${line}`),
    ["processes/watch-order.ts:11"],
  );
  assert.match(seen.report.errors[0]!.message, /TS2339: Property 'status' does not exist/);
  assert.equal(pinned(shop), before);
  const said = await shop.run("upgrade", "shop", "--from", "../shop-2.yaml", "--yes");
  assert.match(said.out, /processes\/watch-order\.ts:11/);
  assert.equal(said.err.includes("context canceled"), false);
});

test("an open run is named: by what it has called, or by what its code will call; without a server from the store", async (t) => {
  const shop = await testShop(t, {
    ...processes,
    "processes/other.ts": `import { defineProcess, t } from "mortise";
export const other = defineProcess({ name: "other", input: t.object({ id: t.string() }), output: t.object({}), key: (input) => input.id,
  async run(flow) { await flow.sleep("1d"); return {}; } });\n`,
    "processes/asked-order.ts": `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const askedOrder = defineProcess({ name: "asked-order", input: t.object({ id: t.string() }), output: t.object({}), key: (input) => input.id,
  async run(flow, input) { const order = await flow.call(shop.getOrder, { id: input.id }); flow.log(order.status); return {}; } });\n`,
    "secrets/SHOP": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
  });
  chmodSync(join(shop.folder, "secrets/SHOP"), 0o600);
  const server = await startServer(await loadProject(shop.folder), { apiPort: 0, adminPort: 0, log: () => {} });
  t.after(() => server.stop());
  for (const name of ["watch-order", "asked-order", "other"])
    assert.equal(
      (await shop.run("runs", "start", name, "--input", `{"id":"${name}-1"}`, "--reason", "a test")).code,
      0,
    );
  // Its call is asked for a moment after the start was accepted; nobody answers it.
  for (const end = Date.now() + 20_000; ; ) {
    const { out } = await shop.run("runs", "show", "asked-order-1", "--json");
    if (out.includes('"shop.getOrder"')) break;
    assert.ok(Date.now() < end, out);
  }
  const served = (await upgraded(shop, changed(newStatus))).report.runs;
  assert.deepEqual(served.runs.map(({ key, code, called }) => [key, code, called]).sort(), [
    ["asked-order-1", ["shop.getOrder"], ["shop.getOrder"]],
    ["watch-order-1", ["shop.getOrder"], []],
  ]);
  // Nothing that is used breaks: no run is concerned.
  assert.deepEqual((await upgraded(shop, changed(withoutCancel))).report.runs.runs, []);
  await server.stop();
  const stored = (await upgraded(shop, changed(newStatus))).report.runs;
  assert.deepEqual(stored.runs.map(({ key, code, called }) => [key, code, called]).sort(), [
    ["asked-order-1", ["shop.getOrder"], []],
    ["watch-order-1", ["shop.getOrder"], []],
  ]);
  assert.match(
    (await shop.run("upgrade", "shop", "--from", "../shop-2.yaml")).out,
    /watch-order-1 .*its code calls shop\.getOrder/,
  );
  // The code of today asks for no order any more; that of the open run will.
  for (const name of ["watch-order", "asked-order"]) rmSync(join(shop.folder, `processes/${name}.ts`));
  const { verdict, runs } = (await upgraded(shop, changed(newStatus))).report;
  assert.deepEqual([verdict, runs.runs.map(({ key }) => key).sort()], ["safe", ["asked-order-1", "watch-order-1"]]);
});

test("names such as __proto__ and constructor are names like others", async (t) => {
  const odd = (type: string) =>
    shopContract
      .replace("operationId: ping", "operationId: constructor")
      .replace(/(constructor|__proto__): \{ type: string \}/g, `$1: { type: ${type} }`);
  const shop = await testShop(
    t,
    {
      "processes/odd.ts": `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const odd = defineProcess({ name: "odd", input: t.object({ id: t.string() }), output: t.object({}), key: (input) => input.id,
  async run(flow, input) {
    const order = await flow.call(shop.getOrder, { id: input.id });
    flow.log(String(order.__proto__));
    await flow.call(shop.constructor, {});
    flow.log(String(order.constructor));
    return {};
  } });\n`,
    },
    odd("string"),
  );
  const { report, err } = await upgraded(shop, odd("integer"));
  // No validator looks at a property of this name, so what it breaks can't be proven.
  assert.deepEqual(
    report.findings
      .filter(({ verdict }) => verdict !== "safe")
      .map(({ at, verdict, touches }) => [at, verdict, touches.map(({ line }) => line)]),
    [
      ["getOrder: answer 200 /constructor", "breaking", [8]],
      ["placeOrder: request /__proto__", "review", []],
      ["getOrder: answer 200 /__proto__", "review", [6]],
    ],
    err,
  );
  assert.match((await shop.run("upgrade", "__proto__", "--from", "../shop-2.yaml")).err, /system-missing/);
});

test("a contract of another language, a file that is not there, and an address inside are refused, and nothing changes", async (t) => {
  const shop = await testShop(t, processes);
  const before = pinned(shop);
  shop.write({
    "../shop.sql":
      "create table stock (sku text primary key, free integer not null) strict;\n-- @operation getStock\n-- @returns row\nselect sku, free from stock where sku = :sku;\n",
    "../broken.yaml": "openapi: 3.1.0\npaths: [",
  });
  const server = createServer((_, answer) => answer.end(changed(newStatus)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.yaml`;
  const from = async (place: string, ...more: string[]) => {
    const { code, err } = await shop.run("upgrade", "shop", "--from", place, "--yes", "--force", ...more);
    return `${code} ${/\(([a-z-]+)\)\n$/.exec(err)?.[1]}`;
  };
  assert.equal(await from("../erp.sql"), "1 contract-source");
  assert.equal(await from("../broken.yaml"), "1 contract-unreadable");
  assert.equal(await from(url), "1 outbound-address");
  assert.equal(await from("../shop.sql"), "1 contract-language");
  assert.match((await shop.run("upgrade", "shop")).err, /say where its new contract is/);
  assert.match((await shop.run("upgrade", "other", "--from", "../shop.yaml")).err, /system-missing/);
  assert.equal(pinned(shop), before);
  // From a URL, it is what is watched from then on, and where the next one comes from.
  const taken = await shop.run("upgrade", "shop", "--from", url, "--internal", "--yes", "--force", "--json");
  assert.equal((JSON.parse(taken.out) as Report).applied, true, taken.err);
  const model = JSON.parse(readFileSync(join(shop.folder, "systems/shop/contract.json"), "utf8")) as {
    source: { url: string };
  };
  assert.equal(model.source.url, url);
  assert.match((await shop.run("upgrade", "shop")).out, /nothing to do/);
});

test("at a terminal it shows, then asks; a no writes nothing", async (t) => {
  const shop = await testShop(t, processes);
  const before = pinned(shop);
  shop.write({ "../shop-2.yaml": changed(withoutCancel) });
  const args = ["upgrade", "shop", "--from", "../shop-2.yaml"];
  const no = await mortise(args, { folder: shop.folder, tty: true, answer: false });
  assert.deepEqual([no.code, pinned(shop) === before], [0, true]);
  const yes = await mortise(args, { folder: shop.folder, tty: true, answer: true });
  assert.match(yes.out, /took it over/);
  assert.notEqual(pinned(shop), before);
  // What breaks is not asked about.
  shop.write({ "../shop-2.yaml": changed(withoutCancel, newStatus) });
  const broken = await mortise(args, { folder: shop.folder, tty: true, answer: true });
  assert.deepEqual([broken.code, /Nothing was written/.test(broken.out)], [3, true]);
});

test("without a compiler every field of what is named counts as used, and it is said; nothing is written unchecked", async (t) => {
  const shop = await testShop(t, processes);
  rmSync(join(shop.folder, "node_modules/typescript"));
  mkdirSync(join(shop.folder, "node_modules/typescript"));
  writeFileSync(
    join(shop.folder, "node_modules/typescript/package.json"),
    '{"name":"typescript","version":"5.9.0","exports":{"./package.json":"./package.json"}}',
  );
  const before = pinned(shop);
  const unread = changed(["status, customer, lines]", "status, customer]"]);
  const seen = await upgraded(shop, unread, "--yes");
  assert.deepEqual(
    [seen.code, seen.report.verdict, seen.report.types, seen.report.applied],
    [3, "breaking", "unknown", false],
  );
  const harmless = await upgraded(shop, changed(withoutCancel), "--yes");
  assert.equal(harmless.report.applied, false);
  assert.equal(pinned(shop), before);
  const said = await shop.run("upgrade", "shop", "--from", "../shop-2.yaml");
  assert.match(said.out, /all of them count: TypeScript 7 or newer is not installed/);
  assert.equal((await upgraded(shop, changed(withoutCancel), "--yes", "--no-types")).report.applied, true);
});

const databases = {
  sqlite: async (t: TestContext, shop: TestShop) => {
    const file = join(shop.folder, "..", "stock.db");
    const db = new DatabaseSync(file);
    t.after(() => db.close());
    return { url: `sqlite:${file}`, run: async (sql: string) => db.exec(sql) };
  },
  postgresql: (t: TestContext) => testDatabase(t, "postgresql"),
  mysql: (t: TestContext) => testDatabase(t, "mysql"),
} as const;

for (const [dialect, open] of Object.entries(databases))
  test(`${dialect}: a database is read again, with the statements and the tables that are pinned`, async (t) => {
    const shop = await testShop(t, {});
    const database = await open(t, shop);
    if (database === undefined) return;
    const stock = async (free: string, more = "") => {
      await database.run("drop table if exists stock");
      await database.run(`create table stock (sku varchar(20) primary key, free ${free} not null${more})`);
    };
    await stock("integer");
    await database.run("create table other (id integer)");
    const statements = "-- @operation stockOf\n-- @returns row\nselect sku, free from stock where sku = :sku;\n";
    shop.write({ "../stock.sql": statements });
    const added = await shop.run("add", "depot", database.url, "--statements", "../stock.sql", "--table", "st*");
    assert.equal(added.code, 0, added.err);
    shop.write({
      "processes/look.ts": `import { defineProcess, t } from "mortise";
  import { depot } from "../systems/depot/index.ts";
  export const look = defineProcess({ name: "look", input: t.object({ sku: t.string() }), output: t.object({ free: t.number() }), key: (input) => input.sku,
    async run(flow, input) {
      const row = await flow.call(depot.stockOf, { sku: input.sku });
      return { free: row?.free ?? 0 };
    } });\n`,
    });
    const run = (...more: string[]) => shop.run("upgrade", "depot", "--from", database.url, ...more);
    assert.match((await run()).out, /nothing to do/);
    await stock("varchar(20)", ", note varchar(20)");
    const seen = await run("--json");
    assert.equal(seen.code, 3, seen.err);
    const report = JSON.parse(seen.out) as Report;
    const used = report.findings.find(({ unused, verdict }) => !unused && verdict === "breaking");
    assert.deepEqual(
      used?.touches.map(({ file: at, line, what }) => `${at}:${line} ${what}`),
      ["processes/look.ts:6 stockOf.output.free"],
      seen.out,
    );
    assert.ok(
      report.errors.some(({ file: at, message }) => at === "processes/look.ts" && /TS2322/.test(message)),
      seen.out,
    );
    await stock("integer", ", note varchar(20)");
    const taken = await run("--yes", "--json");
    assert.deepEqual([taken.code, (JSON.parse(taken.out) as Report).applied], [0, true], taken.err);
    assert.equal(pinned(shop, "depot").includes("other"), false);
    if (dialect !== "sqlite") return;
    // What another statement does nobody can tell from the contract: a person has to look.
    shop.write({ "../stock.sql": statements.replace(":sku;", ":sku and free >= 0;") });
    const review = await run("--statements", "../stock.sql", "--json");
    assert.deepEqual([review.code, (JSON.parse(review.out) as Report).verdict], [5, "review"], review.out);
    const looked = await run("--statements", "../stock.sql", "--yes", "--json");
    assert.deepEqual([looked.code, (JSON.parse(looked.out) as Report).applied], [0, true], looked.err);
  });

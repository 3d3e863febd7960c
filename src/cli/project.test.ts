/** add, types and check, over a project on disk. */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { createServer } from "../http.ts";
import { mortise, type Ran } from "./test-terminal.ts";

const home = mkdtempSync(join(tmpdir(), "mortise-project-"));
after(() => rmSync(home, { recursive: true }));

const stockContract = (path: string): string => `openapi: 3.1.0
info: { title: Stock, version: "1.0" }
servers: [{ url: https://stock.example.com/v1 }]
paths:
  ${path}:
    get:
      operationId: getStock
      summary: How many there are
      parameters: [{ name: sku, in: path, required: true, schema: { type: string } }]
      responses:
        "200":
          description: ok
          content: { application/json: { schema: { type: object, properties: { onHand: { type: integer } }, required: [onHand] } } }
  /holds:
    post:
      operationId: holdStock
      requestBody:
        required: true
        content: { application/json: { schema: { type: object, properties: { sku: { type: string } }, required: [sku] } } }
      responses: { "204": { description: held } }
`;

let project: string;
let number = 0;
const run = (...args: string[]): Promise<Ran> => mortise(args, { folder: project });
const file = (path: string): string => join(project, path);
interface Report {
  readonly ok: boolean;
  readonly findings: readonly {
    readonly rule: string;
    readonly level: string;
    readonly file?: string;
    readonly message: string;
  }[];
  readonly unusedOperations: readonly string[];
  readonly needs: readonly string[];
}
async function check(...args: string[]): Promise<Report & { readonly code: number }> {
  const { code, out, err } = await run("check", "--json", "--no-types", ...args);
  assert.equal(err, "");
  return { code, ...(JSON.parse(out) as Report) };
}
const rulesOf = (report: Report): string[] => report.findings.map(({ level, rule }) => `${level} ${rule}`).sort();

beforeEach(async () => {
  const name = `p${++number}`;
  await mortise(["init", name], { folder: home });
  project = join(home, name);
});

test("a new project has nothing to mend", async () => {
  const report = await check("--strict");
  assert.deepEqual(report.findings, []);
  assert.equal(report.code, 0);
});

test("add pins the contract, writes its types and a connection, and leaves a connection alone later", async () => {
  writeFileSync(file("stock.yaml"), stockContract("/stock/{sku}"));
  const added = await run("add", "stock", "stock.yaml", "--json");
  assert.equal(added.code, 0, added.err);
  assert.deepEqual((JSON.parse(added.out) as { operations: unknown }).operations, [
    { name: "getStock", effect: "read" },
    { name: "holdStock", effect: "unrepeatable" },
  ]);
  assert.equal(readFileSync(file("systems/stock/stock.yaml"), "utf8"), stockContract("/stock/{sku}"));
  assert.match(readFileSync(file("systems/stock/contract.ts"), "utf8"), /readonly onHand: number/);
  assert.match(
    readFileSync(file("systems/stock/index.ts"), "utf8"),
    /env\("STOCK_URL", "https:\/\/stock.example.com\/v1"\)/,
  );

  const again = await run("add", "stock", "stock.yaml");
  assert.equal(again.code, 1);
  assert.match(again.err, /--replace/);
  appendFileSync(file("systems/stock/index.ts"), "// mine\n");
  writeFileSync(file("other.yaml"), stockContract("/items/{sku}"));
  const replaced = await run("add", "stock", "other.yaml", "--replace");
  assert.equal(replaced.code, 0, replaced.err);
  assert.match(readFileSync(file("systems/stock/index.ts"), "utf8"), /\/\/ mine/);
  assert.equal(existsSync(file("systems/stock/stock.yaml")), false);
  assert.match(readFileSync(file("systems/stock/contract.json"), "utf8"), /\/items\/\{sku\}/);
});

test("a contract by URL is pinned with its address, and types reads it without the network", async () => {
  const server = createServer((request, response) =>
    request.url === "/api/stock.yaml" ? response.end(stockContract("/stock/{sku}")) : response.writeHead(404).end(),
  ).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/stock.yaml`;
  try {
    const refused = await run("add", "stock", url);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /outbound-address/);
    const added = await run("add", "stock", url, "--internal");
    assert.equal(added.code, 0, added.err);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  const pin = JSON.parse(readFileSync(file("systems/stock/contract.json"), "utf8")) as { source: { url: string } };
  assert.equal(pin.source.url, url);
  const types = await run("types", "--check");
  assert.equal(types.code, 0, types.err);
});

test("a contract that can't be read leaves nothing behind", async () => {
  writeFileSync(file("broken.yaml"), "openapi: 3.1.0\npaths: [");
  const { code, err } = await run("add", "broken", "broken.yaml");
  assert.equal(code, 1);
  assert.match(err, /broken\.yaml.*\(contract-unreadable\)/s);
  assert.equal(existsSync(file("systems/broken")), false);
  assert.equal((await run("add", "Bad_Name", "broken.yaml")).code, 1);
});

test("types takes over a change of a pinned file, and check finds one that was not", async () => {
  writeFileSync(file("stock.yaml"), stockContract("/stock/{sku}"));
  await run("add", "stock", "stock.yaml");
  writeFileSync(file("systems/stock/stock.yaml"), stockContract("/stock/v2/{sku}"));
  const before = await check();
  assert.deepEqual(rulesOf(before), ["error contract-changed", "warning system-unused"]);
  assert.equal(before.code, 3);
  assert.equal((await run("types", "--check")).code, 3);
  const taken = await run("types", "stock");
  assert.match(taken.out, /changed systems\/stock/);
  assert.deepEqual(rulesOf(await check()), ["warning system-unused"]);
  appendFileSync(file("systems/stock/contract.ts"), "// edited\n");
  assert.deepEqual(rulesOf(await check()), ["error contract-stale", "warning system-unused"]);
  rmSync(file("systems/stock/stock.yaml"));
  assert.ok(rulesOf(await check()).includes("error contract-changed"));
  assert.equal((await run("types", "nothing")).code, 1);
});

test("check reads what a process uses, and finds what it may not do", async () => {
  writeFileSync(file("stock.yaml"), stockContract("/stock/{sku}"));
  await run("add", "stock", "stock.yaml");
  writeFileSync(
    file("processes/hold.ts"),
    `import { defineProcess, t } from "mortise";
import { stock } from "../systems/stock/index.ts";

export const hold = defineProcess({
  name: "hold",
  input: t.object({ sku: t.string() }),
  key: (input) => input.sku,
  async run(flow, input) {
    await new Promise((resolve) => resolve(1));
    await flow.call(stock.holdStock, { sku: input.sku });
  },
});
`,
  );
  const report = await check();
  assert.deepEqual(rulesOf(report), [
    "error foreign",
    "warning probe-missing",
    "warning process-unreachable",
    "warning requirement-missing",
  ]);
  assert.match(report.findings.find(({ rule }) => rule === "foreign")!.message, /^hold awaits new Promise/);
  assert.deepEqual(report.unusedOperations, ["stock.getStock"]);
});

test("check finds the gaps of requirements", async () => {
  writeFileSync(file("stock.yaml"), stockContract("/stock/{sku}"));
  await run("add", "stock", "stock.yaml");
  const requirement = readFileSync(file("requirements/quote.ts"), "utf8");
  writeFileSync(
    file("requirements/quote.ts"),
    requirement.replace("systems: {}", "systems: { stock: { sourceOfTruthFor: [] }, gone: { sourceOfTruthFor: [] } }"),
  );
  writeFileSync(file("requirements/none.ts"), requirement.replace('"quote"', '"nothing"'));
  const messages = (await check()).findings
    .filter(({ rule }) => rule.startsWith("requirement"))
    .map(({ message }) => message);
  assert.deepEqual(messages.sort(), [
    "names the system gone, which this project does not have",
    "names the system stock, which quote does not use",
    "there is no process nothing",
  ]);
});

test("check reports what keeps a project from being loaded, and what a start needs", async () => {
  writeFileSync(
    file("mortise.config.ts"),
    'import { defineConfig, env } from "mortise";\nexport default defineConfig({ store: env("MY_STORE") });\n',
  );
  assert.deepEqual((await check()).needs, ["MY_STORE"]);
});

test("check finds APIs that stand in each other's way", async () => {
  const api = readFileSync(file("apis/quotes.v1.ts"), "utf8");
  writeFileSync(file("apis/quotes.v2.ts"), api.replace('"1.0.0"', '"2.0.0"'));
  const report = await check();
  assert.deepEqual(rulesOf(report), ["error project"]);
  assert.equal(report.findings[0]!.file, "apis/quotes.v2.ts");
  assert.match(report.findings[0]!.message, /is served already; each version of each API has a base of its own/);
});

test("check finds a configuration that does not fit", async () => {
  writeFileSync(
    file("mortise.config.ts"),
    'import { defineConfig } from "mortise";\nexport default defineConfig({ api: { port: 70000 } });\n',
  );
  const report = await check();
  assert.deepEqual(rulesOf(report), ["error project"]);
  assert.match(report.findings[0]!.message, /api\.port/);
});

test("without a compiler the types are not silently taken for right", async () => {
  const { code, out } = await run("check", "--json");
  assert.equal(code, 0);
  assert.deepEqual(rulesOf(JSON.parse(out) as Report), ["warning types-skipped"]);
});

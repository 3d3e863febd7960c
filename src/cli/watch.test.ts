import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createServer } from "../http.ts";
import { loadProject } from "../server/project/project.ts";
import { startServer } from "../server/server.ts";
import { shopContract, testShop } from "./impact/test-shop.ts";
import { mortise } from "./test-terminal.ts";

const contract = (type: string): string => `openapi: 3.1.0
info: { title: Stock, version: "1.0" }
paths:
  /stock:
    get:
      operationId: getStock
      responses: { "200": { description: ok, content: { application/json: { schema: { type: ${type} } } } } }
`;

test("watch says what changed, and which processes use it; it ends with 3 then, and with 0 where nothing did", async (t) => {
  let text = contract("integer");
  const server = createServer((_, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const folder = mkdtempSync(join(tmpdir(), "mortise-watch-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) => mortise(args, { folder: join(folder, "demo") });
  assert.equal((await mortise(["init", "demo"], { folder })).code, 0);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stock.yaml`;
  assert.equal((await run("add", "stock", url, "--internal")).code, 0);
  writeFileSync(
    join(folder, "demo", "processes", "count.ts"),
    `import { defineProcess, t } from "mortise";
import { stock } from "../systems/stock/index.ts";
export const count = defineProcess({ name: "count", input: t.object({ id: t.string() }), key: (input) => input.id,
  run: async (flow) => flow.call(stock.getStock, {}) });
`,
  );
  const same = await run("watch", "stock");
  assert.equal(same.code, 0, same.err);
  assert.match(same.out, /1 contract, no change/);
  text = contract("string");
  const changed = await run("watch", "stock", "--json");
  assert.equal(changed.code, 3, changed.err);
  const [found] = JSON.parse(changed.out) as { state: string; touches: string[]; users: string[] }[];
  assert.deepEqual([found?.state, found?.touches, found?.users], ["changed", ["getStock"], ["processes/count.ts"]]);
  text = "nothing";
  assert.match((await run("watch", "stock")).out, /unreadable/);
  assert.match((await run("watch", "none")).err, /system-missing/);
});

test("watch judges by what the project uses: the line that reads a field, and what nobody uses", async (t) => {
  let text = shopContract;
  const server = createServer((_, response) => response.end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.yaml`;
  const { run } = await testShop(t, {
    "processes/look.ts": `import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
export const look = defineProcess({ name: "look", input: t.object({ id: t.string() }), output: t.object({ state: t.string() }), key: (input) => input.id,
  async run(flow, input) {
    const order = await flow.call(shop.getOrder, { id: input.id });
    return { state: order.status };
  } });
`,
  });
  assert.equal((await run("add", "shop", url, "--internal", "--replace")).code, 0);
  text = shopContract
    .replace("enum: [open, closed]", "enum: [open, closed, held]")
    .replace("at: { type: string }", "at: { type: integer }");
  const { code, out, err } = await run("watch", "shop", "--json");
  assert.equal(code, 3, err);
  const [seen] = JSON.parse(out) as {
    verdict: string;
    touches: string[];
    users: string[];
    findings: { at: string; unused: boolean; touches: { file: string; line: number }[] }[];
  }[];
  assert.deepEqual([seen?.verdict, seen?.users], ["breaking", ["processes/look.ts"]]);
  assert.deepEqual(
    seen?.findings.map(({ at, unused, touches }) => [
      at,
      unused,
      touches.map(({ file, line }) => `${file}:${line}`).join(),
    ]),
    [
      ["getOrder: answer 200 /status", false, "processes/look.ts:6"],
      ["ping: answer 200 /at", true, ""],
    ],
  );
  const shown = await run("watch", "shop");
  assert.match(shown.out, /1 breaking change, 0 for review in what you use, 1 in what nothing uses/);
  assert.match(shown.out, /processes\/look\.ts:6 {2}reads getOrder\.output\.status/);
  assert.match(shown.out, /mortise upgrade shop\n/);
  text = shopContract.replace("title: Shop", "title: The shop");
  assert.equal((await run("watch", "shop")).code, 0);
  text = shopContract
    .replace("Pong: {", "Pong: { description: What comes back.,")
    .replace(/description: What comes back\.,/, "description: What comes back,");
  const words = await run("watch", "shop");
  assert.deepEqual([words.code, /nothing changed for anybody who calls it/.test(words.out)], [3, true], words.out);
});

test("contracts list shows what the server found: each finding with its value, and where to look closer", async (t) => {
  let text = shopContract;
  const web = createServer((_, response) => response.end(text));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => web.close());
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/shop.yaml`;
  const { run, folder } = await testShop(t, {});
  assert.equal((await run("add", "shop", url, "--internal", "--replace")).code, 0);
  const server = await startServer(await loadProject(folder), {
    apiPort: 0,
    adminPort: 0,
    log: () => {},
    environment: { SHOP: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  });
  t.after(() => server.stop());
  text = shopContract.replace("enum: [open, closed]", "enum: [open, closed, held]");
  assert.equal((await run("contracts", "look", "shop", "--reason", "a test")).code, 0);
  const { out } = await run("contracts", "list");
  assert.match(
    out,
    /breaking {2}placeOrder: answer 201 \/status: values such as "held" can be answered now \(allowed-values\) and at 1 other place/,
  );
  assert.match(out, /fails: .*"held"/);
  assert.match(out, /mortise watch shop, or mortise upgrade shop/);
  assert.match(out, /1 breaking, 0 for review, 0 safe; schemas: ~Order/);
});

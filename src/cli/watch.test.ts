import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
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

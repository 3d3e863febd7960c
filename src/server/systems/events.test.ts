import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { openWebhookSecret, signWebhook } from "../../connectors/webhook.ts";
import { createServer } from "../../http.ts";
import { loadProject } from "../project/project.ts";
import { startServer } from "../server.ts";
import { testProject } from "../test-project.ts";

const files = {
  "package.json": '{"name":"harbour","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, shutdown: { grace: "10s" } });`,
  "processes/packing.ts": `import { defineProcess, t } from "mortise";
    export const packing = defineProcess({ name: "packing", key: ({ order }) => order,
      input: t.object({ order: t.string(), lines: t.integer() }), output: t.object({ parcel: t.string() }),
      state: t.object({ packed: t.integer() }),
      async run(flow, { lines }) {
        for (let packed = 0; packed < lines; packed++) {
          flow.state({ packed });
          await flow.sleep("400ms");
        }
        if (lines === 0) await flow.sleep("1h");
        return { parcel: "P-1" };
      } });`,
  "apis/orders.v1.ts": `import { defineApi, get, post, published } from "mortise"; import { packing } from "../processes/packing.ts";
    export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(), access: [],
      operations: { placeOrder: post("/orders", { access: "public", starts: packing }),
        followOrder: get("/orders/{key}/events", { access: "public", follows: packing, allow: () => true }) } });`,
};

test("a run of the engine is followed to its end by its status and what it shows; a server that stops ends the stream at once", async (t) => {
  const folder = testProject(files);
  t.after(() => folder.remove());
  const server = await startServer(await loadProject(folder.folder), { environment: {}, log: () => {} });
  t.after(() => server.stop());
  const place = (order: string, lines: number) =>
    fetch(`${server.apiUrl}/orders/v1/orders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ order, lines }),
    });
  const follow = (order: string) => fetch(`${server.apiUrl}/orders/v1/orders/${order}/events`);
  assert.equal((await place("o-1", 3)).status, 202);
  const text = await (await follow("o-1")).text();
  const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json as string));
  assert.deepEqual(data.at(-1), { reason: "final" });
  assert.deepEqual([data.at(-2).status, data.at(-2).output], ["completed", { parcel: "P-1" }]);
  const packed = [...new Set(data.map(({ state }) => state?.packed).filter((count) => count !== undefined))];
  assert.deepEqual(packed, [0, 1, 2]);
  assert.ok(!text.includes("sleep"), "no steps");

  await place("o-2", 0);
  const open = await follow("o-2");
  const begun = performance.now();
  const [left] = await Promise.all([open.text(), server.stop()]);
  assert.ok(performance.now() - begun < 5000, "the grace was not used up");
  assert.match(left, /retry: \d{4}\n\n$/);
  assert.ok(!left.includes("event: end"));
});

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const contract = JSON.stringify({
  format: 1,
  name: "erp",
  source: { language: "openapi", languageVersion: "3.1.0", files: [] },
  servers: [],
  schemas: {},
  operations: {
    getStock: {
      name: "getStock",
      effect: "read",
      input: {
        type: "object",
        properties: { sku: { type: "string" } },
        required: ["sku"],
        additionalProperties: false,
      },
      output: { type: "object", properties: { onHand: { type: "integer" } }, required: ["onHand"] },
      faults: {},
      binding: {
        protocol: "rest",
        method: "GET",
        path: "/stock/{sku}",
        parameters: [{ property: "sku", name: "sku", in: "path", required: true, style: "simple", explode: false }],
        success: [{ status: "200", mediaType: "application/json" }],
        faults: [],
      },
    },
  },
  events: {
    stockChanged: {
      name: "stockChanged",
      payload: { type: "object", properties: { sku: { type: "string" } }, required: ["sku"] },
      correlation: "/sku",
      binding: { protocol: "webhook", mediaType: "application/json" },
    },
  },
});

test("a webhook of a system has its stock pushed to who listens, long before it would be asked for", async (t) => {
  let onHand = 12;
  const erp = createServer((_, answer) => {
    answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ onHand }));
  });
  await new Promise<void>((resolve) => erp.listen(0, "127.0.0.1", resolve));
  t.after(() => erp.close());
  const folder = testProject({
    ...files,
    "secrets/erp-webhook": secret,
    "systems/erp/contract.json": contract,
    "systems/erp/contract.ts": `import { pinnedContract } from "mortise";
      export const contract = pinnedContract<{ operations: { getStock: { input: { sku: string }; output: { onHand: number }; faults: {} } };
        events: { stockChanged: { sku: string } }; schemas: {} }>(import.meta.url);`,
    "systems/erp/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
      export const erp = rest(contract, { connection: "http://127.0.0.1:${(erp.address() as AddressInfo).port}", webhookSecret: secret("erp-webhook") });`,
    "apis/stock.v1.ts": `import { defineApi, get, published } from "mortise"; import { erp } from "../systems/erp/index.ts";
      export default defineApi({ name: "stock", version: "1.0.0", base: "/stock/v1", lifecycle: published(), access: [],
        operations: { watchStock: get("/{sku}/events", { access: "public", calls: erp.getStock, every: "1h", on: erp.stockChanged }) } });`,
  });
  t.after(() => folder.remove());
  chmodSync(join(folder.folder, "secrets/erp-webhook"), 0o600);
  const server = await startServer(await loadProject(folder.folder), { environment: {}, log: () => {} });
  t.after(() => server.stop());
  const { body } = await fetch(`${server.apiUrl}/stock/v1/rope/events`);
  const text = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream());
  const told: unknown[] = [];
  for await (const part of text) {
    for (const [, data] of part.matchAll(/^data: (.*)$/gm)) told.push(JSON.parse(data as string).onHand);
    if (told.length === 1 && onHand === 12) {
      onHand = 11;
      const event = JSON.stringify({ type: "stockChanged", sku: "rope" });
      const signed = { id: "m-1", timestamp: Math.floor(Date.now() / 1000), body: event };
      const headers = signWebhook({ ...signed, secrets: [openWebhookSecret(secret, "erp")] });
      const sent = await fetch(`${server.apiUrl}/webhooks/erp`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: event,
      });
      assert.equal(sent.status, 204, await sent.text());
    }
    if (told.length === 2) break;
  }
  assert.deepEqual(told, [12, 11]);
});

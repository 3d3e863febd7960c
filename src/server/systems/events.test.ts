import assert from "node:assert/strict";
import test from "node:test";
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

/** The same project served twice, with a thread for reads and without one: callers can't tell which is which. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { request } from "undici";
import { createServer } from "../../http.ts";
import { loadProject } from "../project/project.ts";
import { startServer } from "../server.ts";
import { testProject } from "../test-project.ts";

/** Answers by article: what it has is in its name. */
async function openSystem(t: TestContext) {
  /** Connections by which articles were asked for; each thread has its own. */
  const ports: number[] = [];
  const server = createServer((incoming, answer) => {
    const { pathname, searchParams } = new URL(incoming.url ?? "", "http://system");
    const sku = decodeURIComponent(pathname.split("/").at(-1) ?? "");
    ports.push(incoming.socket.remotePort as number);
    const give = (status: number, value: unknown, headers = {}) =>
      void answer.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
    if (pathname === "/list") {
      const after = searchParams.get("after") ?? "";
      const all = ["a", "b", "c", "d", "e"].filter((one) => one > after);
      give(
        200,
        all.slice(0, Number(searchParams.get("most") ?? 5)).map((one) => ({ sku: one, free: 1 })),
      );
    } else if (sku === "none") give(404, { reason: "no such article" });
    else if (sku === "busy") give(429, {}, { "retry-after": "3" });
    else if (sku === "broken") give(500, { secret: "of the system" });
    else if (sku === "wrong") give(200, { sku, free: "many" });
    else if (sku === "cut") answer.destroy();
    else if (sku === "silent") return;
    else
      give(200, {
        sku,
        free: 3,
        owner: sku.startsWith("other") ? "other" : "shop",
        ...(sku === "grown" ? { inner: 1 } : {}),
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ports };
}

const article = {
  type: "object",
  properties: { sku: { type: "string" }, free: { type: "integer" }, owner: { type: "string" } },
  required: ["sku", "free"],
};
const parameter = (name: string, place: string, required = true) => ({
  property: name,
  name,
  in: place,
  required,
  style: place === "path" ? "simple" : "form",
  explode: false,
});
const success = [{ status: "200", mediaType: "application/json" }];
const contract = JSON.stringify({
  format: 1,
  name: "shop",
  source: { language: "openapi", languageVersion: "3.1.0", files: [] },
  servers: [],
  schemas: {},
  events: {},
  operations: {
    look: {
      name: "look",
      effect: "read",
      input: {
        type: "object",
        properties: { sku: { type: "string" } },
        required: ["sku"],
        additionalProperties: false,
      },
      output: article,
      faults: {
        Unknown: {
          description: "There is none.",
          detail: { type: "object", properties: { reason: { type: "string" } } },
        },
      },
      binding: {
        protocol: "rest",
        method: "GET",
        path: "/articles/{sku}",
        parameters: [parameter("sku", "path")],
        success,
        faults: [{ status: "404", fault: "Unknown", mediaType: "application/json" }],
      },
    },
    list: {
      name: "list",
      effect: "read",
      input: {
        type: "object",
        properties: { after: { type: "string" }, most: { type: "integer" } },
        additionalProperties: false,
      },
      output: { type: "array", items: article },
      faults: {},
      binding: {
        protocol: "rest",
        method: "GET",
        path: "/list",
        parameters: [parameter("after", "query", false), parameter("most", "query", false)],
        success,
        faults: [],
      },
    },
  },
});

const files = (url: string, reads: string) => ({
  "package.json": '{"name":"reads","type":"module"}',
  "mortise.config.ts": `import { defineConfig } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }, workers: { reads: "${reads}" } });`,
  "systems/shop/contract.json": contract,
  "systems/shop/contract.ts": `import { pinnedContract } from "mortise";
    type Article = { sku: string; free: number; owner?: string };
    type Look = { input: { sku: string }; output: Article; faults: { Unknown: { reason?: string } } };
    type List = { input: { after?: string; most?: number }; output: readonly Article[]; faults: {} };
    export const contract = pinnedContract<{ events: {}; schemas: {}; operations: { look: Look; list: List } }>(import.meta.url);`,
  "systems/shop/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
    export const shop = rest(contract, { connection: "${url}", circuit: false });`,
  "processes/none.ts": `import { defineProcess, t } from "mortise";
    export const none = defineProcess({ name: "none", input: t.object({ id: t.string() }), key: ({ id }) => id, run: async () => {} });`,
  "apis/stock.v1.ts": `import { defineApi, get, published, t } from "mortise"; import { shop } from "../systems/shop/index.ts";
    const open = { access: "public" as const, faults: { Unknown: 404 } };
    export default defineApi({ name: "stock", version: "1.0.0", base: "/stock/v1", lifecycle: published(), access: [], operations: {
      plain: get("/plain/{sku}", { ...open, calls: shop.look }),
      brief: get("/brief/{sku}", { ...open, calls: shop.look, timeout: "150ms" }),
      unmapped: get("/unmapped/{sku}", { access: "public", calls: shop.look }),
      tagged: get("/tagged/{sku}", { ...open, calls: shop.look, etag: true }),
      kept: get("/kept/{sku}", { ...open, calls: shop.look, cache: "1m" }),
      judged: get("/judged/{sku}", { ...open, calls: shop.look, allow: ({ resource }) => resource === undefined || resource.owner === "shop" }),
      mapped: get("/mapped/{sku}", { ...open, calls: shop.look,
        responds: { body: t.object({ article: t.string(), names: t.array(t.string()) }), map: (output) => ({ article: output.sku, names: Object.keys(output) }) } }),
      list: get("/list", { access: "public", calls: shop.list, pages: { limit: "most", start: { after: "" }, after: (last) => ({ after: last.sku }), size: 2, most: 5 } }),
    } });`,
});

async function serve(t: TestContext, url: string, reads: "always" | "never") {
  const project = testProject(files(url, reads));
  let stop = async (): Promise<void> => {};
  t.after(async () => {
    await stop();
    project.remove();
  });
  const server = await startServer(await loadProject(project.folder), { environment: {}, log: () => {} });
  stop = () => server.stop();
  return async (path: string, headers: Record<string, string> = {}) => {
    const answer = await request(`${server.apiUrl}/stock/v1${path}`, { headers });
    // A problem holds the id, whose length grows.
    const { date, "x-request-id": id, "content-length": _, ...rest } = answer.headers;
    assert.ok(date !== undefined && id !== undefined);
    const text = (await answer.body.text()).replaceAll(String(id), "ID");
    return { status: answer.statusCode, headers: rest, text };
  };
}

test("what callers get is the same, and who reads is another: plain, kept, judged, mapped and in pages, faults and failures", async (t) => {
  const system = await openSystem(t);
  const [there, here] = [await serve(t, system.url, "always"), await serve(t, system.url, "never")];
  await here("/plain/first");
  const own = system.ports.length;
  // The first read starts the thread.
  while (new Set(system.ports.slice(own)).size < 2) await there("/plain/first");
  const skus = ["plain", "grown", "grün & %2F", "other-1", "none", "busy", "broken", "wrong", "cut", "..", "x y"];
  for (const operation of ["plain", "unmapped", "tagged", "kept", "kept", "judged", "mapped"])
    for (const sku of skus) {
      const path = `/${operation}/${encodeURIComponent(sku)}`;
      assert.deepEqual(await there(path), await here(path), path);
    }
  assert.deepEqual(JSON.parse((await there("/plain/grown")).text), { sku: "grown", free: 3, owner: "shop" });
  assert.deepEqual(JSON.parse((await there("/mapped/grown")).text).names, ["sku", "free", "owner", "inner"]);
  assert.equal((await there("/judged/other-1")).status, 404);
  const [late, lateHere] = [await there("/brief/silent"), await here("/brief/silent")];
  assert.deepEqual(late, lateHere);
  assert.ok(late.status >= 500, `${late.status}`);
  const tag = (await there("/tagged/plain")).headers.etag as string;
  assert.deepEqual((await there("/tagged/plain", { "if-none-match": tag })).status, 304);
  // Cursors are sealed for their server; what they lead to is the same.
  const pages = async (ask: typeof there) => {
    const items: unknown[] = [];
    for (let path = "/list"; ; ) {
      const page = JSON.parse((await ask(path)).text) as { items: unknown[]; next?: string };
      items.push(page.items);
      if (page.next === undefined) return items;
      path = `/list?cursor=${encodeURIComponent(page.next)}`;
    }
  };
  const all = await pages(there);
  assert.equal(all.length, 3);
  assert.deepEqual(all, await pages(here));
});

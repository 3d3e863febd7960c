/** A system whose contract changes under us, and one that says what will end. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { request } from "undici";
import { testDatabase } from "../../connectors/sql/test-servers.ts";
import type { ContractModel } from "../../contract/model.ts";
import { writeContract } from "../../contract/write/typescript.ts";
import { readLive } from "../live-contract.ts";
import { loadProject } from "../project.ts";
import { type RunningServer, startServer } from "../server.ts";
import { testProject } from "../test-project.ts";
import type { ContractItem } from "./book.ts";
import { changesInWords, changesOf, touchedBy } from "./changes.ts";
import { type Look, look } from "./look.ts";

const description = (stock: string): string => `openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /stock/{sku}:
    get:
      operationId: getStock
      parameters: [{ name: sku, in: path, required: true, schema: { type: string } }]
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Stock" } } } } }
  /ping:
    get: { operationId: ping, responses: { "204": { description: ok } } }
components:
  schemas:
    Stock: { type: object, properties: { onHand: { type: ${stock} } } }
    Unused: { type: string }
`;

interface Shop {
  readonly url: string;
  text: string;
  /** Answers by status, of the description. */
  readonly answers: number[];
}

async function openShop(t: TestContext): Promise<Shop> {
  const shop = { url: "", text: description("integer"), answers: [] as number[] };
  const server = createServer((asked, answer) => {
    asked.resume();
    if (asked.url === "/openapi.yaml") {
      const etag = `"${Buffer.from(shop.text).toString("base64url").slice(-60)}"`;
      const status = asked.headers["if-none-match"] === etag ? 304 : 200;
      shop.answers.push(status);
      answer.writeHead(status, { etag }).end(status === 304 ? undefined : shop.text);
      return;
    }
    answer.writeHead(200, {
      "content-type": "application/json",
      deprecation: "@1767225600",
      sunset: "Fri, 31 Dec 2027 23:59:59 GMT",
      link: '</next>; rel="next", <https://shop.example.com/v2>; rel="successor-version"',
    });
    answer.end('{"onHand":3}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  shop.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return shop;
}

async function pinOf(url: string): Promise<ContractModel> {
  const location = `${url}/openapi.yaml`;
  const { model } = await readLive({ system: "shop", location, project: "/", folder: "/", internal: true });
  return { ...model, source: { ...model.source, url: location } };
}

test("a change of a named schema touches the operations that refer to it, and no others", async (t) => {
  const shop = await openShop(t);
  const pinned = await pinOf(shop.url);
  assert.equal(changesOf(pinned, pinned), undefined);
  shop.text = description("string").replace(
    "  /ping:\n    get: { operationId: ping",
    "  /pong:\n    get: { operationId: pong",
  );
  const changes = changesOf(pinned, await pinOf(shop.url));
  assert.equal(changesInWords(changes!), "operations: -ping +pong; schemas: ~Stock");
  assert.deepEqual(touchedBy(pinned, changes!), ["getStock", "ping"]);
});

test("a look asks with the validators of the look before, and reads again only what changed", async (t) => {
  const shop = await openShop(t);
  const pinned = await pinOf(shop.url);
  shop.answers.length = 0;
  const first = await look({ pinned, project: "/", validators: [] });
  assert.equal(first.state, "same");
  const { validators } = first as Extract<Look, { state: "same" }>;
  assert.deepEqual(await look({ pinned, project: "/", validators }), { state: "unmodified" });
  assert.deepEqual(shop.answers, [200, 304]);
  shop.text = description("string");
  const changed = await look({ pinned, project: "/", validators });
  assert.ok(changed.state === "changed", JSON.stringify(changed));
  assert.deepEqual(changed.touches, ["getStock"]);
  shop.text = "openapi: 3.1.0\npaths: [";
  const broken = await look({ pinned, project: "/", validators });
  assert.ok(broken.state === "unreadable" && broken.code === "contract-unreadable", JSON.stringify(broken));
  const { url: _, ...source } = pinned.source;
  assert.equal((await look({ pinned: { ...pinned, source }, project: "/", validators: [] })).state, "unwatched");
});

test("a look at a database finds columns, keys and statements that no longer fit", async (t) => {
  const database = await testDatabase(
    t,
    "postgresql",
    "create table stock (sku text primary key, on_hand integer not null);\ncreate table other (id integer);\n",
  );
  if (database === undefined) return;
  const live = await readLive({
    system: "warehouse",
    location: database.url,
    project: "/",
    folder: "/",
    internal: true,
    tables: ["st*"],
  });
  const home = testProject(
    Object.fromEntries(live.files.files().map(({ path, text }) => [`systems/warehouse/${path}`, text])),
  );
  t.after(() => home.remove());
  const settings = { connection: database.url, internal: true } as Parameters<typeof look>[0]["settings"];
  const task = { pinned: live.model, settings, project: home.folder, validators: [] };
  // The table that was left out when it was pinned is left out here, too.
  assert.equal((await look(task)).state, "same");
  await database.run("alter table stock alter on_hand type bigint");
  const changed = await look(task);
  assert.ok(changed.state === "changed", JSON.stringify(changed));
  assert.equal(changesInWords(changed.changes), "operations: ~getStock; schemas: ~Stock; tables: ~stock");
  await database.run("alter table stock drop on_hand");
  const broken = await look(task);
  assert.ok(broken.state === "unreadable" && /on_hand/.test(broken.reason), JSON.stringify(broken));
});

async function admin<T>(server: RunningServer, path: string, body?: unknown): Promise<T> {
  const answer = await request(`${server.adminUrl}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${server.adminToken}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return JSON.parse(await answer.body.text()) as T;
}

test("DS-9: a server keeps what changed, and what will end by its own headers, as items: across a restart, until they are no longer seen", async (t) => {
  const shop = await openShop(t);
  const { "contract.json": json, "contract.ts": ts } = writeContract(await pinOf(shop.url));
  const home = testProject({
    "package.json": '{"name":"harbour","type":"module"}',
    "mortise.config.ts": `import { defineConfig } from "mortise"; export default defineConfig({ api: { port: 0 }, admin: { port: 0 } });`,
    "systems/shop/contract.json": json,
    "systems/shop/contract.ts": ts,
    "systems/shop/index.ts": `import { rest } from "mortise"; import { contract } from "./contract.ts";
      export const shop = rest(contract, { connection: "${shop.url}" });`,
    "processes/ask.ts": `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts";
      export const ask = defineProcess({ name: "ask", key: (input: any) => input.sku, input: { kind: "schema", json: true } as any,
        run: async (flow, input: any) => flow.call(shop.getStock, { sku: input.sku }) });`,
  });
  t.after(() => home.remove());
  const start = async () => startServer(await loadProject(home.folder), { log: () => {} });
  type Answer = { contracts: { state: string; hash: string }[]; items: ContractItem[] };
  const lookNow = (server: RunningServer) => admin<Answer>(server, "/contracts/look", { reason: "a test" });

  let server = await start();
  t.after(() => server.stop());
  assert.equal((await admin<Answer>(server, "/contracts")).contracts[0]?.state, "new");
  shop.text = description("string");
  const [changed] = (await lookNow(server)).items;
  assert.deepEqual([changed?.kind, changed?.detail.touches], ["changed", ["getStock"]]);

  // A call by a run, in its worker's thread.
  await admin(server, "/processes/ask/start", { input: { sku: "A" }, reason: "a test" });
  let ending: ContractItem | undefined;
  for (const end = Date.now() + 20_000; ending === undefined && Date.now() < end; ) {
    const { items } = await admin<Answer>(server, "/contracts");
    ending = items.find(({ kind }) => kind === "deprecated");
    await new Promise((next) => setTimeout(next, 10));
  }
  assert.deepEqual(
    [ending?.system, ending?.operation, ending?.detail],
    [
      "shop",
      "getStock",
      {
        deprecated: Date.UTC(2026, 0, 1),
        sunset: Date.UTC(2027, 11, 31, 23, 59, 59),
        link: "https://shop.example.com/v2",
      },
    ],
  );

  await server.stop();
  server = await start();
  assert.deepEqual((await admin<Answer>(server, "/contracts")).items, [changed, ending]);
  shop.text = description("integer");
  assert.deepEqual((await lookNow(server)).items, [ending]);
  const closed = await admin<Answer>(server, "/contracts/close", {
    system: "shop",
    kind: "deprecated",
    operation: "getStock",
    reason: "a test",
  });
  assert.deepEqual(closed.items, []);
  assert.equal(closed.contracts[0]?.state, "same");
});

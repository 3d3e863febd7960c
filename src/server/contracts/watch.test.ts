/** A system whose contract changes under us, and one that says what will end. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { request } from "undici";
import type { Clock } from "../../clock.ts";
import { testDatabase } from "../../connectors/sql/test-servers.ts";
import type { SystemDefinition } from "../../connectors/system.ts";
import type { ContractModel } from "../../contract/model.ts";
import { onlyOf } from "../../contract/only.ts";
import { writeContract } from "../../contract/write/typescript.ts";
import { createServer } from "../../http.ts";
import { storeInThread } from "../../store/in-thread.ts";
import type { Store } from "../../store/store.ts";
import { loadProject } from "../project/project.ts";
import { type RunningServer, startServer } from "../server.ts";
import { contractOf, testProject } from "../test-project.ts";
import type { ContractItem } from "./book.ts";
import { changesInWords, changesOf, judged, judgedInWords } from "./changes.ts";
import { readLive } from "./live.ts";
import { type Look, look } from "./look.ts";
import { storePart } from "./store-part.ts";
import { watchContracts } from "./watch.ts";

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
  const found = judged(pinned, await pinOf(shop.url));
  assert.deepEqual(found.touches, ["ping", "getStock"]);
  assert.equal(
    judgedInWords(found, changes!),
    "2 breaking, 0 for review, 1 safe; operations: -ping +pong; schemas: ~Stock",
  );
  assert.deepEqual(
    found.findings.map(({ rule, verdict, at, example }) => [rule, verdict, at, example?.value]),
    [
      ["operation-removed", "breaking", "ping", {}],
      ["type", "breaking", "getStock: answer 200 /onHand", { onHand: "text" }],
      ["operation-added", "safe", "pong", undefined],
    ],
  );
});

test("of many findings the worst are kept, and what is long is cut", async (t) => {
  const shop = await openShop(t);
  const pinned = await pinOf(shop.url);
  const many = (wanted: string) =>
    description("integer")
      .replace(
        "Unused: { type: string }",
        `Unused: { type: string }${"\n    "}Many: { type: object, properties: { ${Array.from({ length: 70 }, (_, n) => `p${n}: { type: ${wanted} }`).join(", ")} } }`,
      )
      .replace(
        "{ onHand: { type: integer } }",
        '{ onHand: { type: integer }, many: { $ref: "#/components/schemas/Many" } }',
      );
  shop.text = many("string");
  const before = await pinOf(shop.url);
  shop.text = many(`string, minLength: 1, pattern: "^${"x".repeat(700)}$"`);
  const { findings, counts } = judged(before, await pinOf(shop.url));
  assert.equal(findings.length, 50);
  assert.ok(counts.breaking + counts.review + counts.safe > 50);
  assert.ok(findings.every((finding) => JSON.stringify(finding).length < 2500));
  assert.equal(judged(pinned, pinned).verdict, "safe");
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
  assert.deepEqual([changed.judged.verdict, changed.judged.touches], ["breaking", ["getStock"]]);
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

test("only the part of a contract that is pinned is watched", async (t) => {
  const shop = await openShop(t);
  const pinned = onlyOf(await pinOf(shop.url), ["getStock"]);
  assert.equal((await look({ pinned, project: "/", validators: [] })).state, "same");
  shop.text = description("integer").replace("operationId: ping", "operationId: pong");
  assert.equal((await look({ pinned, project: "/", validators: [] })).state, "same");
  shop.text = description("string");
  assert.equal((await look({ pinned, project: "/", validators: [] })).state, "changed");
});

/** Time that the test moves; a timer fires when it is passed. */
class HandClock implements Clock {
  time = Date.parse("2026-03-02T06:00:00Z");
  timers: { at: number; act: () => void }[] = [];
  now = () => this.time;
  chance = () => 0.5;
  soon = (act: () => void): void => void setImmediate(act);
  later(ms: number, act: () => void): () => void {
    const timer = { at: this.time + ms, act };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }
  pass(ms: number): void {
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { act } of due) act();
  }
}

test("the watch looks at each system when its time has come: once, again after the interval, and on after a failure", async () => {
  const minute = 60_000;
  const hour = 60 * minute;
  const clock = new HandClock();
  const store = storeInThread({
    db: new DatabaseSync(":memory:"),
    parts: [storePart],
    clock,
    schedule: (_, act) => void setImmediate(act),
    onPost: () => {},
  });
  const { contract } = { contract: contractOf("shop").model };
  const systems = new Map(
    ["shop", "erp"].map((name) => [name, { name, contract: { ...contract, name } } as unknown as SystemDefinition]),
  );
  const looked: string[] = [];
  const failures: unknown[] = [];
  const answers: (() => Promise<Look>)[] = [];
  let told: () => void = () => {};
  const watch = watchContracts({
    systems,
    settings: new Map(),
    project: "/",
    store: store as unknown as Pick<Store, "submit" | "read">,
    everyMs: hour,
    clock,
    failed: (error) => {
      failures.push(error);
      told();
    },
    found: () => {},
    look: async ({ pinned }) => {
      looked.push(`${pinned.name} ${new Date(clock.time).toISOString().slice(11, 16)}`);
      return (await answers.shift()?.()) ?? { state: "same", validators: [] };
    },
  });
  /** Time passes, and what that starts is done: a look by hand waits for its turn behind it. */
  const passes = async (ms: number) => {
    clock.pass(ms);
    const before = looked.length;
    await watch.look("erp");
    return looked.splice(0).filter((_, at, all) => !(at >= before && at === all.length - 1));
  };
  await new Promise((next) => setImmediate(next));
  assert.deepEqual(looked, [], "not before a beat");
  assert.deepEqual(await passes(minute), ["shop 06:01", "erp 06:01"]);
  assert.deepEqual(await passes(30 * minute), [], "nothing is due");
  // What was looked at by hand at 06:31 is due an hour after that; the other one an hour after its own look.
  assert.deepEqual(await passes(30 * minute), ["shop 07:01"]);
  assert.deepEqual(await passes(61 * minute), ["shop 08:02", "erp 08:02"]);
  // After one that fails the next beat looks again.
  const failed = new Promise<void>((resolve) => {
    told = resolve;
  });
  answers.push(() => Promise.reject(new Error("no memory is left")));
  clock.pass(61 * minute);
  await failed;
  assert.match(String(failures[0]), /no memory is left/);
  looked.length = 0;
  assert.deepEqual((await passes(minute)).sort(), ["erp 09:04", "shop 09:04"]);
  await watch.stop();
  assert.deepEqual(clock.timers, [], "nothing is left waiting");
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
  const [finding] = (changed?.detail.findings ?? []) as {
    rule: string;
    verdict: string;
    at: string;
    example: unknown;
  }[];
  assert.deepEqual(
    [finding?.rule, finding?.verdict, finding?.at, finding?.example],
    [
      "type",
      "breaking",
      "getStock: answer 200 /onHand",
      { value: { onHand: "text" }, proven: true, refusal: "/onHand must be integer" },
    ],
  );

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

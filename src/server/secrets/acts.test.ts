import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openWebhookSecret, signWebhook } from "../../connectors/webhook.ts";
import { createServer } from "../../http.ts";
import { loadProject } from "../project/project.ts";
import { type RunningServer, startServer } from "../server.ts";
import { type TestProject, testContract, testContractTs, testProject } from "../test-project.ts";
import { type Answer, admin, send, until } from "../versions/test-versions.ts";

const hook = (byte: number) => `whsec_${Buffer.alloc(24, byte).toString("base64")}`;
const key = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const environment = {
  STORE_KEY: key(1),
  "shop-token": "token-of-the-environment",
  "shop-hook": hook(1),
  partner: "partner-password-1",
};

const files = (url: string, encrypted: boolean) => ({
  "package.json": '{"name":"harbour","type":"module"}',
  "mortise.config.ts": `import { defineConfig, secret } from "mortise";
    export default defineConfig({ api: { port: 0 }, admin: { port: 0 }${encrypted ? ', encryption: { key: secret("STORE_KEY") }' : ""} });`,
  "systems/shop/contract.json": testContract("shop"),
  "systems/shop/contract.ts": testContractTs,
  "systems/shop/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
    export const shop = rest(contract, { connection: "${url}", credentials: { kind: "bearer", token: secret("shop-token") }, webhookSecret: secret("shop-hook") });`,
  "processes/order.ts": `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts";
    export const order = defineProcess({ name: "order", input: { kind: "schema", json: { type: "object" } } as any, key: (input: any) => input.id,
      async run(flow, input: any) { return flow.call(shop.book, { sku: input.sku }); } });`,
  "apis/orders.v1.ts": `import { basic, defineApi, post, published, secret } from "mortise"; import { shop } from "../systems/shop/index.ts"; import { order } from "../processes/order.ts";
    export default defineApi({ name: "orders", version: "1.0.0", base: "/orders/v1", lifecycle: published(),
      access: [basic({ users: { acme: { password: secret("partner"), scopes: ["book"] } } })],
      operations: { place: post("/orders", { access: "public", starts: order }), book: post("/bookings", { scope: "book", calls: shop.book }) } });`,
});

interface Upstream {
  readonly url: string;
  /** Authorization of each call, in the order of coming. */
  readonly seen: string[];
  /** Calls that are not answered yet, while `holding`. */
  readonly held: ServerResponse[];
  holding: boolean;
}

async function upstream(t: TestContext): Promise<Upstream> {
  const held: ServerResponse[] = [];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization ?? "");
    request.resume().on("end", () => {
      if (up.holding) held.push(response);
      else answer(response);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const up: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    held,
    holding: false,
  };
  return up;
}
const answer = (response: ServerResponse): void =>
  void response.writeHead(201, { "content-type": "application/json" }).end('{"id":"b1"}');

interface Bench {
  readonly project: TestProject;
  readonly up: Upstream;
  readonly lines: string[];
  start(more?: Readonly<Record<string, string>>): Promise<RunningServer>;
}

async function bench(t: TestContext, encrypted = true): Promise<Bench> {
  const up = await upstream(t);
  const project = testProject(files(up.url, encrypted));
  const servers: RunningServer[] = [];
  const lines: string[] = [];
  t.after(async () => {
    for (const server of servers) await server.stop();
    project.remove();
  });
  return {
    project,
    up,
    lines,
    async start(more = {}) {
      const server = await startServer(await loadProject(project.folder), {
        environment: { ...environment, ...more },
        secretsEveryMs: 20,
        log: (line) => lines.push(line),
      });
      servers.push(server);
      return server;
    },
  };
}

const book = (server: RunningServer, password = "partner-password-1"): Promise<Answer> =>
  send(
    `${server.apiUrl}/orders/v1/bookings`,
    {
      authorization: `Basic ${Buffer.from(`acme:${password}`).toString("base64")}`,
      "idempotency-key": `"${Math.random()}"`,
    },
    { sku: "bolt" },
  );
const place = (server: RunningServer, id: string): Promise<Answer> =>
  send(`${server.apiUrl}/orders/v1/orders`, {}, { id, sku: "bolt" });
const set = (server: RunningServer, name: string, value: string): Promise<Answer> =>
  admin(server, `/secrets/${name}`, { value, reason: "rotated" });

test("a secret that is set and is short or an ordinary word is in force, with a warning", async (t) => {
  const { start, lines } = await bench(t);
  const server = await start();
  for (const [name, value, warned] of [
    ["partner", "of-many-characters", false],
    ["partner", "harbourmaster", true],
    ["shop-token", "x1-y2", true],
  ] as const) {
    const { status, body } = await set(server, name, value);
    assert.deepEqual([status, /short or an ordinary word/.test(String(body.warning))], [200, warned], value);
  }
  assert.equal((await book(server, "harbourmaster")).status, 200);
  const told = lines.filter((line) => line.includes("a secret is short or an ordinary word"));
  assert.match(told.join(), /secret partner \(apis\/orders.*secret shop-token \(systems\/shop/s);
  assert.ok(!told.join().includes("harbourmaster"));
});

test("a secret that is set is in force for the next call, of the front and of the workers; what is under way ends with the old one", async (t) => {
  const { project, up, lines, start } = await bench(t);
  const server = await start();
  assert.equal((await book(server)).status, 200);
  assert.equal(up.seen.pop(), "Bearer token-of-the-environment");
  up.holding = true;
  await place(server, "o-1");
  await until(async () => up.held[0]);
  const value = "canary-token-of-the-store";
  const answered = await set(server, "shop-token", value);
  assert.equal(answered.status, 200, JSON.stringify(answered.body));
  assert.equal(answered.body.in, "store");
  up.holding = false;
  assert.equal((await book(server)).status, 200);
  assert.equal(up.seen.pop(), `Bearer ${value}`, "the front's client");
  await place(server, "o-2");
  await until(async () => (up.seen.length >= 2 ? true : undefined));
  assert.deepEqual(up.seen, ["Bearer token-of-the-environment", `Bearer ${value}`], "the worker's client");
  answer(up.held[0] as ServerResponse);
  for (const run of ["o-1", "o-2"]) {
    const ended = await until(async () => {
      const { runs } = (await admin(server, `/runs?key=${run}`)).body;
      return runs[0]?.status === "completed" ? runs[0] : undefined;
    });
    assert.equal(ended.status, "completed");
  }

  const { secrets } = (await admin(server, "/secrets")).body;
  const [entry] = (await admin(server, "/audit")).body.entries;
  assert.deepEqual([entry.action, entry.target, entry.result], ["secret.set", "shop-token", "done"]);
  const mine = secrets.find(({ name }: { name: string }) => name === "shop-token");
  assert.deepEqual(mine.usedBy, ["systems/shop: credentials.token"]);
  assert.equal(typeof mine.setAt, "number");
  await server.stop();
  const store = join(project.folder, ".mortise");
  const bytes = readdirSync(store).filter((name) => name.startsWith("mortise.db"));
  for (const name of bytes) assert.ok(!readFileSync(join(store, name)).includes("canary"), name);
  assert.ok(!`${JSON.stringify([secrets, entry])}${lines.join("")}`.includes("canary"));
  assert.ok(lines.some((line) => line.includes('"names":["shop-token"]')));

  const again = await start();
  assert.equal((await book(again)).status, 200);
  assert.equal(up.seen.pop(), `Bearer ${value}`);
});

test("secrets of access and of webhooks change too; one that can't be used is refused, and the old one stays", async (t) => {
  const { start, lines } = await bench(t);
  const server = await start();
  const deliver = (secret: string) => {
    const body = JSON.stringify({ type: "paid", order: "o1" });
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = signWebhook({
      id: `d${Math.random()}`.replace(".", ""),
      timestamp,
      body,
      secrets: [openWebhookSecret(secret, "shop")],
    });
    return fetch(`${server.apiUrl}/webhooks/shop`, { method: "POST", headers: { ...headers }, body });
  };
  assert.equal((await deliver(hook(1))).status, 204);
  assert.equal((await set(server, "shop-hook", hook(2))).status, 200);
  assert.equal((await deliver(hook(1))).status, 401);
  assert.equal((await deliver(hook(2))).status, 204);
  const refused = await set(server, "shop-hook", "canary-is-no-webhook-secret");
  assert.equal(refused.body.code, "webhook-secret");
  assert.equal((await deliver(hook(2))).status, 204);

  assert.equal((await set(server, "partner", "partner-password-2")).status, 200);
  assert.equal((await book(server)).status, 401);
  assert.equal((await book(server, "partner-password-2")).status, 200);
  const short = await set(server, "partner", "short");
  assert.equal(short.body.code, "secret-invalid", JSON.stringify(short.body));
  assert.equal((await book(server, "partner-password-2")).status, 200);

  for (const [name, value] of [
    ["..", "x"],
    [".hidden", "x"],
    ["shop-token", "a\nb"],
    ["shop-token", ""],
  ] as const) {
    const { status } = await set(server, encodeURIComponent(name), value);
    assert.ok(status === 422 || status === 404, `${name}: ${status}`);
  }
  const removed = await admin(server, "/secrets/shop-hook/remove", { reason: "r" });
  assert.deepEqual([removed.status, removed.body.in], [200, "environment"]);
  assert.equal((await deliver(hook(1))).status, 204);
  assert.equal((await admin(server, "/secrets/shop-hook/remove", { reason: "r" })).body.code, "secret-unknown");
  assert.ok(!lines.join("").includes("canary"));
  const operator = (await admin(server, "/tokens", { name: "op", role: "operator" })).body.token;
  const asOperator = await send(`${server.adminUrl}/secrets`, { authorization: `Bearer ${operator}` });
  assert.equal(asOperator.status, 403);
});

test("a secret that something needs is not removed; a file of the same name counts before it", async (t) => {
  const { project, up, lines, start } = await bench(t);
  const server = await start();
  await set(server, "shop-token", "token-of-the-store");
  await server.stop();
  const again = await start({ "shop-token": undefined as unknown as string });
  const { body } = await admin(again, "/secrets/shop-token/remove", { reason: "r" });
  assert.equal(body.code, "secret-needed");
  assert.match(body.detail, /shop-token is used by systems\/shop: credentials\.token/);
  await book(again);
  assert.equal(up.seen.pop(), "Bearer token-of-the-store");
  await again.stop();
  project.write({ "secrets/shop-token": "token-of-the-file\n" });
  chmodSync(join(project.folder, "secrets/shop-token"), 0o600);
  const third = await start();
  await book(third);
  assert.equal(up.seen.pop(), "Bearer token-of-the-file");
  assert.ok(lines.some((line) => /shop-token.*in the store and in a file/.test(line)));
  assert.equal((await set(third, "shop-token", "another")).body.in, "file");
});

test("while other secrets are missing, one that needs them is refused by their names; what nothing uses comes and goes", async (t) => {
  const { project, start } = await bench(t);
  const names = ["shop-token", "partner"];
  for (const name of names) {
    project.write({ [`secrets/${name}`]: `${name}-of-the-file` });
    chmodSync(join(project.folder, "secrets", name), 0o600);
  }
  const server = await start(Object.fromEntries(names.map((name) => [name, undefined as unknown as string])));
  for (const name of names) rmSync(join(project.folder, "secrets", name));
  const { status, body } = await set(server, "shop-token", "canary-token");
  assert.deepEqual([status, body.code], [422, "secret-invalid"], JSON.stringify(body));
  assert.match(body.detail, /secret partner \(apis\/orders.*Put them back first/);
  assert.equal((await set(server, "spare", "canary-spare")).status, 200);
  assert.equal((await admin(server, "/secrets/spare/remove", { reason: "r" })).status, 200);
  assert.equal((await book(server, "partner-of-the-file")).status, 200, "what was in force stays");
});

test("a changed file is taken within seconds, without a word from anybody; while it can't be used the old value stays", async (t) => {
  const { project, up, lines, start } = await bench(t);
  const file = join(project.folder, "secrets/shop-token");
  const write = (text: string, mode = 0o600) => {
    const aside = `${file}.new`;
    writeFileSync(aside, text, { mode });
    chmodSync(aside, mode);
    renameSync(aside, file);
  };
  project.write({ "secrets/.keep": "" });
  write("first-of-the-file");
  const server = await start();
  const token = async () => {
    await book(server);
    return up.seen.at(-1);
  };
  assert.equal(await token(), "Bearer first-of-the-file");
  write("second-of-the-file");
  await until(async () => ((await token()) === "Bearer second-of-the-file" ? true : undefined));
  write("third-is-open-to-all", 0o644);
  await until(async () => (lines.some((line) => line.includes("chmod 600")) ? true : undefined));
  assert.equal(await token(), "Bearer second-of-the-file");
  assert.equal(lines.filter((line) => line.includes("chmod 600")).length, 1, "told once");
  rmSync(file);
  await until(async () => ((await token()) === "Bearer token-of-the-environment" ? true : undefined));
});

test("without encryption.key the store keeps no secret", async (t) => {
  const { start } = await bench(t, false);
  const server = await start();
  const refused = await set(server, "shop-token", "canary-value-in-clear");
  assert.deepEqual([refused.status, refused.body.code], [409, "secrets-unencrypted"]);
  assert.match(refused.body.detail, /encryption\.key/);
});

test("a new key in front of the old one seals the secrets anew, and the old one can go", async (t) => {
  const { up, start } = await bench(t);
  const one = await start();
  await set(one, "shop-token", "token-of-the-store");
  await one.stop();
  const two = await start({ STORE_KEY: `${key(2)},${key(1)}` });
  await book(two);
  assert.equal(up.seen.pop(), "Bearer token-of-the-store");
  await two.stop();
  const three = await start({ STORE_KEY: key(2) });
  await book(three);
  assert.equal(up.seen.pop(), "Bearer token-of-the-store");
  await three.stop();
  await assert.rejects(start({ STORE_KEY: key(3) }), { code: "encryption-key-missing" });
});

test("after a deployment a changed secret leaves the promoted code in force", async (t) => {
  const { project, up, start } = await bench(t);
  const server = await start();
  const text = files(up.url, true)["processes/order.ts"].replace("input.id", "input.reference");
  project.write({ "processes/order.ts": text });
  assert.equal((await admin(server, "/versions", { promote: true, reason: "by reference" })).status, 200);
  const reference = () => send(`${server.apiUrl}/orders/v1/orders`, {}, { reference: "r-1", sku: "bolt" });
  assert.equal((await reference()).status, 202);
  await set(server, "shop-token", "token-of-the-store");
  assert.equal((await reference()).status, 202);
});

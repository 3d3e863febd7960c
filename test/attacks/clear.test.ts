/** Requests in clear to a port with TLS, over raw sockets: refused, not led on, and the credentials in them are known to have been there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { connect } from "node:tls";
import { mortise } from "../../src/cli/test-terminal.ts";
import { openTarget, type Target, type TargetOptions } from "./target.ts";
import { codeOf, exchange, lineOf, message, openLine, sized, statuses } from "./wire.ts";

const fixture = (name: string) => readFileSync(new URL(`../../src/outbound/fixtures/${name}`, import.meta.url), "utf8");
const config = `import { defineConfig } from "mortise";
  export default defineConfig({ api: { port: 0, certificate: "server.pem", key: "secrets/server.key" }, admin: { port: 0 }, watch: { every: "0s" }, shutdown: { grace: "1s" },
    limits: { headersTimeout: "1s", keepAlive: "200ms", requestTimeout: "2s", connectionsPerAddress: 2000 } });`;
const partners = `import { basic, defineApi, get, published, secret } from "mortise"; import { shop } from "../systems/shop/index.ts";
  export default defineApi({ name: "partners", version: "1.0.0", base: "/partners/v1", lifecycle: published(),
    access: [basic({ users: { erp: { password: secret("erp"), scopes: ["orders"] } } })],
    operations: { getStock: get("/stock/{sku}", { scope: "orders", calls: shop.getStock }) } } as any);`;
const options: TargetOptions = {
  files: {
    "server.pem": fixture("good.pem"),
    "secrets/server.key": fixture("server.key"),
    "secrets/erp": "a long password of the erp",
    "mortise.config.ts": config,
    "apis/partners.ts": partners,
  },
};

async function overTls(port: number, path: string, header: string): Promise<number | undefined> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: fixture("ca.pem") });
  return statuses(
    await lineOf(socket, message(`GET ${path} HTTP/1.1\nHost: a\nConnection: close\n${header}`)).closed,
  )[0];
}

/** Its port: what comes there goes on to `port` in pieces of this size, each in a packet of its own. */
async function chopper(t: TestContext, port: number, size: number): Promise<number> {
  const server = createServer((from) => {
    const to = connectPlain(port, "127.0.0.1").setNoDelay();
    to.pipe(from);
    for (const end of [from, to]) end.on("error", () => {});
    void chop(from, to, size);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function chop(from: Socket, to: Socket, size: number): Promise<void> {
  for await (const chunk of from as AsyncIterable<Buffer>)
    for (let at = 0; at < chunk.length && to.writable; at += size) {
      to.write(chunk.subarray(at, at + size));
      await new Promise((next) => setImmediate(next));
    }
  to.end();
}

interface Listed {
  readonly id: string;
  readonly consumer: string;
  readonly exposedAt?: number;
}
/** The keys, once so many are marked: the mark is written behind the answer. */
async function marked(target: Target, count: number): Promise<readonly Listed[]> {
  for (;;) {
    const keys = await keysOf(target);
    if (keys.filter(({ exposedAt }) => exposedAt !== undefined).length >= count) return keys;
  }
}
const keysOf = async (target: Target): Promise<readonly Listed[]> =>
  (JSON.parse((await target.admin("/keys")).text) as { readonly keys: readonly Listed[] }).keys;

interface Told {
  readonly msg: string;
  readonly level: string;
  readonly consumer: string;
  readonly via: string;
  readonly key?: string;
}
const toldOf = ({ lines }: Target): readonly Told[] =>
  lines.map((line) => JSON.parse(line) as Told).filter(({ msg }) => msg.includes("came in clear"));

test("OA2-7: clear HTTP at a port with TLS is refused and not led on; an API key in it is told, marked and can be revoked", async (t) => {
  const target = await openTarget(t, options);
  const { port, auth, otherKey, key } = target;
  const stock = "GET /orders/v1/stock/a";
  const wrong = await exchange(port, message(`${stock} HTTP/1.1\nHost: a\n${auth.slice(0, -1)}_`));
  const right = await exchange(port, message(`${stock} HTTP/1.1\nHost: a\n${auth}`));
  assert.deepEqual([statuses(right), codeOf(right)], [[403], "tls-required"]);
  assert.ok(!/\r\nlocation:/i.test(right) && /\r\nconnection: close\r\n/i.test(right), right);
  const withoutIds = (text: string) => text.replace(/[0-9a-f]{16}-[0-9a-z]+/g, "").replace(/\r\ndate: .*/i, "");
  assert.equal(withoutIds(right), withoutIds(wrong), "who guesses learns nothing");
  const [first, ...rest] = (await marked(target, 1)).filter(({ exposedAt }) => exposedAt !== undefined);
  assert.deepEqual([first?.consumer, rest], ["acme", []]);
  assert.deepEqual(
    toldOf(target).map(({ level, consumer, via, key: id }) => [level, consumer, via, id]),
    [["warn", "acme", "api-key", first?.id]],
  );
  // A write with a body, to a path that there is not, with the key in its other place, behind which another request stands.
  const body = sized(`POST /nowhere HTTP/1.1\nHost: a\nX-API-Key: ${otherKey}`, '{"sku":"a"}');
  assert.deepEqual(statuses(await exchange(port, body + message(`${stock} HTTP/1.1\nHost: a\n${auth}`))), [403]);
  const both = await marked(target, 2);
  assert.equal(both.find(({ id }) => id === first?.id)?.exposedAt, first?.exposedAt, "the first time stays");
  const env = { MORTISE_ADMIN_URL: target.server.adminUrl, MORTISE_ADMIN_TOKEN: target.server.adminToken };
  const listed = await mortise(["keys", "list", "--consumer", "acme"], { env });
  assert.match(listed.out, /acme .* seen in clear \d{4}-/);
  assert.match(listed.err, new RegExp(`${first?.id} came in clear .* mortise keys rotate ${first?.id} `));
  // It opens what it opened until somebody decides; then nothing.
  target.quiet();
  assert.equal(await overTls(port, "/orders/v1/stock/a", `X-API-Key: ${key}`), 200);
  assert.equal((await target.admin(`/keys/${first?.id}/revoke`, { reason: "came in clear" })).status, 200);
  assert.equal(await overTls(port, "/orders/v1/stock/a", `X-API-Key: ${key}`), 401);
  assert.match((await mortise(["keys", "list", "--consumer", "acme"], { env })).out, /acme .* revoked /);
});

test("OA2-7: a password that came in clear is told where its path leads to an operation; a wrong one, and none, are not", async (t) => {
  const target = await openTarget(t, options);
  const sent = (password: string) =>
    exchange(
      target.port,
      message(
        `GET /partners/v1/stock/a HTTP/1.1\nHost: a\nAuthorization: Basic ${Buffer.from(`erp:${password}`).toString("base64")}`,
      ),
    );
  assert.deepEqual(statuses(await sent("another password")), [403]);
  assert.deepEqual(statuses(await exchange(target.port, message("GET /partners/v1/stock/a HTTP/1.1\nHost: a"))), [403]);
  assert.deepEqual(statuses(await sent("a long password of the erp")), [403]);
  await target.server.stop();
  assert.deepEqual(
    toldOf(target).map(({ consumer, via }) => [consumer, via]),
    [["erp", "basic"]],
  );
  target.quiet();
});

test("OA2-7: what is neither a handshake nor a request is cut off in time, and a handshake may come in pieces", async (t) => {
  const target = await openTarget(t, options);
  const { port, auth } = target;
  const starts = [
    "",
    "G",
    "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "GET HTTP",
    "G\0\0\0",
    `GET / HTTP/1.1\r\nX: ${"a".repeat(40_000)}`,
  ];
  const lines = starts.map((bytes) => openLine(port, bytes));
  const cut = Promise.all(lines.map(({ closed }) => closed));
  assert.equal(await overTls(await chopper(t, port, 1), "/orders/v1/stock/a", auth), 200);
  assert.equal(await overTls(await chopper(t, port, 7), "/orders/v1/stock/a", auth), 200);
  for (const text of await cut) assert.equal(text, "");
  // Others go on while many send nothing, and are gone when they are cut off.
  const idle = Array.from({ length: 300 }, () => openLine(port));
  assert.equal(await overTls(port, "/orders/v1/stock/a", auth), 200);
  await Promise.all(idle.map(({ closed }) => closed));
  assert.equal(target.upstream.ledger.splice(0).length, 3);
  target.quiet();
});

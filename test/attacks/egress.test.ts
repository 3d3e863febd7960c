/**
 * Rows 29, 30, 32 and 33 through the whole server: addresses, redirects and bytes that come from outside, and lead or reach where they should not. Beside the system
 * stands a bystander, on loopback, that nobody may call.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createServer } from "../../src/http.ts";
import { anyContractTs, shopContract } from "./project.ts";
import { openTarget, type Target } from "./target.ts";
import { answering } from "./upstream.ts";

interface Bystander {
  readonly port: number;
  readonly asked: string[];
}
async function openBystander(t: TestContext): Promise<Bystander> {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${JSON.stringify(req.headers)}`);
    res.writeHead(200, { "content-type": "application/json" }).end('{"keys":[],"onHand":1}');
  });
  // Of both families: also what means "this machine" in IPv6 leads here.
  await new Promise<void>((resolve) => server.listen(0, "::", resolve));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, asked };
}

/** Ways to write this machine, and what is no web address at all. */
const disguised = (port: number): readonly string[] => [
  `http://127.0.0.1:${port}/`,
  `http://127.1:${port}/`,
  `http://127.0.1:${port}/`,
  `http://2130706433:${port}/`,
  `http://0x7f.1:${port}/`,
  `http://0x7f000001:${port}/`,
  `http://017700000001:${port}/`,
  `http://0177.0.0.01:${port}/`,
  `http://[::ffff:127.0.0.1]:${port}/`,
  `http://[::ffff:7f00:1]:${port}/`,
  `http://[::127.0.0.1]:${port}/`,
  `http://[::1]:${port}/`,
  `http://[0:0:0:0:0:0:0:1]:${port}/`,
  `http://[::]:${port}/`,
  `http://0:${port}/`,
  `http://0.0.0.0:${port}/`,
  `http://localhost:${port}/`,
  `http://LOCALHOST:${port}/`,
  `http://localhost.:${port}/`,
  `http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:${port}/`,
  `http://127\u30020\u30020\u30021:${port}/`,
  `http://127.0.0.1\\@example.com:${port}/`,
  `http://example.com@127.0.0.1:${port}/`,
  `http:127.0.0.1:${port}/`,
  `  http://127.0.0.1:${port}/`,
  `ht\ntp://127.0.0.1:${port}/`,
  "http://169.254.169.254/latest/meta-data/",
  "http://[fd00:ec2::254]/",
  "http://[64:ff9b::7f00:1]/",
  "http://[2002:7f00:1::]/",
  "http://10.0.0.1/",
  "file:///etc/passwd",
  `gopher://127.0.0.1:${port}/_GET`,
  `ftp://127.0.0.1:${port}/`,
  "unix:/var/run/docker.sock",
  "data:application/json,{}",
  "javascript:1",
  "//127.0.0.1/",
  "",
];

const tokenOf = (issuer: string) => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    aud: "orders",
    sub: "a",
    client_id: "a",
    iat: now,
    exp: now + 60,
    jti: "1",
    scope: "orders",
  };
  return `${part({ alg: "ES256", typ: "at+jwt", kid: "a" })}.${part(claims)}.${"A".repeat(86)}`;
};

test("OW-7 attack 29: an address in disguise that an issuer's metadata names is refused before it is called, in every form", async (t) => {
  const bystander = await openBystander(t);
  const urls = disguised(bystander.port);
  const wanted: string[] = [];
  const issuer = createServer((req, res) => {
    const at = Number(/\/i\/(\d+)/.exec(req.url ?? "")?.[1]);
    wanted.push(req.url ?? "");
    const own = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/i/${at}`;
    res.writeHead(200, { "content-type": "application/json" });
    res.end(JSON.stringify({ issuer: own, jwks_uri: urls[at], introspection_endpoint: urls[at] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  t.after(() => issuer.close());
  const base = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const apis = urls.map((_, at) => [
    `apis/i${at}.ts`,
    `import { defineApi, get, oauth, published, secret } from "mortise"; import { shop } from "../systems/shop/index.ts";
     export default defineApi({ name: "i${at}", version: "1.0.0", base: "/i${at}/v1", lifecycle: published(),
       access: [oauth({ issuer: "${base}/i/${at}", audience: "orders" }), oauth({ issuer: "${base}/i/${at}", audience: "orders", introspection: { client: "gateway", secret: secret("gateway") } })].slice(${at % 2}, ${at % 2} + 1),
       operations: { getStock: get("/stock/{sku}", { scope: "orders", calls: shop.getStock }) } } as any);`,
  ]);
  const target = await openTarget(t, { files: { ...Object.fromEntries(apis), "secrets/gateway": "s-4711" } });
  await Promise.all(
    urls.map(async (url, at) => {
      const token = at % 2 === 0 ? tokenOf(`${base}/i/${at}`) : "opaque";
      const answer = await target.ask(`GET /i${at}/v1/stock/a`, { auth: `Authorization: Bearer ${token}` });
      assert.equal(answer.status, 503, `${url}: ${answer.text}`);
      assert.ok(!answer.text.includes(String(bystander.port)), answer.text);
    }),
  );
  assert.deepEqual(bystander.asked, []);
  assert.ok(wanted.length >= urls.length, "the metadata was asked for");
  target.quiet();
  await target.works();
});

const credential = "CANARY-credential-4711";

/** A system beside the usual one that holds a credential and has the settings that the case is about. */
const guarded = (connection: string, more: string, contract = shopContract("vault")) => ({
  "secrets/vault": credential,
  "systems/vault/contract.json": contract,
  "systems/vault/contract.ts": anyContractTs,
  "systems/vault/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
    export const vault: any = rest(contract, { connection: "${connection}", timeout: "2s", circuit: false, webhookSecret: secret("shop-webhook"),
      credentials: { kind: "bearer", token: secret("vault") }, ${more} });`,
  "apis/vault.ts": `import { apiKey, defineApi, get, post, published } from "mortise"; import { vault } from "../systems/vault/index.ts";
    export default defineApi({ name: "vault", version: "1.0.0", base: "/vault/v1", lifecycle: published(), access: [apiKey()], operations: {
      getStock: get("/stock/{sku}", { scope: "orders", calls: vault.getStock }), book: post("/bookings", { scope: "orders", calls: vault.book }) } } as any);`,
});

const read = (target: Target, sku = "a") => target.ask(`GET /vault/v1/stock/${sku}`);
const write = (target: Target) => target.ask("POST /vault/v1/bookings", { body: { sku: "a" } });

test("attack 29: a system that is not internal is never called at an inner address, whatever its name resolves to", async (t) => {
  const bystander = await openBystander(t);
  for (const host of ["localhost", "127.0.0.1", "[::1]", "0", "localhost."]) {
    const target = await openTarget(t, { files: guarded(`http://${host}:${bystander.port}`, "internal: false") });
    for (const answer of [await read(target), await write(target)]) {
      assert.ok([502, 503].includes(answer.status), answer.text);
      assert.ok(!answer.text.includes(String(bystander.port)));
    }
    // Not every resolver knows the name with the dot.
    assert.ok(
      target.lines.some((line) => /outbound-(address|connect)/.test(line)),
      "the log says why",
    );
    target.quiet();
  }
  assert.deepEqual(bystander.asked, []);
});

test("OW-10 attack 30: a system's redirect is not followed, by reads, writes, tokens, keys or introspection; a contract's leads to no other host", async (t) => {
  const bystander = await openBystander(t);
  const places = [
    `http://127.0.0.1:${bystander.port}/`,
    `http://localhost:${bystander.port}/`,
    `//127.0.0.1:${bystander.port}/`,
    "http://169.254.169.254/",
    "file:///etc/passwd",
    "/stock/other",
    "/stock/a",
  ];
  const contract = JSON.parse(shopContract("vault"));
  const moved = createServer((req, res) => {
    hops.push(req.url ?? "");
    const next = Number(/\d+/.exec(req.url ?? "")?.[0] ?? 0) + 1;
    const location = req.url === "/away" ? `http://localhost:${bystander.port}/` : `/hop${next}`;
    res.writeHead(307, { location }).end();
  });
  const hops: string[] = [];
  await new Promise<void>((resolve) => moved.listen(0, "127.0.0.1", resolve));
  t.after(() => moved.close());
  const address = `http://127.0.0.1:${(moved.address() as AddressInfo).port}`;
  contract.source.url = `${address}/away`;
  const other = { ...JSON.parse(shopContract("maze")), source: { ...contract.source, url: `${address}/hop0` } };
  const target = await openTarget(t, {
    files: {
      ...guarded("UPSTREAM", "", JSON.stringify(contract)),
      "systems/maze/contract.json": JSON.stringify(other),
      "systems/maze/contract.ts": anyContractTs,
      "systems/maze/index.ts": `import { rest, secret } from "mortise"; import { contract } from "./contract.ts";
        export const maze: any = rest(contract, { connection: "${address}", webhookSecret: secret("shop-webhook"),
          credentials: { kind: "oauth", tokenUrl: "${address}/token", client: "c", secret: secret("vault") } as any });`,
      "apis/maze.ts": `import { apiKey, defineApi, get, oauth, published } from "mortise"; import { maze } from "../systems/maze/index.ts";
        export default defineApi({ name: "maze", version: "1.0.0", base: "/maze/v1", lifecycle: published(),
          access: [apiKey(), oauth({ issuer: "${address}", audience: "orders", jwksUri: "${address}/jwks" })],
          operations: { getStock: get("/stock/{sku}", { scope: "orders", calls: maze.getStock }) } } as any);`,
    },
  });
  const { upstream } = target;
  for (const status of [300, 301, 302, 303, 305, 307, 308])
    for (const location of places) {
      upstream.lie = (_, socket) => void socket.write(answering(`${status} Moved`, "{}", `location: ${location}\r\n`));
      for (const ask of [read, write]) {
        const before = upstream.ledger.length;
        const answer = await ask(target);
        assert.ok(answer.status >= 500, `${status} ${location}: ${answer.text}`);
        assert.ok(!/localhost|169\.254|etc\/passwd/.test(answer.text), answer.text);
        assert.equal(upstream.ledger.length, before + 1, `${status} ${location}: asked once`);
      }
    }
  upstream.lie = undefined;
  upstream.ledger.length = 0;
  // The token of the maze's own calls, and the keys of its issuer.
  assert.ok((await target.ask("GET /maze/v1/stock/a")).status >= 500);
  const token = await target.ask("GET /maze/v1/stock/a", { auth: `Authorization: Bearer ${tokenOf(address)}` });
  assert.equal(token.status, 503);
  assert.deepEqual([...new Set(hops)].toSorted(), ["/jwks", "/token"]);
  hops.length = 0;
  // A contract may have moved: three hops on its own host, and none to another.
  const looked = await target.admin("/contracts/look", { reason: "test" });
  assert.equal(looked.status, 200, looked.text);
  assert.match(looked.text, /unreadable/);
  assert.deepEqual(hops.toSorted(), ["/away", "/hop0", "/hop1", "/hop2", "/hop3"]);
  assert.deepEqual(bystander.asked, []);
  for (const line of target.lines) assert.ok(!line.includes(credential), line);
  target.quiet();
  await target.works();
});

test("attack 32: a credential goes to its own origin only: not to a contract's other servers, not where a value points, and never with a line end in it", async (t) => {
  const bystander = await openBystander(t);
  const contract = JSON.parse(shopContract("vault"));
  contract.operations.book.binding.server = `http://localhost:${bystander.port}/`;
  const target = await openTarget(t, { files: guarded("UPSTREAM", "", JSON.stringify(contract)) });
  const { upstream } = target;
  const elsewhere = await write(target);
  assert.ok(elsewhere.status >= 500, elsewhere.text);
  assert.deepEqual([bystander.asked, upstream.ledger], [[], []]);
  const skus = [
    `@127.0.0.1:${bystander.port}`,
    `:${bystander.port}`,
    "a@evil.example",
    "https:",
    `%40localhost%3A${bystander.port}`,
    "%3F%40evil.example",
    "%23",
    "a%26b",
    "%E2%80%A4%E2%80%A4",
  ];
  for (const sku of skus) {
    const answer = await read(target, sku);
    assert.equal(answer.status, 200, `${sku}: ${answer.text}`);
    const [entry, ...others] = upstream.ledger.splice(0);
    assert.equal(others.length, 0);
    assert.match(entry!.target, /^\/stock\/[^/?#]+$/);
    assert.equal(entry!.headers.find(([name]) => name.toLowerCase() === "host")?.[1], `127.0.0.1:${upstream.port}`);
  }
  assert.deepEqual(bystander.asked, []);
  target.quiet();

  // A secret that would make lines of its own does not even start.
  const broken = { ...guarded("UPSTREAM", ""), "secrets/vault": `${credential}\r\nX-Injected: 1` };
  await assert.rejects(openTarget(t, { files: broken }), (error: Error) => {
    assert.match(error.message, /line break/);
    return !error.message.includes("CANARY");
  });
  await target.works();
});

const fixtures = new URL("../../src/outbound/fixtures/", import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, fixtures), "utf8");

test("MT-5 attack 33: a system whose certificate is its own, over, or for another name is not called, and the log says why", async (t) => {
  const asked: string[] = [];
  const open = async (name: string, cert: string) => {
    const server = createTlsServer({ cert, key: pem("server.key") }, (req, res) => {
      asked.push(name);
      req.resume();
      res.writeHead(200, { "content-type": "application/json" }).end('{"onHand":7}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const trusted = getCACertificates("default");
  const cases = [
    { what: "good", host: "localhost", ca: true, code: undefined },
    { what: "good", host: "localhost", ca: false, code: "outbound-tls" },
    { what: "expired", host: "localhost", ca: true, code: "outbound-tls" },
    { what: "wrong", host: "localhost", ca: true, code: "outbound-tls" },
    // The certificate is for a name; the same machine under its number is another one.
    { what: "good", host: "2130706433", ca: true, code: "outbound-tls" },
  ];
  t.after(() => setDefaultCACertificates(trusted));
  for (const { what, host, ca, code } of cases) {
    setDefaultCACertificates(ca ? [...trusted, pem("ca.pem")] : trusted);
    const port = await open(what, pem(`${what}.pem`));
    const target = await openTarget(t, { files: guarded(`https://${host}:${port}`, "") });
    const answers = [await read(target), ...(code === undefined ? [] : [await write(target)])];
    for (const answer of answers) {
      assert.equal(answer.status, code === undefined ? 200 : 503, `${what} ${host} ${ca}: ${answer.text}`);
      assert.ok(!answer.text.includes(String(port)), "the caller is told nothing of it");
    }
    assert.equal(asked.splice(0).length, code === undefined ? 1 : 0, `${what} ${host}`);
    if (code !== undefined)
      assert.ok(
        target.lines.some((line) => line.includes(code)),
        `${what}: the log says ${code}`,
      );
    for (const line of target.lines) assert.ok(!line.includes(credential), line);
    target.quiet();
  }
});

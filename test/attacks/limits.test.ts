/** Default limits, each one below, at, and one above it: over raw sockets where a caller meets them, and at the code that keeps them where a system or an issuer does. */
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { openWebhookSecret, signWebhook, verifyWebhook, webhookTolerance } from "../../src/connectors/webhook.ts";
import { documentLimits, parseFile } from "../../src/contract/read/document.ts";
import { mostRedirects, openTexts } from "../../src/contract/read/source.ts";
import { loadWsdl, wsdlLimits } from "../../src/contract/read/wsdl-load.ts";
import { jsonDefaults, parseJson } from "../../src/formats/json.ts";
import { parseXml, xmlDefaults } from "../../src/formats/xml.ts";
import { createServer } from "../../src/http.ts";
import { milliseconds } from "../../src/operation.ts";
import { createOutbound, outboundDefaults } from "../../src/outbound/client.ts";
import { maxInterim, maxRatio } from "../../src/outbound/exchange.ts";
import { mostIssuerBytes, openIssuer } from "../../src/publish/access/issuer.ts";
import { openKeySet, unknownKidMs } from "../../src/publish/access/key-set.ts";
import { usualClockSkew } from "../../src/publish/access/oauth.ts";
import { type Claims, checkClaims } from "../../src/publish/access/token.ts";
import { longestIdempotencyKey } from "../../src/publish/idempotency.ts";
import { mostPairs } from "../../src/publish/input.ts";
import { listenerDefaults } from "../../src/publish/listener.ts";
import { longestPath } from "../../src/publish/routes.ts";
import { configOptions } from "../../src/server/project/config.ts";
import { webhookSecret } from "./project.ts";
import { openTarget } from "./target.ts";
import { exchange, message, openLine, statuses } from "./wire.ts";

/** What `tried` gives one below, at, and one above the limit. */
async function around<T>(limit: number, tried: (n: number) => T | Promise<T>): Promise<T[]> {
  return [await tried(limit - 1), await tried(limit), await tried(limit + 1)];
}
const times = (n: number, piece: (at: number) => string, between = ",") =>
  Array.from({ length: n }, (_, at) => piece(at)).join(between);

test("OW-4 limits: what a caller may send is taken at the limit and refused one above it", async (t) => {
  // With every default.
  const target = await openTarget(t, { config: "" });
  const { port, auth, ask, upstream } = target;
  const lines = ["Host: a", "Connection: close", auth];
  const get = (path: string, headers: readonly string[] = []) =>
    message([`GET ${path} HTTP/1.1`, ...lines, ...headers].join("\n"));
  const status = async (bytes: string) => statuses(await exchange(port, bytes))[0];
  const stock = "/orders/v1/stock/a";
  const { headers, headerBytes } = listenerDefaults;
  assert.deepEqual(
    await around(headers, (n) =>
      status(
        get(
          stock,
          Array.from({ length: n - lines.length }, (_, at) => `x${at}: 1`),
        ),
      ),
    ),
    [200, 200, 431],
  );
  // Counted are the path, the names and the values; not what stands between them.
  const counted = stock.length + [...lines, "x: "].join("").replaceAll(": ", "").length;
  const large = (n: number) => status(get(stock, [`x: ${"a".repeat(n - counted)}`]));
  assert.deepEqual(await around(headerBytes, large), [200, 200, 431]);
  const base = "/orders/v1/orders/";
  const refused = async (n: number) =>
    (await exchange(port, get(base + "a".repeat(n - base.length)))).includes("path-refused");
  assert.deepEqual(await around(longestPath, refused), [false, false, true]);
  // So many may come; that one of them comes twice is another refusal.
  const pairs = async (n: number) =>
    (await exchange(port, get(`${stock}?${times(n, () => "note=1", "&")}`))).includes("more than");
  assert.deepEqual(await around(mostPairs, pairs), [false, false, true]);
  upstream.ledger.length = 0;

  const echo = async (body: string) => (await ask("POST /orders/v1/echo", { body })).status;
  const { maxDepth, maxKeys, maxItems } = jsonDefaults;
  assert.deepEqual(await around(maxDepth, (n) => echo(`${'{"a":'.repeat(n)}1${"}".repeat(n)}`)), [200, 200, 413]);
  assert.deepEqual(await around(maxKeys, (n) => echo(`{${times(n, (at) => `"k${at}":1`)}}`)), [200, 200, 413]);
  // An object, its list, and what is in the list.
  assert.deepEqual(await around(maxItems, (n) => echo(`{"a":[${times(n - 2, () => "1")}]}`)), [200, 200, 413]);
  const size = configOptions.limits.bodyBytes.default;
  assert.deepEqual(await around(size, (n) => echo(`{"a":"${"x".repeat(n - 8)}"}`)), [200, 200, 413]);
  const key = async (n: number) =>
    (await ask("POST /orders/v1/bookings", { body: { sku: "a" }, headers: [`Idempotency-Key: "${"k".repeat(n)}"`] }))
      .status;
  assert.deepEqual(await around(longestIdempotencyKey, key), [200, 200, 400]);

  const most = listenerDefaults.perAddress;
  const open = Array.from({ length: most - 1 }, () => openLine(port));
  t.after(() =>
    open.forEach(({ socket }) => {
      socket.destroy();
    }),
  );
  await Promise.all(open.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
  assert.equal(await status(get(stock)), 200, "the last one that is let in");
  open.push(openLine(port));
  await new Promise((resolve) => open.at(-1)!.socket.once("connect", resolve));
  assert.equal(await exchange(port, get(stock)), "", "one more is closed");
  for (const { socket } of open) socket.destroy();
});

test("OW-4 limits: JSON and XML, wherever they are read", async () => {
  const taken = (read: () => unknown) => {
    try {
      read();
      return true;
    } catch (error) {
      assert.match((error as { code: string }).code, /^(json|xml)-limit$/);
      return false;
    }
  };
  const at = [true, true, false];
  const { maxBytes } = jsonDefaults;
  assert.deepEqual(await around(maxBytes, (n) => taken(() => parseJson(`"${"a".repeat(n - 2)}"`))), at);
  const { depth, attributes, elements, bytes } = xmlDefaults;
  assert.deepEqual(await around(depth, (n) => taken(() => parseXml("<a>".repeat(n) + "</a>".repeat(n)))), at);
  assert.deepEqual(
    await around(attributes, (n) => taken(() => parseXml(`<a ${times(n, (one) => `b${one}=""`, " ")}/>`))),
    at,
  );
  assert.deepEqual(await around(elements, (n) => taken(() => parseXml(`<a>${"<b/>".repeat(n - 1)}</a>`))), at);
  assert.deepEqual(await around(bytes, (n) => taken(() => parseXml(`<a>${"x".repeat(n - 7)}</a>`))), at);
});

test("limits: how deep a contract may be, whatever it is written in", async () => {
  const taken = async (read: () => unknown) => {
    try {
      await read();
      return true;
    } catch (error) {
      assert.equal((error as { code: string }).code, "contract-unreadable");
      assert.match((error as Error).message, /nested|depth|deep|attributes/);
      return false;
    }
  };
  const at = [true, true, false];
  const fileOf = async (name: string, text: string) => (await openTexts({ [name]: text })).entry;
  const lists = (n: number) => `{"a":${"[".repeat(n - 1)}1${"]".repeat(n - 1)}}`;
  const json = async (n: number) => parseFile(await fileOf("a.json", lists(n)));
  assert.deepEqual(await around(documentLimits.maxDepth, (n) => taken(() => json(n))), at);
  const maps = (n: number) => times(n, (level) => `${" ".repeat(level)}a:`, "\n");
  const yaml = async (n: number) => parseFile(await fileOf("a.yaml", `${maps(n)} 1\n`));
  assert.deepEqual(await around(documentLimits.maxDepth, (n) => taken(() => yaml(n))), at);

  const wsdl = (inside: string) =>
    `<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/" name="a">${inside}</d:definitions>`;
  const load = async (inside: string) => loadWsdl(await openTexts({ "a.wsdl": wsdl(inside) }));
  const { depth, attributes } = wsdlLimits;
  const nested = (n: number) => `${"<d:documentation>".repeat(n - 1)}${"</d:documentation>".repeat(n - 1)}`;
  assert.deepEqual(await around(depth, (n) => taken(() => load(nested(n)))), at);
  const wide = (n: number) => `<d:documentation ${times(n, (one) => `b${one}=""`, " ")}/>`;
  assert.deepEqual(await around(attributes, (n) => taken(() => load(wide(n)))), at);
});

async function system(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `bytes` zeros, packed into exactly `packed` bytes: a remark in the head takes what is left (RFC 1952, section 2.3). */
function packedTo(bytes: number, packed: number): Buffer {
  const plain = gzipSync(Buffer.alloc(bytes));
  const remark = Buffer.alloc(packed - plain.length, 97);
  remark[remark.length - 1] = 0;
  const head = Buffer.from(plain.subarray(0, 10));
  head[3] = 16;
  return Buffer.concat([head, remark, plain.subarray(10)]);
}

test("OW-10 limits: what a system may answer is taken at the limit and refused one above it", async (t) => {
  const outbound = createOutbound();
  t.after(() => outbound.close());
  const base = await system(t, (req, res) => {
    const n = Number(new URL(req.url ?? "", "http://a").searchParams.get("n"));
    const what = (req.url ?? "").split("?")[0];
    if (what === "/hop") res.writeHead(n > 0 ? 302 : 200, { location: `/hop?n=${n - 1}` }).end();
    else if (what === "/packed") res.writeHead(200, { "content-encoding": "gzip" }).end(packedTo(n, 10_000));
    else if (what === "/interim") {
      for (let sent = 0; sent < n; sent += 1) res.writeProcessing();
      res.end("x");
    } else res.end(Buffer.alloc(n, 97));
  });
  const tried =
    (path: string, redirects = 0) =>
    async (n: number) => {
      const url = `${base}${path}?n=${n}`;
      const request = { method: "GET", url, deadline: Date.now() + 20_000, internal: true, redirects };
      return outbound.request(request).then(
        ({ body }) => body.length >= 0,
        (error: { code: string }) => error.code,
      );
    };
  assert.deepEqual(await around(outboundDefaults.bytes, tried("/plain")), [true, true, "outbound-too-large"]);
  assert.deepEqual(await around(10_000 * maxRatio, tried("/packed")), [true, true, "outbound-too-large"]);
  assert.deepEqual(await around(maxInterim, tried("/interim")), [true, true, "outbound-answer"]);
  assert.deepEqual(await around(mostRedirects, tried("/hop", mostRedirects)), [true, true, "outbound-redirect"]);
});

test("limits: an issuer's answers, the pause between fetches of its keys, and clocks", async (t) => {
  const outbound = createOutbound();
  t.after(() => outbound.close());
  const base = await system(t, (req, res) => {
    const n = Number(req.url?.slice(1));
    res.end(`{"keys":[]}${" ".repeat(n - 11)}`);
  });
  const issuer = openIssuer({ issuer: base, outbound, clock: Date.now });
  const keys = (n: number) =>
    issuer.keys(`${base}/${n}`).then(
      () => true,
      () => false,
    );
  assert.deepEqual(await around(mostIssuerBytes, keys), [true, true, false]);

  const fetched = async (ms: number) => {
    let now = 0;
    let loads = 0;
    const load = async () => {
      loads += 1;
      return [];
    };
    const set = openKeySet({ load, monotonic: () => now, report: () => {} });
    const header = { alg: "ES256", kid: "unknown" } as Parameters<typeof set.find>[0];
    await set.find(header);
    const before = loads;
    now = ms;
    await set.find(header);
    return loads - before;
  };
  assert.deepEqual(await around(unknownKidMs, fetched), [0, 1, 1]);

  const skewSeconds = milliseconds(usualClockSkew) / 1000;
  const rules = {
    issuer: "i",
    audiences: ["a"],
    strict: false,
    skewSeconds,
    consumer: "sub",
    scopes: "scope",
    roles: "roles",
  };
  const valid = (claims: Claims) => {
    try {
      checkClaims({ iss: "i", aud: "a", sub: "s", exp: 2000, ...claims }, rules, 1000, "jwt");
      return true;
    } catch {
      return false;
    }
  };
  // "Expires at" is the first second that does not count (RFC 7519, section 4.1.4); "not before" is the first that does.
  assert.deepEqual(await around(skewSeconds, (n) => valid({ exp: 1000 - n })), [true, false, false]);
  assert.deepEqual(await around(skewSeconds, (n) => valid({ nbf: 1000 + n })), [true, true, false]);

  const secret = openWebhookSecret(webhookSecret, "shop");
  const verified = (seconds: number) => {
    const headers = signWebhook({ id: "a", timestamp: 1_000_000, body: "{}", secrets: [secret] });
    try {
      return verifyWebhook({ headers, body: Buffer.from("{}"), secret, now: (1_000_000 + seconds) * 1000 }).id === "a";
    } catch {
      return false;
    }
  };
  assert.deepEqual(await around(webhookTolerance, verified), [true, true, false]);
  assert.deepEqual(await around(-webhookTolerance, verified), [false, true, true]);
});

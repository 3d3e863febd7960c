import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { request as ask } from "../../http.ts";
import { defineApi } from "../define.ts";
import { anOrder, assertProblem, getStock, openBench, ordersOptions, orderToCash } from "../harness.test.ts";
import { listen } from "../listener.ts";
import { get, post } from "../operations.ts";
import type { CorsOptions } from "./cors.ts";

const stock = "/orders/v1/stock/rope";
const shop = "https://shop.example";

function shown(cors?: CorsOptions, compress?: boolean) {
  return defineApi({
    ...ordersOptions,
    ...(cors === undefined ? {} : { cors }),
    ...(compress === undefined ? {} : { compress }),
    operations: {
      getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock, etag: true }),
      plainStock: get("/plain/{sku}", { scope: "stock:read", calls: getStock }),
      placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash }),
    },
  });
}

test("a GET with etag answers 304 without a body to who has the answer already, and 200 once it is another", async () => {
  await using bench = await openBench({ apis: [shown()] });
  const first = await bench.ask("GET", stock);
  const { etag } = first.headers;
  assert.match(String(etag), /^W\/"[\w-]{22}"$/);
  assert.equal(first.headers["cache-control"], "private, no-cache");
  for (const wanted of [String(etag), `"other", ${String(etag)}`, "*", String(etag).slice(2)]) {
    const same = await bench.ask("GET", stock, { headers: { "if-none-match": wanted } });
    assert.deepEqual(
      [same.status, same.text, same.headers.etag, same.headers["content-type"]],
      [304, "", etag, undefined],
      wanted,
    );
  }
  bench.backend.answer = () => ({ ok: true, output: { sku: "rope", onHand: 8 } });
  const other = await bench.ask("GET", stock, { headers: { "if-none-match": String(etag) } });
  assert.equal(other.status, 200);
  assert.notEqual(other.headers.etag, etag);
  // Whoever is not let in learns nothing by a tag, and a failure has none.
  const stranger = await bench.ask("GET", stock, { key: null, headers: { "if-none-match": "*" } });
  assert.equal(stranger.status, 401);
  assert.equal(stranger.headers.etag, undefined);
  assert.equal((await bench.ask("GET", "/orders/v1/plain/rope")).headers.etag, undefined);
});

test("a 304 has the Vary, the Cache-Control and the ETag of the 200 in whose place it stands (RFC 9110, 15.4.5)", async () => {
  for (const compress of [true, false]) {
    await using bench = await openBench({ apis: [shown({ origins: [shop] }, compress)] });
    for (const sku of ["rope", "rope ".repeat(500)]) {
      bench.backend.answer = () => ({ ok: true, output: { sku, onHand: 8 } });
      const path = `/orders/v1/stock/${sku.length}`;
      const whole = await bench.ask("GET", path, { headers: { origin: shop } });
      const { etag = "" } = whole.headers;
      const same = await bench.ask("GET", path, { headers: { origin: shop, "if-none-match": etag } });
      assert.deepEqual([whole.status, same.status, same.text], [200, 304, ""]);
      for (const name of ["vary", "cache-control", "etag", "access-control-allow-origin"])
        assert.equal(same.headers[name], whole.headers[name], name);
      assert.equal(whole.headers.vary, compress && sku.length > 1024 ? "origin, accept-encoding" : "origin");
    }
  }
});

test("an etag is for a GET", () => {
  assert.throws(
    () =>
      defineApi({
        ...ordersOptions,
        operations: { placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, etag: true }) },
      }),
    /has an etag, and is no GET/,
  );
});

test("an answer of 1 KiB or more is packed for who takes gzip, and varies by that; a small one is not", async () => {
  await using bench = await openBench({ apis: [shown()] });
  const listener = await listen((request) => bench.publisher.handle(request), { port: 0 });
  const fetched = (accept: string | undefined, path = "/orders/v1/plain/rope") =>
    new Promise<{ headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${bench.key}`,
        ...(accept === undefined ? {} : { "accept-encoding": accept }),
      };
      ask(`${listener.url}${path}`, { headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
      })
        .on("error", reject)
        .end();
    });
  const large = "rope ".repeat(500);
  bench.backend.answer = () => ({ ok: true, output: { sku: large, onHand: 8 } });
  const packed = await fetched("br;q=1, gzip;q=0.5");
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.equal(packed.headers.vary, "accept-encoding");
  assert.equal(Number(packed.headers["content-length"]), packed.body.length);
  assert.deepEqual(JSON.parse(gunzipSync(packed.body).toString()), { sku: large, onHand: 8 });
  for (const accept of [undefined, "br", "gzip;q=0", "*;q=0", "identity"]) {
    const plain = await fetched(accept);
    assert.equal(plain.headers["content-encoding"], undefined, accept);
    assert.equal(plain.headers.vary, "accept-encoding");
    assert.equal(JSON.parse(plain.body.toString()).onHand, 8);
  }
  assert.equal((await fetched("*")).headers["content-encoding"], "gzip");
  bench.backend.answer = () => ({ ok: true, output: { sku: "rope", onHand: 8 } });
  const small = await fetched("gzip");
  assert.deepEqual([small.headers["content-encoding"], small.headers.vary], [undefined, undefined]);
  await listener.close(0);
});

test("a page that anybody may ask for is packed once, and its tag is made once", async () => {
  await using bench = await openBench({ apis: [shown({ origins: [shop] })] });
  const asked = (headers: Record<string, string>, path = "/orders/v1/docs") =>
    bench.publisher.handle({
      ...{ id: "r", method: "GET", path, query: "", headers, address: "127.0.0.1" },
      body: async () => new Uint8Array(),
    });
  const gzip = { "accept-encoding": "gzip" };
  const [one, other] = await Promise.all([asked(gzip), asked({ ...gzip, origin: shop })]);
  assert.equal(one.headers["content-encoding"], "gzip");
  assert.equal(one.body, other.body, "the same bytes in memory");
  const plain = await asked({});
  assert.equal(gunzipSync(one.body as Uint8Array).toString(), plain.body);
  assert.equal(one.headers.etag, plain.headers.etag);
  assert.equal((await asked({ "if-none-match": String(plain.headers.etag) })).status, 304);
  // An answer that is made for its caller is packed for its caller.
  bench.backend.answer = () => ({ ok: true, output: { sku: "rope ".repeat(500), onHand: 8 } });
  const own = { authorization: `Bearer ${bench.key}`, ...gzip };
  assert.notEqual((await asked(own, stock)).body, (await asked(own, stock)).body);
});

test("a HEAD tells the length and the encoding of the GET in whose place it stands (RFC 9110, 8.6 and 9.3.2)", async () => {
  await using bench = await openBench({ apis: [shown()] });
  const listener = await listen((request) => bench.publisher.handle(request), { port: 0 });
  bench.backend.answer = () => ({ ok: true, output: { sku: "rope ".repeat(500), onHand: 8 } });
  const told = async (method: string, accept: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<NodeJS.Dict<string | string[]>>();
    const headers = { authorization: `Bearer ${bench.key}`, "accept-encoding": accept };
    const sent = ask(`${listener.url}${stock}`, { method, headers, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.headers));
    });
    sent.on("error", reject).end();
    const { date: _, "x-request-id": __, ...same } = await promise;
    return same;
  };
  for (const accept of ["gzip", "identity"]) {
    const [get, head] = [await told("GET", accept), await told("HEAD", accept)];
    assert.deepEqual(head, get);
    assert.equal(get["content-encoding"], accept === "gzip" ? "gzip" : undefined);
  }
  await listener.close(0);
});

test("OW-8: without cors no page is let in, and a preflight is a method that is not there", async () => {
  await using bench = await openBench({ apis: [shown()] });
  const headers = { origin: shop, "access-control-request-method": "GET" };
  const preflight = await bench.ask("OPTIONS", stock, { key: null, headers });
  assertProblem(preflight, 405, "method-not-allowed");
  const answer = await bench.ask("GET", stock, { headers: { origin: shop } });
  for (const { headers: given } of [preflight, answer])
    assert.deepEqual(
      Object.keys(given).filter((name) => name.startsWith("access-control")),
      [],
    );
});

test("DS-5: with cors its pages may call and read, errors too; no other page may", async () => {
  await using bench = await openBench({ apis: [shown({ origins: [shop], headers: ["X-Trace"], maxAge: "10m" })] });
  const wanted = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,idempotency-key",
  };
  const preflight = await bench.ask("OPTIONS", "/orders/v1/orders", {
    key: null,
    headers: { origin: shop, ...wanted },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers["access-control-allow-origin"], shop);
  assert.equal(preflight.headers["access-control-allow-methods"], "POST");
  assert.match(String(preflight.headers["access-control-allow-headers"]), /idempotency-key.*x-trace/);
  assert.equal(preflight.headers["access-control-max-age"], "600");
  assert.equal(
    preflight.headers.vary,
    "origin, access-control-request-method, access-control-request-headers",
    "each once",
  );
  assert.equal(preflight.headers["access-control-allow-credentials"], undefined);
  assert.equal(bench.backend.runs.size, 0);

  const placed = await bench.ask("POST", "/orders/v1/orders", { headers: { origin: shop }, body: anOrder });
  const refused = await bench.ask("GET", stock, { key: null, headers: { origin: shop } });
  assert.deepEqual([placed.status, refused.status], [202, 401]);
  for (const { headers } of [placed, refused]) {
    assert.equal(headers["access-control-allow-origin"], shop);
    assert.equal(headers.vary, "origin");
    for (const name of ["Deprecation", "Sunset", "Link", "Retry-After", "RateLimit", "ETag", "Content-Disposition"])
      assert.ok(String(headers["access-control-expose-headers"]).split(", ").includes(name), name);
  }

  for (const origin of ["https://shop.example.evil", "http://shop.example", "null", "https://SHOP.example"]) {
    const other = await bench.ask("OPTIONS", "/orders/v1/orders", { key: null, headers: { origin, ...wanted } });
    assert.deepEqual([other.status, other.headers["access-control-allow-origin"]], [403, undefined], origin);
    const read = await bench.ask("GET", stock, { headers: { origin } });
    assert.deepEqual([read.headers["access-control-allow-origin"], read.headers.vary], [undefined, "origin"], origin);
  }
});

test("an origin that is none is refused where the API is defined", () => {
  for (const origin of ["shop.example", "https://shop.example/", "https://shop.example/path", "*"])
    assert.throws(() => shown({ origins: [origin] }), /not like https:\/\/shop.example/);
});

test("the description tells of the tag, of 304, and of limits of the operation alone", async () => {
  const limited = post("/orders", {
    scope: "orders:write",
    starts: orderToCash,
    limits: [{ per: "all", rate: 1, every: "1s" }],
  });
  const api = defineApi({ ...ordersOptions, limits: [], operations: { ...shown().operations, placeOrder: limited } });
  await using bench = await openBench({ apis: [api] });
  const { paths } = bench.publisher.openapi("orders", api.version) as unknown as {
    readonly paths: Record<
      string,
      Record<string, { responses: Record<string, { headers?: object }>; parameters?: { name: string }[] }>
    >;
  };
  const tagged = paths["/stock/{sku}"]?.get;
  assert.deepEqual(Object.keys(tagged?.responses ?? {}).slice(0, 2), ["200", "304"]);
  assert.ok(Object.hasOwn(tagged?.responses["200"]?.headers ?? {}, "ETag"));
  assert.ok(tagged?.parameters?.some(({ name }) => name === "If-None-Match"));
  const plain = paths["/plain/{sku}"]?.get;
  assert.ok(!Object.hasOwn(plain?.responses ?? {}, "304"));
  assert.ok(Object.hasOwn(paths["/orders"]?.post?.responses["202"]?.headers ?? {}, "RateLimit"));
  assert.ok(!Object.hasOwn(plain?.responses["200"]?.headers ?? {}, "RateLimit"));
});

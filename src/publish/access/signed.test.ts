import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { secret } from "../../operation.ts";
import { defineApi } from "../define.ts";
import {
  type Ask,
  anOrder,
  assertProblem,
  bookHold,
  getStock,
  openBench,
  ordersOptions,
  orderToCash,
} from "../harness.test.ts";
import { get, post } from "../operations.ts";
import { openWay } from "./access.ts";
import { apiKey } from "./api-key.ts";
import { type HmacScheme, type SignedOptions, signed } from "./signed.ts";
import { testSources, testTools } from "./test-issuer.ts";

const bytes = (fill: number) => Buffer.alloc(32, fill);
const secrets = {
  CARRIER: `whsec_${bytes(1).toString("base64")}`,
  CARRIER_OLD: `whsec_${bytes(2).toString("base64")}`,
  SHOP: `whsec_${bytes(3).toString("base64")}`,
  PLAIN: "a shared secret of some length",
};
const orders = "/orders/v1/orders";
const operations = {
  placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash }),
  bookHold: post("/holds", { scope: "orders:write", calls: bookHold }),
  getStock: get("/stock/{sku}", { scope: "stock:read", calls: getStock }),
};

async function openSignedBench(options: Partial<SignedOptions> = {}) {
  const sources = testSources(secrets);
  const consumers = {
    carrier: { secrets: [secret("CARRIER"), secret("CARRIER_OLD")], scopes: ["orders:write", "stock:read"] },
    shop: { secrets: [secret("SHOP")], scopes: ["stock:read"] },
  };
  const api = defineApi({ ...ordersOptions, operations, access: [apiKey(), signed({ consumers, ...options })] });
  const time = { now: Math.ceil(Date.now() / 1000) * 1000 };
  const bench = await openBench({ apis: [api], access: sources, clock: () => time.now, monotonic: () => time.now });
  let address = 0;
  return {
    bench,
    time,
    send: (path: string, more: Ask, method = "POST") =>
      bench.ask(method, path, { key: null, address: `10.5.0.${++address}`, ...more }),
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await sources[Symbol.asyncDispose]();
    },
  };
}

/** As Standard Webhooks 1.0.0 says, written here a second time. */
function standard(now: number, body: unknown, { id = "msg_1", key = bytes(1), at = now / 1000 } = {}): Ask {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const signature = createHmac("sha256", key).update(`${id}.${at}.${text}`).digest("base64");
  return {
    body: Buffer.from(text),
    headers: {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(at),
      "webhook-signature": `v1,${signature}`,
    },
  };
}

test("SW-9: a signed request is its sender's, with the new secret and with the old one", async () => {
  await using open = await openSignedBench();
  const { send, time, bench } = open;
  assert.equal((await send(orders, standard(time.now, anOrder))).status, 202);
  const other = { ...anOrder, id: "o-2" };
  assert.equal((await send(orders, standard(time.now, other, { id: "msg_2", key: bytes(2) }))).status, 202);
  const rotating = standard(time.now, { ...anOrder, id: "o-3" }, { id: "msg_3" });
  const two = {
    ...rotating.headers,
    "webhook-signature": `v1a,AAAA v1,AAAA ${rotating.headers?.["webhook-signature"]}`,
  };
  assert.equal((await send(orders, { ...rotating, headers: two })).status, 202);
  assertProblem(await send(orders, standard(time.now, anOrder, { id: "msg_4", key: bytes(3) })), 403, "scope-missing");
  assert.equal(bench.backend.started.length, 3);
});

test("SW-9: the raw bytes are verified: a byte, the id, the time or the secret changed is refused, always in the same words", async () => {
  await using open = await openSignedBench();
  const { send, time, bench } = open;
  const good = standard(time.now, anOrder);
  const headers = good.headers as Record<string, string>;
  const text = JSON.stringify(anOrder);
  const wrong: Ask[] = [
    { ...good, body: Buffer.from(`${text} `) },
    { ...good, body: Buffer.from(JSON.stringify(anOrder, null, 1)) },
    { ...good, headers: { ...headers, "webhook-id": "msg_2" } },
    { ...good, headers: { ...headers, "webhook-id": "msg_1.1" } },
    { ...good, headers: { ...headers, "webhook-timestamp": String(time.now / 1000 + 1) } },
    { ...good, headers: { ...headers, "webhook-timestamp": "soon" } },
    { ...good, headers: { ...headers, "webhook-signature": "v1," } },
    {
      ...good,
      headers: { ...headers, "webhook-signature": (headers["webhook-signature"] as string).replace("v1,", "v2,") },
    },
    standard(time.now, anOrder, { key: bytes(9) }),
  ];
  const answers = [];
  for (const one of wrong) answers.push(await send(orders, one));
  for (const answer of answers) {
    assertProblem(answer, 401, "signature-refused");
    assert.equal(answer.json.detail, answers[0]?.json.detail);
  }
  assert.equal(bench.backend.started.length, 0);
  assert.equal((await send(orders, good)).status, 202, "and a right one still works");
});

test("SW-9: the time of signing must be within the tolerance, on both sides", async () => {
  await using open = await openSignedBench({ tolerance: "1m" });
  const { send, time } = open;
  const at = (seconds: number) =>
    standard(time.now, { ...anOrder, id: `o${seconds}` }, { id: `m${seconds}`, at: time.now / 1000 + seconds });
  for (const seconds of [-60, 60]) assert.equal((await send(orders, at(seconds))).status, 202);
  for (const seconds of [-61, 61]) assertProblem(await send(orders, at(seconds)), 401, "signature-refused");
});

test("SW-9: a message counts once, also after a restart, and whatever Idempotency-Key stands beside it", async () => {
  await using open = await openSignedBench();
  const { send, time, bench } = open;
  const message = standard(time.now, { reference: "r" });
  const first = await send("/orders/v1/holds", message);
  assert.equal(first.status, 200);
  const again = await send("/orders/v1/holds", {
    ...message,
    headers: { ...message.headers, "idempotency-key": '"other"' },
  });
  assert.equal(again.status, 200);
  assert.equal(again.headers["idempotency-replayed"], "true");
  const next = bench.restart();
  const later = await send("/orders/v1/holds", { ...message, by: next });
  assert.equal(later.headers["idempotency-replayed"], "true");
  assert.equal(bench.backend.called.length, 1);
});

test("SW-9: an overheard message opens no other operation, and no GET", async () => {
  await using open = await openSignedBench();
  const { send, time, bench } = open;
  const message = standard(time.now, anOrder);
  assert.equal((await send(orders, message)).status, 202);
  const elsewhere = await send("/orders/v1/holds", standard(time.now, { reference: "r" }));
  assertProblem(elsewhere, 422, "idempotency-key-reused");
  assertProblem(
    await send("/orders/v1/stock/rope", { headers: standard(time.now, "").headers ?? {} }, "GET"),
    401,
    "signature-refused",
  );
  assert.equal(bench.backend.called.length, 0);
});

test("SW-9: an HMAC of one's own covers what it says it covers", async () => {
  const scheme: HmacScheme = {
    signature: "x-signature",
    timestamp: "x-time",
    signs: ["method", "path", "query", "timestamp", "body"],
    separator: "\n",
    algorithm: "sha512",
    prefix: "sha512=",
  };
  const consumers = { erp: { secrets: [secret("PLAIN")], scopes: ["orders:write", "stock:read"], roles: ["clerk"] } };
  await using open = await openSignedBench({ scheme, consumers });
  const { send, time, bench } = open;
  const sign = (method: string, path: string, query: string, body: string): Ask => {
    const at = String(time.now / 1000);
    const mac = createHmac("sha512", secrets.PLAIN).update([method, path, query, at, body].join("\n")).digest("hex");
    return {
      ...(body === "" ? {} : { body: Buffer.from(body) }),
      headers: { "content-type": "application/json", "x-time": at, "x-signature": `sha512=${mac}` },
    };
  };
  const stock = "/orders/v1/stock/rope";
  assert.equal((await send(stock, sign("GET", stock, "", ""), "GET")).status, 200);
  assert.equal((await send(`${stock}?limit=2`, sign("GET", stock, "limit=2", ""), "GET")).status, 200);
  for (const wrong of [
    sign("GET", `${stock}2`, "", ""),
    sign("POST", stock, "", ""),
    sign("GET", stock, "limit=3", ""),
  ])
    assertProblem(await send(stock, wrong, "GET"), 401, "signature-refused");
  const hold = sign("POST", "/orders/v1/holds", "", '{"reference":"r"}');
  const before = bench.backend.called.length;
  assert.equal((await send("/orders/v1/holds", hold)).status, 200);
  const headers = hold.headers as Record<string, string>;
  const hex = (headers["x-signature"] as string).slice("sha512=".length);
  for (const text of [hex, hex.toUpperCase(), `${hex}zz`]) {
    const one = { ...hold, headers: { ...headers, "x-signature": `sha512=${text}` } };
    const answer = await send("/orders/v1/holds", one);
    assert.equal(
      answer.headers["idempotency-replayed"],
      "true",
      "the same signature, however it is written, is the same message",
    );
  }
  assert.equal(bench.backend.called.length, before + 1);
});

test("a signature beside a key is two credentials; without either all ways are named", async () => {
  await using open = await openSignedBench();
  const { send, time, bench } = open;
  const message = standard(time.now, anOrder);
  const keys: readonly Record<string, string>[] = [
    { authorization: `Bearer ${bench.key}` },
    { "x-api-key": bench.key },
  ];
  for (const more of keys)
    assertProblem(
      await send(orders, { ...message, headers: { ...message.headers, ...more } }),
      400,
      "credential-several",
    );
  const none = await send(orders, { body: anOrder });
  assert.equal(none.headers["www-authenticate"], "Bearer, Webhook-Signature");
  const document = bench.publisher.openapi("orders", "1.0.0");
  assert.deepEqual(Object.keys(document?.components.securitySchemes ?? {}), ["bearer", "apiKey", "signature"]);
});

test("signed() that could be got around is not published, and a bad secret does not start", async () => {
  const consumers = { erp: { secrets: [secret("PLAIN")], scopes: [] } };
  const scheme = { signature: "x-signature", timestamp: "x-time" } as const;
  const wrongs: readonly SignedOptions[] = [
    { consumers: {} },
    { consumers: { erp: { secrets: [], scopes: [] } } },
    { consumers: { erp: { secrets: ["written down" as never], scopes: [] } } },
    { consumers, tolerance: "2h" as const },
    { consumers, scheme: { ...scheme, signs: ["timestamp"] as const } },
    { consumers, scheme: { ...scheme, signs: ["body"] as const } },
    { consumers, scheme: { ...scheme, id: "x-id", signs: ["timestamp", "body"] as const } },
    { consumers, scheme: { ...scheme, signature: "X Sig", signs: ["timestamp", "body"] as const } },
  ];
  for (const wrong of wrongs)
    assert.throws(() => defineApi({ ...ordersOptions, access: [signed(wrong)] }), { code: "api-definition" });
  await using sources = testSources({ PLAIN: "too short" });
  assert.throws(() => openWay(signed({ consumers }), testTools(sources)), { code: "server-failed", message: /whsec_/ });
});

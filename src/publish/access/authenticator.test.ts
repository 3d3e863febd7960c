import assert from "node:assert/strict";
import { test } from "node:test";
import { secret } from "../../operation.ts";
import { defineApi } from "../define.ts";
import { type Ask, anOrder, assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import type { Access } from "./access.ts";
import { apiKey } from "./api-key.ts";
import { basic } from "./basic.ts";
import { mtls } from "./mtls.ts";
import { oauth } from "./oauth.ts";
import { signed } from "./signed.ts";
import { openTestIssuer, testSources } from "./test-issuer.ts";

const stock = "/orders/v1/stock/rope";
const orders = "/orders/v1/orders";
const scopes = ["stock:read", "orders:write"];
const secrets = { PASSWORD: "a password of the ERP", SIGNING: `whsec_${Buffer.alloc(32, 1).toString("base64")}` };

const others: readonly Access[] = [
  signed({ consumers: { carrier: { secrets: [secret("SIGNING")], scopes } } }),
  basic({ users: { erp: { password: secret("PASSWORD"), scopes } } }),
];

/** A wrong credential of each kind. */
const wrong: Readonly<Record<string, Ask>> = {
  "API key": { headers: { authorization: "Bearer mtz_live_x" } },
  "API key in a header of its own": { headers: { "x-api-key": "mtz_live_x" } },
  token: { headers: { authorization: "Bearer a.b.c" } },
  "what no way knows": { headers: { authorization: "Bearer ???" } },
  password: { headers: { authorization: `Basic ${Buffer.from("erp:guess").toString("base64")}` } },
  signature: {
    headers: {
      "webhook-id": "m",
      "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
      "webhook-signature": "v1,AAAA",
    },
  },
};

test("OW-2: guesses of every kind cost the address its turn, whichever API and way they are tried at", async () => {
  await using issuer = await openTestIssuer();
  await using sources = testSources(secrets);
  const access = [apiKey(), oauth({ issuer: issuer.url, audience: "orders" }), ...others];
  const second = defineApi({ ...ordersOptions, name: "again", base: "/again/v1", access: [apiKey(), ...others] });
  const now = Date.now();
  await using bench = await openBench({
    apis: [defineApi({ ...ordersOptions, access }), second],
    access: sources,
    monotonic: () => now,
  });
  let address = 0;
  for (const [what, ask] of Object.entries(wrong)) {
    const guess = { ...ask, key: null, body: anOrder, address: `10.6.0.${++address}` };
    for (let i = 0; i < 10; i++) assert.equal((await bench.ask("POST", orders, guess)).status, 401, what);
    const path = what === "token" ? orders : "/again/v1/orders";
    // A user name has its own limit, of ten a minute; names that nobody has are as good for guessing.
    const other = (i: number) =>
      what === "password"
        ? { ...guess, headers: { authorization: `Basic ${Buffer.from(`u${i}:guess`).toString("base64")}` } }
        : guess;
    for (let i = 0; i < 10; i++) assert.equal((await bench.ask("POST", path, other(i))).status, 401, what);
    assertProblem(await bench.ask("POST", orders, other(11)), 429, "quota-exceeded");
  }
  assert.equal(
    (await bench.ask("GET", stock, { address: "10.6.0.1" })).status,
    200,
    "who knows better is let in all the same",
  );
  assert.equal(bench.backend.started.length, 0);
});

test("without what the server gives, no way but the keys lets anybody in", async () => {
  const file = mtls({ anchors: ["a.pem"], consumers: { a: { dns: "a.example", scopes } } });
  const access = [apiKey(), oauth({ issuer: "https://id.example", audience: "orders" }), file, ...others];
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, access })] });
  const right: readonly Ask[] = [
    { headers: { authorization: `Basic ${Buffer.from(`erp:${secrets.PASSWORD}`).toString("base64")}` } },
    { headers: { authorization: "Basic ZXJwOg==" } },
    { headers: { authorization: "Bearer a.b.c" } },
    wrong.signature as Ask,
  ];
  for (const ask of right)
    assert.ok([401, 503].includes((await bench.ask("GET", stock, { ...ask, key: null })).status));
  assert.equal((await bench.ask("GET", stock)).status, 200);
  assert.equal(bench.backend.called.length, 1);
});

test("every way is named in the challenge and in the description, each scheme once", async () => {
  await using sources = testSources(secrets);
  const issuers = ["https://one.example", "https://two.example"].map((issuer) => oauth({ issuer, audience: "orders" }));
  const access = [apiKey(), ...issuers, ...others];
  await using bench = await openBench({
    apis: [defineApi({ ...ordersOptions, server: "https://api.example", access })],
    access: sources,
  });
  const none = await bench.ask("GET", stock, { key: null });
  assertProblem(none, 401, "credential-missing");
  assert.equal(
    none.headers["www-authenticate"],
    'Bearer resource_metadata="https://api.example/.well-known/oauth-protected-resource/orders/v1", Webhook-Signature, Basic realm="api", charset="UTF-8"',
  );
  const document = bench.publisher.openapi("orders", "1.0.0");
  const names = ["bearer", "apiKey", "oauth", "oauth-2", "signature", "basic"];
  assert.deepEqual(Object.keys(document?.components.securitySchemes ?? {}), names);
  const used = document?.paths["/stock/{sku}"]?.get?.security as readonly Record<string, readonly string[]>[];
  assert.deepEqual(
    used,
    names.map((name) => ({ [name]: ["stock:read"] })),
  );
});

test("access that is no list of ways, or takes one twice, is refused", () => {
  for (const access of [[{}], ["api-key"], [apiKey(), apiKey()], [...others, ...others], [null]])
    assert.throws(() => defineApi({ ...ordersOptions, access: access as readonly Access[] }), {
      code: "api-definition",
    });
});

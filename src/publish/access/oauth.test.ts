import assert from "node:assert/strict";
import { createHmac, createPublicKey } from "node:crypto";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createServer } from "../../http.ts";
import { defineApi } from "../define.ts";
import { assertProblem, type Bench, openBench, ordersOptions } from "../harness.test.ts";
import { apiKey } from "./api-key.ts";
import { type OAuthOptions, oauth } from "./oauth.ts";
import { openTestIssuer, type TestIssuer, testSources } from "./test-issuer.ts";

const stock = "/orders/v1/stock/rope";

async function openOAuthBench(options: Partial<OAuthOptions> = {}, alg = "ES256") {
  const time = { now: Date.now() };
  const issuer = await openTestIssuer(() => time.now);
  await issuer.rotate(alg);
  const sources = testSources({ ASK: "s&cret" });
  const access = [apiKey(), oauth({ issuer: issuer.url, audience: "orders", ...options })];
  const bench = await openBench({
    apis: [defineApi({ ...ordersOptions, access })],
    access: sources,
    clock: () => time.now,
    monotonic: () => time.now,
  });
  let address = 0;
  return {
    bench,
    issuer,
    time,
    /** From an address of its own, so that refusals do not add up. */
    ask: (token: string) => askWith(bench, token, `10.1.${++address >> 8}.${address & 255}`),
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await sources[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}
const askWith = (bench: Bench, token: string, address: string) =>
  bench.ask("GET", stock, { key: null, address, headers: { authorization: `Bearer ${token}` } });

const part = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const keysAsked = (issuer: TestIssuer) => issuer.asked.filter((path) => path === "/jwks").length;

for (const alg of ["RS256", "PS256", "ES256", "ES384", "Ed25519"]) {
  test(`a token that is signed with ${alg} lets its client in, beside API keys`, async () => {
    await using open = await openOAuthBench({}, alg);
    const answer = await open.ask(await open.issuer.token());
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await open.bench.ask("GET", stock)).status, 200, "the API key is still good");
  });
}

test("AT-1: typ must be at+jwt, in either form; another one only where the API says so, and operators see it", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask } = open;
  for (const typ of ["at+jwt", "AT+JWT", "application/at+jwt"])
    assert.equal((await ask(await issuer.token({}, { typ }))).status, 200, typ);
  for (const typ of ["JWT", "at+jwt2", "", undefined])
    assertProblem(await ask(await issuer.token({}, { typ })), 401, "token-invalid");
  await using relaxed = await openOAuthBench({ typ: "JWT", consumer: "azp" });
  const lax = { client_id: undefined, jti: undefined, sub: undefined, iat: undefined, azp: "webshop" };
  assert.equal((await relaxed.ask(await relaxed.issuer.token(lax, { typ: "JWT" }))).status, 200);
  const { describeAccess } = await import("./access.ts");
  assert.match(
    describeAccess(oauth({ issuer: "https://id.example", audience: "orders", typ: "JWT" })),
    /relaxed: .*JWT/,
  );
  assert.doesNotMatch(describeAccess(oauth({ issuer: "https://id.example", audience: "orders" })), /relaxed/);
});

test("AT-2: issuer, audience, times, sub, client_id, iat and jti must be there and right", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask, time } = open;
  const now = Math.floor(time.now / 1000);
  for (const wrong of [
    { iss: `${issuer.url}/` },
    { aud: "payments" },
    { aud: ["payments", "stock"] },
    { aud: undefined },
    { aud: { 0: "orders" } },
    { exp: undefined },
    { exp: String(now + 300) },
    { exp: now - 31 },
    { nbf: now + 32 },
    { iat: now + 32 },
    { sub: undefined },
    { sub: "" },
    { client_id: undefined },
    { client_id: 7 },
    { iat: undefined },
    { jti: undefined },
  ]) {
    const answer = await ask(await issuer.token(wrong));
    assertProblem(answer, 401, "token-invalid");
    assert.match(answer.headers["www-authenticate"] ?? "", /^Bearer error="invalid_token"/);
  }
  assert.equal((await ask(await issuer.token({ aud: ["payments", "orders"] }))).status, 200);
});

test("each cause of a refused token has the remedy that helps, and a forger is told of none but the signature", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask, time } = open;
  const now = Math.floor(time.now / 1000);
  const detail = async (token: string): Promise<unknown> => {
    const answer = await ask(token);
    assertProblem(answer, 401, "token-invalid");
    return answer.json?.detail;
  };
  const refused = "The access token is refused: ";
  for (const [claims, said] of [
    [{ exp: now - 60 }, "it has expired. Ask the authorization server for a new one."],
    [
      { aud: "payments" },
      "it is not meant for this API. Ask the authorization server for one that is made for this API.",
    ],
    [
      { iss: "https://other.example" },
      "it is of another issuer. Ask the authorization server that this API names for one.",
    ],
    [
      { client_id: undefined },
      "it has no client_id. Only the API's owner can mend that, with the authorization server.",
    ],
  ] as const)
    assert.equal(await detail(await issuer.token(claims)), refused + said);
  assert.match(String(await detail(await issuer.token({ nbf: now + 90 }))), /it is not valid yet\. Wait until it is; /);
  assert.match(
    String(await detail(await issuer.token({ nonce: "n" }))),
    /it is no access token\. Send the access token /,
  );
  const expired = await issuer.token({ exp: now - 60 });
  const forged = `${expired.slice(0, expired.lastIndexOf("."))}.${"A".repeat(86)}`;
  assert.equal(
    await detail(forged),
    `${refused}its signature is wrong. Send an access token of the authorization server that this API names, unchanged.`,
  );
});

test("AT-2: clocks may be 30 seconds apart, and not 31", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask, time } = open;
  time.now = Math.ceil(time.now / 1000) * 1000;
  const now = time.now / 1000;
  assert.equal((await ask(await issuer.token({ exp: now - 29 }))).status, 200);
  assertProblem(await ask(await issuer.token({ exp: now - 30 })), 401, "token-invalid");
  assert.equal((await ask(await issuer.token({ nbf: now + 30, iat: now + 30 }))).status, 200);
  assertProblem(await ask(await issuer.token({ nbf: now + 31 })), 401, "token-invalid");
  await using wide = await openOAuthBench({ clockSkew: "2m" });
  assert.equal((await wide.ask(await wide.issuer.token({ exp: Math.floor(wide.time.now / 1000) - 118 }))).status, 200);
});

test("AT-3: an ID token is no access token, also where typ is relaxed", async () => {
  await using open = await openOAuthBench({ typ: "JWT" });
  const { issuer, ask } = open;
  for (const id of [
    { nonce: "n" },
    { at_hash: "h" },
    { c_hash: "h" },
    { token_use: "id" },
    { typ: "ID" },
    { events: {} },
  ])
    assertProblem(await ask(await issuer.token(id, { typ: "JWT" })), 401, "token-invalid");
  assert.equal((await ask(await issuer.token({}, { typ: "JWT" }))).status, 200);
});

test("AT-4: keys are fetched once; a new kid has them fetched again, at most every 30 seconds; on outage the last ones stay", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask, time } = open;
  const old = await issuer.token();
  await Promise.all([ask(old), ask(old), ask(await issuer.token())]);
  assert.equal(keysAsked(issuer), 1);
  await issuer.rotate();
  assert.equal((await ask(await issuer.token())).status, 200, "the new key, after one more fetch");
  assert.equal(keysAsked(issuer), 2);
  for (let i = 0; i < 200; i++) {
    const answer = await ask(await issuer.token({}, { kid: `unknown-${i}` }));
    assertProblem(answer, 401, "token-invalid");
  }
  assert.equal(keysAsked(issuer), 2, "unknown kids have nothing fetched within the cool-down");
  assertProblem(await ask(old), 401, "token-invalid");
  time.now += 30_000;
  assertProblem(await ask(await issuer.token({}, { kid: "unknown" })), 401, "token-invalid");
  assert.equal(keysAsked(issuer), 3);
  await issuer.away();
  time.now += 700_000;
  for (let i = 0; i < 3; i++) assert.equal((await ask(await issuer.token())).status, 200, "known keys work on");
  const unknown = await ask(await issuer.token({}, { kid: "later" }));
  assertProblem(unknown, 503, "issuer-unavailable");
  assert.ok(Number(unknown.headers["retry-after"]) > 0);
  time.now += 86_400_000;
  assertProblem(await ask(await issuer.token()), 503, "issuer-unavailable");
  await issuer.back();
  time.now += 5_000;
  assert.equal((await ask(await issuer.token())).status, 200);
});

test("AT-4: a key that is made while the issuer is away is taken as soon after as callers were told, and not half a minute later", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask, time } = open;
  assert.equal((await ask(await issuer.token())).status, 200);
  await issuer.rotate();
  issuer.jwks = { status: 503 };
  const refused = await ask(await issuer.token());
  assertProblem(refused, 503, "issuer-unavailable");
  const before = keysAsked(issuer);
  for (let i = 0; i < 20; i++) assertProblem(await ask(await issuer.token()), 503, "issuer-unavailable");
  assert.equal(keysAsked(issuer), before, "not at each request");
  issuer.jwks = { status: 200 };
  time.now += Number(refused.headers["retry-after"]) * 1000;
  assert.equal((await ask(await issuer.token())).status, 200);
  // It answers again: unknown keys wait as long as ever.
  time.now += 29_000;
  assertProblem(await ask(await issuer.token({}, { kid: "unknown" })), 401, "token-invalid");
  assert.equal(keysAsked(issuer), before + 1);
});

test("AT-4: keys that are huge, redirected elsewhere, or no keys at all let nobody in, and are not asked for at each request", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask, time } = open;
  const elsewhere: string[] = [];
  const trap = createServer((req, res) => {
    elsewhere.push(req.url ?? "");
    res.end("{}");
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  const bad = [
    { status: 200, body: `{"keys":[${" ".repeat(600_000)}]}` },
    { status: 302, location: `http://127.0.0.1:${(trap.address() as AddressInfo).port}/` },
    { status: 200, body: "[]" },
    { status: 200, body: '{"keys":[],"keys":[]}' },
    { status: 500 },
  ];
  for (const jwks of bad) {
    issuer.jwks = jwks;
    time.now += 6_000;
    const before = keysAsked(issuer);
    for (let i = 0; i < 5; i++) assertProblem(await ask(await issuer.token()), 503, "issuer-unavailable");
    assert.equal(keysAsked(issuer), before + 1);
  }
  assert.deepEqual(elsewhere, []);
  trap.close();
  issuer.jwks = { status: 200 };
  time.now += 6_000;
  assert.equal((await ask(await issuer.token())).status, 200);
});

test("AT-4: metadata of another issuer is not used", async () => {
  await using open = await openOAuthBench();
  open.issuer.metadata = { issuer: "https://evil.example" };
  assertProblem(await open.ask(await open.issuer.token()), 503, "issuer-unavailable");
  assert.equal(keysAsked(open.issuer), 0);
});

test("JB-1: none in any letters, an empty signature, and algorithms off the list are refused; no claim is believed", async () => {
  await using open = await openOAuthBench({ algorithms: ["RS256"] }, "ES256");
  const { issuer, ask } = open;
  assertProblem(await ask(await issuer.token()), 401, "token-invalid");
  const [, payload] = (await issuer.token()).split(".");
  for (const alg of ["none", "None", "NONE", "nOnE", "", "HS256", "RS256 ", "constructor", "__proto__", 5, null])
    for (const signature of ["", "AAAA"]) {
      const token = `${part({ alg, typ: "at+jwt", kid: issuer.key.kid })}.${payload}.${signature}`;
      assertProblem(await ask(token), 401, "token-invalid");
    }
  assert.throws(
    () =>
      defineApi({
        ...ordersOptions,
        access: [oauth({ issuer: "https://i.example", audience: "a", algorithms: ["HS256" as never] })],
      }),
    {
      code: "api-definition",
    },
  );
});

test("JB-1: a key is used for the algorithm of its kind and its own alg only", async () => {
  await using open = await openOAuthBench({}, "RS256");
  const { issuer, ask } = open;
  assert.equal((await ask(await issuer.token())).status, 200);
  const [, payload] = (await issuer.token()).split(".");
  assertProblem(
    await ask(`${part({ alg: "PS256", typ: "at+jwt", kid: issuer.key.kid })}.${payload}.AAAA`),
    401,
    "token-invalid",
  );
  const { use: _, ...bare } = issuer.key.jwk;
  for (const jwk of [
    { ...bare, use: "enc" },
    { ...bare, key_ops: ["encrypt"] },
    { ...bare, alg: "PS256" },
    { ...bare, d: "AQAB" },
  ]) {
    await using other = await openOAuthBench({}, "RS256");
    other.issuer.publish([{ ...jwk, kid: other.issuer.key.kid, n: other.issuer.key.jwk.n }]);
    assertProblem(await other.ask(await other.issuer.token()), 401, "token-invalid");
  }
  await using open2 = await openOAuthBench({}, "RS256");
  const { alg: __, ...unnamed } = open2.issuer.key.jwk;
  open2.issuer.publish([unnamed]);
  assert.equal(
    (await open2.ask(await open2.issuer.token())).status,
    200,
    "a key that names no algorithm is good for its kind",
  );
});

test("JB-2: a public key, in whatever form, is never a shared secret", async () => {
  await using open = await openOAuthBench({}, "RS256");
  const { issuer, ask } = open;
  const spki = createPublicKey({ key: issuer.key.jwk as never, format: "jwk" });
  const forms = [
    spki.export({ type: "spki", format: "pem" }) as string,
    spki.export({ type: "pkcs1", format: "pem" }) as string,
    JSON.stringify(issuer.key.jwk),
    issuer.key.jwk.n as string,
  ];
  const [, payload] = (await issuer.token()).split(".");
  for (const secret of forms) {
    for (const alg of ["HS256", "HS512"]) {
      const signed = `${part({ alg, typ: "at+jwt", kid: issuer.key.kid })}.${payload}`;
      const signature = createHmac(alg === "HS256" ? "sha256" : "sha512", secret)
        .update(signed)
        .digest("base64url");
      assertProblem(await ask(`${signed}.${signature}`), 401, "token-invalid");
    }
  }
  issuer.publish([{ kty: "oct", kid: "shared", k: part("x".repeat(32)), alg: "HS256" }]);
  const signed = `${part({ alg: "HS256", typ: "at+jwt", kid: "shared" })}.${payload}`;
  assertProblem(
    await ask(`${signed}.${createHmac("sha256", "x".repeat(32)).update(signed).digest("base64url")}`),
    401,
    "token-invalid",
  );
});

test("JB-3: jku, x5u and jwk in a header lead nowhere; kid is looked up and nothing else", async () => {
  await using open = await openOAuthBench();
  await using evil = await openTestIssuer();
  const { issuer, ask } = open;
  const trap = { jku: `${evil.url}/jwks`, x5u: `${evil.url}/x5u`, jwk: evil.key.jwk };
  assertProblem(await ask(await issuer.token({}, { ...trap, kid: evil.key.kid }, evil.key)), 401, "token-invalid");
  assertProblem(await ask(await issuer.token({}, { ...trap, kid: issuer.key.kid }, evil.key)), 401, "token-invalid");
  assert.deepEqual(evil.asked, []);
  const before = issuer.asked.length;
  for (const kid of [
    "../../dev/null",
    "' OR 1=1--",
    "__proto__",
    "constructor",
    "a\u0000b",
    "x".repeat(401),
    0,
    null,
    {},
  ])
    assertProblem(await ask(await issuer.token({}, { kid })), 401, "token-invalid");
  assert.ok(issuer.asked.slice(before).every((path) => path === "/jwks" || path.startsWith("/.well-known/")));
});

test("JB-4: encrypted and nested tokens, and headers that ask for more, are refused", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask } = open;
  const inner = await issuer.token();
  const jwe = [
    part({ alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 2_000_000_000, zip: "DEF", typ: "at+jwt" }),
    "a",
    "b",
    "c",
    "d",
  ].join(".");
  assertProblem(await ask(jwe), 401, "token-invalid");
  const [, payload] = inner.split(".");
  for (const more of [{ crit: ["exp"], exp: 1 }, { b64: false }, { crit: [] }]) {
    const answer = await ask(`${part({ alg: "ES256", typ: "at+jwt", kid: issuer.key.kid, ...more })}.${payload}.AAAA`);
    assertProblem(answer, 401, "token-invalid");
    assert.match(answer.json.detail, /header asks/);
  }
  assertProblem(
    await ask(`${part({ alg: "ES256", typ: "at+jwt", cty: "JWT", kid: issuer.key.kid })}.${part(inner)}.AAAA`),
    401,
    "token-invalid",
  );
  assertProblem(await ask(`${part({ alg: "ES256", typ: "at+jwt" })}.${"A".repeat(12_000)}.AAAA`), 401, "token-invalid");
});

test("JB-5: a member that stands twice, in header or claims, is refused", async () => {
  await using open = await openOAuthBench();
  const { issuer, ask } = open;
  const { CompactSign } = await import("jose");
  const now = Math.floor(open.time.now / 1000);
  const claims = JSON.stringify({
    iss: issuer.url,
    aud: "orders",
    sub: "u",
    client_id: "webshop",
    iat: now,
    exp: now + 60,
    jti: "1",
    scope: "stock:read",
  });
  const sign = (text: string) =>
    new CompactSign(Buffer.from(text))
      .setProtectedHeader({ alg: "ES256", kid: issuer.key.kid, typ: "at+jwt" })
      .sign(issuer.key.privateKey);
  assert.equal((await ask(await sign(claims))).status, 200);
  assertProblem(await ask(await sign(claims.replace("{", '{"client_id":"admin",'))), 401, "token-invalid");
  assertProblem(await ask(await sign(claims.replace(`"exp":${now + 60}`, '"exp":1e999'))), 401, "token-invalid");
  const [, payload, signature] = (await sign(claims)).split(".");
  const header = `{"alg":"none","alg":"ES256","kid":"${issuer.key.kid}","typ":"at+jwt"}`;
  assertProblem(await ask(`${part(header)}.${payload}.${signature}`), 401, "token-invalid");
});

test("JB-6: tokens of another issuer, audience or kind can't be swapped in, and keys of one issuer open no other", async () => {
  await using one = await openTestIssuer();
  await using two = await openTestIssuer();
  await using sources = testSources();
  const access = [
    oauth({ issuer: one.url, audience: "orders" }),
    oauth({ issuer: two.url, audience: "partners", consumer: ({ client_id }) => `partner/${client_id}` }),
  ];
  await using bench = await openBench({ apis: [defineApi({ ...ordersOptions, access })], access: sources });
  const status = async (token: string, address: string) => (await askWith(bench, token, address)).status;
  assert.equal(await status(await one.token(), "10.2.0.1"), 200);
  assert.equal(await status(await two.token({ aud: "partners" }), "10.2.0.1"), 200);
  assert.equal(await status(await two.token(), "10.2.0.1"), 401, "the other one's audience");
  assert.equal(
    await status(await one.token({ iss: two.url, aud: "partners" }), "10.2.0.1"),
    401,
    "the other one's key",
  );
  assert.equal(await status(await one.token({}, {}, two.key), "10.2.0.1"), 401);
  assert.equal(await status(await one.token({ iss: "https://third.example" }), "10.2.0.1"), 401);
  assertProblem(await bench.ask("GET", stock, { address: "10.2.0.1" }), 401, "credential-invalid");
});

test("OA2-1: a token is taken from the Authorization header only; two places are 400", async () => {
  await using open = await openOAuthBench();
  const { bench, issuer } = open;
  const token = await issuer.token();
  const bearer = { authorization: `Bearer ${token}` };
  assertProblem(await bench.ask("GET", `${stock}?access_token=${token}`, { key: null }), 401, "credential-missing");
  const both = await bench.ask("GET", `${stock}?access_token=${token}`, { key: null, headers: bearer });
  assertProblem(both, 400, "credential-several");
  assert.match(both.headers["www-authenticate"] ?? "", /error="invalid_request"/);
  const mixed = await bench.ask("GET", stock, { key: null, headers: { ...bearer, "x-api-key": bench.key } });
  assertProblem(mixed, 400, "credential-several");
  assert.equal(bench.backend.called.length, 0);
});

test("OA2-2: 401 without an error where there is no token, invalid_token where it is bad, 403 insufficient_scope with the scope", async () => {
  await using open = await openOAuthBench();
  const { bench, issuer, ask } = open;
  const none = await bench.ask("GET", stock, { key: null });
  assertProblem(none, 401, "credential-missing");
  assert.doesNotMatch(none.headers["www-authenticate"] ?? "", /error/);
  assert.match((await ask("x.y.z")).headers["www-authenticate"] ?? "", /error="invalid_token"/);
  const poor = await ask(await issuer.token({ scope: "orders:read" }));
  assertProblem(poor, 403, "scope-missing");
  assert.match(poor.headers["www-authenticate"] ?? "", /error="insufficient_scope", scope="stock:read"/);
});

test("OA2-3: an API can't take tokens without saying for which audience", () => {
  for (const audience of ["", [], undefined as never, ["orders", ""]])
    assert.throws(() => defineApi({ ...ordersOptions, access: [oauth({ issuer: "https://id.example", audience })] }), {
      code: "api-definition",
      message: /audience/,
    });
});

test("OA2-5: the resource's metadata is served without a token, and every challenge points to it", async () => {
  await using open = await openOAuthBench();
  const { bench, issuer } = open;
  const path = "/.well-known/oauth-protected-resource/orders/v1";
  const host = { host: "api.example:8080" };
  const none = await bench.ask("GET", stock, { key: null, headers: host });
  assert.equal(none.headers["www-authenticate"], `Bearer resource_metadata="http://api.example:8080${path}"`);
  const { json, status } = await bench.ask("GET", path, { key: null, headers: host });
  assert.equal(status, 200);
  assert.equal(json.resource, "http://api.example:8080/orders/v1");
  assert.deepEqual(json.authorization_servers, [issuer.url]);
  assert.deepEqual(json.bearer_methods_supported, ["header"]);
  assert.deepEqual([...json.scopes_supported].sort(), ["orders:read", "orders:write", "stock:read", "stock:write"]);
  const odd = await bench.ask("GET", stock, { key: null, headers: { host: 'x", error="y' } });
  assert.equal(odd.headers["www-authenticate"], "Bearer", "what is no host is not repeated");
});

test("OA2-5: behind a proxy the API's own address counts, whatever the Host says", async () => {
  await using sources = testSources();
  const access = [oauth({ issuer: "https://id.example", audience: "orders" })];
  const api = defineApi({ ...ordersOptions, access, server: "https://api.example/gate" });
  await using bench = await openBench({ apis: [api], access: sources });
  const none = await bench.ask("GET", stock, { key: null, headers: { host: "evil.example" } });
  const address = "https://api.example/.well-known/oauth-protected-resource/gate/orders/v1";
  assert.equal(none.headers["www-authenticate"], `Bearer resource_metadata="${address}"`);
  const { json } = await bench.ask("GET", "/.well-known/oauth-protected-resource/orders/v1", { key: null });
  assert.equal(json.resource, "https://api.example/gate/orders/v1");
});

test("OW-2: wrong tokens cost their address its turn; an expired one of ours is no guess", async () => {
  await using open = await openOAuthBench();
  const { bench, issuer, time } = open;
  const expired = await issuer.token({ exp: Math.floor(time.now / 1000) - 60 });
  for (let i = 0; i < 30; i++) assertProblem(await askWith(bench, expired, "10.3.0.1"), 401, "token-invalid");
  for (let i = 0; i < 20; i++) assert.equal((await askWith(bench, "a.b.c", "10.3.0.1")).status, 401);
  assertProblem(await askWith(bench, "a.b.c", "10.3.0.1"), 429, "quota-exceeded");
  assert.equal((await askWith(bench, await issuer.token(), "10.3.0.1")).status, 200);
});

test("a claim names the consumer and its roles; a token that names none lets nobody in", async () => {
  await using open = await openOAuthBench({
    consumer: "tenant",
    roles: ({ realm }) => (realm as { roles: string[] }).roles,
  });
  const { issuer, ask, bench } = open;
  assert.equal((await ask(await issuer.token({ tenant: "acme", realm: { roles: ["clerk"] } }))).status, 200);
  for (const tenant of [undefined, "", "a\nb", 5, "x".repeat(201)])
    assertProblem(await ask(await issuer.token({ tenant })), 401, "token-invalid");
  const order = { id: "o-9", customerId: "acme", lines: [{ sku: "rope", quantity: 1 }] };
  const headers = { authorization: `Bearer ${await issuer.token({ tenant: "acme" })}` };
  assert.equal((await bench.ask("POST", "/orders/v1/orders", { key: null, headers, body: order })).status, 202);
  assert.equal((await bench.ask("GET", "/orders/v1/orders/o-9", { key: null, headers })).status, 200);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { secret } from "../../operation.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import { type IntrospectionOptions, oauth } from "./oauth.ts";
import { openTestIssuer, testSources } from "./test-issuer.ts";

const stock = "/orders/v1/stock/rope";

async function openIntrospectionBench(options: Partial<IntrospectionOptions> = {}) {
  const time = { now: Math.ceil(Date.now() / 1000) * 1000 };
  const issuer = await openTestIssuer(() => time.now);
  const sources = testSources({ ASK: "s&cret" });
  const introspection = { client: "gateway", secret: secret("ASK"), ...options };
  const access = [oauth({ issuer: issuer.url, audience: "orders", introspection })];
  const bench = await openBench({
    apis: [defineApi({ ...ordersOptions, access })],
    access: sources,
    clock: () => time.now,
    monotonic: () => time.now,
  });
  const active = (more: Record<string, unknown> = {}) => ({
    active: true,
    aud: "orders",
    client_id: "webshop",
    scope: "stock:read",
    exp: time.now / 1000 + 300,
    ...more,
  });
  return {
    bench,
    issuer,
    time,
    active,
    ask: (token: string, address = "10.0.0.1") =>
      bench.ask("GET", stock, { key: null, address, headers: { authorization: `Bearer ${token}` } }),
    asked: () => issuer.asked.filter((path) => path === "/introspect").length,
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await sources[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
    },
  };
}

test("OA2-4: an opaque token is asked about once, and its answer reused for a minute at most", async () => {
  await using open = await openIntrospectionBench();
  const { issuer, active, ask, asked, time } = open;
  issuer.tokens.set("good", active());
  const all = await Promise.all([ask("good"), ask("good"), ask("good")]);
  assert.deepEqual(
    all.map(({ status }) => status),
    [200, 200, 200],
  );
  assert.equal(asked(), 1, "at once is once");
  time.now += 59_999;
  assert.equal((await ask("good")).status, 200);
  assert.equal(asked(), 1);
  issuer.tokens.delete("good");
  time.now += 1;
  assertProblem(await ask("good"), 401, "token-invalid");
  assert.equal(asked(), 2);
});

test("OA2-4: an answer is not reused beyond the token's exp", async () => {
  await using open = await openIntrospectionBench({ cache: "10m" });
  const { issuer, active, ask, asked, time } = open;
  issuer.tokens.set("brief", active({ exp: time.now / 1000 + 5 }));
  assert.equal((await ask("brief")).status, 200);
  time.now += 4_999;
  assert.equal((await ask("brief")).status, 200);
  assert.equal(asked(), 1);
  time.now += 1;
  issuer.tokens.set("brief", { active: false });
  assertProblem(await ask("brief"), 401, "token-invalid");
  assert.equal(asked(), 2);
});

test("OA2-4: what is not active, not for us, of another issuer or no bearer token is refused", async () => {
  await using open = await openIntrospectionBench();
  const { issuer, active, ask } = open;
  const wrong = [
    { active: "true" },
    { aud: undefined },
    { aud: "payments" },
    { iss: "https://other.example" },
    { token_type: "DPoP" },
    { exp: "soon" },
    { client_id: undefined },
    { cnf: { jkt: "x" } },
    { nonce: "n" },
  ];
  for (const [at, one] of wrong.entries()) {
    issuer.tokens.set(`t${at}`, active(one));
    assertProblem(await ask(`t${at}`, `10.4.0.${at}`), 401, "token-invalid");
  }
  assertProblem(await ask("unknown", "10.4.1.1"), 401, "token-invalid");
});

test("OA2-4: while the issuer is away, or refuses us, nobody new is let in", async () => {
  await using open = await openIntrospectionBench();
  const { issuer, active, ask } = open;
  issuer.tokens.set("good", active());
  assert.equal((await ask("good")).status, 200);
  await issuer.away();
  issuer.tokens.set("other", active());
  assertProblem(await ask("other"), 503, "issuer-unavailable");
  assert.equal((await ask("good")).status, 200, "what is known still counts");
  await issuer.back();
  assert.equal((await ask("other")).status, 200);
});

test("OW-2: guessed opaque tokens stop reaching the issuer", async () => {
  await using open = await openIntrospectionBench();
  const { issuer, active, ask, asked } = open;
  for (let i = 0; i < 20; i++) assertProblem(await ask(`guess-${i}`), 401, "token-invalid");
  assert.equal(asked(), 20);
  for (let i = 20; i < 60; i++) assertProblem(await ask(`guess-${i}`), 429, "quota-exceeded");
  assert.equal(asked(), 20);
  issuer.tokens.set("good", active());
  assert.equal((await ask("good", "10.0.0.2")).status, 200, "another address has its own turn");
  assert.equal((await ask("good")).status, 200, "and what is known needs none");
  assert.equal((await ask(await issuer.token())).status, 200, "nor does a token that is verified here");
});

test("with `always`, a JWT is asked about too", async () => {
  await using open = await openIntrospectionBench({ always: true });
  const { issuer, active, ask, asked } = open;
  const token = await issuer.token();
  assertProblem(await ask(token), 401, "token-invalid");
  const other = await issuer.token();
  issuer.tokens.set(other, active());
  assert.equal((await ask(other)).status, 200);
  assert.equal(asked(), 2);
});

/** Against an OpenID Connect provider that somebody else wrote, over HTTP: its tokens, a change of its keys, and its outage. */
import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type Configuration, Provider } from "oidc-provider";
import { createServer } from "../../http.ts";
import { secret } from "../../operation.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import { oauth } from "./oauth.ts";
import { testSources } from "./test-issuer.ts";

const stock = "/orders/v1/stock/rope";
const resource = "https://api.example/orders/v1";

const keyOf = (kid: string, pair: { privateKey: KeyObject }) => ({
  ...pair.privateKey.export({ format: "jwk" }),
  kid,
  use: "sig",
  alg: "RS256",
});
const newKey = (kid: string) => keyOf(kid, generateKeyPairSync("rsa", { modulusLength: 2048 }));

/** A provider at `issuer` whose tokens for our API are of this form. */
function providerOf(issuer: string, format: "jwt" | "opaque", key: ReturnType<typeof newKey>): Provider {
  const configuration: Configuration = {
    clients: [
      {
        client_id: "webshop",
        client_secret: "shop-secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: "gateway",
        client_secret: "gate-secret",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: ["only for this test"] },
    scopes: ["stock:read"],
    features: {
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        getResourceServerInfo: () => ({
          scope: "stock:read",
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: format,
          ...(format === "jwt" ? { jwt: { sign: { alg: "RS256" as const } } } : {}),
        }),
      },
    },
  };
  return new Provider(issuer, configuration);
}

async function openProvider(format: "jwt" | "opaque") {
  let handler: ReturnType<Provider["callback"]> | undefined;
  const server: Server = createServer((req, res) => void handler?.(req, res));
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const use = (kid: string) => {
    handler = providerOf(issuer, format, newKey(kid)).callback();
  };
  use("first");
  const post = async (path: string, body: Record<string, string>, client: string) =>
    fetch(`${issuer}${path}`, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(client).toString("base64")}` },
      body: new URLSearchParams(body),
    });
  return {
    issuer,
    use,
    away: close,
    back: () => listen(port),
    async token(): Promise<string> {
      const answer = await post(
        "/token",
        { grant_type: "client_credentials", scope: "stock:read" },
        "webshop:shop-secret",
      );
      const { access_token: token } = (await answer.json()) as { access_token: string };
      assert.equal(answer.status, 200);
      return token;
    },
    async revoke(token: string) {
      assert.equal((await post("/token/revocation", { token }, "webshop:shop-secret")).status, 200);
    },
    [Symbol.asyncDispose]: close,
  };
}

test("an OIDC provider: its JWT access tokens are taken, its keys change, and it may be away", async () => {
  await using provider = await openProvider("jwt");
  await using sources = testSources();
  const time = { now: Date.now() };
  const access = [oauth({ issuer: provider.issuer, audience: resource })];
  await using bench = await openBench({
    apis: [defineApi({ ...ordersOptions, access })],
    access: sources,
    monotonic: () => time.now,
  });
  const ask = (token: string) => bench.ask("GET", stock, { key: null, headers: { authorization: `Bearer ${token}` } });
  const old = await provider.token();
  assert.equal((await ask(old)).status, 200);

  provider.use("second");
  assert.equal((await ask(await provider.token())).status, 200, "signed with a key that was not there before");
  assertProblem(await ask(old), 401, "token-invalid");

  const last = await provider.token();
  await provider.away();
  time.now += 700_000;
  assert.equal((await ask(last)).status, 200, "its keys are known");
  await provider.back();
  assert.equal((await ask(await provider.token())).status, 200);
});

test("an OIDC provider: its opaque tokens are asked about, and refused once they are revoked", async () => {
  await using provider = await openProvider("opaque");
  await using sources = testSources({ GATE: "gate-secret" });
  const time = { now: Date.now() };
  const introspection = { client: "gateway", secret: secret("GATE"), cache: "10s" } as const;
  const access = [oauth({ issuer: provider.issuer, audience: resource, introspection })];
  await using bench = await openBench({
    apis: [defineApi({ ...ordersOptions, access })],
    access: sources,
    clock: () => time.now,
  });
  const ask = (token: string) => bench.ask("GET", stock, { key: null, headers: { authorization: `Bearer ${token}` } });
  const token = await provider.token();
  assert.doesNotMatch(token, /\./);
  assert.equal((await ask(token)).status, 200);
  await provider.revoke(token);
  assert.equal((await ask(token)).status, 200, "for ten seconds the answer is reused");
  time.now += 10_000;
  assertProblem(await ask(token), 401, "token-invalid");
  await provider.away();
  assertProblem(await ask(`${token}x`), 503, "issuer-unavailable");
  await provider.back();
});

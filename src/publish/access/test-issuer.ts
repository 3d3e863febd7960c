/** For tests: an authorization server on loopback with keys that can be changed, and every request to it counted. */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { createServer } from "../../http.ts";
import type { Reference } from "../../operation.ts";
import { createOutbound } from "../../outbound/client.ts";
import type { AccessSources, WayTools } from "./way.ts";

export interface TestIssuer {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** What `/jwks` answers besides keys: a status, or bytes. */
  jwks: { status: number; body?: string; location?: string };
  /** Of introspection: the answer by token. */
  readonly tokens: Map<string, Record<string, unknown>>;
  /** What the metadata says otherwise. */
  metadata: Record<string, unknown>;
  /** Publishes a new key, and takes the others away. */
  rotate(alg?: string): Promise<TestKey>;
  /** Publishes these as they are. */
  publish(keys: readonly unknown[]): void;
  key: TestKey;
  /** An access token as RFC 9068 wants it; members of value `undefined` are left out. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>, key?: TestKey): Promise<string>;
  /** The server goes away, and comes back on the same port. */
  away(): Promise<void>;
  back(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
export interface TestKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function openTestIssuer(clock: () => number = Date.now): Promise<TestIssuer> {
  let count = 0;
  let keys: readonly unknown[] = [];
  const asked: string[] = [];
  const tokens: TestIssuer["tokens"] = new Map();
  const server = createServer((req, res) => {
    const path = (req.url ?? "").split("?")[0] ?? "";
    asked.push(path);
    const json = (value: unknown) =>
      res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/.well-known/oauth-authorization-server") {
      json({
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/jwks`,
        introspection_endpoint: `${issuer.url}/introspect`,
        ...issuer.metadata,
      });
      return;
    }
    if (path === "/jwks") {
      const { status, body, location } = issuer.jwks;
      res.writeHead(status, location === undefined ? {} : { location }).end(body ?? JSON.stringify({ keys }));
      return;
    }
    if (path === "/introspect") {
      const chunks: Buffer[] = [];
      req.on("data", (chunk: Buffer) => chunks.push(chunk));
      req.on("end", () => {
        const known = req.headers.authorization === `Basic ${Buffer.from("gateway:s%26cret").toString("base64")}`;
        const token = new URLSearchParams(Buffer.concat(chunks).toString()).get("token") ?? "";
        if (known) json(tokens.get(token) ?? { active: false });
        else res.writeHead(401).end();
      });
      return;
    }
    res.writeHead(404).end();
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });

  const issuer: TestIssuer = {
    url: `http://127.0.0.1:${port}`,
    asked,
    jwks: { status: 200 },
    tokens,
    metadata: {},
    key: undefined as unknown as TestKey,
    async rotate(alg = "ES256") {
      const pair = await generateKeyPair(alg, { extractable: true });
      const kid = `key-${++count}`;
      const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" };
      issuer.key = { kid, alg, privateKey: pair.privateKey, jwk };
      keys = [jwk];
      return issuer.key;
    },
    publish(list) {
      keys = list;
    },
    async token(claims = {}, header = {}, key = issuer.key) {
      const now = Math.floor(clock() / 1000);
      const all = {
        iss: issuer.url,
        aud: "orders",
        sub: "user-1",
        client_id: "webshop",
        iat: now,
        exp: now + 300,
        jti: `jti-${++count}`,
        scope: "orders:read orders:write stock:read",
        ...claims,
      };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      const head = { alg: key.alg, kid: key.kid, typ: "at+jwt", ...header };
      const clean = Object.fromEntries(Object.entries(head).filter(([, value]) => value !== undefined));
      return new SignJWT(payload).setProtectedHeader(clean as { alg: string }).sign(key.privateKey);
    },
    away: close,
    back: () => listen(port),
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
  await issuer.rotate();
  return issuer;
}

/** What the server gives to ways, with these secrets. */
export function testSources(secrets: Readonly<Record<string, string>> = {}): AccessSources & AsyncDisposable {
  const outbound = createOutbound();
  return {
    outbound,
    readFile: (path) => readFileSync(path, "utf8"),
    resolve: (given: Reference | string) => (typeof given === "string" ? given : (secrets[given.name] ?? "")),
    [Symbol.asyncDispose]: () => outbound.close(),
  };
}

/** To open one way, without keys. */
export function testTools(sources: AccessSources): WayTools {
  const keys = Object.freeze({}) as WayTools["keys"];
  return { keys, clock: Date.now, monotonic: () => performance.now(), report() {}, sources };
}

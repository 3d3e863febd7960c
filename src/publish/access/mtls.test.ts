import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { request as httpRequest } from "../../http.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import { type Listener, type ListenerOptions, listen } from "../listener.ts";
import { apiKey } from "./api-key.ts";
import { type MtlsOptions, mtls } from "./mtls.ts";
import { oauth } from "./oauth.ts";
import { openTestIssuer, testSources } from "./test-issuer.ts";

const here = new URL("./fixtures/", import.meta.url).pathname;
const serverFiles = new URL("../../outbound/fixtures/", import.meta.url).pathname;
const pem = (name: string) => readFileSync(join(here, `${name}.pem`), "utf8");
const certificate = (name: string) => new X509Certificate(pem(name));
const thumbprint = (name: string) =>
  Buffer.from(certificate(name).fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
const stock = "/orders/v1/stock/rope";
const uri = "spiffe://partner.example/shop";
const shop = { shop: { uri, dns: "shop.partner.example", scopes: ["stock:read"] } };

interface Shown {
  readonly cert?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}

/** A published API behind a real listener with TLS of its own, in a folder whose files can be changed. */
async function openTls(
  options: Partial<MtlsOptions> = {},
  {
    listener = {},
    access = [],
  }: { listener?: Partial<ListenerOptions>; access?: readonly ReturnType<typeof oauth>[] } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "mortise-mtls-"));
  const put = (from: string, name: string) => copyFileSync(from, join(folder, name));
  put(join(serverFiles, "good.pem"), "server.pem");
  put(join(serverFiles, "server.key"), "server.key");
  put(join(here, "partners.pem"), "anchors.pem");
  writeFileSync(join(folder, "revoked.txt"), "# none\n");
  const sources = testSources();
  const time = { now: 0 };
  const own = mtls({ anchors: ["anchors.pem"], consumers: shop, revoked: "revoked.txt", ...options });
  const bench = await openBench({
    apis: [defineApi({ ...ordersOptions, access: [apiKey(), own, ...access] })],
    access: { ...sources, readFile: (path) => readFileSync(join(folder, path), "utf8") },
    monotonic: () => time.now,
  });
  const failures: unknown[] = [];
  const read = () => ({
    cert: readFileSync(join(folder, "server.pem"), "utf8"),
    key: readFileSync(join(folder, "server.key"), "utf8"),
  });
  const server: Listener = await listen((request) => bench.publisher.handle(request), {
    port: 0,
    tls: { read, asksClients: true, onFailure: (error) => failures.push(error) },
    ...listener,
  });
  return {
    bench,
    server,
    folder,
    time,
    failures,
    put,
    ask: (shown: Shown = {}) => ask(server, shown),
    async [Symbol.asyncDispose]() {
      await server.close(0);
      await bench[Symbol.asyncDispose]();
      await sources[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface TlsAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
  readonly json: any;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly server: string;
}

/** One request on a connection of its own. */
function ask({ port, url }: Listener, { cert, headers = {}, path = stock }: Shown): Promise<TlsAnswer> {
  const secure = url.startsWith("https:");
  const options = {
    host: secure ? "localhost" : "127.0.0.1",
    family: 4,
    port,
    path,
    headers,
    agent: false as const,
    ca: readFileSync(join(serverFiles, "ca.pem"), "utf8"),
    ...(cert === undefined ? {} : { cert, key: readFileSync(join(here, "client.key"), "utf8") }),
  };
  return new Promise((resolve, reject) => {
    let server = "";
    const sent = (secure ? httpsRequest : httpRequest)(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          json: JSON.parse(text),
          headers: response.headers as Record<string, string>,
          text,
          server,
        });
      });
    });
    sent.on("socket", (socket) =>
      socket.on("secureConnect", () => {
        server =
          "getPeerX509Certificate" in socket
            ? ((socket as import("node:tls").TLSSocket).getPeerX509Certificate()?.fingerprint256 ?? "")
            : "";
      }),
    );
    sent.on("error", reject);
    sent.end();
  });
}

test("MT-2: a client whose certificate leads to the API's authority is its consumer, over one intermediate at most", async () => {
  await using open = await openTls();
  for (const cert of [pem("client"), pem("renewed"), pem("chained") + pem("between")]) {
    const answer = await open.ask({ cert });
    assert.equal(answer.status, 200, answer.text);
  }
});

test("MT-2: another authority, purpose, time, name, or a chain that is none, is refused, always in the same words", async () => {
  await using open = await openTls();
  const shown = {
    foreign: pem("foreign"),
    serving: pem("serving"),
    bare: pem("bare"),
    expired: pem("expired"),
    stranger: pem("stranger"),
    odd: pem("odd"),
    "forged by a client": pem("forged") + pem("client"),
    "chain left out": pem("chained"),
  };
  const details = new Set<string>();
  for (const [what, cert] of Object.entries(shown)) {
    const answer = await open.ask({ cert });
    assert.equal(answer.status, 401, what);
    assertProblem(answer, 401, "certificate-refused");
    details.add(answer.json.detail);
  }
  assert.equal(details.size, 1);
  assertProblem(await open.ask(), 401, "credential-missing");
  assert.equal((await open.ask({ cert: pem("client") })).status, 200, "a right one still works");
});

test("MT-2: each API has anchors of its own, and a certificate that fits two consumers is neither's", async () => {
  await using other = await openTls({
    anchors: ["anchors.pem"],
    consumers: { a: { uri, scopes: ["stock:read"] }, b: { dns: "shop.partner.example", scopes: ["stock:read"] } },
  });
  assertProblem(await other.ask({ cert: pem("client") }), 401, "certificate-refused");
  other.put(join(here, "others.pem"), "anchors.pem");
  await using foreign = await openTls({
    consumers: { one: { thumbprint: certificate("client").fingerprint256, scopes: ["stock:read"] } },
  });
  assert.equal((await foreign.ask({ cert: pem("client") })).status, 200);
  assertProblem(await foreign.ask({ cert: pem("renewed") }), 401, "certificate-refused");
});

test("MT-2: a certificate on the list of those that ended is refused a few seconds later, and no other", async () => {
  await using open = await openTls();
  assert.equal((await open.ask({ cert: pem("client") })).status, 200);
  writeFileSync(join(open.folder, "revoked.txt"), `${certificate("client").fingerprint256} # lost\n`);
  open.time.now += 5_000;
  assertProblem(await open.ask({ cert: pem("client") }), 401, "certificate-refused");
  assert.equal((await open.ask({ cert: pem("renewed") })).status, 200);
});

test("MT-4: anchors and the server's own certificate change without a restart; what can't be used leaves the last good ones", async () => {
  await using open = await openTls();
  const first = (await open.ask({ cert: pem("client") })).server;
  open.put(join(here, "others.pem"), "anchors.pem");
  open.time.now += 5_000;
  assertProblem(await open.ask({ cert: pem("client") }), 401, "certificate-refused");
  assert.equal((await open.ask({ cert: pem("foreign") })).status, 200);
  writeFileSync(join(open.folder, "anchors.pem"), "nothing that is one");
  open.time.now += 5_000;
  assert.equal((await open.ask({ cert: pem("foreign") })).status, 200, "the last good ones stay");

  open.put(join(here, "client.key"), "server.key");
  open.server.renewTls();
  assert.equal((await open.ask({ cert: pem("foreign") })).server, first, "a key without its certificate is not used");
  open.server.renewTls();
  assert.equal(open.failures.length, 1, "and told once");
  open.put(join(serverFiles, "server.key"), "server.key");
  open.put(join(serverFiles, "wrong.pem"), "server.pem");
  open.server.renewTls();
  await assert.rejects(open.ask(), /altnames|does not match/i, "new connections meet the new one, of another name");
});

test("MT-1: a token that is bound to a certificate is good with that one alone", async () => {
  await using issuer = await openTestIssuer();
  await using open = await openTls({}, { access: [oauth({ issuer: issuer.url, audience: "orders" })] });
  const bound = await issuer.token({ cnf: { "x5t#S256": thumbprint("client") } });
  const headers = { authorization: `Bearer ${bound}` };
  assert.equal((await open.ask({ cert: pem("client"), headers })).status, 200);
  for (const cert of [undefined, pem("renewed"), pem("foreign")]) {
    const answer = await open.ask({ ...(cert === undefined ? {} : { cert }), headers });
    assertProblem(answer, 401, "token-invalid");
    assert.match(answer.headers["www-authenticate"] ?? "", /invalid_token/);
  }
  for (const cnf of [
    { jkt: "x" },
    {},
    "x",
    { "x5t#S256": "" },
    { "x5t#S256": thumbprint("client"), jkt: "x" },
    { "x5t#S256": 5 },
  ]) {
    const odd = { authorization: `Bearer ${await issuer.token({ cnf })}` };
    assertProblem(await open.ask({ cert: pem("client"), headers: odd }), 401, "token-invalid");
  }
});

test("MT-1: where tokens must be bound, one that anybody may bear is refused", async () => {
  await using issuer = await openTestIssuer();
  await using open = await openTls(
    {},
    { access: [oauth({ issuer: issuer.url, audience: "orders", certificateBound: true })] },
  );
  const headers = { authorization: `Bearer ${await issuer.token()}` };
  assertProblem(await open.ask({ cert: pem("client"), headers }), 401, "token-invalid");
});

test("MT-3: Client-Cert is believed from a proxy that is named, and taken away unread from everybody else", async () => {
  const field = (name: string) => `:${certificate(name).raw.toString("base64")}:`;
  const clear: Partial<ListenerOptions> = { tls: undefined as never };
  await using behind = await openTls({}, { listener: { ...clear, certificateProxies: new Set(["127.0.0.1"]) } });
  assert.equal((await behind.ask({ headers: { "client-cert": field("client") } })).status, 200);
  const chained = { "client-cert": field("chained"), "client-cert-chain": field("between") };
  assert.equal((await behind.ask({ headers: chained })).status, 200);
  assertProblem(await behind.ask({ headers: { "client-cert": field("foreign") } }), 401, "certificate-refused");
  assertProblem(await behind.ask(), 401, "credential-missing");
  for (const broken of [
    "",
    ":%%:",
    certificate("client").raw.toString("base64"),
    `${field("client")}, ${field("client")}`,
  ])
    assertProblem(await behind.ask({ headers: { "client-cert": broken } }), 400, "request-malformed");

  await using direct = await openTls({}, { listener: { ...clear, certificateProxies: new Set(["10.9.9.9"]) } });
  const lies: readonly Record<string, string>[] = [
    { "client-cert": field("client") },
    { "client-cert": "nonsense", "client-cert-chain": "x" },
  ];
  for (const headers of lies) assertProblem(await direct.ask({ headers }), 401, "credential-missing");
  await using tls = await openTls();
  assertProblem(
    await tls.ask({ cert: pem("foreign"), headers: { "client-cert": field("client") } }),
    401,
    "certificate-refused",
  );
});

test("a key or token beside the connection's certificate is the credential; the description names both", async () => {
  await using open = await openTls();
  const headers = { authorization: `Bearer ${open.bench.key}` };
  assert.equal((await open.ask({ cert: pem("foreign"), headers })).status, 200);
  const document = open.bench.publisher.openapi("orders", "1.0.0");
  assert.deepEqual(Object.keys(document?.components.securitySchemes ?? {}), ["bearer", "apiKey", "clientCertificate"]);
});

test("mtls() without anchors or exact names is refused", () => {
  const rule = { scopes: [] };
  for (const wrong of [
    { anchors: [], consumers: shop },
    { anchors: ["a.pem"], consumers: {} },
    { anchors: ["a.pem"], consumers: { a: rule } },
    { anchors: ["a.pem"], consumers: { a: { ...rule, dns: "*.example" } } },
    { anchors: ["a.pem"], consumers: { a: { ...rule, thumbprint: "abc" } } },
  ] as readonly MtlsOptions[])
    assert.throws(() => defineApi({ ...ordersOptions, access: [mtls(wrong)] }), { code: "api-definition" });
});

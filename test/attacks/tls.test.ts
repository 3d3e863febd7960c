/** Row 18 over raw sockets: handshakes that are odd, old, or shown the wrong certificate. The server stays up, and nobody becomes somebody else. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { measured, openTarget, type Target, type TargetOptions } from "./target.ts";
import { exchange, lineOf, message, openLine, statuses } from "./wire.ts";

const of = (folder: string) => (name: string) =>
  readFileSync(new URL(`../../src/${folder}/fixtures/${name}`, import.meta.url), "utf8");
const server = of("outbound");
const client = of("publish/access");

const options: TargetOptions = {
  files: {
    "server.pem": server("good.pem"),
    "secrets/server.key": server("server.key"),
    "anchors.pem": client("partners.pem"),
    "mortise.config.ts": `import { defineConfig } from "mortise";
      export default defineConfig({ api: { port: 0, certificate: "server.pem", key: "secrets/server.key" }, admin: { port: 0 }, watch: { every: "0s" }, shutdown: { grace: "1s" },
        limits: { headersTimeout: "1s", keepAlive: "200ms", requestTimeout: "2s", connectionsPerAddress: 2000 } });`,
    "apis/partners.ts": `import { apiKey, defineApi, get, mtls, published } from "mortise"; import { shop } from "../systems/shop/index.ts";
      export default defineApi({ name: "partners", version: "1.0.0", base: "/partners/v1", lifecycle: published(),
        access: [mtls({ anchors: ["anchors.pem"], consumers: { partner: { dns: "shop.partner.example", uri: "spiffe://partner.example/shop", scopes: ["orders"] } } })],
        operations: { getStock: get("/stock/{sku}", { scope: "orders", calls: shop.getStock }) } } as any);`,
  },
};

/** What came back, and whether the session was an earlier one's; `undefined`: the handshake failed. */
async function ask(
  { port }: Target,
  more: ConnectionOptions = {},
  {
    path = "/partners/v1/stock/a",
    auth = "",
    session,
  }: { path?: string; auth?: string; session?: (socket: TLSSocket) => void } = {},
): Promise<{ readonly status: number; readonly reused: boolean } | undefined> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: server("ca.pem"), ...more });
  if (session !== undefined) session(socket);
  const line = lineOf(socket);
  const ready = await new Promise<boolean>((resolve) => {
    socket.once("secureConnect", () => resolve(true));
    void line.closed.then(() => resolve(false));
  });
  if (!ready) return undefined;
  const reused = socket.isSessionReused();
  socket.write(
    message([`GET ${path} HTTP/1.1`, "Host: a", "Connection: close", ...(auth === "" ? [] : [auth])].join("\n")),
  );
  const [status] = statuses(await line.closed);
  return status === undefined ? undefined : { status, reused };
}
const identity = (name: string): ConnectionOptions => ({ cert: client(`${name}.pem`), key: client("client.key") });

async function works(target: Target): Promise<void> {
  assert.deepEqual(await ask(target, identity("client")), { status: 200, reused: false });
  assert.equal((await ask(target, {}, { path: "/orders/v1/stock/a", auth: target.auth }))?.status, 200);
  target.upstream.ledger.length = 0;
}

/** A hello of TLS 1.2 with these bytes for the name of the server (RFC 6066, section 3). */
function hello(name: Buffer, version = 0x0303): Buffer {
  const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
  const entry = Buffer.concat([Buffer.from([0]), u16(name.length), name]);
  const sni = Buffer.concat([u16(entry.length), entry]);
  const groups = Buffer.from([0, 10, 0, 4, 0, 2, 0, 23]);
  const algorithms = Buffer.from([0, 13, 0, 4, 0, 2, 4, 3]);
  const extensions = Buffer.concat([u16(0), u16(sni.length), sni, groups, algorithms]);
  const body = Buffer.concat([
    u16(version),
    Buffer.alloc(32, 7),
    Buffer.from([0, 0, 2, 0xc0, 0x2b, 1, 0]),
    u16(extensions.length),
    extensions,
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  return Buffer.concat([Buffer.from([0x16]), u16(Math.min(version, 0x0303)), u16(handshake.length), handshake]);
}

test("attack 18: odd server names, broken hellos, old versions and handshakes that never end close their own connection and no other", async (t) => {
  const target = await openTarget(t, options);
  const { port } = target;
  const hellos: Readonly<Record<string, Buffer>> = {
    "an empty name": hello(Buffer.alloc(0)),
    "a NUL": hello(Buffer.from("local\0host")),
    "only a NUL": hello(Buffer.from("\0")),
    "256 characters": hello(Buffer.alloc(256, 97)),
    "60,000 characters": hello(Buffer.alloc(16_000, 97)),
    "bytes that are no UTF-8": hello(Buffer.from([0xff, 0xfe, 0xc0, 0x80])),
    "a path": hello(Buffer.from("../../etc/passwd")),
    "an address": hello(Buffer.from("127.0.0.1")),
    dots: hello(Buffer.from("....")),
    __proto__: hello(Buffer.from("__proto__")),
    "line ends": hello(Buffer.from("a\r\nHost: b")),
    "SSL 3": hello(Buffer.from("localhost"), 0x0300),
    "TLS 1.0": hello(Buffer.from("localhost"), 0x0301),
    "TLS 1.1": hello(Buffer.from("localhost"), 0x0302),
    "a version of the future": hello(Buffer.from("localhost"), 0x7f7f),
    "a record that is too long": Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000)]),
    "a length that lies": Buffer.concat([Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 0xff, 0xff]), Buffer.alloc(600)]),
    "SSL 2": Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
    "an alert": Buffer.from([0x15, 3, 3, 0, 2, 2, 40]),
    "application data": Buffer.concat([Buffer.from([0x17, 3, 3, 0, 16]), Buffer.alloc(16)]),
    "one byte": Buffer.from([0x16]),
    nothing: Buffer.alloc(0),
    "half a hello": hello(Buffer.from("localhost")).subarray(0, 40),
  };
  const grown = await measured(async () => {
    const closed = Object.entries(hellos).map(async ([what, bytes]) => {
      const begun = performance.now();
      // Whatever is said, it is no HTTP.
      assert.ok(!(await exchange(port, bytes)).includes("HTTP/1.1 2"), what);
      assert.ok(performance.now() - begun < 10_000, `${what}: it was left open`);
    });
    await Promise.all(closed);
    // Many at once, broken off in the middle.
    const lines = Array.from({ length: 200 }, () => openLine(port, hellos["half a hello"]));
    for (const { socket } of lines) socket.destroy();
    await Promise.all(lines.map((line) => line.closed));
  });
  assert.ok(grown.bytes < 128 * 1_048_576, `${grown.bytes} bytes more`);

  const old = { ciphers: "DEFAULT@SECLEVEL=0" };
  for (const version of ["TLSv1", "TLSv1.1"] as const)
    assert.equal(await ask(target, { ...old, minVersion: version, maxVersion: version }), undefined, version);
  for (const ciphers of ["NULL", "RC4-SHA", "DES-CBC3-SHA", "ADH-AES128-SHA", "EXP-RC4-MD5"])
    await ask(target, { ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion: "TLSv1.2" }).then(
      (answer) => assert.equal(answer, undefined, ciphers),
      () => {}, // this OpenSSL does not even know it
    );
  for (const version of ["TLSv1.2", "TLSv1.3"] as const)
    assert.equal(
      (await ask(target, { minVersion: version, maxVersion: version, ...identity("client") }))?.status,
      200,
      version,
    );
  assert.equal(
    await ask(target, { ALPNProtocols: ["h2"], ...identity("client") }),
    undefined,
    "HTTP/2 is not agreed on",
  );
  // Clear HTTP gets no answer that could be followed, and does nothing.
  const clear = await exchange(port, message(`GET /orders/v1/stock/a HTTP/1.1\nHost: a\n${target.auth}`));
  assert.ok(!/HTTP\/1\.1 [23]/.test(clear), clear);
  target.upstream.ledger.length = 0;
  target.quiet();
  await works(target);
});

test("MT-1 MT-2 attack 18: a client's certificate counts exactly, and a resumed session brings nobody's along", async (t) => {
  const target = await openTarget(t, options);
  await works(target);
  const wrong = ["expired", "foreign", "serving", "stranger", "forged", "odd"];
  for (const name of wrong) assert.deepEqual(await ask(target, identity(name)), { status: 401, reused: false }, name);
  assert.equal((await ask(target))?.status, 401, "none");
  // The session of a partner, taken up again with another certificate, with none, and under another name.
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    let kept: Buffer | undefined;
    const session = (socket: TLSSocket) => socket.on("session", (given) => (kept = given));
    assert.equal((await ask(target, { ...identity("client"), maxVersion }, { session }))?.status, 200);
    assert.equal(target.upstream.ledger.splice(0).length, 1);
    const again = { maxVersion, ...(kept === undefined ? {} : { session: kept }) };
    for (const more of [
      again,
      { ...again, ...identity("stranger") },
      { ...again, servername: "other.example", checkServerIdentity: () => undefined },
    ])
      assert.deepEqual(await ask(target, more), { status: 401, reused: false }, maxVersion);
  }
  assert.deepEqual(target.upstream.ledger, []);
  target.quiet();
  await works(target);
});

test("OW-2 attack 18: guesses with client certificates are slowed for their address, and a right one goes on working", async (t) => {
  const target = await openTarget(t, options);
  await works(target);
  // Twenty in ten seconds are answered; of sixty at once most are not, however slow the machine is.
  const guesses = await Promise.all(Array.from({ length: 60 }, () => ask(target, identity("stranger"))));
  const slowed = guesses.filter((answer) => answer?.status === 429).length;
  assert.ok(slowed > 0 && guesses.every((answer) => answer?.status === 401 || answer?.status === 429));
  // The same count as for keys: neither of the two gives a guesser turns of its own.
  const auth = `Authorization: Bearer ${target.key.slice(0, -6)}000000`;
  const keys = await Promise.all(
    Array.from({ length: 20 }, () => ask(target, {}, { path: "/orders/v1/stock/a", auth })),
  );
  assert.ok(keys.some((answer) => answer?.status === 429));
  target.quiet();
  await works(target);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import type { HttpHandler, HttpRequest } from "./http.ts";
import { type Listener, type ListenerOptions, listen } from "./listener.ts";

const echo: HttpHandler = async (request) => {
  const body = await request.body(1024);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ method: request.method, path: request.path, query: request.query, size: body.length }),
  };
};

interface Served extends AsyncDisposable {
  readonly listener: Listener;
  readonly seen: HttpRequest[];
}
async function serve(handler: HttpHandler = echo, options: Partial<ListenerOptions> = {}): Promise<Served> {
  const seen: HttpRequest[] = [];
  const listener = await listen(
    (request) => {
      seen.push(request);
      return handler(request);
    },
    { port: 0, ...options },
  );
  return { listener, seen, [Symbol.asyncDispose]: () => listener.close(0) };
}

/** Sends bytes as they are, and gives everything that comes back until the other side closes. */
async function raw(listener: Listener, text: string | Uint8Array): Promise<string> {
  const socket = connect(listener.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(text);
  return untilClosed(socket);
}
async function untilClosed(socket: Socket): Promise<string> {
  let all = "";
  socket.on("data", (chunk: Buffer) => {
    all += chunk.toString("latin1");
  });
  // Not `once` of node:events: that rejects on a reset, which is a way of being closed too.
  await new Promise((resolve) => socket.once("close", resolve));
  return all;
}
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));
const request = (head: string, body = "") => `${head.replaceAll("\n", "\r\n")}\r\n\r\n${body}`;

async function assertServes(listener: Listener): Promise<void> {
  const answer = await fetch(`${listener.url}/still/here`);
  assert.equal(answer.status, 200);
  await answer.arrayBuffer();
}

test("a request arrives as it was sent, and its answer carries id, length and security headers", async () => {
  await using served = await serve();
  const answer = await fetch(`${served.listener.url}/a%20b?q=1`, { method: "POST", body: "hello" });
  assert.deepEqual(await answer.json(), { method: "POST", path: "/a%20b", query: "q=1", size: 5 });
  assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.equal(answer.headers.get("strict-transport-security"), null, "it means nothing in clear");
  assert.equal(answer.headers.get("x-request-id"), served.seen[0]?.id);
  assert.equal(answer.headers.get("x-powered-by"), null);
  assert.equal(served.seen[0]?.address, "127.0.0.1");
});

test("HEAD has the length and no body", async () => {
  await using served = await serve();
  const text = await raw(served.listener, request("HEAD / HTTP/1.1\nHost: a\nConnection: close"));
  assert.match(text, /content-length: 4\d\r/i);
  assert.ok(text.endsWith("\r\n\r\n"));
});

const ambiguous: Readonly<Record<string, string>> = {
  "two Host headers": request("GET / HTTP/1.1\nHost: a\nHost: b"),
  "no Host header": request("GET / HTTP/1.1\nA: b"),
  "an absolute-form target": request("GET http://evil/ HTTP/1.1\nHost: a"),
  "an authority-form target": request("CONNECT evil:80 HTTP/1.1\nHost: a"),
  "an asterisk target": request("OPTIONS * HTTP/1.1\nHost: a"),
  "Transfer-Encoding in HTTP/1.0": request("POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked", "0\r\n\r\n"),
  "Content-Length and Transfer-Encoding": request(
    "POST / HTTP/1.1\nHost: a\nContent-Length: 5\nTransfer-Encoding: chunked",
    "0\r\n\r\n",
  ),
  "two Content-Lengths": request("POST / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 6", "hello!"),
  "two equal Content-Lengths": request("POST / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 5", "hello"),
  "Content-Length +5": request("POST / HTTP/1.1\nHost: a\nContent-Length: +5", "hello"),
  "Content-Length 5, 5": request("POST / HTTP/1.1\nHost: a\nContent-Length: 5, 5", "hello"),
  "Content-Length 0x5": request("POST / HTTP/1.1\nHost: a\nContent-Length: 0x5", "hello"),
  "Content-Length -1": request("POST / HTTP/1.1\nHost: a\nContent-Length: -1", "hello"),
  "Transfer-Encoding xchunked": request("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: xchunked", "0\r\n\r\n"),
  "Transfer-Encoding chunked, identity": request(
    "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked, identity",
    "0\r\n\r\n",
  ),
  "Transfer-Encoding gzip, chunked": request("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip, chunked", "0\r\n\r\n"),
  "two Transfer-Encodings": request(
    "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
    "0\r\n\r\n",
  ),
  "a space before the colon": request("POST / HTTP/1.1\nHost: a\nContent-Length : 5", "hello"),
  "a folded header": request("GET / HTTP/1.1\nHost: a\nX: b\n c"),
  "a bare LF": "GET / HTTP/1.1\nHost: a\n\n",
  "a chunk size too large": request("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked", "fffffffffffffffff\r\n"),
  "a chunk size with a sign": request("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked", "+1\r\na\r\n0\r\n\r\n"),
  "a NUL in a header": request("GET / HTTP/1.1\nHost: a\nX: a\0b"),
  "no HTTP at all": "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
  "two Authorization headers": request("GET / HTTP/1.1\nHost: a\nAuthorization: x\nAuthorization: y"),
};

for (const [what, bytes] of Object.entries(ambiguous)) {
  test(`attack 12, 13: ${what}: refused with a problem and closed, and what follows is not a request`, async () => {
    await using served = await serve();
    const smuggled = request("GET /smuggled HTTP/1.1\nHost: a\nConnection: close");
    const text = await raw(served.listener, bytes + smuggled);
    assert.equal(statuses(text)[0], 400, text);
    assert.match(text, /application\/problem\+json/);
    assert.match(text, /urn:mortise:error:request-malformed/);
    assert.match(text, /connection: close/i);
    assert.equal(served.seen.filter(({ path }) => path === "/smuggled").length, 0);
    await assertServes(served.listener);
  });
}

test("attack 16: 100 headers pass; one more, or 16 KB of them, is 431", async () => {
  await using served = await serve();
  const many = (count: number) =>
    request(
      `GET / HTTP/1.1\nHost: a\nConnection: close\n${Array.from({ length: count - 2 }, (_, i) => `X${i}: 1`).join("\n")}`,
    );
  assert.deepEqual(statuses(await raw(served.listener, many(99))), [200]);
  assert.deepEqual(statuses(await raw(served.listener, many(100))), [200]);
  assert.deepEqual(statuses(await raw(served.listener, many(101))), [431]);
  assert.deepEqual(statuses(await raw(served.listener, many(1500))), [431]);
  const long = await raw(served.listener, request(`GET / HTTP/1.1\nHost: a\nX: ${"a".repeat(20_000)}`));
  assert.deepEqual(statuses(long), [431]);
  assert.match(long, /urn:mortise:error:headers-too-large/);
  assert.deepEqual(
    statuses(await raw(served.listener, request(`GET /${"a".repeat(65_536)} HTTP/1.1\nHost: a`))),
    [431],
  );
  await assertServes(served.listener);
});

test("OW-4 attack 14: a body of the limit passes; one byte over is 413, declared or not", async () => {
  await using served = await serve();
  const head = "POST / HTTP/1.1\nHost: a\nConnection: close";
  const declared = (size: number) => request(`${head}\nContent-Length: ${size}`, "a".repeat(size));
  const chunked = (size: number) =>
    request(`${head}\nTransfer-Encoding: chunked`, `${size.toString(16)}\r\n${"a".repeat(size)}\r\n0\r\n\r\n`);
  for (const body of [declared, chunked]) {
    assert.deepEqual(statuses(await raw(served.listener, body(1023))), [200]);
    assert.deepEqual(statuses(await raw(served.listener, body(1024))), [200]);
    const over = await raw(served.listener, body(1025));
    assert.deepEqual(statuses(over), [413]);
    assert.match(over, /urn:mortise:error:body-too-large/);
  }
  const lying = await raw(served.listener, request(`${head}\nContent-Length: 10000000000`, "a"));
  assert.deepEqual(statuses(lying), [413]);
  await assertServes(served.listener);
});

test("a handler that does not want the body leaves it unread", async () => {
  await using served = await serve(async () => ({ status: 401, headers: {} }));
  const socket = connect(served.listener.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(request("POST / HTTP/1.1\nHost: a\nContent-Length: 100000000"));
  const text = await untilClosed(socket);
  assert.deepEqual(statuses(text), [401]);
  assert.match(text, /connection: close/i);
});

test("Expect: 100-continue is answered when the body is wanted, and not before", async () => {
  await using served = await serve(async (asked) =>
    asked.path === "/no" ? { status: 401, headers: {} } : echo(asked),
  );
  const head = "HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 2\nConnection: close";
  assert.deepEqual(statuses(await raw(served.listener, request(`POST /yes ${head}`, "ab"))), [100, 200]);
  assert.deepEqual(statuses(await raw(served.listener, request(`POST /no ${head}`))), [401]);
  const odd = request("POST / HTTP/1.1\nHost: a\nExpect: tea\nContent-Length: 2", "ab");
  assert.deepEqual(statuses(await raw(served.listener, odd)), [400]);
});

test("attack 15: slow headers, a slow body and an idle connection end by their deadlines; others are served meanwhile", async () => {
  await using served = await serve(echo, { headersTimeoutMs: 150, bodyTimeoutMs: 300, keepAliveMs: 100 });
  const slowHead = raw(served.listener, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
  const slowBody = raw(served.listener, request("POST / HTTP/1.1\nHost: a\nContent-Length: 10", "a"));
  const idle = raw(served.listener, request("GET / HTTP/1.1\nHost: a"));
  await assertServes(served.listener);
  const head = await slowHead;
  assert.deepEqual(statuses(head), [408]);
  assert.match(head, /urn:mortise:error:request-timeout/);
  assert.deepEqual(statuses(await slowBody), [408]);
  assert.deepEqual(statuses(await idle), [200]);
});

test("attack 15: a client that does not read its answer is cut off", async () => {
  const large = new Uint8Array(32 * 1024 * 1024);
  const ended = Promise.withResolvers<void>();
  await using served = await serve(async () => ({ status: 200, headers: {}, body: large }), { bodyTimeoutMs: 200 });
  const socket = connect(served.listener.port, "127.0.0.1");
  socket.pause();
  socket.on("error", () => {});
  socket.on("close", () => ended.resolve());
  socket.write(request("GET / HTTP/1.1\nHost: a"));
  while (served.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
  while (served.listener.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  socket.resume();
  await ended.promise;
  assert.ok(socket.bytesRead < large.length);
});

test("connections of one address are limited", async () => {
  await using served = await serve(echo, { maxConnectionsPerAddress: 2 });
  const open = [0, 1].map(() => connect(served.listener.port, "127.0.0.1"));
  await Promise.all(open.map((socket) => once(socket, "connect")));
  assert.equal(await raw(served.listener, request("GET / HTTP/1.1\nHost: a")), "");
  for (const socket of open) socket.destroy();
  await Promise.all(open.map((socket) => once(socket, "close")));
  for (let status = 0; status !== 200; )
    status = await fetch(served.listener.url).then(
      (a) => a.status,
      () => 0,
    );
});

test("connections in all are limited", async () => {
  const most = 3;
  await using served = await serve(echo, { maxConnections: most, maxConnectionsPerAddress: 100 });
  const open = Array.from({ length: most - 1 }, () => connect(served.listener.port, "127.0.0.1"));
  await Promise.all(open.map((socket) => once(socket, "connect")));
  const one = request("GET / HTTP/1.1\nHost: a\nConnection: close");
  assert.deepEqual(statuses(await raw(served.listener, one)), [200], "the last one that is let in");
  open.push(connect(served.listener.port, "127.0.0.1"));
  await once(open.at(-1) as Socket, "connect");
  assert.equal(await raw(served.listener, one), "", "one more is closed");
  for (const socket of open) socket.destroy();
});

test("PD-1 PD-2 PD-4: what a handler throws is a problem without its words, and is told to the owner", async () => {
  const told: unknown[] = [];
  const handler: HttpHandler = () => Promise.reject(new Error("secret place"));
  await using served = await serve(handler, { onError: (error) => told.push(error) });
  const answer = await fetch(served.listener.url);
  const text = await answer.text();
  assert.equal(answer.status, 500);
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  assert.ok(!text.includes("secret place"));
  const problem = JSON.parse(text) as Record<string, unknown>;
  assert.match(String(problem.type), /^urn:mortise:error:/);
  assert.equal(problem.status, 500);
  assert.equal(typeof problem.title, "string");
  assert.equal(problem.instance, `urn:mortise:request:${answer.headers.get("x-request-id")}`);
  assert.equal((told[0] as Error).message, "secret place");
});

test("closing lets what is in flight end with Connection: close, and refuses what is new", async () => {
  const gate = Promise.withResolvers<void>();
  const served = await serve(async (asked) => {
    await gate.promise;
    return echo(asked);
  });
  const socket = connect(served.listener.port, "127.0.0.1");
  const answer = untilClosed(socket);
  socket.write(request("GET / HTTP/1.1\nHost: a"));
  while (served.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
  const closing = served.listener.close(60_000);
  await assert.rejects(once(connect(served.listener.port, "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
  gate.resolve();
  await closing;
  const text = await answer;
  assert.deepEqual(statuses(text), [200]);
  assert.match(text, /connection: close/i);
});

test("closing does not wait longer than its grace", async () => {
  const served = await serve(() => new Promise(() => {}));
  const lost = raw(served.listener, request("GET / HTTP/1.1\nHost: a"));
  while (served.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
  await served.listener.close(20);
  assert.equal(await lost, "");
});

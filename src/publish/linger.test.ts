import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { HttpHandler } from "./http.ts";
import { lingering } from "./linger.ts";
import { type Listener, type ListenerOptions, listen } from "./listener.ts";
import { passedBody } from "./streams/body.ts";

const fixtures = new URL("../outbound/fixtures/", import.meta.url).pathname;
const tls = {
  read: () => ({
    cert: readFileSync(`${fixtures}good.pem`, "utf8"),
    key: readFileSync(`${fixtures}server.key`, "utf8"),
  }),
  asksClients: false,
  onFailure: () => {},
};
const limit = 1024;
const mebibyte = 1_048_576;

/** `/read` reads the body, `/pass` reads it as it comes, `/late` waits for `go` before it reads, `/stream` answers at once with a stream, `/refuse` reads nothing. */
function handler(go: Promise<void> = Promise.resolve()): HttpHandler {
  return async (request) => {
    if (request.path === "/refuse") return { status: 403, headers: {}, body: "no" };
    if (request.path === "/stream") return { status: 200, headers: {}, stream: Readable.from(["a", "b"]) };
    if (request.path === "/late") await go;
    if (request.path === "/pass") for await (const _ of passedBody(request, limit).stream);
    else await request.body(limit);
    return { status: 200, headers: {}, body: "read" };
  };
}

interface Served extends AsyncDisposable {
  readonly listener: Listener;
  readonly open: () => Socket;
}
async function serve(options: Partial<ListenerOptions> = {}, go?: Promise<void>): Promise<Served> {
  const listener = await listen(handler(go), { port: 0, ...options });
  const open = () => {
    const { port } = listener;
    const socket =
      options.tls === undefined
        ? connect({ port, host: "127.0.0.1", allowHalfOpen: true })
        : connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, allowHalfOpen: true } as ConnectionOptions);
    socket.on("error", () => {});
    return socket;
  };
  return { listener, open, [Symbol.asyncDispose]: () => listener.close(0) };
}

const head = (method: string, path: string, ...headers: readonly string[]) =>
  `${[`${method} ${path} HTTP/1.1`, "Host: a", ...headers].join("\r\n")}\r\n\r\n`;
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));

/** Everything that came until the connection is gone. */
async function rest(socket: Socket): Promise<string> {
  let all = "";
  socket.on("data", (chunk: Buffer) => {
    all += chunk.toString("latin1");
  });
  socket.once("end", () => socket.end());
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  return all;
}

/** Writes pieces one after the other, each when the one before was taken, and does not look at what comes. Whether all of them could be written. */
async function writeOn(socket: Socket, piece: Buffer, times: number): Promise<boolean> {
  for (let at = 0; at < times; at += 1) {
    const written = await new Promise<boolean>((resolve) => socket.write(piece, (error) => resolve(!error)));
    if (!written) return false;
  }
  return true;
}

const plain = Buffer.alloc(65_536, 97);
const chunk = Buffer.concat([Buffer.from("10000\r\n"), plain, Buffer.from("\r\n")]);
const large = `Content-Length: ${16 * mebibyte}`;
const bodies: Readonly<Record<string, readonly [path: string, header: string, piece: Buffer, status: number]>> = {
  "chunks over the limit": ["/read", "Transfer-Encoding: chunked", chunk, 413],
  "a declared body over the limit": ["/read", large, plain, 413],
  "chunks over the limit of what passes": ["/pass", "Transfer-Encoding: chunked", chunk, 413],
  "a declared body over the limit of what passes": ["/pass", large, plain, 413],
  "a body that nobody wants": ["/refuse", large, plain, 403],
  "chunks that nobody wants": ["/refuse", "Transfer-Encoding: chunked", chunk, 403],
  "chunks that end in rubbish": ["/refuse", "Transfer-Encoding: chunked", Buffer.concat([chunk, plain]), 403],
  "a body that is answered with a stream before it is here": ["/stream", large, plain, 200],
};

for (const [what, [path, header, piece, status]] of Object.entries(bodies))
  for (const secure of [false, true])
    test(`${what}${secure ? ", over TLS" : ""}: whoever writes to its end before it reads gets the answer`, async () => {
      await using served = await serve(secure ? { tls } : {});
      const socket = served.open();
      socket.write(head("POST", path, header));
      assert.ok(await writeOn(socket, piece, 128), "all of it could be written");
      const text = await rest(socket);
      assert.deepEqual(statuses(text), [status]);
      assert.match(text, /connection: close/i);
    });

const closed = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve));

test("what is read away for the sake of an answer has an end: by amount, and by time", async () => {
  for (const [wholeMs, most, piece] of [
    [60_000, 1024 * mebibyte, Buffer.alloc(mebibyte)],
    [600, 1000, Buffer.from("a")],
  ] as const) {
    await using served = await serve({ bodyTimeoutMs: wholeMs });
    const socket = served.open();
    socket.resume();
    socket.write(head("POST", "/refuse", `Content-Length: ${1024 * mebibyte}`));
    const gone = closed(socket);
    while (!socket.destroyed && socket.bytesWritten < most) {
      const written = Promise.withResolvers<void>();
      socket.write(piece, () => written.resolve());
      await Promise.race([gone, written.promise]);
      if (piece.length === 1) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await gone;
    assert.ok(socket.bytesWritten < most, `${socket.bytesWritten} bytes`);
  }
});

test("a client that got its answer, is silent and keeps its side open is not waited for", async () => {
  await using served = await serve();
  const socket = served.open();
  socket.write(head("POST", "/refuse", large));
  socket.resume();
  await once(socket, "end");
  const start = performance.now();
  // Closed on both sides is seen by the refused write alone.
  while (!socket.destroyed) {
    await new Promise((resolve) => setTimeout(resolve, lingering.silenceMs + 200));
    socket.write("a");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(performance.now() - start < 5000);
});

const short = "Content-Length: 10";
for (const [what, path, header, body] of [
  ["a declared body", "/read", short, "abc"],
  ["chunks", "/read", "Transfer-Encoding: chunked", "5\r\nab"],
  ["a declared body that passes", "/pass", short, "abc"],
  ["chunks that pass", "/pass", "Transfer-Encoding: chunked", "5\r\nab"],
  ["no byte of the body", "/read", short, ""],
] as const)
  for (const secure of [false, true])
    test(`${what}${secure ? ", over TLS" : ""}: a client that ends its side before the body is whole is told so; one that stalls, too`, async () => {
      await using served = await serve(secure ? { tls } : {});
      const socket = served.open();
      socket.end(head("POST", path, header) + body);
      const text = await rest(socket);
      assert.deepEqual(statuses(text), [400], text);
      assert.match(text, /application\/problem\+json/);
      assert.match(text, /the connection ended before the request did/);
      assert.match(text, /connection: close/i);
      // A handshake has as much time.
      await using hasty = await serve(secure ? { bodyTimeoutMs: 1500, tls } : { bodyTimeoutMs: 300 });
      const stalled = hasty.open();
      stalled.write(head("POST", path, header) + body);
      const late = await rest(stalled);
      assert.deepEqual(statuses(late), [408], late);
      assert.match(late, /urn:mortise:error:request-timeout/);
    });

test("a body that ends too early while its handler is busy with something else, and behind another request, is refused in its turn", async () => {
  const go = Promise.withResolvers<void>();
  await using served = await serve({}, go.promise);
  const socket = served.open();
  const all = rest(socket);
  socket.end(`${head("POST", "/late", "Content-Length: 2")}ab${head("POST", "/read", short)}abc`);
  const alone = served.open();
  const other = rest(alone);
  alone.end(`${head("POST", "/late", short)}abc`);
  while (served.listener.inFlight < 3) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  go.resolve();
  assert.deepEqual(statuses(await all), [200, 400]);
  assert.deepEqual(statuses(await other), [400]);
});

for (const path of ["/read", "/late", "/refuse", "/stream"])
  test(`${path}: what comes behind a body that is longer than declared is refused, and the answer to the request is not lost`, async () => {
    const go = Promise.withResolvers<void>();
    await using served = await serve({}, go.promise);
    const socket = served.open();
    const text = rest(socket);
    socket.write(`${head("POST", path, "Content-Length: 3")}abc{"rest": true}`);
    setImmediate(() => go.resolve());
    const all = await text;
    assert.deepEqual(statuses(all), [path === "/refuse" ? 403 : 200, 400], all);
    assert.match(all, /urn:mortise:error:request-malformed/);
    // The same for two requests that are being answered.
    const two = served.open();
    const both = rest(two);
    two.write(`${head("GET", path)}${head("POST", path, "Content-Length: 3")}abc\0`);
    const status = path === "/refuse" ? 403 : 200;
    assert.deepEqual(statuses(await both), [status, status, 400]);
  });

test("requests behind a refusal that ends the connection are not even parsed, so that they can't pile up", async () => {
  let made = 0;
  const count = () => {
    made += 1;
  };
  subscribe("http.server.request.start", count);
  try {
    for (const [first, answers] of [
      ["GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [400]],
      [`${head("GET", "/refuse")}\0`, [403, 400]],
    ] as const) {
      await using served = await serve();
      const socket = served.open();
      socket.write(first);
      const piece = Buffer.from(head("GET", "/refuse").repeat(1000));
      made = 0;
      assert.ok(await writeOn(socket, piece, 300));
      assert.deepEqual(statuses(await rest(socket)), answers);
      assert.ok(made < 20_000, `${made} of 300000 were made`);
    }
  } finally {
    unsubscribe("http.server.request.start", count);
  }
});

test("what comes behind a request that said it is the last one is nobody's, and its answer is not lost", async () => {
  const go = Promise.withResolvers<void>();
  await using served = await serve({}, go.promise);
  const socket = served.open();
  const text = rest(socket);
  socket.write(`${head("POST", "/late", "Content-Length: 3", "Connection: close")}abcdefg`);
  while (served.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
  socket.write(plain);
  setImmediate(() => go.resolve());
  assert.deepEqual(statuses(await text), [200]);
});

test("rubbish behind a request whose answer never comes does not hold the connection", async () => {
  await using served = await serve({ bodyTimeoutMs: 200 }, new Promise(() => {}));
  const socket = served.open();
  const text = rest(socket);
  socket.write(`${head("GET", "/late")}\0`);
  assert.equal(await text, "");
});

test("a client that ends its side after a whole request still gets its answer", async () => {
  for (const options of [{}, { tls }]) {
    const go = Promise.withResolvers<void>();
    await using served = await serve(options, go.promise);
    const socket = served.open();
    const text = rest(socket);
    socket.end(`${head("POST", "/late", "Content-Length: 3")}abc`);
    while (served.listener.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    setImmediate(() => go.resolve());
    assert.deepEqual(statuses(await text), [200]);
  }
});

test("a client that ended its side is not waited for without end: its connection makes room while its request is still worked on", async () => {
  for (const options of [{}, { tls }]) {
    await using served = await serve(options, new Promise(() => {}));
    const socket = served.open();
    const text = rest(socket);
    socket.end(head("GET", "/late"));
    assert.equal(await text, "");
    while (served.listener.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  }
});

test("a client that ends its side ends a stream of events, which would have no end", async () => {
  const ended = Promise.withResolvers<void>();
  const listener = await listen(
    async () => {
      const stream = new Readable({ read() {} });
      stream.push("data: 1\n\n");
      stream.once("close", () => ended.resolve());
      return { status: 200, headers: { "content-type": "text/event-stream" }, stream };
    },
    { port: 0 },
  );
  const socket = connect({ port: listener.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(head("GET", "/"));
  await once(socket, "data");
  socket.end();
  await ended.promise;
  assert.equal(listener.inFlight, 0);
  await listener.close(0);
});

for (const target of ["/a#b", "/a?x=1#b", "/a?<x>", '/a?"x"', "/a?\u00e4", "/#", "*", "a", "/a?x=\u007f"])
  test(`a target that is none is refused: ${JSON.stringify(target)}`, async () => {
    await using served = await serve();
    const socket = served.open();
    const text = rest(socket);
    socket.write(Buffer.from(head("GET", target), "latin1"));
    const all = await text;
    assert.deepEqual(statuses(all), [400], all);
    assert.match(all, /urn:mortise:error:request-malformed/);
  });

test("what URL parsers leave as it is in a query is taken", async () => {
  await using served = await serve();
  const query = new URL("http://a/?a[b]={c}|^`\\~!$&'()*+,;=:@/?%20").search;
  assert.ok(query.includes("[b]={c}|^`\\~"));
  const socket = served.open();
  const text = rest(socket);
  socket.end(head("GET", `/read${query}`));
  assert.deepEqual(statuses(await text), [200]);
});

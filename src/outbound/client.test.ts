import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import { createOutbound, type OutboundOptions } from "./client.ts";
import type { OutboundRequest } from "./outbound.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function http(t: TestContext, handler: Handler): Promise<string> {
  return `http://127.0.0.1:${await listening(t, createServer(handler))}`;
}

/** A server that answers with exactly these bytes, whatever is asked. */
async function raw(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const server = createTcpServer((socket) => socket.once("data", () => answer(socket)));
  return `http://127.0.0.1:${await listening(t, server)}`;
}

function client(t: TestContext, options?: OutboundOptions) {
  const outbound = createOutbound(options);
  t.after(() => outbound.close());
  return (url: string, more: Partial<OutboundRequest> = {}) =>
    outbound.request({ method: "GET", url, deadline: Date.now() + 5_000, internal: true, ...more });
}

function error(code: string, outcome: string, kind?: string) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof MortiseError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    assert.equal(thrown.outcome, outcome);
    if (kind !== undefined) assert.equal(thrown.class, kind);
    return true;
  };
}

test("sends method, headers and body, and gives back status, headers and body", async (t) => {
  const base = await http(t, (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      response.setHeader("x-two", ["a", "b"]);
      response.writeHead(201).end(JSON.stringify([request.method, request.url, request.headers["x-one"], body]));
    });
  });
  const send = client(t);
  for (let i = 0; i < 2; i += 1) {
    const answer = await send(`${base}/orders?a=1#part`, { method: "POST", headers: { "x-one": "1" }, body: "häns" });
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["x-two"], "a, b");
    assert.deepEqual(JSON.parse(Buffer.from(answer.body).toString()), ["POST", "/orders?a=1", "1", "häns"]);
  }
  assert.equal((await send(base)).status, 201);
});

test("keeps connections between requests", async (t) => {
  const ports = new Set<number | undefined>();
  const base = await http(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end();
  });
  const send = client(t);
  for (let i = 0; i < 20; i += 1) await send(`${base}/`);
  // Two at most: right after an answer, undici looks once more whether the socket is still good.
  assert.ok(ports.size <= 2, String(ports.size));
});

test("any status is an answer, and a redirect is not followed by itself", async (t) => {
  const base = await http(t, (request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { location: "/200" }).end();
  });
  const send = client(t);
  for (const status of [204, 302, 404, 500]) assert.equal((await send(`${base}/${status}`)).status, status);
});

test("nothing sent: refused connection and unknown name are retry, outcome none", async (t) => {
  const server = createTcpServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)),
  );
  await new Promise((resolve) => server.close(resolve));
  const send = client(t, { resolve: (_name, done) => done(null, []) });
  await assert.rejects(send(`http://127.0.0.1:${port}/`), error("outbound-connect", "none", "retry"));
  await assert.rejects(send("http://nowhere.example/"), error("outbound-connect", "none", "retry"));
});

test("a connection that does not come about is given up before the deadline", async (t) => {
  const send = client(t, { connectTimeoutMs: 50, resolve: () => {} });
  const start = performance.now();
  await assert.rejects(
    send("http://silent.example/", { deadline: Date.now() + 20_000 }),
    error("outbound-connect", "none"),
  );
  assert.ok(performance.now() - start < 5_000);
});

test("a reset after the request was sent has an unknown outcome", async (t) => {
  const send = client(t);
  const reset = await raw(t, (socket) => socket.resetAndDestroy());
  await assert.rejects(send(`${reset}/`, { method: "POST", body: "x" }), error("outbound-reset", "unknown", "retry"));
  const half = await raw(t, (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfive!"));
  await assert.rejects(send(`${half}/`), error("outbound-reset", "unknown"));
});

test("attack 34: an answer that is no HTTP, and a flood of interim answers, are unknown", async (t) => {
  const send = client(t);
  const noise = await raw(t, (socket) => socket.end("220 smtp ready\r\n\r\n"));
  await assert.rejects(send(`${noise}/`), error("outbound-answer", "unknown"));
  const flood = await raw(t, (socket) => socket.write("HTTP/1.1 102 Processing\r\n\r\n".repeat(50)));
  await assert.rejects(send(`${flood}/`), error("outbound-answer", "unknown"));
  const long = await raw(t, (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(40_000)}\r\n\r\n`));
  await assert.rejects(send(`${long}/`), error("outbound-answer", "unknown"));
});

test("attack 34: bytes after an answer never become the next answer", async (t) => {
  const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  const base = await raw(t, (socket) => socket.write(`${answer}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nstale`));
  const send = client(t);
  for (let i = 0; i < 3; i += 1) assert.equal(Buffer.from((await send(`${base}/`)).body).toString(), "ok");
});

test("the total deadline cuts a silent system and a slow drip", async (t) => {
  const send = client(t);
  const silent = await http(t, () => {});
  await assert.rejects(
    send(`${silent}/`, { deadline: Date.now() + 60 }),
    error("outbound-timeout", "unknown", "retry"),
  );
  const drip = await http(t, (_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  });
  const start = performance.now();
  await assert.rejects(send(`${drip}/`, { deadline: Date.now() + 200 }), error("outbound-timeout", "unknown"));
  assert.ok(performance.now() - start < 2_000);
  await assert.rejects(send(`${drip}/`, { deadline: Date.now() - 1 }), error("outbound-timeout", "none"));
});

test("waiting for a connection at the deadline: never sent, outcome none, and nothing is sent later", async (t) => {
  let count = 0;
  const held: ServerResponse[] = [];
  const base = await http(t, (_request, response) => {
    count += 1;
    held.push(response);
  });
  const send = client(t, { connectionsPerOrigin: 1 });
  const first = send(`${base}/`);
  const second = send(`${base}/`, { deadline: Date.now() + 150 });
  await assert.rejects(second, error("outbound-timeout", "none"));
  for (const response of held) response.end("done");
  assert.equal((await first).status, 200);
  const third = send(`${base}/`);
  while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
  held[1]?.end();
  await third;
  assert.equal(count, 2);
});

test("the caller's signal calls a request off, before and after it was sent", async (t) => {
  const send = client(t);
  const arrived = Promise.withResolvers<void>();
  const base = await http(t, () => arrived.resolve());
  await assert.rejects(send(`${base}/`, { signal: AbortSignal.abort() }), error("outbound-aborted", "none"));
  const controller = new AbortController();
  const pending = send(`${base}/`, { signal: controller.signal });
  await arrived.promise;
  controller.abort();
  await assert.rejects(pending, error("outbound-aborted", "unknown"));
});

test("an answer over the limit is refused while it streams, whether announced or not", async (t) => {
  const send = client(t);
  const base = await http(t, (request, response) => {
    if (request.url === "/announced") response.setHeader("content-length", 101);
    else if (request.url === "/exact") response.setHeader("content-length", 100);
    response.write("x".repeat(100));
    response.end(request.url === "/exact" ? "" : "y");
  });
  const limit = { maxResponseBytes: 100 };
  assert.equal((await send(`${base}/exact`, limit)).body.length, 100);
  await assert.rejects(send(`${base}/announced`, limit), error("outbound-too-large", "unknown", "ask"));
  await assert.rejects(send(`${base}/chunked`, limit), error("outbound-too-large", "unknown", "ask"));
  assert.equal((await send(`${base}/exact`, limit)).body.length, 100);
});

test("gzip is understood within 100:1, other encodings are not", async (t) => {
  const plain = JSON.stringify(Array.from({ length: 2_000 }, (_, i) => i));
  const bodies: Record<string, [string, Buffer]> = {
    "/good": ["gzip", gzipSync(plain)],
    "/bomb": ["gzip", gzipSync(Buffer.alloc(4 * 1024 * 1024))],
    "/twice": ["gzip, gzip", gzipSync(gzipSync(plain))],
    "/brotli": ["br", Buffer.from("xxxx")],
    "/broken": ["gzip", Buffer.from("no gzip at all")],
  };
  let asked: string | undefined;
  const base = await http(t, (request, response) => {
    asked = request.headers["accept-encoding"];
    const [encoding, body] = bodies[request.url ?? ""] ?? ["identity", Buffer.alloc(0)];
    response.writeHead(200, { "content-encoding": encoding }).end(body);
  });
  const send = client(t);
  assert.equal(Buffer.from((await send(`${base}/good`)).body).toString(), plain);
  assert.equal(asked, "identity");
  await assert.rejects(send(`${base}/bomb`), error("outbound-too-large", "unknown"));
  await assert.rejects(
    send(`${base}/good`, { maxResponseBytes: plain.length - 1 }),
    error("outbound-too-large", "unknown"),
  );
  await assert.rejects(send(`${base}/twice`), error("outbound-encoding", "unknown"));
  await assert.rejects(send(`${base}/brotli`), error("outbound-encoding", "unknown"));
  await assert.rejects(send(`${base}/broken`), error("outbound-answer", "unknown"));
});

test("what an answer without a body says of its packing and its length counts for nothing", async (t) => {
  const packed = "content-encoding: br\r\ncontent-length: 99999999\r\n\r\n";
  const send = client(t);
  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ] as const) {
    const base = await raw(t, (socket) => socket.end(`HTTP/1.1 ${status} x\r\n${packed}`));
    const { body, ...answer } = await send(`${base}/`, { method });
    assert.deepEqual([answer.status, body.length], [status, 0], `${method} ${status}`);
  }
});

test("attack 30: redirects: counted, checked at every hop, credentials stay at their origin", async (t) => {
  const seen: unknown[] = [];
  const other = await http(t, (request, response) => {
    seen.push(request.headers.authorization, request.headers["x-api-key"], request.headers.accept);
    response.end("there");
  });
  const base = await http(t, (request, response) => {
    const to: Record<string, string> = {
      "/same": "/end",
      "/other": `${other}/`,
      "/loop": "/loop",
      "/metadata": "http://169.254.169.254/latest",
      "/file": "file:///etc/passwd",
      "/inner": `${other.replace("127.0.0.1", "localhost")}/`,
    };
    const location = to[request.url ?? ""];
    if (location === undefined) response.end(String(request.headers.authorization));
    else response.writeHead(302, { location }).end();
  });
  const send = client(t);
  const headers = { authorization: "Bearer x", "x-api-key": "y", accept: "text/plain" };
  const more = { redirects: 3, headers };
  assert.equal(Buffer.from((await send(`${base}/same`, more)).body).toString(), "Bearer x");
  assert.equal(Buffer.from((await send(`${base}/other`, more)).body).toString(), "there");
  assert.deepEqual(seen, [undefined, undefined, "text/plain"]);
  await assert.rejects(send(`${base}/inner`, more), error("outbound-address", "none"), "another host is not internal");
  assert.equal(seen.length, 3);
  await assert.rejects(send(`${base}/loop`, more), error("outbound-redirect", "none"));
  await assert.rejects(send(`${base}/metadata`, more), error("outbound-redirect", "none"));
  await assert.rejects(send(`${base}/file`, more), error("outbound-request", "none"));
  assert.equal((await send(`${base}/same`, { ...more, method: "POST" })).status, 302);
});

test("OW-7 SW-7 attacks 29 and 31: inner addresses are refused at connect: written in any way, resolved, rebound, or behind a redirect", async (t) => {
  let hits = 0;
  const port = await listening(
    t,
    createServer((_request, response) => {
      hits += 1;
      response.end();
    }),
  );
  const answers: Record<string, string[]> = {
    "inner.example": ["127.0.0.1"],
    "mixed.example": ["8.8.8.8", "::1"],
    "localhost.": ["127.0.0.1"],
  };
  const send = client(t, {
    resolve: (name, done) =>
      done(
        null,
        (answers[name] ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      ),
  });
  for (const host of [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "①②⑦.0.0.1",
    "[::ffff:127.0.0.1]",
    "[::1]",
    "[::]",
    "0",
    "0.0.0.0",
    "localhost.",
    "inner.example",
    "mixed.example",
  ])
    await assert.rejects(send(`http://${host}:${port}/`, { internal: false }), error("outbound-address", "none"), host);
  assert.equal(hits, 0);
  assert.equal((await send(`http://inner.example:${port}/`)).status, 200, "with internal it is called");
  await assert.rejects(send(`http://inner.example:${port}/`, { internal: false }), error("outbound-address", "none"));
  assert.equal(hits, 1);
});

test("attack 31: the checked address is the used one: a second resolution can't move it", async (t) => {
  let asked = 0;
  const send = client(t, {
    connectTimeoutMs: 50,
    resolve: (_name, done) => {
      asked += 1;
      done(null, [{ address: asked === 1 ? "127.0.0.1" : "8.8.8.8", family: 4 }]);
    },
  });
  await assert.rejects(send("http://rebind.example:9/", { internal: false }), error("outbound-address", "none"));
  assert.equal(asked, 1);
});

test("attacks 29 and 32: what can't be a proper request is refused before anything is sent", async (t) => {
  let hits = 0;
  const base = await http(t, (_request, response) => {
    hits += 1;
    response.end();
  });
  const send = client(t);
  const refused = error("outbound-request", "none", "give-up");
  await assert.rejects(send(`${base}/`, { headers: { "x-a": "1\r\nx-b: 2" } }), refused);
  await assert.rejects(send(`${base}/`, { headers: { "x a": "1" } }), refused);
  await assert.rejects(send(`${base}/`, { headers: { Host: "elsewhere" } }), refused);
  await assert.rejects(send(`${base}/`, { method: "GET / HTTP/1.1\r\nx:" }), refused);
  await send(`${base}/ok?path=/../x`);
  for (const path of ["/orders/../admin", "/orders/%2E%2e/admin", "/orders/.."])
    await assert.rejects(send(base + path), refused, path);
  await assert.rejects(send(`${base}/a b\r\nx: y`), refused);
  for (const url of ["file:///etc/passwd", "gopher://x/", "no url", "http://", "http://user:pw@127.0.0.1/", "unix:/x"])
    await assert.rejects(send(url), refused, url);
  assert.equal(hits, 1);
});

test("MT-5 attack 33: TLS is always verified: authority, name and time; no variable turns it off", async (t) => {
  const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  t.after(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  const file = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
  const ca = [file("ca.pem")];
  const resolve: OutboundOptions["resolve"] = (_name, done) => done(null, [{ address: "127.0.0.1", family: 4 }]);
  const url = async (certificate: string) => {
    const server = createTlsServer({ key: file("server.key"), cert: file(certificate) }, (_request, response) =>
      response.end("secret"),
    );
    server.on("tlsClientError", () => {});
    return `https://localhost:${await listening(t, server)}/`;
  };
  const good = await url("good.pem");
  assert.equal((await client(t, { ca, resolve })(good)).status, 200);
  await assert.rejects(client(t, { resolve })(good), error("outbound-tls", "none", "retry"));
  await assert.rejects(client(t, { ca, resolve })(await url("wrong.pem")), error("outbound-tls", "none"));
  await assert.rejects(client(t, { ca, resolve })(await url("expired.pem")), error("outbound-tls", "none"));
  const plain = await http(t, (_request, response) => response.end());
  await assert.rejects(client(t)(plain.replace("http:", "https:")), error("outbound-tls", "none"));
});

test("a redirect from https to http is refused", async (t) => {
  const file = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8");
  const plain = await http(t, (_request, response) => response.end());
  const server = createTlsServer({ key: file("server.key"), cert: file("good.pem") }, (_request, response) =>
    response.writeHead(301, { location: plain }).end(),
  );
  const port = await listening(t, server);
  const send = client(t, {
    ca: [file("ca.pem")],
    resolve: (_name, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
  });
  await assert.rejects(send(`https://localhost:${port}/`, { redirects: 3 }), error("outbound-redirect", "none"));
});

test("facts of a request are published only where someone listens, and hold no path", async (t) => {
  const facts: unknown[] = [];
  const listener = (fact: unknown) => facts.push(fact);
  const base = await http(t, (_request, response) => response.end("four"));
  const send = client(t);
  await send(`${base}/secret`);
  subscribe("mortise:outbound:request", listener);
  t.after(() => unsubscribe("mortise:outbound:request", listener));
  await send(`${base}/secret`, { method: "POST", body: "abc" });
  assert.equal(facts.length, 1);
  const { ms, ...rest } = facts[0] as { ms: number };
  assert.ok(ms > 0);
  const host = base.slice("http://".length);
  assert.deepEqual(rest, { host, method: "POST", status: 200, sentBytes: 3, receivedBytes: 4, code: undefined });
});

test("after close nothing is sent", async () => {
  const outbound = createOutbound();
  await outbound.close();
  await assert.rejects(
    outbound.request({ method: "GET", url: "http://127.0.0.1:9/", deadline: Date.now() + 1_000, internal: true }),
    error("outbound-closed", "none", "retry"),
  );
});

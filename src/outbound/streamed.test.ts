import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { failure, MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import { createOutbound } from "./client.ts";
import type { OutboundStreamRequest } from "./outbound.ts";

const block = Buffer.alloc(65_536, "rope ");

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** Bytes of buffers that something holds: what waits for the collector does not count, and how lazy it is differs. */
const heldBytes = (): number => {
  collect();
  return process.memoryUsage().arrayBuffers;
};

async function listening(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const http = (t: TestContext, handler: (request: IncomingMessage, response: ServerResponse) => void) =>
  listening(t, createServer(handler));

function client(t: TestContext) {
  const outbound = createOutbound();
  t.after(() => outbound.close());
  return (url: string, more: Partial<OutboundStreamRequest> = {}) =>
    outbound.stream({
      method: more.body === undefined ? "GET" : "POST",
      url,
      deadline: Date.now() + 10_000,
      internal: true,
      maxResponseBytes: 1 << 30,
      headWithinMs: 5000,
      idleMs: 5000,
      ...more,
    });
}

const error = (code: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof MortiseError, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  return true;
};

test("an answer of 100 MiB goes through at the reader's pace, in little memory", async (t) => {
  const blocks = 1600;
  let written = 0;
  const base = await http(t, (_, response) => {
    Readable.from(
      (function* () {
        for (; written < blocks; written++) yield block;
      })(),
    ).pipe(response);
  });
  const { status, body } = await client(t)(base);
  assert.equal(status, 200);
  // Nobody reads yet: the other side is held up.
  for (let last = -1; last !== written; await pause(50)) last = written;
  assert.ok(written < blocks / 4, `${written} of ${blocks} blocks were taken though nobody read`);
  let size = 0;
  let most = 0;
  let looked = 0;
  for await (const chunk of body) {
    size += (chunk as Buffer).length;
    if (size < looked + 8_388_608) continue;
    looked = size;
    most = Math.max(most, heldBytes());
    await turn();
  }
  assert.equal(size, blocks * block.length);
  assert.ok(most > 0 && most < 64 * 1_048_576, `${most} bytes of buffers`);
});

test("attack row 34: an answer that is cut off, too long, packed or silent fails, and never ends well", async (t) => {
  const raw = (answer: (socket: Socket) => void) =>
    listening(t, createTcpServer((socket) => socket.once("data", () => answer(socket))) as Server);
  const ask = client(t);
  const read = async (url: string, more: Partial<OutboundStreamRequest> = {}) => buffer((await ask(url, more)).body);
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\n";
  const short = await raw((socket) => socket.end(`${head}content-length: 10\r\n\r\n12345`));
  await assert.rejects(read(short), error("outbound-reset"));
  const unchunked = await raw((socket) => socket.end(`${head}transfer-encoding: chunked\r\n\r\n5\r\n12345\r\n`));
  await assert.rejects(read(unchunked), error("outbound-reset"));
  const long = await raw((socket) => socket.end(`${head}content-length: 101\r\n\r\n${"x".repeat(101)}`));
  await assert.rejects(read(long, { maxResponseBytes: 100 }), error("outbound-too-large"));
  const longer = await raw((socket) => socket.end(`${head}connection: close\r\n\r\n${"x".repeat(101)}`));
  await assert.rejects(read(longer, { maxResponseBytes: 100 }), error("outbound-too-large"));
  assert.equal((await read(longer, { maxResponseBytes: 101 })).length, 101);
  const packed = gzipSync("x");
  const zipped = await raw((socket) =>
    socket.end(
      Buffer.concat([Buffer.from(`${head}content-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`), packed]),
    ),
  );
  await assert.rejects(read(zipped), error("outbound-encoding"));
  const silent = await raw((socket) => socket.write(`${head}content-length: 10\r\n\r\n12345`));
  await assert.rejects(read(silent, { idleMs: 50 }), error("outbound-timeout"));
  await assert.rejects(read(silent, { deadline: Date.now() + 100 }), error("outbound-timeout"));
  const mute = await raw(() => {});
  await assert.rejects(read(mute, { headWithinMs: 50 }), error("outbound-timeout"));
  await assert.rejects(ask("http://127.0.0.1:9/x/../y"), error("outbound-request"));
});

test("a reader that is slow is no silence, and one that leaves ends the request", async (t) => {
  let closed: Promise<unknown> | undefined;
  const base = await http(t, (_, response) => {
    closed = once(response, "close");
    Readable.from(
      (function* () {
        for (let count = 0; count < 200; count++) yield block;
      })(),
    ).pipe(response);
  });
  const { body } = await client(t)(base, { idleMs: 400 });
  await pause(900);
  body.resume();
  await once(body, "end");
  const second = await client(t)(base);
  second.body.on("error", () => {});
  second.body.destroy();
  await closed;
});

test("a body is sent as it comes: with its length, or in chunks", async (t) => {
  const seen: unknown[] = [];
  const base = await http(t, (request, response) => {
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    void buffer(request).then((got) => {
      seen.push([length, coding, got.length]);
      response.end("ok");
    });
  });
  const send = async (more: Partial<OutboundStreamRequest>) => String(await buffer((await client(t)(base, more)).body));
  assert.equal(await send({ body: Readable.from([block, block]), length: 2 * block.length }), "ok");
  assert.equal(await send({ body: Readable.from([block, block]) }), "ok");
  assert.deepEqual(seen, [
    [String(2 * block.length), undefined, 2 * block.length],
    [undefined, "chunked", 2 * block.length],
  ]);
});

test("a body that fails on its way is a request that was cut off, never one that has ended", async (t) => {
  const ends: string[] = [];
  const base = await http(t, (request) => {
    request.on("end", () => ends.push("end")).on("close", () => ends.push(request.complete ? "complete" : "cut off"));
    request.on("error", () => {});
    request.resume();
  });
  for (const length of [undefined, 10 * block.length]) {
    const body = new PassThrough();
    body.on("error", () => {});
    const asked = client(t)(base, { body, ...(length === undefined ? {} : { length }) });
    const refused = assert.rejects(asked, error("body-too-large"));
    body.write(block);
    await pause(30);
    body.destroy(failure("body-too-large", { limit: 1 }));
    await refused;
  }
  for (let tries = 0; ends.length < 2 && tries < 100; tries++) await pause(10);
  assert.deepEqual(ends, ["cut off", "cut off"]);
});

test("an answer that comes before the body was sent is given, and the rest is not sent", async (t) => {
  const base = await http(t, (request, response) => {
    request.once("data", () => response.writeHead(413, { connection: "close" }).end("too much"));
  });
  const endless = new Readable({ read: () => void setImmediate(() => endless.push(block)) });
  endless.on("error", () => {});
  const { status, body } = await client(t)(base, { body: endless });
  assert.deepEqual([status, String(await buffer(body))], [413, "too much"]);
  if (!endless.destroyed) await once(endless, "close");
});

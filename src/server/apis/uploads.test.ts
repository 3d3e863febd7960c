import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { request as httpRequest } from "../../http.ts";
import { block, blocks, pdf, problem, serve, until } from "./test-passing.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** Bytes of buffers that something holds: what waits for the collector does not count, and how lazy it is differs. */
const heldBytes = (): number => {
  collect();
  return process.memoryUsage().arrayBuffers;
};

const bytes = { "content-type": "application/octet-stream" };

test("192 MiB are uploaded as they come, in little memory, with the client's own type and length", async () => {
  await using served = await serve();
  const count = 3072;
  let got: unknown;
  let most = 0;
  served.answer = (request, response) => {
    let size = 0;
    let looked = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size < looked + 8_388_608) return;
      looked = size;
      most = Math.max(most, heldBytes());
    });
    request.on("end", () => {
      got = [
        request.headers["content-type"],
        request.headers["content-length"],
        request.headers["transfer-encoding"],
        size,
      ];
      response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify({ bytes: size, inner: 1 }));
    });
  };
  for (const [blocksSent, sized] of [
    [count, true],
    [16, false],
  ] as const) {
    const whole = blocksSent * block.length;
    const length = sized ? whole : undefined;
    const sent = httpRequest(`${served.url}/files/7`, {
      method: "PUT",
      agent: false,
      headers: {
        ...bytes,
        authorization: `Bearer ${served.key}`,
        ...(length === undefined ? {} : { "content-length": length }),
      },
    });
    blocks(blocksSent).pipe(sent);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    assert.deepEqual([response.statusCode, JSON.parse(await text(response))], [200, { bytes: whole }]);
    assert.deepEqual(got, [
      bytes["content-type"],
      length === undefined ? undefined : String(length),
      length === undefined ? "chunked" : undefined,
      whole,
    ]);
  }
  assert.ok(most > 0 && most < 128 * 1_048_576, `${most} bytes of buffers`);
  await until(() => served.taken() === 0);
});

test("attack row 14: an upload that is too large is refused by its declared length at once, and while it comes; the system never sees its end", async () => {
  await using served = await serve();
  served.answer = (request, response) => {
    request
      .resume()
      .on("end", () => response.writeHead(201, { "content-type": "application/json" }).end('{"bytes":1}'));
  };
  const csv = { "content-type": "text/csv" };
  const send = (path: string, body: string, more: object = {}) =>
    served.ask(path, { method: "PUT", headers: csv, body, ...more });
  assert.deepEqual(await problem(await send("/small/7", "x".repeat(1001))), [413, "body-too-large"]);
  assert.deepEqual(served.seen, [], "the system was not even asked");
  assert.equal((await send("/small/7", "x".repeat(1000))).status, 200);
  const chunked = connect(served.port, "127.0.0.1");
  chunked.write(
    `PUT /v1/small/8 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${served.key}\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  chunked.write(`3e8\r\n${"x".repeat(1000)}\r\n`);
  await until(() => served.seen.length === 2);
  chunked.write("1\r\nx\r\n");
  const answer = await text(chunked);
  assert.match(answer, /^HTTP\/1\.1 413 [\s\S]*connection: close[\s\S]*body-too-large/i);
  await until(() => served.seen[1] === "/files/8 cut off");
  assert.equal((await send("/small/7", "x")).status, 200, "a normal request still works");
  await until(() => served.taken() === 0);
});

test("Expect: 100-continue: who is not let in, or sends what is not taken, is told so before the body", async () => {
  await using served = await serve();
  served.answer = (request, response) => {
    request
      .resume()
      .on("end", () => response.writeHead(201, { "content-type": "application/json" }).end('{"bytes":1}'));
  };
  const expecting = async (path: string, headers: Record<string, string>) => {
    const sent = httpRequest(`${served.url}${path}`, {
      method: "PUT",
      agent: false,
      headers: {
        authorization: `Bearer ${served.key}`,
        ...bytes,
        "content-length": "4",
        expect: "100-continue",
        ...headers,
      },
    });
    sent.on("error", () => {});
    let continued = false;
    sent.on("continue", () => {
      continued = true;
      sent.end("rope");
    });
    sent.flushHeaders();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.resume();
    sent.destroy();
    return [response.statusCode, continued];
  };
  assert.deepEqual(await expecting("/files/7", { authorization: "Bearer mtz_live_no" }), [401, false]);
  assert.deepEqual(await expecting("/files/secret", {}), [403, false]);
  assert.deepEqual(await expecting("/files/7", { "content-type": "text/html" }), [415, false]);
  assert.deepEqual(await expecting("/files/7", { "content-encoding": "gzip" }), [415, false]);
  assert.deepEqual(await expecting("/files/7", { "content-length": String(1 << 30) }), [413, false]);
  assert.deepEqual(served.seen, []);
  assert.deepEqual(await expecting("/files/7", {}), [200, true]);
});

test("attack row 15: an upload that stops or trickles is closed by its deadline, and a client that leaves cuts it off; nothing is half done", async () => {
  await using served = await serve({ silenceMs: 1000 });
  served.answer = (request) => request.resume();
  const head = `PUT /v1/files/7 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${served.key}\r\ncontent-type: application/octet-stream\r\ncontent-length: 100000\r\n\r\n`;
  const silent = connect(served.port, "127.0.0.1");
  silent.write(`${head}12345`);
  assert.match(await text(silent), /^HTTP\/1\.1 408 [\s\S]*request-timeout/);
  const slow = connect(served.port, "127.0.0.1");
  slow.write(head);
  const trickle = setInterval(() => slow.write("x"), 40);
  const begun = performance.now();
  assert.match(await text(slow), /^HTTP\/1\.1 408 /);
  clearInterval(trickle);
  assert.ok(performance.now() - begun < 8000);
  const leaving = connect(served.port, "127.0.0.1");
  leaving.write(`${head}12345`);
  await until(() => served.seen.length === 3);
  leaving.destroy();
  await until(() => served.seen.every((one) => one === "/files/7 cut off"));
  await until(() => served.taken() === 0);
});

test("an upload may take longer than a whole request, as long as it moves", async () => {
  await using served = await serve({ silenceMs: 1500 });
  served.answer = (request, response) => {
    request
      .resume()
      .on("end", () => response.writeHead(201, { "content-type": "application/json" }).end('{"bytes":1}'));
  };
  const sent = httpRequest(`${served.url}/files/7`, {
    method: "PUT",
    agent: false,
    headers: { authorization: `Bearer ${served.key}`, ...bytes },
  });
  for (let count = 0; count < 6; count++) {
    sent.write(block);
    await pause(500);
  }
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  assert.equal(response.statusCode, 200);
  response.resume();
});

test("a system that fails, answers early or takes too long ends the upload with a problem", async () => {
  await using served = await serve();
  const send = () => served.ask("/files/7", { method: "PUT", headers: bytes, body: Buffer.alloc(30_000_000) });
  served.answer = (request, response) =>
    request.once("data", () => response.writeHead(507, { connection: "close" }).end("full"));
  assert.deepEqual(await problem(await send()), [504, "system-outcome-unknown"]);
  served.answer = (request) => request.once("data", () => request.socket.destroy());
  assert.deepEqual(await problem(await send()), [504, "system-outcome-unknown"]);
  served.answer = (request) => request.resume();
  const slow = await served.ask("/slow/7", { method: "PUT", headers: bytes, body: "x" });
  assert.deepEqual(await problem(slow), [504, "system-outcome-unknown"]);
  await until(() => served.taken() === 0);
});

test("up and down in one: what is sent is answered with bytes while it is still coming", async () => {
  await using served = await serve();
  served.answer = (request, response) => {
    response.writeHead(200, pdf);
    request.pipe(response);
  };
  const response = await served.ask("/convert", { method: "POST", headers: bytes, body: Buffer.alloc(3_000_000, "x") });
  assert.equal((await buffer(Readable.fromWeb(response.body as never))).length, 3_000_000);
  await until(() => served.taken() === 0);
});

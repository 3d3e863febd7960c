import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createServer } from "../http.ts";
import { readBody } from "./request-head.ts";

/** Reads one request; `came` is called with the bytes that are there so far, before they are taken. */
async function reading(t: TestContext, limit: number, came: (bytes: number) => void = () => {}) {
  const read = Promise.withResolvers<Uint8Array>();
  const server = createServer((req, res) => {
    const headers = req.headers as Readonly<Record<string, string>>;
    readBody(req, headers, limit, { continues: false, res, cut: undefined, onCut: undefined }).then(
      read.resolve,
      read.reject,
    );
    let bytes = 0;
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      came(bytes);
    });
    req.on("end", () => res.end());
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.resume();
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
  return { read: read.promise, socket };
}

test("a body in pieces of all sizes is put together as it was", async (t) => {
  const { read, socket } = await reading(t, 1_048_576);
  const pieces = [1, 2, 3, 5000, 1, 100_000, 0, 7, 60_000].map((size, at) => Buffer.alloc(size, 65 + at));
  for (const piece of pieces) {
    if (piece.length > 0)
      socket.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]));
    await new Promise(setImmediate);
  }
  socket.write("0\r\n\r\n");
  assert.deepEqual(Buffer.from(await read), Buffer.concat(pieces));
});

test("OW-4 attack 14: a body in chunks of one byte is held as its bytes, not as as many objects", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const all = 200_000;
  let held = 0;
  let before = 0;
  const { read, socket } = await reading(t, 1_048_576, (bytes) => {
    if (bytes === all) held = used() - before;
  });
  const piece = Buffer.from("1\r\na\r\n".repeat(1000));
  before = used();
  for (let sent = 0; sent < all; sent += 1000) if (!socket.write(piece)) await once(socket, "drain");
  socket.write("0\r\n\r\n");
  assert.equal((await read).length, all);
  assert.ok(held < all * 20, `${held} bytes are held for ${all}`);
});

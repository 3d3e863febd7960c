import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { apiKey } from "../../publish/access/api-key.ts";
import type { Backend } from "../../publish/backend.ts";
import { type ApiOperations, defineApi } from "../../publish/define.ts";
import { published } from "../../publish/lifecycle/states.ts";
import { get, post } from "../../publish/operations.ts";
import { createPublisher } from "../../publish/publisher.ts";
import { block, blocks, contractOf, operation, pdf, problem, serve, until } from "./test-passing.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
/** Bytes of buffers that something holds: what waits for the collector does not count, and how lazy it is differs. */
const heldBytes = (): number => {
  collect();
  return process.memoryUsage().arrayBuffers;
};

test("a download goes through as it comes, with headers of our own", async () => {
  await using served = await serve();
  served.answer = (_, response) => {
    response.writeHead(200, {
      ...pdf,
      "content-length": "5",
      "content-disposition": `inline; filename="../../etc/in\\"voice.pdf"`,
      "set-cookie": "a=b",
      "x-internal": "yes",
      etag: '"v1"',
    });
    response.end("12345");
  };
  const response = await served.ask("/files/7?page=2");
  assert.equal(await response.text(), "12345");
  const headers = Object.fromEntries(response.headers);
  assert.deepEqual(served.seen, ["/files/7?page=2"]);
  assert.equal(headers["content-type"], "application/pdf");
  assert.equal(headers["content-length"], "5");
  assert.equal(headers["content-disposition"], `attachment; filename="in_voice.pdf"`);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["accept-ranges"], "bytes");
  assert.equal(headers.etag, '"v1"');
  assert.equal(headers["content-encoding"], undefined);
  for (const name of ["set-cookie", "x-internal"]) assert.equal(headers[name], undefined, name);
  const head = await served.ask("/files/7", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "5", ""]);
  await until(() => served.taken() === 0);
});

test("192 MiB are downloaded at the client's pace, in little memory; the system's place is held meanwhile", async () => {
  await using served = await serve();
  const count = 3072;
  let sent = 0;
  served.answer = (_, response) => {
    response.writeHead(200, pdf);
    blocks(count, (now) => (sent = now)).pipe(response);
  };
  const response = await served.ask("/files/7");
  assert.equal(served.taken(), 1);
  for (let last = -1; last !== sent; await pause(50)) last = sent;
  assert.ok(sent < count / 2, `${sent} of ${count} blocks were taken, though nobody read`);
  let size = 0;
  let most = 0;
  let looked = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size < looked + 8_388_608) continue;
    looked = size;
    most = Math.max(most, heldBytes());
    await turn();
  }
  assert.equal(size, count * block.length);
  assert.ok(most > 0 && most < 128 * 1_048_576, `${most} bytes of buffers`);
  await until(() => served.taken() === 0);
});

test("a download that breaks off, or is longer than allowed, breaks the client's connection: chunked, sized, and HTTP/1.0", async (t) => {
  await using served = await serve();
  const codes: unknown[] = [];
  const told = (fact: unknown) => codes.push((fact as { readonly code?: string }).code);
  subscribe("mortise:publish:request", told);
  t.after(() => unsubscribe("mortise:publish:request", told));
  const broken = async (path = "/files/7") => assert.rejects(served.ask(path).then((response) => response.text()));
  served.answer = (_, response) => {
    response.writeHead(200, pdf);
    response.write(block, () => response.destroy());
  };
  await broken();
  served.answer = (_, response) => {
    response.writeHead(200, { ...pdf, "content-length": String(3 * block.length) });
    response.write(block, () => response.destroy());
  };
  await broken();
  served.answer = (_, response) => {
    response.writeHead(200, { "content-type": "text/csv" });
    blocks(4).pipe(response);
  };
  await broken("/csv/7");
  served.answer = (_, response) => {
    response.writeHead(200, pdf);
    response.write(block, () => setTimeout(() => response.destroy(), 50));
  };
  const old = connect(served.port, "127.0.0.1");
  old.write(`GET /v1/files/7 HTTP/1.0\r\nauthorization: Bearer ${served.key}\r\n\r\n`);
  const [error] = (await once(old.resume(), "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
  // It had begun as a success; what is told of it in the end says that it failed.
  await until(() => codes.length === 4);
  assert.deepEqual(codes, ["outbound-reset", "outbound-reset", "outbound-too-large", "outbound-reset"]);
  // What would be too long is refused before anything is sent.
  served.answer = (_, response) =>
    response.writeHead(200, { "content-type": "text/csv", "content-length": String(4 * block.length) }).end();
  assert.deepEqual(await problem(await served.ask("/csv/7")), [502, "system-failed"]);
  await until(() => served.taken() === 0);
});

test("what is no success is read and answered as elsewhere, and what was not to come is not passed on", async () => {
  await using served = await serve();
  served.answer = (_, response) =>
    response.writeHead(404, { "content-type": "application/json" }).end('{"reason":"gone","inner":1}');
  assert.deepEqual(await problem(await served.ask("/files/7")), [404, "resource-unknown"]);
  served.answer = (_, response) => response.writeHead(503).end();
  assert.deepEqual(await problem(await served.ask("/files/7")), [503, "system-unavailable"]);
  for (const [status, type] of [
    [200, "text/html"],
    [200, "application/pdf, text/html"],
    [206, "application/pdf"],
    [302, "application/pdf"],
  ] as const) {
    served.answer = (_, response) => response.writeHead(status, { "content-type": type }).end("<script>");
    assert.deepEqual(await problem(await served.ask("/files/7")), [502, "system-failed"], `${status} ${type}`);
  }
  served.answer = (_, response) =>
    response.writeHead(200, { "content-type": 'text/csv; charset=utf-8; header="present"' }).end("a,b");
  assert.equal((await served.ask("/csv/7")).headers.get("content-type"), 'text/csv; charset=utf-8; header="present"');
  served.answer = (_, response) => response.writeHead(200, pdf).end();
  assert.deepEqual(await problem(await served.ask("/files/secret")), [403, "not-allowed"]);
  assert.deepEqual(await problem(await served.ask("/files/7", { headers: { accept: "image/png" } })), [
    406,
    "not-acceptable",
  ]);
  assert.deepEqual(await problem(await served.ask("/files/7?page=x")), [400, "input-invalid"]);
  assert.ok(!served.seen.some((url) => url.includes("secret")));
  await until(() => served.taken() === 0);
});

test("a part is asked for and given where the contract has parts", async () => {
  await using served = await serve();
  const asked: unknown[] = [];
  served.answer = ({ headers }, response) => {
    asked.push([headers.range, headers["if-range"]]);
    if (headers.range === "bytes=9-") response.writeHead(416).end();
    else if (headers.range === undefined) response.writeHead(200, { "content-type": "text/csv" }).end("12345");
    else response.writeHead(206, { ...pdf, "content-range": "bytes 1-2/5", "content-length": "2" }).end("23");
  };
  const part = await served.ask("/files/7", { headers: { range: "bytes=1-2", "if-range": '"v1"' } });
  assert.deepEqual([part.status, part.headers.get("content-range"), await part.text()], [206, "bytes 1-2/5", "23"]);
  assert.deepEqual(await problem(await served.ask("/files/7", { headers: { range: "bytes=9-" } })), [
    416,
    "range-unsatisfiable",
  ]);
  for (const range of ["bytes=0-1,3-4", "lines=1-2", "bytes=a", "bytes=9-1"])
    assert.equal((await served.ask("/csv/7", { headers: { range } })).status, 200);
  assert.deepEqual(asked.slice(0, 2), [
    ["bytes=1-2", '"v1"'],
    ["bytes=9-", undefined],
  ]);
  assert.ok(asked.slice(2).every((one) => (one as unknown[])[0] === undefined));
});

test("a part that does not say which one it is, is not passed on: nobody could put it where it belongs (RFC 9110, 15.3.7)", async () => {
  let part: Record<string, string> = {};
  await using served = await serve();
  served.answer = (_, response) => response.writeHead(206, { ...pdf, "content-length": "2", ...part }).end("23");
  const range = { headers: { range: "bytes=1-2" } };
  for (const odd of [{}, { "content-range": "bytes */5" }, { "content-range": "lines 1-2/5" }] as Record<
    string,
    string
  >[]) {
    part = odd;
    assert.deepEqual(await problem(await served.ask("/files/7", range)), [502, "system-failed"], JSON.stringify(odd));
  }
  part = { "content-range": "bytes 1-2/*" };
  const good = await served.ask("/files/7", range);
  assert.deepEqual([good.status, good.headers.get("content-range"), await good.text()], [206, "bytes 1-2/*", "23"]);
});

test("a client that leaves ends the download at the system too, and attack row 15: one that does not read is cut off", async () => {
  await using served = await serve({ silenceMs: 1000 });
  let closed = 0;
  served.answer = (_, response) => {
    response.writeHead(200, pdf).on("close", () => closed++);
    blocks(1_000_000).pipe(response);
  };
  const leaving = new AbortController();
  const response = await served.ask("/files/7", { signal: leaving.signal });
  leaving.abort();
  await assert.rejects(response.text());
  await until(() => closed === 1);
  const idle = connect(served.port, "127.0.0.1");
  idle.on("error", () => {});
  idle.write(`GET /v1/files/7 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${served.key}\r\n\r\n`);
  idle.pause();
  await until(() => closed === 2);
  idle.destroy();
  await until(() => served.taken() === 0);
});

test("what goes through is described, and what has to be read can't", async () => {
  await using served = await serve();
  const document = served.publisher.openapi("files", "1.0.0") as unknown as {
    // biome-ignore lint/suspicious/noExplicitAny: a document is looked into
    readonly paths: Record<string, any>;
  };
  const { get: down, put: up } = document.paths["/files/{id}"];
  assert.deepEqual(Object.keys(down.responses["200"].content).sort(), ["application/pdf", "text/csv"]);
  assert.ok("206" in down.responses && "416" in down.responses);
  assert.deepEqual(Object.keys(up.requestBody.content), ["application/octet-stream"]);
  assert.ok("413" in up.responses && "408" in up.responses && "200" in up.responses);
  assert.ok(!up.parameters.some(({ name }: { name: string }) => name === "Idempotency-Key"));

  const page = await (await fetch(`${served.url}/docs`)).text();
  assert.ok(page.includes("--data-binary @file") && page.includes("-o file "), "examples are of files");

  const model = await contractOf();
  const publish = (one: ApiOperations[string]) =>
    createPublisher({
      apis: [
        defineApi({
          name: "files",
          version: "1.0.0",
          base: "/v1",
          lifecycle: published(),
          access: [apiKey()],
          operations: { one },
        }),
      ],
      store: { read: { prepare: () => ({ all: () => [] }) } } as never,
      backend: {} as Backend,
      contracts: new Map([["archive", model]]),
    }).close();
  const read = (name: string) => ({ scope: "s", calls: operation(name, "read") });
  assert.throws(() => publish(get("/x", { ...read("getOrder"), download: true })), /have to be read/);
  assert.throws(() => publish(get("/x", { ...read("getPicture"), download: true })), /name their media types/);
  await publish(get("/x", { ...read("getPicture"), download: { types: ["image/png"] } }));
  assert.throws(() => publish(post("/x", { ...read("getFile"), upload: true })), /no body that can go through/);
  assert.throws(() => publish(get("/x", { ...read("getPicture"), download: true, cache: "1s" })), /goes with no cache/);
  assert.throws(() => publish(get("/x", { ...read("getPicture"), download: { maxBytes: 0 } })), /whole number/);
});

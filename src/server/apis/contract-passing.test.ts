/** Files that go through an API whose contract is given: as it says, at the pace of the slower side, and never in memory as a whole. */
import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import type { Contract } from "../../contract/contract.ts";
import type { Operation } from "../../operation.ts";
import { apiKey } from "../../publish/access/api-key.ts";
import { openBench } from "../../publish/harness.test.ts";
import { fault } from "../../publish/implement/fault.ts";
import { implementApi } from "../../publish/implement/implement.ts";
import { pinned } from "../../publish/implement/stock-harness.test.ts";
import { published } from "../../publish/lifecycle/states.ts";
import { block, blocks, contractOf, pdf, problem, serve } from "./test-passing.ts";

const document = `
openapi: 3.1.0
info: { title: Documents, version: 2.0.0 }
paths:
  /documents/{number}:
    parameters: [{ name: number, in: path, required: true, schema: { type: string, pattern: "^[a-z0-9]+$" } }]
    put:
      operationId: keep
      requestBody: { required: true, content: { application/octet-stream: {} } }
      responses:
        "201": { description: kept, content: { application/json: { schema: { type: object, required: [size], properties: { size: { type: integer } } } } } }
    get:
      operationId: fetch
      responses:
        "200": { description: it, content: { application/pdf: {} } }
        "404": { description: none, content: { application/json: { schema: { type: object, required: [why], properties: { why: { type: string } }, additionalProperties: false } } } }
  /conversions:
    post:
      operationId: convert
      requestBody: { required: true, content: { application/octet-stream: {} } }
      responses: { "200": { description: converted, content: { application/pdf: {} } } }
  /loose: { post: { operationId: loose, requestBody: { content: { application/octet-stream: {} } }, responses: { "200": { description: ok, content: { application/pdf: {} } } } } }
  /notes:
    post:
      operationId: note
      requestBody: { content: { application/json: { schema: { type: object, properties: { text: { type: string } } } } } }
      responses: { "200": { description: ok, content: { application/json: { schema: { type: object } } } } }
`;

type None = Record<never, never>;
interface Documents {
  readonly operations: {
    readonly keep: {
      readonly input: { readonly number: string; readonly body: string };
      readonly output: { readonly size: number };
      readonly faults: None;
    };
    readonly fetch: {
      readonly input: { readonly number: string };
      readonly output: string;
      readonly faults: { readonly notFound: { readonly why: string } };
    };
    readonly convert: { readonly input: { readonly body: string }; readonly output: string; readonly faults: None };
    readonly loose: { readonly input: { readonly body?: string }; readonly output: string; readonly faults: None };
    readonly note: { readonly input: { readonly text?: string }; readonly output: None; readonly faults: None };
  };
  readonly events: None;
  readonly schemas: None;
}

type Kept = Operation<{ readonly id: string; readonly body: string }, { readonly bytes: number }>;
type Found = Operation<
  { readonly id: string; readonly page?: number },
  string,
  { readonly notFound: { readonly reason?: string } }
>;
type Made = Operation<{ readonly body: string }, string>;
const of = (name: string, effect: "read" | "idempotent") => ({ kind: "operation", system: "archive", name, effect });
const putFile = of("putFile", "idempotent") as Kept;
const getFile = of("getFile", "read") as Found;
const convert = of("convert", "read") as Made;

const common = {
  base: "/documents/v2",
  lifecycle: published(),
  access: [apiKey()],
  without: ["note", "loose"],
} as const;
const implemented = (contract: Contract<Documents>) =>
  implementApi(contract, {
    ...common,
    operations: {
      keep: {
        scope: "files",
        calls: putFile,
        upload: true,
        maxBodyBytes: 64 * block.length,
        accepts: ({ number }) => ({ id: number }),
        responds: ({ bytes }, { request }) => ({ size: bytes + request.number.length - 1 }),
        allow: ({ input }) => input.id !== "secret",
      },
      fetch: {
        scope: "files",
        calls: getFile,
        download: true,
        maxAnswerBytes: 64 * block.length,
        accepts: ({ number }) => ({ id: number }),
        faults: { notFound: ({ reason = "" }) => fault("notFound", { why: reason }) },
      },
      convert: {
        scope: "files",
        calls: convert,
        upload: { maxBytes: 32 * block.length },
        download: { maxBytes: 48 * block.length },
      },
    },
  });

test("files pass through operations of a given contract, with its parameters, its answers and its errors", async (t) => {
  const contract = await pinned<Documents>("documents", { "openapi.yaml": document }, (undo) => t.after(undo));
  await using served = await serve({ apis: [implemented(contract)] });
  const url = served.url.replace(/\/v1$/, "/documents/v2");
  const ask = (path: string, init: RequestInit & { readonly duplex?: "half" } = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${served.key}`, ...init.headers } });
  const type = { "content-type": "application/octet-stream" };

  served.answer = (request, response) =>
    void buffer(request).then(
      ({ length }) =>
        response
          .writeHead(201, { "content-type": "application/json" })
          .end(JSON.stringify({ bytes: length, inner: 1 })),
      // It was cut off.
      () => {},
    );
  const put = (path: string, count: number, headers: Readonly<Record<string, string>> = type) =>
    ask(path, { method: "PUT", headers, body: blocks(count) as never, duplex: "half" });
  const kept = await put("/documents/7", 48);
  assert.deepEqual([kept.status, await kept.json()], [201, { size: 48 * block.length }]);
  assert.deepEqual(served.seen, ["/files/7"]);
  assert.deepEqual(await problem(await put("/documents/7", 65)), [413, "body-too-large"]);
  assert.deepEqual(await problem(await put("/documents/NO", 1)), [400, "input-invalid"]);
  assert.deepEqual(await problem(await put("/documents/secret", 1)), [403, "not-allowed"]);
  assert.deepEqual(await problem(await put("/documents/7", 1, { "content-type": "text/csv" })), [
    415,
    "media-type-unsupported",
  ]);

  served.answer = (_, response) => void blocks(40).pipe(response.writeHead(200, pdf));
  const found = await ask("/documents/7");
  assert.deepEqual(
    [found.status, found.headers.get("content-type"), (await found.arrayBuffer()).byteLength],
    [200, "application/pdf", 40 * block.length],
  );
  served.answer = (_, response) =>
    void response.writeHead(404, { "content-type": "application/json" }).end('{"reason":"gone"}');
  const none = await ask("/documents/8");
  assert.deepEqual([none.status, await none.json()], [404, { why: "gone" }]);
  assert.deepEqual(await problem(await ask("/documents/7", { headers: { accept: "text/csv" } })), [
    406,
    "not-acceptable",
  ]);

  served.answer = (request, response) => void request.pipe(response.writeHead(200, pdf));
  const conversion = (count: number) =>
    ask("/conversions", { method: "POST", headers: type, body: blocks(count) as never, duplex: "half" });
  assert.equal((await (await conversion(20)).arrayBuffer()).byteLength, 20 * block.length);
  assert.equal((await (await conversion(32)).arrayBuffer()).byteLength, 32 * block.length);
  assert.deepEqual(await problem(await conversion(33)), [413, "body-too-large"]);

  const served3 = (await (await ask("/openapi.json")).json()) as { paths: Record<string, Record<string, never>> };
  assert.deepEqual(Object.keys(served3.paths), ["/documents/{number}", "/conversions"]);
});

test("what can't go through as the contract says is refused when the project is loaded", async (t) => {
  const contract = await pinned<Documents>("documents", { "openapi.yaml": document }, (undo) => t.after(undo));
  const archive = await contractOf();
  await using bench = await openBench();
  const refused = (behind: Readonly<Record<string, object>>, reason: RegExp) => {
    const without = ["keep", "fetch", "convert", "loose", "note"].filter((name) => behind[name] === undefined);
    const operations = Object.fromEntries(
      Object.entries(behind).map(([name, one]) => [name, { scope: "files", accepts: () => ({ id: "1" }), ...one }]),
    );
    assert.throws(() => {
      const api = implementApi(contract as never, { ...common, without, operations } as never);
      bench.publisher.prepare({ apis: [api], backend: bench.backend, contracts: new Map([["archive", archive]]) });
    }, reason);
  };
  refused(
    { note: { calls: putFile, upload: true } },
    /note is an upload, and its contract has no body that can go through/,
  );
  refused({ keep: { calls: putFile, download: true } }, /keep is a download, and its contract has no 200/);
  refused(
    { fetch: { calls: of("getPicture", "read"), download: true } },
    /fetch says application\/pdf in its contract and archive.getPicture says image\/\*: no media type is both/,
  );
  refused({ fetch: { calls: of("getOrder", "read"), download: true } }, /contract has answers that have to be read/);
  refused({ keep: { calls: getFile, upload: true } }, /contract has no body that can go through unread/);
  refused({ fetch: { calls: getFile, download: true, responds: () => "" } }, /a download, which goes with no responds/);
  refused({ fetch: { calls: getFile, download: true, headers: () => ({}) } }, /goes with no status and no headers/);
  refused(
    { loose: { calls: convert, upload: true, download: true } },
    /may come without a body by its contract, and archive.convert needs one/,
  );
  refused(
    { convert: { calls: convert, upload: { maxBytes: 1, types: ["text/csv"] }, download: true } },
    /upload says types, and what goes through is what the contract says: give maxBytes alone/,
  );
  refused({ convert: { calls: convert, upload: { maxBytes: -1 }, download: true } }, /lets -1 bytes through/);
  refused(
    { convert: { calls: convert, upload: true, download: true, cache: "1s" } },
    /an upload, which goes with no cache/,
  );
});

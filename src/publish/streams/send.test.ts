/** Answers that stream, and break before anybody reads of them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { ContractModel } from "../../contract/model.ts";
import { request as ask } from "../../http.ts";
import type { Operation } from "../../operation.ts";
import { defineApi } from "../define.ts";
import { assertProblem, openBench, ordersOptions } from "../harness.test.ts";
import { listen } from "../listener.ts";
import { get } from "../operations.ts";

/** One that was open when it was given, and is none any more. */
async function broken(): Promise<Readable> {
  const stream = new Readable({ read() {} });
  stream.once("error", () => {});
  stream.destroy(new Error("the system went away"));
  await new Promise((resolve) => stream.once("close", resolve));
  return stream;
}

const getFile: Operation<{ readonly name: string }, string> = {
  kind: "operation",
  system: "files",
  name: "getFile",
  effect: "read",
};
const files: ContractModel = {
  format: 1,
  name: "files",
  source: { language: "openapi", languageVersion: "3.1.0", files: [] },
  servers: [],
  events: {},
  schemas: {},
  operations: {
    getFile: {
      name: "getFile",
      effect: "read",
      input: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
      output: { type: "string", contentEncoding: "base64" },
      faults: {},
      binding: {
        protocol: "rest",
        method: "GET",
        path: "/files/{name}",
        parameters: [],
        success: [{ status: "200", mediaType: "application/pdf" }],
        faults: [],
      },
    },
  },
};

test("an answer that breaks before it is sent breaks the connection, and leaves no client waiting", async () => {
  const listener = await listen(
    async () => ({ status: 200, headers: { "content-type": "application/pdf" }, stream: await broken() }),
    { port: 0 },
  );
  const sent = ask(listener.url, { agent: false });
  sent.end();
  await assert.rejects(once(sent, "response"), { code: "ECONNRESET" });
  await listener.close(0);
});

test("one that breaks in the very moment in which it is sent takes nothing else along", async () => {
  const breaking = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    const stream = new Readable({ read() {} });
    stream.destroy(new Error("the system went away"));
    return { status: 200, headers: { "content-type": "application/pdf" }, stream };
  };
  const listener = await listen(breaking, { port: 0 });
  const sent = ask(listener.url, { agent: false });
  sent.end();
  await assert.rejects(once(sent, "response"), { code: "ECONNRESET" });
  await listener.close(0);
});

test("a place of a concurrency is free again also where the answer broke before it was sent", async () => {
  const api = defineApi({
    ...ordersOptions,
    operations: { getFile: get("/files/{name}", { scope: "stock:read", calls: getFile, download: true }) },
    limits: [
      { per: "consumer", concurrency: 1 },
      { per: "consumer", quota: 2, window: "day" },
    ],
  });
  const contracts = new Map([["files", files]]);
  await using bench = await openBench({ apis: [api], contracts });
  bench.backend.pass = async () => ({
    kind: "passed",
    status: 200,
    headers: {},
    type: "application/pdf",
    body: await broken(),
  });
  const download = () => bench.ask("GET", "/orders/v1/files/a");
  assert.equal((await download()).status, 200);
  assert.equal((await download()).status, 200);
  const third = await download();
  assertProblem(third, 429, "quota-exceeded");
  assert.deepEqual(third.json["violated-policies"], ["consumer-2"], "the quota, and not the place");
});

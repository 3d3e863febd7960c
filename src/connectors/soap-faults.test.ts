/** What undeclared SOAP faults mean beside the status that they come with, and what of them may be told. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ContractModel } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import type { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import type { Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { soapConnector } from "./soap.ts";
import type { ResolvedSettings } from "./system.ts";

const outbound = createOutbound();
let erp: ContractModel;
let server: Server;
let answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: string };
let asked = 0;

before(async () => {
  const file = fileURLToPath(new URL("../contract/read/fixtures/wsdl/erp/erp.wsdl", import.meta.url));
  erp = await readWsdl(await openSource(file), "erp");
  server = createServer((request, response) => {
    asked += 1;
    request.resume().on("end", () => {
      const { status, headers = {}, body } = answer;
      response.writeHead(status, { "content-type": "text/xml; charset=utf-8", ...headers }).end(body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(async () => {
  await outbound.close();
  server.close();
});

function fault(code: string, reason = "no"): string {
  const inside = `<s:Fault><faultcode>s:${code}</faultcode><faultstring>${reason}</faultstring></s:Fault>`;
  return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${inside}</s:Body></s:Envelope>`;
}

function open(extra: Partial<ResolvedSettings> = {}) {
  const settings: ResolvedSettings = {
    name: "erp",
    connection: `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`,
    timeoutMs: 5000,
    concurrency: 4,
    maxResponseBytes: 1_000_000,
    internal: true,
    sensitive: [],
    ...extra,
  };
  return soapConnector.open(erp, settings, { outbound, project: "." });
}

async function send(name: string, input: Json, extra: Partial<ResolvedSettings> = {}) {
  const context = { key: "k1", attempt: 1, deadline: Date.now() + 5000, signal: new AbortController().signal };
  const operation = erp.operations[name];
  assert.ok(operation);
  return open(extra).call(operation, input, context);
}

async function failed(extra: Partial<ResolvedSettings> = {}): Promise<MortiseError> {
  const order = {
    created: "2026-01-02",
    customer: "C-1",
    address: { street: "Quay 1", city: "Rotterdam", country: "NL" },
    remark: null,
    line: [{ sku: "A", quantity: 2, price: { value: "0.10", currency: "EUR" } }],
    invoice: true,
    channel: "web",
  };
  try {
    await send("createOrder", { order }, extra);
  } catch (error) {
    return error as MortiseError;
  }
  throw new Error("it was answered");
}

test("a fault that comes with a status of waiting is waited for: Retry-After counts, and 429 did nothing", async () => {
  const cases: readonly (readonly [number, string, string | undefined, object])[] = [
    [429, "Client", "7", { class: "wait", outcome: "none", retryAfterMs: 7000 }],
    [429, "Server", undefined, { class: "wait", outcome: "none", retryAfterMs: 1000 }],
    [503, "Server", "7", { class: "wait", outcome: "unknown", retryAfterMs: 7000 }],
    [503, "Client", "7", { class: "wait", outcome: "none", retryAfterMs: 7000 }],
    [503, "Server", undefined, { class: "retry", outcome: "unknown", retryAfterMs: undefined }],
    [500, "Server", "3", { class: "retry", outcome: "unknown", retryAfterMs: 3000 }],
    [425, "Server", undefined, { class: "retry", outcome: "none", retryAfterMs: undefined }],
    [500, "Client", undefined, { class: "give-up", outcome: "none", retryAfterMs: undefined }],
    [200, "Client", undefined, { class: "give-up", outcome: "none", retryAfterMs: undefined }],
  ];
  for (const [status, code, after, wanted] of cases) {
    answer = { status, headers: after === undefined ? {} : { "retry-after": after }, body: fault(code) };
    const { code: said, class: class_, outcome, retryAfterMs } = await failed();
    assert.deepEqual({ said, class: class_, outcome, retryAfterMs }, { said: "soap-fault", ...wanted }, `${status}`);
  }
});

test("P8: what a fault repeats of the credentials, in whatever form, is not told; nor is its reason where a field of the operation is sensitive", async () => {
  const pair = Buffer.from("ann:s3cret").toString("base64");
  answer = { status: 500, body: fault("Server", `who is Basic ${pair}, with s3cret?`) };
  const { message } = await failed({ credentials: { kind: "basic", user: "ann", password: "s3cret" } });
  assert.doesNotMatch(message, new RegExp(`s3cret|${pair}`));
  assert.match(message, /who is Basic/);
  answer = { status: 500, body: fault("Server", "no customer C-1") };
  for (const path of ["createOrder.input.order.customer", "*.input.order.customer", "*"])
    assert.doesNotMatch((await failed({ sensitive: [path] })).message, /C-1/, path);
  assert.match((await failed({ sensitive: ["other.input.x"] })).message, /C-1/);
});

test("credentials that a SOAP system has no place for are refused, and not left out", async () => {
  asked = 0;
  for (const credentials of [
    { kind: "query", name: "key", value: "v" },
    { kind: "cookie", name: "key", value: "v" },
    { kind: "oauth", tokenUrl: "https://id.example/t", client: "c", secret: "s", scopes: [], auth: "basic" },
  ] as const)
    assert.throws(() => open({ credentials }), { code: "connection-invalid" }, credentials.kind);
  assert.equal(asked, 0);
});

test("an answer that states no media type is read as the XML that it is; one that is none goes by its status", async () => {
  const untyped = { "content-type": "" };
  answer = { status: 500, headers: untyped, body: fault("Client") };
  assert.deepEqual([(await failed()).code, (await failed()).class], ["soap-fault", "give-up"]);
  answer = { status: 502, headers: untyped, body: "no gateway" };
  assert.equal((await failed()).code, "soap-status");
  answer = { status: 200, headers: untyped, body: "" };
  assert.equal((await failed()).code, "contract-output");
});

test("a fault that comes back from a one-way operation is no success, whatever the status", async () => {
  for (const status of [200, 202, 500]) {
    answer = { status, body: fault("Server", "no queue") };
    await assert.rejects(send("notify", "hello"), { code: "soap-fault", outcome: "unknown" }, String(status));
  }
  for (const body of ["", "ok", "<html/>", "<broken"]) {
    answer = { status: 200, body };
    assert.deepEqual(await send("notify", "hello"), { ok: true, output: null }, body);
  }
});

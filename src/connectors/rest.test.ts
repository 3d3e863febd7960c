import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import type { ContractModel } from "../contract/model.ts";
import { readOpenApi } from "../contract/read/openapi.ts";
import type { ContractFile, ContractFiles } from "../contract/read/source.ts";
import { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import type { CallContext, Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import type { Client } from "./connector.ts";
import { retryAfter } from "./http.ts";
import { restConnector } from "./rest.ts";
import { definitionOf, type ResolvedSettings, rest } from "./system.ts";

const contractText = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /orders/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: string } }
    get:
      operationId: getOrder
      parameters:
        - { name: tag, in: query, schema: { type: array, items: { type: string } } }
        - { name: fields, in: query, explode: false, schema: { type: array, items: { type: string } } }
        - { name: filter, in: query, style: deepObject, schema: { type: object } }
        - { name: X-Trace, in: header, schema: { type: string } }
        - { name: session, in: cookie, schema: { type: string } }
      responses:
        "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
        "404": { description: no such order, content: { application/json: { schema: { type: object, required: [reason], properties: { reason: { type: string } } } } } }
        "500": { description: never a fault, content: { application/json: { schema: {} } } }
    delete:
      operationId: deleteOrder
      responses: { "204": { description: gone } }
  /orders:
    post:
      operationId: placeOrder
      parameters:
        - { name: idempotency-key, in: header, schema: { type: string } }
        - { name: dryRun, in: query, schema: { type: boolean } }
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } }
      responses: { "201": { description: made, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
  /form:
    post:
      operationId: sendForm
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: { type: object, properties: { a: { type: string }, list: { type: array, items: { type: integer } }, deep: { type: object }, json: { type: object } } }
            encoding: { deep: { style: deepObject, explode: true } }
      responses: { "200": { description: text, content: { text/plain: { schema: { type: string } } } } }
  /list:
    put:
      operationId: putList
      requestBody: { required: true, content: { application/json: { schema: { type: array, items: { type: integer } } } } }
      responses: { "2XX": { description: bytes, content: { application/octet-stream: {} } } }
components:
  schemas:
    Order: { type: object, required: [id], properties: { id: { type: string }, total: { type: number } } }
`;

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}
let server: Server;
let model: ContractModel;
let seen: Seen[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
const outbound = createOutbound();

before(async () => {
  const bytes = Buffer.from(contractText);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const entry: ContractFile = { path: "shop.yaml", text: contractText, bytes, sha256 };
  const source: ContractFiles = { entry, read: () => Promise.reject(new Error("no other file")), files: () => [entry] };
  model = await readOpenApi(source, "shop");
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      seen.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
after(async () => {
  await outbound.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(more: Partial<ResolvedSettings> = {}): Client {
  const { port } = server.address() as AddressInfo;
  const settings: ResolvedSettings = {
    name: "shop",
    connection: `http://127.0.0.1:${port}/api/`,
    timeoutMs: 5000,
    concurrency: 4,
    maxResponseBytes: 100_000,
    internal: true,
    sensitive: [],
    ...more,
  };
  return restConnector.open(model, settings, { outbound, project: "." });
}

function call(name: string, input: Json, client = open()) {
  seen = [];
  const context: CallContext = {
    key: "key-1",
    attempt: 1,
    deadline: Date.now() + 5000,
    signal: new AbortController().signal,
  };
  return client.call(model.operations[name]!, input, context);
}

function tell(name: string, input: Json, client = open()) {
  const context = { key: "key-1", attempt: 1, deadline: Date.now() + 5000, signal: new AbortController().signal };
  return client.tell?.(model.operations[name]!, input, context);
}

function answers(
  status: number,
  body: string | Uint8Array,
  headers: Record<string, string> = { "content-type": "application/json" },
): void {
  answer = (_, response) => response.writeHead(status, headers).end(body);
}

const fails = (code: string, more: Partial<MortiseError>, message?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MortiseError, String(error));
  assert.equal(error.code, code, error.message);
  for (const [name, value] of Object.entries(more)) assert.equal(error[name as keyof MortiseError], value, name);
  if (message !== undefined) assert.match(error.message, message);
  assert.doesNotMatch(`${error.message}${JSON.stringify(error.details)}`, /hunter2/);
  return true;
};

test("parameters are written by place and style, and the answer is checked and returned", async () => {
  answers(200, '{"id":"a"}');
  const input = {
    id: "a/b ü",
    tag: ["x", "y&z"],
    fields: ["p", "q"],
    filter: { a: { b: 1 }, c: "d" },
    xTrace: "t1",
    session: "s 1",
  };
  assert.deepEqual(await call("getOrder", input), { ok: true, output: { id: "a" } });
  assert.equal(
    seen[0]!.url,
    "/api/orders/a%2Fb%20%C3%BC?tag=x&tag=y%26z&fields=p,q&filter%5Ba%5D%5Bb%5D=1&filter%5Bc%5D=d",
  );
  assert.equal(seen[0]!.headers["x-trace"], "t1");
  assert.equal(seen[0]!.headers.cookie, "session=s%201");
  assert.equal(seen[0]!.method, "GET");
});

test("a spread body leaves the parameters out, and the effect key goes into its header", async () => {
  answers(201, '{"id":"a"}');
  await call("placeOrder", { dryRun: true, id: "a", total: 1.5 });
  assert.equal(seen[0]!.url, "/api/orders?dryRun=true");
  assert.equal(seen[0]!.headers["idempotency-key"], "key-1");
  assert.equal(seen[0]!.headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(seen[0]!.body), { id: "a", total: 1.5 });
  assert.equal(model.operations.placeOrder!.effect, "idempotent");
});

test("a key that the contract does not name goes into the header that the settings name", async () => {
  answers(200, "ok", { "content-type": "text/plain" });
  await call("sendForm", { a: "x" });
  assert.equal(seen[0]!.headers["idempotency-key"], undefined);
  const effects = { sendForm: { effect: "idempotent" as const, keyHeader: "Idempotency-Key" } };
  const shop = rest({ kind: "contract", model }, { connection: "http://127.0.0.1:1", effects });
  const keyed = definitionOf(shop)!.contract.operations.sendForm!;
  const context = { key: "key-2", attempt: 1, deadline: Date.now() + 5000, signal: new AbortController().signal };
  seen = [];
  await open().call(keyed, { a: "x" }, context);
  assert.equal(seen[0]!.headers["idempotency-key"], "key-2");
});

test("form bodies, bodies as a property, text, bytes and no answer at all", async () => {
  answers(200, "fine", { "content-type": "text/plain; charset=utf-8" });
  assert.deepEqual(await call("sendForm", { a: "x y", list: [1, 2], deep: { k: ["v"] }, json: { b: 1 } }), {
    ok: true,
    output: "fine",
  });
  assert.equal(seen[0]!.body, "a=x%20y&list=1&list=2&deep%5Bk%5D%5B0%5D=v&json=%7B%22b%22%3A1%7D");
  answers(202, "hi", { "content-type": "application/octet-stream" });
  assert.deepEqual(await call("putList", { body: [1, 2] }), { ok: true, output: Buffer.from("hi").toString("base64") });
  assert.equal(seen[0]!.body, "[1,2]");
  answer = (_, response) => response.writeHead(204).end();
  assert.deepEqual(await call("deleteOrder", { id: "1" }), { ok: true, output: null });
});

test("a wrong input is never sent", async () => {
  answers(200, "{}");
  const wrong = fails("contract-input", { outcome: "none", class: "give-up" });
  await assert.rejects(call("placeOrder", { id: 5, total: "hunter2" }), wrong);
  await assert.rejects(call("getOrder", { id: ".." }), wrong);
  await assert.rejects(call("getOrder", { id: "" }), wrong);
  await assert.rejects(call("getOrder", { id: "1", xTrace: "a\r\nx-evil: hunter2" }), wrong);
  await assert.rejects(
    call("getOrder", { id: "1", unknown: 1 }),
    fails("contract-input", {}, /shop\.getOrder.*"unknown"/),
  );
  assert.equal(seen.length, 0);
});

test("what is passed on is the text that came, where it fits as it is; everything else is read as ever", async () => {
  const client = open();
  const order = () => tell("getOrder", { id: "a" }, client);
  for (const type of ["application/json", "application/json; charset=utf-8", "application/json"]) {
    answers(200, '{"id": "a",  "total": 1.50}', { "content-type": type });
    assert.deepEqual(await order(), { ok: true, text: '{"id": "a",  "total": 1.50}' });
  }
  answers(200, '\ufeff{"id":"grün"}');
  assert.deepEqual(await order(), { ok: true, output: { id: "grün" } });
  answers(200, '{"id":"grün"}');
  assert.deepEqual(await order(), { ok: true, text: '{"id":"grün"}' });
  answers(200, '{"id":"a","other":1}');
  assert.deepEqual(await order(), { ok: true, output: { id: "a", other: 1 } });
  answers(200, '{"id":"a"}', {});
  assert.deepEqual(await order(), { ok: true, output: { id: "a" } });
  answers(404, '{"reason":"none"}');
  assert.equal((await order())?.ok, false);
  answers(200, '{"id":1}');
  await assert.rejects(async () => order(), fails("contract-output", { outcome: "unknown" }));
  answers(200, '{"id":"a"');
  await assert.rejects(async () => order(), fails("contract-output", { outcome: "unknown" }));
  answers(200, Buffer.from([0x7b, 0x22, 0x69, 0x64, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]));
  await assert.rejects(async () => order(), fails("contract-output", { outcome: "unknown" }));
  answers(200, '{"id":"a"}', { "content-type": "text/html" });
  await assert.rejects(async () => order(), fails("contract-output", { outcome: "unknown" }));
  answers(503, "");
  await assert.rejects(async () => order(), fails("rest-unavailable", {}));
  // Other forms of answers have no such way.
  answers(204, "");
  assert.deepEqual(await tell("deleteOrder", { id: "a" }, client), { ok: true, output: null });
});

test("a system that always sends more than its contract names is passed on again once it sends no more than that", async () => {
  const client = open();
  answers(200, '{"id":"a","other":1}');
  for (let n = 0; n < 100; n++) await tell("getOrder", { id: "a" }, client);
  answers(200, '{"id":"a"}');
  let reads = 1;
  for (; !("text" in ((await tell("getOrder", { id: "a" }, client)) ?? {})); reads++) assert.ok(reads < 40);
  assert.ok(reads > 1, "it was not looked at each time");
  assert.ok("text" in ((await tell("getOrder", { id: "a" }, client)) ?? {}));
});

test("a declared fault is a value; another answer with its status is not", async () => {
  answers(404, '{"reason":"gone"}', { "content-type": "application/problem+json" });
  assert.deepEqual(await call("getOrder", { id: "1" }), {
    ok: false,
    fault: { name: "notFound", message: "no such order", detail: { reason: "gone" } },
  });
  answers(404, "<html>hunter2</html>", { "content-type": "text/html" });
  await assert.rejects(
    call("getOrder", { id: "1" }),
    fails("rest-refused", { outcome: "none", class: "give-up" }, /404/),
  );
  answers(404, '{"why":"hunter2"}');
  await assert.rejects(call("getOrder", { id: "1" }), fails("contract-output", { outcome: "none" }));
});

test("statuses become the right class and outcome", async () => {
  const table: [status: number, headers: Record<string, string>, code: string, more: Partial<MortiseError>][] = [
    [500, {}, "rest-unavailable", { class: "retry", outcome: "unknown" }],
    [502, { "retry-after": "3" }, "rest-unavailable", { class: "retry", outcome: "unknown", retryAfterMs: 3000 }],
    [503, {}, "rest-unavailable", { class: "retry", outcome: "unknown" }],
    [503, { "retry-after": "2" }, "rest-wait", { class: "wait", outcome: "unknown", retryAfterMs: 2000 }],
    [429, {}, "rest-wait", { class: "wait", outcome: "none", retryAfterMs: 1000 }],
    [429, { "retry-after": "7" }, "rest-wait", { class: "wait", outcome: "none", retryAfterMs: 7000 }],
    [408, {}, "rest-unavailable", { class: "retry", outcome: "unknown" }],
    [425, {}, "rest-unavailable", { class: "retry", outcome: "none" }],
    [401, {}, "rest-refused", { class: "give-up", outcome: "none" }],
    [303, { location: "/x" }, "rest-refused", { class: "give-up", outcome: "unknown" }],
    [202, {}, "contract-output", { class: "ask", outcome: "unknown" }],
  ];
  for (const [status, headers, code, more] of table) {
    answers(status, '{"secret":"hunter2"}', { "content-type": "application/json", ...headers });
    await assert.rejects(call("getOrder", { id: "1" }), fails(code, more, /shop\.getOrder/));
  }
});

test("PD-6: what a system says of a failure in problem details is told in the error, without secrets, and changes nothing else", async () => {
  const problem = {
    type: "https://shop.example/locked",
    title: "Locked",
    detail: "tok-123 may not see 77-secret",
    status: "x",
  };
  const type = { "content-type": "application/problem+json; charset=utf-8" };
  const client = open({ credentials: { kind: "bearer", token: "tok-123" }, sensitive: ["getOrder.input.id"] });
  const said = 'saying "Locked: ••• may not see •••" (https://shop.example/locked)';
  for (const [status, code] of [
    [403, "rest-refused"],
    [500, "rest-unavailable"],
    [429, "rest-wait"],
  ] as const) {
    answers(status, JSON.stringify(problem), type);
    await assert.rejects(call("getOrder", { id: "77-secret" }, client), (error: MortiseError) => {
      assert.equal(error.code, code);
      assert.ok(error.message.includes(`status ${status}, ${said}`), error.message);
      assert.deepEqual(error.details, {
        problem: { type: problem.type, title: "Locked", detail: "••• may not see •••" },
      });
      return true;
    });
  }
  // A declared fault: a standard member of a wrong type is no reason to lose it.
  answers(404, '{"reason":"gone","status":"404","title":7}', type);
  assert.deepEqual(await call("getOrder", { id: "1" }), {
    ok: false,
    fault: { name: "notFound", message: "no such order", detail: { reason: "gone" } },
  });
  answers(500, "not JSON", type);
  await assert.rejects(call("getOrder", { id: "1" }), fails("rest-unavailable", { details: undefined }, /status 500:/));
});

test("an answer that does not fit asks, and is not quoted", async () => {
  const unfit = fails("contract-output", { class: "ask", outcome: "unknown" });
  answers(200, '{"id":5,"x":"hunter2"}');
  await assert.rejects(call("getOrder", { id: "1" }), unfit);
  answers(200, '{"id": hunter2}');
  await assert.rejects(call("getOrder", { id: "1" }), unfit);
  answers(200, "<id>hunter2</id>", { "content-type": "application/xml" });
  await assert.rejects(call("getOrder", { id: "1" }), unfit);
  answers(200, `${"[".repeat(5000)}`);
  await assert.rejects(call("getOrder", { id: "1" }), unfit);
});

test("credentials are sent, and settings that can't work are refused at once", async () => {
  answers(200, '{"id":"a"}');
  const sent = async (credentials: ResolvedSettings["credentials"]) => {
    await call("getOrder", { id: "1" }, open(credentials === undefined ? {} : { credentials }));
    return seen[0]!.headers;
  };
  assert.equal((await sent({ kind: "bearer", token: "t" })).authorization, "Bearer t");
  assert.equal((await sent({ kind: "basic", user: "u", password: "p" })).authorization, "Basic dTpw");
  assert.equal((await sent({ kind: "header", name: "X-Api-Key", value: "v" }))["x-api-key"], "v");
  const invalid = fails("connection-invalid", {});
  assert.throws(() => open({ connection: "ftp://x" }), invalid);
  assert.throws(() => open({ connection: "http://u:hunter2@x" }), invalid);
  assert.throws(
    () => open({ credentials: { kind: "username-token", user: "u", password: "hunter2", type: "text" } }),
    invalid,
  );
});

test("health is any answer", async () => {
  answers(500, "");
  assert.deepEqual(await open().health(new AbortController().signal), { healthy: true });
  const dead = await open({ connection: "http://127.0.0.1:1" }).health(new AbortController().signal);
  assert.equal(dead.healthy, false);
});

test("RL-8: Retry-After is seconds or a date seen from the sender's clock", () => {
  assert.equal(retryAfter("5", undefined), 5000);
  assert.equal(retryAfter("Wed, 01 Jan 2020 00:00:09 GMT", "Wed, 01 Jan 2020 00:00:00 GMT"), 9000);
  assert.equal(retryAfter("Wed, 01 Jan 2020 00:00:00 GMT", undefined), 0);
  assert.equal(retryAfter("999999999", undefined), 86_400_000);
  assert.equal(retryAfter("soon", undefined), undefined);
  assert.equal(retryAfter("99999999999999999999", undefined), 86_400_000);
  assert.equal(retryAfter("0.25", undefined), 250);
  for (const text of ["Wed, 01 Jan 2020 00:00:09 GMT", "Wednesday, 01-Jan-20 00:00:09 GMT", "Wed Jan  1 00:00:09 2020"])
    assert.equal(retryAfter(text, "Wed Jan  1 00:00:00 2020"), 9000, text);
  for (const text of ["-5", "+5", "1.5.0", "12, 30", "soon 5", "5 May", "2001-05", ""])
    assert.equal(retryAfter(text, undefined), undefined, text);
});

test("a system that says to come again at once, or at a time that is over, is repeated like any other: it does not wait without end", async () => {
  for (const pause of ["0", "Wed, 01 Jan 2020 00:00:00 GMT", "-5"]) {
    answers(503, "", { "retry-after": pause });
    const unavailable = { code: "rest-unavailable", class: "retry", outcome: "unknown", retryAfterMs: undefined };
    await assert.rejects(call("getOrder", { id: "1" }), unavailable, pause);
    answers(429, "", { "retry-after": pause });
    const wait = { code: "rest-wait", class: "wait", outcome: "none", retryAfterMs: 1000 };
    await assert.rejects(call("getOrder", { id: "1" }), wait, pause);
  }
});

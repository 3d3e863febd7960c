/** Bodies and credentials of REST calls against a real server: multipart, sequences, several answers, OAuth, servers of operations. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";
import type { ContractModel } from "../contract/model.ts";
import { one } from "../contract/read/openapi-harness.test.ts";
import { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import type { Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import type { Client } from "./connector.ts";
import { restConnector } from "./rest.ts";
import type { ResolvedSettings } from "./system.ts";

const seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: Buffer }[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let model: ContractModel;
let address: string;
const outbound = createOutbound();
const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    seen.push({ method: request.method!, url: request.url!, headers: request.headers, body: Buffer.concat(parts) });
    answer(request, response);
  });
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  model = await one(
    `
servers: [{ url: https://api.example }]
paths:
  /upload:
    post:
      operationId: upload
      requestBody: { required: true, content: { multipart/form-data: { schema: { type: object, required: [file], properties: { file: { type: string, contentMediaType: image/png }, tags: { type: array, items: { type: string } }, meta: { type: object } } } } } }
      responses: { "204": { description: ok } }
  /picture: { post: { operationId: picture, requestBody: { content: { multipart/form-data: { schema: { type: object, required: [file], properties: { file: { type: string, format: binary }, note: { type: string } } }, encoding: { file: { contentType: "image/*, image/webp, image/png" }, note: { contentType: "text/x-note, text/*" } } } } }, responses: { "204": { description: ok } } } }
  /lines:
    post:
      operationId: lines
      requestBody: { content: { application/x-ndjson: { itemSchema: { type: object } } } }
      responses: { "200": { description: ok, content: { application/json-seq: { itemSchema: { type: integer } } } } }
  /events: { get: { operationId: events, responses: { "200": { description: ok, content: { text/event-stream: { itemSchema: { type: object, properties: { data: { type: string }, id: { type: string } } } } } } } } }
  /feed: { get: { operationId: feed, responses: { "200": { description: ok, content: { text/event-stream: {} } } } } }
  /search: { post: { operationId: search, requestBody: { content: { application/x-www-form-urlencoded: { schema: { type: string } } } }, responses: { "204": { description: ok } } } }
  /several: { get: { operationId: several, responses: { "200": { description: ok, content: { application/json: { schema: { type: object, required: [id] } } } }, "202": { description: later } } } }
  /any: { get: { operationId: any, responses: { "200": { description: ok, content: { "*/*": { schema: { type: string } } } } } } }
  /cookie: { get: { operationId: cookie, parameters: [{ name: c, in: cookie, schema: { type: string } }], responses: { "204": { description: ok } } } }
  /far: { get: { operationId: far, servers: [{ url: https://far.example/v2 }], responses: { "204": { description: ok } } } }
  /near: { get: { operationId: near, servers: [{ url: /other }], responses: { "204": { description: ok } } } }`,
    "3.2.0",
  );
});
beforeEach(() => {
  seen.length = 0;
  answer = (_, response) => response.writeHead(204).end();
});
after(async () => {
  await outbound.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(more: Partial<ResolvedSettings> = {}): Client {
  const settings: ResolvedSettings = {
    name: "shop",
    connection: `${address}/api`,
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
  const { signal } = new AbortController();
  return client.call(model.operations[name]!, input, { key: "k", attempt: 1, deadline: Date.now() + 5000, signal });
}

function answers(body: string, type: string, status = 200): void {
  answer = (_, response) => response.writeHead(status, { "content-type": type }).end(body);
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof MortiseError);
  assert.equal(error.code, expected, error.message);
  assert.doesNotMatch(error.message, /hunter2/);
  return true;
};

test("a multipart body is read by another implementation as it was meant", async () => {
  const bytes = Buffer.from([0, 255, 13, 10, 45, 45, 1]);
  await call("upload", { file: bytes.toString("base64"), tags: ["a", 'b"\r\nx-evil: 1'], meta: { n: [1] } });
  const { body, headers } = seen[0]!;
  const form = await new Response(body, { headers: { "content-type": headers["content-type"]! } }).formData();
  const file = form.get("file") as File;
  assert.deepEqual(Buffer.from(await file.arrayBuffer()), bytes);
  assert.equal(file.type, "application/octet-stream");
  assert.deepEqual(form.getAll("tags"), ["a", 'b"\r\nx-evil: 1']);
  assert.equal(
    form.get("meta") instanceof File ? await (form.get("meta") as File).text() : form.get("meta"),
    '{"n":[1]}',
  );
});

test("a part whose contract takes several types has one of them", async () => {
  await call("picture", { file: "YQ==", note: "a" });
  const form = await new Response(seen[0]!.body, {
    headers: { "content-type": seen[0]!.headers["content-type"]! },
  }).formData();
  assert.equal((form.get("file") as File).type, "image/webp");
  assert.match(String(seen[0]!.body), /Content-Type: text\/x-note\r\n/);
});

test("sequences of items are lists: JSON Lines out, JSON text sequences and server-sent events in", async () => {
  answers("\u001e1\n\u001e2\n", "application/json-seq");
  assert.deepEqual(await call("lines", { body: [{ a: 1 }, { b: "x\ny" }] }), { ok: true, output: [1, 2] });
  assert.equal(seen[0]!.body.toString(), '{"a":1}\n{"b":"x\\ny"}\n');
  answers('\u001e1\n\u001e"x"\n', "application/json-seq");
  await assert.rejects(call("lines", { body: [] }), code("contract-output"));
  answers(": hi\nid: 1\ndata: a\ndata: b\n\ndata: c\r\n\r\ndata: cut", "text/event-stream");
  assert.deepEqual(await call("events", {}), { ok: true, output: [{ id: "1", data: "a\nb" }, { data: "c" }] });
});

test("an answer is checked by its own status; what is declared as any type is read as what it is", async () => {
  answers("{}", "application/json");
  await assert.rejects(call("several", {}), code("contract-output"));
  answers("", "application/json", 202);
  assert.deepEqual(await call("several", {}), { ok: true, output: null });
  answers("plain", "text/plain");
  assert.deepEqual(await call("any", {}), { ok: true, output: "plain" });
  answers('"json"', "application/json");
  assert.deepEqual(await call("any", {}), { ok: true, output: "json" });
});

test("the accept header names what is declared, the media type of success first", async () => {
  answers("data: x\n\n", "text/event-stream");
  await call("events", {});
  assert.equal(seen[0]!.headers.accept, "text/event-stream, application/json, */*;q=0.5");
});

test("API keys in the query and in a cookie", async () => {
  await call("cookie", { c: "1; x=2" }, open({ credentials: { kind: "query", name: "api key", value: "a&b" } }));
  await call("cookie", { c: "1" }, open({ credentials: { kind: "cookie", name: "sid", value: "s;t" } }));
  assert.equal(seen[0]!.url, "/api/cookie?api%20key=a%26b");
  assert.equal(seen[0]!.headers.cookie, "c=1%3B%20x%3D2");
  assert.equal(seen[1]!.headers.cookie, "sid=s%3Bt; c=1");
});

test("OAuth client credentials: one token for many calls, a new one where it is refused, nothing sent without", async () => {
  let tokens = 0;
  let good = "t1";
  answer = (request, response) => {
    if (request.url === "/token")
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ access_token: `t${++tokens}`, token_type: "Bearer", expires_in: 3600 }));
    else response.writeHead(request.headers.authorization === `Bearer ${good}` ? 204 : 401).end();
  };
  const credentials = {
    kind: "oauth",
    tokenUrl: `${address}/token`,
    client: "me:you",
    secret: "hunter2",
    scopes: ["a", "b"],
    auth: "basic",
  } as const;
  const client = open({ credentials });
  await Promise.all([call("cookie", {}, client), call("cookie", {}, client)]);
  assert.equal(tokens, 1);
  const asked = seen.find(({ url }) => url === "/token")!;
  assert.equal(asked.body.toString(), "grant_type=client_credentials&scope=a+b");
  assert.equal(Buffer.from(asked.headers.authorization!.slice(6), "base64").toString(), "me%3Ayou:hunter2");
  good = "t2";
  assert.deepEqual(await call("cookie", {}, client), { ok: true, output: null });
  assert.equal(tokens, 2);
  good = "none";
  await assert.rejects(call("cookie", {}, client), code("rest-refused"));
  answer = (_, response) => response.writeHead(400).end("hunter2");
  seen.length = 0;
  await assert.rejects(call("cookie", {}, open({ credentials })), code("oauth-token"));
  assert.deepEqual(
    seen.map(({ url }) => url),
    ["/token"],
  );
  for (const status of [301, 302, 307, 308]) {
    answer = (_, response) => response.writeHead(status, { location: `${address}/other` }).end();
    seen.length = 0;
    // Not worth a repeat, so nobody asks again with the secret.
    await assert.rejects(call("cookie", {}, open({ credentials })), (error: MortiseError) => {
      assert.deepEqual([error.code, error.class, error.outcome], ["oauth-token", "give-up", "none"]);
      assert.match(error.message, /redirects.*the tokenUrl must be the final one/);
      return true;
    });
    assert.deepEqual(
      seen.map(({ url }) => url),
      ["/token"],
    );
  }
  assert.throws(
    () => open({ credentials: { ...credentials, tokenUrl: "http://example.com/t" } }),
    code("connection-invalid"),
  );
});

test("a server of an operation's own is called only where the connection names it", async () => {
  await call("near", {});
  assert.equal(seen[0]!.url, "/other/near");
  await assert.rejects(call("far", {}), code("connection-invalid"));
  await call("far", {}, open({ servers: { "https://far.example/v2": `${address}/far` } }));
  assert.equal(seen[1]!.url, "/far/far");
});

test("events whose items the contract does not describe come as their text; a form that is a text goes as it is", async () => {
  answers("data: a=1\n\n", "text/event-stream");
  assert.deepEqual(await call("feed", {}), { ok: true, output: "data: a=1\n\n" });
  answer = (_, response) => response.writeHead(204).end();
  await call("search", { body: "text=two%20words&n=1" });
  assert.equal(seen.at(-1)?.body.toString(), "text=two%20words&n=1");
});

test("a text is read in the encoding that its sender states, and is no text in another one", async () => {
  const latin = Buffer.from("Müller", "latin1");
  const sends = (type: string, body: Uint8Array) => {
    answer = (_, response) => response.writeHead(200, { "content-type": type }).end(body);
  };
  sends("text/plain; charset=ISO-8859-1", latin);
  assert.deepEqual(await call("any", {}), { ok: true, output: "Müller" });
  const xml = '<?xml version="1.0" encoding="iso-8859-1"?><a>Müller</a>';
  sends("application/xml", Buffer.from(xml, "latin1"));
  assert.deepEqual(await call("any", {}), { ok: true, output: xml });
  for (const type of ["text/plain", "text/plain; charset=utf-8", "text/plain; charset=x-nobody-knows"]) {
    sends(type, latin);
    await assert.rejects(call("any", {}), code("contract-output"), type);
  }
});

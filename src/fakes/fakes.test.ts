/** Fakes over their real protocols: what they answer, remember and refuse, and what goes wrong when a rule says so. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { restConnector } from "../connectors/rest.ts";
import { soapConnector } from "../connectors/soap.ts";
import { sqlConnector } from "../connectors/sql.ts";
import type { ResolvedSettings } from "../connectors/system.ts";
import { openWebhookSecret, verifyWebhook } from "../connectors/webhook.ts";
import type { ContractModel } from "../contract/model.ts";
import { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import type { CallResult, Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { callAll } from "./call-all.ts";
import { openContract } from "./open.ts";
import { type Rule, ruleFor, ruleOf } from "./rules.ts";
import { type Served, type ServeOptions, serveFake } from "./serve.ts";
import { makeFakeDatabase } from "./sql.ts";

const systems = join(import.meta.dirname, "../../examples/harbour-supply/systems");
const shelf = join(import.meta.dirname, "fixtures/shelf.yaml");
const folder = mkdtempSync(join(tmpdir(), "mortise-fakes-"));
const outbound = createOutbound();
const open: Served[] = [];

after(async () => {
  await Promise.all(open.map((fake) => fake.close()));
  await outbound.close();
  rmSync(folder, { recursive: true, force: true });
});

async function served(file: string, options: ServeOptions = {}): Promise<Served> {
  const { model } = await openContract(file, "fake");
  const fake = await serveFake(model, options);
  open.push(fake);
  return fake;
}

function settings(connection: string): ResolvedSettings {
  return {
    name: "fake",
    connection,
    timeoutMs: 5000,
    concurrency: 1,
    maxResponseBytes: 1 << 20,
    internal: true,
    sensitive: [],
  };
}

/** Calls an operation through the real client. */
function clientOf(model: ContractModel, connection: string) {
  const soap = Object.values(model.operations).some(({ binding }) => binding.protocol === "soap");
  const sql = Object.values(model.operations).some(({ binding }) => binding.protocol === "sql");
  const connector = sql ? sqlConnector : soap ? soapConnector : restConnector;
  const client = connector.open(model, settings(connection), { outbound, project: folder });
  let calls = 0;
  return (name: string, input: Json, key = `key-${++calls}`): Promise<CallResult> =>
    client.call(model.operations[name]!, input, {
      key,
      attempt: 1,
      deadline: Date.now() + 5000,
      signal: new AbortController().signal,
    });
}

async function shop(options: ServeOptions = {}) {
  const fake = await served(shelf, options);
  return { fake, call: clientOf(fake.system.model, fake.url) };
}

async function fetched(url: string, init?: RequestInit) {
  const response = await fetch(url, { ...init, headers: { connection: "close", ...init?.headers } });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === "" ? null : (JSON.parse(text) as unknown),
  };
}

async function failed(call: Promise<unknown>): Promise<MortiseError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof MortiseError, "it should have failed");
  return error;
}

test("every operation of the example's contracts can be called on its fake, and so can each of its faults", async () => {
  for (const contract of ["shop/openapi.yaml", "payments/openapi.yaml", "erp/erp.wsdl"]) {
    const { model } = await openContract(join(systems, contract), "fake");
    for (const called of await callAll(model)) {
      assert.deepEqual(
        { contract, operation: called.operation, reason: called.reason },
        { contract, operation: called.operation, reason: undefined },
      );
      assert.deepEqual(called.faults.reasons, []);
      assert.equal(called.faults.called, called.faults.declared);
    }
  }
});

test("parameters of every style come through as they were sent", async () => {
  const { fake, call } = await shop();
  const input = {
    id: "a b/c",
    csv: [1, 2],
    piped: ["x", "y z"],
    deep: { a: { b: "1" }, list: ["p", "q"] },
    open: { color: "red", size: 3 },
    xLimit: 7,
    flag: true,
    matrix: { k: "v" },
  };
  assert.equal((await call("everyStyle", input)).ok, true);
  assert.deepEqual(fake.requests.at(-1)?.input, input);
  const form = { name: "Ann & Bob", tags: ["a", "b"], meta: { deep: [1] } };
  assert.equal((await call("sendForm", form)).ok, true);
  assert.deepEqual(fake.requests.at(-1)?.input, form);
});

test("bodies of parts, sequences, whole queries and answers of several statuses come through too", async () => {
  const fake = await served(join(import.meta.dirname, "fixtures/wire.yaml"));
  const call = clientOf(fake.system.model, fake.url);
  const sent = async (operation: string, input: Json) => {
    const result = await call(operation, input);
    assert.deepEqual(fake.requests.at(-1)?.input, input);
    return result.ok ? result.output : result;
  };
  const file = Buffer.from([0, 13, 10, 45, 45, 255]).toString("base64");
  assert.equal(await sent("upload", { file, tags: ["a", "b"], count: 3, meta: { deep: [1] } }), null);
  assert.ok(Array.isArray(await sent("lines", { body: [{ n: 1 }, { n: 2 }] })));
  assert.equal(await sent("search", { filter: { a: "x y", b: 4 } }), null);
  for (const output of [{ ready: true }, { after: 5 }, null] as Json[]) {
    fake.rules.add({ operation: "several", times: 1, effect: { kind: "output", output } });
    assert.deepEqual(await sent("several", { id: "1" }), output);
  }
  const statuses = fake.requests.slice(-3).map(({ status }) => status);
  assert.deepEqual(statuses, [200, 202, 204]);
  assert.deepEqual(
    (await callAll(fake.system.model)).filter(({ ok }) => !ok),
    [],
  );
});

test("an example that the contract gives for an answer comes first, where it is valid", async () => {
  const fake = await served(join(import.meta.dirname, "fixtures/wire.yaml"), { seed: 9 });
  const call = clientOf(fake.system.model, fake.url);
  assert.deepEqual(await call("stated", {}), { ok: true, output: { name: "Rope" } });
  const detail = async (name: string) => {
    fake.rules.add(ruleFor("stated", `fault:${name}*1`));
    const result = await call("stated", {});
    return result.ok ? undefined : result.fault.detail;
  };
  assert.deepEqual(await detail("conflict"), { n: 7 });
  assert.equal(typeof ((await detail("notFound")) as { n: number }).n, "number");
});

test("what is created is read, listed, changed and deleted, and then it is gone as the contract says", async () => {
  const { call } = await shop();
  const made = (await call("createItem", { name: "rope", price: 12.5 })) as {
    ok: true;
    output: { id: number; name: string };
  };
  assert.equal(made.output.name, "rope");
  const { id } = made.output;
  const other = (await call("createItem", { name: "hook", price: 1 })) as { ok: true; output: { id: number } };
  assert.notEqual(other.output.id, id);
  const read = (await call("getItem", { itemId: id })) as { ok: true; output: Json };
  assert.deepEqual(read.output, made.output);
  const list = (await call("listItems", {})) as { ok: true; output: { items: { id: number }[]; total: number } };
  assert.ok(list.output.items.some((item) => item.id === id));
  assert.equal(list.output.total, list.output.items.length);
  await call("changeItem", { itemId: id, price: 13 });
  assert.deepEqual(await call("getItem", { itemId: id }), { ok: true, output: { ...made.output, price: 13 } });
  assert.equal((await call("deleteItem", { itemId: id })).ok, true);
  const gone = (await call("getItem", { itemId: id })) as Extract<CallResult, { ok: false }>;
  assert.equal(gone.fault.name, "notFound");
  assert.deepEqual(gone.fault.detail, { message: "There is no such thing." });
  const left = (await call("listItems", {})) as { ok: true; output: { items: { id: number }[] } };
  assert.ok(!left.output.items.some((item) => item.id === id));
});

test("what nobody created is made up and stays, or is missing where the fake is told so", async () => {
  const { call } = await shop();
  const first = (await call("getItem", { itemId: 77 })) as { ok: true; output: { id: number } };
  assert.equal(first.output.id, 77);
  assert.deepEqual(await call("getItem", { itemId: 77 }), first);
  const strict = await shop({ unknown: "missing" });
  assert.equal((await strict.call("getItem", { itemId: 77 })).ok, false);
  assert.deepEqual(await strict.call("listItems", {}), { ok: true, output: { items: [], total: 0 } });
});

test("a repeat under the same effect key gets the first answer, and creates nothing", async () => {
  const { call } = await shop({ unknown: "missing" });
  const first = await call("createItem", { name: "rope", price: 1 }, "one-key");
  assert.deepEqual(await call("createItem", { name: "rope", price: 1 }, "one-key"), first);
  const list = (await call("listItems", {})) as { ok: true; output: { items: Json[] } };
  assert.equal(list.output.items.length, 1);
});

test("a request without the effect key that the contract requires is refused, and one without an optional key is not", async () => {
  const payments = await served(join(systems, "payments/openapi.yaml"));
  const json = { "content-type": "application/json" };
  const body = JSON.stringify({ reference: "R-1", amount: "12.50", currency: "EUR", token: "tok" });
  const ask = (headers: Record<string, string>) =>
    fetched(`${payments.url}/payments`, { method: "POST", headers: { ...json, ...headers }, body });
  const without = await ask({});
  assert.equal(without.status, 422);
  assert.match(JSON.stringify(without.body), /does not fit the contract: it lacks the header Idempotency-Key\./);
  assert.match(payments.requests.at(-1)?.problem ?? "", /lacks the header Idempotency-Key/);
  assert.equal((await ask({ "idempotency-key": "" })).status, 422);
  assert.equal((await ask({ "idempotency-key": "a" })).status, 201);
  const { fake } = await shop();
  const item = await fetched(`${fake.url}/items`, {
    method: "POST",
    headers: json,
    body: '{"name":"rope","price":1}',
  });
  assert.equal(item.status, 201);
});

test("a wrong request gets the declared fault, or a problem that says what is wrong", async () => {
  const { fake } = await shop();
  const { url } = fake;
  const json = { method: "POST", headers: { "content-type": "application/json" } };
  const declared = await fetched(`${url}/items`, { ...json, body: '{"name":"rope","price":"cheap"}' });
  assert.equal(declared.status, 422);
  assert.match((declared.body as { message: string }).message, /\/price must be number/);
  const undeclared = await fetched(`${url}/items/1`, { ...json, method: "PATCH", body: '{"price":true}' });
  assert.equal(undeclared.status, 400);
  assert.equal(undeclared.headers.get("content-type"), "application/problem+json");
  assert.deepEqual((undeclared.body as { errors: unknown }).errors, [{ pointer: "/price", message: "must be number" }]);
  assert.equal((await fetched(`${url}/items`, { ...json, body: "{" })).status, 422);
  assert.equal((await fetched(`${url}/items/x`)).status, 400);
  const method = await fetched(`${url}/items`, { method: "PUT" });
  assert.equal(method.status, 405);
  assert.equal(method.headers.get("allow"), "GET, POST");
  assert.equal((await fetched(`${url}/nowhere`)).status, 404);
  assert.match(fake.requests.at(-1)?.problem ?? "", /no operation of the contract matches/);
  assert.equal((await fetched(`${url}/v2/items?surprise=1`)).status, 200, "the contract's own base path is understood");
  assert.deepEqual(fake.requests.at(-1)?.notes, ['the query parameter "surprise" is not in the contract']);
});

test("SOAP: a wrong request is the sender's fault, in the version that it was asked in", async () => {
  const fake = await served(join(systems, "erp/erp.wsdl"));
  const post = (body: string, type = "text/xml") =>
    fetch(fake.url, { method: "POST", headers: { "content-type": type, connection: "close" }, body }).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
    );
  const envelope = (version: string, inside: string) =>
    `<e:Envelope xmlns:e="${version}"><e:Body>${inside}</e:Body></e:Envelope>`;
  const soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
  const order =
    '<n:createSalesOrder xmlns:n="urn:harbour-supply:erp:sales"><n:reference>R</n:reference></n:createSalesOrder>';
  const wrong = await post(envelope(soap11, order));
  assert.equal(wrong.status, 500);
  assert.match(
    wrong.text,
    /<faultcode>soap:Client<\/faultcode><faultstring>.*lacks the property "currency"|lacks the property/,
  );
  assert.match((await post(envelope(soap11, "<x/>"))).text, /none of the contract's operations: its body holds \{\}x/);
  const other = await post(envelope("http://www.w3.org/2003/05/soap-envelope", order), "application/soap+xml");
  assert.equal(other.status, 400);
  assert.match(other.text, /<soap:Value>soap:VersionMismatch<\/soap:Value>/);
  assert.match((await post("<not")).text, /the request is not readable XML/);
});

test("a status that the contract declares, by itself or by default, is answered as its system would", async () => {
  const file = join(folder, "declared.yaml");
  const failed404 =
    "{ description: none, content: { application/json: { schema: { type: object, required: [what], properties: { what: { type: string } } } } } }";
  const other =
    "{ description: else, content: { application/json: { schema: { type: object, required: [error], properties: { error: { type: string } } } } } }";
  writeFileSync(
    file,
    `openapi: 3.1.0
info: { title: Declared, version: "1" }
paths:
  /a: { post: { operationId: pay, responses: { "204": { description: done }, "404": ${failed404}, default: ${other} } } }
  /b: { post: { operationId: tell, responses: { "204": { description: done } } } }
`,
  );
  const fake = await served(file);
  const call = clientOf(fake.system.model, fake.url);
  const answer = async (status: number, operation = "pay") => {
    fake.rules.add(ruleFor(operation, `${status}*1`));
    return call(operation, {});
  };
  const faults = [];
  for (const status of [404, 402]) {
    const result = await answer(status);
    assert.ok(!result.ok);
    faults.push([result.fault.name, Object.keys(result.fault.detail as object)]);
  }
  assert.deepEqual(faults, [
    ["notFound", ["what"]],
    ["otherFault", ["error"]],
  ]);
  assert.equal((await failed(answer(402, "tell"))).code, "rest-refused");
  assert.equal((await failed(answer(503))).code, "rest-unavailable");
});

test("rules: so many times, this status, that fault, an answer of one's own, a function", async () => {
  const { fake, call } = await shop({ rules: [ruleOf("getItem=503*2")] });
  assert.equal((await failed(call("getItem", { itemId: 1 }))).code, "rest-unavailable");
  assert.equal((await failed(call("getItem", { itemId: 1 }))).code, "rest-unavailable");
  assert.equal((await call("getItem", { itemId: 1 })).ok, true);
  fake.rules.add(ruleFor("getItem", "429:30s*1"));
  const wait = await failed(call("getItem", { itemId: 1 }));
  assert.deepEqual([wait.class, wait.outcome, wait.retryAfterMs], ["wait", "none", 30_000]);
  fake.rules.add(ruleFor("getItem", "fault:notFound*1"));
  assert.equal((await call("getItem", { itemId: 1 })).ok, false);
  const output = { id: 5, name: "mine", price: 2 };
  fake.rules.add({ operation: "getItem", times: 1, effect: { kind: "output", output } });
  assert.deepEqual(await call("getItem", { itemId: 1 }), { ok: true, output });
  fake.rules.add({
    operation: "getItem",
    effect: {
      kind: "function",
      act: (input, { times }) => ({
        kind: "result",
        result: { ok: true, output: { id: (input as { itemId: number }).itemId, name: `call ${times}`, price: 1 } },
      }),
    },
  });
  assert.deepEqual(await call("getItem", { itemId: 9 }), { ok: true, output: { id: 9, name: "call 7", price: 1 } });
});

test("rules that can't be meant are refused with the reason", async () => {
  const { fake } = await shop();
  const refused = (rule: () => Rule, reason: RegExp) => {
    assert.throws(
      () => (fake as unknown as { rule(rule: Rule): void }).rule(rule()),
      (error: MortiseError) => error.code === "fake-rule" && reason.test(error.message),
    );
  };
  refused(() => ruleOf("getIten=503"), /no operation "getIten"; is getItem meant\?/);
  refused(() => ruleOf("getItem=fault:Nope"), /declares these faults: notFound/);
  refused(() => ruleOf("getItem"), /operation=what/);
  refused(() => ruleOf("getItem=sometimes"), /is not known/);
  refused(() => ruleOf("getItem=delay:1y"), /no duration/);
  refused(
    () => ({ operation: "getItem", effect: { kind: "output", output: { id: "x" } } }),
    /does not fit the contract/,
  );
  refused(() => ({ operation: "*", effect: { kind: "fault", name: "notFound" } }), /of one operation/);
});

test("the connection is cut before or after the system acts, a body is slow, an answer is broken", async () => {
  const { fake, call } = await shop({ unknown: "missing" });
  const count = async () =>
    ((await call("listItems", {})) as { ok: true; output: { items: Json[] } }).output.items.length;
  fake.rules.add(ruleFor("createItem", "drop:before*1"));
  const before = await failed(call("createItem", { name: "a", price: 1 }));
  assert.equal(before.outcome, "unknown");
  assert.equal(await count(), 0);
  fake.rules.add(ruleFor("createItem", "drop:after*1"));
  assert.equal((await failed(call("createItem", { name: "a", price: 1 }))).outcome, "unknown");
  assert.equal(await count(), 1);
  fake.rules.add(ruleFor("listItems", "malformed*1"));
  assert.equal((await failed(call("listItems", {}))).code, "contract-output");
  fake.rules.add(ruleFor("listItems", "slow:60ms*1"));
  assert.equal(await count(), 1);
  assert.ok(fake.requests.at(-1)!.ms >= 50);
  fake.rules.add(ruleFor("listItems", "delay:30ms*1"));
  assert.equal(await count(), 1);
  assert.ok(fake.requests.at(-1)!.ms >= 25);
});

test("a fake that is told to wait closes at once all the same", async () => {
  const { fake, call } = await shop({ rules: [ruleOf("*=delay:10m")] });
  const waiting = failed(call("listItems", {}));
  const asked = await fetched(`${fake.url}/_fake/rules`);
  assert.equal((asked.body as { does: string }[])[0]?.does, "delay:600000ms");
  await fake.close();
  assert.equal((await waiting).outcome, "unknown");
});

test("rules are set, shown and taken away while it runs, by this machine and by no page in a browser", async () => {
  const { fake, call } = await shop();
  const send = (path: string, method: string, body: object, headers = {}) =>
    fetched(`${fake.url}/_fake${path}`, {
      method,
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  const added = await send("/rules", "POST", { operation: "getItem", does: "503*2" });
  assert.equal(added.status, 201);
  assert.deepEqual(added.body, [{ operation: "getItem", does: "503", left: 2 }]);
  assert.equal((await failed(call("getItem", { itemId: 1 }))).code, "rest-unavailable");
  await send("/rules", "DELETE", {});
  assert.equal((await call("getItem", { itemId: 1 })).ok, true);
  await send("/rules", "POST", { operation: "getItem", output: { id: 1, name: "told", price: 0 }, times: 1 });
  assert.deepEqual(await call("getItem", { itemId: 1 }), { ok: true, output: { id: 1, name: "told", price: 0 } });
  assert.match(
    JSON.stringify((await send("/rules", "POST", { operation: "getItem", fault: "Nope" })).body),
    /declares these faults/,
  );
  assert.equal(
    (await send("/rules", "POST", { operation: "getItem", does: "503" }, { "content-type": "text/plain" })).status,
    415,
  );
  const overview = (await fetched(`${fake.url}/_fake`)).body as { operations: { name: string; curl: string }[] };
  assert.match(
    overview.operations.find(({ name }) => name === "getItem")!.curl,
    /^curl http:\/\/127\.0\.0\.1:\d+\/items\/\d+$/,
  );
  assert.equal(((await fetched(`${fake.url}/_fake/requests`)).body as unknown[]).length, 3);
  const event = await send("/events/restocked", "POST", {});
  assert.deepEqual(Object.keys((event.body as { payloads: object[] }).payloads[0]!), ["item"]);
  await send("/reset", "POST", {});
  assert.deepEqual(fake.requests, []);
});

test("a name that a page could rebind is no way to the control endpoint", async () => {
  const { fake } = await shop();
  const { request } = await import("node:http");
  const status = await new Promise<number>((resolve, reject) => {
    request(`${fake.url}/_fake`, { headers: { host: "evil.example", connection: "close" } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    })
      .on("error", reject)
      .end();
  });
  assert.equal(status, 403);
});

test("a port that is taken is a clear error", async () => {
  const { fake } = await shop();
  const error = await failed(shop({ port: fake.port }));
  assert.equal(error.code, "fake-port");
  assert.match(error.message, /127\.0\.0\.1:\d+: something listens there already/);
});

test("a webhook is sent as the system would: signed, with a payload of the contract", async () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const came: { body: Json; id: string }[] = [];
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const body = Buffer.concat(parts);
      const { id } = verifyWebhook({
        headers: req.headers,
        body,
        secret: openWebhookSecret(secret, "fake"),
        now: Date.now(),
      });
      came.push({ body: JSON.parse(body.toString()) as Json, id });
      res.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const { fake } = await shop({ events: { url, secret } });
    const { statuses } = await fake.events.emit("restocked", { count: 2 });
    assert.deepEqual(statuses, [204, 204]);
    assert.notDeepEqual(came[0], came[1]);
    const own = { item: { id: 3, name: "n", price: 1 } };
    await fake.events.emit("restocked", { payload: own });
    assert.deepEqual(came[2]?.body, own);
    assert.match((await failed(fake.events.emit("restocked", { payload: {} }))).message, /lacks the property "item"/);
    assert.match((await failed(fake.events.emit("gone"))).message, /the contract has restocked/);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("an event of a CSV contract is a file in the folder, with rows that the contract's reader takes", async () => {
  const { model } = await openContract(join(systems, "carrier/shipments.csvw.json"), "carrier");
  const to = join(folder, "drop");
  const fake = await serveFake(model, { events: { folder: to } });
  open.push(fake);
  const { file, payloads } = await fake.events.emit("shipped", { count: 3 });
  const [header, ...rows] = readFileSync(file!, "utf8").trim().split("\r\n");
  assert.equal(header, "order_id,tracking,carrier,weight_kg,shipped_at");
  assert.equal(rows.length, 3);
  const first = payloads[0] as Record<string, string>;
  assert.equal(rows[0], [first.orderId, first.tracking, first.carrier, first.weightKg, first.shippedAt].join(","));
});

test("a fake database has the contract's tables with rows that hold together, and its statements run on it", async () => {
  const opened = await openContract(join(systems, "warehouse/warehouse.sql"), "warehouse");
  const file = join(folder, "warehouse.db");
  const made = await makeFakeDatabase(opened, { file, rows: 5 });
  assert.deepEqual(made.tables, { stock: 5, holds: 5 });
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(file);
  const { sku, on_hand } = database.prepare("select sku, on_hand from stock order by rowid limit 1").get() as {
    sku: string;
    on_hand: number;
  };
  assert.deepEqual(database.prepare("pragma foreign_key_check").all(), []);
  database.close();
  const call = clientOf(opened.model, file);
  const stock = (await call("getStock", { sku })) as { ok: true; output: { onHand: number } };
  assert.equal(stock.output.onHand, on_hand);
  assert.equal((await call("reserveStock", { lines: [{ sku, quantity: 1 }] })).ok, true);
  assert.match((await failed(makeFakeDatabase(opened, { file }))).message, /it is there already/);
  const again = await makeFakeDatabase(opened, { file: join(folder, "again.db"), rows: 5 });
  const other = new DatabaseSync(again.file);
  assert.equal(other.prepare("select sku from stock order by rowid limit 1").get()?.sku, sku, "stable by the seed");
  other.close();
});

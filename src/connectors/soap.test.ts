import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { listen, type Server as SoapServer } from "soap";
import type { ContractModel, OperationModel } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import { MortiseError } from "../errors.ts";
import { attributeOf, parseXml, type XmlElement } from "../formats/xml.ts";
import { createServer } from "../http.ts";
import type { CallContext, CallResult, Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import type { Client } from "./connector.ts";
import { soapConnector } from "./soap.ts";
import type { ResolvedSettings } from "./system.ts";
import { passwordDigest } from "./ws-security.ts";

const folder = fileURLToPath(new URL("../contract/read/fixtures/wsdl/", import.meta.url));
const orders = "urn:example:erp:orders";
const soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
const outbound = createOutbound();
let erp: ContractModel;
let server: Server;
let base: string;

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
/** What the server answers next, and what it was sent last. */
let answer: Answer = {};
let seen: { request: IncomingMessage; body: string } | undefined;
let requests = 0;

before(async () => {
  erp = await readWsdl(await openSource(`${folder}erp/erp.wsdl`), "erp");
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      requests += 1;
      seen = { request, body: Buffer.concat(chunks).toString("utf8") };
      const { status = 200, type = "text/xml; charset=utf-8", headers = {}, body = "" } = answer;
      response.writeHead(status, { "content-type": type, ...headers }).end(body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  await outbound.close();
  server.close();
});

function settings(extra: Partial<ResolvedSettings> = {}): ResolvedSettings {
  return {
    name: "erp",
    connection: `${base}/orders`,
    timeoutMs: 5000,
    concurrency: 4,
    maxResponseBytes: 1_000_000,
    internal: true,
    sensitive: [],
    ...extra,
  };
}

function open(model: ContractModel = erp, extra: Partial<ResolvedSettings> = {}): Client {
  return soapConnector.open(model, settings(extra), { outbound, project: "." });
}

function context(): CallContext {
  return { key: "k1", attempt: 1, deadline: Date.now() + 5000, signal: AbortSignal.timeout(5000) };
}

function operation(model: ContractModel, name: string): OperationModel {
  const found = model.operations[name];
  assert.ok(found, `${name} of ${Object.keys(model.operations).join()}`);
  return found;
}

function call(name: string, input: Json, extra: Partial<ResolvedSettings> = {}): Promise<CallResult> {
  return open(erp, extra).call(operation(erp, name), input, context());
}

function enveloped(body: string, header = "", namespace = soap11): string {
  const head = header === "" ? "" : `<s:Header>${header}</s:Header>`;
  return `<?xml version="1.0"?><s:Envelope xmlns:s="${namespace}" xmlns:o="${orders}">${head}<s:Body>${body}</s:Body></s:Envelope>`;
}

function fault(code: string, reason = "no", detail = ""): string {
  return enveloped(
    `<s:Fault><faultcode>${code}</faultcode><faultstring>${reason}</faultstring>${detail === "" ? "" : `<detail>${detail}</detail>`}</s:Fault>`,
  );
}

function failing(code: string, kind: string, outcome: string, message?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MortiseError, String((error as Error).stack));
    assert.deepEqual([error.code, error.class, error.outcome], [code, kind, outcome], error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

const receipt = `<o:CreateOrderResponse><o:CreateOrderResult><o:number>SO-1234</o:number><o:sequenceNumber>+9007199254740993</o:sequenceNumber><o:total> 12345678901234567890.10 </o:total><o:createdAt>2026-01-02T03:04:05.678901+02:00</o:createdAt></o:CreateOrderResult></o:CreateOrderResponse>`;
const accepted = enveloped(receipt);

const order = {
  created: "2026-01-02",
  customer: 'Müller & <Söhne> "x"',
  address: { street: "Quay 1", city: "Rotterdam", country: "NL" },
  remark: null,
  line: [
    {
      sku: "A",
      quantity: 2,
      price: { value: "0.10", currency: "EUR" },
      part: [{ sku: "A1", quantity: 1, price: { value: "12345678901234567890.12", currency: "USD" } }],
    },
    { sku: "B", quantity: -1, price: { value: "1", currency: "EUR" } },
  ],
  invoice: true,
  payment: { xsiType: "CardPayment", reference: "r", token: "t" },
  sequence: [
    { key: "a", entry: 1 },
    { key: "b", entry: 2 },
  ],
  attachment: "AAEC",
  sizes: [1, 2, 3],
  priority: 9,
  channel: "web",
} as const;

/** The XML below an element, by local names, for comparing: namespace, name, text or children. */
function outline(element: XmlElement): unknown {
  const name = `${element.namespace.replace("urn:example:erp:", "")}|${element.local}`;
  return element.children.length === 0 ? [name, element.text] : [name, ...element.children.map(outline)];
}

function bodyOf(text: string): XmlElement {
  const root = parseXml(text);
  const body = root.children.find((child) => child.local === "Body");
  assert.ok(body?.children[0]);
  return body.children[0];
}

test("a request has the contract's names, namespaces and order", async () => {
  answer = { body: accepted };
  await call("createOrder", { order: { ...order } });
  const element = bodyOf(seen?.body ?? "");
  assert.equal(seen?.request.headers.soapaction, '"urn:example:erp/CreateOrder"');
  assert.equal(seen?.request.headers["content-type"], "text/xml; charset=utf-8");
  assert.equal(seen?.request.url, "/orders");
  assert.deepEqual(outline(element), [
    "orders|CreateOrder",
    [
      "orders|order",
      ["|created", "2026-01-02"],
      ["orders|customer", 'Müller & <Söhne> "x"'],
      ["orders|address", ["|street", "Quay 1"], ["|city", "Rotterdam"], ["base|country", "NL"]],
      ["orders|remark", ""],
      [
        "orders|line",
        ["orders|sku", "A"],
        ["orders|quantity", "2"],
        ["orders|price", "0.10"],
        ["orders|part", ["orders|sku", "A1"], ["orders|quantity", "1"], ["orders|price", "12345678901234567890.12"]],
      ],
      ["orders|line", ["orders|sku", "B"], ["orders|quantity", "-1"], ["orders|price", "1"]],
      ["orders|invoice", "true"],
      ["orders|payment", ["orders|reference", "r"], ["orders|token", "t"]],
      ["orders|key", "a"],
      ["orders|entry", "1"],
      ["orders|key", "b"],
      ["orders|entry", "2"],
      ["orders|attachment", "AAEC"],
      ["orders|sizes", "1 2 3"],
    ],
  ]);
  const [written] = element.children;
  assert.ok(written);
  assert.equal(attributeOf(written, "priority"), "9");
  assert.equal(attributeOf(written, "channel", "urn:example:erp:base"), "web");
  const remark = written.children.find((child) => child.local === "remark") as XmlElement;
  assert.equal(attributeOf(remark, "nil", "http://www.w3.org/2001/XMLSchema-instance"), "true");
  const payment = written.children.find((child) => child.local === "payment") as XmlElement;
  assert.match(attributeOf(payment, "type", "http://www.w3.org/2001/XMLSchema-instance") ?? "", /^ns\d+:CardPayment$/);
});

test("an answer is read exactly: decimals, long integers and times keep every digit", async () => {
  answer = { body: accepted };
  assert.deepEqual(await call("createOrder", { order: { ...order } }), {
    ok: true,
    output: {
      number: "SO-1234",
      sequenceNumber: "9007199254740993",
      total: "12345678901234567890.10",
      createdAt: "2026-01-02T03:04:05.678901+02:00",
    },
  });
});

test("what one side writes the other side reads back the same", async () => {
  // The order of GetOrder has the type that CreateOrder sends.
  answer = { body: accepted };
  await call("createOrder", { order: { ...order } });
  const text = seen?.body ?? "";
  const inside =
    /<(ns\d+):order [^>]*>.*<\/\1:order>/s.exec(text)?.[0].replaceAll(/(<\/?ns\d+:)order\b/g, "$1Order") ?? "";
  const declarations = /Envelope([^>]*)>/.exec(text)?.[1] ?? "";
  const envelope = `<soap:Envelope${declarations}><soap:Body>${inside}</soap:Body></soap:Envelope>`;
  answer = { body: envelope };
  assert.deepEqual(await call("getOrder", { number: "SO-1234" }), { ok: true, output: { ...order } });
});

test("an absent result is null, and a one-way operation needs no envelope back", async () => {
  answer = { body: enveloped("<o:CreateOrderResponse/>") };
  assert.deepEqual(await call("createOrder", { order: { ...order } }), { ok: true, output: null });
  for (const status of [200, 202, 204]) {
    answer = { status, ...(status === 200 ? { body: "ok", type: "text/plain" } : {}) };
    assert.deepEqual(await call("notify", "hello"), { ok: true, output: null });
  }
  assert.deepEqual(outline(bodyOf(seen?.body ?? "")), ["orders|Notify", "hello"]);
});

test("input that does not fit sends nothing", async () => {
  answer = { body: accepted };
  const before = requests;
  for (const input of [
    {},
    { order: { ...order, line: [] } },
    { order: { ...order, created: "yesterday" } },
    { order: { ...order, surprise: 1 } },
    { order: { ...order, line: [{ sku: "A", quantity: 1, price: { value: 1.5, currency: "EUR" } }] } },
    { order: { ...order, payment: { reference: "r" } } },
  ] as Json[])
    await assert.rejects(
      call("createOrder", input),
      failing("contract-input", "give-up", "none"),
      JSON.stringify(input),
    );
  await assert.rejects(call("notify", "\u0000"), failing("xml-character", "give-up", "none"));
  assert.equal(requests, before);
});

test("a declared fault is a value, whatever the status", async () => {
  const detail = "<o:OrderRejected><o:code>CREDIT</o:code><o:line>1</o:line><o:line>3</o:line></o:OrderRejected>";
  for (const status of [500, 200, 400]) {
    answer = { status, body: fault("s:Server", "credit limit", detail) };
    assert.deepEqual(await call("createOrder", { order: { ...order } }), {
      ok: false,
      fault: { name: "OrderRejected", message: "credit limit", detail: { code: "CREDIT", line: [1, 3] } },
    });
  }
  answer = { status: 500, body: fault("s:Server", "x", "<o:OrderRejected><o:code>NEW</o:code></o:OrderRejected>") };
  await assert.rejects(call("createOrder", { order: { ...order } }), failing("contract-output", "ask", "unknown"));
});

test("an undeclared fault says by its code whether anything may have happened", async () => {
  const cases: readonly [string, string, string][] = [
    ["s:Server", "retry", "unknown"],
    ["s:Server.Database", "retry", "unknown"],
    ["E4711", "retry", "unknown"],
    ["s:Client", "give-up", "none"],
    ["s:Client.Authentication", "give-up", "none"],
    ["s:MustUnderstand", "give-up", "none"],
  ];
  for (const [code, kind, outcome] of cases) {
    answer = { status: 500, body: fault(code) };
    await assert.rejects(call("createOrder", { order: { ...order } }), failing("soap-fault", kind, outcome), code);
  }
  const refused = `<s:Fault xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><faultcode>w:FailedAuthentication</faultcode><faultstring>no</faultstring></s:Fault>`;
  answer = { status: 500, body: enveloped(refused) };
  await assert.rejects(
    call("createOrder", { order: { ...order } }),
    failing("soap-fault", "give-up", "none", /FailedAuthentication/),
  );
});

test("an answer that is no envelope goes by its status", async () => {
  const html = { type: "text/html", body: "<html><body>Bad gateway</body></html>" };
  const cases: readonly [Answer, string, string][] = [
    [{ status: 500, ...html }, "retry", "unknown"],
    [{ status: 502, ...html }, "retry", "unknown"],
    [{ status: 503, ...html }, "retry", "unknown"],
    [{ status: 503, ...html, headers: { "retry-after": "7" } }, "wait", "unknown"],
    [{ status: 429, ...html }, "wait", "none"],
    [{ status: 408, ...html }, "retry", "unknown"],
    [{ status: 401, ...html }, "give-up", "none"],
    [{ status: 404, ...html }, "give-up", "none"],
    [{ status: 500, body: "<broken" }, "retry", "unknown"],
    [{ status: 500, body: "<html/>" }, "retry", "unknown"],
  ];
  for (const [given, kind, outcome] of cases) {
    answer = given;
    await assert.rejects(
      call("createOrder", { order: { ...order } }),
      failing("soap-status", kind, outcome),
      JSON.stringify(given),
    );
  }
  answer = { status: 503, ...html, headers: { "retry-after": "7" } };
  await assert.rejects(call("createOrder", { order: { ...order } }), { retryAfterMs: 7000 });
});

test("an answer that can't be used leaves the outcome unknown and asks", async () => {
  const bodies: readonly (readonly [string, RegExp])[] = [
    [accepted.replace(soap11, "http://www.w3.org/2003/05/soap-envelope"), /SOAP 1\.2 envelope/],
    [accepted.replace(soap11, "urn:wrong"), /no SOAP envelope/],
    [accepted.replace("</s:Envelope>", ""), /not readable XML/],
    [`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${accepted.replace(/^<\?xml.*?\?>/, "")}`, /DOCTYPE/],
    [enveloped(`${"<a>".repeat(70)}${"</a>".repeat(70)}`), /deeper than 64/],
    [enveloped("<o:Other/>"), /\{urn:example:erp:orders\}Other instead of/],
    [enveloped(receipt.replaceAll("o:CreateOrderResponse", "CreateOrderResponse")), /instead of/],
    [enveloped(""), /nothing/],
    [enveloped(`${receipt}${receipt}`), /alone/],
    [enveloped(receipt, '<x:Sec xmlns:x="urn:x" s:mustUnderstand="1"/>'), /\{urn:x\}Sec, which must be understood/],
    [accepted.replace("SO-1234", "1234"), /\/number must match/],
    [accepted.replace("+9007199254740993", "many"), /\/sequenceNumber must be a whole number/],
    [accepted.replace(/<o:total>.*<\/o:total>/, ""), /lacks the property "total"/],
    [accepted.replaceAll("o:total", "total"), /\/total the element stands in another namespace/],
    [accepted.replace("<o:createdAt>", "<o:total>1</o:total><o:createdAt>"), /stands twice/],
    ["", /not readable XML/],
  ];
  for (const [body, message] of bodies) {
    answer = { body };
    await assert.rejects(
      call("createOrder", { order: { ...order } }),
      failing("contract-output", "ask", "unknown", message),
      body,
    );
  }
  answer = { body: "{}", type: "application/json" };
  await assert.rejects(
    call("createOrder", { order: { ...order } }),
    failing("contract-output", "ask", "unknown", /application\/json/),
  );
  answer = { body: accepted };
  await assert.rejects(
    call("createOrder", { order: { ...order } }, { maxResponseBytes: 100 }),
    failing("outbound-too-large", "ask", "unknown"),
  );
});

test("headers for others are passed over, and a fresh timestamp is understood", async () => {
  const wsu = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
  const wsse = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
  const security = (expires: number): string =>
    `<w:Security xmlns:w="${wsse}" s:mustUnderstand="1"><u:Timestamp xmlns:u="${wsu}"><u:Expires>${new Date(expires).toISOString()}</u:Expires></u:Timestamp></w:Security>`;
  for (const header of [
    '<x:A xmlns:x="urn:x"/>',
    '<x:A xmlns:x="urn:x" s:mustUnderstand="1" s:actor="urn:somebody"/>',
    security(Date.now() + 60_000),
  ]) {
    answer = { body: enveloped(receipt, header) };
    assert.equal((await call("createOrder", { order: { ...order } })).ok, true);
  }
  answer = { body: enveloped(receipt, security(Date.now() - 3_600_000)) };
  await assert.rejects(call("createOrder", { order: { ...order } }), failing("contract-output", "ask", "unknown"));
});

test("elements that the contract does not name are passed over, and told", async () => {
  const told: unknown[] = [];
  const listener = (message: unknown): void => {
    told.push(message);
  };
  subscribe("mortise:connectors:undeclared", listener);
  answer = { body: accepted.replace("<o:total>", '<o:extra a="1"/><o:__proto__/><o:total>') };
  const result = await call("createOrder", { order: { ...order } });
  unsubscribe("mortise:connectors:undeclared", listener);
  assert.equal(result.ok, true);
  assert.deepEqual(told, [{ system: "erp", operation: "createOrder", count: 2 }]);
});

test("credentials travel as headers or as a username token, and never stand in an error", async () => {
  answer = { body: accepted };
  await call("createOrder", { order: { ...order } }, { credentials: { kind: "basic", user: "u", password: "p:ö" } });
  assert.equal(seen?.request.headers.authorization, `Basic ${Buffer.from("u:p:ö").toString("base64")}`);
  await call("createOrder", { order: { ...order } }, { credentials: { kind: "header", name: "X-Key", value: "v" } });
  assert.equal(seen?.request.headers["x-key"], "v");

  const credentials = { kind: "username-token", user: "ann<", password: "s3cret&", type: "digest" } as const;
  await call("createOrder", { order: { ...order } }, { credentials });
  assert.ok(!seen?.body.includes("s3cret"));
  const find = (element: XmlElement, local: string): XmlElement | undefined =>
    element.local === local ? element : element.children.map((child) => find(child, local)).find(Boolean);
  const token = find(parseXml(seen?.body ?? ""), "UsernameToken");
  assert.ok(token);
  const text = (local: string): string => find(token, local)?.text ?? "";
  assert.equal(text("Username"), "ann<");
  assert.equal(passwordDigest(Buffer.from(text("Nonce"), "base64"), text("Created"), "s3cret&"), text("Password"));
  assert.ok(Math.abs(Date.parse(text("Created")) - Date.now()) < 60_000);
  const nonce = text("Nonce");
  await call("createOrder", { order: { ...order } }, { credentials });
  assert.ok(!seen?.body.includes(nonce), "every request has its own nonce");

  await call("createOrder", { order: { ...order } }, { credentials: { ...credentials, type: "text" } });
  assert.match(seen?.body ?? "", /#PasswordText">s3cret&amp;</);
  answer = { status: 500, body: fault("s:Server", "bad password s3cret&amp; for ann") };
  await assert.rejects(call("createOrder", { order: { ...order } }, { credentials }), (error: Error) => {
    assert.ok(!error.message.includes("s3cret"), error.message);
    return true;
  });
  answer = { status: 500, body: fault("s:Server", "no card 4711") };
  await assert.rejects(
    call("createOrder", { order: { ...order } }, { sensitive: ["createOrder.input.order.card"] }),
    (error: Error) => {
      assert.ok(!error.message.includes("4711"), error.message);
      return true;
    },
  );
  const detail = "<o:OrderRejected><o:code>STOCK</o:code></o:OrderRejected>";
  answer = { status: 500, body: fault("s:Server", "no card 4711", detail) };
  const refused = await call("createOrder", { order: { ...order } }, { sensitive: ["createOrder.input.order.card"] });
  assert.ok(!refused.ok && refused.fault.message === "OrderRejected");
});

test("the digest is that of the profile", () => {
  // Computed by hand: Base64(SHA-1("nonce" + "2026-01-01T00:00:00Z" + "password")).
  assert.equal(
    passwordDigest(Buffer.from("nonce"), "2026-01-01T00:00:00Z", "password"),
    "meCWY0KcX1MkrjN8fcC9oMZ9JWY=",
  );
});

test("settings that can't work are refused at open", () => {
  const token = { kind: "username-token", user: "u", password: "p", type: "text" } as const;
  assert.throws(() => open(erp, { connection: "not a url" }), failing("connection-invalid", "give-up", "none"));
  assert.throws(
    () => open(erp, { connection: "http://erp.example/", credentials: token }),
    failing("connection-invalid", "give-up", "none"),
  );
  open(erp, { connection: "https://erp.example/", credentials: token });
});

test("an operation of another port keeps its own path on the connection's host", async () => {
  const create = operation(erp, "createOrder");
  assert.ok(create.binding.protocol === "soap");
  answer = { body: accepted };
  for (const [address, path] of [
    ["http://erp.example/orders", "/orders"],
    ["http://other.example:99/stock?v=2", "/stock?v=2"],
  ] as const) {
    const moved = { ...create, binding: { ...create.binding, address } };
    await open().call(moved, { order: { ...order } }, context());
    assert.equal(seen?.request.url, path);
    assert.equal(seen?.request.headers.host, new URL(base).host);
  }
});

test("SOAP 1.2 has its own media type, envelope and faults", async () => {
  const model = await readWsdl(await openSource(`${folder}hello_world_soap12.wsdl`), "hello");
  const soap12 = "http://www.w3.org/2003/05/soap-envelope";
  const types = "http://apache.org/hello_world_soap12_http/types";
  const client = open(model);
  answer = {
    type: "application/soap+xml",
    body: enveloped(
      `<t:sayHiResponse xmlns:t="${types}"><t:responseType>hi</t:responseType></t:sayHiResponse>`,
      "",
      soap12,
    ),
  };
  assert.deepEqual(await client.call(operation(model, "sayHi"), {}, context()), { ok: true, output: "hi" });
  assert.match(seen?.request.headers["content-type"] ?? "", /^application\/soap\+xml; charset=utf-8/);
  assert.equal(seen?.request.headers.soapaction, undefined);
  assert.equal(parseXml(seen?.body ?? "").namespace, soap12);
  for (const [code, kind, outcome] of [
    ["Sender", "give-up", "none"],
    ["Receiver", "retry", "unknown"],
  ] as const) {
    const body = `<s:Fault><s:Code><s:Value>s:${code}</s:Value></s:Code><s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason></s:Fault>`;
    answer = { status: 500, type: "application/soap+xml", body: enveloped(body, "", soap12) };
    await assert.rejects(client.call(operation(model, "sayHi"), {}, context()), failing("soap-fault", kind, outcome));
  }
});

test("an independent SOAP server understands us, and we understand it", async () => {
  const wsdl = readFileSync(`${folder}erp/erp.wsdl`, "utf8");
  const received: unknown[] = [];
  const host = createServer().listen(0, "127.0.0.1");
  await once(host, "listening");
  const service = {
    ErpService: {
      OrdersSoap: {
        CreateOrder(input: { order: Record<string, unknown> }) {
          received.push(input);
          if (input.order.customer === "nobody")
            throw {
              Fault: {
                faultcode: "soap:Server",
                faultstring: "no credit",
                detail: { OrderRejected: { attributes: { xmlns: orders }, code: "CREDIT" } },
              },
            };
          return {
            CreateOrderResult: {
              number: "SO-0001",
              sequenceNumber: "12345678901234567",
              total: "0.30",
              createdAt: "2026-01-02T03:04:05Z",
            },
          };
        },
      },
    },
  };
  const uri = `${folder}erp/erp.wsdl`;
  const soapServer = await new Promise<SoapServer>((resolve, reject) => {
    const callback = (error: Error | null, made: SoapServer): void => (error ? reject(error) : resolve(made));
    listen(host, { path: "/erp", services: service, xml: wsdl, uri, callback });
  });
  const errors: unknown[] = [];
  soapServer.log = (type, data) => {
    if (type === "error") errors.push(data);
  };
  try {
    const connection = `http://127.0.0.1:${(host.address() as AddressInfo).port}/erp`;
    const client = open(erp, { connection });
    const create = operation(erp, "createOrder");
    const result = await client.call(create, { order: { ...order }, dryRun: true }, context());
    assert.deepEqual(result, {
      ok: true,
      output: {
        number: "SO-0001",
        sequenceNumber: "12345678901234567",
        total: "0.30",
        createdAt: "2026-01-02T03:04:05Z",
      },
    });
    const [given] = received as [{ order: Record<string, unknown>; dryRun: boolean }];
    assert.equal(given.dryRun, true);
    assert.equal(given.order.customer, order.customer);
    assert.deepEqual((given.order.address as { city: string }).city, "Rotterdam");
    assert.equal((given.order.line as unknown[]).length, 2);
    const refused = await client.call(create, { order: { ...order, customer: "nobody" } }, context());
    assert.deepEqual(refused, {
      ok: false,
      fault: { name: "OrderRejected", message: "no credit", detail: { code: "CREDIT" } },
    });
    assert.deepEqual(await client.health(AbortSignal.timeout(2000)), { healthy: true });
  } finally {
    host.closeAllConnections();
    host.close();
  }
  assert.deepEqual(errors, []);
});

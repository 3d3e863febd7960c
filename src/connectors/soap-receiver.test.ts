import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ContractModel } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import type { MortiseError } from "../errors.ts";
import { createServer } from "../http.ts";
import type { CallResult, Json } from "../operation.ts";
import { createOutbound } from "../outbound/client.ts";
import { soapConnector } from "./soap.ts";
import { type Received, type ReceivedCall, SoapReceiver } from "./soap-receiver.ts";
import type { ResolvedCredentials } from "./system.ts";

const fixtures = fileURLToPath(new URL("../contract/read/fixtures/wsdl/", import.meta.url));
const outbound = createOutbound();
let folder: string;
let server: Server;
let base: string;
/** What stands behind the server now, what came in last, and how it is answered. */
let receiver: SoapReceiver;
let reply: (call: ReceivedCall) => ReturnType<ReceivedCall["output"]> = (call) => call.output(null);
let last: { readonly received: Received; readonly text: string; readonly url: string } | undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "mortise-receiver-"));
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const { method = "GET", url = "/", headers } = request;
      const received = receiver.receive({ method, url, headers: headers as Record<string, string>, body });
      last = { received, text: body.toString("utf8"), url };
      const answer = received.kind === "call" ? reply(received) : received.answer;
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(async () => {
  await outbound.close();
  server.close();
  await rm(folder, { recursive: true });
});

let count = 0;
async function contractOf(text: string): Promise<ContractModel> {
  const file = join(folder, `${++count}.wsdl`);
  await writeFile(file, text);
  return readWsdl(await openSource(file), "x");
}

/** Calls an operation of our client against our receiver; both only know the contract. */
async function call(
  model: ContractModel,
  name: string,
  input: Json,
  credentials?: ResolvedCredentials,
): Promise<CallResult> {
  const operation = model.operations[name];
  assert.ok(operation, `${name} of ${Object.keys(model.operations).join()}`);
  const client = soapConnector.open(
    model,
    {
      name: "x",
      connection: `${base}/service`,
      timeoutMs: 5000,
      concurrency: 1,
      maxResponseBytes: 1_000_000,
      internal: true,
      sensitive: [],
      ...(credentials === undefined ? {} : { credentials }),
    },
    { outbound, project: "." },
  );
  const context = { key: "k", attempt: 1, deadline: Date.now() + 5000, signal: AbortSignal.timeout(5000) };
  return client.call(operation, input, context);
}

function inputOf(): Json {
  assert.equal(last?.received.kind, "call", last?.received.kind === "refused" ? last.received.reason : "nothing");
  return called().input;
}

function called(): ReceivedCall {
  assert.ok(last?.received.kind === "call");
  return last.received;
}

/** Sends the input, and answers with the output; both must come out as they went in. */
async function bothWays(model: ContractModel, name: string, input: Json, output: Json): Promise<string> {
  receiver = new SoapReceiver(model);
  reply = (received) => received.output(output);
  const result = await call(model, name, input);
  assert.deepEqual(inputOf(), input);
  assert.deepEqual(result, { ok: true, output });
  return last?.text ?? "";
}

interface Parts {
  readonly types?: string;
  readonly request: string;
  readonly response?: string;
  readonly messages?: string;
  readonly style?: "document" | "rpc";
  readonly body?: string;
  readonly input?: string;
  readonly version?: "soap" | "soap12";
  readonly fault?: boolean;
}

/** A WSDL with one operation `Do`; `request` and `response` are the parts of its messages. */
function wsdl({
  types = "",
  request,
  response,
  messages = "",
  style = "document",
  body = "",
  input = "",
  fault = false,
  version = "soap",
}: Parts): string {
  return `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:s="http://schemas.xmlsoap.org/wsdl/${version}/" xmlns:xs="http://www.w3.org/2001/XMLSchema"
    xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><xs:schema targetNamespace="urn:t" elementFormDefault="qualified">${types}</xs:schema></types>
  <message name="I">${request}</message><message name="O">${response ?? ""}</message>${messages}
  <portType name="P"><operation name="Do"><input message="t:I"/>${response === undefined ? "" : '<output message="t:O"/>'}
    ${fault ? '<fault name="Refused" message="t:F"/><fault name="Busy" message="t:G"/>' : ""}</operation></portType>
  <binding name="B" type="t:P"><s:binding style="${style}" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Do"><s:operation soapAction="urn:do"/><input>${input}<s:body ${body === "" ? 'use="literal"' : body}/></input>
      <output><s:body ${body === "" ? 'use="literal"' : body}/></output></operation></binding>
  <service name="S"><port name="p" binding="t:B"><s:address location="http://x.example/service"/></port></service>
</definitions>`;
}

const encoded = 'use="encoded" namespace="urn:t" encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"';
const sequence = (inside: string): string => `<xs:complexType><xs:sequence>${inside}</xs:sequence></xs:complexType>`;
const element = (name: string, inside: string): string => `<xs:element name="${name}">${inside}</xs:element>`;

test("what a client sends a receiver reads as the same value, and the answer comes back", async () => {
  const erp = await readWsdl(await openSource(`${fixtures}erp/erp.wsdl`), "erp");
  const order = {
    created: "2026-01-02",
    customer: "Müller",
    address: { street: "Quay 1", city: "Rotterdam", country: "NL" },
    remark: null,
    line: [{ sku: "A", quantity: 2, price: { value: "12345678901234567890.12", currency: "EUR" } }],
    payment: { xsiType: "CardPayment", reference: "r", token: "t" },
    sequence: [
      { key: "a", entry: 1 },
      { key: "b", entry: 2 },
    ],
    priority: 9,
    channel: "web",
  };
  const receipt = {
    number: "SO-1234",
    sequenceNumber: "9007199254740993",
    total: "1.10",
    createdAt: "2026-01-02T03:04:05Z",
  };
  await bothWays(erp, "createOrder", { order }, receipt);
  await bothWays(erp, "createOrder", { order }, null);
  receiver = new SoapReceiver(erp);
  reply = (received) => received.fault("OrderRejected", "no credit", { code: "CREDIT", line: [1, 3] });
  assert.deepEqual(await call(erp, "createOrder", { order }), {
    ok: false,
    fault: { name: "OrderRejected", message: "no credit", detail: { code: "CREDIT", line: [1, 3] } },
  });
  for (const [blame, outcome] of [
    ["sender", "none"],
    ["receiver", "unknown"],
  ] as const) {
    reply = (received) => received.failure(blame, "no");
    await assert.rejects(call(erp, "createOrder", { order }), { code: "soap-fault", outcome });
  }
  reply = (received) => received.output(null);
  assert.deepEqual(await call(erp, "notify", "hello"), { ok: true, output: null });
  assert.deepEqual(inputOf(), "hello");
});

test("blocks of the header are part of the input, sent before the body, and none is needed", async () => {
  const model = await contractOf(
    wsdl({
      types: `${element("Do", sequence('<xs:element name="a" type="xs:int"/>'))}
        ${element("Session", sequence('<xs:element name="id" type="xs:string"/>'))}<xs:element name="Trace" type="xs:string"/>`,
      request: '<part name="p" element="t:Do"/><part name="h" element="t:Trace"/>',
      messages: '<message name="H"><part name="h" element="t:Session"/></message>',
      input: '<s:header message="t:H" part="h" use="literal"/><s:header message="t:I" part="h" use="literal"/>',
    }),
  );
  const text = await bothWays(model, "do", { a: 1, soapHeaders: { Session: { id: "s<1" }, Trace: "x" } }, null);
  assert.match(text, /<soap:Header><ns\d+:Session>.*s&lt;1.*<ns\d+:Trace>x<\/ns\d+:Trace><\/soap:Header><soap:Body>/);
  await bothWays(model, "do", { a: 1 }, null);
  assert.ok(!(last?.text ?? "").includes("Header"));
  await assert.rejects(call(model, "do", { a: 1, soapHeaders: { Other: 1 } }), { code: "contract-input" });
});

test("repeated groups, mixed content and open content keep their order", async () => {
  const model = await contractOf(
    wsdl({
      types: `${element(
        "Do",
        `<xs:complexType><xs:sequence>
          <xs:choice maxOccurs="unbounded"><xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:string"/>
            <xs:sequence><xs:element name="c" type="xs:int"/><xs:element name="d" type="xs:int" minOccurs="0"/></xs:sequence></xs:choice>
          <xs:sequence minOccurs="0" maxOccurs="3"><xs:element name="k" type="xs:int" minOccurs="0"/><xs:element name="v" type="xs:int" maxOccurs="unbounded"/></xs:sequence>
          <xs:element name="note" minOccurs="0"><xs:complexType mixed="true"><xs:choice minOccurs="0" maxOccurs="unbounded">
            <xs:element name="b" type="xs:string"/><xs:any namespace="##other"/></xs:choice><xs:attribute name="lang"/></xs:complexType></xs:element>
          <xs:element name="data" type="xs:anyType" minOccurs="0"/>
          <xs:element name="n" type="xs:int" minOccurs="0"/><xs:element name="o" type="xs:int"/><xs:element name="n" type="xs:int" minOccurs="0"/>
          <xs:any namespace="##other" minOccurs="0" maxOccurs="unbounded"/>
        </xs:sequence><xs:anyAttribute/></xs:complexType>`,
      )}`,
      request: '<part name="p" element="t:Do"/>',
      response: '<part name="p" element="t:Do"/>',
    }),
  );
  const foreign = {
    name: "{urn:f}x",
    attributes: { "{urn:f}n": "1", m: 'a"b' },
    content: ["Hi ", { name: "{urn:f}em", content: "you" }, "!"],
  };
  const value: { readonly [name: string]: Json } = {
    choice: [{ b: "x" }, { a: 1 }, { c: 1, d: 2 }, { c: 3 }, { a: 2 }, { a: 3 }],
    sequence: [{ v: [1] }, { k: 2, v: [3, 4] }, { k: 5, v: [6] }],
    note: { content: ["See ", { b: "this" }, ", ", foreign, " and "], lang: "en" },
    data: { attributes: { q: "1" }, content: [{ name: "inner", content: "1" }, { name: "inner" }] },
    o: 1,
    n2: 2,
    any: [foreign, { name: "{urn:g}y" }],
    anyAttributes: { "{urn:f}id": "7" },
  };
  const text = await bothWays(model, "do", value, value);
  assert.deepEqual([...text.matchAll(/<ns\d+:([a-dkv])>/g)].map((found) => found[1]).join(""), "bacdcaavkvvkvb");
  for (const data of ["plain", { content: [{ name: "a", attributes: { t: "x" } }] }] as Json[])
    await bothWays(model, "do", { ...value, data }, value);
  for (const [wrong, place] of [
    [{ o: 1, choice: [{ a: 1, b: "x" }] }, /choice\/0/],
    [{ ...value, any: [{ name: "no name" }] }, /any\/0\/name/],
    [{ ...value, any: [{ name: "{http://www.w3.org/2000/xmlns/}x" }] }, /any\/0\/name/],
    [{ ...value, anyAttributes: { 'x="1" y': "z" } }, /anyAttributes/],
  ] as [Json, RegExp][])
    await assert.rejects(call(model, "do", wrong), (error: MortiseError) => {
      assert.equal(error.code, "contract-input");
      assert.match(error.message, place);
      return true;
    });
});

test("types are told apart by xsi:type, also where their content is text", async () => {
  const model = await contractOf(
    wsdl({
      types: `<xs:complexType name="Price"><xs:simpleContent><xs:extension base="xs:decimal"><xs:attribute name="currency" default="EUR"/></xs:extension></xs:simpleContent></xs:complexType>
        <xs:complexType name="TaxedPrice"><xs:simpleContent><xs:extension base="t:Price"><xs:attribute name="rate" type="xs:int"/></xs:extension></xs:simpleContent></xs:complexType>
        ${element("Do", sequence('<xs:element name="price" type="t:Price" maxOccurs="unbounded"/>'))}`,
      request: '<part name="p" element="t:Do"/>',
    }),
  );
  const price: Json = [
    { value: "1.50", currency: "USD" },
    { xsiType: "TaxedPrice", value: "2", currency: "EUR", rate: 19 },
  ];
  await bothWays(model, "do", { price }, null);
  // An attribute that is absent stands for its default.
  receiver = new SoapReceiver(model);
  await call(model, "do", { price: [{ value: "1" }] });
  assert.deepEqual(inputOf(), { price: [{ value: "1", currency: "EUR" }] });
});

test("a body of several parts, or of a part with a type, is the input itself", async () => {
  const types = `<xs:complexType name="T"><xs:sequence><xs:element name="a" type="xs:int"/></xs:sequence></xs:complexType>
    <xs:element name="x" type="xs:int"/><xs:element name="y" type="xs:string"/>`;
  const several = await contractOf(
    wsdl({
      types,
      request: '<part name="one" element="t:x"/><part name="two" element="t:y"/>',
      response: '<part name="one" element="t:y"/><part name="two" element="t:x"/>',
    }),
  );
  await bothWays(several, "do", { one: 1, two: "b" }, { one: "c", two: 2 });
  const typed = await contractOf(
    wsdl({ types, request: '<part name="p" type="t:T"/>', response: '<part name="p" type="t:T"/>' }),
  );
  const text = await bothWays(typed, "do", { a: 5 }, { a: 6 });
  assert.match(text, /<soap:Body><ns\d+:a>5<\/ns\d+:a><\/soap:Body>/);
});

test("rpc/encoded: every value says its type, arrays their size, and faults are told apart by type", async () => {
  for (const version of ["soap", "soap12"] as const) {
    const model = await contractOf(
      wsdl({
        version,
        style: "rpc",
        body: encoded,
        fault: true,
        types: `<xs:complexType name="Line"><xs:all><xs:element name="sku" type="xs:string"/><xs:element name="amount" type="xs:decimal"/><xs:element name="on" type="e:boolean"/></xs:all></xs:complexType>
          <xs:complexType name="Lines"><xs:complexContent><xs:restriction base="e:Array"><xs:attribute ref="e:arrayType" wsdl:arrayType="t:Line[]"/></xs:restriction></xs:complexContent></xs:complexType>
          <xs:complexType name="Names"><xs:complexContent><xs:restriction base="e:Array"><xs:sequence><xs:element name="name" type="xs:string" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:restriction></xs:complexContent></xs:complexType>
          <xs:complexType name="Late"><xs:sequence><xs:element name="hours" type="xs:int"/></xs:sequence></xs:complexType>
          <xs:complexType name="Wrong"><xs:sequence><xs:element name="why" type="xs:string"/></xs:sequence></xs:complexType>`,
        request:
          '<part name="lines" type="t:Lines"/><part name="names" type="t:Names"/><part name="at" type="xs:dateTime"/><part name="more" type="xs:anyType"/>',
        response: '<part name="result" type="t:Lines"/>',
        messages:
          '<message name="F"><part name="fault" type="t:Wrong"/></message><message name="G"><part name="fault" type="t:Late"/></message>',
      }),
    );
    const lines = [
      { sku: "A", amount: "0.10", on: true },
      { sku: "B", amount: null, on: null },
    ];
    const input = { lines, names: ["x", "y"], at: "2026-01-02T03:04:05Z", more: "text" };
    const text = await bothWays(model, "do", input, lines);
    assert.match(text, /xsi|ns\d+:type="ns\d+:dateTime"/);
    if (version === "soap") assert.match(text, /arrayType="ns\d+:Line\[2\]"/);
    else assert.match(text, /itemType="ns\d+:Line" ns\d+:arraySize="2"/);
    for (const more of [7, true, { xsiType: "Line", sku: "C", amount: "1", on: false }, ["a", 1]] as Json[])
      await bothWays(model, "do", { ...input, more }, []);
    reply = (received) => received.fault("Busy", "later", { hours: 2 });
    receiver = new SoapReceiver(model);
    assert.deepEqual(await call(model, "do", input), {
      ok: false,
      fault: { name: "Busy", message: "later", detail: { hours: 2 } },
    });
  }
});

test("values that stand elsewhere in the message are followed, and rings and bombs of them are refused", async () => {
  const model = await contractOf(
    wsdl({
      style: "rpc",
      body: encoded,
      types: `<xs:complexType name="Node"><xs:sequence><xs:element name="name" type="xs:string" minOccurs="0"/><xs:element name="left" type="t:Node" minOccurs="0"/><xs:element name="right" type="t:Node" minOccurs="0"/></xs:sequence></xs:complexType>`,
      request: '<part name="node" type="t:Node"/>',
      response: '<part name="node" type="t:Node"/>',
    }),
  );
  receiver = new SoapReceiver(model);
  const send = (inside: string): Received =>
    receiver.receive({
      method: "POST",
      url: "/",
      headers: {},
      body: Buffer.from(
        `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:t"><s:Body>${inside}</s:Body></s:Envelope>`,
      ),
    });
  const multi = (id: string, inside: string): string => `<multiRef id="${id}">${inside}</multiRef>`;
  const followed = send(
    `<t:Do><node href="#a"/></t:Do>${multi("a", '<name href="#n"/><left href="#b"/>')}${multi("b", '<name href="#n"/>')}${multi("n", "x")}`,
  );
  assert.ok(followed.kind === "call", followed.kind === "refused" ? followed.reason : "");
  assert.deepEqual(followed.input, { node: { name: "x", left: { name: "x" } } });
  const refused = (inside: string, reason: RegExp): void => {
    const started = performance.now();
    const received = send(inside);
    assert.ok(received.kind === "refused");
    assert.match(received.reason, reason);
    assert.ok(performance.now() - started < 5000);
  };
  refused(`<t:Do><node href="#a"/></t:Do>${multi("a", '<left href="#a"/>')}`, /a ring/);
  refused(`<t:Do><node href="#gone"/></t:Do>`, /stands nowhere/);
  const levels = Array.from({ length: 40 }, (_, n) =>
    multi(`n${n}`, `<left href="#n${n + 1}"/><right href="#n${n + 1}"/>`),
  );
  refused(`<t:Do><node href="#n0"/></t:Do>${levels.join("")}${multi("n40", "<name>x</name>")}`, /unfold to more than/);
});

test("over plain HTTP the input goes into the query, the path or a form, and the answer is XML, text or bytes", async () => {
  const port = (name: string, verb: string, location: string, input: string, output: string): string =>
    `<binding name="${name}" type="t:${name}"><h:binding verb="${verb}"/><operation name="${name}"><h:operation location="${location}"/>
     <input>${input}</input><output>${output}</output></operation></binding>`;
  const names = ["Query", "Path", "Form", "Xml"];
  const model =
    await contractOf(`<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:h="http://schemas.xmlsoap.org/wsdl/http/"
    xmlns:m="http://schemas.xmlsoap.org/wsdl/mime/" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t">
  <types><xs:schema targetNamespace="urn:t" elementFormDefault="qualified"><xs:element name="Stock"><xs:complexType><xs:sequence>
    <xs:element name="free" type="xs:long"/></xs:sequence></xs:complexType></xs:element></xs:schema></types>
  <message name="I"><part name="sku" type="xs:string"/><part name="count" type="xs:int"/></message>
  <message name="X"><part name="body" element="t:Stock"/></message><message name="O"><part name="Body" element="t:Stock"/></message>
  ${names.map((name) => `<portType name="${name}"><operation name="${name}"><input message="t:${name === "Xml" ? "X" : "I"}"/><output message="t:O"/></operation></portType>`).join("")}
  ${port("Query", "GET", "/stock", "<h:urlEncoded/>", '<m:mimeXml part="Body"/>')}
  ${port("Path", "GET", "/stock/(sku)/(count)", "<h:urlReplacement/>", '<m:content type="text/plain"/>')}
  ${port("Form", "POST", "/order", '<m:content type="application/x-www-form-urlencoded"/>', '<m:content type="image/png"/>')}
  ${port("Xml", "POST", "/xml", '<m:content type="text/xml"/>', '<m:content type="text/xml"/>')}
  <service name="S">${names.map((name) => `<port name="${name}" binding="t:${name}"><h:address location="http://x.example/service"/></port>`).join("")}</service>
</definitions>`);
  const input = { sku: "a/b c&ü", count: 3 };
  await bothWays(model, "query", input, { free: "9007199254740993" });
  assert.equal(last?.url, "/service/stock?sku=a%2Fb+c%26%C3%BC&count=3");
  await bothWays(model, "path", input, "three");
  assert.equal(last?.url, "/service/stock/a%2Fb%20c%26%C3%BC/3");
  const text = await bothWays(model, "form", input, "AAEC");
  assert.equal(text, "sku=a%2Fb+c%26%C3%BC&count=3");
  await bothWays(model, "xml", { free: "1" }, { free: "2" });
  await assert.rejects(call(model, "query", { sku: "a", count: "x" }), { code: "contract-input", outcome: "none" });
  receiver = new SoapReceiver(model);
  const wrong = receiver.receive({
    method: "GET",
    url: "/service/stock?sku=a&count=x",
    headers: {},
    body: Buffer.alloc(0),
  });
  assert.ok(wrong.kind === "refused" && wrong.answer.status === 400);
  assert.match(wrong.reason, /count must be a whole number/);
});

test("a username token is demanded, checked, and taken only once; what is wrong with it is not told", async () => {
  const erp = await readWsdl(await openSource(`${fixtures}erp/erp.wsdl`), "erp");
  let now = Date.now();
  const passwordOf = (user: string): string | undefined => (user === "ann" ? "s3cret" : undefined);
  const guarded = new SoapReceiver(erp, { tokens: { passwordOf }, now: () => now });
  receiver = guarded;
  reply = (received) => received.output(null);
  const input = { number: "SO-1234" };
  const token = { kind: "username-token", user: "ann", password: "s3cret", type: "digest" } as const;
  const sent: string[] = [];
  for (const type of ["digest", "text"] as const) {
    const order = await call(erp, "notify", "x", { ...token, type });
    assert.deepEqual(order, { ok: true, output: null });
    assert.equal(called().user, "ann");
    sent.push(last?.text ?? "");
  }
  const refused = async (credentials: ResolvedCredentials | undefined, code: RegExp): Promise<string> => {
    await assert.rejects(call(erp, "getOrder", input, credentials), (error: MortiseError) => {
      assert.deepEqual([error.code, error.class, error.outcome], ["soap-fault", "give-up", "none"]);
      assert.match(error.message, code);
      return true;
    });
    assert.ok(last?.received.kind === "refused");
    return last.received.reason;
  };
  await refused(undefined, /InvalidSecurity/);
  const wrongPassword = await refused({ ...token, password: "other" }, /FailedAuthentication/);
  assert.equal(wrongPassword, await refused({ ...token, user: "bob" }, /FailedAuthentication/));
  const again = (text: string): Received =>
    guarded.receive({ method: "POST", url: "/", headers: {}, body: Buffer.from(text) });
  for (const text of sent) {
    const repeated = again(text);
    assert.ok(repeated.kind === "refused" && String(repeated.answer.body).includes("InvalidSecurity"));
  }
  now += 11 * 60_000;
  for (const text of sent) {
    const old = again(text);
    assert.ok(old.kind === "refused" && String(old.answer.body).includes("MessageExpired"));
  }
});

test("what does not fit gets a fault that blames the sender, in the envelope that it came in", async () => {
  const erp = await readWsdl(await openSource(`${fixtures}erp/erp.wsdl`), "erp");
  const soap12 = await readWsdl(await openSource(`${fixtures}hello_world_soap12.wsdl`), "hello");
  const send = (model: ContractModel, body: string, method = "POST"): Received =>
    new SoapReceiver(model, { maxBytes: 10_000 }).receive({ method, url: "/", headers: {}, body: Buffer.from(body) });
  const envelope = (inside: string, header = "", namespace = "http://schemas.xmlsoap.org/soap/envelope/"): string =>
    `<s:Envelope xmlns:s="${namespace}"><s:Header>${header}</s:Header><s:Body>${inside}</s:Body></s:Envelope>`;
  const cases: readonly [ContractModel, string, string, RegExp][] = [
    [erp, "<broken", "Client", /not readable XML/],
    [erp, '<!DOCTYPE a [<!ENTITY x "y">]><a/>', "Client", /DOCTYPE/],
    [erp, "<html/>", "VersionMismatch", /no envelope/],
    [erp, envelope("", "", "http://www.w3.org/2003/05/soap-envelope"), "VersionMismatch", /no envelope/],
    [erp, envelope('<x:Other xmlns:x="urn:x"/>'), "Client", /none of the contract's operations/],
    [
      erp,
      envelope(
        "<o:Notify xmlns:o='urn:example:erp:orders'>x</o:Notify>",
        '<x:A xmlns:x="urn:x" s:mustUnderstand="1"/>',
      ),
      "MustUnderstand",
      /urn:x/,
    ],
    [erp, envelope("<o:CreateOrder xmlns:o='urn:example:erp:orders'/>"), "Client", /lacks the property "order"/],
    [erp, " ".repeat(20_000), "Client", /larger than/],
    [soap12, envelope("", "", "http://schemas.xmlsoap.org/soap/envelope/"), "VersionMismatch", /no envelope/],
  ];
  for (const [model, body, code, reason] of cases) {
    const received = send(model, body);
    assert.ok(received.kind === "refused", body);
    assert.match(received.reason, reason);
    assert.match(String(received.answer.body), new RegExp(`:${code}</`), String(received.answer.body));
  }
  const get = send(erp, "", "GET");
  assert.ok(get.kind === "refused" && get.answer.status === 405);
});

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClientAsync, listen, type Server as SoapServer, passwordDigest as theirDigest, WSSecurity } from "soap";
import type { ContractModel } from "../contract/model.ts";
import { openSource } from "../contract/read/source.ts";
import { readWsdl } from "../contract/read/wsdl.ts";
import { parseXml, type XmlElement } from "../formats/xml.ts";
import { createServer } from "../http.ts";
import { createOutbound } from "../outbound/client.ts";
import { soapConnector } from "./soap.ts";
import { type Received, SoapReceiver } from "./soap-receiver.ts";
import type { ResolvedCredentials } from "./system.ts";
import { UsernameTokens } from "./ws-security-check.ts";

// `soap` is an independent implementation: what it sends and accepts is not ours.
const wsdl = fileURLToPath(new URL("../contract/read/fixtures/wsdl/erp/erp.wsdl", import.meta.url));
const messages = fileURLToPath(new URL("./fixtures/messages/", import.meta.url));
const passwordOf = (user: string): string | undefined => (user === "ann" ? "s3cret & <more>" : undefined);
let erp: ContractModel;
let server: Server;
let receiver: SoapReceiver;
let received: Received[] = [];

before(async () => {
  erp = await readWsdl(await openSource(wsdl), "erp");
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "GET", url = "/", headers } = request;
      const body = Buffer.concat(chunks);
      const found = receiver.receive({ method, url, headers: headers as Record<string, string>, body });
      received.push(found);
      const answer =
        found.kind === "refused"
          ? found.answer
          : (found.input as { number: string }).number === "SO-0000"
            ? found.failure("receiver", "no such order")
            : found.output(order);
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const order = {
  created: "2026-01-02",
  customer: "Müller & <Söhne>",
  address: { street: "Quay 1", city: "Rotterdam", country: "NL" },
  remark: null,
  line: [{ sku: "A", quantity: 2, price: { value: "0.10", currency: "EUR" } }],
  channel: "web",
};

test("their client, with a token as text and as a digest, is understood by our receiver, and it understands the answer", async () => {
  const client = await createClientAsync(wsdl, {}, `http://127.0.0.1:${(server.address() as AddressInfo).port}/erp`);
  for (const passwordType of ["PasswordText", "PasswordDigest"]) {
    for (const hasTimeStamp of [true, false]) {
      receiver = new SoapReceiver(erp, { tokens: { passwordOf } });
      received = [];
      client.setSecurity(new WSSecurity("ann", "s3cret & <more>", { passwordType, hasTimeStamp, hasNonce: true }));
      const [result] = (await client.GetOrderAsync({ number: "SO-1234" })) as [Record<string, unknown>];
      const [call] = received;
      assert.ok(call?.kind === "call", call?.kind === "refused" ? call.reason : "");
      assert.deepEqual([call.user, call.input], ["ann", { number: "SO-1234" }]);
      const { customer, address, line } = (result.Order ?? result) as {
        customer: string;
        address: { city: string };
        line: { sku: string }[];
      };
      assert.equal(customer, order.customer);
      assert.equal(address.city, "Rotterdam");
      // A list of one is the item alone to them.
      assert.equal([line].flat()[0]?.sku, "A");
      client.setSecurity(new WSSecurity("ann", "wrong", { passwordType, hasTimeStamp, hasNonce: true }));
      await assert.rejects(client.GetOrderAsync({ number: "SO-1234" }) as Promise<unknown>, /FailedAuthentication/);
    }
  }
  client.setSecurity(new WSSecurity("ann", "s3cret & <more>", { passwordType: "PasswordDigest" }));
  await assert.rejects(client.GetOrderAsync({ number: "SO-0000" }) as Promise<unknown>, /no such order/);
});

test("our client, with a token as text and as a digest, is accepted by their server, and only with the right password", async () => {
  const host = createServer().listen(0, "127.0.0.1");
  await once(host, "listening");
  const service = { ErpService: { OrdersSoap: { GetOrder: () => ({ Order: {} }), Notify: () => undefined } } };
  const their = await new Promise<SoapServer>((resolve, reject) => {
    const callback = (error: Error | null, made: SoapServer): void => (error ? reject(error) : resolve(made));
    listen(host, { path: "/erp", services: service, xml: readFileSync(wsdl, "utf8"), uri: wsdl, callback });
  });
  const seen: string[] = [];
  their.authenticate = (security: unknown): boolean => {
    const { UsernameToken: token, Timestamp: time } = security as {
      UsernameToken: {
        Username: string;
        Password: { $value: string; attributes: { Type: string } };
        Nonce: string | { $value: string };
        Created: string;
      };
      Timestamp: { Created: string; Expires: string };
    };
    const type = token.Password.attributes.Type.split("#")[1] ?? "";
    const nonce = typeof token.Nonce === "string" ? token.Nonce : token.Nonce.$value;
    const secret = passwordOf(token.Username) ?? "";
    const wanted = type === "PasswordDigest" ? theirDigest(nonce, token.Created, secret) : secret;
    seen.push(type);
    return token.Password.$value === wanted && Date.parse(time.Expires) > Date.parse(time.Created);
  };
  const outbound = createOutbound();
  try {
    const open = (credentials: ResolvedCredentials) =>
      soapConnector.open(
        erp,
        {
          name: "erp",
          connection: `http://127.0.0.1:${(host.address() as AddressInfo).port}/erp`,
          timeoutMs: 5000,
          concurrency: 1,
          maxResponseBytes: 1_000_000,
          internal: true,
          sensitive: [],
          credentials,
        },
        { outbound, project: "." },
      );
    const notify = erp.operations.notify;
    assert.ok(notify);
    const context = { key: "k", attempt: 1, deadline: Date.now() + 5000, signal: AbortSignal.timeout(5000) };
    for (const type of ["text", "digest"] as const) {
      const right = open({ kind: "username-token", user: "ann", password: "s3cret & <more>", type });
      assert.deepEqual(await right.call(notify, "hello", context), { ok: true, output: null });
      const wrong = open({ kind: "username-token", user: "ann", password: "other", type });
      await assert.rejects(wrong.call(notify, "hello", context));
    }
    assert.deepEqual(seen, ["PasswordText", "PasswordText", "PasswordDigest", "PasswordDigest"]);
  } finally {
    await outbound.close();
    host.closeAllConnections();
    host.close();
  }
});

function securityOf(file: string): XmlElement | undefined {
  const find = (element: XmlElement): XmlElement | undefined =>
    element.local === "Security" ? element : element.children.map(find).find(Boolean);
  return find(parseXml(readFileSync(messages + file)));
}

test("a token of another system is checked with its own nonce and time, and is too old today", () => {
  const security = securityOf("username-token-request.xml");
  const created =
    /Created[^>]*>([^<]+)</.exec(readFileSync(`${messages}username-token-request.xml`, "utf8"))?.[1] ?? "";
  const then = Date.parse(created);
  assert.ok(Number.isFinite(then), created);
  const tokens = (password: string): UsernameTokens =>
    new UsernameTokens({ passwordOf: (user) => (user === "alice" ? password : undefined) });
  assert.deepEqual(tokens("other").check(security, then), { ok: false, code: "FailedAuthentication" });
  // The digest that another implementation computed over this password.
  const right = tokens("password");
  assert.deepEqual(right.check(security, then), { ok: true, user: "alice" });
  assert.deepEqual(right.check(security, then + 1000), { ok: false, code: "InvalidSecurity" });
  assert.deepEqual(tokens("password").check(security, Date.now()), { ok: false, code: "MessageExpired" });
  assert.deepEqual(tokens("x").check(securityOf("empty-security-header.xml"), then), {
    ok: false,
    code: "InvalidSecurity",
  });
  assert.deepEqual(tokens("x").check(undefined, then), { ok: false, code: "InvalidSecurity" });
});

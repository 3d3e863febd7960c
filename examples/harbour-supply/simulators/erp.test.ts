/** The ERP simulator: SOAP faults, exact decimals, UsernameToken, repeats that do harm, and the carrier being told. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import test from "node:test";
import type { Simulator } from "./launch.ts";
import { send } from "./send.ts";
import { child, parseXml, textOf } from "./soap.ts";
import { folder, launched, receiver, until } from "./test-bench.ts";

const environment = { ERP_USER: "mortise", ERP_PASSWORD: "swordfish" };
const wss = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-";

function token(options: { nonce?: Buffer; created?: string; password?: string } = {}): string {
  const nonce = options.nonce ?? randomBytes(16);
  const created = options.created ?? new Date().toISOString();
  const hash = createHash("sha1")
    .update(nonce)
    .update(created)
    .update(options.password ?? "swordfish");
  return `<w:Security xmlns:w="${wss}wssecurity-secext-1.0.xsd" xmlns:u="${wss}wssecurity-utility-1.0.xsd"><w:UsernameToken>
<w:Username>mortise</w:Username><w:Password Type="${wss}username-token-profile-1.0#PasswordDigest">${hash.digest("base64")}</w:Password>
<w:Nonce>${nonce.toString("base64")}</w:Nonce><u:Created>${created}</u:Created></w:UsernameToken></w:Security>`;
}
async function call(erp: Simulator, name: string, content: string, security = token()) {
  const body = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>${security}</e:Header><e:Body>
<x:${name} xmlns:x="urn:harbour-supply:erp:sales">${content}</x:${name}></e:Body></e:Envelope>`;
  const headers = { "content-type": "text/xml; charset=utf-8", soapaction: `"urn:harbour-supply:erp:${name}"` };
  const answer = await send(`${erp.url}/sales`, { method: "POST", headers, body });
  const answered = child(parseXml(answer.body), "Body")?.children[0];
  return {
    status: answer.status,
    answered,
    code: textOf(answered, "faultcode"),
    detail: child(answered, "detail")?.children[0],
  };
}
function order(options: { reference?: string; customer?: string; total?: string; price?: string } = {}): string {
  return `<x:reference>${options.reference ?? "HS-1"}</x:reference><x:customerNumber>${options.customer ?? "C-1001"}</x:customerNumber>
<x:currency>EUR</x:currency><x:line><x:sku>ROPE-12MM</x:sku><x:quantity>3</x:quantity><x:unitPrice>${options.price ?? "0.10"}</x:unitPrice></x:line>
<x:total>${options.total ?? "0.30"}</x:total>`;
}
async function found(erp: Simulator): Promise<number> {
  return (await call(erp, "findSalesOrder", "<x:reference>HS-1</x:reference>")).answered?.children.length ?? -1;
}

test("a sales order is made, found and cancelled; a repeated create makes a second one", async (t) => {
  const erp = await launched(t, "erp", ["--data", folder(t)], environment);
  const made = await call(erp, "createSalesOrder", order());
  const number = textOf(child(made.answered, "salesOrder"), "number");
  assert.match(number ?? "", /^SO-[0-9]+$/);
  assert.equal(await found(erp), 1);
  await call(erp, "createSalesOrder", order());
  assert.equal(await found(erp), 2);
  const cancelled = await call(erp, "cancelSalesOrder", `<x:number>${number}</x:number>`);
  assert.equal(textOf(cancelled.answered, "cancelled"), "1");
  assert.equal(await found(erp), 1);
  await call(erp, "cancelSalesOrder", "<x:reference>HS-1</x:reference>");
  assert.equal(await found(erp), 0);
});

test("declared faults carry their detail; amounts are exact", async (t) => {
  const erp = await launched(t, "erp", ["--data", folder(t)], environment);
  const stranger = await call(erp, "createSalesOrder", order({ customer: "C-9999" }));
  assert.deepEqual([stranger.status, stranger.detail?.local], [500, "UnknownCustomer"]);
  const wrong = await call(erp, "createSalesOrder", order({ total: "0.3000001" }));
  assert.equal(wrong.detail?.local, "InvalidOrder");
  const limit = await call(erp, "createSalesOrder", order({ customer: "C-1005", price: "1000.10", total: "3000.30" }));
  assert.equal(limit.detail?.local, "CreditLimitExceeded");
  assert.equal(textOf(limit.detail, "limit"), "1000.00");
  assert.equal(textOf(limit.detail, "requested"), "3000.30");
  const unknown = await call(erp, "cancelSalesOrder", "<x:number>SO-1</x:number>");
  assert.equal(unknown.detail?.local, "UnknownSalesOrder");
  assert.equal(await found(erp), 0);
});

test("a token that is missing, wrong, stale or seen before is refused, also after a kill", async (t) => {
  const data = folder(t);
  const erp = await launched(t, "erp", ["--data", data], environment);
  const refused = async (at: Simulator, security: string) => (await call(at, "findSalesOrder", "", security)).code;
  assert.equal(await refused(erp, ""), "wsse:InvalidSecurity");
  assert.equal(await refused(erp, token({ password: "wrong" })), "wsse:FailedAuthentication");
  assert.equal(
    await refused(erp, token({ created: new Date(Date.now() - 600_000).toISOString() })),
    "wsse:MessageExpired",
  );
  const once = token();
  assert.equal(await refused(erp, once), undefined);
  assert.equal(await refused(erp, once), "wsse:FailedAuthentication");
  await erp.stop("SIGKILL");
  const again = await launched(t, "erp", ["--data", data], environment);
  assert.equal(await refused(again, once), "wsse:FailedAuthentication");
});

test("told to drop, it has acted; a kill forgets nothing", async (t) => {
  const data = folder(t);
  const erp = await launched(t, "erp", ["--data", data], environment);
  await erp.behave({ mode: "drop", times: 1, operation: "createSalesOrder" });
  await assert.rejects(call(erp, "createSalesOrder", order()));
  await erp.stop("SIGKILL");
  const again = await launched(t, "erp", ["--data", data], environment);
  assert.equal(await found(again), 1);
});

test("a DOCTYPE is refused", async (t) => {
  const erp = await launched(t, "erp", ["--data", folder(t)], environment);
  const answer = await send(`${erp.url}/sales`, { method: "POST", body: '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>' });
  assert.equal(answer.status, 500);
  assert.match(answer.body, /soap:Client/);
});

test("the carrier is told of open orders until it says yes, not of cancelled ones", async (t) => {
  const { url, received } = await receiver(t, (_, count) => ({ status: count === 1 ? 500 : 202 }));
  const erp = await launched(t, "erp", ["--data", folder(t), "--carrier", url, "--carrier-ms", "150"], environment);
  await call(erp, "createSalesOrder", order({ reference: "HS-2" }));
  await call(erp, "cancelSalesOrder", "<x:reference>HS-2</x:reference>");
  await call(erp, "createSalesOrder", order());
  await until(async () => (await erp.ledger()).some((line) => line.kind === "told"));
  assert.deepEqual(
    received.map((one) => (JSON.parse(one.body) as { orderId: string }).orderId),
    ["HS-1", "HS-1"],
  );
});

test("it serves its contract", async (t) => {
  const erp = await launched(t, "erp", ["--data", folder(t)], environment);
  assert.match((await send(`${erp.url}/sales?wsdl`)).body, /createSalesOrder/);
  assert.match((await send(`${erp.url}/sales?xsd=sales.xsd`)).body, /CreditLimitExceeded/);
});

/** Row 38 over raw sockets: webhooks that nobody signed, that somebody forged, that are old, and that come again and again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openWebhookSecret, signWebhook } from "../../src/connectors/webhook.ts";
import { webhookSecret } from "./project.ts";
import { type Ask, openTarget } from "./target.ts";

const paymentTs = `import { defineProcess } from "mortise"; import { shop } from "../systems/shop/index.ts";
  const any = { kind: "schema", json: true } as any;
  export const payment: any = defineProcess({ name: "payment", on: shop.paid, input: any, output: any, key: (input: any) => input.order, run: async (flow, input: any) => flow.call(shop.book, { sku: input.order }) } as any);`;

const now = () => Math.floor(Date.now() / 1000);
function sent(
  order: string,
  id: string,
  { at = now(), secret = webhookSecret, body = "" } = {},
): Ask & { body: string; headers: string[] } {
  const text = body === "" ? JSON.stringify({ type: "paid", order }) : body;
  const headers = signWebhook({ id, timestamp: at, body: text, secrets: [openWebhookSecret(secret, "shop")] });
  return { auth: "", body: text, headers: Object.entries(headers).map(([name, value]) => `${name}: ${value}`) };
}
const without = (ask: Ask, name: string, instead?: string): Ask => ({
  ...ask,
  headers: [
    ...(ask.headers ?? []).filter((each) => !each.startsWith(name)),
    ...(instead === undefined ? [] : [`${name}: ${instead}`]),
  ],
});

test("SW-9 attack 38: a webhook that is unsigned, forged, old or changed does nothing; a hundred of one message at once do it once", async (t) => {
  const target = await openTarget(t, { files: { "processes/payment.ts": paymentTs } });
  const { ask, upstream, admin } = target;
  const good = sent("a", "m-1");
  const signature = good.headers
    .find((each) => each.startsWith("webhook-signature"))!
    .slice("webhook-signature: ".length);
  const other = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
  const refused: Readonly<Record<string, Ask>> = {
    "no headers": { auth: "", body: good.body },
    "no signature": without(good, "webhook-signature"),
    "an empty signature": without(good, "webhook-signature", ""),
    "a signature without its version": without(good, "webhook-signature", signature.slice(3)),
    "another version": without(good, "webhook-signature", signature.replace("v1,", "v2,")),
    "the asymmetric version": without(good, "webhook-signature", signature.replace("v1,", "v1a,")),
    "half of it": without(good, "webhook-signature", signature.slice(0, -10)),
    "another one": without(good, "webhook-signature", `v1,${Buffer.alloc(32).toString("base64")}`),
    "the right one as the ninth": without(good, "webhook-signature", `${"v1,AAAA ".repeat(8)}${signature}`),
    "two signatures in one": without(good, "webhook-signature", `${signature}, v1,AAAA`),
    "white space in it": without(good, "webhook-signature", `${signature.slice(0, 10)}\t${signature.slice(10)}`),
    "no time": without(good, "webhook-timestamp"),
    "another time": without(good, "webhook-timestamp", String(now() + 1)),
    "a time that is none": without(good, "webhook-timestamp", "soon"),
    "no id": without(good, "webhook-id"),
    "another id": without(good, "webhook-id", "m-2"),
    "six minutes old": sent("a", "m-1", { at: now() - 360 }),
    "six minutes ahead": sent("a", "m-1", { at: now() + 360 }),
    "milliseconds for seconds": sent("a", "m-1", { at: Date.now() }),
    "another secret": sent("a", "m-1", { secret: other }),
    "a space in the body": { ...good, body: `${good.body} ` },
    "the members in another order": { ...good, body: '{"order":"a","type":"paid"}' },
    "letters written otherwise": { ...good, body: good.body.replace("a", "\\u0061") },
    "an id with a dot": sent("a", "m.1"),
  };
  for (const [what, each] of Object.entries(refused)) {
    const answer = await ask("POST /webhooks/shop", each);
    assert.equal(answer.status, 401, `${what}: ${answer.text}`);
    assert.match(answer.text, /webhook-refused/, "and nobody is told what was wrong");
  }
  for (const header of ["webhook-signature: v1,AAAA", "webhook-id: m-1", `webhook-timestamp: ${now()}`]) {
    const twice = await ask("POST /webhooks/shop", { ...good, headers: [...good.headers, header] });
    assert.equal(twice.status, 400, `${header} twice: ${twice.text}`);
  }
  for (const path of ["/webhooks/", "/webhooks/none", "/webhooks/shop/", "/webhooks/SHOP", "/webhooks"])
    assert.ok([404, 401, 400].includes((await ask(`POST ${path}`, good)).status), path);
  assert.equal((await ask("GET /webhooks/shop", { auth: "" })).status, 405);
  assert.equal(JSON.parse((await admin("/runs")).text).runs.length, 0);
  target.quiet();

  // One message, a hundred times at once: each is told that it was taken, and it was, once.
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask("POST /webhooks/shop", good)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([204]));
  // The same payment under another id of the message is the same payment; another order is another one.
  assert.equal((await ask("POST /webhooks/shop", sent("a", "m-9"))).status, 204);
  assert.equal((await ask("POST /webhooks/shop", sent("b", "m-10"))).status, 204);
  for (const end = Date.now() + 10_000; upstream.ledger.length < 2 && Date.now() < end; )
    await new Promise((next) => setTimeout(next, 10));
  assert.deepEqual(
    upstream.ledger
      .splice(0)
      .map(({ body }) => body)
      .toSorted(),
    ['{"sku":"a"}', '{"sku":"b"}'],
  );
  const { runs } = JSON.parse((await admin("/runs")).text);
  assert.deepEqual(runs.map(({ key }: { key: string }) => key).toSorted(), ["a", "b"]);
  target.quiet();
  await target.works();
});

test("attack 38: without a secret for its webhooks, or with one that is too short, a system does not start", async (t) => {
  const unsigned = `import { rest } from "mortise"; import { contract } from "./contract.ts"; export const shop: any = rest(contract, { connection: "UPSTREAM" });`;
  await assert.rejects(openTarget(t, { files: { "systems/shop/index.ts": unsigned } }), { code: "webhook-secret" });
  for (const text of ["whsec_", "whsec_c2hvcnQ=", "changeme", "whsec_###", " "])
    await assert.rejects(
      openTarget(t, { files: { "secrets/shop-webhook": text } }),
      (error: Error & { code: string }) => {
        assert.ok(["webhook-secret", "secrets-missing"].includes(error.code), error.code);
        return text.trim() === "" || !error.message.includes(text.slice(6) || "whsec_#");
      },
    );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { MortiseError } from "../errors.ts";
import { openWebhookSecret, signWebhook, verifyWebhook } from "./webhook.ts";

const text = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const secret = openWebhookSecret(text, "payments");
const old = openWebhookSecret(`whsec_${Buffer.alloc(24, 1).toString("base64")}`, "payments");
const body = Buffer.from('{"type":"payment.captured","id":"p1"}');
const timestamp = 1_790_000_000;
const now = timestamp * 1000;
const headers = signWebhook({ id: "msg_1", timestamp, body, secrets: [secret] });

const refused = (error: unknown) => {
  assert.ok(error instanceof MortiseError, String(error));
  assert.deepEqual([error.code, error.status, error.outcome, error.class], ["webhook-refused", 401, "none", "give-up"]);
  // The same words whatever was wrong.
  assert.equal(error.message, reference);
  return true;
};
const reference = (() => {
  try {
    verifyWebhook({ headers: {}, body, secret, now });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
})();

test("SW-9: accepts what was signed with the secret, within five minutes either way", () => {
  assert.deepEqual(verifyWebhook({ headers, body, secret, now }), { id: "msg_1", timestamp });
  for (const off of [-300_000, 300_000]) verifyWebhook({ headers, body, secret, now: now + off });
});

test("agrees with the example of the standard's reference library", () => {
  const known = openWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x");
  const signed = signWebhook({
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    timestamp: 1614265330,
    body: '{"test": 2432232314}',
    secrets: [known],
  });
  assert.equal(signed["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

test("SW-9: accepts any of several signatures during a rotation, and passes over other versions", () => {
  const both = signWebhook({ id: "msg_1", timestamp, body, secrets: [old, secret] });
  verifyWebhook({ headers: both, body, secret, now });
  verifyWebhook({ headers: both, body, secret: old, now });
  const mixed = { ...headers, "webhook-signature": `v1a,AAAA ${headers["webhook-signature"]}` };
  verifyWebhook({ headers: mixed, body, secret, now });
});

test("SW-9: refuses everything else, always with the same words", () => {
  const good = headers["webhook-signature"];
  const cases: Record<string, Parameters<typeof verifyWebhook>[0]> = {
    "other body": { headers, body: Buffer.concat([body, Buffer.from(" ")]), secret, now },
    "other secret": { headers, body, secret: old, now },
    "too old": { headers, body, secret, now: now + 301_000 },
    "from the future": { headers, body, secret, now: now - 301_000 },
    "other id": { headers: { ...headers, "webhook-id": "msg_2" }, body, secret, now },
    "other timestamp": { headers: { ...headers, "webhook-timestamp": String(timestamp + 1) }, body, secret, now },
    "id that shifts the border": {
      headers: { ...headers, "webhook-id": `msg_1.${timestamp}` },
      body,
      secret,
      now,
    },
    "no signature": { headers: { ...headers, "webhook-signature": undefined }, body, secret, now },
    "empty signature": { headers: { ...headers, "webhook-signature": "v1," }, body, secret, now },
    "asymmetric name": { headers: { ...headers, "webhook-signature": good.replace("v1,", "v1a,") }, body, secret, now },
    "repeated header": { headers: { ...headers, "webhook-id": ["msg_1", "msg_1"] }, body, secret, now },
    "odd timestamp": { headers: { ...headers, "webhook-timestamp": "1e9" }, body, secret, now },
    "ninth signature": {
      headers: { ...headers, "webhook-signature": `${"v1,AAAA ".repeat(8)}${good}` },
      body,
      secret,
      now,
    },
  };
  for (const [name, delivery] of Object.entries(cases)) assert.throws(() => verifyWebhook(delivery), refused, name);
});

test("a secret that is missing, short, long or of another form refuses at start, and is never shown", () => {
  const base64 = (length: number) => `whsec_${Buffer.alloc(length, 5).toString("base64")}`;
  for (const bad of [undefined, "", text.slice(6), base64(23), base64(65), "whsec_???", "whsec_", `whpk_${text}`])
    assert.throws(
      () => openWebhookSecret(bad, "payments"),
      (error) => {
        assert.ok(error instanceof MortiseError && error.code === "webhook-secret");
        assert.ok(bad === undefined || bad.length < 7 || !error.message.includes(bad.slice(6)));
        return true;
      },
    );
  for (const length of [24, 64]) openWebhookSecret(base64(length), "payments");
  assert.ok(!inspect(secret, { showHidden: true, depth: 9 }).includes("07 07"));
  assert.equal(JSON.stringify(secret), "{}");
});

/** The payment provider simulator: idempotency keys, webhooks, the faults it can be told to show, and memory across a kill. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Simulator } from "./launch.ts";
import { send } from "./send.ts";
import { folder, launched, receiver, until } from "./test-bench.ts";
import { signature } from "./webhooks.ts";

const secret = `whsec_${Buffer.from("a secret of enough length").toString("base64")}`;
const environment = { PAYMENTS_TOKEN: "t", PAYMENTS_WEBHOOK_SECRET: secret };
const body = { reference: "HS-1", amount: "10.50", currency: "EUR", token: "tok_1" };

function post(simulator: Simulator, path: string, key: string | undefined, value: object) {
  const headers = { authorization: "Bearer t", "content-type": "application/json" };
  const withKey = key === undefined ? headers : { ...headers, "idempotency-key": key };
  return send(simulator.url + path, { method: "POST", headers: withKey, body: JSON.stringify(value) });
}
async function found(simulator: Simulator) {
  const answer = await send(`${simulator.url}/payments?reference=HS-1`, { headers: { authorization: "Bearer t" } });
  return JSON.parse(answer.body) as { readonly id: string; readonly status: string }[];
}

test("the same key gives the same payment, another body 422, no key 400, a wrong token 401", async (t) => {
  const payments = await launched(t, "payments", ["--data", folder(t)], environment);
  const first = await post(payments, "/payments", "k1", body);
  const again = await post(payments, "/payments", "k1", body);
  assert.equal(first.status, 201);
  assert.equal(again.body, first.body);
  assert.equal((await post(payments, "/payments", "k1", { ...body, amount: "11.00" })).status, 422);
  assert.equal((await post(payments, "/payments", undefined, body)).status, 400);
  assert.equal((await send(`${payments.url}/payments?reference=HS-1`)).status, 401);
  assert.equal((await found(payments)).length, 1);
});

test("a declined card is a 402 with its reason, and remembered under the key", async (t) => {
  const payments = await launched(t, "payments", ["--data", folder(t)], environment);
  const declined = await post(payments, "/payments", "k1", { ...body, token: "tok_declined" });
  assert.equal(declined.status, 402);
  assert.equal((JSON.parse(declined.body) as { reason: string }).reason, "insufficient_funds");
  assert.equal((await post(payments, "/payments", "k1", { ...body, token: "tok_declined" })).body, declined.body);
  assert.deepEqual(await found(payments), []);
});

test("told to drop, it acts and answers nothing; told to fail, it does not act", async (t) => {
  const payments = await launched(t, "payments", ["--data", folder(t)], environment);
  await payments.behave({ mode: "drop", times: 1, operation: "authorize" });
  await assert.rejects(post(payments, "/payments", "k1", body));
  assert.equal((await found(payments)).length, 1);
  await payments.behave({ mode: "fail", times: 1 });
  assert.equal((await post(payments, "/payments", "k2", body)).status, 500);
  assert.equal((await found(payments)).length, 1);
  assert.equal((await post(payments, "/payments", "k1", body)).status, 201);
  const kinds = (await payments.ledger()).map((line) => [line.kind, line.operation, line.mode]);
  assert.deepEqual(kinds.slice(0, 3), [
    ["received", "authorize", "drop"],
    ["applied", "authorize", undefined],
    ["answered", undefined, "drop"],
  ]);
  assert.equal((await payments.ledger()).filter((line) => line.kind === "applied").length, 1);
});

test("told to go away, it refuses connections and comes back on the same port", async (t) => {
  const payments = await launched(t, "payments", ["--data", folder(t)], environment);
  await payments.behave({ mode: "away", ms: 100 });
  await assert.rejects(found(payments), { code: "ECONNREFUSED" });
  assert.deepEqual(await until(() => found(payments).catch(() => undefined)), []);
});

test("told to be slow, it answers late", async (t) => {
  const payments = await launched(t, "payments", ["--data", folder(t)], environment);
  await payments.behave({ mode: "slow", ms: 120, times: 1 });
  const started = performance.now();
  await found(payments);
  assert.ok(performance.now() - started >= 115);
});

test("an unknown authorization can be voided by its key, and is refused when it arrives late", async (t) => {
  const payments = await launched(t, "payments", ["--data", folder(t)], environment);
  const voided = await post(payments, "/voids", "v1", { reference: "k1" });
  assert.deepEqual([voided.status, JSON.parse(voided.body)], [200, { status: "unknown" }]);
  assert.equal((await post(payments, "/payments", "k1", body)).status, 409);
  await post(payments, "/payments", "k2", body);
  await post(payments, "/voids", "v2", { reference: "k2" });
  assert.equal((await found(payments))[0]?.status, "voided");
});

test("a captured payment settles with a signed webhook, tried until 2xx, twice on purpose, through a kill", async (t) => {
  const data = folder(t);
  const { url, received } = await receiver(t, (_, count) => ({ status: count === 1 ? 503 : 204 }));
  const args = ["--data", data, "--duplicates", "1", "--settle-ms", "50"];
  const before = await launched(t, "payments", args, environment);
  const { id } = JSON.parse((await post(before, "/payments", "k1", body)).body) as { id: string };
  assert.equal((await post(before, `/payments/${id}/capture`, "c1", {})).status, 200);
  await before.stop("SIGKILL");

  const after = await launched(t, "payments", [...args, "--webhook-url", `${url}/hook`], environment);
  await until(async () => (await after.ledger()).some((line) => line.again === true));
  assert.equal(received.length, 3);
  assert.equal(new Set(received.map((one) => one.headers["webhook-id"])).size, 1);
  for (const one of received) {
    const timestamp = Number(one.headers["webhook-timestamp"]);
    assert.equal(one.headers["webhook-signature"], signature(secret, `msg_${id}`, timestamp, one.body));
  }
  assert.equal((JSON.parse(received[0]?.body ?? "") as { reference: string }).reference, "HS-1");
  assert.equal((await found(after))[0]?.status, "settled");
  assert.equal((await post(after, `/payments/${id}/capture`, "c1", {})).status, 200, "the first answer again");
  assert.equal((await post(after, `/payments/${id}/capture`, "c2", {})).status, 409);
});

test("the signature is that of Standard Webhooks 1.0.0", () => {
  // The example of the specification's reference libraries.
  const given = signature(
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    '{"test": 2432232314}',
  );
  assert.equal(given, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import test, { type TestContext } from "node:test";
import { openWebhookSecret, signWebhook } from "../../connectors/webhook.ts";
import { failure } from "../../errors.ts";
import type { HttpRequest } from "../../publish/http.ts";
import { contractOf } from "../test-project.ts";
import type { IncomingEvent } from "./deliver.ts";
import { createWebhooks } from "./webhooks.ts";

const text = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;
const secret = openWebhookSecret(text, "shop");
const now = 1_800_000_000_000;

function taker(t: TestContext, refusal?: Error) {
  const delivered: IncomingEvent[] = [];
  const told: unknown[] = [];
  const take = createWebhooks({
    systems: [{ name: "shop", contract: contractOf("shop").model }],
    secret: () => text,
    deliver: async (event) => {
      if (refusal !== undefined) throw refusal;
      delivered.push(event);
      return { result: "kept" };
    },
    maxBodyBytes: 1024,
    now: () => now,
  });
  const listener = (fact: unknown): void => void told.push(fact);
  subscribe("mortise:server:trigger", listener);
  t.after(() => unsubscribe("mortise:server:trigger", listener));
  const send = async (body: string, headers: Readonly<Record<string, string>> = {}, path = "/webhooks/shop") => {
    const signed = signWebhook({ id: "d1", timestamp: now / 1000, body, secrets: [secret] });
    const request = {
      id: "q",
      method: "POST",
      path,
      query: "",
      headers: { ...signed, ...headers },
      body: async () => Buffer.from(body),
    };
    return (await take(request as unknown as HttpRequest)).status;
  };
  return { delivered, told, send };
}

test("SW-9, row 38: what is not signed, or not in time, delivers nothing, and is told once each", async (t) => {
  const { delivered, told, send } = taker(t);
  const body = JSON.stringify({ type: "paid", order: "o1" });
  const late = signWebhook({ id: "d1", timestamp: now / 1000 - 360, body, secrets: [secret] });
  const forged: readonly Readonly<Record<string, string>>[] = [
    { "webhook-signature": "" },
    { "webhook-signature": "v1,AAAA v1a,x v2,y" },
    { "webhook-timestamp": "NaN" },
    { "webhook-id": "d2" },
    late,
    signWebhook({ id: "d1", timestamp: now / 1000, body: `${body} `, secrets: [secret] }),
  ];
  for (const headers of forged) assert.equal(await send(body, headers), 401);
  assert.deepEqual(delivered, []);
  assert.equal(told.length, 6);
  assert.deepEqual(told[0], { system: "shop", event: "", result: "refused", code: "webhook-refused" });
  assert.equal(await send(body), 204);
  assert.equal(delivered.length, 1);
});

test("row 21: a signed message that two readers could read differently is refused", async (t) => {
  const { delivered, told, send } = taker(t);
  assert.equal(await send('{"type":"paid","order":"a","order":"b"}'), 400);
  assert.equal(await send("[".repeat(500)), 413);
  assert.deepEqual(delivered, []);
  assert.deepEqual(
    told.map((fact) => (fact as { code: string }).code),
    ["json-invalid", "json-limit"],
  );
});

test("what is asked of systems that are not there is not told: anyone can ask", async (t) => {
  const { told, send } = taker(t);
  for (const path of ["/webhooks/", "/webhooks/__proto__", "/webhooks/none", "/webhooks/shop/"])
    assert.equal(await send("{}", {}, path), 404);
  assert.deepEqual(told, []);
});

test("an event that can't be taken now is answered with 503, so that its sender repeats it", async (t) => {
  const { send } = taker(t, failure("start-queue-full", { process: "p", limit: 1 }, { retryAfterMs: 5000 }));
  assert.equal(await send(JSON.stringify({ type: "paid", order: "o1" })), 503);
});

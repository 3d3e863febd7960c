/** The payment provider. It honours Idempotency-Keys, and tells by webhook when the money has arrived. */
import { env, rest, secret } from "mortise";
import { contract } from "./contract.ts";

export const payments = rest(contract, {
  connection: env("PAYMENTS_URL", "http://127.0.0.1:8703"),
  credentials: { kind: "bearer", token: secret("PAYMENTS_TOKEN") },
  timeout: "5s",
  concurrency: 16,
  events: { paymentSettled: { key: (settled) => settled.reference } },
  webhookSecret: secret("PAYMENTS_WEBHOOK_SECRET"),
  sensitive: ["authorize.input.token"],
});

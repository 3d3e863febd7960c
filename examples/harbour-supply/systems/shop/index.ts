/** The web shop: where orders come from, and where their customers look. */
import { env, rest, secret } from "mortise";
import { contract } from "./contract.ts";

export const shop = rest(contract, {
  connection: env("SHOP_URL", "http://127.0.0.1:8701"),
  credentials: { kind: "bearer", token: secret("SHOP_TOKEN") },
  timeout: "5s",
  concurrency: 16,
  events: { availabilityAsked: { key: (asked) => asked.question } },
  webhookSecret: secret("SHOP_WEBHOOK_SECRET"),
  sensitive: ["getOrder.output.cardToken"],
});

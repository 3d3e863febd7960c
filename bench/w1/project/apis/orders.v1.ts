/** Places an order and waits for its durable end. */
import { apiKey, defineApi, post, published } from "mortise";
import { orderToCash } from "../processes/order-to-cash.ts";

export default defineApi({
  name: "orders",
  version: "1.0.0",
  base: "/orders/v1",
  lifecycle: published(),
  access: [apiKey()],
  operations: { placeOrder: post("/orders", { scope: "orders:write", starts: orderToCash, wait: "30s" }) },
});

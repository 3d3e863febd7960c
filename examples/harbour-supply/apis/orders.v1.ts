/** What Harbour Supply publishes: placing orders, following them, and the stock, in real time too. */
import { apiKey, defineApi, get, post, published } from "mortise";
import { orderToCash } from "../processes/order-to-cash.ts";
import { warehouse } from "../systems/warehouse/index.ts";

export default defineApi({
  name: "orders",
  version: "1.0.0",
  base: "/orders/v1",
  title: "Harbour Supply orders",
  description: "Place orders, follow them to the end, and look at the stock.",
  lifecycle: published(),
  access: [apiKey()],
  limits: [{ per: "consumer", rate: 100, every: "1s" }],
  operations: {
    placeOrder: post("/orders", {
      summary: "Places an order; answers at once with a link to follow.",
      scope: "orders:write",
      starts: orderToCash,
      idempotency: { required: true },
    }),
    placeOrderAndWait: post("/orders/wait", {
      summary: "Places an order and waits up to ten seconds for its end.",
      scope: "orders:write",
      starts: orderToCash,
      wait: "10s",
      idempotency: { required: true },
    }),
    getOrder: get("/orders/{key}", {
      summary: "Where an order stands. Shown to the consumer that placed it.",
      scope: "orders:read",
      run: orderToCash,
      allow: ({ caller, run }) => run.input.channel === caller.id,
    }),
    getStock: get("/stock/{sku}", {
      summary: "What is in stock, at most one second old.",
      scope: "stock:read",
      calls: warehouse.getStock,
      cache: "1s",
    }),
    followOrder: get("/orders/{key}/events", {
      summary: "Each state of an order as it comes, until its end: server-sent events.",
      scope: "orders:read",
      follows: orderToCash,
      allow: ({ caller, run }) => run.input.channel === caller.id,
    }),
    watchStock: get("/stock/{sku}/events", {
      summary: "What is in stock, in real time: an event for each change.",
      scope: "stock:read",
      calls: warehouse.getStock,
      every: "1s",
    }),
  },
});

/** The shop asks what it may promise; the warehouse knows. One question, one run, however often it is delivered. */
import { defineProcess } from "mortise";
import { shop } from "../systems/shop/index.ts";
import { warehouse } from "../systems/warehouse/index.ts";

export const stockAvailability = defineProcess({
  name: "stock-availability",
  description: "Tells the shop how many pieces of a product it may promise.",
  input: shop.schemas.AvailabilityAsked,
  on: shop.availabilityAsked,
  key: (asked) => asked.question,
  async run(flow, { sku }) {
    const stock = await flow.call(warehouse.getStock, { sku });
    await flow.call(shop.setAvailability, { sku, available: stock?.available ?? 0 });
  },
});

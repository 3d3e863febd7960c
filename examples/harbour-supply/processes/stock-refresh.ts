/** Once a night the shop is told again what it may promise of each product that stands in its window, whether it asked or not. */
import { defineProcess, t } from "mortise";
import { shop } from "../systems/shop/index.ts";
import { warehouse } from "../systems/warehouse/index.ts";

export const stockRefresh = defineProcess({
  name: "stock-refresh",
  description: "Tells the shop how many pieces of each product it may promise.",
  input: t.object({ day: t.string(), products: t.array(t.string()) }),
  key: ({ day }) => day,
  // A night that is made up for waits until the run of the night before has ended.
  limits: { concurrency: 1 },
  async run(flow, { products }) {
    for (const sku of products) {
      const stock = await flow.call(warehouse.getStock, { sku });
      await flow.call(shop.setAvailability, { sku, available: stock?.available ?? 0 });
    }
  },
});

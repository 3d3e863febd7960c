/** What the ship chandlers of the port have agreed on: their contract, and behind it our warehouse. */
import { apiKey, fault, implementApi, published } from "mortise";
import { warehouse } from "../../systems/warehouse/index.ts";
import { contract } from "./contract.ts";

export default implementApi(contract, {
  base: "/chandlers/v1",
  lifecycle: published(),
  access: [apiKey()],
  operations: {
    getArticle: {
      scope: "stock:read",
      calls: warehouse.getStock,
      accepts: ({ articleNo }) => ({ sku: articleNo }),
      responds: (stock, { request: { quantity = 1 } }) =>
        stock === null
          ? fault("notFound", { code: 404, text: "We do not carry this article." })
          : { articleNo: stock.sku, inStock: stock.available >= quantity, left: stock.available },
    },
  },
  problems: ({ status, detail, errors }) => ({
    code: status,
    text:
      errors === undefined ? detail : errors.map(({ pointer, message }) => `${pointer} ${message}`.trim()).join("; "),
  }),
});

/** A read that goes straight to the system: with a key, a limit, validation, metrics and the log. */
import { apiKey, defineApi, get, published } from "mortise";
import { catalogue } from "../systems/catalogue/index.ts";

export default defineApi({
  name: "items",
  version: "1.0.0",
  base: "/items/v1",
  lifecycle: published(),
  access: [apiKey()],
  limits: [{ per: "consumer", rate: 1_000_000, every: "1s" }],
  operations: { getItem: get("/items/{id}", { scope: "items:read", calls: catalogue.getItem }) },
});

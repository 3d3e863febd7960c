/** Starts it. */
import { apiKey, defineApi, post, published } from "mortise";
import { parking } from "../processes/parking.ts";

export default defineApi({
  name: "parking",
  version: "1.0.0",
  base: "/parking/v1",
  lifecycle: published(),
  access: [apiKey()],
  operations: { place: post("/orders", { scope: "orders:write", starts: parking }) },
});

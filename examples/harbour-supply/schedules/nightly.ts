/** What Harbour Supply does by the clock. */
import { defineSchedule } from "mortise";
import { stockRefresh } from "../processes/stock-refresh.ts";

const window = ["ROPE-12MM", "SHACKLE-8", "FENDER-L", "ANCHOR-10KG", "LANTERN-LED", "COMPASS-BRASS"];

export const nightlyStock = defineSchedule({
  name: "nightly-stock",
  description: "The shop's stock figures, each night when nobody orders.",
  process: stockRefresh,
  cron: "30 2 * * *",
  timeZone: "Europe/Berlin",
  input: ({ date }) => ({ day: date, products: window }),
});

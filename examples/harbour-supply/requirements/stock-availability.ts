import { defineRequirement } from "mortise";

export const stockAvailability = defineRequirement({
  process: "stock-availability",
  purpose: "The shop never promises what the warehouse does not have.",
  owner: "head of logistics",
  systems: {
    shop: { sourceOfTruthFor: [] },
    warehouse: { sourceOfTruthFor: ["stock"] },
  },
  volume: { runs: 5000, per: "hour", peak: 20_000 },
  turnaround: { within: "5s", percent: 99 },
  data: { classification: "internal", personal: false },
});

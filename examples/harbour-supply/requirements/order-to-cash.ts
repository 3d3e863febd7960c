import { defineRequirement } from "mortise";

export const orderToCash = defineRequirement({
  process: "order-to-cash",
  purpose: "Every order that the shop accepts is either delivered and paid, or refused with nothing left behind.",
  owner: "head of sales",
  systems: {
    shop: { sourceOfTruthFor: ["order", "customer's card token"] },
    warehouse: { sourceOfTruthFor: ["stock", "hold"] },
    payments: { sourceOfTruthFor: ["payment"] },
    erp: { sourceOfTruthFor: ["sales order", "credit limit"] },
    carrier: { sourceOfTruthFor: ["shipment"] },
  },
  volume: { runs: 20_000, per: "day", peak: 60_000 },
  turnaround: { within: "2d", percent: 95 },
  data: { classification: "confidential", personal: true },
});

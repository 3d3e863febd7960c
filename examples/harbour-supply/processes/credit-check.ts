/** The question to finance about a big order. */
import { defineTask, schema } from "mortise";

export const creditCheck = defineTask({
  name: "credit-check",
  title: "May this customer buy for that much?",
  input: schema({
    type: "object",
    properties: {
      order: { type: "string" },
      customer: { type: "string" },
      total: { type: "string" },
    },
    required: ["order", "customer", "total"],
    additionalProperties: false,
  }),
  answer: schema({
    type: "object",
    properties: {
      approved: { type: "boolean" },
      reason: { type: "string", maxLength: 500 },
    },
    required: ["approved"],
    additionalProperties: false,
  }),
});

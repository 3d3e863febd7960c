/** The question to finance about a big order. */
import { defineTask, t } from "mortise";

export const creditCheck = defineTask({
  name: "credit-check",
  title: "May this customer buy for that much?",
  input: t.object({ order: t.string(), customer: t.string(), total: t.string() }),
  answer: t.object({ approved: t.boolean(), reason: t.optional(t.string({ maxLength: 500 })) }),
});

/** Parks: a step of which nobody knows whether it happened. */
import { defineProcess, t } from "mortise";

export const parking = defineProcess({
  name: "parking",
  input: t.object({ id: t.string(), customer: t.string(), note: t.string() }),
  key: (order) => order.id,
  retry: { attempts: 1 },
  async run(flow, order) {
    const checked = await flow.step("check", { effect: "read" }, () => ({ customer: order.customer, credit: "good" }));
    await flow.step("book", { effect: "unrepeatable" }, () => {
      throw new Error("the connection was lost");
    });
    return checked;
  },
});

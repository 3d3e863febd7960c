/** Order-to-cash as the benchmark runs it: four calls, each with its undo where one makes sense. */
import { defineProcess, t } from "mortise";
import { upstream } from "../systems/upstream/index.ts";

export const orderToCash = defineProcess({
  name: "order-to-cash",
  input: upstream.schemas.Order,
  output: t.object({ salesOrder: t.string(), payment: t.string() }),
  key: (order) => order.id,
  async run(flow, order) {
    const { hold } = await flow.call(upstream.reserve, { reference: order.id, lines: order.lines });
    const payment = await flow.call(upstream.authorize, { amount: order.total, token: order.cardToken });
    const sale = await flow.call(upstream.createSalesOrder, { reference: order.id, hold, lines: order.lines });
    flow.pivot();
    await flow.call(upstream.capture, { id: payment.id });
    return { salesOrder: sale.number, payment: payment.id };
  },
});

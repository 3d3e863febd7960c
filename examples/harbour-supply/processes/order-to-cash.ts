/**
 * From the order to the money: hold the goods, authorize the payment, ask finance about a big order, book it in the ERP, wait until
 * it is shipped, take the money, and wait until it has arrived. What can't go on is refused, and everything done is undone.
 */
import { compareDecimals, decimal, defineProcess, type Flow, FlowTimeout, type InputOf, t } from "mortise";
import { carrier } from "../systems/carrier/index.ts";
import { erp } from "../systems/erp/index.ts";
import { payments } from "../systems/payments/index.ts";
import { shop } from "../systems/shop/index.ts";
import { warehouse } from "../systems/warehouse/index.ts";
import { creditCheck } from "./credit-check.ts";
import { type Order, toSalesOrder } from "./sales-order.ts";

/** From here on finance is asked. */
const bigOrder = decimal("5000.00");

export const orderToCash = defineProcess({
  name: "order-to-cash",
  description: "From an order in the shop to the money in the bank.",
  input: shop.schemas.Order,
  output: t.object({ salesOrder: t.string(), tracking: t.string(), settledAt: t.string() }),
  key: (order) => order.id,
  async run(flow, order) {
    const hold = await flow.attempt(
      warehouse.reserveStock,
      { lines: order.lines.map(({ sku, quantity }) => ({ sku, quantity })) },
      { undo: { call: warehouse.releaseStock, with: ({ key }) => ({ reference: key }) } },
    );
    if (!hold.ok) return refuse(flow, order, hold.fault.name === "OutOfStock" ? "out of stock" : "unknown product");

    const payment = await flow.attempt(
      payments.authorize,
      { reference: order.id, amount: order.total, currency: order.currency, token: order.cardToken },
      {
        undo: {
          call: payments.void,
          with: ({ output, key }) => (output === undefined ? { reference: key } : { id: output.id }),
        },
      },
    );
    if (!payment.ok) return refuse(flow, order, "card declined");

    if (compareDecimals(decimal(order.total), bigOrder) >= 0) {
      if (!(await approved(flow, order))) return refuse(flow, order, "credit refused");
    }

    const sale = await flow.attempt(erp.createSalesOrder, toSalesOrder(order, hold.output), {
      undo: {
        call: erp.cancelSalesOrder,
        with: ({ output }) => (output === undefined ? { reference: order.id } : { number: output.number }),
      },
    });
    if (!sale.ok) return refuse(flow, order, refusals[sale.fault.name]);
    const salesOrder = sale.output.number;
    await tell(flow, order, { status: "confirmed", salesOrder });

    const shipped = await shipment(flow, order);
    flow.pivot(); // the goods are gone: from here a failure parks
    await flow.all([
      flow.call(payments.capture, { id: payment.output.id }),
      tell(flow, order, { status: "shipped", salesOrder, tracking: shipped.tracking }),
    ]);
    const settled = await flow.receive(payments.paymentSettled, { key: order.id, within: "5d" });
    await tell(flow, order, { status: "paid", salesOrder, tracking: shipped.tracking });
    return { salesOrder, tracking: shipped.tracking, settledAt: settled.settledAt };
  },
});

const refusals = {
  UnknownCustomer: "unknown customer",
  CreditLimitExceeded: "credit limit exceeded",
  InvalidOrder: "the ERP can't read the order",
} as const;

async function approved(flow: Flow, order: Order): Promise<boolean> {
  const input = { order: order.id, customer: order.customerId, total: order.total };
  try {
    return (await flow.task(creditCheck, { assign: "finance", input, within: "2d" })).approved;
  } catch (error) {
    if (error instanceof FlowTimeout) return refuse(flow, order, "finance did not decide in time");
    throw error;
  }
}

async function shipment(flow: Flow, order: Order): Promise<{ readonly tracking: string }> {
  try {
    return await flow.receive(carrier.shipped, { key: order.id, within: "5d" });
  } catch (error) {
    if (error instanceof FlowTimeout) return refuse(flow, order, "the carrier did not take it in time");
    throw error;
  }
}

/** What the customer sees. An order that came another way is not in the shop; one that the shop has dropped is no reason to stop. */
async function tell(flow: Flow, order: Order, status: Omit<InputOf<typeof shop.setOrderStatus>, "id">): Promise<void> {
  if (order.channel === "web-shop") await flow.attempt(shop.setOrderStatus, { id: order.id, ...status });
}

/** Tells the shop, undoes what was done, and ends the run as rejected. */
async function refuse(flow: Flow, order: Order, reason: string): Promise<never> {
  await tell(flow, order, { status: "refused", reason });
  return flow.reject(reason);
}

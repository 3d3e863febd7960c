/** How the shop's order becomes the ERP's sales order: a plain typed function, so a wrong field is a compile error. */
import { decimal, type Infer, type InputOf, type OutputOf } from "mortise";
import type { erp } from "../systems/erp/index.ts";
import type { shop } from "../systems/shop/index.ts";
import type { warehouse } from "../systems/warehouse/index.ts";

export type Order = Infer<typeof shop.schemas.Order>;
type Hold = OutputOf<typeof warehouse.reserveStock>;
type SalesOrder = InputOf<typeof erp.createSalesOrder>;

export function toSalesOrder(order: Order, hold: Hold): SalesOrder {
  return {
    reference: order.id,
    customerNumber: order.customerId,
    currency: order.currency,
    line: order.lines.map(({ sku, quantity, unitPrice }) => ({
      sku,
      quantity: String(quantity),
      unitPrice: decimal(unitPrice),
    })),
    total: decimal(order.total),
    warehouseHold: hold.reference,
  };
}

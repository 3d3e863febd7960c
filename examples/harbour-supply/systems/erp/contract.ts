/**
 * The contract of the system "erp": Erp (WSDL 1.1, read from erp.wsdl, sales.xsd).
 * Generated; do not edit. Refresh it with: mortise types erp
 */
import { type Decimal, pinnedContract } from "mortise";

export interface CreateSalesOrder {
  /** The caller's own number, such as the web shop's order id. */
  readonly reference: string;
  readonly customerNumber: string;
  readonly currency: string;
  readonly line: readonly SalesOrderLine[];
  /** Must be the exact sum of quantity times unit price. */
  readonly total: Decimal;
  readonly warehouseHold?: string;
}

export interface SalesOrderLine {
  readonly sku: string;
  readonly quantity: string;
  readonly unitPrice: Decimal;
}

export interface CreateSalesOrderResponse {
  readonly salesOrder: SalesOrder;
}

/** A sales order as the ERP holds it. */
export interface SalesOrder {
  readonly number: string;
  readonly reference: string;
  readonly customerNumber: string;
  readonly status: SalesOrderStatus;
  readonly total: Decimal;
  readonly createdAt: string;
}

export type SalesOrderStatus = "open" | "cancelled";

export interface UnknownCustomer {
  readonly customerNumber: string;
}

export interface CreditLimitExceeded {
  readonly customerNumber: string;
  readonly limit: Decimal;
  readonly requested: Decimal;
}

export interface InvalidOrder {
  readonly reason: string;
}

export interface CancelSalesOrder {
  readonly number?: string;
  /** Instead of the number: cancels every open sales order of this reference. */
  readonly reference?: string;
}

export interface CancelSalesOrderResponse {
  /** How many sales orders are cancelled now; a repeat says the same. */
  readonly cancelled: number;
}

export interface UnknownSalesOrder {
  readonly number: string;
}

export interface FindSalesOrder {
  readonly reference: string;
}

export interface FindSalesOrderResponse {
  readonly salesOrder?: readonly SalesOrder[];
}

/** Everything that erp offers. The server binds it to one live client. */
export interface ErpContract {
  readonly operations: {
    /** Creates a sales order. Every call creates one: the ERP does not look for an earlier one of the same reference. */
    readonly createSalesOrder: {
      readonly input: CreateSalesOrder;
      readonly output: SalesOrder;
      readonly faults: {
        readonly UnknownCustomer: UnknownCustomer;
        readonly CreditLimitExceeded: CreditLimitExceeded;
        readonly InvalidOrder: InvalidOrder;
      };
    };
    /** Cancels sales orders. A repeat changes nothing. */
    readonly cancelSalesOrder: {
      readonly input: CancelSalesOrder;
      readonly output: number;
      readonly faults: {
        readonly UnknownSalesOrder: UnknownSalesOrder;
      };
    };
    /** The open sales orders of a reference, oldest first; none if there are none. */
    readonly findSalesOrder: {
      readonly input: FindSalesOrder;
      readonly output: readonly SalesOrder[];
      readonly faults: {};
    };
  };
  readonly events: {};
  readonly schemas: {
    readonly createSalesOrder: CreateSalesOrder;
    readonly SalesOrderLine: SalesOrderLine;
    readonly createSalesOrderResponse: CreateSalesOrderResponse;
    readonly SalesOrder: SalesOrder;
    readonly SalesOrderStatus: SalesOrderStatus;
    readonly UnknownCustomer: UnknownCustomer;
    readonly CreditLimitExceeded: CreditLimitExceeded;
    readonly InvalidOrder: InvalidOrder;
    readonly cancelSalesOrder: CancelSalesOrder;
    readonly cancelSalesOrderResponse: CancelSalesOrderResponse;
    readonly UnknownSalesOrder: UnknownSalesOrder;
    readonly findSalesOrder: FindSalesOrder;
    readonly findSalesOrderResponse: FindSalesOrderResponse;
  };
}

export const contract = pinnedContract<ErpContract>(
  import.meta.url,
  "b0d168243f6589dc3773a80127c929eaffec3145c13f35f3da3d9ceb24ab24f7",
);

/**
 * The contract of the system "shop": Harbour Supply web shop 1.4.0 (OpenAPI 3.1.0, read from openapi.yaml).
 * Generated; do not edit. Refresh it with: mortise types shop
 */
import { pinnedContract } from "mortise";

/** An exact decimal with two places, such as "129.90". */
export type Amount = string;

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: Amount;
}

export interface Order {
  readonly id: string;
  /** Who took the order; the name of the API consumer that places it. */
  readonly channel: string;
  readonly customerId: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  readonly total: Amount;
  /** Stands for the customer's card at the payment provider. */
  readonly cardToken: string;
  readonly placedAt: string;
}

export type OrderState = "placed" | "confirmed" | "shipped" | "paid" | "refused";

export interface OrderStatus {
  readonly status: OrderState;
  /** Of a refusal, in words for the customer. */
  readonly reason?: string;
  readonly salesOrder?: string;
  readonly tracking?: string;
}

export interface Availability {
  readonly available: number;
}

export interface AvailabilityAsked {
  /** Unique. */
  readonly question: string;
  readonly sku: string;
}

/** RFC 9457. */
export interface Problem {
  readonly title: string;
  readonly status: number;
}

export interface GetOrderInput {
  readonly id: string;
}

export interface SetOrderStatusInput {
  readonly id: string;
  readonly status: OrderState;
  /** Of a refusal, in words for the customer. */
  readonly reason?: string;
  readonly salesOrder?: string;
  readonly tracking?: string;
}

export interface SetAvailabilityInput {
  readonly sku: string;
  readonly available: number;
}

/** Everything that shop offers. The server binds it to one live client. */
export interface ShopContract {
  readonly operations: {
    /** One order as the shop holds it. */
    readonly getOrder: {
      readonly input: GetOrderInput;
      readonly output: Order;
      readonly faults: {
        /** There is no such order. */
        readonly notFound: Problem;
      };
    };
    /** Sets what the customer is shown about an order. */
    readonly setOrderStatus: {
      readonly input: SetOrderStatusInput;
      readonly output: OrderStatus;
      readonly faults: {
        /** There is no such order. */
        readonly notFound: Problem;
      };
    };
    /** Sets how many pieces the shop may promise. */
    readonly setAvailability: {
      readonly input: SetAvailabilityInput;
      readonly output: null;
      readonly faults: {};
    };
  };
  readonly events: {
    /** A customer looks at a product whose availability the shop does not know. */
    readonly availabilityAsked: AvailabilityAsked;
  };
  readonly schemas: {
    readonly Amount: Amount;
    readonly OrderLine: OrderLine;
    readonly Order: Order;
    readonly OrderState: OrderState;
    readonly OrderStatus: OrderStatus;
    readonly Availability: Availability;
    readonly AvailabilityAsked: AvailabilityAsked;
    readonly Problem: Problem;
  };
}

export const contract = pinnedContract<ShopContract>(
  import.meta.url,
  "1d698683b995f0ae9d4b04f2c7cb98c99b4caf5509846477f122654d4274f08b",
);

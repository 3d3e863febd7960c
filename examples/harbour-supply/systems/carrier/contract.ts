/**
 * The contract of the system "carrier": Shipments that Tidewater Freight has taken away (CSV csvw-2015, read from shipments.csvw.json).
 * Generated; do not edit. Refresh it with: mortise types carrier
 */
import { type Decimal, pinnedContract } from "mortise";

export interface ShippedEvent {
  /** The shop's order. */
  readonly orderId: string;
  readonly tracking: string;
  readonly carrier: string;
  /** Exact, three places. */
  readonly weightKg: Decimal;
  readonly shippedAt: string;
}

/** Everything that carrier offers. The server binds it to one live client. */
export interface CarrierContract {
  readonly operations: {};
  readonly events: {
    /** Shipments that Tidewater Freight has taken away */
    readonly shipped: ShippedEvent;
  };
  readonly schemas: {};
}

export const contract = pinnedContract<CarrierContract>(
  import.meta.url,
  "e2e81aa8acd64f0f45ea32830c8e86b9a823c3068bfa02ede94fd0a6b25f9bfb",
);

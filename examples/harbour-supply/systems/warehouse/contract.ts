/**
 * The contract of the system "warehouse": Warehouse of Harbour Supply 7 (SQL 1, read from warehouse.sql).
 * Generated; do not edit. Refresh it with: mortise types warehouse
 */
import { pinnedContract } from "mortise";

export interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export interface ReserveStockInput {
  /** What to hold. */
  readonly lines: readonly Line[];
}

export interface ReserveStockOutput {
  readonly reference: string;
  readonly lines: number;
  readonly heldAt: string;
}

export interface FindHoldInput {
  readonly reference: string;
}

export type FindHoldOutput = {
  readonly reference: string;
  readonly lines: number;
  readonly heldAt: string;
} | null;

export interface ReleaseStockInput {
  readonly reference: string;
}

export interface GetStockInput {
  readonly sku: string;
}

export type GetStockOutput = {
  readonly sku: string;
  readonly onHand: number;
  readonly available: number;
} | null;

/** Everything that warehouse offers. The server binds it to one live client. */
export interface WarehouseContract {
  readonly operations: {
    /**
     * Holds the goods of an order: all lines or none.
     *
     * The reference is the caller's effect key. Every call makes a hold of its own, whatever was held before.
     */
    readonly reserveStock: {
      readonly input: ReserveStockInput;
      readonly output: ReserveStockOutput;
      readonly faults: {
        /** The warehouse has never had one of the products. */
        readonly UnknownProduct: null;
        /** There is not enough of one of the products. */
        readonly OutOfStock: null;
      };
    };
    /** The hold of a reference; null if there is none, or none any more. */
    readonly findHold: {
      readonly input: FindHoldInput;
      readonly output: FindHoldOutput;
      readonly faults: {};
    };
    /** Lets go of a hold. A repeat changes nothing. */
    readonly releaseStock: {
      readonly input: ReleaseStockInput;
      readonly output: null;
      readonly faults: {};
    };
    /** How many pieces are on hand, and how many of them may be promised; null for an unknown product. */
    readonly getStock: {
      readonly input: GetStockInput;
      readonly output: GetStockOutput;
      readonly faults: {};
    };
  };
  readonly events: {};
  readonly schemas: {
    readonly Line: Line;
  };
}

export const contract = pinnedContract<WarehouseContract>(
  import.meta.url,
  "11d6282bcc12b288d90e27b183de8eedfa9f795435207d504b5454339e34662b",
);

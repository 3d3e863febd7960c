/**
 * The contract of the system "upstream": The benchmark's systems 1.0.0 (OpenAPI 3.1.0, read from openapi.yaml).
 * Generated; do not edit. Refresh it with: mortise types upstream
 */
import { pinnedContract } from "mortise";

export interface Line {
  readonly sku: string;
  readonly description?: string;
  readonly quantity: number;
  readonly price: string;
}

export interface Order {
  readonly id: string;
  readonly customerId: string;
  readonly total: string;
  readonly currency: string;
  readonly cardToken: string;
  readonly lines: readonly Line[];
}

export interface Reservation {
  readonly reference: string;
  readonly lines: readonly Line[];
}

export interface Hold {
  readonly hold: string;
  readonly until?: string;
}

export interface Payment {
  readonly id: string;
  readonly status: string;
}

export interface AuthorizeInput {
  readonly amount: string;
  readonly token: string;
}

export interface CreateSalesOrderInput {
  readonly reference: string;
  readonly hold: string;
  readonly lines: readonly Line[];
}

export interface CreateSalesOrderOutput {
  readonly number: string;
}

export interface CaptureInput {
  readonly id: string;
}

/** Everything that upstream offers. The server binds it to one live client. */
export interface UpstreamContract {
  readonly operations: {
    readonly reserve: {
      readonly input: Reservation;
      readonly output: Hold;
      readonly faults: {};
    };
    readonly authorize: {
      readonly input: AuthorizeInput;
      readonly output: Payment;
      readonly faults: {};
    };
    readonly createSalesOrder: {
      readonly input: CreateSalesOrderInput;
      readonly output: CreateSalesOrderOutput;
      readonly faults: {};
    };
    readonly capture: {
      readonly input: CaptureInput;
      readonly output: Payment;
      readonly faults: {};
    };
  };
  readonly events: {};
  readonly schemas: {
    readonly Line: Line;
    readonly Order: Order;
    readonly Reservation: Reservation;
    readonly Hold: Hold;
    readonly Payment: Payment;
  };
}

export const contract = pinnedContract<UpstreamContract>(
  import.meta.url,
  "3d757dd140e0222600b57715cbe75abc4ee461364c69f0c8ba9a4f3d685b53a0",
);

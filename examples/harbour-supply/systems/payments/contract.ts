/**
 * The contract of the system "payments": Tidewater Payments 2.3.0 (OpenAPI 3.1.0, read from openapi.yaml).
 * Generated; do not edit. Refresh it with: mortise types payments
 */
import { pinnedContract } from "mortise";

/** An exact decimal with two places, such as "129.90". */
export type Amount = string;

export type PaymentStatus = "authorized" | "captured" | "settled" | "voided";

export interface AuthorizeRequest {
  /** The merchant's own reference. */
  readonly reference: string;
  readonly amount: Amount;
  /** ISO 4217. */
  readonly currency: string;
  /** Stands for the card; single use. */
  readonly token: string;
}

export interface VoidRequest {
  readonly id?: string;
  /** The Idempotency-Key that was sent with `authorize`. */
  readonly reference?: string;
}

export interface VoidResult {
  readonly id?: string;
  /** `unknown`: there was nothing to void. */
  readonly status: "voided" | "unknown";
}

export interface Payment {
  readonly id: string;
  readonly reference: string;
  readonly status: PaymentStatus;
  readonly amount: Amount;
  readonly currency: string;
  readonly createdAt: string;
}

export interface PaymentSettled {
  readonly paymentId: string;
  /** The merchant's own reference. */
  readonly reference: string;
  readonly amount: Amount;
  readonly currency: string;
  readonly settledAt: string;
}

/** RFC 9457. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
}

export interface DeclinedProblem {
  readonly title: string;
  readonly status: number;
  readonly reason: "insufficient_funds" | "expired_card" | "suspected_fraud";
}

export interface FindPaymentsInput {
  /** The merchant's own reference, such as the order's id. */
  readonly reference: string;
}

export interface GetPaymentInput {
  readonly id: string;
}

export interface CaptureInput {
  readonly id: string;
}

/** Everything that payments offers. The server binds it to one live client. */
export interface PaymentsContract {
  readonly operations: {
    /** Payments of one reference, oldest first. */
    readonly findPayments: {
      readonly input: FindPaymentsInput;
      readonly output: readonly Payment[];
      readonly faults: {};
    };
    /** Reserves an amount on a card. */
    readonly authorize: {
      readonly input: AuthorizeRequest;
      readonly output: Payment;
      readonly faults: {
        /** The bank said no. */
        readonly paymentRequired: DeclinedProblem;
        /** The payment is in a state that does not allow this. */
        readonly conflict: Problem;
        /** The Idempotency-Key was used before with another request. */
        readonly unprocessable: Problem;
      };
    };
    /** One payment. */
    readonly getPayment: {
      readonly input: GetPaymentInput;
      readonly output: Payment;
      readonly faults: {
        /** There is no such payment. */
        readonly notFound: Problem;
      };
    };
    /**
     * Takes the authorized amount.
     *
     * The money arrives some time later; the webhook `paymentSettled` says when.
     */
    readonly capture: {
      readonly input: CaptureInput;
      readonly output: Payment;
      readonly faults: {
        /** There is no such payment. */
        readonly notFound: Problem;
        /** The payment is in a state that does not allow this. */
        readonly conflict: Problem;
        /** The Idempotency-Key was used before with another request. */
        readonly unprocessable: Problem;
      };
    };
    /**
     * Lets go of an authorized amount.
     *
     * Names the payment by its id, or, where the answer to `authorize` was lost, by the Idempotency-Key that was sent
     * with it. An authorization with this key that arrives later is refused.
     */
    readonly void: {
      readonly input: VoidRequest;
      readonly output: VoidResult;
      readonly faults: {
        /** The payment is in a state that does not allow this. */
        readonly conflict: Problem;
        /** The Idempotency-Key was used before with another request. */
        readonly unprocessable: Problem;
      };
    };
  };
  readonly events: {
    /**
     * The money of a captured payment has arrived.
     *
     * Signed per Standard Webhooks; delivered at least once, until it is answered with 2xx.
     */
    readonly paymentSettled: PaymentSettled;
  };
  readonly schemas: {
    readonly Amount: Amount;
    readonly PaymentStatus: PaymentStatus;
    readonly AuthorizeRequest: AuthorizeRequest;
    readonly VoidRequest: VoidRequest;
    readonly VoidResult: VoidResult;
    readonly Payment: Payment;
    readonly PaymentSettled: PaymentSettled;
    readonly Problem: Problem;
    readonly DeclinedProblem: DeclinedProblem;
  };
}

export const contract = pinnedContract<PaymentsContract>(
  import.meta.url,
  "758d3034ea7fca9d19015f4d33aeeddf185f08fd7d98e6714cc9f57d9986132c",
);

/** Orders as the shop makes them up: a fixed mix, so that every way an order can go is seen within twenty. */

export interface Order {
  readonly id: string;
  readonly channel: string;
  readonly customerId: string;
  readonly currency: string;
  readonly lines: readonly { readonly sku: string; readonly quantity: number; readonly unitPrice: string }[];
  readonly total: string;
  readonly cardToken: string;
  readonly placedAt: string;
}

/**
 * What becomes of an order: `plain` is shipped and paid; `big` too, after a credit check; `refused` is big and gets a no;
 * `declined` has a card without cover; `scarce` asks for more than there is; `overdrawn` is above the customer's limit in the ERP;
 * `stranger` is of a customer that the ERP does not know.
 */
export type OrderKind = "plain" | "big" | "refused" | "declined" | "scarce" | "overdrawn" | "stranger";

/** Prices in cents. */
export const products: readonly { readonly sku: string; readonly cents: number }[] = [
  { sku: "ROPE-12MM", cents: 349 },
  { sku: "SHACKLE-8", cents: 1290 },
  { sku: "FENDER-L", cents: 4595 },
  { sku: "ANCHOR-10KG", cents: 12_990 },
  { sku: "LANTERN-LED", cents: 2749 },
];
/** Hardly in stock. */
export const scarceProduct = { sku: "COMPASS-BRASS", cents: 18_900 } as const;

const mix: Readonly<Record<number, OrderKind>> = {
  3: "big",
  5: "declined",
  8: "scarce",
  11: "big",
  13: "stranger",
  15: "refused",
  18: "overdrawn",
};

/** The kind of order number `n` in the mix of twenty. */
export function kindOf(n: number): OrderKind {
  return mix[n % 20] ?? "plain";
}

/** Order number `n` of `kind`. From 5,000.00 on an order is big; above 9,000.00 finance refuses. */
export function makeOrder(n: number, kind: OrderKind, channel: string): Order {
  const product = (at: number) => products[at % products.length] ?? scarceProduct;
  const wanted = kind === "big" ? 600_000 : kind === "refused" ? 950_000 : kind === "overdrawn" ? 200_000 : 0;
  const bulk = Math.ceil(wanted / product(n).cents);
  const parts =
    kind === "scarce"
      ? [{ ...scarceProduct, quantity: 50_000 }]
      : [
          { ...product(n), quantity: bulk > 0 ? bulk : 1 + (n % 3) },
          { ...product(n + 2), quantity: 1 + (n % 2) },
        ];
  const total = parts.reduce((sum, part) => sum + part.cents * part.quantity, 0);
  return {
    id: `HS-${n}`,
    channel,
    customerId: kind === "stranger" ? "C-9999" : kind === "overdrawn" ? "C-1005" : `C-100${1 + (n % 4)}`,
    currency: "EUR",
    lines: parts.map(({ sku, cents, quantity }) => ({ sku, quantity, unitPrice: money(cents) })),
    total: money(total),
    cardToken: kind === "declined" ? "tok_declined" : `tok_${n}`,
    placedAt: new Date().toISOString(),
  };
}

function money(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

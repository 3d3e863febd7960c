/**
 * The contract of the system "catalogue": The benchmark's catalogue 1.0.0 (OpenAPI 3.1.0, read from openapi.yaml).
 * Generated; do not edit. Refresh it with: mortise types catalogue
 */
import { pinnedContract } from "mortise";

export interface Item {
  readonly sku: string;
  readonly description: string;
  readonly stock: readonly Site[];
}

export interface Site {
  readonly site: string;
  readonly free: number;
  readonly held: number;
}

export interface GetItemInput {
  readonly id: string;
}

/** Everything that catalogue offers. The server binds it to one live client. */
export interface CatalogueContract {
  readonly operations: {
    readonly getItem: {
      readonly input: GetItemInput;
      readonly output: Item;
      readonly faults: {};
    };
  };
  readonly events: {};
  readonly schemas: {
    readonly Item: Item;
    readonly Site: Site;
  };
}

export const contract = pinnedContract<CatalogueContract>(
  import.meta.url,
  "f191f76d77b574e133f8d6282c2a7f2df5492daa86e3c7fdf32729b0f4c2d3a9",
);

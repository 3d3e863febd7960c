/**
 * The contract of the API "chandlers.v1": Chandlers' availability 1.2.0 (OpenAPI 3.0.3, read from openapi.yaml).
 * Generated; do not edit. Refresh it with: mortise types chandlers.v1
 */
import { pinnedContract } from "mortise";

export interface Article {
  readonly articleNo: string;
  /** Whether the quantity can be picked up at once. */
  readonly inStock: boolean;
  readonly left?: number;
}

export interface Trouble {
  /** As the HTTP status. */
  readonly code: number;
  /** In words */
  readonly text: string;
}

export interface GetArticleInput {
  readonly articleNo: string;
  /** How many are wanted. */
  readonly quantity?: number;
}

/** Everything that chandlers.v1 has to offer. implementApi names what is missing. */
export interface ChandlersV1Contract {
  readonly operations: {
    /** Whether a chandler has an article */
    readonly getArticle: {
      readonly input: GetArticleInput;
      readonly output: Article;
      readonly faults: {
        /** There is no such article. */
        readonly notFound: Trouble;
        /** Anything else. */
        readonly otherFault: Trouble;
      };
    };
  };
  readonly events: {};
  readonly schemas: {
    readonly Article: Article;
    readonly Trouble: Trouble;
  };
}

export const contract = pinnedContract<ChandlersV1Contract>(
  import.meta.url,
  "6fe26866ecb1d1d8ceb41fbc38696ecc9a9ccdf874f7916b52c4acedbd2d68a8",
);

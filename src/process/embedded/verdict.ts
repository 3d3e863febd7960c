/** What a rehearsal says: how code fares with a history. `at`: place in the code, `processes/order.ts:12`. */
import type { Json } from "../../operation.ts";

export type Verdict =
  /** It asked for everything that is recorded. `comes`: what is next. */
  | {
      readonly kind: "continues";
      readonly comes: "steps" | "the end" | "the undo";
      /** Steps without a result: those of the history, and those that the code asks for anew. */
      readonly next: readonly { readonly step: string; readonly fresh: boolean; readonly at?: string }[];
    }
  /** It asks for something else than is recorded. */
  | {
      readonly kind: "diverges";
      readonly step: string;
      readonly message: string;
      readonly recorded: Json;
      readonly asked: Json;
      readonly at?: string;
    }
  /** It can't go on: `code` is the reason for which it would park, or `operation-missing`. */
  | { readonly kind: "stops"; readonly code: string; readonly message: string; readonly at?: string };

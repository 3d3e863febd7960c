/** What a contract of a REST operation declares and no call of ours uses: for the comparison of versions (compare/). */
import type { JsonSchema } from "../operation.ts";

/** Other ways to speak with an operation: no call of ours uses them, others may. */
export interface RestDeclared {
  /** Input and output as they are written, where members that only one direction has (`readOnly`, `writeOnly`) were left out. */
  readonly whole?: { readonly input?: JsonSchema; readonly output?: JsonSchema };
  /** Parameters of the path that have no place in it. */
  readonly parameters?: { readonly [name: string]: JsonSchema };
  /** Bodies of the request by media type: all but the one that is spoken, and that one too where it is text or bytes. */
  readonly request?: { readonly [mediaType: string]: JsonSchema };
  /** By status: bodies that the model has not, headers, and statuses that are failures. */
  readonly answers?: { readonly [status: string]: DeclaredAnswer };
}

export interface DeclaredAnswer {
  readonly content?: { readonly [mediaType: string]: JsonSchema };
  readonly headers?: { readonly [name: string]: DeclaredHeader };
}

export interface DeclaredHeader {
  readonly required: boolean;
  readonly schema: JsonSchema;
}

/** What a fake's server and the protocols it speaks tell each other: a request as it came, an answer as it goes. */
import type { OperationModel } from "../contract/model.ts";
import type { CallResult, Json, Problem } from "../operation.ts";

/** A request, whole. */
export interface Came {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** What a request asks for. */
export type Reading =
  | {
      readonly kind: "call";
      readonly operation: OperationModel;
      readonly input: Json;
      /** The effect key that came with it. */
      readonly key: string | undefined;
      /** What the contract does not name, and what was passed over. */
      readonly notes: readonly string[];
      /** What is wrong with it; empty: it is as the contract says. */
      readonly problems: readonly Problem[];
      /** How an answer to this very request is written. */
      write(result: CallResult): Reply;
      /** The answer where the input is wrong: the declared fault, else the protocol's own. */
      refuse(problems: readonly Problem[]): Reply;
      /** The answer where what is asked for is not there, and no fault is declared for it. */
      missing(): Reply;
      /** A failure that no contract declares: `status`, and why. */
      fail(status: number, reason: string): Reply;
    }
  /** No operation of the contract: `why` completes "refused: ...". */
  | { readonly kind: "nothing"; readonly reply: Reply; readonly why: string };

export interface Protocol {
  /** `preferred`: an operation that is taken first where a request can mean several. */
  read(came: Came, preferred: (operation: string) => boolean): Reading;
}

/** Problem details (RFC 9457). */
export function problemReply(
  status: number,
  title: string,
  detail: string,
  errors: readonly Problem[] = [],
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const more = errors.length === 0 ? {} : { errors: errors.map(({ at, message }) => ({ pointer: at, message })) };
  const body = JSON.stringify({ type: "about:blank", title, status, detail, ...more });
  return { status, headers: { ...headers, "content-type": "application/problem+json" }, body };
}

/** What the front and the thread of reads say to each other. */
import type { Deprecation } from "../../connectors/deprecation.ts";
import type { ResolvedSettings, SystemDefinition } from "../../connectors/system.ts";
import { type ErrorCode, type FailureClass, MortiseError, type Outcome } from "../../errors.ts";
import type { OutboundCounts } from "../../observe/facts.ts";
import type { CallResult } from "../../operation.ts";
import type { PermitTable } from "../../outbound/permits.ts";

/** What the thread is started with. */
export interface ReadStart {
  /** Folder of the project: relative paths of connections are resolved against it. */
  readonly project: string;
  /** Of the permits: no other living thread has it. */
  readonly slot: number;
}

/** A system, as far as a call needs it; of a definition that came with functions of the user's, nothing else could travel. */
export interface ReadSystem extends Pick<SystemDefinition, "name" | "connector"> {
  /** Absent: it is the one that was sent before. */
  readonly contract?: SystemDefinition["contract"];
}

export type ToReads =
  /** Calls that come after it go by this. */
  | {
      readonly kind: "bind";
      readonly systems: readonly ReadSystem[];
      readonly settings: ReadonlyMap<string, ResolvedSettings>;
      readonly permits: PermitTable;
    }
  /** Its number stands for it in calls. */
  | { readonly kind: "operation"; readonly number: number; readonly system: string; readonly name: string }
  | readonly Asking[number][];

/**
 * One read of a batch, `askingSize` places long: what it is answered by, number of the operation, input as JSON text, key, attempt, deadline (epoch milliseconds), and 1 where all
 * that came is wanted. Flat, since an object for each read takes several times as long to copy.
 */
export type Asking = [
  id: number,
  operation: number,
  input: string,
  key: string,
  attempt: number,
  deadline: number,
  whole: 0 | 1,
];
export const askingSize = 7;

/** One answer of a batch, `answerSize` places long. Text: the output, as JSON; unless all is wanted, with nothing in it that the contract does not name. */
export type Answering = [id: number, what: string | Extract<CallResult, { readonly ok: false }> | PlainError];
export const answerSize = 2;

export type FromReads =
  /** It takes calls. */
  | { readonly kind: "ready" }
  | { readonly kind: "outbound"; readonly counts: readonly OutboundCounts[] }
  | { readonly kind: "deprecated"; readonly fact: Deprecation }
  | readonly Answering[number][];

/** An error as it travels: its cause stays behind. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly class: FailureClass;
  readonly outcome: Outcome;
  readonly retryAfterMs: number | undefined;
  /** JSON text. */
  readonly details: string | undefined;
}

export function plainError({ code, message, class: kind, outcome, retryAfterMs, details }: MortiseError): PlainError {
  return { code, message, class: kind, outcome, retryAfterMs, details: JSON.stringify(details) };
}

export function errorOf({ code, message, class: kind, outcome, retryAfterMs, details }: PlainError): MortiseError {
  return new MortiseError(code, message, {
    class: kind,
    outcome,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details: JSON.parse(details) as unknown }),
  });
}

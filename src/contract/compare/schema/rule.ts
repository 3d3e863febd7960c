/** What a rule about schemas is: it looks at what two schemas say of a value, and finds what one may give and the other refuses. */
import type { Json } from "../../../operation.ts";
import type { Flat, Kind } from "./flat.ts";
import type { Walk } from "./walk.ts";

export interface SchemaRule {
  /** Stable; documented in docs/reference/contract-changes.md. */
  readonly id: string;
  /** Looked at only if both sides can be of one of these kinds. Absent: always. */
  readonly kinds?: readonly Kind[];
  /** `undefined`: all that the giver gives is taken, as far as this rule goes. */
  check(giver: Flat, taker: Flat, walk: Walk): Offence | undefined;
}

export interface Offence {
  /** What is given and refused, as the subject of a sentence in the plural: `texts longer than 10 characters`. */
  readonly what: string;
  /** Values that may show it, the best ones first. */
  readonly candidates: () => readonly Json[];
  /** Decided without a value. */
  readonly verdict?: "breaking";
  /** The properties of the object that it is about; absent: the value itself. */
  readonly about?: readonly string[];
}

/** A value in a sentence. */
export function quoted(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** Several of them. */
export function listed(values: readonly string[]): string {
  const shown = values.slice(0, 5).join(", ");
  return values.length > 5 ? `${shown} and ${values.length - 5} more` : shown;
}

/** What a comparison of two versions of a contract finds. */
import type { Json } from "../../operation.ts";

/**
 * `breaking`: someone who kept to the old version can fail. `review`: it can't be decided from the contract; a person must.
 * `safe`: a change that no one who kept to the old version can notice.
 */
export type Verdict = "safe" | "review" | "breaking";

/**
 * Who gives and who takes. `request`: callers that know the old version give, the new version takes. `answer`, `fault` and
 * `event`: the new version gives, those that know the old one take. `contract`: no value passes, such as an operation that is gone.
 */
export type Side = "request" | "answer" | "fault" | "event" | "contract";

export interface Finding {
  /** Stable id of the rule, such as `required-property`; see docs/reference/contract-changes.md. */
  readonly rule: string;
  readonly verdict: Verdict;
  readonly side: Side;
  /** Operation or event, by the name in the old version if it is there, and where in it: `placeOrder: request /lines/0/sku`. */
  readonly at: string;
  /** A sentence. */
  readonly reason: string;
  /** What fails. */
  readonly example?: Example;
  /** The same change of a named schema, seen at other places too: at most 100 of them. */
  readonly also: readonly string[];
  /** How many places there are beyond those. */
  readonly more?: number;
  /** All of these places, this one's first, for programs. */
  readonly places: readonly FindingPlace[];
}

export interface FindingPlace {
  /** Operation or event; empty: the contract as a whole. */
  readonly member: string;
  /** `request`, `query limit`, `answer 200`, `input`, `output`, `fault Unknown`, `payload`; empty: the member as a whole. */
  readonly place: string;
  /** Steps from there: names of properties, `*` for items and for properties of any name. */
  readonly path: readonly string[];
  /** Properties of the object at the path that it is about; absent: what stands there itself. */
  readonly about?: readonly string[];
}

export interface Example {
  readonly value: Json;
  /** Checked by the validators of both versions: accepted by the giver's, refused by the taker's. Else: described by the contract, not by a schema. */
  readonly proven: boolean;
  /** Why the taker refuses it. */
  readonly refusal?: string;
}

export interface Comparison {
  /** The worst of the findings; `safe` where there are none. */
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
}

const order: readonly Verdict[] = ["safe", "review", "breaking"];

/** The worse of two. */
export function worse(one: Verdict, other: Verdict): Verdict {
  return order.indexOf(one) >= order.indexOf(other) ? one : other;
}

/** `placeOrder: request /lines/0/sku`. */
export function shownPlace({ member, place, path = [] }: Partial<FindingPlace>): string {
  const steps = path.length === 0 ? "" : ` /${path.join("/")}`;
  return [member, `${place}${steps}`].filter((part) => part !== "").join(": ");
}

const mostAlso = 100;

/** The first place, and the others as far as they are told by name. */
export function toldPlaces(places: readonly Partial<FindingPlace>[]): Pick<Finding, "at" | "also" | "more"> {
  const [first = {}, ...also] = places;
  return {
    at: shownPlace(first),
    also: also.slice(0, mostAlso).map(shownPlace),
    ...(also.length <= mostAlso ? {} : { more: also.length - mostAlso }),
  };
}

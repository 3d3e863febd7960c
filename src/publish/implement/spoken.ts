/** How an operation of a given contract is spoken: what the contract says of it, and what its author says besides. Set by `implementApi`. */
import type { ContractModel, OperationModel, RestBinding } from "../../contract/model.ts";
import type { Json } from "../../operation.ts";
import type { Problem } from "../problem.ts";
import type { DeclaredAnswer } from "./fault.ts";

/** An operation of an OpenAPI contract. */
export type SpokenOperation = OperationModel & { readonly binding: RestBinding };

export interface Spoken {
  readonly model: ContractModel;
  readonly operation: SpokenOperation;
  readonly status?: (answer: never) => number;
  readonly headers?: (answer: never) => Readonly<Record<string, string | number | undefined>>;
  /** Of what starts a process. */
  readonly accepted?: (facts: {
    readonly key: string;
    readonly input: never;
    readonly link: string | undefined;
  }) => unknown;
  readonly rejected?: (facts: never) => DeclaredAnswer;
  /** Of a call: by the system's fault. */
  readonly faults?: Readonly<Record<string, (detail: never) => DeclaredAnswer>>;
  /** Of what shows a run. */
  readonly key?: (request: Json) => string;
  /** The key stands in the path as it is, so that a status can be linked to. */
  readonly linked?: true;
  /** Callers prove who they are otherwise than the contract says. */
  readonly ownAccess?: true;
  readonly problems?: (problem: Problem) => unknown;
}

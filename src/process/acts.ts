/** What people see of operators' acts: what one would do, and how far one on many runs is. */
import type { Json } from "../operation.ts";
import type { OperatorAct, RunFilter } from "./engine.ts";

/** An act on many runs. An edit may be a patch (RFC 7396) of what each of them sent. */
export type BulkAct = OperatorAct | { readonly kind: "edit"; readonly patch: Json };

/** A step's effect, as a preview names it. */
export interface EffectOf {
  readonly step: string;
  readonly operation?: string;
  readonly key?: string;
  /** When it happened, or may have. */
  readonly at: number;
  readonly why: string;
}

/** What an act would do to a run as it stands now. */
export interface Preview {
  readonly act: OperatorAct["kind"];
  readonly possible: boolean;
  /** What happens; where it is not possible, why. */
  readonly happens: string;
  readonly mayDouble: readonly EffectOf[];
  /** In this order. `sure`: it is known that the step took effect. */
  readonly undoes: readonly {
    readonly step: string;
    /** Operation of the undo. */
    readonly with: string;
    readonly key?: string;
    readonly sure: boolean;
  }[];
  /** Effects that nothing takes back. */
  readonly stays: readonly EffectOf[];
}

/** How often something comes among many runs. */
export interface Counted {
  readonly what: string;
  readonly times: number;
}
export interface BulkPreview {
  readonly act: OperatorAct["kind"];
  /** That the filter finds. */
  readonly runs: number;
  /** Of these, the newest were looked at; the rest of the figures is theirs. */
  readonly looked: number;
  readonly possible: number;
  readonly refused: readonly Counted[];
  readonly mayDouble: readonly Counted[];
  readonly undoes: readonly Counted[];
  readonly stays: readonly Counted[];
}

/** An act on many runs. */
export interface BulkJob {
  readonly id: string;
  readonly filter: RunFilter;
  /** Without what was given (a result, an input): it may hold what is sensitive. */
  readonly act: Pick<OperatorAct, "kind"> & { readonly to?: string; readonly first?: "cancel" | "terminate" };
  readonly by: string;
  readonly reason: string;
  readonly status: "running" | "done" | "stopped";
  /** Runs that the filter found at the start. */
  readonly total: number;
  readonly done: number;
  readonly refused: number;
  readonly createdAt: number;
  readonly endedAt?: number;
}
export interface RunRefusal {
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

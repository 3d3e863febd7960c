/** How a run goes on when it is taken into memory: what its history, its code version and the inbox say together. */
import type { Json } from "../../../operation.ts";
import type { AnyProcess } from "../../define.ts";
import type { ParkedQuestion } from "../../engine.ts";
import type { HistoryRecord } from "../history/records.ts";
import { type LeftOff, leftOff } from "../history/script.ts";
import type { Identity } from "./host.ts";
import { codeQuestion } from "./questions.ts";

export type Opening =
  | { readonly kind: "run"; readonly process: AnyProcess; readonly input: Json }
  /** It stops now, with this question. */
  | { readonly kind: "stop"; readonly question: ParkedQuestion }
  /** It was stopped, and asked. */
  | { readonly kind: "stopped"; readonly question: ParkedQuestion }
  | { readonly kind: "paused"; readonly reason: string }
  | { readonly kind: "undoing"; readonly begun: (LeftOff & { kind: "undoing" })["begun"] };

export interface OpeningFacts {
  /** `undefined`: the code version has none of the name. */
  readonly process: AnyProcess | undefined;
  readonly identity: Identity;
  /** Why some of the history can't be read. */
  readonly unreadable: string | undefined;
  /** Why the code is not to be run. */
  readonly halted: string | undefined;
}

export function openingOf(
  records: readonly HistoryRecord[],
  { process, identity, unreadable, halted }: OpeningFacts,
): { readonly left: Pick<LeftOff, "pivoted" | "asked">; readonly next: Opening } {
  const left = leftOff(records);
  const stop = (...question: Parameters<typeof codeQuestion>): { left: typeof left; next: Opening } => ({
    left,
    next: { kind: "stop", question: codeQuestion(...question) },
  });
  if (unreadable !== undefined) {
    const question = unreadableQuestion(records);
    if (question !== undefined) return { left, next: { kind: "stopped", question } };
    return stop("process-unreadable", unreadable, false);
  }
  if (left.kind !== "code") return { left, next: left };
  if (halted !== undefined) return stop("process-quarantined", halted, !left.pivoted);
  if (process !== undefined) return { left, next: { kind: "run", process, input: left.input } };
  return stop("process-missing", `Code version ${identity.version} has no process ${identity.process}.`, false);
}

/** The question that is open because the history can't be read. */
function unreadableQuestion(records: readonly HistoryRecord[]): ParkedQuestion | undefined {
  const last = records.findLast(({ t }) => t === "park" || t === "op");
  return last?.t === "park" && last.q.code === "process-unreadable" ? last.q : undefined;
}

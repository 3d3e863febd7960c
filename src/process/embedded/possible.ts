/** What an operator may do to a run as it stands now. */
import { finalStatuses, type OperatorAct, type RunDetail } from "../engine.ts";

type Kind = OperatorAct["kind"];

export function possibleActs(run: Pick<RunDetail, "status" | "parked" | "steps">): Kind[] {
  if (finalStatuses.has(run.status)) return [];
  const pivoted = run.steps.some((step) => step.kind === "pivot");
  const undoing = run.steps.some((step) => step.kind === "undo");
  const ends: readonly Kind[] = pivoted || undoing ? ["terminate"] : ["undo", "cancel", "terminate"];
  if (run.status === "parked") return [...(run.parked?.answers.map(({ kind }) => kind) ?? []), "pause"];
  if (run.status === "paused") return ["resume", ...ends];
  if (run.status === "queued") return [...ends];
  const between = run.steps.some((step) => step.status === "open" && step.nextAttemptAt !== undefined);
  return [...(between ? (["retry"] as const) : []), "pause", ...ends];
}

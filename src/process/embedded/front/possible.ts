/** What an operator may do to a run as it stands now. */
import { type AskedQuestion, finalStatuses, type OperatorAct, type RunDetail, type StepView } from "../../engine.ts";
import type { OpenQuestion } from "../history/script.ts";

type Kind = OperatorAct["kind"];

export function possibleActs(
  run: Pick<RunDetail, "status" | "parked" | "steps" | "restartedAs" | "historyGone">,
): Kind[] {
  if (run.restartedAs !== undefined) return [];
  // Without its history there is no input to start from.
  if (finalStatuses.has(run.status)) return run.historyGone === true ? [] : ["restart"];
  const pivoted = run.steps.some((step) => step.kind === "pivot");
  const undoing = run.steps.some((step) => step.kind === "undo");
  let ends: readonly Kind[] = ["undo", "cancel", "terminate"];
  if (undoing) ends = ["cancel", "terminate"];
  else if (pivoted) ends = ["terminate"];
  const back: readonly Kind[] = undoing || rewindTargets(run.steps).length === 0 ? [] : ["rewind"];
  if (run.status === "parked")
    return [...(run.parked?.answers.map(({ kind }) => kind) ?? []), ...back, "restart", "pause"];
  if (run.status === "paused") return ["resume", ...back, ...ends];
  // It has done nothing yet that could be undone.
  if (run.status === "queued") return ["cancel", "terminate"];
  const between = run.steps.some((step) => step.status === "open" && step.nextAttemptAt !== undefined);
  return [...(between ? (["retry"] as const) : []), "pause", ...ends];
}

const edit = {
  kind: "edit" as const,
  effect: "Calls with the input you give, under a new key. What was done under the old key does not count for it.",
};

/** The question as it is asked now: of a call its input can be edited too. */
export function askedQuestion({ number, n, question }: OpenQuestion, steps: readonly StepView[]): AskedQuestion {
  // It was asked before the pivot, and is still open after it. A pivot that was passed stays passed.
  const pivoted = steps.some((step) => step.kind === "pivot");
  const answers = question.answers.filter((one) => !pivoted || (one.kind !== "undo" && one.kind !== "cancel"));
  if (n === undefined) return { ...question, number, answers };
  const kind = steps.find((step) => step.n === n)?.kind;
  if (kind !== "call" && kind !== "undo") return { ...question, number, n, answers };
  const ends = answers.findIndex((one) => one.kind === "undo" || one.kind === "cancel" || one.kind === "terminate");
  const at = ends < 0 ? answers.length : ends;
  return { ...question, number, n, answers: answers.toSpliced(at, 0, edit) };
}

/** Steps that the run can be rewound to. */
export function rewindTargets(steps: readonly StepView[]): StepView[] {
  return steps.filter(
    ({ n, kind, superseded, inRace }) => n !== undefined && kind !== "undo" && superseded !== true && inRace !== true,
  );
}

/**
 * What an operator's act would do to a run as it stands now, for people to see before they decide: what happens, which effects may
 * double, what is undone and in which order, and what stays. A pure function of the run as it is shown.
 */
import { MortiseError } from "../../../errors.ts";
import type { EffectOf, Preview } from "../../acts.ts";
import { finalStatuses, type OperatorAct, type RunDetail, type StepView } from "../../engine.ts";
import { refuseImpossible, targetOf } from "./acting.ts";
import { rewindTargets } from "./possible.ts";

/** Whether a step took effect, as far as its history tells. */
type Effect = "happened" | "may have happened" | "none";

function effectOf({ kind, effect, status, failure }: StepView): Effect {
  if (kind !== "call" && kind !== "step") return "none";
  if (effect === "read" || status === "fault" || status === "timeout") return "none";
  if (status === "done") return "happened";
  return failure?.outcome === "none" ? "none" : "may have happened";
}

function shown(step: StepView, why: string): EffectOf {
  const { id, operation, key, at, endedAt } = step;
  return {
    step: id,
    ...(operation === undefined ? {} : { operation }),
    ...(key === undefined ? {} : { key }),
    at: endedAt ?? at,
    why,
  };
}

/** Maps with items that are over: what those did is told by the map alone. */
function mapsDone(steps: readonly StepView[], why: string): EffectOf[] {
  return steps.flatMap((step) => {
    const { kind, itemsOver = 0 } = step;
    if (kind !== "map" || itemsOver === 0) return [];
    return [shown(step, `${itemsOver === 1 ? "an item of it is" : `${itemsOver} items of it are`} over: ${why}`)];
  });
}

/** Undos that were done, by the step that they took back. */
function takenBack(steps: readonly StepView[]): ReadonlySet<number> {
  return new Set(
    steps.flatMap(({ kind, of, status }) => (kind === "undo" && of !== undefined && status === "done" ? [of] : [])),
  );
}

/** A child run that is completed, or was started and forgotten. */
const isOver = ({ kind, status }: StepView): boolean => kind === "child" && status === "done";
const isAfter = (one: StepView, other: StepView): boolean => one.position > other.position;
const isSameChild = (one: StepView, other: StepView): boolean =>
  one.operation === other.operation && one.key === other.key && one.undo === other.undo;

export function previewOf(run: RunDetail, act: OperatorAct): Preview {
  const none = { act: act.kind, mayDouble: [], undoes: [], stays: [] };
  try {
    if (act.kind === "rewind") targetOf(run, act.to);
    refuseImpossible(run, act);
  } catch (error) {
    if (!(error instanceof MortiseError)) throw error;
    return { ...none, possible: false, happens: error.message };
  }
  const done = takenBack(run.steps);
  const acted = run.steps.filter((step) => effectOf(step) !== "none" && !(step.n !== undefined && done.has(step.n)));
  const asked = run.steps.find(({ n }) => n !== undefined && n === run.parked?.n);
  // A child that was asked for again after a rewind is one run, which is taken back once. What it did is not done anew by those who ask for it again.
  const children = run.steps.filter(
    (step) =>
      isOver(step) &&
      !(step.n !== undefined && done.has(step.n)) &&
      !(
        step.superseded === true && run.steps.some((one) => isOver(one) && isAfter(one, step) && isSameChild(one, step))
      ),
  );
  const either = new Set([...acted, ...children]);
  const taken = run.steps.filter((step) => either.has(step));
  const undoable = taken.filter(({ undo }) => undo !== undefined).reverse();
  const undoes = undoable.map((step) => ({
    step: step.id,
    with: step.undo as string,
    ...(step.key === undefined ? {} : { key: step.key }),
    sure: step.kind === "child" || effectOf(step) === "happened",
  }));
  const possible = true as const;
  const answer = run.parked?.answers.find(({ kind }) => kind === act.kind)?.effect;
  switch (act.kind) {
    case "undo":
    case "cancel":
      return {
        ...none,
        possible,
        happens:
          answer ??
          `Undoes what took effect, last first, and ends the run as ${act.kind === "undo" ? "undone" : "cancelled"}.`,
        undoes,
        stays: [
          ...taken
            .filter(({ undo }) => undo === undefined)
            .map((step) => shown(step, `it ${step.kind === "child" ? "happened" : effectOf(step)}, and has no undo`)),
          ...mapsDone(run.steps, "what they did and has no undo stays, the rest is undone"),
        ],
      };
    case "terminate":
      return {
        ...none,
        possible,
        happens: answer ?? "Ends the run at once. Nothing is undone.",
        stays: [
          ...taken.map((step) =>
            shown(step, `it ${step.kind === "child" ? "happened" : effectOf(step)}, and is not undone`),
          ),
          ...mapsDone(run.steps, "what they did stays"),
        ],
      };
    case "restart": {
      const cancels = !finalStatuses.has(run.status) && act.first !== "terminate";
      const stays = acted.filter(({ undo }) => !cancels || undo === undefined);
      const ends = finalStatuses.has(run.status)
        ? ""
        : `The run is ${cancels ? "undone and cancelled" : "terminated"} first. `;
      const waited =
        finalStatuses.has(run.status) || run.parent === undefined
          ? ""
          : " A run that waits for this one as its child waits for the new one.";
      return {
        ...none,
        possible,
        happens: `${ends}A new run of ${run.process} begins under the same business key${act.input === undefined ? ", with the same input" : ", with the input given"}.${waited}`,
        mayDouble: [
          ...stays.map((step) =>
            shown(step, `it ${effectOf(step)} in this run, and the new run does it under another key`),
          ),
          ...mapsDone(run.steps, "the new run does all of it under other keys"),
        ],
        undoes: cancels ? undoes : [],
      };
    }
    case "rewind": {
      const from = targetOf(run, act.to);
      const targets = new Set(rewindTargets(run.steps));
      const again = acted.filter((step) => targets.has(step) && (step.n as number) >= from);
      const pivot = run.steps.some(
        ({ kind, superseded, position }) =>
          kind === "pivot" && superseded !== true && position > (run.steps.find(({ n }) => n === from)?.position ?? 0),
      );
      return {
        ...none,
        possible,
        happens: `The code goes on from before ${act.to}${run.status === "paused" ? " once the run is resumed" : ""}; what came after is superseded, and stays known to undo.${pivot ? " The pivot in between stays passed: nothing is undone after it." : ""}`,
        mayDouble: [
          ...again.map((step) => shown(step, `it ${effectOf(step)}, and is asked anew under a new key`)),
          ...mapsDone(
            run.steps.filter((step) => targets.has(step) && (step.n as number) >= from),
            "all of it is done anew, under new keys",
          ),
        ],
      };
    }
    case "edit":
      return {
        ...none,
        possible,
        happens: answer ?? "Calls with the input you give, under a new key.",
        mayDouble:
          asked === undefined || effectOf(asked) === "none"
            ? []
            : [shown(asked, "it may have happened under the old key")],
      };
    case "repeat":
      return {
        ...none,
        possible,
        happens: answer ?? "Calls again with the same key.",
        mayDouble: asked === undefined ? [] : [shown(asked, "it is not known whether it happened")],
      };
    case "retry": {
      const risky = asked?.effect === "unrepeatable" && effectOf(asked) === "may have happened";
      return {
        ...none,
        possible,
        happens: answer ?? "Makes the next attempt at once.",
        mayDouble: risky ? [shown(asked, "it may have happened")] : [],
      };
    }
    case "happened":
      return { ...none, possible, happens: answer ?? "Records the result you give as the step's own." };
    case "pause":
      return {
        ...none,
        possible,
        happens: "Nothing new is begun; an attempt under way ends and is recorded. What comes waits.",
      };
    case "resume":
      return { ...none, possible, happens: "The run goes on where it was." };
  }
}

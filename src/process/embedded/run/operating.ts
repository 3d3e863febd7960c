/** Does what an operator says to a run in its worker. The front asked before whether it is possible; what no longer fits is recorded and changes nothing. */
import type { Json } from "../../../operation.ts";
import type { Actor, OperatorAct } from "../../engine.ts";
import { anotherRow } from "../attempts/past.ts";
import { asText } from "../history/json-text.ts";
import { effectKey, type HistoryRecord, type UndoData } from "../history/records.ts";
import { pauseReason } from "../history/script.ts";
import type { ActDelivery } from "../wire.ts";
import { askChildAgain } from "./children.ts";
import { openSteps, type Running } from "./host.ts";
import { perform } from "./performing.ts";
import { type Step, undoOf } from "./steps.ts";

export function operate(execution: Running, { operation, actor, n, to }: ActDelivery): void {
  const { journal, host } = execution;
  const open = openSteps(execution.steps);
  // Another answer, or a result, may have come since: then the question is gone, and so is what the act was about.
  const asking = n === undefined ? undefined : open.find((step) => step.ask.n === n && step.question !== undefined);
  const edit = operation.kind === "edit" && asking !== undefined ? opened(execution, asking) : {};
  journal.record({
    t: "op",
    at: host.now(),
    op: operation,
    actor,
    ...(asking === undefined || !answers(operation, execution) ? {} : { n: asking.ask.n }),
    ...edit,
  });
  switch (operation.kind) {
    case "terminate":
      terminate(execution, open, actor);
      return;
    case "restart":
      execution.restarting = true;
      if (operation.first === "terminate") terminate(execution, open, actor);
      else if (execution.phase !== "undoing") execution.undo("cancelled", actor.reason, undefined);
      return;
    case "pause":
      if (execution.phase !== "paused") execution.pause(pauseReason(actor));
      return;
    case "resume":
      if (execution.phase === "paused") execution.again();
      return;
    case "rewind":
      if (to !== undefined && execution.phase !== "undoing") execution.rewind(to);
      return;
    case "undo":
    case "cancel":
      if (execution.phase === "undoing") {
        // What is taken back is the same: the undo goes on where it is, and only how the run ends is another.
        if (operation.kind === "cancel") execution.endAs("cancelled", actor.reason);
        return;
      }
      if (execution.pivoted) return;
      execution.undo(operation.kind === "undo" ? "undone" : "cancelled", actor.reason, undefined);
      return;
    case "happened":
      if (asking === undefined) return;
      execution.post({
        kind: "result",
        n: asking.ask.n,
        result: { ok: true, output: operation.result },
        text: JSON.stringify(operation.result),
        attempts: 0,
        by: "operator",
      });
      return;
    case "edit":
      if (asking === undefined) return;
      asking.generation = edit.g ?? asking.generation;
      asking.edit = { input: operation.input, undo: edit.undo };
      if (asking.past !== undefined) anotherRow(asking.past, host.now(), false, true);
      again(execution, asking);
      return;
    case "retry":
    case "repeat":
      if (asking !== undefined) {
        if (asking.past !== undefined) anotherRow(asking.past, host.now(), operation.kind === "repeat");
        again(execution, asking);
      } else if (n === undefined && execution.phase === "stopped") execution.again();
      else if (n === undefined) for (const step of open) step.performance?.hurry();
  }
}

function terminate(execution: Running, open: readonly Step[], actor: Actor): void {
  for (const step of open) step.performance?.stop(() => {});
  execution.end("terminated", actor.reason, undefined, undefined);
}

/** Whether the act answers the question of a step. */
function answers({ kind }: OperatorAct, { phase, pivoted }: Running): boolean {
  // A cancel in the undo says how the run ends, and a failed undo still asks; after the pivot neither does anything.
  if (kind === "undo" || kind === "cancel") return phase !== "undoing" && !pivoted;
  return kind !== "pause" && kind !== "resume" && kind !== "rewind" && kind !== "restart";
}

function again(execution: Running, step: Step): void {
  step.question = undefined;
  if (execution.phase === "undoing") execution.undoAgain(step);
  else if (step.ask.child !== undefined) askChildAgain(execution, step);
  else execution.journal.whenCommitted(() => perform(execution, step, false));
  execution.restate();
}

type Opened = Pick<HistoryRecord & { readonly t: "op" }, "g" | "maybe" | "undo">;

/** A new key for the step, and what is known of what was done under the one before (P3). */
function opened({ identity }: Running, step: Step): Opened {
  const g = step.generation + 1;
  const { live, ask, performance, question } = step;
  const maybe = performance?.mayHaveHappened ?? (step.past?.maybe === true || question?.failure?.outcome !== "none");
  const undo = undoOf(step);
  const undoWith = live?.undoWith;
  return {
    g,
    ...(maybe && ask.v !== "undo" ? { maybe } : {}),
    ...(undo === undefined || undoWith === undefined
      ? {}
      : { undo: undoUnder(effectKey(identity.id, ask.n, g), undo, undoWith) }),
  };
}

/** The undo under another key. What throws here needs the output, and is computed with it. */
function undoUnder(
  key: string,
  { op, e }: UndoData,
  undoWith: (facts: { output: never; key: string }) => unknown,
): UndoData {
  try {
    return { op, e, in: JSON.parse(asText(undoWith({ output: undefined as never, key }), "an undo")) as Json };
  } catch {
    return { op, e };
  }
}

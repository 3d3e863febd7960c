/** Does what an operator says to a run in its worker. The front asked before whether it is possible; what no longer fits is recorded and changes nothing. */
import type { Actor, OperatorAct } from "../engine.ts";
import { openSteps, type Running } from "./host.ts";
import { anotherRow } from "./past.ts";
import { perform } from "./performing.ts";
import { pauseReason } from "./script.ts";

/** Whether the act answers the question of a step. */
function answers({ kind }: OperatorAct): boolean {
  return kind !== "pause" && kind !== "resume";
}

export function operate(execution: Running, operation: OperatorAct, actor: Actor): void {
  const { journal, host } = execution;
  const open = openSteps(execution.steps);
  const asking = open.find((step) => step.question !== undefined);
  journal.record({
    t: "op",
    at: host.now(),
    op: operation,
    actor,
    ...(asking === undefined || !answers(operation) ? {} : { n: asking.ask.n }),
  });
  switch (operation.kind) {
    case "terminate":
      for (const step of open) step.performance?.stop(() => {});
      execution.end("terminated", actor.reason, undefined, undefined);
      return;
    case "pause":
      if (execution.phase !== "paused") execution.pause(pauseReason(actor));
      return;
    case "resume":
      if (execution.phase === "paused") execution.again();
      return;
    case "undo":
    case "cancel":
      if (execution.phase === "undoing" || execution.pivoted) return;
      execution.undo(operation.kind === "undo" ? "undone" : "cancelled", actor.reason, undefined);
      return;
    case "happened":
      if (asking === undefined) return;
      execution.post({
        kind: "result",
        n: asking.ask.n,
        result: { ok: true, output: operation.result },
        attempts: 0,
        by: "operator",
      });
      return;
    case "retry":
    case "repeat":
      if (asking === undefined) {
        if (execution.phase === "stopped") execution.again();
        else for (const step of open) step.performance?.hurry();
        return;
      }
      asking.question = undefined;
      if (asking.past !== undefined) anotherRow(asking.past, host.now(), operation.kind === "repeat");
      if (execution.phase === "undoing") execution.undoAgain(asking);
      else journal.whenCommitted(() => perform(execution, asking, false));
      execution.restate();
  }
}

/** Whether what an operator says that a call answered could have been its answer: a process must get what its types promise. */
import { operationValidators } from "../contract/validate.ts";
import type { Json, Problem } from "../operation.ts";
import type { RunDetail } from "../process/engine.ts";
import type { Project } from "./project.ts";

/**
 * Problems of `result` as the output of the call that the parked run asks about; `[]` where nothing is known of it: an undo, whose
 * output nobody reads, or an operation that is no longer in its contract.
 */
export function checkResult(project: Pick<Project, "systems">, run: RunDetail, result: Json): readonly Problem[] {
  const asked = run.steps.findLast(({ id, kind }) => kind === "call" && id === run.parked?.step);
  const [system = "", name = ""] = asked?.operation?.split(".") ?? [];
  const model = project.systems.get(system)?.contract;
  if (model === undefined || !Object.hasOwn(model.operations, name)) return [];
  const operation = model.operations[name];
  return operation === undefined ? [] : operationValidators(model, operation).output(result);
}

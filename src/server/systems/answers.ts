/** Whether what an operator says that a call answered, or is to be sent, fits the contract: a process must get what its types promise. */
import { compileSchema, operationValidators } from "../../contract/validate.ts";
import type { Json, Problem } from "../../operation.ts";
import { type Engine, type OperatorAct, type RunDetail, wholeRun } from "../../process/engine.ts";
import type { Project } from "../project/project.ts";

type Systems = Pick<Project, "systems">;

/**
 * Problems of `result` as the output of the call that the parked run asks about; `[]` where nothing is known of it: an undo, whose
 * output nobody reads, or an operation that is no longer in its contract.
 */
export function checkResult(
  project: Systems & Partial<Pick<Project, "processes">>,
  run: RunDetail,
  result: Json,
): readonly Problem[] {
  const asked = askedStep(run);
  if (asked?.kind === "child") {
    const process = project.processes?.get(asked.operation ?? "");
    return process === undefined ? [] : compileSchema(process.output)(result);
  }
  return asked?.kind === "call" ? (validators(project, asked)?.output(result) ?? []) : [];
}

/** Problems of `input` as the input of the call or undo that the parked run asks about; `[]` where nothing is known of it. */
export function checkInput(project: Systems, run: RunDetail, input: Json): readonly Problem[] {
  const asked = askedStep(run);
  return asked === undefined ? [] : (validators(project, asked)?.input(input) ?? []);
}

/** Problems of what an act gives as the result, or as the input, of the call that the parked run asks about; or of what a restart begins with. */
export function checkGiven(
  project: Pick<Project, "systems" | "processes">,
  run: RunDetail,
  act: OperatorAct,
  value: Engine["value"],
): readonly Problem[] {
  if (act.kind === "happened") return checkResult(project, run, act.result);
  if (act.kind === "restart") return checkStart(project, wholeRun(run, value), act.input);
  return act.kind === "edit" ? checkInput(project, run, act.input) : [];
}

/**
 * Problems of a restart: its input must fit the process as it is published now, and have the business key of the run, since the key
 * means the new run from then on.
 */
export function checkStart(
  { processes }: Pick<Project, "processes">,
  run: RunDetail,
  input: Json | undefined = run.input,
): readonly Problem[] {
  const process = processes.get(run.process);
  if (process === undefined)
    return [{ at: "", message: `can't be given: there is no process ${run.process} any more` }];
  const problems = compileSchema(process.input)(input);
  if (problems.length > 0) return problems;
  const keyOf = (value: Json): unknown => {
    try {
      return process.key(value);
    } catch {
      return undefined;
    }
  };
  // A run that another one started may have a key that its input does not tell.
  return keyOf(input) === run.key || keyOf(run.input) !== run.key
    ? []
    : [{ at: "", message: "must have the business key of the run" }];
}

function askedStep({ steps, parked }: RunDetail): RunDetail["steps"][number] | undefined {
  return parked?.n === undefined ? undefined : steps.find(({ n }) => n === parked.n);
}

function validators(
  { systems }: Systems,
  { operation: asked = "" }: RunDetail["steps"][number],
): ReturnType<typeof operationValidators> | undefined {
  const [system = "", name = ""] = asked.split(".");
  const model = systems.get(system)?.contract;
  if (model === undefined || !Object.hasOwn(model.operations, name)) return undefined;
  const operation = model.operations[name];
  return operation === undefined ? undefined : operationValidators(model, operation);
}

/** Shows a run by its business key, to whom the object rule lets see it. What it refuses looks like an unknown key. */
import { failure } from "../errors.ts";
import type { Answers } from "./answers/answers.ts";
import type { BackendRun } from "./backend.ts";
import { type Act, permits, type Workshop } from "./exchange.ts";
import { fieldsOf } from "./fields.ts";
import { responder } from "./mappings.ts";
import type {
  AnyStartable,
  ApiCaller,
  FollowsOperation,
  PublicStatus,
  RunOperation,
  RunsOperation,
  RunView,
} from "./operations.ts";

export function runAct(operation: RunOperation, shop: Workshop, answers: Answers): Act {
  const show = runShower(operation, shop);
  const { process } = operation;
  const keyOf = operation.spoken?.key;
  return async ({ params, caller, request, input }) => {
    const key = keyOf === undefined ? params.key : keyOf(input);
    const found = await shop.backend.runByKey(process.name, key ?? "");
    return answers.answered(show(found, caller, request.id).value);
  };
}

/** A run as this caller may see it. */
export interface Shown {
  readonly status: PublicStatus;
  readonly value: unknown;
}

/** Gives what shows runs to callers; it throws `resource-unknown` for what there is not, and for what the caller may not see. */
export function runShower(
  operation: RunOperation | RunsOperation | FollowsOperation,
  shop: Workshop,
): (found: BackendRun | undefined, caller: ApiCaller, requestId: string) => Shown {
  const respond = responder(operation.responds, operation.process.output, shop.compile);
  const { process, allow } = operation;
  return (found, caller, requestId) => {
    // Without its history a run's owner can't be told: nobody may see it.
    if (found?.input === undefined) throw failure("resource-unknown", {});
    const run = viewOf(found);
    if (!permits(allow, { caller, run }, (error) => shop.report(error, requestId)))
      throw failure("resource-unknown", {});
    const value =
      operation.responds === undefined
        ? publicOf(found, run, process)
        : respond(run, { input: found.input, stages: [found.input] });
    return { status: run.status, value };
  };
}

function viewOf(run: BackendRun): RunView {
  return Object.freeze({
    key: run.key,
    status: publicStatus(run.status),
    input: run.input,
    ...(run.state === undefined ? {} : { state: run.state }),
    ...(run.output === undefined ? {} : { output: run.output }),
    createdAt: new Date(run.createdAt).toISOString(),
    updatedAt: new Date(run.updatedAt).toISOString(),
  });
}

/** Output and state as the process declares them, and nothing else of them (OW-3). */
function publicOf(run: BackendRun, { input: _, output, state, ...view }: RunView, process: AnyStartable): unknown {
  return {
    ...view,
    ...(state === undefined
      ? {}
      : { state: process.state === undefined ? state : fieldsOf(process.state).drop(state) }),
    ...(output === undefined ? {} : { output: fieldsOf(process.output).drop(output) }),
    ...(run.failure === undefined ? {} : { reason: run.failure.reason }),
  };
}

function publicStatus(status: BackendRun["status"]): PublicStatus {
  if (status === "parked" || status === "paused" || status === "queued") return "waiting";
  return status === "undoing" ? "running" : status;
}

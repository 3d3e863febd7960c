/** The addresses of the admin API by which operators act on runs: one at a time. And why runs are parked, in groups. */
import { failure, plainName } from "../../errors.ts";
import type { Json, JsonSchema, Problem } from "../../operation.ts";
import { actFor } from "../../process/edited.ts";
import {
  type Cause,
  type Engine,
  type OperatorAct,
  type RunDetail,
  type RunFilter,
  type RunStatus,
  type RunSummary,
  runStatuses,
  wholeRun,
} from "../../process/engine.ts";
import { refuseProblems } from "./admin.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

export interface ActResources {
  readonly engine: Engine;
  readonly maskSummary: (run: RunSummary, whole: () => RunDetail | undefined) => RunSummary;
  /** Problems of a result that an operator states for the call that a parked run asks about. */
  readonly checkResult: (run: RunDetail, result: Json) => readonly Problem[];
  /** The same of an input that an operator gives instead of the code's. */
  readonly checkInput: (run: RunDetail, input: Json) => readonly Problem[];
  /** Problems of a restart with this input, or with the run's own. */
  readonly checkStart: (run: RunDetail, input: Json | undefined) => readonly Problem[];
}

export const reason = {
  type: "string",
  minLength: 1,
  maxLength: 500,
  description: "Why; stands in the audit and the history.",
};
const question: JsonSchema = {
  type: "integer",
  minimum: 1,
  description: "Number of the question that this answers; refused if the run asks another one by now.",
};

/** Which runs: of a list, and of an act on many. */
export const filterQuery = {
  process: { is: "text", description: "Name of the process." },
  status: { is: "text", allowed: runStatuses, description: "Status." },
  key: { is: "text", description: "Business key." },
  keyPrefix: { is: "text", description: "Beginning of the business key." },
  version: { is: "text", description: "Code version." },
  cause: { is: "text", description: "Of parked runs: the id of their cause, or the code of their question." },
  step: { is: "text", description: "Of parked runs: the step that is asked about." },
  from: { is: "time", description: "Made at this time or later." },
  to: { is: "time", description: "Made before this time." },
} as const satisfies AdminRoute["query"];

/** The filter of a query with these parameters. */
export function filterOf(query: AdminCall["query"]): RunFilter {
  const { process, status, key, keyPrefix, version, cause, step, from, to } = query;
  const given = {
    process,
    status: status as RunStatus | undefined,
    key,
    keyPrefix,
    version,
    cause,
    step,
    createdFrom: from,
    createdTo: to,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as RunFilter;
}

type Kind = OperatorAct["kind"];

interface ActAddress {
  readonly summary: string;
  /** What it takes beside a reason. */
  readonly takes?: { readonly [name: string]: JsonSchema };
  /** What it may take. */
  readonly mayTake?: { readonly [name: string]: JsonSchema };
}

const acts: { readonly [K in Kind]: ActAddress } = {
  retry: {
    summary: "Tries the parked step again; of a run that pauses between attempts, makes the next one at once",
  },
  pause: { summary: "Begins nothing new until the run is resumed; an attempt under way ends and is recorded" },
  resume: { summary: "Ends the pause" },
  happened: {
    summary: "Answers the parked question: it happened, with this result",
    takes: { result: { description: "What the call answered." } },
  },
  edit: {
    summary: "Answers the parked question: the call is made with this input, under a new key",
    mayTake: {
      input: { description: "Is sent instead of the input of the code. This or `patch` is needed." },
      patch: { description: "JSON Merge Patch (RFC 7396) of what was sent last." },
    },
  },
  rewind: {
    summary:
      "Goes back to before a step of a parked or paused run; that step and those after it are superseded, and asked anew",
    takes: {
      to: { type: "string", maxLength: 300, description: "Id of the step, as in the history: `erp.lookup#2`." },
    },
  },
  repeat: { summary: "Answers the parked question: it did not happen; it is repeated with the same key" },
  restart: {
    summary: "Starts a new run of the same process and business key; a parked run is cancelled or terminated first",
    mayTake: {
      input: { description: "Input of the new run. Default: that of this one." },
      first: { enum: ["cancel", "terminate"], description: "How a parked run is ended. Default cancel." },
    },
  },
  undo: { summary: "Undoes what was done, and ends the run as undone" },
  cancel: { summary: "Undoes what was done, and ends the run as cancelled" },
  terminate: { summary: "Ends the run at once; nothing is undone" },
};

/** The act that a body says. */
export function actOf(kind: Kind, body: AdminCall["body"]): OperatorAct {
  if (kind === "rewind") return { kind, to: String(body.to) };
  if (kind === "happened") return { kind, result: body.result as Json };
  if (kind === "restart") {
    const { input, first } = body as { input?: Json; first?: "cancel" | "terminate" };
    return { kind, ...(input === undefined ? {} : { input }), ...(first === undefined ? {} : { first }) };
  }
  return kind === "edit" ? { kind, input: body.input as Json } : { kind };
}

/** The act on one run: a patch is applied to what it sent. */
export function oneOf(engine: Engine, run: RunDetail, kind: Kind, body: AdminCall["body"]): OperatorAct {
  if (kind !== "edit") return actOf(kind, body);
  const { input, patch } = body as { input?: Json; patch?: Json };
  if ((input === undefined) === (patch === undefined))
    refuseProblems([{ at: "/input", message: "is missing, or patch is: give one of them" }]);
  return patch === undefined ? actOf(kind, body) : actFor(run, { kind, patch }, engine.value);
}

function refuseAt(place: string, problems: readonly Problem[]): void {
  refuseProblems(problems.map(({ at, message }) => ({ at: `${place}${at}`, message })));
}

/** The run that the address names. Throws `run-unknown`. */
export function existingRun(engine: Engine, call: AdminCall): RunDetail {
  const id = call.parameters.id as string;
  const run = engine.run(id);
  if (run === undefined) throw failure("run-unknown", { run: plainName(id) });
  return run;
}

export function actRoutes({
  engine,
  maskSummary,
  checkResult,
  checkInput,
  checkStart,
}: ActResources): readonly AdminRoute[] {
  const act = (kind: Kind, { summary, takes = {}, mayTake = {} }: ActAddress): AdminRoute => ({
    method: "POST",
    path: `/runs/{id}/${kind}`,
    name: `${kind}Run`,
    summary,
    role: "operator",
    action: `run.${kind}`,
    body: { properties: { reason, ...takes, ...mayTake, question }, required: ["reason", ...Object.keys(takes)] },
    answer: ref("Done"),
    async handle(call) {
      const run = existingRun(engine, call);
      const operation = oneOf(engine, run, kind, call.body);
      if (operation.kind === "happened") refuseAt("/result", checkResult(run, operation.result));
      if (operation.kind === "edit") refuseAt("/input", checkInput(run, operation.input));
      if (operation.kind === "restart") refuseAt("/input", checkStart(wholeRun(run, engine.value), operation.input));
      const actor = { by: call.caller.name, reason: String(call.body.reason) };
      const done = await engine.operate(run.id, operation, actor, call.body.question as number | undefined);
      return { done: true, run: done.run };
    },
  });

  /** A message of one of the runs may repeat what is sensitive in it. */
  function masked(cause: Cause): Cause {
    const run = engine.run(cause.example);
    if (run === undefined) return cause;
    const { reason: message = cause.message } = maskSummary({ ...run, reason: cause.message }, () => run);
    return { ...cause, message };
  }

  return [
    {
      method: "GET",
      path: "/runs/causes",
      name: "listCauses",
      summary: "Why runs are parked: groups of the same cause, the largest first",
      role: "viewer",
      answer: list("Cause", "causes"),
      handle: () => ({ causes: engine.causes().map(masked) }),
    },
    ...Object.entries(acts).map(([kind, address]) => act(kind as Kind, address)),
  ];
}

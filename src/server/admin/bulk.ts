/** The addresses of the admin API that show what an act would do, and that act on many runs by filter. */
import type { Json, JsonSchema } from "../../operation.ts";
import type { BulkAct } from "../../process/acts.ts";
import { type Engine, type OperatorAct, type RunFilter, runStatuses } from "../../process/engine.ts";
import { actOf, existingRun, filterOf, oneOf, reason } from "./acts.ts";
import { refuseProblems } from "./admin.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

const bulkKinds = [
  "retry",
  "repeat",
  "happened",
  "edit",
  "pause",
  "resume",
  "rewind",
  "restart",
  "undo",
  "cancel",
  "terminate",
] as const satisfies readonly OperatorAct["kind"][];

const text = { type: "string", maxLength: 300 };
const time = { type: "integer", minimum: 0, description: "Epoch milliseconds." };
const filter: JsonSchema = {
  type: "object",
  description: "Which runs; as the parameters of `GET /runs`. At least one member.",
  minProperties: 1,
  additionalProperties: false,
  properties: {
    process: text,
    status: { enum: runStatuses },
    key: text,
    keyPrefix: text,
    version: text,
    cause: text,
    step: text,
    from: time,
    to: time,
  },
};
const more = {
  to: { ...text, description: "Of a rewind: id of the step." },
  first: { enum: ["cancel", "terminate"], description: "Of a restart: how a parked run is ended. Default cancel." },
  result: { description: "Of `happened`: what the call of each run answered." },
  input: { description: "Of an edit: is sent instead of the input of the code. Of one restart: the new run's input." },
  patch: { description: "Of an edit, instead of `input`: JSON Merge Patch (RFC 7396) of what each run sent." },
};

/** Throws where an act lacks what it gives, or gives what only one run can be given. */
function manyOf({ body }: AdminCall): BulkAct {
  const { act, input, patch } = body as { act: OperatorAct["kind"]; input?: Json; patch?: Json };
  const missing = (at: string, message: string) => refuseProblems([{ at, message }]);
  if (act === "happened" && body.result === undefined) missing("/result", "is missing");
  if (act === "restart" && input !== undefined) missing("/input", "can be given to one run only, since it has its key");
  if (act !== "edit") return actOf(act, body);
  if ((input === undefined) === (patch === undefined)) missing("/input", "is missing, or patch is: give one of them");
  return patch === undefined ? actOf(act, body) : { kind: "edit", patch };
}

const filterIn = ({ body }: AdminCall): RunFilter => filterOf(body.filter as AdminCall["query"]);

export function bulkRoutes({ engine }: { readonly engine: Engine }): readonly AdminRoute[] {
  return [
    {
      method: "POST",
      path: "/runs/{id}/preview",
      name: "previewRun",
      summary: "What an act would do to a run: what may double, what is undone, what stays. Changes nothing",
      role: "viewer",
      body: {
        properties: {
          act: { enum: bulkKinds },
          ...more,
        },
        required: ["act"],
      },
      answer: ref("Preview"),
      handle(call) {
        const run = existingRun(engine, call);
        const act = oneOf(engine, run, call.body.act as OperatorAct["kind"], call.body);
        return engine.preview(run.id, act);
      },
    },
    {
      method: "POST",
      path: "/runs/acts/preview",
      name: "previewActs",
      summary: "What an act would do to the runs that a filter finds. Changes nothing",
      role: "viewer",
      body: { properties: { filter, act: { enum: bulkKinds }, ...more }, required: ["filter", "act"] },
      answer: ref("BulkPreview"),
      handle: (call) => engine.bulkPreview(filterIn(call), manyOf(call)),
    },
    {
      method: "POST",
      path: "/runs/acts",
      name: "actOnRuns",
      summary: "Acts on all runs that a filter finds now, in the background; goes on through restarts",
      role: "operator",
      action: "runs.act",
      target: ({ body }) => `${String(body.act)} ${JSON.stringify(body.filter)}`,
      body: {
        properties: {
          filter,
          act: { enum: bulkKinds },
          ...more,
          reason,
          expect: {
            type: "integer",
            minimum: 0,
            description: "How many runs the filter finds, by the preview; refused if there are more or fewer by now.",
          },
        },
        required: ["filter", "act", "reason", "expect"],
      },
      answer: ref("BulkJob"),
      status: 202,
      handle: (call) =>
        engine.bulk(
          filterIn(call),
          manyOf(call),
          { by: call.caller.name, reason: String(call.body.reason) },
          Number(call.body.expect),
        ),
    },
    {
      method: "GET",
      path: "/runs/acts",
      name: "listActs",
      summary: "Acts on many runs, newest first, and how far they are",
      role: "viewer",
      answer: list("BulkJob", "jobs"),
      handle: () => ({ jobs: engine.bulkJobs() }),
    },
    {
      method: "GET",
      path: "/runs/acts/{job}",
      name: "getActs",
      summary: "One act on many runs, with the runs that refused it",
      role: "viewer",
      answer: ref("BulkJob"),
      handle: ({ parameters }) => engine.bulkJob(parameters.job as string),
    },
    {
      method: "POST",
      path: "/runs/acts/{job}/stop",
      name: "stopActs",
      summary: "Stops an act on many runs; what was done stays done",
      role: "operator",
      action: "runs.stop",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Done"),
      async handle({ parameters }) {
        await engine.bulkStop(parameters.job as string);
        return { done: true };
      },
    },
  ];
}

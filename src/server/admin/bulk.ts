/** The addresses of the admin API that show what an act would do, and that act on many runs by filter. */
import type { JsonSchema } from "../../operation.ts";
import { type Engine, type OperatorAct, type RunFilter, runStatuses } from "../../process/engine.ts";
import { actOf, existingRun, filterOf, reason } from "./acts.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

/** What makes sense for many: an answer of its own for each run does not. */
const bulkKinds = [
  "retry",
  "repeat",
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
};

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
          act: { enum: [...bulkKinds, "happened", "edit"] },
          ...more,
          input: { description: "Of an edit or a restart." },
          result: { description: "Of `happened`." },
        },
        required: ["act"],
      },
      answer: ref("Preview"),
      handle: (call) =>
        engine.preview(existingRun(engine, call).id, actOf(call.body.act as OperatorAct["kind"], call.body)),
    },
    {
      method: "POST",
      path: "/runs/acts/preview",
      name: "previewActs",
      summary: "What an act would do to the runs that a filter finds. Changes nothing",
      role: "viewer",
      body: { properties: { filter, act: { enum: bulkKinds }, ...more }, required: ["filter", "act"] },
      answer: ref("BulkPreview"),
      handle: (call) => engine.bulkPreview(filterIn(call), actOf(call.body.act as OperatorAct["kind"], call.body)),
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
          actOf(call.body.act as OperatorAct["kind"], call.body),
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

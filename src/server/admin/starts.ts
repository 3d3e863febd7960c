/** The address of the admin API that starts a run by hand: the same checks as anywhere, now or for later. */
import { failure, plainName } from "../../errors.ts";
import { type Json, longestKey, type Validate } from "../../operation.ts";
import type { AnyProcess } from "../../process/define.ts";
import type { Engine } from "../../process/engine.ts";
import { epochOf } from "../../process/instant.ts";
import type { Project } from "../project/project.ts";
import { refuseProblems } from "./admin.ts";
import type { AdminRoute } from "./route.ts";

export interface StartResources {
  readonly project: () => Pick<Project, "processes">;
  readonly engine: Pick<Engine, "start">;
  /** Compiles the input schema of a process. */
  readonly validator: (process: AnyProcess) => Validate;
}

export function startRoutes({ project, engine, validator }: StartResources): readonly AdminRoute[] {
  return [
    {
      method: "POST",
      path: "/processes/{name}/start",
      name: "startRun",
      summary: "Starts a run by hand, now or for later; the input is checked, and a business key starts one run",
      role: "operator",
      action: "run.start",
      body: {
        properties: {
          input: { description: "As the process takes it." },
          at: {
            type: ["integer", "string"],
            description: "Epoch milliseconds, or ISO 8601 with its zone; until then it is queued.",
          },
          reason: { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." },
        },
        required: ["input", "reason"],
      },
      answer: {
        type: "object",
        required: ["result", "run", "key"],
        properties: {
          result: {
            enum: ["started", "exists"],
            description: "exists: the key has this run already; nothing was started.",
          },
          run: { type: "string" },
          key: { type: "string", description: "Business key." },
        },
      },
      status: 201,
      async handle({ parameters, body, caller }) {
        const name = parameters.name as string;
        const process = project().processes.get(name);
        if (process === undefined) throw failure("process-unknown", { process: plainName(name, "of that name") });
        const input = body.input as Json;
        refuseProblems(validator(process)(input).map(({ at, message }) => ({ at: `/input${at}`, message })));
        const key = process.key(input as never) as unknown;
        if (typeof key !== "string" || key === "" || key.length > longestKey) {
          const message = `its business key must have 1 to ${longestKey} characters`;
          refuseProblems([{ at: "/input", message }]);
        }
        const at = body.at === undefined ? {} : { at: momentOf(body.at as number | string) };
        const answer = await engine.start({
          process: process.name,
          key: key as string,
          input,
          origin: `admin:${caller.name}`,
          ...at,
        });
        if (answer.kind === "refused") throw failure("internal", { reason: `the start was refused by ${answer.by}` });
        return { result: answer.kind, run: answer.run, key };
      },
    },
  ];
}

/** Throws `admin-request`. */
function momentOf(at: number | string): number {
  try {
    return epochOf(at);
  } catch (error) {
    refuseProblems([{ at: "/at", message: "must be epoch milliseconds, or ISO 8601 with its zone" }]);
    throw error;
  }
}

/** The address of the admin API that takes the project's files as they are now. */
import { asMortiseError } from "../../errors.ts";
import type { Json } from "../../operation.ts";
import { ProblemError } from "../../publish/problem.ts";
import type { Reloads } from "../reload/reload.ts";
import type { AdminRoute } from "./route.ts";
import { ref } from "./schemas.ts";

export function reloadRoutes({ reload }: Pick<Reloads, "reload">): readonly AdminRoute[] {
  return [
    {
      method: "POST",
      path: "/reload",
      name: "reloadProject",
      summary:
        "Takes the project's files as they are now, as a restart would, without a gap; refused as a whole where anything is wrong",
      role: "admin",
      action: "server.reload",
      target: () => "",
      body: {
        properties: {
          promote: {
            type: "boolean",
            description: "Start new runs on the code in the files, whatever was promoted before. Default false.",
          },
          reason: { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." },
        },
        required: ["reason"],
      },
      answer: ref("Reloaded"),
      async handle({ body, caller, audit }) {
        try {
          const who = { by: caller.name, reason: String(body.reason), audit };
          return await reload({ promote: body.promote === true }, who);
        } catch (error) {
          const known = asMortiseError(error);
          if (known.code !== "reload-refused") throw error;
          // Each with its place, for whoever shows them.
          throw new ProblemError(known, { members: { problems: known.details as Json } });
        }
      },
    },
  ];
}

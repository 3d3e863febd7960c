/** The addresses of the admin API about rehearsals, and moving runs to another code version. */
import { failure } from "../../errors.ts";
import type { Deployments } from "../versions/deployments.ts";
import type { Fared, Rehearsals } from "../versions/rehearsals.ts";
import type { RunMoves } from "../versions/run-moves.ts";
import type { Version } from "../versions/versions.ts";
import type { AdminRoute } from "./route.ts";
import { ref } from "./schemas.ts";
import { allows } from "./tokens.ts";

export interface MoveResources {
  readonly rehearsals: Pick<Rehearsals, "start" | "get" | "page">;
  readonly moves: RunMoves;
  readonly pinFolder: Deployments["pinFolder"];
  /** A registered version. Throws `version-unknown`. */
  readonly version: (id: string) => Version;
  /** Keeps a version until what this gives is called. */
  readonly hold: (version: string) => () => void;
  /** As people may see it. */
  readonly maskFared: (fared: Fared) => Fared;
}

const reason = {
  type: "string",
  minLength: 1,
  maxLength: 500,
  description: "Why; stands in the audit and the history.",
};
const version = { type: "string", maxLength: 64 };
const process = { type: "string", maxLength: 200, description: "Only runs of this process." };
const run = { type: "string", maxLength: 64, description: "Only this run." };

export function moveRoutes(resources: MoveResources): readonly AdminRoute[] {
  const { rehearsals, moves } = resources;
  return [
    {
      method: "POST",
      path: "/rehearsals",
      name: "startRehearsal",
      summary:
        "Replays open runs on a version's code, without side effects; without a version, on the sources in the server's folder (role admin)",
      role: "operator",
      action: "rehearsal.start",
      target: ({ body }) => String(body.version ?? "the folder"),
      body: { properties: { version, process, run }, required: [] },
      answer: ref("Rehearsal"),
      status: 202,
      async handle({ body, caller }) {
        const { version: id } = body;
        // It runs code that nobody has deployed yet.
        if (id === undefined && !allows(caller.role, "admin"))
          throw failure("admin-forbidden", { needed: "admin", token: caller.name, role: caller.role });
        const found = id === undefined ? await resources.pinFolder() : resources.version(String(id));
        const filter = {
          ...(body.process === undefined ? {} : { process: String(body.process) }),
          ...(body.run === undefined ? {} : { run: String(body.run) }),
        };
        const release = resources.hold(found.id);
        try {
          return rehearsals.start(found, filter, release);
        } catch (error) {
          release();
          throw error;
        }
      },
    },
    {
      method: "GET",
      path: "/rehearsals/{id}",
      name: "getRehearsal",
      summary: "How a rehearsal stands: counts, and where runs diverge or stop",
      role: "viewer",
      answer: ref("Rehearsal"),
      handle: ({ parameters }) => rehearsals.get(parameters.id as string),
    },
    {
      method: "GET",
      path: "/rehearsals/{id}/runs",
      name: "listRehearsed",
      summary: "How each run fared, oldest first; also while the rehearsal goes on",
      role: "viewer",
      query: {
        after: { is: "text", description: "`next` of the page before." },
        limit: { is: "integer", most: 500, description: "Entries of a page. Default 50." },
      },
      answer: {
        type: "object",
        required: ["runs", "next"],
        properties: { runs: { type: "array", items: ref("Rehearsed") }, next: { type: ["string", "null"] } },
      },
      handle({ parameters, query }) {
        const limit = Number(query.limit ?? 50);
        const runs = rehearsals.page(parameters.id as string, String(query.after ?? ""), limit);
        return { runs: runs.map(resources.maskFared), next: runs.at(-1)?.run ?? null };
      },
    },
    {
      method: "POST",
      path: "/runs/move",
      name: "moveRuns",
      summary: "Moves runs to another code version; only those that were rehearsed on it and continue",
      role: "operator",
      action: "run.move",
      target: ({ body }) => `${String(body.run ?? body.process ?? "all")} to ${String(body.to)}`,
      body: {
        properties: {
          to: version,
          process,
          run,
          after: { type: "string", maxLength: 64, description: "`next` of the portion before." },
          limit: { type: "integer", minimum: 1, maximum: 500, description: "Runs of a portion. Default 100." },
          reason,
        },
        required: ["to", "reason"],
      },
      answer: ref("Moved"),
      async handle({ body, caller }) {
        const to = String(body.to);
        const release = resources.hold(to);
        try {
          return await moves.move(
            {
              to,
              limit: Number(body.limit ?? 100),
              ...(body.run === undefined ? {} : { run: String(body.run) }),
              ...(body.process === undefined ? {} : { process: String(body.process) }),
              ...(body.after === undefined ? {} : { after: String(body.after) }),
            },
            { by: caller.name, reason: String(body.reason) },
          );
        } finally {
          release();
        }
      },
    },
  ];
}

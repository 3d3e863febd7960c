/** The addresses of the admin API about code versions: what there is, and deploying, promoting, rolling back. */
import { failure, plainName } from "../../errors.ts";
import type { Deployments } from "../versions/deployments.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

export interface VersionView {
  readonly id: string;
  /** `before`: a rollback goes there. `draining`: runs are open on it. `drained`: it goes within the hour. */
  readonly state: "promoted" | "before" | "registered" | "draining" | "drained";
  readonly current: boolean;
  readonly worker: "running" | "starting" | "failed" | "none";
  readonly openRuns: number;
  readonly note: string;
  readonly registeredAt?: number;
  readonly registeredBy?: string;
  readonly promotedAt?: number;
  readonly promotedBy?: string;
  readonly promotedFor?: string;
}

export interface VersionResources {
  readonly versions: () => readonly VersionView[];
  readonly deployments: Pick<Deployments, "deploy" | "promote" | "rollback">;
}

const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." };

export function versionRoutes({ versions, deployments }: VersionResources): readonly AdminRoute[] {
  const who = ({ body, caller, audit }: AdminCall) => ({
    by: caller.name,
    reason: String(body.reason ?? body.note ?? ""),
    audit,
  });
  return [
    {
      method: "GET",
      path: "/versions",
      name: "listVersions",
      summary: "Code versions that are kept, and their workers",
      role: "viewer",
      answer: list("Version", "versions"),
      handle: () => ({ versions: versions() }),
    },
    {
      method: "GET",
      path: "/versions/{id}",
      name: "getVersion",
      summary: "One code version",
      role: "viewer",
      answer: ref("Version"),
      handle({ parameters }) {
        const { id = "" } = parameters;
        const found = versions().find((version) => version.id === id);
        if (found === undefined) throw failure("version-unknown", { version: plainName(id) });
        return found;
      },
    },
    {
      method: "POST",
      path: "/versions",
      name: "deployVersion",
      summary: "Registers the sources in the server's folder as a code version, once their worker runs",
      role: "admin",
      action: "version.deploy",
      target: ({ body }) => String(body.expect ?? ""),
      body: {
        properties: {
          expect: { type: "string", maxLength: 64, description: "Id of the version that was checked." },
          note: { type: "string", maxLength: 500, description: "What is new; stands in the list of versions." },
          promote: { type: "boolean", description: "Start new runs on it. Default false." },
          reason,
        },
        required: ["reason"],
      },
      answer: ref("Deployed"),
      handle: (call) =>
        deployments.deploy(
          {
            ...(call.body.expect === undefined ? {} : { expect: String(call.body.expect) }),
            note: String(call.body.note ?? ""),
            promote: call.body.promote === true,
          },
          who(call),
        ),
    },
    {
      method: "POST",
      path: "/versions/{id}/promote",
      name: "promoteVersion",
      summary: "Starts new runs on this version from now on",
      role: "admin",
      action: "version.promote",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Deployed"),
      handle: (call) => deployments.promote(call.parameters.id as string, who(call)),
    },
    {
      method: "POST",
      path: "/rollback",
      name: "rollBack",
      summary: "Starts new runs on the version that was promoted before the current one",
      role: "admin",
      action: "version.rollback",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Deployed"),
      handle: (call) => deployments.rollback(who(call)),
    },
  ];
}

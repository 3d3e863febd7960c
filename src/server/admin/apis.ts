/** The addresses of the admin API about the published APIs: how each version stands, and the operators' block. */
import { failure, plainName } from "../../errors.ts";
import { describeAccess } from "../../publish/access/access.ts";
import type { ApiDefinition } from "../../publish/define.ts";
import type { LifecycleBook } from "../../publish/lifecycle/lifecycle.ts";
import { majorOf } from "../../publish/lifecycle/retirements.ts";
import { dayOf, dayText, mostTotals } from "../../publish/lifecycle/usage.ts";
import type { Project } from "../project.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";

export interface ApiResources {
  /** As it is published now. */
  readonly project: () => Pick<Project, "apis">;
  readonly lifecycle: LifecycleBook;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." };
const defaultRetryAfterMs = 300_000;

export function apiRoutes({ project, lifecycle, clock }: ApiResources): readonly AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/apis",
      name: "listApis",
      summary: "APIs with their versions, and how each stands",
      role: "viewer",
      answer: list("Api", "apis"),
      handle: () => ({ apis: project().apis.map((api) => view(api, lifecycle, clock())) }),
    },
    {
      method: "POST",
      path: "/apis/{name}/{version}/block",
      name: "blockApi",
      summary: "Answers a version with 503 from now on, also after a restart; runs that it started go on",
      role: "operator",
      action: "api.block",
      body: {
        properties: {
          reason,
          retryAfter: {
            type: "integer",
            minimum: 1,
            maximum: 604_800,
            description: "What Retry-After says, in seconds. Default 300.",
          },
        },
        required: ["reason"],
      },
      answer: ref("Api"),
      async handle(call) {
        const api = existing(project(), call);
        const { name, version } = api;
        const seconds = call.body.retryAfter;
        const retryAfterMs = seconds === undefined ? defaultRetryAfterMs : Number(seconds) * 1000;
        const block = { api: name, version, reason: String(call.body.reason), by: call.caller.name, retryAfterMs };
        await lifecycle.blocks.block(block, [call.audit()]);
        return view(api, lifecycle, clock());
      },
    },
    {
      method: "GET",
      path: "/apis/{name}/{version}/usage",
      name: "getApiUsage",
      summary: "Who called which operation of a version, or of another one with the same major number, and when last",
      role: "viewer",
      query: {
        days: { is: "integer", most: 3650, description: "Today and so many days before it, less one. Default 30." },
      },
      answer: ref("ApiUsage"),
      async handle(call) {
        const { name, version } = existing(project(), call);
        const fromDay = dayOf(clock()) - Number(call.query.days ?? 30) + 1;
        // What was counted in this second is in it, too.
        await lifecycle.usage.flush();
        const usage = lifecycle.usage.totals(name, majorOf(version), fromDay);
        return { from: dayText(fromDay), usage, whole: usage.length < mostTotals };
      },
    },
    {
      method: "POST",
      path: "/apis/{name}/{version}/unblock",
      name: "unblockApi",
      summary: "Ends the block of a version",
      role: "operator",
      action: "api.unblock",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Api"),
      async handle(call) {
        const api = existing(project(), call);
        await lifecycle.blocks.unblock(api.name, api.version, [call.audit()]);
        return view(api, lifecycle, clock());
      },
    },
  ];
}

/** Throws `api-version-unknown`. */
function existing({ apis }: Pick<Project, "apis">, { parameters }: AdminCall): ApiDefinition {
  const { name = "", version = "" } = parameters;
  const found = apis.find((api) => api.name === name && api.version === version);
  if (found === undefined) throw failure("api-version-unknown", { api: plainName(name), version: plainName(version) });
  return found;
}

function view(
  { name, version, base, lifecycle, access, operations }: ApiDefinition,
  { blocks }: LifecycleBook,
  now: number,
) {
  const block = blocks.of(name, version);
  return {
    name,
    version,
    base,
    lifecycle: lifecycle.state === "deprecated" && now >= lifecycle.sunset ? "sunset" : lifecycle.state,
    access: access.map(describeAccess),
    ...(lifecycle.state === "preview" ? { consumers: lifecycle.consumers } : {}),
    ...(lifecycle.state === "deprecated"
      ? { since: lifecycle.since, sunset: lifecycle.sunset, successor: lifecycle.successor.href }
      : {}),
    ...(block === undefined
      ? {}
      : { blocked: { reason: block.reason, by: block.by, at: block.at, retryAfterMs: block.retryAfterMs } }),
    operations: Object.entries(operations).map(([operation, { method, path, scope }]) => ({
      name: operation,
      method,
      path: `${base}${path}`,
      ...(scope === undefined ? {} : { scope }),
    })),
  };
}

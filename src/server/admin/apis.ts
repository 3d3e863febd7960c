/** The addresses of the admin API about the published APIs: how each version stands, and the operators' block. */
import { failure, plainName } from "../../errors.ts";
import { describeAccess } from "../../publish/access/access.ts";
import type { ApiDefinition } from "../../publish/define.ts";
import type { LifecycleBook } from "../../publish/lifecycle/lifecycle.ts";
import { type Despite, majorOf } from "../../publish/lifecycle/retirements.ts";
import type { Lifecycle } from "../../publish/lifecycle/states.ts";
import { dayText, firstDayOf, mostTotals } from "../../publish/lifecycle/usage.ts";
import type { Command } from "../../store/store.ts";
import { type FindInUse, overridden } from "../apis/published/in-use.ts";
import { type MigrationParts, migrationBoard } from "../apis/published/migration.ts";
import type { Project } from "../project/project.ts";
import type { AdminCall, AdminRoute } from "./route.ts";
import { list, ref } from "./schemas.ts";
import type { AuditParameters } from "./store-part.ts";

export interface ApiResources {
  /** As it is published now. */
  readonly project: () => Pick<Project, "apis">;
  readonly lifecycle: LifecycleBook;
  readonly openapi: MigrationParts["openapi"];
  readonly inUse: FindInUse;
  /** Epoch milliseconds. */
  readonly clock: () => number;
}

const reason = { type: "string", minLength: 1, maxLength: 500, description: "Why; stands in the audit." };
const longestReason = 20_000;
const dayMs = 86_400_000;
const defaultRetryAfterMs = 300_000;

export function apiRoutes({ project, lifecycle, openapi, inUse, clock }: ApiResources): readonly AdminRoute[] {
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
      method: "GET",
      path: "/apis/strays",
      name: "listStrays",
      summary:
        "What consumers ask for and what no version declares, or only one that has ended; a thousand at most, the last seen first",
      role: "viewer",
      answer: list("Stray", "strays"),
      async handle() {
        await lifecycle.strays.flush();
        return { strays: lifecycle.strays.list() };
      },
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
        days: {
          is: "integer",
          most: 3650,
          description: "Today and so many days before it. Default `lifecycle.window`, as the migration board's.",
        },
      },
      answer: ref("ApiUsage"),
      async handle(call) {
        const { name, version } = existing(project(), call);
        const { days } = call.query;
        const fromDay = firstDayOf(clock(), days === undefined ? inUse.windowMs : Number(days) * dayMs);
        // What was counted in this second is in it, too.
        await lifecycle.usage.flush();
        const usage = lifecycle.usage.totals(name, majorOf(version), fromDay);
        return { from: dayText(fromDay), usage, whole: usage.length < mostTotals };
      },
    },
    {
      method: "GET",
      path: "/apis/{name}/{version}/migration",
      name: "getApiMigration",
      summary:
        "Who still uses a version, which operations, what changes for these in its successor, the last call and the trend; open runs",
      role: "viewer",
      answer: ref("ApiMigration"),
      handle: (call) => migrationBoard({ apis: () => project().apis, openapi, inUse }, existing(project(), call)),
    },
    {
      method: "POST",
      path: "/apis/{name}/{version}/retire",
      name: "retireApi",
      summary:
        "Takes the route of a version away, and of all with its major number; refused while it is in use, unless all who use it are named",
      role: "admin",
      action: "api.retire",
      body: {
        properties: {
          reason,
          consumers: {
            type: "array",
            maxItems: mostTotals,
            items: { type: "string", maxLength: 300 },
            description:
              "In spite of these, which called it within the window. (public): callers of public operations.",
          },
          openRuns: {
            type: "integer",
            minimum: 0,
            description: "In spite of so many open runs that were started through it. Default 0.",
          },
        },
        required: ["reason"],
      },
      answer: ref("ApiRetirement"),
      async handle(call) {
        const { name, version } = existing(project(), call);
        const named = {
          consumers: (call.body.consumers ?? []) as readonly string[],
          openRuns: Number(call.body.openRuns ?? 0),
        };
        const despite = overridden(name, version, await inUse(name, majorOf(version)), named);
        const why = String(call.body.reason);
        const retirement = { api: name, major: majorOf(version), reason: why, by: call.caller.name, despite };
        return lifecycle.retirements.retire(retirement, [audited(call, why, despite)]);
      },
    },
    {
      method: "POST",
      path: "/apis/{name}/{version}/reinstate",
      name: "reinstateApi",
      summary: "Gives a version that was retired its route back; it stands as its definition says",
      role: "admin",
      action: "api.reinstate",
      body: { properties: { reason }, required: ["reason"] },
      answer: ref("Api"),
      async handle(call) {
        const api = existing(project(), call);
        await lifecycle.retirements.reinstate(api.name, majorOf(api.version), [call.audit()]);
        return view(api, lifecycle, clock());
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

/** The audit's entry says whom it was done in spite of: the reason first, then the names. All of them stand in the retirement, too. */
function audited(call: AdminCall, why: string, { consumers, openRuns }: Despite): Command {
  const entry = call.audit();
  if (consumers.length === 0 && openRuns === 0) return entry;
  const names = [...consumers, ...(openRuns === 0 ? [] : [`${openRuns} open ${openRuns === 1 ? "run" : "runs"}`])].join(
    ", ",
  );
  const text = `${why} (in spite of ${names})`;
  return { ...entry, parameters: { ...(entry.parameters as AuditParameters), reason: text.slice(0, longestReason) } };
}

function view(
  { name, version, base, lifecycle, access, operations }: ApiDefinition,
  { blocks, retirements }: LifecycleBook,
  now: number,
) {
  const block = blocks.of(name, version);
  const retirement = retirements.of(name, majorOf(version));
  return {
    name,
    version,
    base,
    lifecycle: stateOf(lifecycle, retirement !== undefined, now),
    access: access.map(describeAccess),
    ...(lifecycle.state === "preview" ? { consumers: lifecycle.consumers } : {}),
    ...(lifecycle.state === "deprecated"
      ? { since: lifecycle.since, sunset: lifecycle.sunset, successor: lifecycle.successor.href }
      : {}),
    ...(retirement === undefined ? {} : { retired: retirement }),
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

function stateOf(lifecycle: Lifecycle, retired: boolean, now: number): string {
  if (retired) return "retired";
  return lifecycle.state === "deprecated" && now >= lifecycle.sunset ? "sunset" : lifecycle.state;
}

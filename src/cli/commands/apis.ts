/** `mortise apis ...`: versions of the published APIs, through the admin API of the running server. */
import { adminClient } from "../admin-client.ts";
import type { Context } from "../context.ts";
import { exit } from "../exit.ts";
import { time } from "../terminal.ts";
import { durationOption, numberOption, segment } from "../values.ts";

// What the admin API answers; its OpenAPI document says the same.
interface Api {
  readonly name: string;
  readonly version: string;
  readonly base: string;
  readonly lifecycle: string;
  readonly sunset?: number;
  readonly successor?: string;
  readonly consumers?: readonly string[];
  readonly retired?: { readonly reason: string; readonly by: string; readonly at: number };
  readonly blocked?: { readonly reason: string; readonly by: string; readonly at: number };
}

export const addressOf = (api: string, version: string): string => `/apis/${segment(api)}/${segment(version)}`;

export async function listApis(context: Context): Promise<number> {
  const { terminal } = context;
  const answer: { apis: Api[] } = await (await adminClient(context)).get("/apis");
  terminal.result(answer, () => {
    if (answer.apis.length === 0) terminal.line("No APIs.");
    else
      terminal.table(
        ["API", "version", "base", "state", ""],
        answer.apis.map((api) => [
          api.name,
          api.version,
          api.base,
          api.blocked === undefined || api.retired !== undefined ? api.lifecycle : `${api.lifecycle}, blocked`,
          noteOf(api),
        ]),
        (cell, column) => (column === 3 && cell.endsWith("blocked") ? "red" : undefined),
      );
  });
  return exit.done;
}

function noteOf({ blocked, retired, lifecycle, sunset, successor, consumers }: Api): string {
  if (retired !== undefined) return `by ${retired.by} at ${time(retired.at)}: ${retired.reason}`;
  if (blocked !== undefined) return `by ${blocked.by} since ${time(blocked.at)}: ${blocked.reason}`;
  if (sunset !== undefined) return `${lifecycle === "sunset" ? "ended" : "ends"} ${time(sunset)}, then ${successor}`;
  return consumers === undefined ? "" : `for ${consumers.join(", ")}`;
}

export async function blockApi(
  context: Context,
  [api, version]: readonly string[],
  { reason, retryAfter }: { readonly reason: string; readonly retryAfter?: string },
): Promise<number> {
  const seconds =
    retryAfter === undefined ? undefined : Math.max(1, Math.round(durationOption("--retry-after", retryAfter) / 1000));
  const client = await adminClient(context);
  const answer: Api = await client.post(`${addressOf(api!, version!)}/block`, {
    reason,
    ...(seconds === undefined ? {} : { retryAfter: seconds }),
  });
  context.terminal.result(answer, () =>
    context.terminal.line(
      answer.retired === undefined
        ? `${api} ${version} is blocked: callers are answered 503`
        : `${api} ${version} is blocked; it is retired as well, so callers are answered 404`,
    ),
  );
  return exit.done;
}

export async function unblockApi(
  context: Context,
  [api, version]: readonly string[],
  { reason }: { readonly reason: string },
): Promise<number> {
  const answer: Api = await (await adminClient(context)).post(`${addressOf(api!, version!)}/unblock`, { reason });
  context.terminal.result(answer, () =>
    context.terminal.line(
      answer.retired === undefined
        ? `${api} ${version} takes calls again`
        : `${api} ${version} is not blocked any more; it is retired, and takes calls after: mortise apis reinstate ${api} ${version} --reason <why>`,
    ),
  );
  return exit.done;
}

interface UsageTotal {
  readonly consumer: string;
  readonly key: string;
  readonly version: string;
  readonly operation: string;
  readonly calls: number;
  readonly lastAt: number;
  readonly recent: number;
  readonly before: number;
}

/** Of a public operation, nobody says who calls. */
export const consumerName = (consumer: string): string => (consumer === "" ? "(public)" : consumer);
/** Calls of the last seven days against the seven before. */
export const trend = (recent: number, before: number): string => `${recent} (${before} the week before)`;

export async function apiUsage(
  context: Context,
  [api, version]: readonly string[],
  { days }: { readonly days?: string },
): Promise<number> {
  const { terminal } = context;
  const asked = days === undefined ? {} : { days: numberOption("--days", days, 3650) };
  const client = await adminClient(context);
  const answer: { from: string; usage: UsageTotal[]; whole: boolean } = await client.get(
    `${addressOf(api!, version!)}/usage`,
    asked,
  );
  terminal.result(answer, () => {
    if (answer.usage.length === 0) terminal.line(`Nobody has called ${api} ${version} since ${answer.from}.`);
    else
      terminal.table(
        ["consumer", "key", "version", "operation", `calls since ${answer.from}`, "last 7 days", "last call"],
        answer.usage.map(({ consumer, key, version: called, operation, calls, recent, before, lastAt }) => [
          consumerName(consumer),
          key,
          called,
          operation,
          String(calls),
          trend(recent, before),
          time(lastAt),
        ]),
      );
    if (!answer.whole) terminal.note("There are more than are shown; ask for fewer days.");
  });
  return exit.done;
}

interface Stray {
  readonly api: string;
  readonly version: string;
  readonly consumer: string;
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly hits: number;
  readonly lastAt: number;
}

export async function listStrays(context: Context): Promise<number> {
  const { terminal } = context;
  const answer: { strays: Stray[] } = await (await adminClient(context)).get("/apis/strays");
  terminal.result(answer, () => {
    if (answer.strays.length === 0) terminal.line("No consumer asks for what is not there.");
    else
      terminal.table(
        ["consumer", "API", "version", "", "asked for", "times", "last"],
        answer.strays.map(({ consumer, api, version, kind, method, path, hits, lastAt }) => [
          consumer === "" ? "(others)" : consumer,
          api,
          version,
          kind,
          `${method} ${path}`.trim(),
          String(hits),
          time(lastAt),
        ]),
      );
  });
  return exit.done;
}

/** The addresses of the admin API that act on runs, tasks and signals, and those that everyone may read. */
import { randomUUID } from "node:crypto";
import { failure, plainName } from "../../errors.ts";
import { type Json, type JsonSchema, longestKey, type Validate } from "../../operation.ts";
import type { RunDetail, TaskView } from "../../process/engine.ts";
import { type ActResources, actRoutes, existingRun, filterOf, filterQuery, reason } from "./acts.ts";
import { refuseProblems } from "./admin.ts";
import { bulkRoutes } from "./bulk.ts";
import { type AdminRoute, RawAnswer } from "./route.ts";
import { ref } from "./schemas.ts";

export interface RunResources extends ActResources {
  /** A value that the run only names. */
  readonly maskValue: (run: RunDetail, hash: string) => Json | undefined;
  /** Masks the sensitive fields of a run. */
  readonly maskRun: (run: RunDetail) => RunDetail;
  readonly maskTask: (task: TaskView, run: RunDetail | undefined) => TaskView;
  /** Compiles the form of a task. */
  readonly compile: (schema: JsonSchema) => Validate;
  /** Takes an event as if its system had sent it; checks the payload. */
  readonly deliver: (event: {
    readonly system: string;
    readonly event: string;
    readonly payload: Json;
    readonly key?: string;
    readonly delivery: string;
    readonly origin: string;
  }) => Promise<{ readonly result: string; readonly run?: string }>;
}

const pages = {
  limit: { is: "integer", most: 500, description: "Entries of a page. Default 50." },
} as const;

export function runRoutes(resources: RunResources): readonly AdminRoute[] {
  const { engine, maskRun, maskValue, maskSummary, maskTask, compile, deliver } = resources;
  return [
    {
      method: "GET",
      path: "/runs",
      name: "listRuns",
      summary: "Runs, newest first",
      role: "viewer",
      query: {
        ...filterQuery,
        before: { is: "text", description: "`next` of the page before." },
        ...pages,
      },
      answer: {
        type: "object",
        required: ["runs", "next"],
        properties: {
          runs: { type: "array", items: ref("RunSummary") },
          next: { type: ["string", "null"], description: "`before` of the next page; null: there is none." },
        },
      },
      handle({ query }) {
        const limit = Number(query.limit ?? 50);
        const runs = engine.runs({
          ...filterOf(query),
          before: text(query.before),
          limit,
        });
        return {
          runs: runs.map((run) => maskSummary(run, () => engine.run(run.id))),
          next: runs.length === limit ? (runs.at(-1)?.id ?? null) : null,
        };
      },
    },
    {
      method: "GET",
      path: "/runs/{id}",
      name: "getRun",
      summary: "One run with its history; sensitive fields are masked",
      role: "viewer",
      answer: ref("Run"),
      handle(call) {
        return maskRun(existingRun(engine, call));
      },
    },
    {
      method: "GET",
      path: "/runs/{id}/values/{hash}",
      name: "getRunValue",
      summary: "A value that is too large to be shown with its run, by its hash; sensitive fields are masked",
      role: "viewer",
      answer: { type: "object", required: ["value"], properties: { value: {} } },
      handle(call) {
        const run = existingRun(engine, call);
        const hash = call.parameters.hash as string;
        const value = maskValue(run, hash);
        if (value === undefined) throw failure("value-unknown", { run: run.id, hash: plainName(hash) });
        return { value };
      },
    },
    ...actRoutes(resources),
    ...bulkRoutes(resources),
    {
      method: "POST",
      path: "/signals",
      name: "sendSignal",
      summary: "Takes an event as if its system had sent it",
      role: "operator",
      action: "signal.send",
      target: ({ body }) => `${String(body.system)}.${String(body.event)}`,
      body: {
        properties: {
          system: { type: "string" },
          event: { type: "string" },
          payload: {},
          key: { type: "string", maxLength: longestKey, description: "Correlation key. Default: from the payload." },
          delivery: {
            type: "string",
            maxLength: 200,
            description: "Unique id: the second one is a no-op. Default: random.",
          },
          reason,
        },
        required: ["system", "event", "payload", "reason"],
      },
      answer: {
        type: "object",
        required: ["result"],
        properties: { result: { type: "string" }, run: { type: "string" } },
      },
      handle: ({ body, caller }) =>
        deliver({
          system: String(body.system),
          event: String(body.event),
          payload: body.payload as Json,
          ...(body.key === undefined ? {} : { key: String(body.key) }),
          delivery: `admin:${body.delivery === undefined ? randomUUID() : String(body.delivery)}`,
          origin: `admin:${caller.name}`,
        }),
    },
    {
      method: "GET",
      path: "/tasks",
      name: "listTasks",
      summary: "Tasks: questions to people, oldest first",
      role: "viewer",
      query: {
        status: { is: "text", allowed: ["open", "answered", "closed"], description: "Default open." },
        run: { is: "text", description: "Of this run." },
        after: { is: "text", description: "`next` of the page before." },
        limit: { is: "integer", most: 500, description: "Entries of a page. Default 500." },
      },
      answer: {
        type: "object",
        required: ["tasks", "next"],
        properties: {
          tasks: { type: "array", items: ref("Task") },
          next: { type: ["string", "null"], description: "`after` of the next page; null: there is none." },
        },
      },
      handle({ query }) {
        const status = (query.status ?? "open") as TaskView["status"];
        const run = text(query.run);
        const after = query.after === undefined ? undefined : placeOf(String(query.after));
        const limit = Number(query.limit ?? 500);
        const tasks = engine.tasks({
          status,
          limit,
          ...(run === undefined ? {} : { run }),
          ...(after === undefined ? {} : { after }),
        });
        const last = tasks.at(-1);
        return {
          tasks: tasks.map((task) => maskTask(task, engine.run(task.run))),
          next: tasks.length === limit && last !== undefined ? `${last.createdAt}_${last.id}` : null,
        };
      },
    },
    {
      method: "POST",
      path: "/tasks/{id}/answer",
      name: "answerTask",
      summary: "Answers a task; checked against its form",
      role: "operator",
      action: "task.answer",
      body: { properties: { answer: {}, reason }, required: ["answer"] },
      answer: ref("Done"),
      async handle({ parameters, body, caller }) {
        const id = parameters.id as string;
        const [task] = engine.tasks({ id });
        if (task === undefined) throw failure("task-unknown", { task: plainName(id) });
        const problems = compile(task.form)(body.answer);
        refuseProblems(problems.map(({ at, message }) => ({ at: `/answer${at}`, message })));
        await engine.answer(id, body.answer as Json, { by: caller.name, reason: String(body.reason ?? "") });
        return { done: true };
      },
    },
  ];
}

/** The last task of the page before. Throws `admin-request`. */
function placeOf(next: string): { readonly createdAt: number; readonly id: string } {
  const [, createdAt, id] = /^(\d{1,16})_(.+)$/s.exec(next) ?? [];
  if (id === undefined) refuseProblems([{ at: "/query/after", message: "must be `next` of a page" }]);
  return { createdAt: Number(createdAt), id: String(id) };
}

/** The parts of the server that say how it does. */
export interface StateResources {
  /** Reasons why requests are not taken; `[]`: ready. */
  readonly notReady: () => readonly string[];
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
}

export function stateRoutes({ notReady, metrics }: StateResources): readonly AdminRoute[] {
  return [
    {
      method: "GET",
      path: "/health",
      name: "getHealth",
      summary: "Whether the server lives",
      role: "public",
      answer: { type: "object", required: ["status"], properties: { status: { const: "ok" } } },
      handle: () => ({ status: "ok" }),
    },
    {
      method: "GET",
      path: "/ready",
      name: "getReadiness",
      summary: "Whether requests are taken; 503 if not",
      role: "public",
      answer: {
        type: "object",
        required: ["ready", "reasons"],
        properties: { ready: { type: "boolean" }, reasons: { type: "array", items: { type: "string" } } },
      },
      handle() {
        const reasons = notReady();
        const body = JSON.stringify({ ready: reasons.length === 0, reasons });
        return new RawAnswer(reasons.length === 0 ? 200 : 503, "application/json", body);
      },
    },
    {
      method: "GET",
      path: "/metrics",
      name: "getMetrics",
      summary: "Prometheus text format",
      role: "viewer",
      answer: { type: "string" },
      async handle() {
        const { type, text: page } = await metrics();
        return new RawAnswer(200, type, page);
      },
    },
  ];
}

function text(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** The addresses of the admin API that act on runs, tasks and signals, and those that everyone may read. */
import { randomUUID } from "node:crypto";
import { failure, plainName } from "../../errors.ts";
import { type Json, type JsonSchema, longestKey, type Problem, type Validate } from "../../operation.ts";
import {
  type Engine,
  type OperatorAct,
  type RunDetail,
  type RunStatus,
  type RunSummary,
  runStatuses,
  type TaskView,
} from "../../process/engine.ts";
import { refuseProblems } from "./admin.ts";
import { type AdminCall, type AdminRoute, RawAnswer } from "./route.ts";
import { list, ref } from "./schemas.ts";

export interface RunResources {
  readonly engine: Engine;
  /** Masks the sensitive fields of a run. */
  readonly maskRun: (run: RunDetail) => RunDetail;
  readonly maskSummary: (run: RunSummary, whole: () => RunDetail | undefined) => RunSummary;
  readonly maskTask: (task: TaskView, run: RunDetail | undefined) => TaskView;
  /** Compiles the form of a task. */
  readonly compile: (schema: JsonSchema) => Validate;
  /** Problems of a result that an operator states for the call that a parked run asks about. */
  readonly checkResult: (run: RunDetail, result: Json) => readonly Problem[];
  /** The same of an input that an operator gives instead of the code's. */
  readonly checkInput: (run: RunDetail, input: Json) => readonly Problem[];
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

const reason = {
  type: "string",
  minLength: 1,
  maxLength: 500,
  description: "Why; stands in the audit and the history.",
};
const pages = {
  limit: { is: "integer", most: 500, description: "Entries of a page. Default 50." },
} as const;

/** What an act takes beside a reason. */
const takenBy: { readonly [K in OperatorAct["kind"]]?: { readonly [name: string]: JsonSchema } } = {
  happened: { result: { description: "What the call answered." } },
  rewind: { to: { type: "string", maxLength: 300, description: "Id of the step, as in the history: `erp.lookup#2`." } },
  edit: { input: { description: "Is sent instead of the input of the code." } },
};

function actOf(kind: OperatorAct["kind"], body: AdminCall["body"]): OperatorAct {
  if (kind === "rewind") return { kind, to: String(body.to) };
  if (kind === "happened") return { kind, result: body.result as Json };
  return kind === "edit" ? { kind, input: body.input as Json } : { kind };
}

function refuseAt(place: string, problems: readonly Problem[]): void {
  refuseProblems(problems.map(({ at, message }) => ({ at: `${place}${at}`, message })));
}

export function runRoutes({
  engine,
  maskRun,
  maskSummary,
  maskTask,
  compile,
  deliver,
  checkResult,
  checkInput,
}: RunResources): readonly AdminRoute[] {
  const existing = (call: AdminCall): RunDetail => {
    const id = call.parameters.id as string;
    const run = engine.run(id);
    if (run === undefined) throw failure("run-unknown", { run: plainName(id) });
    return run;
  };
  const question: JsonSchema = {
    type: "integer",
    minimum: 1,
    description: "Number of the question that this answers; refused if the run asks another one by now.",
  };
  const act = (kind: OperatorAct["kind"], summary: string): AdminRoute => ({
    method: "POST",
    path: `/runs/{id}/${kind}`,
    name: `${kind}Run`,
    summary,
    role: "operator",
    action: `run.${kind}`,
    body: {
      properties: { reason, ...takenBy[kind], question },
      required: ["reason", ...Object.keys(takenBy[kind] ?? {})],
    },
    answer: ref("Done"),
    async handle(call) {
      const run = existing(call);
      const operation = actOf(kind, call.body);
      if (operation.kind === "happened") refuseAt("/result", checkResult(run, operation.result));
      if (operation.kind === "edit") refuseAt("/input", checkInput(run, operation.input));
      await engine.operate(
        run.id,
        operation,
        { by: call.caller.name, reason: String(call.body.reason) },
        call.body.question as number | undefined,
      );
      return { done: true };
    },
  });

  return [
    {
      method: "GET",
      path: "/runs",
      name: "listRuns",
      summary: "Runs, newest first",
      role: "viewer",
      query: {
        process: { is: "text", description: "Name of the process." },
        status: { is: "text", allowed: runStatuses, description: "Status." },
        key: { is: "text", description: "Business key." },
        from: { is: "time", description: "Made at this time or later." },
        to: { is: "time", description: "Made before this time." },
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
          process: text(query.process),
          status: text(query.status) as RunStatus | undefined,
          key: text(query.key),
          createdFrom: query.from as number | undefined,
          createdTo: query.to as number | undefined,
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
        return maskRun(existing(call));
      },
    },
    act("retry", "Tries the parked step again; of a run that pauses between attempts, makes the next one at once"),
    act("pause", "Begins nothing new until the run is resumed; an attempt under way ends and is recorded"),
    act("resume", "Ends the pause"),
    act("happened", "Answers the parked question: it happened, with this result"),
    act("edit", "Answers the parked question: the call is made with this input, under a new key"),
    act(
      "rewind",
      "Goes back to before a step of a parked or paused run; that step and those after it are superseded, and asked anew",
    ),
    act("repeat", "Answers the parked question: it did not happen; it is repeated with the same key"),
    act("undo", "Undoes what was done, and ends the run as undone"),
    act("cancel", "Undoes what was done, and ends the run as cancelled"),
    act("terminate", "Ends the run at once; nothing is undone"),
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
      summary: "Tasks: questions to people",
      role: "viewer",
      query: {
        status: { is: "text", allowed: ["open", "answered", "closed"], description: "Default open." },
        run: { is: "text", description: "Of this run." },
      },
      answer: list("Task", "tasks"),
      handle({ query }) {
        const status = (query.status ?? "open") as TaskView["status"];
        const run = text(query.run);
        return {
          tasks: engine
            .tasks(run === undefined ? { status } : { status, run })
            .map((task) => maskTask(task, engine.run(task.run))),
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

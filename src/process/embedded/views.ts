/** Runs, histories and tasks as people see them: read-only queries on a reader's connection. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Json, JsonSchema } from "../../operation.ts";
import type { Engine, RunDetail, RunFilter, RunStatus, RunSummary, StepView, TaskView } from "../engine.ts";
import { type AskRecord, effectKey, type GotRecord, type HistoryRecord } from "./records.ts";

interface RunRow {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly origin: string;
  readonly reason: string | null;
  readonly created: number;
  readonly updated: number;
  readonly history_gone: number;
}

const runColumns = "id, process, key, version, status, origin, reason, created, updated, history_gone";
const largestPage = 500;

/** The reading half of the engine's port. */
export function views(db: DatabaseSync): Pick<Engine, "run" | "runByKey" | "runs" | "tasks" | "counts"> {
  const byId = db.prepare(`select ${runColumns} from runs where id = ?`);
  const byKey = db.prepare(`select ${runColumns} from runs where process = ? and key = ?`);
  const history = db.prepare("select body from history where run = ? order by seq");
  const counts = db.prepare(
    "select process, version, status, count(*) as runs from runs group by status, process, version",
  );

  function detail(row: RunRow | undefined): RunDetail | undefined {
    if (row === undefined) return undefined;
    const bodies = history.all(row.id) as { body: string }[];
    const records = bodies.flatMap(({ body }) => JSON.parse(body) as HistoryRecord[]);
    const start = records[0];
    const end = records.findLast((record) => record.t === "end");
    const parked = row.status === "parked" ? records.findLast((record) => record.t === "park") : undefined;
    return {
      ...summary(row),
      input: start?.t === "start" ? start.input : null,
      ...(end?.t === "end" && end.out !== undefined ? { output: end.out } : {}),
      ...(end?.t === "end" && end.reason !== undefined
        ? { failure: { reason: end.reason, ...(end.detail === undefined ? {} : { detail: end.detail }) } }
        : {}),
      ...(parked?.t === "park"
        ? { parked: { ...parked.q, number: records.filter(({ t }) => t === "park").length } }
        : {}),
      steps: stepViews(row.id, records),
      ...(row.history_gone === 1 ? { historyGone: true as const } : {}),
    };
  }

  return {
    run: (id) => detail(byId.get(id) as RunRow | undefined),
    runByKey: (process, key) => detail(byKey.get(process, key) as RunRow | undefined),
    runs: (filter) => listRuns(db, filter),
    tasks: (filter) => listTasks(db, filter),
    counts: () => counts.all() as unknown as ReturnType<Engine["counts"]>,
  };
}

function summary(row: RunRow): RunSummary {
  const { id, process, key, version, status, origin, reason, created, updated } = row;
  return {
    id,
    process,
    key,
    version,
    status,
    origin,
    createdAt: created,
    updatedAt: updated,
    ...(reason === null ? {} : { reason }),
  };
}

/** Every filter is a bound value; the text is put together from fixed pieces only. */
function listRuns(db: DatabaseSync, filter: RunFilter): RunSummary[] {
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (clause: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    where.push(clause);
    values.push(value);
  };
  add("process = ?", filter.process);
  add("status = ?", filter.status);
  add("key = ?", filter.key);
  add("created >= ?", filter.createdFrom);
  add("created < ?", filter.createdTo);
  add("id < ?", filter.before);
  const limit = Math.min(Math.max(filter.limit ?? 50, 1), largestPage);
  const clauses = where.length === 0 ? "" : `where ${where.join(" and ")}`;
  const rows = db.prepare(`select ${runColumns} from runs ${clauses} order by id desc limit ${limit}`).all(...values);
  return (rows as unknown as RunRow[]).map(summary);
}

function listTasks(db: DatabaseSync, filter: Parameters<Engine["tasks"]>[0]): TaskView[] {
  const rows = db
    .prepare(
      `select id, run, process, run_key, name, title, assign, input, form, status, created, due from tasks
       where (?1 is null or status = ?1) and (?2 is null or run = ?2) and (?3 is null or id = ?3) order by created, id limit ${largestPage}`,
    )
    .all(filter.status ?? null, filter.run ?? null, filter.id ?? null) as unknown as {
    readonly id: string;
    readonly run: string;
    readonly process: string;
    readonly run_key: string;
    readonly name: string;
    readonly title: string;
    readonly assign: string;
    readonly input: string;
    readonly form: string;
    readonly status: TaskView["status"];
    readonly created: number;
    readonly due: number | null;
  }[];
  return rows.map((row) => ({
    id: row.id,
    run: row.run,
    process: row.process,
    key: row.run_key,
    name: row.name,
    title: row.title,
    assign: row.assign,
    input: JSON.parse(row.input) as Json,
    form: JSON.parse(row.form) as JsonSchema,
    status: row.status,
    createdAt: row.created,
    ...(row.due === null ? {} : { dueAt: row.due }),
  }));
}

type Draft = { -readonly [Name in keyof StepView]: StepView[Name] };

/** A history as a list of steps in recorded order, each with its end folded in. */
export function stepViews(run: string, records: readonly HistoryRecord[]): StepView[] {
  const list: Draft[] = [];
  const byNumber = new Map<number, Draft>();
  const add = (view: Omit<Draft, "position">): Draft => {
    const draft = { position: list.length + 1, ...view };
    list.push(draft);
    return draft;
  };
  for (const record of records) {
    switch (record.t) {
      case "ask":
        byNumber.set(record.n, add(askView(run, record)));
        break;
      case "got":
        fold(byNumber.get(record.n), record);
        break;
      case "try": {
        const step = byNumber.get(record.n);
        if (step === undefined) break;
        step.attempts = record.a;
        step.failure = record.f;
        if (record.next !== undefined) step.note = `next attempt ${new Date(record.next).toISOString()}`;
        break;
      }
      case "pivot":
        add({ id: "pivot", kind: "pivot", status: "done", at: list.at(-1)?.endedAt ?? list.at(-1)?.at ?? 0 });
        break;
      case "park": {
        const step = record.n === undefined ? undefined : byNumber.get(record.n);
        if (step !== undefined) step.status = "failed";
        add({ id: "parked", kind: "park", status: "done", at: record.at, note: record.q.message });
        break;
      }
      case "op":
        add({
          id: record.op.kind,
          kind: "operator",
          status: "done",
          at: record.at,
          note: `${record.actor.by}: ${record.actor.reason}`,
        });
        break;
      case "undoing":
        add({ id: "undo", kind: "undo", status: "done", at: record.at, note: record.reason });
        break;
      case "end":
        add({
          id: record.status,
          kind: "end",
          status: "done",
          at: record.at,
          ...(record.reason === undefined ? {} : { note: record.reason }),
        });
        break;
      default:
        break;
    }
  }
  return list;
}

function askView(run: string, ask: AskRecord): Omit<Draft, "position"> {
  const acts = ask.v === "call" || ask.v === "step" || ask.v === "undo";
  return {
    id: ask.id,
    kind: ask.v,
    status: "open",
    at: ask.at,
    ...(ask.e === undefined ? {} : { effect: ask.e }),
    ...(ask.op === undefined ? {} : { operation: ask.op }),
    ...(ask.ev === undefined ? {} : { operation: ask.ev }),
    ...(acts ? { key: effectKey(run, ask.n) } : {}),
    ...(ask.in === undefined ? {} : { input: ask.in }),
    ...(ask.ev === undefined ? {} : { note: `${ask.ev} of ${String(ask.key)}` }),
  };
}

function fold(step: Draft | undefined, got: GotRecord): void {
  if (step === undefined) return;
  step.endedAt = got.at;
  if (got.a !== undefined) step.attempts = got.a;
  delete step.note;
  if (got.by !== undefined) step.note = got.by === "probe" ? "found by its probe" : "result given by a person";
  if (got.timeout === true) step.status = "timeout";
  else if (got.fault !== undefined) {
    step.status = "fault";
    step.output = got.fault as unknown as Json;
  } else {
    step.status = "done";
    step.output = got.ok ?? null;
  }
}

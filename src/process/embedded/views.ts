/** Runs, histories and tasks as people see them: read-only queries on a reader's connection. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Json, JsonSchema } from "../../operation.ts";
import type { Engine, RunDetail, RunFilter, RunStatus, RunSummary, TaskView } from "../engine.ts";
import type { HistoryRecord } from "./records.ts";
import { stepViews } from "./step-views.ts";

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

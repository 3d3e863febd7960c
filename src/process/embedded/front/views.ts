/** Runs, histories and tasks as people see them: read-only queries on a reader's connection. */
import type { DatabaseSync } from "node:sqlite";
import type { Json, JsonSchema } from "../../../operation.ts";
import { type ChildRun, type Engine, finalStatuses, type RunDetail, type TaskView } from "../../engine.ts";
import type { Traces } from "../../trace.ts";
import { countedIn, type HistoryRecord } from "../history/records.ts";
import { openQuestion } from "../history/script.ts";
import type { StoredRow, Vault } from "../history/vault.ts";
import { historyRowsOf } from "../store/stored-run.ts";
import { type RunLists, type RunRow, runColumns, runLists, summary } from "./listing.ts";
import { askedQuestion } from "./possible.ts";
import { shown, stepViews } from "./step-views.ts";
import { callsIn } from "./tracing.ts";

const largestPage = 500;

/** The reading half of the engine's port. */
export function views(
  db: DatabaseSync,
  vault: Vault,
  historyBytes: number,
): Pick<Engine, "run" | "runByKey" | "mark" | "value" | "runs" | "causes" | "tasks" | "counts"> &
  Pick<RunLists, "openByVersion" | "count"> &
  Traces & { openTasks(): number } {
  const byId = db.prepare(`select ${runColumns} from runs where id = ?`);
  const byKey = db.prepare(`select ${runColumns} from runs where process = ? and key = ? and restarted_as = ''`);
  const history = db.prepare(historyRowsOf);
  const state = db.prepare("select value from run_states where run = ?");
  const marked = db.prepare(
    `select r.id || ' ' || r.status || ' ' || r.history_gone || ' ' || coalesce(s.value, '') as mark
     from runs r left join run_states s on s.run = r.id where r.process = ? and r.key = ? and r.restarted_as = ''`,
  );
  const open = db.prepare("select count(*) as tasks from tasks where status = 'open'");
  const lists = runLists(db, vault);

  function detail(row: RunRow | undefined): RunDetail | undefined {
    if (row === undefined) return undefined;
    const { records, bytes, unreadable } = vault.records(row.id, history.all(row.id) as unknown as StoredRow[]);
    const start = records[0];
    const end = records.findLast((record) => record.t === "end");
    const parked = row.status === "parked" ? openQuestion(records) : undefined;
    const steps = stepViews(row.id, records);
    const said = state.get(row.id)?.value as string | undefined;
    const { state: shows, unreadable: hidden }: ReturnType<Vault["state"]> =
      said === undefined ? {} : vault.state(row.id, said);
    return {
      ...summary(row, vault),
      input: null,
      ...(start?.t === "start" ? shown(start, "input", "input") : {}),
      ...(end === undefined ? {} : shown(end, "out", "output")),
      ...(shows === undefined ? {} : { state: shows }),
      ...(end?.t === "end" && end.reason !== undefined
        ? { failure: { reason: end.reason, ...(end.detail === undefined ? {} : { detail: end.detail }) } }
        : {}),
      ...(parked === undefined ? {} : { parked: askedQuestion(parked, steps) }),
      ...(start?.t === "start" && start.part !== undefined ? { part: start.part } : {}),
      ...warningOf(countedIn(records), unreadable ?? hidden, bytes, historyBytes),
      ...childrenOf(records),
      steps,
      ...(row.restart_of === null ? {} : { restartOf: row.restart_of }),
      ...(row.restarted_as === "" ? {} : { restartedAs: row.restarted_as }),
      ...(row.history_gone === 1 ? { historyGone: true as const } : {}),
    };
  }

  /** By key: where the key was taken with the same input, the run that has it is the child. */
  function childrenOf(records: readonly HistoryRecord[]): { children?: ChildRun[] } {
    const children = new Map<string, ChildRun>();
    for (const record of records) {
      if (record.t !== "ask" || record.child === undefined || children.size === largestPage) continue;
      const { process, key } = record.child;
      const row = byKey.get(process, key) as RunRow | undefined;
      if (row !== undefined) children.set(row.id, { run: row.id, process, key, status: row.status });
    }
    return children.size === 0 ? {} : { children: [...children.values()] };
  }

  return {
    run: (id) => detail(byId.get(id) as RunRow | undefined),
    runByKey: (process, key) => detail(byKey.get(process, key) as RunRow | undefined),
    mark: (process, key) => marked.get(process, key)?.mark as string | undefined,
    trace(id, began, now) {
      const row = byId.get(id) as RunRow | undefined;
      if (row === undefined) return undefined;
      const { records, unreadable } = vault.records(id, history.all(id) as unknown as StoredRow[]);
      const until = finalStatuses.has(row.status) ? row.updated : now;
      const from = records[0]?.t === "start" ? records[0].from : undefined;
      return {
        run: summary(row, vault),
        ...(row.restart_of === null ? {} : { restartOf: row.restart_of }),
        ...(row.restarted_as === "" ? {} : { restartedAs: row.restarted_as }),
        ...(row.history_gone === 1 ? { historyGone: true as const } : {}),
        ...(unreadable === undefined ? {} : { unreadable }),
        calls: callsIn(id, records, began, until),
        children: (childrenOf(records).children ?? []).map(({ run }) => run),
        ...(from === undefined ? {} : { foldedUpTo: from }),
      };
    },
    value: (run, hash) => JSON.parse(vault.value(run, hash)) as Json,
    runs: lists.runs,
    tasks: (filter) => listTasks(db, vault, filter),
    openTasks: () => Number(open.get()?.tasks),
    counts: lists.counts,
    causes: lists.causes,
    count: lists.count,
    openByVersion: lists.openByVersion,
  };
}

/** From this many records on, a history is said to be long. */
const longHistory = 5000;

function warningOf(records: number, unreadable: string | undefined, bytes: number, most: number): { warning?: string } {
  if (unreadable !== undefined) return { warning: `Some of its history is not shown. ${unreadable}` };
  if (records < longHistory && bytes * 2 >= most) {
    const [now, then] = [bytes, most].map((size) => `${Math.floor(size / 1024)} kB`);
    return {
      warning: `Its history has ${now}, and at ${then} it stops and asks: keep large values elsewhere, and go on with flow.continueAs.`,
    };
  }
  if (records < longHistory) return {};
  return {
    warning: `Its history has ${records} records, and at 10,000 it stops and asks: work through lists with flow.map, and go on with flow.continueAs.`,
  };
}

function listTasks(db: DatabaseSync, vault: Vault, filter: Parameters<Engine["tasks"]>[0]): TaskView[] {
  const rows = db
    .prepare(
      `select id, run, process, run_key, name, title, assign, input, form, status, created, due from tasks
       where (?1 is null or status = ?1) and (?2 is null or run = ?2) and (?3 is null or id = ?3)
         and (?4 is null or (created, id) > (?4, ?5)) order by created, id limit ?6`,
    )
    .all(
      filter.status ?? null,
      filter.run ?? null,
      filter.id ?? null,
      filter.after?.createdAt ?? null,
      filter.after?.id ?? null,
      Math.min(filter.limit ?? largestPage, largestPage),
    ) as unknown as {
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
    ...vault.task(row.id, row.input),
    form: JSON.parse(row.form) as JsonSchema,
    status: row.status,
    createdAt: row.created,
    ...(row.due === null ? {} : { dueAt: row.due }),
  }));
}

/**
 * What must hold after a simulation, judged by the fakes' ledger, what the clients were told, and the committed rows:
 * A accepted things are there; B no effect twice under a key; C every run ends; D a history replays to the same end on a fresh process;
 * E nothing of an ended run is left; F signals of one key are given in their order.
 */
import type { DatabaseSync } from "node:sqlite";
import type { HistoryRecord } from "../../src/process/embedded/records.ts";
import { rowSum } from "../../src/process/embedded/row-sum.ts";
import { finalStatuses, type RunStatus } from "../../src/process/engine.ts";
import { brokenPromises, historyOf } from "../../src/testing/promises.ts";
import type { World } from "../../src/testing/world.ts";

/** What was acknowledged. */
export interface Accepted {
  /** Run ids. */
  readonly starts: Set<string>;
  /** Delivery ids of signals. */
  readonly signals: Set<string>;
  readonly answers: Set<string>;
  /** Runs whose cancellation was accepted. */
  readonly cancels: Set<string>;
}

interface Row {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly status: RunStatus;
}

/** Questions that code which always asks the same can never lead to. */
const impossible = new Set([
  "process-diverged",
  "process-foreign-await",
  "process-missing",
  "process-threw",
  "process-output",
]);
/** After the pivot only the code could go on, and it does not. */
const stays = "process-after-pivot";

export function judge(world: World, accepted: Accepted): string[] {
  const db = world.database;
  const broken = brokenPromises(db, world.calls());
  const rows = db.prepare("select id, process, key, status from runs order by id").all() as unknown as Row[];
  const ids = new Set(rows.map(({ id }) => id));
  for (const run of accepted.starts) if (!ids.has(run)) broken.push(`A: the accepted start of ${run} is lost`);
  const deliveries = new Set(
    db
      .prepare("select delivery from signals")
      .all()
      .map(({ delivery }) => delivery as string),
  );
  for (const one of accepted.signals) if (!deliveries.has(one)) broken.push(`A: the accepted signal ${one} is lost`);
  for (const task of accepted.answers) {
    const status = db.prepare("select status from tasks where id = ?").get(task)?.status;
    if (status !== "answered") broken.push(`A: the accepted answer of task ${task} is lost`);
  }
  for (const row of rows) {
    const records = historyOf(db, row.id);
    const name = `${row.process} ${row.key}`;
    for (const record of records)
      if (record.t === "park" && impossible.has(record.q.code))
        broken.push(`D: ${name} parked as ${record.q.code}: ${record.q.message}`);
    const final = finalStatuses.has(row.status);
    const parked = records.findLast((record) => record.t === "park");
    if (!final && !(row.status === "parked" && parked?.q.code === stays))
      broken.push(`C: ${name} is ${row.status} at the end`);
    if (
      accepted.cancels.has(row.id) &&
      !records.some((record) => record.t === "op" && record.op.kind === "cancel") &&
      !final
    )
      broken.push(`A: the accepted cancellation of ${name} is lost`);
    if (final) broken.push(...leftOvers(db, row));
    broken.push(...outOfOrder(db, name, records));
  }
  return broken;
}

function leftOvers(db: DatabaseSync, { id, process, key }: Row): string[] {
  const left = ["inbox", "timers", "waits"].filter(
    (table) => db.prepare(`select 1 from ${table} where run = ? limit 1`).get(id) !== undefined,
  );
  if (db.prepare("select 1 from tasks where run = ? and status = 'open' limit 1").get(id) !== undefined)
    left.push("tasks");
  return left.map((table) => `E: ${process} ${key} has ended and left rows in ${table}`);
}

function outOfOrder(db: DatabaseSync, name: string, records: readonly HistoryRecord[]): string[] {
  const keys = new Map<number, string>();
  const last = new Map<string, number>();
  const places = new Map(
    (db.prepare("select id, delivery from signals").all() as { id: number; delivery: string }[]).map(
      ({ id, delivery }) => [delivery, id],
    ),
  );
  const broken: string[] = [];
  for (const record of records) {
    if (record.t === "ask" && record.v === "receive") keys.set(record.n, record.key ?? "");
    if (record.t !== "got" || record.timeout === true || !keys.has(record.n)) continue;
    const key = keys.get(record.n) as string;
    const place = places.get(deliveryOf(key, Number(record.ok))) ?? -1;
    if (place <= (last.get(key) ?? 0))
      broken.push(`F: ${name} was given signal ${String(record.ok)} of ${key} out of order or twice`);
    last.set(key, place);
  }
  return broken;
}

export function deliveryOf(key: string, number: number): string {
  return `${key} ${number}`;
}

/** D: takes the ends from the histories of completed runs, and lets a fresh process find them again without a call. */
export async function replays(db: DatabaseSync, fresh: () => World): Promise<string[]> {
  const before = new Map<string, string>();
  const rows = db
    .prepare("select id, process, key, status from runs where status = 'completed'")
    .all() as unknown as Row[];
  for (const { id } of rows) {
    const last = db.prepare("select id, seq, body from history where run = ? order by seq desc limit 1").get(id) as {
      id: number;
      seq: number;
      body: string;
    };
    const records = JSON.parse(last.body) as HistoryRecord[];
    const end = records.pop();
    if (end?.t !== "end") return [`D: the history of ${id} does not end with its end`];
    before.set(id, JSON.stringify(end.out ?? null));
    if (records.length === 0) db.prepare("delete from history where id = ?").run(last.id);
    else {
      const body = JSON.stringify(records);
      db.prepare("update history set body = ?, sum = ? where id = ?").run(body, rowSum(id, last.seq, body), last.id);
    }
    db.prepare("update runs set status = 'running', reason = null where id = ?").run(id);
  }
  const world = fresh();
  await world.settle();
  return rows.flatMap(({ id, process, key }) => {
    const run = world.runOf(id);
    const out = JSON.stringify(run.detail.output ?? null);
    if (run.status !== "completed") return [`D: ${process} ${key} does not replay to its end: ${run.described()}`];
    return out === before.get(id) ? [] : [`D: ${process} ${key} replays to ${out}, and was ${before.get(id) ?? ""}`];
  });
}

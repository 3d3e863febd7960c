/**
 * What must hold after a simulation, judged by the fakes' ledger, what the clients were told, and the committed rows:
 * A accepted things are there; B no effect twice under a key, nor for one step without an operator's word; C every run ends; D a history
 * replays to the same end on a fresh process; E nothing of an ended run is left; F signals of one key are given in their order; G every
 * signal and every child is accounted for; H a call is told what its code said. What must hold at every commit is in watch.ts.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Json } from "../../src/operation.ts";
import type { HistoryRecord } from "../../src/process/embedded/history/records.ts";
import { rowSum } from "../../src/process/embedded/history/row-sum.ts";
import { finalStatuses, type RunStatus } from "../../src/process/engine.ts";
import { brokenPromises, historyOf } from "../../src/testing/promises.ts";
import type { World } from "../../src/testing/world.ts";
import { accounts } from "./accounts.ts";
import type { StepBooks } from "./perform.ts";
import { sumOf } from "./shapes.ts";

/** What was acknowledged. */
export interface Accepted {
  /** Run ids. */
  readonly starts: Set<string>;
  /** Delivery ids of signals. */
  readonly signals: Set<string>;
  readonly answers: Set<string>;
  /** Runs whose cancellation or termination was accepted. */
  readonly ends: Set<string>;
  /** Runs that were restarted, and as what. */
  readonly restarts: Map<string, string>;
  /** How often an operator gave the word to do something of a run again; also where the answer was lost. */
  readonly words: Map<string, number>;
}

interface Row {
  readonly id: string;
  readonly process: string;
  readonly key: string;
  readonly status: RunStatus;
  readonly restarted_as: string;
}

/** Questions that code which always asks the same can never lead to. */
const impossible = new Set([
  "process-diverged",
  "process-foreign-await",
  "process-missing",
  "process-threw",
  "process-output",
  "child-unknown",
  "child-input",
  "continue-input",
]);

export function judge(world: World, accepted: Accepted, books: StepBooks): string[] {
  const db = world.database;
  const broken = brokenPromises(db, world.calls());
  const rows = db
    .prepare("select id, process, key, status, restarted_as from runs order by id")
    .all() as unknown as Row[];
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const run of accepted.starts) if (!byId.has(run)) broken.push(`A: the accepted start of ${run} is lost`);
  for (const [of, run] of accepted.restarts)
    if (!byId.has(run) || byId.get(of)?.restarted_as !== run)
      broken.push(`A: the accepted restart of ${of} as ${run} is lost`);
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
  const histories = new Map(rows.map(({ id }) => [id, historyOf(db, id)]));
  for (const row of rows) {
    const records = histories.get(row.id) ?? [];
    const name = `${row.process} ${row.key}`;
    for (const record of records)
      if (record.t === "park" && impossible.has(record.q.code))
        broken.push(`D: ${name} parked as ${record.q.code}: ${record.q.message}`);
    const final = finalStatuses.has(row.status);
    if (!final) broken.push(`C: ${world.runOf(row.id).described()} at the end`);
    if (accepted.ends.has(row.id) && !final) broken.push(`A: the accepted end of ${name} is lost`);
    if (final) broken.push(...leftOvers(db, row));
  }
  return [
    ...broken,
    ...doubled(world, accepted, books),
    ...mistold(world),
    ...placesLeft(db),
    ...accounts(db, histories),
  ];
}

/** H: what histories name in place of writing it is put back as it was. */
function mistold(world: World): string[] {
  return world.calls().flatMap(({ operation, input }) => {
    const { whose, goods, sum } = input as { readonly whose?: string; readonly goods?: Json; readonly sum?: string };
    if (sum === undefined || sum === sumOf(goods ?? null)) return [];
    return [`H: ${operation} of ${whose} was told of goods that its run did not name: ${JSON.stringify(goods)}`];
  });
}

/** B: whose effect it was, it was had once; and once more for each word of an operator. */
function doubled(world: World, { words }: Accepted, books: StepBooks): string[] {
  const times = new Map<string, number>(books.effects());
  for (const { acted, input, operation } of world.calls()) {
    const { whose } = input as { readonly whose?: string };
    if (!acted || whose === undefined) continue;
    const name = `${whose}: ${operation}`;
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  const broken: string[] = [];
  for (const [whose, had] of times) {
    const run = whose.split(" ")[0] ?? "";
    if (had > 1 + (words.get(run) ?? 0)) broken.push(`B: the effect of ${whose} was had ${had} times`);
  }
  return broken;
}

function leftOvers(db: DatabaseSync, { id, process, key }: Row): string[] {
  const left = ["inbox", "timers", "waits", "queue", "restarts"].filter(
    (table) => db.prepare(`select 1 from ${table} where run = ? limit 1`).get(id) !== undefined,
  );
  if (db.prepare("select 1 from tasks where run = ? and status = 'open' limit 1").get(id) !== undefined)
    left.push("tasks");
  if (db.prepare("select 1 from parents where child = ? limit 1").get(id) !== undefined) left.push("parents");
  return left.map((table) => `E: ${process} ${key} has ended and left rows in ${table}`);
}

/** E: once all have ended, no place is taken. */
function placesLeft(db: DatabaseSync): string[] {
  const open = db.prepare(
    "select 1 from runs where status not in ('completed', 'rejected', 'undone', 'cancelled', 'terminated')",
  );
  if (open.get() !== undefined) return [];
  const gates = db.prepare("select process, queued, taken from gates where queued <> 0 or taken <> 0").all();
  const lanes = db.prepare("select process, lane, queued, taken from lanes where queued <> 0 or taken <> 0").all();
  return [...gates, ...lanes].map((row) => `E: nothing is under way, and the limits count ${JSON.stringify(row)}`);
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
    const last = db
      .prepare(
        "select id, seq, body from history where run = (select number from runs where id = ?) order by seq desc limit 1",
      )
      .get(id) as {
      id: number;
      seq: number;
      body: string;
    };
    const body = JSON.parse(last.body) as HistoryRecord[] | { names: unknown[][]; readonly records: HistoryRecord[] };
    // With values that stand beside the history it says which.
    const records = "records" in body ? body.records : body;
    const end = records.pop();
    if (end?.t !== "end") return [`D: the history of ${id} does not end with its end`];
    if ("names" in body) body.names = body.names.filter(([index]) => Number(index) < records.length);
    before.set(id, JSON.stringify(end.out ?? null));
    if (records.length === 0) db.prepare("delete from history where id = ?").run(last.id);
    else {
      const text = JSON.stringify(body);
      db.prepare("update history set body = ?, sum = ? where id = ?").run(text, rowSum(id, last.seq, text), last.id);
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

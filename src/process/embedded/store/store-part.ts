/**
 * The engine's commands in the writer thread: start, append, operate, timers, retention (signals: events.ts, tasks: tasks.ts, queued runs:
 * queue.ts). Each runs inside its batch's savepoint. A delivery is a row of the inbox until the run's worker has written it into the history.
 */
import type { Json } from "../../../operation.ts";
import type { CommandHandler, PartContext, StorePart } from "../../../store/store.ts";
import { finalStatuses, type RunStatus } from "../../engine.ts";
import {
  type AppendParameters,
  type CompactParameters,
  type Delivery,
  type KeyTaken,
  type MoveParameters,
  type OperateParameters,
  portName,
  type RestartParameters,
  type Rewind,
  type RowParameters,
  type StartParameters,
  type StoredValue,
  type ToFront,
  type ToWorker,
} from "../wire.ts";
import { storeBulk } from "./bulk.ts";
import { storeChildren } from "./children.ts";
import { storeEvents } from "./events.ts";
import { beginTimer, type Placed, storeQueue } from "./queue.ts";
import { storeRetention } from "./retention.ts";
import { historyRows, type PlainRun } from "./rows.ts";
import { storeSchedules } from "./schedules.ts";
import { migrations } from "./tables.ts";
import { storeTasks } from "./tasks.ts";
import { runTotals } from "./totals.ts";

/** Timers that become due at once are taken in portions, so that starts are not kept waiting. */
const timerPortion = 500;
/** Longest time that a JavaScript timer can take. */
const longestTimeout = 2 ** 31 - 1;

/** Lane, place and being awaited: of a run that is no plain one. */
type SettledRun = PlainRun & Partial<Placed> & { readonly awaited?: number };

function commands(context: PartContext): Record<string, CommandHandler> {
  const { db, clock } = context;
  const rows = historyRows(context);
  const totals = runTotals(context);
  const sql = {
    insertRun: db.prepare(
      "insert into runs (id, process, key, input_hash, version, status, origin, created, updated, number) values (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?) on conflict (process, key, restarted_as) do nothing",
    ),
    runByKey: db.prepare("select id, status, input_hash from runs where process = ? and key = ? and restarted_as = ''"),
    dropHistoryBefore: db.prepare("delete from history where run = (select number from runs where id = ?) and seq < ?"),
    rowsUpTo: db.prepare(
      "select count(*) as rows, max(seq) as last from history where run = (select number from runs where id = ?) and seq <= ?",
    ),
    run: db.prepare(
      "select process, key, version, status, reason, created, awaited, lane, place from runs where id = ?",
    ),
    setStatus: db.prepare("update runs set status = ?, reason = ?, updated = ? where id = ?"),
    endRun: db.prepare("update runs set status = ?, reason = ?, updated = ?, ended = ?, cause = null where id = ?"),
    move: db.prepare("update runs set version = ?, updated = ? where id = ?"),
    setCause: db.prepare("update runs set status = ?, reason = ?, updated = ?, cause = ? where id = ?"),
    insertInbox: db.prepare("insert into inbox (id, run, n, kind, body, signal) values (?, ?, ?, ?, ?, ?)"),
    pendingAct: db.prepare("select id from inbox where run = ? and kind = 'operate'"),
    halted: db.prepare("select id from inbox where run = ? and kind = 'halt'"),
    restarted: db.prepare("select status, restarted_as from runs where id = ?"),
    setRestartedAs: db.prepare("update runs set restarted_as = ? where id = ?"),
    startOf: db.prepare("select input_hash, origin from runs where id = ?"),
    setRestartOf: db.prepare("update runs set restart_of = ? where id = ?"),
    insertRestart: db.prepare("insert or replace into restarts (run, body) values (?, ?)"),
    takeRestart: db.prepare("delete from restarts where run = ? returning body"),
    dropTimersFrom: db.prepare("delete from timers where run = ? and n >= ?"),
    consume: db.prepare("delete from inbox where id = ?"),
    dropInboxOf: db.prepare("delete from inbox where run = ? and n = ?"),
    dropInbox: db.prepare("delete from inbox where run = ?"),
    anyInbox: db.prepare("select 1 from inbox limit 1"),
    insertTimer: db.prepare("insert or ignore into timers (due, run, n) values (?, ?, ?)"),
    dropTimer: db.prepare("delete from timers where due = ? and run = ? and n = ?"),
    dueTimers: db.prepare("select due, run, n from timers where due <= ? order by due limit ?"),
    nextTimer: db.prepare("select min(due) as due from timers"),
    dropTimers: db.prepare("delete from timers where run = ?"),
    dropTimerOf: db.prepare("delete from timers where run = ? and n = ?"),
    insertValue: db.prepare("insert or ignore into stored_values (run, hash, part, body) values (?, ?, ?, ?)"),
    keepKey: db.prepare("insert or ignore into encryption_keys (id, proof, since) values (?, ?, ?)"),
    forgetKey: db.prepare("delete from encryption_keys where id = ?"),
    show: db.prepare(
      "insert into run_states (run, value, at) values (?, ?, ?) on conflict (run) do update set value = excluded.value, at = excluded.at",
    ),
  };

  // Never given twice while a worker lives, also not after the row is gone: workers know deliveries by it.
  let lastInbox = Number(db.prepare("select coalesce(max(id), 0) as id from inbox").get()?.id);

  /** Whether anything may be there: the end of a run has nothing to look for where nothing is. */
  let delivered = lastInbox > 0;
  context.whenIdle(() => {
    if (delivered) delivered = sql.anyInbox.get() !== undefined;
  });

  function toWorker(version: string, message: ToWorker): void {
    const name = portName(version);
    if (context.attached(name)) context.post(name, message);
    else toFront({ kind: "worker-needed", version });
  }
  function toFront(message: ToFront): void {
    context.post("front", message);
  }

  function deliver(run: string, n: number, kind: Delivery["kind"], body: string, signal?: number): void {
    const row = sql.run.get(run);
    if (row === undefined || finalStatuses.has(row.status as RunStatus)) return;
    const id = ++lastInbox;
    delivered = true;
    sql.insertInbox.run(id, run, n, kind, body, signal ?? null);
    toWorker(row.version as string, { kind: "deliver", run, delivery: { id, n, kind, body } });
  }

  function start(given: StartParameters): void {
    const taken = place(given);
    if (taken !== undefined) context.refuse({ ...taken });
  }

  /** Starts a run, unless its key is taken. */
  function place(given: StartParameters): KeyTaken | undefined {
    const now = context.now();
    const { run, process, key, inputHash, version, origin, body, told } = given;
    const later = given.at !== undefined && given.at > now ? given.at : undefined;
    const waits = later !== undefined || given.lane !== undefined;
    const number = rows.newNumber();
    const accepted = !waits
      ? sql.insertRun.run(run, process, key, inputHash, version, origin, now, now, number).changes > 0
      : queue.accept(given, number, later);
    if (!accepted) {
      const there = sql.runByKey.get(process, key) as { id: string; status: RunStatus; input_hash: string };
      return { run: there.id, status: there.status, inputHash: there.input_hash };
    }
    if (given.values !== undefined) keepValues(run, given.values);
    if (given.restartOf !== undefined) sql.setRestartOf.run(given.restartOf, run);
    if (waits) return undefined;
    rows.start(run, number, body, { process, key, version, created: now });
    toWorker(version, told ? { kind: "started", run } : { kind: "start", run, process, key, body });
    return undefined;
  }

  function keepValues(run: string, values: readonly StoredValue[]): void {
    for (const { hash, parts } of values)
      for (const [part, body] of parts.entries()) sql.insertValue.run(run, hash, part, body);
  }

  /** Not before the row before it is there: so neither after a start that was refused, nor behind what another one has compacted. */
  function row([run, seq, body]: RowParameters): void {
    if (!rows.append(run, seq, body)) context.refuse("fenced");
  }

  function append(given: AppendParameters): void {
    const { run, seq } = given;
    row([run, seq, given.body]);
    if (given.anew === true) sql.dropHistoryBefore.run(run, seq);
    if (given.values !== undefined) keepValues(run, given.values);
    // Before the waits: what is given back may be for one of them. Before what is consumed: an event that came for a receive that had lost its race by
    // then, in an item of a map that was over, is no longer known to the worker, and is given back all the same.
    if (given.release !== undefined) for (const n of given.release) release(run, n);
    if (given.consume !== undefined) for (const id of given.consume) sql.consume.run(id);
    if (given.timers !== undefined) for (const { n, due } of given.timers) sql.insertTimer.run(due, run, n);
    if (given.waits !== undefined) for (const wait of given.waits) events.addWait(run, wait);
    if (given.tasks !== undefined) for (const task of given.tasks) tasks.add(run, task);
    if (given.shown !== undefined) sql.show.run(run, given.shown, context.now());
    if (given.children !== undefined) for (const child of given.children) children.add(run, child);
    if (given.recalls !== undefined) for (const recall of given.recalls) children.recall(run, recall);
    if (given.drop === true) {
      sql.dropTimers.run(run);
      events.releaseAll(run);
      tasks.closeFrom(run, 0);
    }
    if (given.rewind !== undefined) rewind(run, given.rewind);
    const waiting = given.restarts === true ? (sql.takeRestart.get(run) as { body: string } | undefined) : undefined;
    if (given.status !== undefined) changeStatus(given, given.status, waiting !== undefined);
    if (waiting === undefined) return;
    const anew = JSON.parse(waiting.body) as StartParameters;
    startAnew(run, { ...anew, beyond: true });
    children.handOver(run, anew.run);
  }

  /** Of a final run at once; another is ended first by the act, and the start waits for that. What speaks against it is answered. */
  function tryRestart({ of, start: anew, act }: RestartParameters): Json | undefined {
    const row = sql.restarted.get(of) as { status: RunStatus; restarted_as: string } | undefined;
    if (row === undefined) return "unknown";
    if (row.restarted_as !== "") return { restarted: row.restarted_as };
    if (finalStatuses.has(row.status)) {
      startAnew(of, anew);
      return undefined;
    }
    const against = tryOperate(act);
    if (against === undefined) sql.insertRestart.run(of, JSON.stringify(anew));
    return against;
  }

  function startAnew(of: string, anew: StartParameters): void {
    sql.setRestartedAs.run(anew.run, of);
    const { input_hash: inputHash, origin } = sql.startOf.get(of) as { input_hash: string; origin: string };
    // Whoever delivers the old one's start again finds the new one, also where a later part gave it another input.
    const same = anew.sameInput === true ? { inputHash } : {};
    // The child of a run stays its child.
    const child = origin.startsWith("run:") ? { origin } : {};
    start({ ...anew, ...same, ...child, restartOf: of });
  }

  /** Fenced like an append: not where another one has changed those rows since. */
  function compact({ run, seq, rows: many, body, values }: CompactParameters): void {
    const there = sql.rowsUpTo.get(run, seq);
    if (Number(there?.rows) !== many || there?.last !== seq) context.refuse("fenced");
    if (values !== undefined) keepValues(run, values);
    sql.dropHistoryBefore.run(run, seq + 1);
    rows.put(run, seq, body);
  }

  function rewind(run: string, { from, events: taken }: Rewind): void {
    events.dropWaitsFrom(run, from);
    sql.dropTimersFrom.run(run, from);
    tasks.closeFrom(run, from);
    events.keepAgain(run, taken);
  }

  /** The wait, timer or task of one step is over. */
  function release(run: string, n: number): void {
    sql.dropTimerOf.run(run, n);
    tasks.close(run, n);
    events.release(run, n);
    sql.dropInboxOf.run(run, n);
  }

  /** `replaced`: another run takes its place; whoever waits for it waits for that one. */
  function changeStatus(given: AppendParameters, status: RunStatus, replaced: boolean): void {
    const now = context.now();
    const { run } = given;
    const final = finalStatuses.has(status);
    if (final) sql.endRun.run(status, given.reason ?? null, now, now, run);
    else if (given.cause === undefined) sql.setStatus.run(status, given.reason ?? null, now, run);
    else sql.setCause.run(status, given.reason ?? null, now, given.cause, run);
    if (final) {
      if (delivered) sql.dropInbox.run(run);
      events.ended(run);
    }
    const held = status === "parked" || status === "paused";
    if (!final && !held && given.resumed !== true) return;
    const row: SettledRun = rows.plain(run) ?? (sql.run.get(run) as unknown as SettledRun);
    if (typeof row.lane === "string") queue.moved(run, row as Placed, status);
    if (!final && status !== "parked") return;
    if (final) totals.ended(row.process, status);
    if (final && row.awaited === 1 && !replaced) children.ended(run);
    toFront({
      kind: "settled",
      run,
      process: row.process,
      key: row.key,
      version: row.version,
      status,
      ...(typeof given.reason === "string" ? { reason: given.reason } : {}),
      createdAt: row.created,
      updatedAt: now,
      ...given.settled,
    });
  }

  /** The run's code is not to be run: its worker parks it instead when it is loaded. Twice is once. */
  function halt({ run, reason }: { readonly run: string; readonly reason: string }): void {
    const row = sql.run.get(run);
    if (row === undefined || finalStatuses.has(row.status as RunStatus) || sql.halted.get(run) !== undefined) return;
    deliver(run, 0, "halt", reason);
  }

  /** Ends a run that is still queued. */
  function actQueued(run: string, body: string): boolean {
    if (!queue.operate(run, body)) return false;
    children.ended(run);
    return true;
  }

  /** The run goes on with other code. Its row of the history fences the worker off that had it. */
  function move({ run, from, to, seq, body, goesOn }: MoveParameters): void {
    const row = sql.run.get(run);
    if (row === undefined || row.version !== from || finalStatuses.has(row.status as RunStatus))
      context.refuse("changed");
    // One that is queued has no worker, and its next row is its begin: the audit alone tells of its move.
    if (row.status !== "queued" && !rows.put(run, seq, body)) context.refuse("changed");
    sql.move.run(to, context.now(), run);
    rows.changed(run);
    if (!goesOn) return;
    sql.setCause.run("running", null, context.now(), null, run);
    // It takes its place again, as one does that a person answers.
    if (typeof row.lane === "string") queue.moved(run, row as unknown as Placed, "running");
  }

  /** Whether the operation fits the run's state was asked by the front; a run that ended since refuses here. */
  function tryOperate(given: OperateParameters): Json | undefined {
    const row = sql.run.get(given.run);
    if (row === undefined) return "unknown";
    if (finalStatuses.has(row.status as RunStatus)) return row.status as string;
    if (actQueued(given.run, given.body)) return undefined;
    // Two that decide at once would not know of each other: the second looks again.
    if (sql.pendingAct.get(given.run) !== undefined) return "pending";
    deliver(given.run, 0, "operate", given.stored);
    return undefined;
  }

  const bulk = storeBulk(context, {
    operate: tryOperate,
    restart: (given) => tryRestart({ ...given, start: { ...given.start, beyond: true } }),
  });

  /** Refuses what something speaks against. */
  const orRefuse =
    <P>(attempt: (given: P) => Json | undefined) =>
    (given: P): void => {
      const against = attempt(given);
      if (against !== undefined) context.refuse(against);
    };

  /** A due timer ends a wait or a task in the same commit: a signal that comes later finds nobody. */
  function due(): void {
    for (const timer of sql.dueTimers.all(context.now(), timerPortion) as { due: number; run: string; n: number }[]) {
      sql.dropTimer.run(timer.due, timer.run, timer.n);
      if (timer.n <= beginTimer) {
        if (timer.n === beginTimer) queue.due(timer.run);
        else queue.gates.due(timer.run);
        continue;
      }
      events.timeOut(timer.run, timer.n);
      tasks.close(timer.run, timer.n);
      deliver(timer.run, timer.n, "timer", "");
    }
  }

  const events = storeEvents(context, deliver);
  const tasks = storeTasks(context, deliver);
  const queue = storeQueue(context, { toWorker, toFront, rows, totals });
  const { waitedFor } = queue.gates.lending;
  const children = storeChildren(context, {
    deliver,
    actQueued,
    place,
    toFront,
    awaited: rows.changed,
    waitedFor,
  });

  let stopAlarm: (() => void) | undefined;
  context.whenIdle(() => {
    stopAlarm?.();
    stopAlarm = undefined;
    const next = sql.nextTimer.get()?.due;
    if (typeof next !== "number") return;
    const wait = Math.min(Math.max(next - clock.now(), 0), longestTimeout);
    stopAlarm = clock.later(wait, () => context.submit({ name: "process.due", parameters: null }), true);
  });

  return {
    "keep-key": ({ id, proof }: { readonly id: string; readonly proof: string }) =>
      void sql.keepKey.run(id, proof, context.now()),
    "forget-key": ({ id }: { readonly id: string }) => void sql.forgetKey.run(id),
    start,
    row,
    append,
    compact,
    signal: events.signal,
    answer: tasks.answer,
    operate: orRefuse(tryOperate),
    restart: orRefuse(tryRestart),
    ...bulk.commands,
    halt,
    move,
    due,
    retain: storeRetention(
      context,
      totals,
      (run) => {
        rows.gone(run);
        events.forget(run);
      },
      (before, portion) => events.retain(before, portion) + bulk.retain(before, portion),
    ),
    limits: queue.gates.limits,
    dispatch: queue.gates.dispatch,
    ...storeSchedules(context),
  };
}

export const storePart: StorePart = { name: "process", migrations, commands };

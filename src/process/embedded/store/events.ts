/** Events in the writer thread: the runs that wait for one, and the signals that came. First in, first out on both sides. */
import type { PartContext } from "../../../store/store.ts";
import type { SignalAnswer } from "../../engine.ts";
import type { AppendParameters, Delivery, Rewind, SignalParameters } from "../wire.ts";

type Wait = NonNullable<AppendParameters["waits"]>[number];

interface WaitRow {
  readonly since: number;
  readonly run: string;
  readonly n: number;
  readonly due: number | null;
}

export interface StoreEvents {
  addWait(run: string, wait: Wait): void;
  /** Of the run's asks from this number on. */
  dropWaitsFrom(run: string, n: number): void;
  /** A rewind superseded these receives of the run: what they got is kept again, each event in its old place. */
  keepAgain(run: string, taken: Rewind["events"]): void;
  /** The time of a wait is over. */
  timeOut(run: string, n: number): void;
  /** A wait lost a race: the event that was delivered to it, and not taken in, goes back. */
  release(run: string, n: number): void;
  /** The run waits for nothing any more. */
  releaseAll(run: string): void;
  /** The run has ended: what comes for it is late. */
  ended(run: string): void;
  /** The run's history goes, and its rules with it. */
  forget(run: string): void;
  signal(given: SignalParameters): SignalAnswer;
  /** Removes a portion of what came before; answers how many rows it touched. */
  retain(before: number, portion: number): number;
}

export function storeEvents(
  context: PartContext,
  deliver: (run: string, n: number, kind: Delivery["kind"], body: string, signal?: number) => void,
): StoreEvents {
  const { db } = context;
  const sql = {
    insertSignal: db.prepare(
      "insert into signals (event, delivery, key, payload, at) values (?, ?, ?, ?, ?) on conflict (event, delivery) do nothing",
    ),
    keptSignal: db.prepare(
      "select id, payload from signals where event = ? and key = ? and run is null order by id limit 1",
    ),
    useSignal: db.prepare("update signals set run = ?, payload = null where id = ?"),
    keepSignal: db.prepare("update signals set run = null, payload = ? where id = ?"),
    signal: db.prepare("select event, key from signals where id = ?"),
    lastTaken: db.prepare(
      "select id from signals where run = ? and event = ? and key = ? and dropped = 0 order by id desc limit 1",
    ),
    delivered: db.prepare("select id, body, signal from inbox where run = ? and n = ? and signal is not null"),
    deliveredToRun: db.prepare("select id, body, signal from inbox where run = ? and signal is not null order by id"),
    dropInbox: db.prepare("delete from inbox where id = ?"),
    dropSignal: db.prepare("update signals set run = ?, payload = null, dropped = 1 where id = ?"),
    anyRule: db.prepare("select 1 from late_rules limit 1"),
    insertRule: db.prepare("insert into late_rules (event, key, run, n) values (?, ?, ?, ?)"),
    dropRule: db.prepare("delete from late_rules where event = ? and key = ?"),
    dropRulesFrom: db.prepare("delete from late_rules where run = ? and n >= ?"),
    ruleOver: db.prepare("update late_rules set over = 1 where run = ? and n = ?"),
    rulesOver: db.prepare("update late_rules set over = 1 where run = ?"),
    late: db.prepare("select run from late_rules where event = ? and key = ? and over = 1"),
    insertWait: db.prepare("insert or replace into waits (event, key, since, run, n, due) values (?, ?, ?, ?, ?, ?)"),
    waitFor: db.prepare(
      "select since, run, n, due from waits where event = ? and key = ? order by since, run, n limit 1",
    ),
    dropWait: db.prepare("delete from waits where event = ? and key = ? and since = ? and run = ? and n = ?"),
    dropWaits: db.prepare("delete from waits where run = ?"),
    dropWaitsFrom: db.prepare("delete from waits where run = ? and n >= ?"),
    dropWaitOf: db.prepare("delete from waits where run = ? and n = ?"),
    dropSignals: db.prepare("delete from signals where id in (select id from signals where at < ? limit ?)"),
    insertTimer: db.prepare("insert or ignore into timers (due, run, n) values (?, ?, ?)"),
    dropTimer: db.prepare("delete from timers where due = ? and run = ? and n = ?"),
  };

  /** Whether any receive ever dropped what comes late: what follows costs nothing where none did. */
  let rules = sql.anyRule.get() !== undefined;
  /** When the last wait began. */
  let since = 0;

  /** An event that came early is delivered at once; else the run waits. */
  function addWait(run: string, wait: Wait): void {
    if (rules || wait.drops === true) {
      sql.dropRule.run(wait.event, wait.key);
      if (wait.drops === true) sql.insertRule.run(wait.event, wait.key, run, wait.n);
      rules = true;
    }
    const kept = sql.keptSignal.get(wait.event, wait.key) as { id: number; payload: string } | undefined;
    if (kept !== undefined) {
      sql.useSignal.run(run, kept.id);
      deliver(run, wait.n, "signal", kept.payload, kept.id);
      return;
    }
    since = Math.max(context.now() * 1000, since + 1);
    sql.insertWait.run(wait.event, wait.key, since, run, wait.n, wait.due ?? null);
    if (wait.due !== undefined) sql.insertTimer.run(wait.due, run, wait.n);
  }

  function signal(given: SignalParameters): SignalAnswer {
    const { event, key, payload, delivery } = given;
    const inserted = sql.insertSignal.run(event, delivery, key, payload, context.now());
    if (inserted.changes === 0) return "duplicate";
    const id = Number(inserted.lastInsertRowid);
    if (offer(id, event, key, payload)) return "matched";
    return drops(id, event, key) ? "dropped" : "kept";
  }

  /** Whether an event that nobody waits for came late, by the rule of whom it came late for. */
  function drops(id: number, event: string, key: string): boolean {
    const rule = rules ? (sql.late.get(event, key) as { run: string } | undefined) : undefined;
    if (rule === undefined) return false;
    sql.dropSignal.run(rule.run, id);
    return true;
  }

  /** Gives an event to the run that waits for it longest, if any. */
  function offer(id: number, event: string, key: string, payload: string): boolean {
    const wait = sql.waitFor.get(event, key) as WaitRow | undefined;
    if (wait === undefined) return false;
    sql.dropWait.run(event, key, wait.since, wait.run, wait.n);
    if (wait.due !== null) sql.dropTimer.run(wait.due, wait.run, wait.n);
    sql.useSignal.run(wait.run, id);
    deliver(wait.run, wait.n, "signal", payload, id);
    return true;
  }

  /** What was delivered to a wait that is over, and is not in the history: the next one who wants it gets it. */
  function giveBack(rows: readonly Record<string, unknown>[]): void {
    for (const { id, body, signal } of rows as { id: number; body: string; signal: number }[]) {
      sql.dropInbox.run(id);
      const of = sql.signal.get(signal) as { event: string; key: string } | undefined;
      // Retention was faster.
      if (of === undefined) continue;
      if (!offer(signal, of.event, of.key, body) && !drops(signal, of.event, of.key)) sql.keepSignal.run(body, signal);
    }
  }

  /** Receives of a run take the events of a key in their order: what the last of them got came last. */
  function keepAgain(run: string, taken: Rewind["events"]): void {
    for (const { n } of taken) giveBack(sql.delivered.all(run, n));
    const keys = new Map<string, Rewind["events"][number]>();
    for (const one of taken.toSorted((a, b) => b.n - a.n)) {
      const { n, event, key, payload } = one;
      if (payload === undefined) continue;
      const row = sql.lastTaken.get(run, event, key) as { id: number } | undefined;
      // Retention was faster.
      if (row === undefined) sql.insertSignal.run(event, `rewound:${run}:${n}`, key, payload, context.now());
      else sql.keepSignal.run(payload, row.id);
      keys.set(JSON.stringify([event, key]), one);
    }
    for (const { event, key } of keys.values()) {
      for (;;) {
        const kept = sql.keptSignal.get(event, key) as { id: number; payload: string } | undefined;
        if (kept === undefined || !(offer(kept.id, event, key, kept.payload) || drops(kept.id, event, key))) break;
      }
    }
  }

  return {
    addWait,
    keepAgain,
    dropWaitsFrom(run, n) {
      sql.dropWaitsFrom.run(run, n);
      if (rules) sql.dropRulesFrom.run(run, n);
    },
    timeOut(run, n) {
      sql.dropWaitOf.run(run, n);
      if (rules) sql.ruleOver.run(run, n);
    },
    release(run, n) {
      sql.dropWaitOf.run(run, n);
      if (rules) sql.ruleOver.run(run, n);
      giveBack(sql.delivered.all(run, n));
    },
    ended(run) {
      if (rules) sql.rulesOver.run(run);
    },
    forget(run) {
      if (rules) sql.dropRulesFrom.run(run, 0);
    },
    releaseAll(run) {
      sql.dropWaits.run(run);
      if (rules) sql.rulesOver.run(run);
      giveBack(sql.deliveredToRun.all(run));
    },
    signal,
    retain: (before, portion) => Number(sql.dropSignals.run(before, portion).changes),
  };
}

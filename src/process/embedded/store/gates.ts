/**
 * Limits of processes in the writer thread: who is queued, who has a place, who is next.
 *
 * A process with limits has a gate, and a lane for each key that has something queued or under way. A run joins the end of its lane,
 * and begins when its gate and its lane both have room.
 *
 * Invariants:
 *  G1  Within a lane runs begin in the order in which they joined it; but for one that is lent a place (lending.ts).
 *  G2  Lanes that could begin one take turns; a lane that begins one, or comes anew, goes to the end of the round.
 *  G3  What is counted is in the commit of what it counts: a place is given back in the commit in which the run ends, and given away in
 *      the same one. So after a commit nothing is queued that could begin, but for the rest of a portion, which follows at once.
 *  G4  Only rows change (a group may be done twice); all of it is on disk, and memory holds nothing but the limits.
 */
import type { PartContext } from "../../../store/store.ts";
import type { LimitData, RateData } from "../../limits.ts";
import { type Lending, lending } from "./lending.ts";

/** Runs that begin in one commit, so that other batches are not kept waiting. */
const portion = 200;
const unlimited = Number.MAX_SAFE_INTEGER;
/** Bits of a run's place: it counts for its lane, for its gate. */
const inLane = 1;
const inGate = 2;

/** The number of a timer that opens a gate or a lane again when its rate allows; its `run` is the JSON of process and lane. */
export const rateTimer = -1;

interface Gate {
  readonly process: string;
  queued: number;
  taken: number;
  /** Last turn that was given. */
  round: number;
  joined: number;
  /** When the bucket would be empty (GCRA's theoretical arrival time), epoch milliseconds. */
  rate_at: number;
}
interface Lane {
  readonly process: string;
  readonly lane: string;
  queued: number;
  taken: number;
  turn: number;
  rate_at: number;
}

export type Phase = "under way" | "held" | "over";

export interface Gates {
  /** What keeps a run from waiting for ever for a child that waits for its place. */
  readonly lending: Lending;
  /** Takes the limits of the code that is current. Before it is told, nothing begins from a lane. */
  limits(all: readonly LimitData[]): void;
  /** Puts a run at the end of its lane, and begins what can begin. False: it waits, and the queue is longer than it may be. */
  join(run: string, process: string, lane: string): boolean;
  /** Takes a run out of its lane; false if it stands in none. */
  leave(run: string, process: string, lane: string): void;
  /** A run with a place goes on, is held up by a person, or is over. */
  placed(run: string, process: string, lane: string, place: number, phase: Phase): void;
  dispatch(process: string): void;
  /** A timer of this part is due. */
  due(name: string): void;
}

/** `begin` makes a queued run a running one. */
export function storeGates(context: PartContext, begin: (run: string) => void): Gates {
  const { db } = context;
  const sql = {
    gate: db.prepare("select process, queued, taken, round, joined, rate_at from gates where process = ?"),
    gates: db.prepare("select process, limits from gates"),
    newGate: db.prepare(
      "insert into gates (process, queued, taken, round, joined, rate_at, limits) values (?, 0, 0, 0, 0, 0, ?)",
    ),
    setGate: db.prepare("update gates set queued = ?, taken = ?, round = ?, joined = ?, rate_at = ? where process = ?"),
    setLimits: db.prepare("update gates set limits = ? where process = ?"),
    lane: db.prepare("select process, lane, queued, taken, turn, rate_at from lanes where process = ? and lane = ?"),
    lanes: db.prepare("select process, lane, queued, taken, turn, rate_at from lanes where process = ?"),
    setLane: db.prepare(
      "insert or replace into lanes (process, lane, queued, taken, turn, rate_at, open) values (?, ?, ?, ?, ?, ?, ?)",
    ),
    dropLane: db.prepare("delete from lanes where process = ? and lane = ?"),
    nextLane: db.prepare(
      "select process, lane, queued, taken, turn, rate_at from lanes where process = ? and open = 1 order by turn limit 1",
    ),
    push: db.prepare("insert into queue (process, lane, seq, run) values (?, ?, ?, ?)"),
    first: db.prepare("select seq, run from queue where process = ? and lane = ? order by seq limit 1"),
    shift: db.prepare("delete from queue where process = ? and lane = ? and seq = ?"),
    drop: db.prepare("delete from queue where run = ?"),
    isQueued: db.prepare("select 1 from queue where run = ?"),
    setPlace: db.prepare("update runs set place = ? where id = ?"),
    insertTimer: db.prepare("insert or ignore into timers (due, run, n) values (?, ?, ?)"),
  };
  let limits: ReadonlyMap<string, LimitData> | undefined;
  const textOf = (process: string): string => JSON.stringify(limits?.get(process) ?? null);

  function gateOf(process: string): Gate {
    const known = sql.gate.get(process) as Gate | undefined;
    if (known !== undefined) return known;
    sql.newGate.run(process, textOf(process));
    return { process, queued: 0, taken: 0, round: 0, joined: 0, rate_at: 0 };
  }
  function saveGate({ process, queued, taken, round, joined, rate_at }: Gate): void {
    sql.setGate.run(queued, taken, round, joined, rate_at, process);
  }
  function laneOf(process: string, lane: string): Lane {
    const known = sql.lane.get(process, lane) as Lane | undefined;
    return known ?? { process, lane, queued: 0, taken: 0, turn: 0, rate_at: 0 };
  }

  /** Writes a lane, with whether its own limits let it begin one; one that is empty is forgotten once its rate is. */
  function saveLane(row: Lane): void {
    const { process, lane, queued, taken, turn } = row;
    const limit = limits?.get(process);
    const now = context.now();
    if (limit?.perRate !== undefined) row.rate_at = sane(row.rate_at, limit.perRate, now);
    const counts = limit?.perRate !== undefined && row.rate_at > now;
    if (queued === 0 && taken === 0 && !counts) {
      sql.dropLane.run(process, lane);
      return;
    }
    let open = queued > 0 && taken < (limit?.perConcurrency ?? unlimited);
    if (open && limit?.perRate !== undefined) {
      const at = allowedAt(row.rate_at, limit.perRate);
      if (at > now) {
        open = false;
        wakeAt(at, process, lane);
      }
    }
    // Nothing will happen to it by itself any more: it is looked at once more, to be forgotten.
    if (queued === 0 && taken === 0) wakeAt(row.rate_at, process, lane);
    sql.setLane.run(process, lane, queued, taken, turn, row.rate_at, open ? 1 : 0);
  }

  function wakeAt(at: number, process: string, lane?: string): void {
    sql.insertTimer.run(Math.ceil(at), JSON.stringify(lane === undefined ? [process] : [process, lane]), rateTimer);
  }

  function dispatch(process: string): void {
    // Nothing is known of limits yet: `limits` will come, and begin what can begin.
    if (limits === undefined) return;
    const limit = limits.get(process);
    const gate = sql.gate.get(process) as Gate | undefined;
    if (gate === undefined) return;
    const now = context.now();
    if (limit?.rate !== undefined) gate.rate_at = sane(gate.rate_at, limit.rate, now);
    let begun = 0;
    while (gate.queued > 0 && gate.taken < (limit?.concurrency ?? unlimited)) {
      if (limit?.rate !== undefined) {
        const at = allowedAt(gate.rate_at, limit.rate);
        if (at > now) {
          wakeAt(at, process);
          break;
        }
      }
      const lane = sql.nextLane.get(process) as Lane | undefined;
      if (lane === undefined) break;
      if (begun === portion) {
        context.submit({ name: "process.dispatch", parameters: process });
        break;
      }
      begun += 1;
      const { seq, run } = sql.first.get(process, lane.lane) as { seq: number; run: string };
      sql.shift.run(process, lane.lane, seq);
      gate.queued -= 1;
      gate.taken += 1;
      gate.round += 1;
      lane.queued -= 1;
      lane.taken += 1;
      lane.turn = gate.round;
      if (limit?.rate !== undefined) gate.rate_at = Math.max(gate.rate_at, now) + limit.rate.intervalMs;
      if (limit?.perRate !== undefined) lane.rate_at = Math.max(lane.rate_at, now) + limit.perRate.intervalMs;
      saveLane(lane);
      sql.setPlace.run(inLane | inGate, run);
      begin(run);
    }
    saveGate(gate);
  }

  /** Begins one that is not next: a place is lent to it. */
  function beginBeyond(run: string, process: string, lane: string): boolean {
    if (sql.isQueued.get(run) === undefined) return false;
    const limit = limits?.get(process);
    const now = context.now();
    const gate = gateOf(process);
    const row = laneOf(process, lane);
    const [all, own] = [limit?.rate, limit?.perRate];
    const at = Math.max(
      all === undefined ? 0 : allowedAt(sane(gate.rate_at, all, now), all),
      own === undefined ? 0 : allowedAt(sane(row.rate_at, own, now), own),
    );
    if (at > now) {
      wakeAt(at, process, lane);
      return false;
    }
    sql.drop.run(run);
    gate.queued -= 1;
    gate.taken += 1;
    row.queued -= 1;
    row.taken += 1;
    if (all !== undefined) gate.rate_at = Math.max(sane(gate.rate_at, all, now), now) + all.intervalMs;
    if (own !== undefined) row.rate_at = Math.max(sane(row.rate_at, own, now), now) + own.intervalMs;
    saveGate(gate);
    saveLane(row);
    sql.setPlace.run(inLane | inGate, run);
    begin(run);
    return true;
  }

  const lent = lending(db, {
    full(process, lane) {
      const limit = limits?.get(process);
      return {
        ofProcess: limit?.concurrency !== undefined && gateOf(process).taken >= limit.concurrency,
        ofKey: limit?.perConcurrency !== undefined && laneOf(process, lane).taken >= limit.perConcurrency,
      };
    },
    begin: beginBeyond,
  });

  return {
    lending: lent,
    dispatch,
    limits(all) {
      limits = new Map(all.map((one) => [one.process, one]));
      for (const { process, limits: before } of sql.gates.all() as { process: string; limits: string }[]) {
        const text = textOf(process);
        if (text !== before) {
          sql.setLimits.run(text, process);
          for (const lane of sql.lanes.all(process) as unknown as Lane[]) saveLane(lane);
        }
        dispatch(process);
        lent.changed(process);
      }
    },
    join(run, process, lane) {
      const gate = gateOf(process);
      const row = laneOf(process, lane);
      gate.queued += 1;
      gate.joined += 1;
      if (row.queued === 0) {
        gate.round += 1;
        row.turn = gate.round;
      }
      row.queued += 1;
      sql.push.run(process, lane, gate.joined, run);
      saveGate(gate);
      saveLane(row);
      dispatch(process);
      const bound = limits?.get(process)?.queue ?? unlimited;
      return sql.isQueued.get(run) === undefined || gateOf(process).queued <= bound;
    },
    leave(run, process, lane) {
      if (sql.drop.run(run).changes === 0) return;
      const gate = gateOf(process);
      gate.queued -= 1;
      saveGate(gate);
      const row = laneOf(process, lane);
      row.queued -= 1;
      saveLane(row);
    },
    placed(run, process, lane, place, phase) {
      const limit = limits?.get(process);
      const held = (limit?.perKeeps === false ? 0 : inLane) | (limit?.keeps === true ? inGate : 0);
      const wanted = phase === "over" ? 0 : phase === "held" ? held : inLane | inGate;
      if (wanted === place) return;
      sql.setPlace.run(wanted, run);
      const gate = gateOf(process);
      gate.taken += change(place, wanted, inGate);
      saveGate(gate);
      const row = laneOf(process, lane);
      row.taken += change(place, wanted, inLane);
      saveLane(row);
      dispatch(process);
      if (gate.queued > 0) lent.changed(process, lane);
    },
    due(name) {
      const [process, lane] = JSON.parse(name) as [string, string?];
      if (lane !== undefined) {
        const row = sql.lane.get(process, lane) as Lane | undefined;
        if (row !== undefined) saveLane(row);
      }
      dispatch(process);
      lent.changed(process);
    },
  };
}

/** 1: it takes a place that it did not have; -1: it gives one back. */
function change(before: number, after: number, bit: number): number {
  return Number((after & bit) !== 0) - Number((before & bit) !== 0);
}

/** When the next start is allowed. */
function allowedAt(rateAt: number, { intervalMs, burst }: RateData): number {
  return rateAt - (burst - 1) * intervalMs;
}

/** A clock that was set back must not keep starts waiting for the time that it went back. */
function sane(rateAt: number, { intervalMs, burst }: RateData, now: number): number {
  return rateAt > now + (burst + 1) * intervalMs ? now : rateAt;
}

/**
 * Places that are lent, in the writer thread. A run that waits for a child keeps its place, and the child (or a run that the child waits
 * for) may be queued for that very place: neither would ever go on.
 *
 * A run is live if something can still happen to it by itself or by a person: it has begun, and each child that it waits for is live; or
 * it is queued, and of those whose place it waits for at least one is live. Where a queued run is not live, everybody whose place it
 * waits for waits for a queued run. Then one of those begins beyond the limit, on the place of a run that can do nothing with it meanwhile.
 *
 * Invariants:
 *  B1  After a commit every run that waits for a child is live. So it is looked at wherever that can cease to hold: a run begins to wait
 *      for a child, a place is given back or taken again, a limit or a rate changes.
 *  B2  A place is lent to one run at a time: who has it is live, and so are those that are queued for it.
 *  B3  What is lent is counted like any place, so nothing else begins before it was given back. A rate holds also for what begins so.
 */
import type { DatabaseSync } from "node:sqlite";
import { finalStatuses, type RunStatus } from "../../engine.ts";

/** What it must know of the gates. */
export interface LendingHost {
  /** Whether as many runs of this process, and of this key, are under way as there may be. */
  full(process: string, lane: string): { readonly ofProcess: boolean; readonly ofKey: boolean };
  /** Begins this queued run now, wherever it stands. False: its rate does not allow it yet; it is looked at again when it does. */
  begin(run: string, process: string, lane: string): boolean;
}

export interface Lending {
  /** A run has begun to wait for this one. */
  waitedFor(child: string): void;
  /** Places of this process and of this key (without one: of any) have changed hands. */
  changed(process: string, lane?: string): void;
}

interface Queued {
  readonly run: string;
  readonly process: string;
  readonly lane: string;
}

/** A run, or the places of a process or a key: who waits for one of those waits for any of its holders. */
interface Vertex {
  readonly needs: "all" | "any";
  /** What it waits for, and was not looked at yet. */
  readonly rest: Iterator<string>;
  readonly queued: Queued | undefined;
  readonly waiting: Vertex[];
  /** What it waits for, and is not known to be live. */
  open: number;
  looked: boolean;
  live: boolean;
}

/** Holders that are looked at first: the newest, of whom fewest wait for somebody. */
const few = 20;

export function lending(db: DatabaseSync, { full, begin }: LendingHost): Lending {
  const sql = {
    run: db.prepare(
      "select status, process, lane, exists (select 1 from queue where queue.run = runs.id) as joined from runs where id = ?",
    ),
    // Of those that are queued for the same places, one stands for all.
    children: db.prepare(
      `select min(child) as id from parents join runs on runs.id = child where run = ?
       group by case status when 'queued' then json_array(runs.process, lane) else child end order by 1`,
    ),
    ofProcess: db.prepare(
      "select id from runs where process = ? and place > 0 and place >= 2 order by id desc limit ? offset ?",
    ),
    ofKey: db.prepare(
      "select id from runs where process = ? and lane = ? and place > 0 and place <> 2 order by id desc limit ? offset ?",
    ),
    awaited: db.prepare("select id from runs where process = ? and awaited = 1 and status = 'queued'"),
    awaitedOfKey: db.prepare(
      "select id from runs where process = ? and awaited = 1 and status = 'queued' and lane = ? limit 1",
    ),
  };

  function* holders(process: string, lane: string | undefined): Generator<string> {
    const page = (limit: number, offset: number) =>
      lane === undefined ? sql.ofProcess.all(process, limit, offset) : sql.ofKey.all(process, lane, limit, offset);
    for (const { id } of page(few, 0)) yield `run ${id as string}`;
    for (const { id } of page(-1, few)) yield `run ${id as string}`;
  }

  function vertexOf(name: string): Vertex {
    const vertex = (needs: Vertex["needs"], rest: Iterable<string>, queued?: Queued): Vertex => ({
      needs,
      rest: rest[Symbol.iterator](),
      queued,
      waiting: [],
      open: 0,
      looked: false,
      live: false,
    });
    if (!name.startsWith("run ")) {
      const [process, lane] = JSON.parse(name) as [string, string?];
      return vertex("any", holders(process, lane));
    }
    const run = name.slice("run ".length);
    const row = sql.run.get(run) as
      | { status: RunStatus; process: string; lane: string | null; joined: number }
      | undefined;
    if (row === undefined || finalStatuses.has(row.status)) return vertex("all", []);
    const { status, process, lane, joined } = row;
    if (status !== "queued")
      return vertex(
        "all",
        sql.children.all(run).map(({ id }) => `run ${id as string}`),
      );
    // One whose time has not come waits for nobody.
    if (lane === null || joined === 0) return vertex("all", []);
    const { ofProcess, ofKey } = full(process, lane);
    const places = [...(ofProcess ? [[process]] : []), ...(ofKey ? [[process, lane]] : [])];
    return vertex(
      "all",
      places.map((place) => JSON.stringify(place)),
      { run, process, lane },
    );
  }

  /** The queued runs that keep this one from being live, in the order in which they were met; none if it is. */
  function stuckBefore(run: string): readonly Queued[] {
    const known = new Map<string, Vertex>();
    const path: Vertex[] = [];
    const see = (name: string): Vertex => {
      const seen = known.get(name);
      if (seen !== undefined) return seen;
      const vertex = vertexOf(name);
      known.set(name, vertex);
      path.push(vertex);
      return vertex;
    };
    const root = see(`run ${run}`);
    for (let top = path.at(-1); top !== undefined && !root.live; top = path.at(-1)) {
      const next = top.live ? undefined : top.rest.next();
      if (next === undefined || next.done === true) {
        path.pop();
        top.looked = true;
        settle(top);
        continue;
      }
      const needed = see(next.value);
      if (needed.live) {
        if (top.needs === "any") top.live = true;
      } else {
        top.open += 1;
        needed.waiting.push(top);
      }
      if (top.live) tell(top);
    }
    return root.live
      ? []
      : [...known.values()].flatMap(({ live, queued }) => (live || queued === undefined ? [] : [queued]));
  }

  /** One after the other is let in, until the run is live. */
  function relieve(run: string): void {
    for (;;) {
      const [first] = stuckBefore(run);
      if (first === undefined || !begin(first.run, first.process, first.lane)) return;
    }
  }

  return {
    waitedFor: relieve,
    changed(process, lane) {
      if (lane === undefined) {
        for (const { id } of sql.awaited.all(process)) relieve(id as string);
        return;
      }
      // What keeps one waiting keeps all of its process, or of its key.
      for (const one of [sql.awaited.get(process), sql.awaitedOfKey.get(process, lane)])
        if (one !== undefined) relieve(one.id as string);
    },
  };
}

/** All that it waits for was looked at. */
function settle(vertex: Vertex): void {
  if (vertex.live || !vertex.looked || vertex.needs === "any" || vertex.open > 0) return;
  vertex.live = true;
  tell(vertex);
}

/** Those that wait for what is live now. */
function tell(vertex: Vertex): void {
  const told = [vertex];
  for (let one = told.pop(); one !== undefined; one = told.pop()) {
    for (const waiting of one.waiting.splice(0)) {
      if (waiting.live) continue;
      waiting.open -= 1;
      if (waiting.needs === "all" && !(waiting.looked && waiting.open === 0)) continue;
      waiting.live = true;
      told.push(waiting);
    }
  }
}

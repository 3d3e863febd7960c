/**
 * Child runs in the writer thread: a child begins in the commit in which its parent asks for it, and its end is delivered in the commit
 * of that end. Runs that nobody waits for cost nothing here.
 */
import type { PartContext } from "../../../store/store.ts";
import { finalStatuses } from "../../engine.ts";
import type { AppendParameters, ChildNews, Delivery, KeyTaken, NewChild, StartParameters, ToFront } from "../wire.ts";

export interface StoreChildren {
  /** The run `parent` asks for a child. */
  add(parent: string, child: NewChild): void;
  /** The run `parent` undoes: the child is cancelled if it is its own. */
  recall(parent: string, recall: NonNullable<AppendParameters["recalls"]>[number]): void;
  /** A run that may be waited for has ended. */
  ended(run: string): void;
  /** It has, and was started anew as `next`: those who wait for it wait for that one, unless they undo by now. */
  handOver(run: string, next: string): void;
}

interface Row {
  readonly id: string;
  readonly origin: string;
}

export function storeChildren(
  context: PartContext,
  use: {
    readonly deliver: (run: string, n: number, kind: Delivery["kind"], body: string) => void;
    /** Ends a run that is still queued. */
    readonly actQueued: (run: string, body: string) => boolean;
    /** Starts a run, or says who has its key. */
    readonly place: (given: StartParameters) => KeyTaken | undefined;
    readonly toFront: (message: ToFront) => void;
    /** A run waits for the end of this one from now on. */
    readonly awaited: (child: string) => void;
    /** A run has begun to wait for this one. */
    readonly waitedFor: (child: string) => void;
  },
): StoreChildren {
  const { db } = context;
  const sql = {
    version: db.prepare("select version from runs where id = ?"),
    child: db.prepare("select id, origin from runs where process = ? and key = ? and restarted_as = ''"),
    await: db.prepare("update runs set awaited = 1 where id = ?"),
    insert: db.prepare("insert or ignore into parents (child, run, n) values (?, ?, ?)"),
    of: db.prepare("select run, n from parents where child = ? order by run, n"),
    waits: db.prepare("select 1 from parents where child = ? and run = ? and n = ?"),
    dropOne: db.prepare("delete from parents where child = ? and run = ? and n = ?"),
    drop: db.prepare("delete from parents where child = ?"),
    status: db.prepare("select status from runs where id = ?"),
    hand: db.prepare("update parents set child = ? where child = ?"),
  };

  function tell(run: string, n: number, news: ChildNews): void {
    use.deliver(run, n, "child", JSON.stringify(news));
  }

  function waits(child: string): void {
    sql.await.run(child);
    use.awaited(child);
  }

  function add(parent: string, { n, run, process, key, inputHash, body, values, lane, wait }: NewChild): void {
    const version = sql.version.get(parent)?.version as string;
    const origin = `run:${parent}`;
    // It was accepted with its parent: a queue that is full refuses what comes from outside.
    const limited = lane === undefined ? {} : ({ lane, beyond: true } as const);
    const apart = values === undefined ? {} : { values };
    const taken = use.place({ run, process, key, inputHash, version, origin, body, told: false, ...limited, ...apart });
    if (taken === undefined) use.toFront({ kind: "begun", run, process, key, version });
    else if (taken.inputHash !== inputHash) {
      tell(parent, n, { kind: "taken", run: taken.run, inputHash: taken.inputHash });
      return;
    }
    const child = taken?.run ?? run;
    if (!wait) tell(parent, n, { kind: "started", run: child });
    else if (taken !== undefined && finalStatuses.has(taken.status)) tell(parent, n, { kind: "ended", run: child });
    else {
      sql.insert.run(child, parent, n);
      waits(child);
      // One that has begun just now keeps nobody waiting.
      if (taken !== undefined || lane !== undefined) use.waitedFor(child);
    }
  }

  function recall(parent: string, { n, process, key, body }: Parameters<StoreChildren["recall"]>[1]): void {
    const row = sql.child.get(process, key) as unknown as Row | undefined;
    if (row !== undefined && row.origin === `run:${parent}` && sql.waits.get(row.id, parent, n) !== undefined) {
      if (!use.actQueued(row.id, body)) use.deliver(row.id, 0, "operate", body);
      return;
    }
    // Somebody else's, or none at all: it is left alone.
    if (row !== undefined) sql.dropOne.run(row.id, parent, n);
    tell(parent, n, { kind: "left", run: row?.id ?? "" });
  }

  function ended(run: string): void {
    for (const parent of sql.of.all(run) as { run: string; n: number }[])
      tell(parent.run, parent.n, { kind: "ended", run });
    sql.drop.run(run);
  }

  function handOver(run: string, next: string): void {
    for (const parent of sql.of.all(run) as { run: string; n: number }[]) {
      if (sql.status.get(parent.run)?.status !== "undoing") continue;
      sql.dropOne.run(run, parent.run, parent.n);
      tell(parent.run, parent.n, { kind: "ended", run });
    }
    if (sql.hand.run(next, run).changes === 0) return;
    waits(next);
    use.waitedFor(next);
  }

  return { add, recall, ended, handOver };
}

/**
 * The only writer of the store's database: takes batches of commands from its clients, group by group, into transactions. The writer
 * thread runs it over a file (writer-thread.ts), tests run it in their own thread (in-thread.ts).
 *
 * Invariants:
 *  W1  A batch is one savepoint: whole or not at all. A bad one does not sink its group.
 *  W2  Answers and posts leave after COMMIT returned, that is after the fsync (journal_mode=WAL, synchronous=FULL).
 *  W3  Batches of one port are applied first in, first out.
 *  W4  What a port was caused to send by a message of another port is applied after it. So all other ports are drained
 *      before the first one (the front), and the front's batches are applied first.
 *  W5  After an error of BEGIN, COMMIT or a checkpoint, or an I/O error inside a batch, nothing more is written: the writer
 *      reports and ends. SQLite's own checkpoints are off, since they keep their errors to themselves.
 *  W6  A full disk is no such error: SQLite has taken the group back, and nobody was told of it. The front's batches are refused, so
 *      that nothing new is accepted; what others sent stays, in its order, and is tried again until there is space.
 *
 * The group grows by itself: while one COMMIT waits for the disk, batches queue up in the ports; and what comes while a group is applied joins it, such as
 * the first intents of the runs that it starts. A client that has more at once says so, and a moment is waited for it.
 */
import { randomUUID } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { joined, type Outcome, openApplier, type Post } from "./applier.ts";
import { migrate } from "./migrate.ts";
import { done, type FromWriter, type ToClient, type ToWriter, type WireAnswer, type WireBatch } from "./protocol.ts";
import { isFull } from "./sqlite-errors.ts";
import type { CommandHandler, PartContext, StorePart } from "./store.ts";

const largestGroup = 2000;
/** How often what came meanwhile is taken into the same group, beside what was said to follow: nobody's answer waits for ever for those who come after. */
const lateTurns = 2;
/** How often the length of the WAL is looked at. */
const groupsPerLook = 16;
/** How long after a full disk was met it is tried again. */
const fullRetryMs = 500;

/** The writer's end of a port. */
export interface ClientPort {
  /** The next message that waits, if one does. */
  receive(): ToWriter | undefined;
  /** Says that a message came; it is handed over, others may wait. */
  listen(came: (message: ToWriter) => void): void;
  send(message: ToClient): void;
  close(): void;
}

export interface WriterOptions {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  /** Pages in the WAL before a checkpoint. */
  readonly checkpointPages: number;
  /** How long a group waits for what a client said would follow at once, in milliseconds. 0: not at all, where all run in one thread. */
  readonly patienceMs: number;
  /** To whoever opened the store. */
  readonly tell: (message: FromWriter) => void;
  /** For simulations. Whether the machine stops here: before the COMMIT of a group (which is lost then), or after it, before anybody is told. */
  readonly crashes?: (point: "before" | "after", group: readonly WireBatch[]) => boolean;
}

export interface Writer {
  /** Brings the tables up to date and takes the parts' commands. Throws `store-newer` or `store-changed`. */
  open(parts: readonly StorePart[]): void;
  attach(name: string, port: ClientPort): void;
  detach(name: string): void;
  /** Lets the parts look again at what is due: the clock may have been set. */
  look(): void;
  /** Takes what waits, moves the WAL into the database and closes it. */
  end(): void;
}

interface Attached {
  readonly name: string;
  readonly port: ClientPort | undefined;
  /** It said that more follows at once. */
  more: boolean;
  queue: WireBatch[];
  answers: (number | readonly [number, WireAnswer])[];
  posts: unknown[];
}

export function createWriter(options: WriterOptions): Writer {
  const { db, clock, checkpointPages, patienceMs, tell, crashes } = options;
  const attached: Attached[] = [];
  const handlers = new Map<string, CommandHandler>();
  const idle: (() => void)[] = [];
  const writes: (() => void)[] = [];
  const applied = () => {
    for (const write of writes) write();
  };
  const forgets: (() => void)[] = [];
  const undone = () => {
    for (const forget of forgets) forget();
  };
  const applier = openApplier<Attached>(db, handlers, applied, undone);
  /** Batches of the parts themselves (timers that are due), answered to nobody. */
  const own: Attached = { name: "", port: undefined, more: false, queue: [], answers: [], posts: [] };
  let now = clock.now();
  let stopped = false;
  /** The disk is full (W6). */
  let full = false;
  let scheduled = false;
  let groups = 0;

  // `noop` (SQLite 3.51) only tells the length; an older SQLite takes it for a passive checkpoint.
  const walLength = db.prepare("pragma wal_checkpoint(noop)");
  const emptyWal = db.prepare("pragma wal_checkpoint(truncate)");
  const moveWal = db.prepare("pragma wal_checkpoint(passive)");
  const begin = db.prepare("begin immediate");
  const commit = db.prepare("commit");
  const undoGroup: StatementSync = db.prepare("rollback");
  /** A write that changes nothing. */
  let touch: StatementSync;

  const context: PartContext = {
    db,
    clock,
    post: applier.post,
    refuse: applier.refuse,
    now: () => now,
    attached: (name) => attached.some((one) => one.name === name),
    whenApplied: (write) => void writes.push(write),
    whenUndone: (forget) => void forgets.push(forget),
    whenIdle: (look) => void idle.push(look),
    submit: (command) => {
      own.queue.push([0, command.name, command.parameters]);
      schedule();
    },
  };

  function schedule(): void {
    if (scheduled || stopped) return;
    scheduled = true;
    clock.soon(run);
  }

  function take(one: Attached, [more, ...batches]: ToWriter): void {
    one.more = more;
    for (const batch of batches) one.queue.push(batch);
  }

  /** Takes in what waits in the ports: the others first, the front last (W4). */
  function drain(): number {
    let batches = own.queue.length;
    for (let index = attached.length - 1; index >= 0; index--) {
      const one = attached[index] as Attached;
      for (;;) {
        const message = one.port?.receive();
        if (message === undefined) break;
        take(one, message);
      }
      batches += one.queue.length;
    }
    return batches;
  }

  /**
   * As `drain`; where a client said that more follows at once, it is waited for until then. By looking again and again: it takes less than it takes
   * to wake a thread. Who is late is believed no more, also where others have sent something: they could go on for ever.
   */
  function drainPatiently(until: number): void {
    while (drain() === 0 && promised() && performance.now() < until) {
      // once more
    }
    if (performance.now() >= until) for (const one of attached) one.more = false;
  }
  function promised(): boolean {
    return attached.some(({ more }) => more);
  }

  function run(): void {
    scheduled = false;
    while (!stopped && !full && drain() > 0) commitGroup();
    if (full) refuseFront();
    else if (!stopped) for (const look of idle) look();
  }

  /**
   * Takes what is queued into one transaction. First without savepoints; where a batch is refused or broken, everything is rolled
   * back and done again with one around each (W1). Commands may be run twice for this: they change nothing but the database.
   */
  function commitGroup(): void {
    now = clock.now();
    const group = queuedBy([own, ...attached]);
    let outcome: Outcome<Attached> | undefined;
    try {
      begin.run();
      outcome = applier.plainly(group);
      let until = performance.now() + patienceMs;
      for (let turns = 0; turns < lateTurns && outcome !== undefined; ) {
        drainPatiently(until);
        if (!promised() || group.length >= largestGroup) turns += 1;
        // The parts' own batches are portions of long work: each waits for a commit of its own.
        const late = queuedBy(attached);
        if (late.length === 0) break;
        group.push(...late);
        outcome = joined(outcome, applier.plainly(late));
        if (late.some(([{ more }]) => more)) until = performance.now() + patienceMs;
      }
      if (outcome === undefined) {
        undoGroup.run();
        undone();
        begin.run();
        outcome = applier.carefully(group);
      }
      if (crashesAt("before", group)) undoGroup.run();
      else commit.run();
    } catch (error) {
      if (isFull(error) && takenBack()) whileFull(group);
      else stop(error as Error);
      return;
    }
    if (stopped || crashesAt("after", group)) return;
    for (const [one, id, reply] of outcome.answers) if (id !== 0) one.answers.push(reply === done ? id : [id, reply]);
    answer(outcome.posts);
    checkpoint();
  }

  /** Takes what is queued: of the ports the front's first (W4). */
  function queuedBy(ports: readonly Attached[]): [Attached, WireBatch][] {
    const group: [Attached, WireBatch][] = [];
    for (const one of ports) for (const batch of one.queue.splice(0, largestGroup)) group.push([one, batch]);
    return group;
  }

  /** Whether nothing of a group that failed is left in the database. */
  function takenBack(): boolean {
    try {
      if (db.isTransaction) undoGroup.run();
      undone();
      return true;
    } catch {
      return false;
    }
  }

  /** W6. */
  function whileFull(group: readonly [Attached, WireBatch][]): void {
    full = true;
    tell({ kind: "full", full });
    for (const one of [own, ...attached]) {
      const kept = group.filter(([from]) => from === one).map(([, batch]) => batch);
      one.queue = [...kept, ...one.queue];
    }
    refuseFront();
    relieve();
    clock.later(fullRetryMs, tryAgain, true);
  }

  function refuseFront(): void {
    drain();
    const front = attached.find(({ name }) => name === "front");
    if (front === undefined) return;
    for (const [id] of front.queue.splice(0)) if (id !== 0) front.answers.push([id, { kind: "full" }]);
    answer([]);
  }

  /** The journal may have room once it is moved into the database. */
  function relieve(): void {
    try {
      moveWal.get();
    } catch (error) {
      if (!isFull(error)) stop(error as Error);
    }
  }

  function tryAgain(): void {
    if (stopped) return;
    try {
      begin.run();
      touch.run(String(clock.now()));
      commit.run();
    } catch (error) {
      if (isFull(error) && takenBack()) clock.later(fullRetryMs, tryAgain, true);
      else stop(error as Error);
      return;
    }
    full = false;
    tell({ kind: "full", full });
    run();
  }

  function crashesAt(point: "before" | "after", group: readonly [Attached, WireBatch][]): boolean {
    if (crashes === undefined) return false;
    const crashed = crashes(
      point,
      group.map(([, batch]) => batch),
    );
    if (crashed) stopped = true;
    return crashed;
  }

  function answer(posts: readonly Post[]): void {
    for (const { to, message } of posts) attached.find((one) => one.name === to)?.posts.push(message);
    for (const one of attached) {
      if (one.answers.length === 0 && one.posts.length === 0) continue;
      one.port?.send({ answers: one.answers, posts: one.posts });
      one.answers = [];
      one.posts = [];
    }
  }

  /** Moves the WAL into the database once it is long enough; after the answers have left, so that nobody waits for it. */
  function checkpoint(): void {
    groups += 1;
    if (groups % groupsPerLook !== 0) return;
    try {
      if (Number(walLength.get()?.log) > checkpointPages) moveWal.get();
    } catch (error) {
      // The journal stays as long as it is, and has everything.
      if (!isFull(error)) stop(error as Error);
    }
  }

  /** Moves the WAL into the database by a command of its own, since `close` keeps the errors of doing so to itself (W5). */
  function endWriting(): void {
    if (stopped) return;
    stopped = true;
    try {
      emptyWal.get();
    } catch (error) {
      // Not closed either: that would try the same again. The WAL stays, and has everything.
      tell({ kind: "failed", reason: (error as Error).message });
      return;
    }
    db.close();
    tell({ kind: "closed" });
  }

  /** W5. */
  function stop(error: Error): void {
    stopped = true;
    tell({ kind: "failed", reason: error.message });
    for (const one of attached) one.port?.send({ failed: error.message });
  }

  function detach(name: string): void {
    const old = attached.findIndex((one) => one.name === name);
    if (old >= 0) attached.splice(old, 1)[0]?.port?.close();
  }

  return {
    open(parts) {
      migrate(db, parts, now);
      const known = db.prepare("select value from mortise_meta where name = 'installation'").get()?.value;
      const installation = typeof known === "string" ? known : randomUUID();
      if (known === undefined) db.prepare("insert into mortise_meta values ('installation', ?)").run(installation);
      touch = db.prepare("insert or replace into mortise_meta values ('touched', ?)");
      for (const part of parts) {
        for (const [name, handler] of Object.entries(part.commands(context)))
          handlers.set(`${part.name}.${name}`, handler);
      }
      tell({ kind: "open", installation });
      for (const look of idle) look();
    },
    attach(name, port) {
      detach(name);
      const one: Attached = { name, port, more: false, queue: [], answers: [], posts: [] };
      attached.push(one);
      // The event brings one message; the others are taken in by `drain`.
      port.listen((message) => {
        take(one, message);
        schedule();
      });
    },
    detach,
    look: schedule,
    end() {
      while (!stopped && !full && drain() > 0) commitGroup();
      endWriting();
      for (const one of attached) one.port?.close();
    },
  };
}

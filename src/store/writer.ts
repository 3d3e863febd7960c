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
 * The group grows by itself: while one COMMIT waits for the disk, batches queue up in the ports.
 */
import { randomUUID } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import type { Json } from "../operation.ts";
import { migrate } from "./migrate.ts";
import { done, type FromWriter, type ToClient, type ToWriter, type WireAnswer, type WireBatch } from "./protocol.ts";
import { isFatal, isFull } from "./sqlite-errors.ts";
import type { CommandHandler, PartContext, StorePart } from "./store.ts";

const largestGroup = 2000;
/** How often the length of the WAL is looked at. */
const groupsPerLook = 16;
/** How long after a full disk was met it is tried again. */
const fullRetryMs = 500;

/** The writer's end of a port. */
export interface ClientPort {
  /** The next message that waits, if one does. */
  receive(): ToWriter | undefined;
  /** Says that a message came; it is handed over, others may wait. */
  listen(came: (batches: ToWriter) => void): void;
  send(message: ToClient): void;
  close(): void;
}

export interface WriterOptions {
  readonly db: DatabaseSync;
  readonly clock: Clock;
  /** Pages in the WAL before a checkpoint. */
  readonly checkpointPages: number;
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

class Refusal extends Error {
  readonly answer: Json;
  constructor(answer: Json) {
    super("refused");
    this.answer = answer;
  }
}

interface Attached {
  readonly name: string;
  readonly port: ClientPort | undefined;
  queue: WireBatch[];
  answers: (number | readonly [number, WireAnswer])[];
  posts: unknown[];
}

type Post = { readonly to: string; readonly message: unknown };
interface Outcome {
  readonly answers: readonly (readonly [Attached, number, WireAnswer])[];
  readonly posts: readonly Post[];
}

export function createWriter(options: WriterOptions): Writer {
  const { db, clock, checkpointPages, tell, crashes } = options;
  const attached: Attached[] = [];
  const handlers = new Map<string, CommandHandler>();
  const idle: (() => void)[] = [];
  /** Batches of the parts themselves (timers that are due), answered to nobody. */
  const own: Attached = { name: "", port: undefined, queue: [], answers: [], posts: [] };
  /** Posts of the batch under way: kept only if it is not rolled back. */
  let batchPosts: Post[] = [];
  let now = clock.now();
  let stopped = false;
  /** The disk is full (W6). */
  let full = false;
  let scheduled = false;
  let groups = 0;
  let current = "";

  // `noop` (SQLite 3.51) only tells the length; an older SQLite takes it for a passive checkpoint.
  const walLength = db.prepare("pragma wal_checkpoint(noop)");
  const emptyWal = db.prepare("pragma wal_checkpoint(truncate)");
  const moveWal = db.prepare("pragma wal_checkpoint(passive)");
  const begin = db.prepare("begin immediate");
  const commit = db.prepare("commit");
  const undoGroup: StatementSync = db.prepare("rollback");
  /** A write that changes nothing. */
  let touch: StatementSync;
  const savepoint = db.prepare("savepoint batch");
  const release = db.prepare("release batch");
  const back = db.prepare("rollback to batch");

  const context: PartContext = {
    db,
    clock,
    post: (to, message) => void batchPosts.push({ to, message }),
    refuse: (answer) => {
      throw new Refusal(answer);
    },
    now: () => now,
    attached: (name) => attached.some((one) => one.name === name),
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

  /** Takes in what waits in the ports: the others first, the front last (W4). */
  function drain(): number {
    let batches = own.queue.length;
    for (let index = attached.length - 1; index >= 0; index--) {
      const one = attached[index] as Attached;
      for (;;) {
        const message = one.port?.receive();
        if (message === undefined) break;
        for (const batch of message) one.queue.push(batch);
      }
      batches += one.queue.length;
    }
    return batches;
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
    const group: [Attached, WireBatch][] = [];
    for (const one of [own, ...attached]) {
      for (const batch of one.queue.splice(0, largestGroup)) group.push([one, batch]);
    }
    let outcome: Outcome | undefined;
    try {
      begin.run();
      outcome = applyPlainly(group);
      if (outcome === undefined) {
        undoGroup.run();
        begin.run();
        outcome = applyCarefully(group);
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

  /** Whether nothing of a group that failed is left in the database. */
  function takenBack(): boolean {
    try {
      if (db.isTransaction) undoGroup.run();
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

  function applyPlainly(group: readonly [Attached, WireBatch][]): Outcome | undefined {
    const answers: [Attached, number, WireAnswer][] = [];
    batchPosts = [];
    for (const [one, batch] of group) {
      try {
        answers.push([one, batch[0], runCommands(batch)]);
      } catch (error) {
        if (isFatal(error)) throw error;
        return undefined;
      }
    }
    return { answers, posts: batchPosts };
  }

  function applyCarefully(group: readonly [Attached, WireBatch][]): Outcome {
    const answers: [Attached, number, WireAnswer][] = [];
    const posts: Post[] = [];
    for (const [one, batch] of group) {
      batchPosts = [];
      const reply = applyBatch(batch);
      answers.push([one, batch[0], reply]);
      if (reply.kind === "done") posts.push(...batchPosts);
    }
    return { answers, posts };
  }

  function applyBatch(batch: WireBatch): WireAnswer {
    savepoint.run();
    try {
      const answer = runCommands(batch);
      release.run();
      return answer;
    } catch (error) {
      if (isFatal(error)) throw error;
      back.run();
      release.run();
      if (error instanceof Refusal) return { kind: "refused", by: current, answer: error.answer };
      return { kind: "error", message: `${current}: ${(error as Error).message}` };
    }
  }

  function runCommands(batch: WireBatch): WireAnswer {
    const answers: unknown[] = [];
    for (let at = 1; at < batch.length; at += 2) {
      current = batch[at] as string;
      const handler = handlers.get(current);
      if (handler === undefined) throw new Error(`there is no store command ${current}`);
      answers.push(handler(batch[at + 1] as never));
    }
    return answers.every((one) => one === undefined) ? done : { kind: "done", answers };
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
      const one: Attached = { name, port, queue: [], answers: [], posts: [] };
      attached.push(one);
      // The event brings one message; the others are taken in by `drain`.
      port.listen((batches) => {
        for (const batch of batches) one.queue.push(batch);
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

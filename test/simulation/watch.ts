/**
 * What must hold at every commit, judged from the committed rows alone: a result that is recorded never changes, no process and no key
 * has more under way than it may, and a key's runs begin in their order.
 */
import type { DatabaseSync } from "node:sqlite";
import type { AnyProcess } from "../../src/process/define.ts";
import { appendIn } from "../../src/process/embedded/wire.ts";
import { finalStatuses, type RunStatus } from "../../src/process/engine.ts";
import type { WireBatch } from "../../src/store/protocol.ts";
import { historyOf } from "../../src/testing/promises.ts";

interface Placed {
  readonly id: string;
  readonly process: string;
  readonly lane: string;
  readonly status: RunStatus;
  /** Whether others wait for it. */
  readonly awaited: number;
  /** Whether it waits for another run. */
  readonly awaits: number;
  /** Its place in the queue. */
  readonly seq: number | null;
}

const heldUp: ReadonlySet<RunStatus> = new Set(["parked", "paused"]);

export class Watch {
  readonly broken: string[] = [];
  readonly #processes: ReadonlyMap<string, AnyProcess>;
  /** By run, number and key generation. */
  readonly #results = new Map<string, string>();
  #before = new Map<string, Placed>();

  constructor(processes: readonly AnyProcess[]) {
    this.#processes = new Map(processes.map((process) => [process.name, process]));
  }

  committed(db: DatabaseSync, group: readonly WireBatch[]): void {
    for (const run of runsIn(group)) this.#sameResults(db, run);
    this.#withinLimits(db, heldUpIn(group));
  }

  #sameResults(db: DatabaseSync, run: string): void {
    const undos = new Set<number>();
    for (const record of historyOf(db, run)) {
      // An undo that was refused is asked anew.
      if (record.t === "ask" && record.v === "undo") undos.add(record.n);
      if (record.t !== "got" || undos.has(record.n)) continue;
      const name = `${run} ${record.n}`;
      const { ok, fault, timeout } = record;
      // Of what items did that are over, a history that was put together holds no results.
      if (ok === undefined && fault === undefined && timeout === undefined) continue;
      const text = JSON.stringify([ok, fault, timeout]);
      const before = this.#results.get(name);
      if (before !== undefined && before !== text)
        this.broken.push(`P2: the result of ask ${record.n} of ${run} was ${before}, and is ${text}`);
      this.#results.set(name, text);
    }
  }

  #withinLimits(db: DatabaseSync, stopped: ReadonlySet<string>): void {
    const rows = db
      .prepare(
        `select runs.id, runs.process, runs.lane, runs.status, runs.awaited, queue.seq,
           exists (select 1 from parents where parents.run = runs.id) as awaits
         from runs left join queue on queue.run = runs.id where runs.lane is not null`,
      )
      .all() as unknown as Placed[];
    for (const run of rows) {
      const before = this.#before.get(run.id);
      if (run.status !== "queued" && (before === undefined || before.status === "queued"))
        this.#begun(run, rows, (one) => hasLender(db, one), stopped);
    }
    this.#before = new Map(rows.map((row) => [row.id, row]));
  }

  /** A run has begun: with it no more are at work than may be. One that waits for a run lends its place, and one that goes on takes its own again. */
  #begun(run: Placed, rows: readonly Placed[], lent: (one: Placed) => boolean, stopped: ReadonlySet<string>): void {
    const limits = this.#processes.get(run.process)?.limits;
    if (limits === undefined || finalStatuses.has(run.status)) return;
    const atWork = rows.filter((one) => {
      if (one.process !== run.process || one.status === "queued" || finalStatuses.has(one.status)) return false;
      const before = this.#before.get(one.id);
      // It was parked, and gave its place away, and another of its branches let it go on, all in this commit.
      if (stopped.has(one.id)) return false;
      // Whoever lent it its place goes on without it since: an operator ended one that stood between them.
      if (one.awaited === 1 && one.id !== run.id && !lent(one)) return false;
      if (one.awaits === 1 || before?.awaits === 1) return false;
      return !heldUp.has(one.status) && (before === undefined || !heldUp.has(before.status));
    });
    // One that a person let go on has its place beyond the limit; the child that it then waits for is at work in its stead.
    const inItsStead = (now: readonly Placed[]): boolean =>
      run.awaited === 1 &&
      now.length <=
        [...this.#before.values()].filter(
          (one) =>
            one.process === run.process &&
            (one.lane === run.lane || now === atWork) &&
            one.awaits === 0 &&
            one.status !== "queued" &&
            !heldUp.has(one.status) &&
            !finalStatuses.has(one.status),
        ).length;
    const { concurrency = Number.POSITIVE_INFINITY, per } = limits;
    if (atWork.length > concurrency && !inItsStead(atWork))
      this.broken.push(`L: ${run.id} began, and ${atWork.length} of ${run.process} are at work`);
    const ofKey = atWork.filter(({ lane }) => lane === run.lane);
    if (ofKey.length > (per?.concurrency ?? Number.POSITIVE_INFINITY) && !inItsStead(ofKey))
      this.broken.push(`L: ${run.id} began, and ${ofKey.length} of ${run.process} are at work for the key ${run.lane}`);
    // One that begins as it joins is passed by all that came in the same commit.
    const passed = rows.find((one) => {
      const [mine, its] = [this.#before.get(run.id)?.seq, this.#before.get(one.id)?.seq];
      const before = typeof its === "number" && (typeof mine !== "number" || its < mine);
      return one.process === run.process && one.lane === run.lane && one.seq !== null && before;
    });
    if (passed !== undefined && run.awaited === 0)
      this.broken.push(`L: ${run.id} began before ${passed.id}, which joined the key ${run.lane} before it`);
  }
}

/** Whether a run of the same process, not over, waits for it: at once, or through others that are not over. */
function hasLender(db: DatabaseSync, { id, process }: Placed): boolean {
  const above = db
    .prepare(
      "select runs.id, runs.process, runs.status from parents join runs on runs.id = parents.run where parents.child = ?",
    )
    .all(id) as unknown as readonly Placed[];
  return above.some(
    (one) => !finalStatuses.has(one.status) && (one.process === process || hasLender(db, { ...one, process })),
  );
}

/** Runs that were parked or paused in this commit, whatever they are at its end. */
function heldUpIn(group: readonly WireBatch[]): ReadonlySet<string> {
  const runs = new Set<string>();
  for (const batch of group)
    for (let at = 1; at < batch.length; at += 2) {
      const append = appendIn(batch[at], batch[at + 1]);
      if (append?.status !== undefined && heldUp.has(append.status)) runs.add(append.run);
    }
  return runs;
}

function runsIn(group: readonly WireBatch[]): ReadonlySet<string> {
  const runs = new Set<string>();
  for (const batch of group)
    for (let at = 1; at < batch.length; at += 2) {
      const append = appendIn(batch[at], batch[at + 1]);
      if (append !== undefined) runs.add(append.run);
    }
  return runs;
}

/**
 * Acts on many runs by filter. The job is on disk before it is acknowledged, is done in small portions between other work, each one
 * commit with its acts, and goes on after a restart where it was. Runs that come after the job are not meant.
 */
import type { Clock } from "../../../clock.ts";
import { asMortiseError, failure } from "../../../errors.ts";
import { inWords, type Json, type Problem } from "../../../operation.ts";
import type { OpenedStore } from "../../../store/open.ts";
import type { Command } from "../../../store/store.ts";
import type { BulkAct, BulkJob, BulkPreview, Preview, RunRefusal } from "../../acts.ts";
import { actFor } from "../../edited.ts";
import type { Actor, Engine, OperatorAct, RunDetail, RunFilter } from "../../engine.ts";
import { places, type Vault } from "../history/vault.ts";
import type { BulkBegin, BulkPortion, BulkRefused, BulkWaits } from "../store/bulk.ts";
import { previewOf } from "./preview.ts";

/** Runs of one commit: their worker loads them all, so that they are few. */
const portion = 50;
/** Runs whose histories a preview reads. */
const lookedAt = 200;
/** And how long that may take: requests are not served meanwhile. */
const lookingMs = 200;
const refusalsShown = 500;
/** How long a portion waits until the worker has taken the one before. */
const patienceMs = 5000;
const pollMs = 10;
/** After which a job goes on that the store could not take: its disk was full. */
const fullMs = 1000;

export interface BulkParts {
  readonly store: Pick<OpenedStore, "submit" | "read">;
  readonly clock: Clock;
  readonly runId: (now: number) => string;
  readonly read: Pick<Engine, "run" | "runs" | "value"> & { count(filter: RunFilter): number };
  readonly vault: Vault;
  /** Problems of what is given as the result or the input of the call that a run asks about. */
  readonly unfit: (run: RunDetail, act: OperatorAct) => readonly Problem[];
  /** The command of an act; throws why it is not possible. */
  prepare(run: RunDetail, act: OperatorAct, actor: Actor): { readonly command: Command };
  stopping(): boolean;
}

export interface Bulks extends Pick<Engine, "bulk" | "bulkPreview" | "bulkJobs" | "bulkJob" | "bulkStop"> {
  /** Goes on with what an earlier life left. */
  resume(): void;
}

interface Row {
  readonly id: string;
  readonly filter: string;
  readonly act: string;
  readonly actor: string;
  readonly total: number;
  readonly before: string;
  readonly created: number;
  readonly ended: number | null;
  readonly stopped: number;
  readonly done: number;
  readonly refused: number;
}

export function bulks({ store, clock, runId, read, vault, unfit, prepare, stopping }: BulkParts): Bulks {
  const columns = "id, filter, act, actor, total, before, created, ended, stopped, done, refused";
  const sql = {
    job: store.read.prepare(`select ${columns} from bulk_jobs where id = ?`),
    jobs: store.read.prepare(`select ${columns} from bulk_jobs order by id desc limit 100`),
    open: store.read.prepare("select id from bulk_jobs where ended is null order by id"),
    refusals: store.read.prepare("select run, code, message from bulk_refusals where job = ? order by run limit ?"),
    pending: store.read.prepare("select 1 from inbox where run = ? and kind = 'operate'"),
  };
  const actIn = ({ id, act }: Row) => JSON.parse(vault.open(act, places.job(id))) as BulkAct;
  const shownAct = (row: Row): BulkJob["act"] => {
    const act = actIn(row);
    return {
      kind: act.kind,
      ...(act.kind === "rewind" ? { to: act.to } : {}),
      ...(act.kind === "restart" && act.first !== undefined ? { first: act.first } : {}),
    };
  };
  const view = (row: Row): BulkJob => {
    const { by, reason } = JSON.parse(row.actor) as Actor;
    return {
      id: row.id,
      filter: JSON.parse(row.filter) as RunFilter,
      act: shownAct(row),
      by,
      reason,
      status: row.ended === null ? "running" : row.stopped === 1 ? "stopped" : "done",
      total: row.total,
      done: row.done,
      refused: row.refused,
      createdAt: row.created,
      ...(row.ended === null ? {} : { endedAt: row.ended }),
    };
  };
  const rowOf = (id: string): Row => {
    const row = sql.job.get(id) as unknown as Row | undefined;
    if (row === undefined) throw failure("bulk-unknown", { job: id });
    return row;
  };
  const soon = (ms: number) => new Promise<void>((resolve) => void clock.later(ms, resolve));

  /** Whether the worker has taken what it was given, so that acts don't pile up before what orders need. */
  async function taken(run: string): Promise<boolean> {
    const until = clock.now() + patienceMs;
    while (sql.pending.get(run) !== undefined) {
      if (stopping() || clock.now() >= until) return false;
      await soon(pollMs);
    }
    return true;
  }

  async function work(id: string): Promise<void> {
    let patient = true;
    for (;;) {
      if (stopping()) return;
      const row = rowOf(id);
      if (row.ended !== null) return;
      const act = actIn(row);
      const actor = JSON.parse(row.actor) as Actor;
      const page = read.runs({ ...(JSON.parse(row.filter) as RunFilter), before: row.before, limit: portion });
      const last = page.at(-1);
      if (last === undefined) {
        await store.submit([{ name: "process.bulk-end", parameters: { id, stopped: false } }]);
        return;
      }
      const acts: BulkPortion["acts"][number][] = [];
      const refused: BulkRefused[] = [];
      for (const { id: run } of page) {
        // Histories are read one by one, so that requests are served in between.
        await soon(0);
        try {
          const detail = read.run(run);
          if (detail === undefined) throw failure("run-unknown", { run });
          const own = actFor(detail, act, read.value);
          const { command } = prepare(detail, own, actor);
          const problems = unfit(detail, own);
          if (problems.length > 0) throw failure("act-unfit", { act: own.kind, problems: inWords(problems) });
          acts.push(command.parameters as BulkPortion["acts"][number]);
        } catch (error) {
          const { code, message } = asMortiseError(error);
          refused.push({ run, code, message });
        }
      }
      const parameters: BulkPortion = { id, before: last.id, acts, refused, patient };
      const answer = await store.submit([{ name: "process.bulk-portion", parameters }]);
      if (answer.kind === "refused") return;
      const [waits] = answer.answers as readonly (BulkWaits | undefined)[];
      const end = acts.at(-1);
      // Another act on a run, of a person or of another job, comes first; one that nobody carries out holds up a portion only once.
      if (waits?.waitsFor !== undefined) patient = await taken(waits.waitsFor);
      else {
        patient = true;
        if (end !== undefined) await taken("of" in end ? end.of : end.run);
      }
    }
  }

  /** A full disk passes, and nothing of the portion was done. */
  async function workOn(id: string): Promise<void> {
    while (!stopping()) {
      try {
        return await work(id);
      } catch (error) {
        if (asMortiseError(error).code !== "store-full") throw error;
        await soon(fullMs);
      }
    }
  }

  /** What else fails here is the store, which the server is told of elsewhere; the job goes on at the next start. */
  const go = (id: string): void => void workOn(id).catch(() => {});

  return {
    async bulk(filter, act, actor, expect) {
      const { before: _, limit: __, ...meant } = filter;
      const total = read.count(meant);
      if (expect !== total) throw failure("runs-changed", { expected: expect, found: total });
      const id = `bulk-${runId(clock.now())}`;
      const [newest] = read.runs({ limit: 1 });
      const parameters: BulkBegin = {
        id,
        filter: JSON.stringify(meant),
        act: vault.seal(JSON.stringify(act), places.job(id)),
        actor: JSON.stringify(actor),
        total,
        before: `${newest?.id ?? ""}~`,
      };
      await store.submit([{ name: "process.bulk-begin", parameters }]);
      go(id);
      return view(rowOf(id));
    },
    bulkPreview(filter, act): BulkPreview {
      const { before: _, limit: __, ...meant } = filter;
      const page = read.runs({ ...meant, limit: lookedAt });
      const refusals = new Map<string, number>();
      const doubles = new Map<string, number>();
      const undone = new Map<string, number>();
      const stays = new Map<string, number>();
      const add = (to: Map<string, number>, name: string) => to.set(name, (to.get(name) ?? 0) + 1);
      let possible = 0;
      let looked = 0;
      const until = performance.now() + lookingMs;
      for (const { id } of page) {
        if (performance.now() > until) break;
        looked += 1;
        const run = read.run(id);
        if (run === undefined) continue;
        let preview: Preview;
        let problems: readonly Problem[];
        try {
          const own = actFor(run, act, read.value);
          preview = previewOf(run, own);
          problems = preview.possible ? unfit(run, own) : [];
        } catch {
          add(refusals, "what it was sent can't be read");
          continue;
        }
        if (problems.length > 0) {
          add(refusals, `what is given does not fit: ${inWords(problems)}`);
          continue;
        }
        if (preview.possible) possible += 1;
        else add(refusals, `not possible for a run that is ${run.status}`);
        for (const one of preview.mayDouble) add(doubles, one.operation ?? one.step);
        for (const one of preview.undoes) add(undone, one.with);
        for (const one of preview.stays) add(stays, one.operation ?? one.step);
      }
      const listed = (from: Map<string, number>) =>
        [...from].map(([what, times]) => ({ what, times })).sort((a, b) => b.times - a.times);
      return {
        act: act.kind,
        runs: read.count(meant),
        looked,
        possible,
        refused: listed(refusals),
        mayDouble: listed(doubles),
        undoes: listed(undone),
        stays: listed(stays),
      };
    },
    bulkJobs: () => (sql.jobs.all() as unknown as Row[]).map(view),
    bulkJob: (id) => ({
      ...view(rowOf(id)),
      refusals: sql.refusals.all(id, refusalsShown) as unknown as RunRefusal[],
    }),
    async bulkStop(id) {
      const { ended } = rowOf(id);
      if (ended === null) await store.submit([{ name: "process.bulk-end", parameters: { id, stopped: true } as Json }]);
    },
    resume() {
      for (const { id } of sql.open.all() as { id: string }[]) go(id);
    },
  };
}

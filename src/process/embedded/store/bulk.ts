/** Acts on many runs, in the writer thread: what is to be done, how far it is, and what was refused. A portion is one commit with its acts. */
import type { Json } from "../../../operation.ts";
import type { CommandHandler, PartContext } from "../../../store/store.ts";
import type { OperateParameters, RestartParameters } from "../wire.ts";

export interface BulkBegin {
  readonly id: string;
  readonly filter: string;
  readonly act: string;
  readonly actor: string;
  readonly total: number;
  /** Runs with a lesser id are meant; it moves on. */
  readonly before: string;
}
export interface BulkPortion {
  readonly id: string;
  readonly before: string;
  /** Of the runs in the order of the job, as what was refused. */
  readonly acts: readonly (OperateParameters | RestartParameters)[];
  readonly refused: readonly BulkRefused[];
  /** A run on which another act is still to be carried out is waited for: the portion ends before it. Else it is refused. */
  readonly patient: boolean;
}
/** What a portion answers that ended before its end. */
export interface BulkWaits {
  readonly waitsFor: string;
}
export interface BulkRefused {
  readonly run: string;
  readonly code: string;
  readonly message: string;
}

/** What the other commands of the engine lend: each gives what speaks against it. */
export interface BulkHost {
  operate(given: OperateParameters): Json | undefined;
  restart(given: RestartParameters): Json | undefined;
}

export interface StoreBulk {
  readonly commands: Record<string, CommandHandler>;
  /** Removes a portion of the jobs that ended before; answers how many rows it touched. */
  retain(before: number, portion: number): number;
}

export function storeBulk({ db, now, refuse }: PartContext, host: BulkHost): StoreBulk {
  const sql = {
    insert: db.prepare(
      "insert into bulk_jobs (id, filter, act, actor, total, before, created) values (?, ?, ?, ?, ?, ?, ?)",
    ),
    job: db.prepare("select ended from bulk_jobs where id = ?"),
    advance: db.prepare("update bulk_jobs set before = ?, done = done + ?, refused = refused + ? where id = ?"),
    end: db.prepare("update bulk_jobs set ended = ?, stopped = ? where id = ? and ended is null"),
    old: db.prepare("select id from bulk_jobs where ended < ? limit ?"),
    drop: db.prepare("delete from bulk_jobs where id = ?"),
    dropRefusals: db.prepare("delete from bulk_refusals where job = ?"),
    refusal: db.prepare("insert or replace into bulk_refusals (job, run, code, message) values (?, ?, ?, ?)"),
  };
  const commands: StoreBulk["commands"] = {
    "bulk-begin"({ id, filter, act, actor, total, before }: BulkBegin) {
      sql.insert.run(id, filter, act, actor, total, before, now());
    },
    /** Refuses with `"ended"` once the job was stopped. */
    "bulk-portion"({ id, before, acts, refused, patient }: BulkPortion): BulkWaits | undefined {
      const job = sql.job.get(id);
      if (job === undefined || job.ended !== null) refuse("ended");
      let done = 0;
      let all = [...refused];
      for (const act of acts) {
        const run = "of" in act ? act.of : act.run;
        const against = "of" in act ? host.restart(act) : host.operate(act);
        if (against === undefined) done += 1;
        else if (against === "pending" && patient) {
          // The newest come first: those after it have their turn with it.
          all = all.filter((one) => one.run > run);
          for (const one of all) sql.refusal.run(id, one.run, one.code, one.message);
          sql.advance.run(`${run}~`, done, all.length, id);
          return { waitsFor: run };
        } else all.push({ run, code: "run-operation", message: meanwhile(against) });
      }
      for (const { run, code, message } of all) sql.refusal.run(id, run, code, message);
      sql.advance.run(before, done, all.length, id);
      return undefined;
    },
    "bulk-end"({ id, stopped }: { readonly id: string; readonly stopped: boolean }) {
      if (sql.end.run(now(), stopped ? 1 : 0, id).changes === 0) refuse("ended");
    },
  };
  return {
    commands,
    retain(before, portion) {
      const old = sql.old.all(before, portion) as { id: string }[];
      for (const { id } of old) {
        sql.dropRefusals.run(id);
        sql.drop.run(id);
      }
      return old.length;
    },
  };
}

/** What came between the look at a run and the act on it, in words. */
function meanwhile(against: Json): string {
  if (against === "pending") return "Another act on it is not carried out yet.";
  if (typeof against === "string") return `It is ${against} by now.`;
  if (typeof against === "object" && against !== null && "restarted" in against)
    return `It was restarted meanwhile, as ${String(against.restarted)}.`;
  return `It changed meanwhile: ${JSON.stringify(against)}.`;
}

/** Tasks for people in the writer thread. Each is open until it is answered, or its run needs the answer no more. */
import type { PartContext } from "../../../store/store.ts";
import type { AnswerParameters, Delivery, NewTask } from "../wire.ts";

export interface StoreTasks {
  /** The run asks for an answer. */
  add(run: string, task: NewTask): void;
  /** A person's answer. Refuses where the task is not open. */
  answer(given: AnswerParameters): void;
  /** The answer to this ask of the run is needed no more. */
  close(run: string, n: number): void;
  /** Nor those to its asks from this number on. */
  closeFrom(run: string, n: number): void;
}

export function storeTasks(
  context: PartContext,
  deliver: (run: string, n: number, kind: Delivery["kind"], body: string) => void,
): StoreTasks {
  const { db, now } = context;
  const sql = {
    insert: db.prepare(
      "insert into tasks (id, run, n, process, run_key, name, title, assign, input, form, status, created, due) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?)",
    ),
    task: db.prepare("select run, n, status, due from tasks where id = ?"),
    answer: db.prepare("update tasks set status = 'answered', answered_by = ?, answered_at = ? where id = ?"),
    close: db.prepare("update tasks set status = 'closed' where run = ? and n = ? and status = 'open'"),
    closeFrom: db.prepare("update tasks set status = 'closed' where run = ? and n >= ? and status = 'open'"),
    insertTimer: db.prepare("insert or ignore into timers (due, run, n) values (?, ?, ?)"),
    dropTimer: db.prepare("delete from timers where due = ? and run = ? and n = ?"),
  };
  return {
    add(run, { id, n, process, runKey, name, title, assign, input, form, due }) {
      sql.insert.run(id, run, n, process, runKey, name, title, assign, input, form, now(), due ?? null);
      if (due !== undefined) sql.insertTimer.run(due, run, n);
    },
    answer(given) {
      const task = sql.task.get(given.task) as
        | { run: string; n: number; status: string; due: number | null }
        | undefined;
      if (task === undefined) context.refuse("unknown");
      if (task.status !== "open") context.refuse(task.status);
      sql.answer.run(given.by, now(), given.task);
      if (task.due !== null) sql.dropTimer.run(task.due, task.run, task.n);
      deliver(task.run, task.n, "answer", given.answer);
    },
    close: (run, n) => void sql.close.run(run, n),
    closeFrom: (run, n) => void sql.closeFrom.run(run, n),
  };
}

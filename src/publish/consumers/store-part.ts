/** What is kept of consumers: their plan, and whether they may call at all. The writer thread imports this module, so it imports types alone. */
import type { PartContext, StorePart } from "../../store/store.ts";

/** Parameters of `consumer.set`. Times are epoch milliseconds; null: none. */
export interface ConsumerParameters {
  readonly name: string;
  readonly plan: string | null;
  readonly contact: string | null;
  readonly disabledAt: number | null;
  readonly reason: string | null;
  readonly by: string;
}

const migrations = [
  `CREATE TABLE publish_consumers (
     name TEXT PRIMARY KEY,
     plan TEXT,
     contact TEXT,
     disabled_at INTEGER,
     reason TEXT,
     created_at INTEGER NOT NULL,
     changed_at INTEGER NOT NULL,
     changed_by TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
] as const;

export const storePart: StorePart = {
  name: "consumer",
  migrations,
  commands({ db, now }: PartContext) {
    const set = db.prepare(
      `INSERT INTO publish_consumers (name, plan, contact, disabled_at, reason, created_at, changed_at, changed_by)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
       ON CONFLICT DO UPDATE SET plan = ?2, contact = ?3, disabled_at = ?4, reason = ?5, changed_at = ?6, changed_by = ?7`,
    );
    return {
      set(p: ConsumerParameters) {
        set.run(p.name, p.plan, p.contact, p.disabledAt, p.reason, now(), p.by);
      },
    };
  },
};

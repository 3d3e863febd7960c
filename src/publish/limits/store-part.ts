/** What quotas keep: how much was used in a window. The writer thread imports this module, so it imports types alone. */
import type { PartContext, StorePart } from "../../store/store.ts";

/** Parameters of `quota.used`: what each has used by now. Times are epoch milliseconds. */
export interface QuotasParameters {
  readonly now: number;
  readonly used: readonly {
    readonly policy: string;
    readonly who: string;
    readonly begins: number;
    readonly ends: number;
    readonly used: number;
  }[];
}

const migrations = [
  `CREATE TABLE publish_quotas (
     policy TEXT NOT NULL,
     who TEXT NOT NULL,
     begins INTEGER NOT NULL,
     ends INTEGER NOT NULL,
     used REAL NOT NULL,
     PRIMARY KEY (policy, who, begins)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX publish_quotas_ends ON publish_quotas (ends);`,
] as const;

/** Windows that are over are kept this long, for whoever asks what was used. */
const keptMs = 62 * 86_400_000;
const sweepRows = 500;

export const storePart: StorePart = {
  name: "quota",
  migrations,
  commands({ db }: PartContext) {
    // A count never goes back: what was written last was the most.
    const write = db.prepare(
      `INSERT INTO publish_quotas (policy, who, begins, ends, used) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET used = max(used, excluded.used)`,
    );
    const sweep = db.prepare(
      `DELETE FROM publish_quotas WHERE (policy, who, begins) IN
         (SELECT policy, who, begins FROM publish_quotas WHERE ends <= ? ORDER BY ends LIMIT ${sweepRows})`,
    );
    return {
      used({ used, now }: QuotasParameters) {
        for (const one of used) write.run(one.policy, one.who, one.begins, one.ends, one.used);
        sweep.run(now - keptMs);
      },
    };
  },
};

/** What the store keeps of secrets: sealed values, who set them and when. The writer thread imports this module, so it imports types alone. */
import type { PartContext, StorePart } from "../../store/store.ts";

export interface SecretParameters {
  readonly name: string;
  /** Sealed: nothing else ever stands here. */
  readonly body: string;
  readonly by: string;
}

const migrations = [
  `create table secrets (
     name text primary key,
     body text not null,
     set_at integer not null,
     set_by text not null
   ) strict, without rowid;`,
] as const;

export const storePart: StorePart = {
  name: "secrets",
  migrations,
  commands({ db, now, refuse }: PartContext) {
    const set = db.prepare(
      `insert into secrets (name, body, set_at, set_by) values (?, ?, ?, ?)
       on conflict (name) do update set body = excluded.body, set_at = excluded.set_at, set_by = excluded.set_by`,
    );
    const remove = db.prepare("delete from secrets where name = ?");
    const reseal = db.prepare("update secrets set body = ? where name = ? and body = ?");
    return {
      set(p: SecretParameters) {
        set.run(p.name, p.body, now(), p.by);
      },
      /** Refuses the batch with `"unknown"` if there is none. */
      remove(p: { readonly name: string }) {
        if (remove.run(p.name).changes === 0) refuse("unknown");
      },
      /** The same value under another key; one that was set meanwhile stays. */
      reseal(p: { readonly name: string; readonly before: string; readonly body: string }) {
        reseal.run(p.body, p.name, p.before);
      },
    };
  },
};

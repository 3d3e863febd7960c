/**
 * What the store keeps of code versions: which were registered, which was promoted when and by whom, and how runs fared in
 * rehearsals. The writer thread imports this module, so it imports types alone. Promotions are only ever added to.
 */
import type { PartContext, StorePart } from "../../store/store.ts";

export interface RegisterParameters {
  readonly id: string;
  readonly by: string;
  readonly note: string;
}

export interface PromoteParameters {
  readonly version: string;
  /** What was promoted when this was decided; another one by now refuses it. */
  readonly expected: string | null;
  readonly by: string;
  readonly reason: string;
  /** `start`: a start of the server took what it found. The others are decisions of people. */
  readonly kind: "start" | "promote" | "rollback";
}

/** How one run fared. Values of the run do not stand here: they may be sensitive. */
export interface RehearsedParameters {
  readonly version: string;
  readonly run: string;
  /** Last row of the history that was replayed. */
  readonly seq: number;
  readonly verdict: string;
  readonly detail: string;
}

const migrations = [
  `create table versions (
     id text primary key,
     registered integer not null,
     registered_by text not null,
     note text not null,
     removed integer
   ) strict, without rowid;
   create table version_promotions (
     id integer primary key,
     version text not null,
     at integer not null,
     promoted_by text not null,
     reason text not null,
     kind text not null
   ) strict;
   create table version_rehearsals (
     version text not null,
     run text not null,
     seq integer not null,
     at integer not null,
     verdict text not null,
     detail text not null,
     primary key (version, run)
   ) strict, without rowid;`,
] as const;

export const storePart: StorePart = {
  name: "versions",
  migrations,
  commands({ db, now, refuse }: PartContext) {
    const register = db.prepare(
      `insert into versions (id, registered, registered_by, note) values (?, ?, ?, ?)
       on conflict (id) do update set registered = excluded.registered, registered_by = excluded.registered_by,
         note = excluded.note, removed = null where removed is not null`,
    );
    const there = db.prepare("select 1 from versions where id = ? and removed is null");
    const current = db.prepare("select version from version_promotions order by id desc limit 1");
    const promote = db.prepare(
      "insert into version_promotions (version, at, promoted_by, reason, kind) values (?, ?, ?, ?, ?)",
    );
    const remove = db.prepare("update versions set removed = ? where id = ? and removed is null");
    const forget = db.prepare("delete from version_rehearsals where version = ?");
    const rehearsed = db.prepare(
      `insert into version_rehearsals (version, run, seq, at, verdict, detail) values (?, ?, ?, ?, ?, ?)
       on conflict (version, run) do update set seq = excluded.seq, at = excluded.at, verdict = excluded.verdict,
         detail = excluded.detail`,
    );
    return {
      /** A version that is registered stays as it was. */
      register(p: RegisterParameters) {
        register.run(p.id, now(), p.by, p.note);
      },
      /** Refuses the batch with `"unknown"`, or `"moved"` where another one was promoted meanwhile. */
      promote(p: PromoteParameters) {
        if (there.get(p.version) === undefined) refuse("unknown");
        if (((current.get()?.version as string | undefined) ?? null) !== p.expected) refuse("moved");
        if (p.version !== p.expected) promote.run(p.version, now(), p.by, p.reason, p.kind);
      },
      removed(p: { readonly versions: readonly string[] }) {
        for (const id of p.versions) {
          remove.run(now(), id);
          forget.run(id);
        }
      },
      rehearsed(p: { readonly runs: readonly RehearsedParameters[] }) {
        for (const one of p.runs) rehearsed.run(one.version, one.run, one.seq, now(), one.verdict, one.detail);
      },
    };
  },
};

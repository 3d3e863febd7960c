/**
 * When a server began, or a worker of it anew: what was under way before was cut off, and of that the histories need not tell. The writer thread imports
 * this module, so it imports types alone.
 */
import type { PartContext, StorePart } from "../store/store.ts";

/** More than that are not kept. */
const mostKept = 100_000;

export const storePart: StorePart = {
  name: "lives",
  migrations: ["create table server_lives (at integer primary key, what text not null) strict;"],
  commands({ db, now }: PartContext) {
    const insert = db.prepare("insert or ignore into server_lives (at, what) values (?, ?)");
    const trim = db.prepare(
      `delete from server_lives where at <= (select at from server_lives order by at desc limit 1 offset ${mostKept})`,
    );
    return {
      begin({ what }: { readonly what: "server" | "worker" }) {
        insert.run(now(), what);
        trim.run();
      },
    };
  },
};

/**
 * What the store keeps of contracts: when each was looked at last, and what is open about it. The writer thread imports this module, so
 * it imports types alone. The number of items is bounded.
 */
import type { PartContext, StorePart } from "../../store/store.ts";

/** `changed`: the live contract differs from the pin. `unreadable`: it could not be read. `deprecated`: the system says so of an operation. */
export type ItemKind = "changed" | "unreadable" | "deprecated";

export interface LookedParameters {
  readonly system: string;
  readonly state: string;
  /** JSON. */
  readonly validators: string;
  /** Opens, or keeps open, this item, and closes what else a look may open; absent: closes both. */
  readonly item?: { readonly kind: "changed" | "unreadable"; readonly detail: string };
  /** Nothing was learned about what is open: it stays. */
  readonly unmodified?: true;
}

export interface DeprecatedParameters {
  readonly system: string;
  readonly operation: string;
  /** JSON: deprecation, sunset, link. */
  readonly detail: string;
}

const migrations = [
  `create table contract_looks (
     system text primary key,
     at integer not null,
     state text not null,
     validators text not null
   ) strict, without rowid;
   create table contract_items (
     system text not null,
     kind text not null,
     operation text not null,
     first_seen integer not null,
     last_seen integer not null,
     detail text not null,
     primary key (system, kind, operation)
   ) strict, without rowid;`,
] as const;

/** Items in all; beyond, no new one is opened. */
export const mostItems = 2000;

export const storePart: StorePart = {
  name: "contracts",
  migrations,
  commands({ db, now }: PartContext) {
    const looked = db.prepare(
      `insert into contract_looks (system, at, state, validators) values (?, ?, ?, ?)
       on conflict (system) do update set at = excluded.at, state = excluded.state, validators = excluded.validators`,
    );
    const again = db.prepare("update contract_looks set at = ? where system = ?");
    const seenAgain = db.prepare("update contract_items set last_seen = ? where system = ? and kind = 'changed'");
    const update = db.prepare(
      "update contract_items set last_seen = ?, detail = ? where system = ? and kind = ? and operation = ?",
    );
    const count = db.prepare("select count(*) as n from contract_items");
    const open = db.prepare(
      "insert into contract_items (system, kind, operation, first_seen, last_seen, detail) values (?, ?, ?, ?, ?, ?)",
    );
    const closeLook = db.prepare(
      "delete from contract_items where system = ? and kind in ('changed', 'unreadable') and kind <> ?",
    );
    const close = db.prepare("delete from contract_items where system = ? and kind = ? and operation = ?");
    const forget = db.prepare("delete from contract_items where last_seen < ?");
    const item = (system: string, kind: ItemKind, operation: string, detail: string) => {
      const at = now();
      if (update.run(at, detail, system, kind, operation).changes > 0) return;
      if ((count.get()?.n as number) < mostItems) open.run(system, kind, operation, at, at, detail);
    };
    return {
      looked(p: LookedParameters) {
        if (p.unmodified === true) {
          again.run(now(), p.system);
          seenAgain.run(now(), p.system);
          return;
        }
        looked.run(p.system, now(), p.state, p.validators);
        // What could not be read tells nothing about what was found before.
        if (p.item?.kind !== "unreadable") closeLook.run(p.system, p.item?.kind ?? "");
        if (p.item !== undefined) item(p.system, p.item.kind, "", p.item.detail);
      },
      deprecated(p: DeprecatedParameters) {
        item(p.system, "deprecated", p.operation, p.detail);
      },
      close(p: { readonly system: string; readonly kind: ItemKind; readonly operation: string }) {
        close.run(p.system, p.kind, p.operation);
      },
      /** Items that were not seen since. */
      forget(p: { readonly before: number }) {
        forget.run(p.before);
      },
    };
  },
};

/** What differs between the pinned contract and the one that the system has now, by names: operations, events, schemas, tables. */
import type { ContractModel } from "../../contract/model.ts";
import { canonicalJson } from "../../formats/json.ts";

export interface Changed {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface ContractChanges {
  readonly operations: Changed;
  readonly events: Changed;
  readonly schemas: Changed;
  /** Of a database: columns, keys, defaults, comments. */
  readonly tables: Changed;
}

type Named = Readonly<Record<string, unknown>>;

/** `undefined` where nothing differs. Words for people (summaries, titles) count as well: the contract is what is committed. */
export function changesOf(pinned: ContractModel, now: ContractModel): ContractChanges | undefined {
  const changes: ContractChanges = {
    operations: compare(pinned.operations, now.operations),
    events: compare(pinned.events, now.events),
    schemas: compare(pinned.schemas, now.schemas),
    tables: compare(
      { ...pinned.database?.tables, ...pinned.database?.types },
      { ...now.database?.tables, ...now.database?.types },
    ),
  };
  const none = Object.values(changes).every(
    ({ added, removed, changed }: Changed) => added.length + removed.length + changed.length === 0,
  );
  return none ? undefined : changes;
}

function compare(before: Named, now: Named): Changed {
  const has = (where: Named, name: string) => Object.hasOwn(where, name);
  const names = Object.keys(before);
  return {
    added: Object.keys(now).filter((name) => !has(before, name)),
    removed: names.filter((name) => !has(now, name)),
    changed: names.filter((name) => has(now, name) && canonicalJson(before[name]) !== canonicalJson(now[name])),
  };
}

/** Operations and events that no longer are what the code was written for: gone, or changed themselves or in what they refer to. */
export function touchedBy(pinned: ContractModel, changes: ContractChanges): readonly string[] {
  const schemas = new Set([...changes.schemas.changed, ...changes.schemas.removed]);
  // What refers to a changed schema has changed, too.
  for (let size = -1; size !== schemas.size; ) {
    size = schemas.size;
    for (const [name, schema] of Object.entries(pinned.schemas)) if (refersTo(schema, schemas)) schemas.add(name);
  }
  const of = (all: Named, own: Changed) =>
    Object.keys(all).filter(
      (name) => own.removed.includes(name) || own.changed.includes(name) || refersTo(all[name], schemas),
    );
  return [...of(pinned.operations, changes.operations), ...of(pinned.events, changes.events)];
}

function refersTo(value: unknown, names: ReadonlySet<string>): boolean {
  if (typeof value !== "object" || value === null) return false;
  for (const [keyword, inner] of Object.entries(value)) {
    if (keyword === "$ref" && typeof inner === "string" && names.has(inner.replace(/^#\/\$defs\//, ""))) return true;
    if (refersTo(inner, names)) return true;
  }
  return false;
}

/** `operations: +a -b ~c; schemas: ~D`: names only, cut where there are many. */
export function changesInWords(changes: ContractChanges): string {
  return Object.entries(changes)
    .map(([what, { added, removed, changed }]: [string, Changed]) => {
      const signs = [
        ...removed.map((name) => `-${name}`),
        ...changed.map((name) => `~${name}`),
        ...added.map((name) => `+${name}`),
      ];
      if (signs.length === 0) return "";
      return `${what}: ${signs.slice(0, 8).join(" ")}${signs.length > 8 ? ` and ${signs.length - 8} more` : ""}`;
    })
    .filter((text) => text !== "")
    .join("; ");
}

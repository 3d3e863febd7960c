/** What is known of contracts: read from the store, changed by commands of the writer. */
import type { Command, Store } from "../../store/store.ts";
import type { Validator } from "./look.ts";
import type { DeprecatedParameters, ItemKind, LookedParameters } from "./store-part.ts";

/** Something about a contract that somebody should look at. It is open until it is no longer seen, or closed by hand. */
export interface ContractItem {
  readonly system: string;
  readonly kind: ItemKind;
  /** Of `deprecated`; else empty. */
  readonly operation: string;
  /** Epoch milliseconds. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** What was found; see `Look` and `Deprecation`. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface LastLook {
  readonly at: number;
  readonly state: string;
  readonly validators: readonly Validator[];
}

export interface ContractBook {
  last(system: string): LastLook | undefined;
  /** By system, kind and operation. */
  items(): readonly ContractItem[];
  looked(given: LookedParameters): Promise<void>;
  deprecated(given: DeprecatedParameters): Promise<void>;
  close(item: Pick<ContractItem, "system" | "kind" | "operation">, alongside: readonly Command[]): Promise<void>;
  forget(before: number): Promise<void>;
}

export function openContractBook(store: Pick<Store, "submit" | "read">): ContractBook {
  const find = store.read.prepare("select at, state, validators from contract_looks where system = ?");
  const all = store.read.prepare(
    `select system, kind, operation, first_seen as "firstSeen", last_seen as "lastSeen", detail from contract_items
     order by system, kind, operation`,
  );
  const submit = async (name: string, parameters: unknown, alongside: readonly Command[] = []) => {
    await store.submit([...alongside, { name: `contracts.${name}`, parameters }]);
  };
  return {
    last(system) {
      const row = find.get(system);
      if (row === undefined) return undefined;
      const { at, state, validators } = row as { at: number; state: string; validators: string };
      return { at, state, validators: JSON.parse(validators) as Validator[] };
    },
    items: () =>
      all.all().map((row) => ({ ...row, detail: JSON.parse(row.detail as string) }) as unknown as ContractItem),
    looked: (given) => submit("looked", given),
    deprecated: (given) => submit("deprecated", given),
    close: ({ system, kind, operation }, alongside) => submit("close", { system, kind, operation }, alongside),
    forget: (before) => submit("forget", { before }),
  };
}

/** What callers have used of their quotas: in memory, read from the store at first sight, written behind. */
import type { Store } from "../../store/store.ts";
import type { QuotasParameters } from "./store-part.ts";

export interface QuotaBook {
  /** What `who` has used of a policy in the window that begins at `from`. */
  used(policy: string, who: string, from: number): number;
  add(policy: string, who: string, window: { readonly from: number; readonly to: number }, cost: number): void;
  /** Writes what was added, and forgets windows that are over. */
  flush(): Promise<void>;
}

interface Entry {
  readonly policy: string;
  readonly who: string;
  readonly from: number;
  to: number;
  used: number;
  changed: boolean;
}

/** Entries that memory holds at most between two writes' clean-ups; what was written is read again when it is wanted. */
const mostKept = 100_000;

export function openQuotaBook(store: Pick<Store, "submit" | "read">, clock: () => number): QuotaBook {
  const row = store.read.prepare("SELECT used FROM publish_quotas WHERE policy = ? AND who = ? AND begins = ?");
  const entries = new Map<string, Entry>();

  function entryOf(policy: string, who: string, from: number): Entry {
    const id = JSON.stringify([policy, who, from]);
    let entry = entries.get(id);
    if (entry === undefined) {
      const used = Number((row.get(policy, who, from) as { used: number } | undefined)?.used ?? 0);
      entry = { policy, who, from, to: from, used, changed: false };
      entries.set(id, entry);
    }
    return entry;
  }

  return {
    used: (policy, who, from) => entryOf(policy, who, from).used,
    add(policy, who, { from, to }, cost) {
      const entry = entryOf(policy, who, from);
      entry.used += cost;
      entry.to = to;
      entry.changed = true;
    },
    async flush() {
      const changed = [...entries.values()].filter((entry) => entry.changed);
      const now = clock();
      if (changed.length > 0) {
        const parameters: QuotasParameters = {
          now,
          used: changed.map(({ policy, who, from, to, used }) => ({ policy, who, begins: from, ends: to, used })),
        };
        for (const entry of changed) entry.changed = false;
        try {
          await store.submit([{ name: "quota.used", parameters }]);
        } catch (error) {
          for (const entry of changed) entry.changed = true;
          throw error;
        }
      }
      for (const [id, entry] of entries)
        if (!entry.changed && (entry.to <= now || entries.size > mostKept)) entries.delete(id);
    },
  };
}

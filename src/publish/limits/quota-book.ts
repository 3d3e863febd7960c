/**
 * What callers have used of their quotas: in memory, read from the store at first sight. What is a noticeable share of its quota is written
 * at once, the rest behind, so that no crash gives a quota back.
 */
import type { Store } from "../../store/store.ts";
import type { QuotasParameters } from "./store-part.ts";

export interface QuotaBook {
  /** What `who` has used of a policy in the window that begins at `from`. */
  used(policy: string, who: string, from: number): number;
  /**
   * Counts. `mostUnwritten`: what of it may be forgotten by a crash; from there on it is written now, and the promise resolves when it is on disk. It
   * never rejects: what could not be written stays counted, and is written with the next.
   */
  add(
    policy: string,
    who: string,
    window: { readonly from: number; readonly to: number },
    cost: number,
    mostUnwritten: number,
  ): Promise<void> | undefined;
  /** Writes what was added, and forgets windows that are over. */
  flush(): Promise<void>;
}

interface Entry {
  readonly policy: string;
  readonly who: string;
  readonly from: number;
  to: number;
  used: number;
  /** Of `used`: what is on its way to the disk, and what is there. */
  sent: number;
  written: number;
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
      entry = { policy, who, from, to: from, used, sent: used, written: used };
      entries.set(id, entry);
    }
    return entry;
  }

  async function write(some: readonly Entry[]): Promise<void> {
    const now = clock();
    const used = some.map(({ policy, who, from, to, used }) => ({ policy, who, begins: from, ends: to, used }));
    for (const entry of some) entry.sent = entry.used;
    try {
      await store.submit([{ name: "quota.used", parameters: { now, used } satisfies QuotasParameters }]);
      for (const [at, entry] of some.entries()) entry.written = Math.max(entry.written, used[at]?.used ?? 0);
    } catch (error) {
      for (const entry of some) entry.sent = entry.written;
      throw error;
    }
  }

  return {
    used: (policy, who, from) => entryOf(policy, who, from).used,
    add(policy, who, { from, to }, cost, mostUnwritten) {
      const entry = entryOf(policy, who, from);
      entry.used += cost;
      entry.to = to;
      const unwritten = entry.used - entry.sent;
      if (unwritten === 0 || unwritten < mostUnwritten) return undefined;
      // The write behind tells of a store that takes nothing.
      return write([entry]).catch(() => {});
    },
    async flush() {
      const now = clock();
      const changed = [...entries.values()].filter(({ used, sent }) => used !== sent);
      if (changed.length > 0) await write(changed);
      for (const [id, { to, used, written }] of entries)
        if (used === written && (to <= now || entries.size > mostKept)) entries.delete(id);
    },
  };
}

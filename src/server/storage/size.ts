/** What takes space in a server's store, by what it is to its people, and what makes it less. */
import { type StoreSize, storeSize } from "../../store/size.ts";

export interface SizePart {
  readonly part: string;
  readonly tables: readonly string[];
  readonly rows: number;
  /** Of its pages and those of its indexes. */
  readonly bytes: number;
  /** What it is, and what removes it. */
  readonly note: string;
}
export interface StoreView extends Omit<StoreSize, "tables"> {
  readonly file: string;
  /** Largest first. */
  readonly parts: readonly SizePart[];
  readonly advice: readonly string[];
}

const kinds: readonly { readonly part: string; readonly tables: readonly string[]; readonly note: string }[] = [
  {
    part: "histories",
    tables: ["history"],
    note: "of ended runs they go after history.retention, or above history.atMost",
  },
  { part: "values", tables: ["stored_values"], note: "of more than 128 kB; each goes with its run's history" },
  {
    part: "runs",
    tables: ["runs", "run_totals", "run_states", "restarts", "parents"],
    note: "with their business keys; of ended runs they go after history.keys",
  },
  {
    part: "events",
    tables: ["signals", "waits", "late_rules", "inbox"],
    note: "those that came, and who waits; they go after history.keys",
  },
  { part: "tasks", tables: ["tasks"], note: "each goes with its run's history" },
  {
    part: "idempotency",
    tables: ["publish_idempotency"],
    note: "keys and answers of requests; they go when they expire",
  },
  {
    part: "usage",
    tables: ["lifecycle_usage", "lifecycle_strays"],
    note: "who called what on which day; it goes after lifecycle.usage",
  },
  { part: "audit", tables: ["admin_audit"], note: "who changed what; it is kept" },
  {
    part: "keys",
    tables: ["publish_keys", "admin_tokens", "encryption_keys", "secrets"],
    note: "of consumers, of the admin API, the ids of those that encrypt, and secrets, encrypted",
  },
  {
    part: "queues",
    tables: ["gates", "lanes", "queue", "timers", "schedules"],
    note: "limits, timers and schedules; they go with what waits",
  },
  { part: "bulk jobs", tables: ["bulk_jobs", "bulk_refusals"], note: "acts on many runs; they go after history.keys" },
];
const other = { part: "other", note: "code versions, and what SQLite and Mortise keep of themselves" };

/** The tables that are looked at last. */
const large = ["stored_values", "history"];
/** From these shares on something is said. */
const muchFree = 0.25;
const leastFreeBytes = 64 * 1024 * 1024;
const longJournalBytes = 256 * 1024 * 1024;

/** One measurement at a time: who asks meanwhile gets the same. */
export function sizeOf(file: string): () => Promise<StoreView> {
  let measuring: Promise<StoreView> | undefined;
  return () => {
    measuring ??= storeSize({ file, last: large })
      .then((size) => viewOf(file, size))
      .finally(() => {
        measuring = undefined;
      });
    return measuring;
  };
}

export function viewOf(file: string, { tables, ...size }: StoreSize): StoreView {
  const parts = new Map<string, { part: string; tables: string[]; rows: number; bytes: number; note: string }>();
  for (const { name, rows, bytes, indexBytes } of tables) {
    const { part, note } = kinds.find((kind) => kind.tables.includes(name)) ?? other;
    const found = parts.get(part) ?? { part, tables: [], rows: 0, bytes: 0, note };
    parts.set(part, found);
    found.tables.push(name);
    found.rows += rows;
    found.bytes += bytes + indexBytes;
  }
  const sorted = [...parts.values()].sort((a, b) => b.bytes - a.bytes);
  return { file, ...size, parts: sorted, advice: adviceOf(size, sorted) };
}

function adviceOf(size: Omit<StoreSize, "tables">, parts: readonly SizePart[]): readonly string[] {
  const advice: string[] = [];
  const [largest] = parts;
  if (largest?.part === "histories" || largest?.part === "values") {
    advice.push(
      "Histories take most of it: a shorter history.retention, or a lower history.atMost, removes those of ended runs within the hour. A process can say its own.",
    );
  }
  if (size.freeBytes > leastFreeBytes && size.freeBytes > size.bytes * muchFree) {
    advice.push(
      "Much of the file is free, and is used for new runs. To make the file smaller once, stop the server and let SQLite write it anew (vacuum).",
    );
  }
  if (size.journalBytes > longJournalBytes) {
    advice.push(
      "The journal is long: something reads from the store for a long time, such as a backup. It is used anew once that ends.",
    );
  }
  if (size.leftBytes > 0)
    advice.push("There was no time to look at all pages: the largest parts are at least so large, and have more rows.");
  return advice;
}

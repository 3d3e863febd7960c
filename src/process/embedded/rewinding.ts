/** What a rewind gives back: events that superseded receives had taken are kept for the receives that are asked anew. */
import type { AskRecord, GotRecord, HistoryRecord } from "./records.ts";
import type { Step } from "./steps.ts";
import type { Rewind } from "./wire.ts";

/** The receives from ask `from` on, each with the event that it got. A run that rests knows its records, a living one its steps. */
export function receivesFrom(
  from: number,
  records: readonly HistoryRecord[],
  steps: ReadonlyMap<number, Step>,
): Rewind["events"] {
  const asks = new Map<number, AskRecord>();
  const gots = new Map<number, GotRecord>();
  const superseded = new Set<number>();
  for (const record of records) {
    if (record.t === "ask") asks.set(record.n, record);
    else if (record.t === "got") gots.set(record.n, record);
    else if (record.t === "rewound") for (const n of asks.keys()) if (n >= record.n) superseded.add(n);
  }
  for (const { ask, got } of steps.values()) {
    asks.set(ask.n, ask);
    if (got !== undefined) gots.set(ask.n, got);
  }
  const events: { n: number; event: string; key: string; payload?: string }[] = [];
  for (const { n, ev, key } of asks.values()) {
    if (n < from || superseded.has(n) || ev === undefined || key === undefined) continue;
    const ok = gots.get(n)?.ok;
    events.push({ n, event: ev, key, ...(ok === undefined ? {} : { payload: JSON.stringify(ok) }) });
  }
  return events;
}

/** What a rewind superseded, and what it gives back: events that superseded receives had taken are kept for the receives that are asked anew. */
import { type AskRecord, finishedIn, type GotRecord, type HistoryRecord } from "../history/records.ts";
import type { Rewind } from "../wire.ts";
import type { Step } from "./steps.ts";

/** The asks of a history, and those of them that rewinds superseded. */
function rewinds(records: readonly HistoryRecord[]) {
  const asks = new Map<number, AskRecord>();
  const superseded = new Set<number>();
  const finished = finishedIn(records);
  /** Whether it stands in an item that is over of a map that was asked before this number. */
  const stays = (s: AskRecord["s"], before: number): boolean =>
    s !== undefined && ((s[0] < before && finished.covers(s)) || stays(asks.get(s[0])?.s, before));
  for (const record of records) {
    if (record.t === "ask") asks.set(record.n, record);
    else if (record.t === "rewound")
      for (const { n, s } of asks.values()) if (n >= record.n && !stays(s, record.n)) superseded.add(n);
  }
  return { asks, superseded, stays };
}

/** Steps that a rewind superseded: what they asked was asked anew, where the code still asks it. */
export function supersededIn(records: readonly HistoryRecord[]): ReadonlySet<number> {
  return rewinds(records).superseded;
}

/**
 * The receives from ask `from` on, each with the event that it got: as the history on disk knows them, and the steps in memory, of
 * which something may still be on its way there. What items of maps did that are over stays, if the map stays.
 */
export function receivesFrom(
  from: number,
  records: readonly HistoryRecord[],
  steps: ReadonlyMap<number, Step>,
): Rewind["events"] {
  const gots = new Map<number, GotRecord>();
  const { asks, superseded, stays } = rewinds(records);
  for (const record of records) if (record.t === "got") gots.set(record.n, record);
  for (const { ask, got } of steps.values()) {
    asks.set(ask.n, ask);
    if (got !== undefined) gots.set(ask.n, got);
  }
  const events: { n: number; event: string; key: string; payload?: string }[] = [];
  for (const { n, ev, key, s } of asks.values()) {
    if (n < from || superseded.has(n) || ev === undefined || key === undefined || stays(s, from)) continue;
    const ok = gots.get(n)?.ok;
    events.push({ n, event: ev, key, ...(ok === undefined ? {} : { payload: JSON.stringify(ok) }) });
  }
  return events;
}
